"""The text of one note -> a Note with its papers. Pure: nothing is read but the bytes given."""

from pathlib import PurePosixPath
from typing import NamedTuple

from kb.config.sources import Library, library_of
from kb.notes.parsing import (
    bibtex,
    claims,
    csl,
    dates,
    exported,
    lecture,
    library,
    names,
    pasted,
    ris,
    segmenting,
    titles,
)
from kb.notes.parsing.decoding import LINE_END, decoded
from kb.notes.parsing.entry import Entry, papers
from kb.notes.parsing.evidence import speaks_of_research
from kb.notes.parsing.facts import citation_key, is_of_post, links_in, read_facts
from kb.notes.parsing.fields import FIELDS
from kb.notes.parsing.frontmatter import FrontMatter, read_front_matter
from kb.notes.parsing.outline import Outline, outline
from kb.notes.parsing.remainder import what_is_left, whole_note
from kb.records import Fault, Note, Span

ENTRIES_AFTER_PREFACE = 3  # pasted text may begin with something else if it holds at least so many entries
LABELLED_LINES = 15  # of an entry, in which labels are about the paper itself
PARSERS = {module.__name__.rpartition(".")[2]: module.entries for module in (bibtex, csl, ris)}  # of libraries


class Reading(NamedTuple):
    """How a grammar reads a file."""

    grammar: str
    reason: str
    entries: list[Entry]


def parse_note(data: bytes, file: str) -> Note:
    """Return the note that data holds; file is its path below the notes folder.

    Raises: NoteError with file and line if data is no text that can be read, or its library is broken.
    """
    text, encoding = decoded(data, file)
    lines = LINE_END.split(text)
    if kind := library_of(file):
        return _library(kind, lines, file, encoding)
    front = read_front_matter(lines, file)
    marked = front.blanked(lines)
    found = outline(marked)
    text_lines, blocks = claims.take_claims(marked, found.fences, file)
    given = front.text("title")
    title = given or _first_text(text_lines) or ""
    said = (title, front.text("date"), front.text(*FIELDS["read"].split()))
    month = next((one for text in said if text and (one := dates.month_in(titles.plain(text)))), None)
    month = month or dates.month_of_file(file)

    name = given or (found.headings[0].text if found.headings else titles.of_file(PurePosixPath(file).stem))
    reading = _read(found, text_lines, front, file)
    is_about_one = len(reading.entries) == 1
    for entry in reading.entries if reading.grammar != "exported" else ():
        is_of_file = entry.is_whole or (is_about_one and title == entry.title)
        _complete(entry, front if is_of_file else FrontMatter())
        if is_of_file:
            entry.citation_key = (
                entry.citation_key
                or citation_key(entry.written or "")
                or citation_key(PurePosixPath(file).stem)
                or citation_key(_first_text(text_lines) or "")
            )
    entries = reading.entries
    if reading.grammar not in ("note", "exported"):
        rest = what_is_left(found, text_lines, front.begin_of_text, entries, name)
        entries = sorted([*entries, *rest], key=lambda entry: entry.line)
    no_text = claims.lines_of(blocks)
    for entry in entries if no_text else ():
        entry.body = [(line, text) for line, text in entry.body if line not in no_text]
    records = papers(entries, file, month, title)
    return Note(
        file=file,
        grammar=reading.grammar,
        reason=reading.reason,
        title=title,
        month=month,
        date=front.text("date"),
        tags=front.texts("tags", "keywords"),
        papers=records,
        claims=claims.placed(blocks, text_lines, [one for one in records if not one.is_rest]),
        unclaimed=_unclaimed(text_lines, [(paper.line - 1, paper.end_line) for paper in records]),
        encoding=encoding,
        fault=_fault(front),
    )


def _fault(front: FrontMatter) -> Fault | None:
    error = front.fault
    return Fault(line=error.line or 1, what=error.what, way_out=error.way_out or "mend it") if error else None


def _library(kind: Library, lines: list[str], file: str, encoding: str) -> Note:
    """Return the note that a file of a reference manager is."""
    found = library.papers_of(PARSERS[kind.parser]("\n".join(lines), file), file)
    return Note(
        file=file,
        grammar=PurePosixPath(file).suffix.lower()[1:],
        reason=f"a library of {len(found)} entries",
        title=file,
        month=None,
        date=None,
        tags=(),
        papers=found,
        unclaimed=_unclaimed(lines, [(paper.line - 1, paper.end_line) for paper in found]),
        encoding=encoding,
    )


def _read(found: Outline, lines: list[str], front: FrontMatter, file: str) -> Reading:
    """Return the reading that explains the file best."""
    if entries := exported.find_entries(front, lines):
        return Reading("exported", "its front matter says that kb exported it", entries)
    grammar, count, entries = segmenting.entries(found, lines, front, file)
    bare = _pasted(found, lines, front)
    if len(bare) > len(entries):
        return Reading("pasted", f"{len(bare)} bare headings that are explained below", bare)
    if entries:
        return Reading(grammar, f"{count} {segmenting.REASONS[grammar]}", entries)
    if (lectured := lecture.find_entries(found.blocks, lines)) and speaks_of_research("\n".join(lines)):
        return Reading("lecture", "numbered chapters on research", lectured)
    return Reading("note", "nothing in it names a paper", whole_note(found, lines, front, file))


def _pasted(found: Outline, lines: list[str], front: FrontMatter) -> list[Entry]:
    """Return the entries of a text that was pasted from a page and has no marks; none of any other."""
    begins_with_heading = bool(found.blocks) and found.blocks[0].level > 0
    if front.line_count or begins_with_heading or not speaks_of_research("\n".join(lines)):
        return []
    entries = pasted.find_entries(lines)
    begins_with_entry = bool(entries) and not any(line.strip() for line in lines[: entries[0].line])
    return entries if begins_with_entry or len(entries) >= ENTRIES_AFTER_PREFACE else []


def _complete(entry: Entry, front: FrontMatter) -> None:
    """Give an entry what its first labels say of it, and the one that a file is about what the front matter says."""
    facts = read_facts([text for _, text in entry.body[:LABELLED_LINES]], front)
    for field in ("arxiv_id", "doi", "openreview_id", "acl_id", "citation_key", "authors", "venue", "published"):
        setattr(entry, field, getattr(entry, field) or getattr(facts, field))
    entry.month = entry.month or dates.month_in(titles.plain(facts.read))
    entry.organizations = entry.organizations or facts.organizations
    entry.keywords = entry.keywords or facts.keywords
    if front.values:
        entry.day = dates.date_in(front.text("date") or "") if is_of_post(front) else None
        entry.keywords = tuple(dict.fromkeys((*entry.keywords, *facts.keywords)))
        entry.addresses = links_in(front)
    aliases = (alias for alias in front.texts("aliases", "alias") if names.is_name(alias))
    entry.short_name = entry.short_name or next(aliases, None)


def _first_text(lines: list[str]) -> str | None:
    return next((line.strip().lstrip("#").strip() for line in lines if line.strip()), None)


def _unclaimed(lines: list[str], claimed: list[tuple[int, int]]) -> tuple[Span, ...]:
    free = [bool(line.strip()) for line in lines]
    for start, end in claimed:
        free[start:end] = [False] * (end - start)
    spans: list[Span] = []
    for number, is_free in enumerate(free):
        if not is_free:
            continue
        if spans and not any(lines[n].strip() for n in range(spans[-1].end_line, number)):
            spans[-1] = Span(line=spans[-1].line, end_line=number + 1)
        else:
            spans.append(Span(line=number + 1, end_line=number + 1))
    return tuple(spans)
