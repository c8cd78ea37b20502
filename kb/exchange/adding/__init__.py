"""Adding papers to the notes: what was typed -> metadata -> an entry in the month's grammar -> the month's note.

Without `write` nothing is changed; the entries are what they would be.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kb.config.kb_toml import Config
from kb.errors import KbError
from kb.exchange.adding.appending import read_note, replace_note
from kb.exchange.adding.arxiv import read_arxiv
from kb.exchange.adding.bibtex import read_bibtex
from kb.exchange.adding.crossref import read_crossref
from kb.exchange.adding.fetching import Online
from kb.exchange.adding.identify import Target, identify
from kb.exchange.adding.knowing import Known, known_papers, record_of
from kb.exchange.adding.metadata import Metadata
from kb.exchange.adding.placing import Placed, first_note, place
from kb.files import locked
from kb.index.sqlite.reader import Reader

SECOND_FILE = "{month}-added.md"  # for a month whose note is written in a way that nothing can be added to


class Plan(NamedTuple):
    """Where papers are to go."""

    config: Config
    month: str  # "2024-10"
    today: str  # "2024-11-01"
    write: bool
    reads_files: bool = True  # whether the path of a .bib may be named


class Outcome(NamedTuple):
    """What came of one paper."""

    target: str  # as it was typed
    title: str | None = None
    entry: tuple[str, ...] = ()  # its lines; none if it was not added
    path: Path | None = None  # the note it stands in, or would; None if it would not be written
    line: int | None = None  # its first there, counted from 1
    section: str = ""  # the heading it stands under
    notices: tuple[str, ...] = ()
    problem: str | None = None  # why it was not added


def add_papers(plan: Plan, reader: Reader, typed: Iterable[str], online: Online | None) -> Iterator[Outcome]:
    """Yield what comes of each paper that was typed; without online ids become stubs.

    One that cannot be added does not keep the others from it.
    """
    known = known_papers(reader)
    drafts: dict[Path, bytes] = {}  # what the notes would hold by now
    seen: list[Metadata] = []
    for text in typed:
        try:
            target = identify(text)
            if target.kind == "bib" and not plan.reads_files:
                raise KbError("no file is read here", "name a paper by its arXiv id or DOI", target.value)
            papers = _given(target)
            if online and target.kind != "bib" and not _there(plan, known, seen, papers[0]):
                papers = [_fetched(target, online)]
        except KbError as error:
            yield Outcome(text, problem=str(error))
            continue
        for paper in papers:
            try:
                if there := _there(plan, known, seen, paper):
                    yield _refused(plan, text, paper, there)
                    continue
                yield _added(plan, text, paper, drafts)
                seen.append(paper)
            except KbError as error:
                yield Outcome(text, paper.title, problem=str(error))


def _given(target: Target) -> list[Metadata]:
    """Return what is known of target without asking anybody: of an id a stub, with the id in place of a title."""
    if target.kind == "bib":
        return read_bibtex(Path(target.value))
    if target.kind == "arxiv":
        return [Metadata(f"arXiv:{target.value}", arxiv_id=target.value)]
    return [Metadata(f"doi:{target.value}", doi=target.value)]


def _fetched(target: Target, online: Online) -> Metadata:
    if target.kind == "arxiv":
        return read_arxiv(online.arxiv(target.value), target.value)
    return read_crossref(online.crossref(target.value), target.value)


def _there(plan: Plan, known: Known, seen: list[Metadata], paper: Metadata) -> str | None:
    """Return where a paper stands already.

    Within one command a title written in the same way is the same paper, however short it is. Nearly the same is not
    enough: a stub has its id for a title.
    """
    if row := record_of(known, paper):
        return f"{row.id}, {plan.config.path_of(row.file)}:{row.line}"
    ids = {paper.arxiv_id, paper.doi} - {None}
    again = next((one for one in seen if ids & {one.arxiv_id, one.doi} or one.title == paper.title), None)
    return "named before in this command" if again else None


def _refused(plan: Plan, text: str, paper: Metadata, there: str) -> Outcome:
    line = f"{paper.title:.80} is in the notes already: {there}"
    return Outcome(text, paper.title, problem=line) if plan.write else Outcome(text, paper.title, notices=(line,))


def _added(plan: Plan, text: str, paper: Metadata, drafts: dict[Path, bytes]) -> Outcome:
    """Return paper as it is added. Raises: KbError if it was withdrawn and would be written, or cannot be placed."""
    if paper.warning and plan.write:
        raise KbError(paper.warning, "not written; without --write the entry is shown, to be put in by hand")
    if plan.write:
        with locked(plan.config.notes / plan.month):  # of several commands each finds what the one before has written
            path, before, placed, notices = _placed(plan, paper, drafts)
            _refuse_outside(plan.config, path)
            replace_note(path, before, placed.data)
    else:
        path, before, placed, notices = _placed(plan, paper, drafts)
        if paper.warning:
            return Outcome(text, paper.title, placed.lines, notices=(f"{paper.warning}; --write would not write it",))
        drafts[path] = placed.data
    return Outcome(text, paper.title, placed.lines, path, placed.line, placed.section, notices)


def _refuse_outside(config: Config, path: Path) -> None:
    """Raise KbError if path is a link that leads out of the notes: it may have come with them from somebody else."""
    place = path.resolve()
    if not any(place.is_relative_to(folder.resolve()) for folder in (config.notes, config.root)):
        raise KbError(
            f"{path} leads to {place}, outside of the notes, and is not written to", "add the entry there by hand"
        )


def _placed(
    plan: Plan, paper: Metadata, drafts: dict[Path, bytes]
) -> tuple[Path, bytes | None, Placed, tuple[str, ...]]:
    """Return the note paper goes into, what is there now, what there will be, and what to say of it."""
    notices: tuple[str, ...] = ()
    for name in (f"{plan.month}.md", SECOND_FILE.format(month=plan.month)):
        path = plan.config.notes / name
        before = drafts.get(path) or read_note(path)
        text = before if before and before.strip() else first_note(plan.month, plan.today)
        if placed := place(text, name, plan.month, paper):
            return path, before, placed, notices
        notices = (
            f"{path} cannot hold this entry: it would be misread there, or change others; another file is taken",
        )
    raise KbError(f"no entry can be added that is read back as {paper.title!r:.80}", "add it by hand", path)
