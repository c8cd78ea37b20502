"""The text of one note -> a Note with its papers. Pure: nothing is read but the bytes given."""

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import NamedTuple

from kb.parsing import (
    bibtex,
    claims,
    csl,
    exported,
    guillemets,
    headings,
    lecture,
    library,
    lists,
    names,
    pasted,
    single,
    tables,
)
from kb.parsing.decoding import decoded
from kb.parsing.entry import Entry, papers
from kb.parsing.evidence import speaks_of_research
from kb.parsing.frontmatter import FrontMatter, read_front_matter
from kb.parsing.outline import Outline, outline
from kb.records import Note, Span

ENTRIES_AFTER_PREFACE = 3  # pasted text may begin with something else if it holds at least so many entries
MANY_ENTRIES = 5  # of lists and tables: a paper's own note hardly lists so many others without chapters of its own
LIBRARIES = {".bib": bibtex.entries, ".json": csl.entries, ".sqlite": csl.entries}  # what kb.zotero makes of a database
COVERED = 0.3  # share of the lines with text that entries of lists and tables explain in a file of such


class Reading(NamedTuple):
    """How a grammar reads a file."""

    grammar: str
    reason: str
    entries: list[Entry]


def parse_note(data: bytes, file: str) -> Note:
    """Return the note that data holds; file is its path below the notes folder.

    Raises: NoteError with file and line if data is no text that can be read, or its front matter or library is broken.
    """
    text, encoding = decoded(data, file)
    lines = re.split(r"\r\n|\n|\r", text)
    if PurePosixPath(file).suffix.lower() in LIBRARIES:
        return _library(lines, file, encoding)
    front = read_front_matter(lines, file)
    text_lines, blocks = claims.take_claims([""] * front.line_count + lines[front.line_count :], file)
    title = front.text("title") or _first_text(text_lines) or ""
    month = names.month_in(title) or names.month_in(front.text("date") or "") or names.month_in(file)

    reading = _read(outline(text_lines), text_lines, front, file)
    is_about_one = len(reading.entries) == 1 and reading.grammar != "exported"
    if is_about_one and (reading.grammar in ("single", "note") or title == reading.entries[0].title):
        _complete(reading.entries[0], front)
    no_text = claims.lines_of(blocks)
    for entry in reading.entries if no_text else ():
        entry.body = [(line, text) for line, text in entry.body if line not in no_text]
    found = papers(reading.entries, file, month)
    return Note(
        file=file,
        grammar=reading.grammar,
        reason=reading.reason,
        title=title,
        month=month,
        date=front.text("date"),
        tags=front.texts("tags", "keywords"),
        papers=found,
        claims=claims.placed(blocks, text_lines, found),
        unclaimed=_unclaimed(text_lines, [(paper.line - 1, paper.end_line) for paper in found]),
        encoding=encoding,
    )


def _library(lines: list[str], file: str, encoding: str) -> Note:
    """Return the note that a file of a reference manager is."""
    suffix = PurePosixPath(file).suffix.lower()
    found = library.papers_of(LIBRARIES[suffix]("\n".join(lines), file), file)
    return Note(
        file=file,
        grammar=suffix[1:],
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
    """Return the reading that explains the file best: from the most marked grammar to the least."""
    if entries := exported.find_entries(front, lines):
        return Reading("exported", "its front matter says that kb exported it", entries)
    if entries := guillemets.find_entries(found.blocks, lines):
        return Reading("guillemets", f"{len(entries)} titles in guillemets", entries)
    begins_with_heading = bool(found.blocks) and found.blocks[0].level > 0
    if not (front.line_count or begins_with_heading) and speaks_of_research("\n".join(lines)):
        entries = pasted.find_entries(lines)
        begins_with_entry = bool(entries) and not any(line.strip() for line in lines[: entries[0].line])
        if begins_with_entry or len(entries) >= ENTRIES_AFTER_PREFACE:
            return Reading("pasted", f"{len(entries)} bare headings that are explained below", entries)
    whole, reason = single.find_entries(found, lines, front, file)
    is_about_one = reason and reason != single.CHAPTERS_REASON
    parts = [
        Reading("headings", "headings that name papers", headings.find_entries(found, lines)),
        Reading("table", "rows that name papers", tables.find_entries(found, lines)),
        Reading("list", "items that name papers", lists.find_entries(found, lines)),
    ]
    together = _together([part for part in parts if part.entries], lines)
    if together.entries and not (is_about_one and together.grammar != "headings"):
        covered = sum((entry.end or entry.line + 1) - entry.line for entry in together.entries)
        texts = sum(bool(line.strip()) for line in lines)
        if together.grammar == "headings" or len(together.entries) >= MANY_ENTRIES or covered >= COVERED * texts:
            return together
    if reason:
        return Reading("single", reason, whole)
    entries = lecture.find_entries(found.blocks, lines)
    if entries and speaks_of_research("\n".join(lines)):
        return Reading("lecture", "numbered chapters on research", entries)
    return Reading("note", "nothing in it names a paper", whole)


def _together(parts: list[Reading], lines: list[str]) -> Reading:
    """Return the entries of parts in order of their lines; what lies inside an entry of an earlier part is its text."""
    taken = bytearray(len(lines) + 1)
    entries: list[Entry] = []
    counts: Counter[str] = Counter()
    for part in parts:
        free = [entry for entry in part.entries if not taken[entry.line]]
        for entry in free:
            end = entry.end or max((line for line, _ in entry.body), default=entry.line) + 1
            taken[entry.line : end] = b"\1" * (end - entry.line)
        entries += free
        counts[part.grammar] += len(free)
    most = max(counts, key=counts.__getitem__, default="note")
    reason = next((part.reason for part in parts if part.grammar == most), "")
    return Reading(most, f"{counts[most]} {reason}", sorted(entries, key=lambda entry: entry.line))


def _complete(entry: Entry, front: FrontMatter) -> None:
    """Give the paper that a file is about what the front matter says of it."""
    entry.arxiv_id = front.text("arxiv", "arxiv_id", "eprint") or entry.arxiv_id
    entry.doi = front.text("doi") or entry.doi
    aliases = (alias for alias in front.texts("aliases", "alias") if names.is_name(alias))
    entry.short_name = entry.short_name or next(aliases, None)
    entry.keywords = tuple(dict.fromkeys((*entry.keywords, *front.texts("keywords"), *front.texts("tags"))))


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
