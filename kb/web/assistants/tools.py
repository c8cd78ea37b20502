"""The tools of an assistant, use cases of kb.api as texts with places. Their docstrings are what it reads of them."""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from kb import __version__
from kb.api.options import Layout
from kb.errors import KbError, NotFound
from kb.web.assistants.parts import part_of
from kb.web.assistants.texts import (
    answer_lines,
    claim_line,
    digest_lines,
    flat,
    ledger_lines,
    listed,
    paper_lines,
    related_lines,
    rows_lines,
)

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.api.results import NoteText, PaperView

MOST_HITS = 30
MOST_NAMES = 50  # papers of one call
LINES_FROM_A_PLACE = 40  # of a file, where only the first is named
RUN_SECONDS = 60  # of a processor's time
LONGEST_NAME = 200  # characters that are looked for when a name is unknown
NARROWER = "narrow by month:, org:, tag:, …"
_LINES = re.compile(r"(?P<file>.+\.\w{1,8})(?::(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?)?")
_NOTES = (".md", ".markdown", ".mdx", ".qmd", ".rmd", ".txt", ".bib", ".ris", ".json", ".sqlite")

PartArgument = Annotated[int, Field(description="of a long answer")]
NameArgument = Annotated[str, Field(description="id, arXiv id, DOI, short name or part of the title")]


class ReadingTools:
    """Tools that change nothing."""

    def __init__(self, base: "KnowledgeBase") -> None:
        self._base = base

    def search(
        self,
        query: Annotated[str, Field(description='codec 声学延迟 "exact" -without org:Meta month:2024')],
        limit: Annotated[int, Field(ge=1, le=MOST_HITS)] = 8,
    ) -> str:
        """Find papers by words and meaning, best first, with the passage that says why and its place."""
        return part_of(list(answer_lines(self._base, self._base.search(query, limit=limit))), 1, "a smaller limit")

    def get(
        self,
        name: Annotated[str, Field(description="a paper's name, or lines of a note: notes/2024-10.md:120-160")],
        part: PartArgument = 1,
    ) -> str:
        """Read all that the notes say of a paper, or lines of a note file."""
        found = _LINES.fullmatch(name.strip())
        if found and found["file"].lower().endswith(_NOTES):
            return self._lines(found["file"], found["first"], found["last"], part)
        return part_of(list(paper_lines(self._base, self._paper(name))), part)

    def list_papers(
        self,
        query: Annotated[str, Field(description="filters: month:2024-10 has:code is:unread")] = "",
        part: PartArgument = 1,
    ) -> str:
        """List papers that filters leave, newest month first: id, title, month, place."""
        rows = self._base.rows(query)
        head = f"{len(rows)} paper{'s' * (len(rows) != 1)}"
        return part_of([head, *(listed(self._base, row) for row in rows)], part, NARROWER)

    def related(self, name: NameArgument, limit: Annotated[int, Field(ge=1, le=MOST_HITS)] = 5) -> str:
        """List the papers most like one."""
        view = self._paper(name)
        return part_of(list(related_lines(self._base, self._base.related(view.paper.id, limit=limit))), 1)

    def digest(
        self,
        month: Annotated[str, Field(description="2024-10, or 2024")],
        lang: Annotated[Literal["", "zh", "en"], Field(description="else that of the notes")] = "",
        part: PartArgument = 1,
    ) -> str:
        """Read a month: every paper's summary, topics, organizations, claims."""
        text = self._base.publish(month, Layout("json", lang or None))
        known = self._base.months()
        if not (month and any(one.startswith(month) for one in known)):
            raise KbError(f"no papers in {month}", f"months with papers: {', '.join(known[:24]) or 'none'}")
        return part_of(list(digest_lines(self._base, json.loads(text))), part, "get one paper")

    def claims(
        self,
        target: Annotated[str, Field(description="month, claim id or paper; empty: all")] = "",
        state: Literal["any", "holds", "contradicted", "not-runnable", "stale"] = "any",
        part: PartArgument = 1,
    ) -> str:
        """List figures that the notes state and what a computation gave."""
        found = self._base.claims(target or None, None if state == "any" else state)
        return part_of(list(ledger_lines(self._base, found)), part, "name a month or a state")

    def cite(
        self,
        names: Annotated[list[str], Field(description="papers", min_length=1, max_length=MOST_NAMES)],
        format: Literal["bibtex", "csl-json", "ris"] = "bibtex",
        part: PartArgument = 1,
    ) -> str:
        """Give references of papers."""
        ids = [self._paper(name).paper.id for name in names]
        return part_of(self._base.cite(ids, format).text.splitlines(), part, "cite fewer papers")

    def status(self) -> str:
        """Say what the knowledge base holds: counts, months, tags, files that failed."""
        return part_of(list(self._status()), 1)

    def _status(self) -> Iterable[str]:
        base = self._base
        counts = base.counts()
        yield f"kb {__version__}; " + ", ".join(f"{count} {name}" for name, count in counts.pop("index").items())
        for group, of in counts.items():
            yield f"by {group}: " + ", ".join(f"{flat(name)} {count}" for name, count in of.items())
        yield "tags: " + ", ".join(f"{flat(name)} {count}" for name, count in base.tags()[:20])
        claims = next(iter(ledger_lines(base, base.claims())))
        yield f"claims: {claims}"
        encoder, notice = base.encoder()
        yield notice or ("searching by words and by meaning" if encoder else "searching by words")
        for file in base.status().files:
            if file.state.state == "failed":
                yield f"failed: {base.place(file.state.path, 1)}: {flat(file.state.reason or '')}"

    def _paper(self, name: str) -> "PaperView":
        """Return a paper by its name. Raises: KbError, which names those that may be meant."""
        try:
            return self._base.paper(name)
        except NotFound:
            wanted = name[:LONGEST_NAME]
            meant = ", ".join(self._like(wanted) or [hit.paper.id for hit in self._base.search(wanted, limit=3).likely])
            way_out = f"did you mean {meant}?" if meant else "look for it with search"
            raise NotFound(f"no paper named {wanted!r}", way_out) from None

    def _like(self, name: str) -> list[str]:
        """Return the ids of papers that are called nearly so."""
        ids = {}
        for row in self._base.rows():
            ids.update(dict.fromkeys((row.id.rpartition("/")[2], (row.short_name or row.id).lower()), row.id))
        close = get_close_matches(name.rpartition("/")[2].lower(), ids, 3, cutoff=0.75)
        return list(dict.fromkeys(ids[one] for one in close))

    def _note(self, file: str) -> "NoteText":
        """Return a note. Raises: KbError, which names the file that may be meant."""
        try:
            return self._base.note(file)
        except NotFound:
            known = [one.state.path for one in self._base.status().files if one.state.state == "indexed"]
            near = get_close_matches(file[-LONGEST_NAME:], known, 1, cutoff=0.7)
            way_out = f"did you mean {near[0]}?" if near else "places of hits and lists name the files there are"
            raise NotFound(f"no note {file[:LONGEST_NAME]!r}", way_out) from None

    def _lines(self, file: str, first: str | None, last: str | None, part: int) -> str:
        note = self._note(file)
        start = int(first or 1)
        if not 1 <= start <= len(note.lines):
            raise KbError(f"{note.file} has {len(note.lines)} lines, got {start}")
        end = int(last) if last else start + LINES_FROM_A_PLACE - 1 if first else len(note.lines)
        shown = note.lines[start - 1 : max(start, end)]
        head = f"{self._base.place(note.file, start)}-{start + len(shown) - 1} of {len(note.lines)} lines"
        return part_of([head, *(f"{number}| {line}" for number, line in enumerate(shown, start))], part, "fewer lines")


