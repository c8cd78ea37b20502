"""Papers one by one and in lists, and what their reader said of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb.api.opened import Opened
from kb.errors import Ambiguous, KbError, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from kb.api.results import ListedPaper, PaperView
    from kb.index.sqlite.papers import PaperRow
    from kb.index.sqlite.reader import Reader
    from kb.notes.marked import State


class PaperCases(Opened):
    """Use cases of papers, one by one and in lists."""

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
        return self._view(reader, named(reader, name))

    def address(self, view: "PaperView") -> str | None:
        """Return where on the web a paper is best read; None if its notes name no id and link to nothing there."""
        from kb.notes.web_address import best_address

        names = self.reader().marks.known_as([view.paper.key])[view.paper.key].names
        written = {"arxiv": view.merged["arxiv_id"], "doi": view.merged["doi"]}
        ids = [f"{kind}:{value}" for kind, value in written.items() if value]
        return best_address((*names, *ids), view.merged["links"])

    def editable(self, view: "PaperView") -> "tuple[Path, int] | None":
        """Return the file and line of a paper's newest note; None if it stands in a database, which nobody edits."""
        from kb.config.sources import is_database

        paper = view.paper
        return None if is_database(paper.file) else (self.config.path_of(paper.file), paper.line)

    def picture(self, file: str) -> "Path | None":
        """Return a picture that lies among the notes; None if there is none, or the file is no picture.

        file is named as files of notes are: "2024/codec.png" beside 2024/10.md.
        """
        from kb.notes.pictures import picture

        return picture(self.config, file)

    def any_paper(self, query: str = "") -> "PaperView":
        """Return a paper by chance, of those that a query leaves. Raises: KbError if it leaves none."""
        from secrets import choice

        from kb.search.build_hits import best_notes

        reader = self.reader()
        papers = {one.key: one for one in self._rows(reader, query, 0) if one.kind != "note"}
        if not papers:
            raise KbError("no paper to choose from", "ask for less, or see what there is with: kb list")
        return self._view(reader, papers[choice(best_notes(reader, list(papers)))])

    def mark(self, action: str, names: str | Sequence[str]) -> "list[ListedPaper]":
        """Star papers or mark them as read in marks.toml, or take it back, and return them.

        action is "star", "unstar", "read" or "unread".
        """
        from datetime import date

        from kb.api.given import as_list, one_of
        from kb.index.folder import permitted
        from kb.markup.safe import clean
        from kb.notes import marks

        one_of("action", action, marks.ACTIONS)
        reader = self.reader()
        papers = {paper.key: paper for paper in (named(reader, name) for name in as_list(names))}
        known = reader.marks.known_as(papers)
        targets = [marks.Target(known[key], clean(paper.title)) for key, paper in papers.items()]
        mode = 0o666 if self.config.marks.exists() else permitted(self.config, reader.files.paths()) & 0o666
        with self._writing:
            marks.mark(self.config.marks, targets, action, date.today().isoformat(), mode)
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

    def _view(self, reader: "Reader", paper: "PaperRow") -> "PaperView":
        import json

        from kb.api.results import PaperView, ledger
        from kb.claims.catalog import runnable
        from kb.notes.merging import merged

        states, notices = self._said(reader, [paper.key])
        records = {key: json.loads(reader.papers.record(key)) for key in reader.works.notes_of(paper.key)}
        whole = merged(list(records.values()))
        claims = ledger(reader.claims.of_papers(record["id"] for record in records.values()))
        names = runnable((whole["short_name"], whole["title"], whole["arxiv_id"]))
        return PaperView(paper, records, whole, names, claims, states[paper.key], notices)


def named(reader: "Reader", name: str) -> "PaperRow":
    """Return the paper that a name means. Raises: NotFound if it means none, Ambiguous if it means several."""
    papers = reader.papers.named(name)
    if not papers:
        raise NotFound(f"no paper named {name!r}", f"look for it with: kb search {name}")
    if not reader.works.are_one([paper.key for paper in papers]):
        some = ", ".join(paper.id for paper in papers[:5]) + (", …" if len(papers) > 5 else "")
        raise Ambiguous(f"{name!r} names {len(papers)} papers: {some}", "say more of the name")
    return papers[0]
