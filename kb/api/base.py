"""A knowledge base, opened: what every front calls."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened, unheard, unwatched
from kb.config.kb_toml import find_config
from kb.errors import IndexBusy, KbError
from kb.progress import Progress

if TYPE_CHECKING:
    from kb.api.results import Exported, Ledger, ListedPaper, PaperView, Status
    from kb.claims.ledger import Entry
    from kb.config.settings import Setting
    from kb.config.sources import Source
    from kb.exchange.adding import Outcome
    from kb.exchange.export.obsidian import Written
    from kb.exchange.export.works import Work
    from kb.index.claim_states import ClaimState
    from kb.index.encoders.catalog import EncoderState
    from kb.index.encoders.exported import OnnxEncoder
    from kb.index.sqlite.ledger import ClaimRow
    from kb.index.sqlite.papers import PaperRow
    from kb.index.sqlite.reader import Reader
    from kb.index.translation import Meaning
    from kb.notes.checking.findings import Finding
    from kb.notes.marked import State
    from kb.reports.duplicates import Duplicates
    from kb.reports.options import Layout
    from kb.reports.periods import Period
    from kb.reports.trends import Trends
    from kb.search.answer import Answer
    from kb.search.judge import Verdict


def open_base(start: Path | str | None = None) -> "KnowledgeBase":
    """Return the knowledge base that a folder is, or lies in; the current folder if none is named.

    Raises: KbError if there is none, or its kb.toml cannot be read.
    """
    return KnowledgeBase(find_config(Path(start).expanduser() if start is not None else Path()))


def advice(text: str) -> tuple[str, ...]:
    """Return what in a query may be meant otherwise than it is understood, a line each.

    Raises: KbError if it uses a field wrongly.
    """
    from kb.index.query import parse_query

    return tuple(parse_query(text).advice)


class KnowledgeBase(Opened):
    """The use cases of one knowledge base, safe from several threads.

    Imports stand in the methods: a short command waits for no room that it does not ask.
    """

    def status(self) -> "Status":
        """Return what the index holds of each file, and what lies among the notes and is none."""
        from kb.api.results import FileStatus, Status
        from kb.notes.others import others

        reader = self.reader()
        papers = reader.papers
        states = reader.files.states().values()
        files = [FileStatus(one, papers.count(one.path), papers.count_texts(one.path)) for one in states]
        return Status(tuple(files), tuple(others(self.config)))

    # Searches

    def search(self, text: str, *, limit: int = 10, fuzzy: bool = False) -> "Answer":
        """Return the papers that answer a query, the best first; limit 0 returns all.

        fuzzy looks for what mistyped Latin words may mean, too. Raises: KbError if a field is used wrongly.
        """
        from kb.search.find import search

        encoder, notice = self.encoder()
        answer = search(self.config, self.reader(), text, limit, encoder, is_fuzzy=fuzzy)
        return answer._replace(notice=answer.notice or notice)

    def similar(self, texts: Sequence[str], *, limit: int = 10, fields: str = "") -> "Answer":
        """Return the papers most like the passages of a text; fields such as month:2024 narrow them."""
        from kb.search.similar import similar

        encoder, notice = self.encoder()
        answer = similar(self.config, self.reader(), texts, limit, encoder, narrowed=fields)
        return answer._replace(notice=answer.notice or notice)

    def similar_to_file(self, path: Path, *, limit: int = 10, fields: str = "") -> "Answer":
        """Return the papers most like a note or a text file."""
        from kb.search.samples import passages_of_file

        return self.similar(passages_of_file(path), limit=limit, fields=fields)

    def related(self, name: str, *, limit: int = 5) -> "Answer":
        """Return the papers most like one. Raises: KbError if name names none, or several."""
        from kb.search.similar import similar

        encoder, notice = self.encoder()
        reader = self.reader()
        paper = self._named(reader, name)
        texts = [f"{paper.title}\n{passage.text}" for passage in reader.passages.of(paper.key)] or [paper.title]
        answer = similar(self.config, reader, texts, limit, encoder, without=paper.key)
        return answer._replace(notice=answer.notice or notice)

    def corrections(self, text: str) -> "tuple[Meaning, ...]":
        """Return what the Latin words of a query that stand in no paper may have been meant to be."""
        from kb.index.query import parse_query
        from kb.search.spelling import corrections

        return corrections(self.reader(), parse_query(text))

    def gloss(self, text: str) -> "tuple[Meaning, ...]":
        """Return what words stand for in the other language."""
        from kb.index.query import parse_query
        from kb.index.translation import open_gloss

        table = open_gloss(self.config.index)
        return table.expand(parse_query(text))[1] if table else ()

    def judge(self, path: Path, *, limit: int = 10) -> "Verdict":
        """Judge searches by one's own queries: lines of a query, a tab, and the papers it should find."""
        from kb.search.find import search
        from kb.search.judge import judge, read_judgments

        encoder, _ = self.encoder()
        reader = self.reader()

        def ask(query: str) -> list[int]:
            hits = search(self.config, reader, query, limit, encoder).hits
            return list(dict.fromkeys(reader.works.notes_of(hit.paper.key)[0] for hit in hits))

        return judge(read_judgments(path, reader), ask, limit)

    # Papers

    def papers(self, query: str = "", *, limit: int = 0) -> "list[ListedPaper]":
        """Return the papers that a query leaves, newest month first; limit 0 returns all.

        Raises: KbError or OSError if marks.toml cannot be read and may name one of them.
        """
        reader = self.reader()
        return self._listed(reader, self._rows(reader, query, limit))

    def rows(self, query: str = "", *, limit: int = 0) -> "list[PaperRow]":
        """Return what papers does, without what the reader said of them."""
        return self._rows(self.reader(), query, limit)

    def states(self, keys: Sequence[int]) -> "tuple[dict[int, State], tuple[str, ...]]":
        """Return what the reader has starred and read of papers, by key, and what a person should know.

        Where marks.toml cannot be read it is what the notes star.
        """
        return self._said(self.reader(), keys)

    def paper(self, name: str) -> "PaperView":
        """Return one paper with all that its notes say. Raises: KbError if name names none, or several."""
        reader = self.reader()
        return self._view(reader, self._named(reader, name))

    def address(self, view: "PaperView") -> str | None:
        """Return where on the web a paper is best read; None if its notes link to nothing there."""
        from kb.notes.web_address import best_address

        names = self.reader().marks.known_as([view.paper.key])[view.paper.key].names
        return best_address(names, view.merged["links"])

    def any_paper(self, query: str = "") -> "PaperView":
        """Return a paper by chance, of those that a query leaves. Raises: KbError if it leaves none."""
        from secrets import choice

        from kb.search.build_hits import best_notes

        reader = self.reader()
        papers = {one.key: one for one in self._rows(reader, query, 0) if one.kind != "note"}
        if not papers:
            raise KbError("no paper to choose from; ask for less, or see what there is with: kb list")
        return self._view(reader, papers[choice(best_notes(reader, list(papers)))])

    def mark(self, action: str, names: Sequence[str]) -> "list[ListedPaper]":
        """Star papers or mark them as read in marks.toml, or take it back, and return them.

        action is "star", "unstar", "read" or "unread".
        """
        from datetime import date

        from kb.markup.safe import clean
        from kb.notes import marks

        reader = self.reader()
        papers = {paper.key: paper for paper in (self._named(reader, name) for name in names)}
        known = reader.marks.known_as(papers)
        targets = [marks.Target(known[key], clean(paper.title)) for key, paper in papers.items()]
        with self._writing:
            marks.mark(self.config.marks, targets, action, date.today().isoformat())
        return self._listed(reader, list(papers.values()))

    def _rows(self, reader: "Reader", query: str, limit: int) -> "list[PaperRow]":
        from kb.index.query import parse_query

        return reader.listed(parse_query(query))[: limit or None]

    def _listed(self, reader: "Reader", rows: "Sequence[PaperRow]") -> "list[ListedPaper]":
        from kb.api.results import ListedPaper

        states = self._states(reader, [one.key for one in rows])
        return [ListedPaper(one, states[one.key]) for one in rows]

    def _states(self, reader: "Reader", keys: Sequence[int]) -> "dict[int, State]":
        import json

        from kb.terms import VARIANTS

        path = self.config.marks
        if path.is_file():
            known = reader.marks.known_as(keys)
            names = [json.dumps(name, ensure_ascii=False) for one in known.values() for name in one.names]
            marks = path.read_bytes().decode("utf-8", "replace").translate(VARIANTS)
            if any(name.translate(VARIANTS) in marks for name in names):  # else the file need not be understood
                from kb.notes.marks import states

                return states(path, known)
        return self._noted(reader, keys)

    def _said(self, reader: "Reader", keys: Sequence[int]) -> "tuple[dict[int, State], tuple[str, ...]]":
        try:
            return self._states(reader, keys), ()
        except (KbError, OSError) as error:
            return self._noted(reader, keys), (str(error),)

    def _noted(self, reader: "Reader", keys: Sequence[int]) -> "dict[int, State]":
        from kb.notes.marked import IN_NOTE, State

        starred = reader.marks.starred(keys)
        return {key: State(IN_NOTE if key in starred else None) for key in keys}

    def _named(self, reader: "Reader", name: str) -> "PaperRow":
        papers = reader.papers.named(name)
        if not papers:
            raise KbError(f"no paper named {name!r}; look for it with: kb search {name}")
        if not reader.works.are_one([paper.key for paper in papers]):
            some = ", ".join(paper.id for paper in papers[:5]) + (", …" if len(papers) > 5 else "")
            raise KbError(f"{name!r} names {len(papers)} papers: {some}; say more of the name")
        return papers[0]

    def _view(self, reader: "Reader", paper: "PaperRow") -> "PaperView":
        import json

        from kb.api.results import PaperView
        from kb.claims.catalog import runnable
        from kb.notes.merging import merged

        states, notices = self._said(reader, [paper.key])
        records = {key: json.loads(reader.papers.record(key)) for key in reader.works.notes_of(paper.key)}
        whole = merged(list(records.values()))
        ledger = _ledger(reader.claims.of_papers(record["id"] for record in records.values()))
        names = runnable((whole["short_name"], whole["title"], whole["arxiv_id"]))
        return PaperView(paper, records, whole, names, ledger, states[paper.key], notices)

    # Counts and reports

    def duplicates(self) -> "Duplicates":
        """Return pairs of records that may be one paper."""
        from kb.reports.duplicates import find_duplicates

        return find_duplicates(self.config, self.reader())

    def tags(self) -> list[tuple[str, int]]:
        """Return (keyword, papers), the most frequent first."""
        from kb.index.sqlite.lists import count_names

        return count_names(self.reader().papers.column("keywords"))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return counts of papers by month, kind, organization and kind of link."""
        from kb.reports.counts import statistics

        return statistics(self.reader())

    def trends(self, period: "Period", *, limit: int = 12) -> "Trends":
        """Return the papers of each keyword by month."""
        from kb.reports.trends import trends

        return trends(self.reader(), period, limit)

    def months(self) -> list[str]:
        """Return the months with papers, newest first."""
        return [month for month, _ in self.reader().papers.months() if month]

    def publish(self, period: "Period", layout: "Layout", out: Path | None = None) -> str:
        """Return the digest of some months as text, and write it to out if that is given.

        Raises: KbError if out cannot be written or lies among the notes, or if a template is amiss.
        """
        from kb.reports.publish import publish

        return publish(self.config, self.reader(), period, layout, out)

    def publish_all(self, layout: "Layout", folder: Path) -> list[Path]:
        """Write the digest of every month to a folder, and return the files."""
        from kb.reports.publish import publish_all

        return publish_all(self.config, self.reader(), layout, folder)

    # From and to other programs

    def add(
        self,
        typed: Sequence[str],
        *,
        month: str | None = None,
        write: bool = False,
        offline: bool = False,
        tell: Callable[[str], None] = unheard,
    ) -> "Iterator[Outcome]":
        """Yield what comes of each paper that was typed: its entry, and with write the note that holds it then.

        month is "2024-10", else this month. arXiv and Crossref are asked, and tell hears of waiting; offline, ids
        become stubs. One that cannot be added does not keep the others from it. Raises: KbError for what is no month.
        """
        from contextlib import nullcontext
        from datetime import date

        from kb.exchange.adding import Plan, add_papers
        from kb.exchange.adding.fetching import opened

        today = date.today()
        if month is not None and not re.fullmatch(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])", month):
            raise KbError(f"--month should look like 2024-10, got {month!r}")
        plan = Plan(self.config, month or f"{today:%Y-%m}", today.isoformat(), write)
        with nullcontext() if offline else opened(tell) as online:
            yield from add_papers(plan, self.reader(), typed, online)

    def export(self, query: str = "", form: str = "bibtex") -> "Exported":
        """Return the papers that a query leaves in a format: "bibtex", "csl-json", "ris", "jsonl" or "csv"."""
        from kb.api.results import Exported
        from kb.exchange.export.formats import RENDERERS

        found = self._works(query)
        return Exported(len(found), RENDERERS[form](found))

    def export_file(self, query: str, form: str, path: Path) -> int:
        """Write what export returns to a file, and return how many papers that are; none writes nothing.

        Raises: KbError if the file cannot be written or lies among the notes.
        """
        from kb.exchange.export.formats import write_file

        if found := self._works(query):
            write_file(self.config, found, form, path)
        return len(found)

    def export_vault(self, query: str, folder: Path) -> "Written | None":
        """Write a note of an Obsidian vault for each paper, and return what was done; None if there is no paper."""
        from kb.exchange.export.formats import write_vault

        found = self._works(query)
        return write_vault(self.config, self.reader(), found, folder) if found else None

    def _works(self, query: str) -> "list[Work]":
        from kb.exchange.export.works import works
        from kb.index.query import parse_query

        return works(self.reader(), parse_query(query))

    # Claims

    def claims(self, target: str | None = None, state: "ClaimState | None" = None) -> "Ledger":
        """Return what the notes claim, and what came of it; of one claim, every run.

        target is a month, a claim, or part of a paper's name.
        """
        from kb.claims.ledger import select

        reader = self.reader()
        rows = [row for row in select(reader, target) if state in (None, row.state)]
        return _ledger(rows)._replace(runs=tuple(reader.claims.runs(target)) if target else ())

    def verify(
        self, target: str | None = None, progress: Progress = unwatched, *, limit_seconds: float | None = None
    ) -> "Ledger":
        """Run what the notes claim, keep the runs, and return what came of it.

        limit_seconds is how much of a processor's time one claim may take; LIMIT_SECONDS of kb.claims.running else.
        """
        from kb.claims.ledger import select

        self.run_claims(select(self.reader(), target), progress, limit_seconds)
        return _ledger(select(self.reader(), target))

    def run_claims(
        self, rows: "Sequence[ClaimRow]", progress: Progress = unwatched, limit_seconds: float | None = None
    ) -> None:
        """Run claims and keep the runs. Raises: IndexBusy if the index cannot be written."""
        from kb.claims.running import LIMIT_SECONDS
        from kb.claims.verifying import verify
        from kb.index.sqlite.writer import Writer

        runs = verify(rows, progress, limit_seconds or LIMIT_SECONDS)
        with self._writing, closing(Writer(self.config.database)) as writer, writer.transaction():
            writer.put_runs(runs)

    def claims_running(self, algorithm: str) -> "list[Entry]":
        """Return the claims that run an algorithm, by its name as it is typed: "mini-codec"."""
        from kb.claims.ledger import running

        return running(self.reader(), algorithm)

    def claims_by_algorithm(self) -> dict[str, int]:
        """Return how many claims run each algorithm."""
        from kb.claims.ledger import count_runs

        return count_runs(self.reader())

    def run_stale_claims(self, period: "Period", progress: Progress = unwatched) -> tuple[str, ...]:
        """Run the claims of some months whose code or figures have changed, and return what a person should know."""
        stale = [row for row in self.reader().claims.of_months(*period) if row.state == "stale"]
        if not stale:
            return ()
        try:
            self.run_claims(stale, progress)
        except IndexBusy as error:
            return (f"claims are shown as they were: {error}",)
        return ()

    # Its notes, its settings, its encoders

    def check(self) -> "list[Finding]":
        """Return what in the notes is likely not meant, but for the rules that kb.toml ignores."""
        from kb.api.alone import check

        return check(self.config.notes, self.config.ignored_rules)

    def import_source(self, path: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> "Source":
        """Take a folder of notes or a library in, where it lies, by an entry in kb.toml.

        include and exclude are patterns of fnmatch for the paths below a folder. Raises: KbError if it cannot be taken.
        """
        from kb.notes.importing import import_source

        return import_source(self.config, path, include, exclude)

    def settings(self, root_origin: str = "", name: str | None = None) -> "list[Setting]":
        """Return every setting and where it comes from, or the one of a name; root_origin is where the folder does.

        Raises: KbError if there is none of that name.
        """
        from os import environ

        from kb.config.settings import setting, settings

        found = settings(self.config, root_origin, environ)
        return [setting(found, name)] if name else found

    def encoders(self) -> "list[EncoderState]":
        """Return the encoders on this machine."""
        from kb.index.encoders.catalog import encoders

        return encoders(self.config.index, self.config.encoder)

    def fetch_encoder(self, model: str) -> "OnnxEncoder":
        """Download a model and set it up. Raises: KbError if it cannot be had."""
        from kb.index.encoders.models import fetch_model

        fetch_model(self.config.index, model)
        return self.export_encoder(model)

    def export_encoder(self, model: str | None = None) -> "OnnxEncoder":
        """Set an encoder up anew from its model: the one in use if none is named. Raises: KbError if that is none."""
        from kb.config.kb_toml import NO_ENCODER
        from kb.index.encoders.exporting import export_encoder

        name = model or self.config.encoder
        if name == NO_ENCODER:
            raise KbError("kb.toml names no encoder; name one: kb encoder export minilm")
        return export_encoder(self.config.root, self.config.index, name)

    def use_encoder(self, model: str) -> bool:
        """Make kb.toml name an encoder, set up first where it is not, or "none"; return whether it is one."""
        from kb.config.kb_toml import NO_ENCODER, set_encoder
        from kb.index.encoders.exported import open_encoder

        if model != NO_ENCODER and not open_encoder(self.config.index, model):
            self.export_encoder(model)
        set_encoder(self.config, model)
        return model != NO_ENCODER


def _ledger(rows: "Sequence[ClaimRow]") -> "Ledger":
    from kb.api.results import Ledger
    from kb.claims.ledger import entry, summary

    found = tuple(map(entry, rows))
    return Ledger(summary(found), found)