class WritingTools:
    """The tool that writes notes."""

    def __init__(self, base: "KnowledgeBase") -> None:
        self._base = base

    def add(
        self,
        papers: Annotated[
            list[str], Field(description="arXiv ids, DOIs, their addresses", min_length=1, max_length=MOST_NAMES)
        ],
        month: Annotated[str, Field(description="2024-10; else this month")] = "",
        write: Annotated[bool, Field(description="append the entries to the month's note")] = False,
    ) -> str:
        """Look papers up at arXiv or Crossref and show their entries; written only with write=true."""
        return part_of(list(self._added(papers, month, write)), 1)

    def _added(self, papers: list[str], month: str, write: bool) -> Iterable[str]:
        for one in self._base.add(papers, month=month or None, write=write, reads_files=False):
            for notice in (*one.notices, *filter(None, [one.problem])):
                yield f"{flat(one.target)}: {flat(notice)}"
            yield from one.entry
            if one.path:
                place = f"{one.path}:{one.line}"
                yield f"added: {place}" if write else f"not written; with write=true it comes to {place}"


class RunningTools:
    """Tools that compute, one at a time."""

    def __init__(self, base: "KnowledgeBase") -> None:
        self._base = base
        self._one = anyio.CapacityLimiter(1)

    async def verify(
        self,
        context: Context,
        target: Annotated[str, Field(description="month, claim id or paper; empty: all")] = "",
        part: PartArgument = 1,
    ) -> str:
        """Compute what the notes claim and keep the result."""

        def progress(what: str, done: int, total: int) -> None:
            anyio.from_thread.check_cancelled()
            anyio.from_thread.run(context.report_progress, done, total, what)

        call = partial(self._base.verify, target or None, progress)
        found = await anyio.to_thread.run_sync(call, limiter=self._one)
        return part_of(list(ledger_lines(self._base, found)), part, "name a month")

    async def run(
        self,
        name: Annotated[str, Field(description='an algorithm that a hit calls "runnable": rvq')],
        settings: Annotated[list[str], Field(description="levels=4", max_length=MOST_NAMES)] = [],  # noqa: B006
        seed: int = 0,
    ) -> str:
        """Run a reference implementation and show its figures."""
        call = partial(self._base.run, name, settings, seed=seed, limit_seconds=RUN_SECONDS)
        # One that is given up ends by itself, at the latest after its seconds.
        result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=self._one)
        lines = list(rows_lines(result["rows"]))
        lines += str(result.get("drawing") or "").splitlines()
        lines += result.get("remarks", [])
        lines += [claim_line(self._base, one) for one in result["claims"]]
        return part_of(lines, 1)
