"""A note and a paper -> the note with an entry for the paper, as its month is written. Pure.

Nothing is taken on trust: what comes out is parsed, and counts only if the new entry is read as the paper it was made
from and every other record, claim and remainder of the note is what it was.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kb.errors import NoteError
from kb.exchange.adding.entry import Lines, guillemets, headings, items, rows, words_for
from kb.exchange.adding.metadata import Metadata
from kb.notes.identity import identities
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import LINE_END, UTF_8, advice
from kb.notes.parsing.frontmatter import read_front_matter
from kb.notes.parsing.outline import outline
from kb.notes.parsing.titles import find_title, normal
from kb.records import Note, Paper

BOM = "\ufeff"
HOUSE = "---\ntitle: 论文速记 {year}年{month}月\ndate: {today}\n---\n"


class Placed(NamedTuple):
    """A note with an entry more."""

    data: bytes
    lines: tuple[str, ...]  # of the entry
    line: int  # its first, counted from 1
    section: str  # the heading it stands under; empty if there is none


class _Page(NamedTuple):
    """A note and its text."""

    note: Note
    text: str  # without a byte order mark
    lines: list[str]  # front matter left empty
    mark: str  # the byte order mark, or nothing
    end: str  # how its lines end


class _Try(NamedTuple):
    """An entry, and after which line of the text it is to stand."""

    lines: Lines
    after: int
    is_apart: bool  # with an empty line before it


def first_note(month: str, today: str) -> bytes:
    """Return what a file of a month begins with: month "2024-10", today "2024-11-01"."""
    return HOUSE.format(year=month[:4], month=int(month[5:]), today=today).encode()


def place(data: bytes, file: str, month: str, paper: Metadata) -> Placed | None:
    """Return the note that data holds with an entry for paper; None if no way to write one leaves the rest as it is.

    Args:
        file: path of the note below the notes folder, "2024-10.md".
        month: that the record is to be of, "2024-10".
    Raises: NoteError if data cannot be read as a note, or ends in a block of code that is not closed.
    """
    page = _page(data, file)
    for attempt in _attempts(page, paper):
        placed, added = _written(page, attempt)
        try:
            changed = parse_note(placed.data, file)
        except NoteError:
            continue
        new = _new_record(page.note, changed, attempt.after, added)
        if new and _is_meant(new, paper, month):
            return placed._replace(section=new.section_path[-1] if new.section_path else "")
    return None


def _page(data: bytes, file: str) -> _Page:
    note = parse_note(data, file)
    if note.encoding != UTF_8:
        raise NoteError(f"{note.encoding} is read but not written", advice(note.encoding), file)
    if note.fault:
        raise NoteError(note.fault.what, note.fault.way_out, file, note.fault.line)
    text = data.decode("utf-8-sig")
    lines = LINE_END.split(text)
    lines = read_front_matter(lines, file).blanked(lines)
    for fence in outline(lines).fences:
        if not fence.is_closed:
            what = "the code block that begins here is never closed"
            raise NoteError(what, "close it, then add", file, fence.line + 1)
    ends = LINE_END.findall(text)
    end = max(("\n", "\r\n", "\r"), key=ends.count)
    return _Page(note, text, lines, BOM if data.startswith(BOM.encode()) else "", end)


def _attempts(page: _Page, paper: Metadata) -> Iterator[_Try]:
    """Yield the ways to write paper as the other entries of the page are written."""
    words = words_for(page.text)
    at_end = len(page.lines) - (not page.lines[-1])
    written = [one for one in page.note.papers if one.kind != "note"]
    if page.note.grammar == "guillemets" or not written:
        yield _Try(guillemets(paper, words), at_end, True)
    elif page.note.grammar == "headings":
        found = [one for one in written if page.lines[one.line - 1].lstrip().startswith("#")]
        for lines in headings(paper, page.lines[found[-1].line - 1], words) if found else ():
            yield _Try(lines, at_end, True)
    elif page.note.grammar == "list":
        starts = {item.line + 1 for item in outline(page.lines).items if item.depth == 0}
        found = [one for one in written if one.line in starts]
        for lines in items(paper, page.lines[found[-1].line - 1]) if found else ():
            yield _Try(lines, found[-1].end_line, False)
    elif page.note.grammar == "table":
        yield from _rows(page, written, paper)


def _rows(page: _Page, written: list[Paper], paper: Metadata) -> Iterator[_Try]:
    titles = {one.line - 1: one.title for one in written}
    for table in reversed(outline(page.lines).tables):
        if not (table.rows and table.rows[-1].line in titles):
            continue
        last = table.rows[-1]
        found = (find_title(cell) for cell in last.cells)
        column = next((n for n, one in enumerate(found) if one and one.title == titles[last.line]), None)
        for lines in rows(paper, list(table.header.cells), last.cells, column) if column is not None else ():
            yield _Try(lines, last.line + 1, False)
        return


def _written(page: _Page, attempt: _Try) -> tuple[Placed, int]:
    """Return the page with an entry, and how many lines it has more than before."""
    ends = [found.end() for found in LINE_END.finditer(page.text)]
    offset = 0 if not attempt.after else ends[attempt.after - 1] if attempt.after <= len(ends) else len(page.text)
    before, after = page.text[:offset], page.text[offset:]
    above = LINE_END.split(before)
    is_cut = bool(above[-1])  # the note ends within a line
    is_close = attempt.is_apart and any(line.strip() for line in above[-1 - (not is_cut) :])
    new = page.end * (is_cut + is_close) + page.end.join(attempt.lines) + page.end
    placed = Placed((page.mark + before + new + after).encode(), tuple(attempt.lines), attempt.after + is_close + 1, "")
    return placed, is_close + len(attempt.lines)


def _new_record(before: Note, now: Note, after: int, added: int) -> Paper | None:
    """Return the one record that is new; None if anything else is not what it was."""
    if (before.title, before.month, before.date, before.tags) != (now.title, now.month, now.date, now.tags):
        return None
    kept = [_moved(one.model_dump(), after, added) for one in before.papers if not (_is_bare(one) or one.is_rest)]
    found = [one.model_dump() for one in now.papers if not one.is_rest]
    new = [one for one in now.papers if after < one.line <= after + added]
    if len(new) != 1 or [one for one in found if one["id"] != new[0].id] != kept:
        return None
    if [_moved(one.model_dump(), after, added) for one in before.claims] != [one.model_dump() for one in now.claims]:
        return None
    return new[0] if new[0].end_line <= after + added else None


def _is_bare(paper: Paper) -> bool:
    """Whether a record only stands for a file that is still empty but for headings."""
    lines = (line for line in paper.body.splitlines() if line.strip())
    return paper.kind == "note" and all(line.lstrip().startswith("#") for line in lines)


def _moved(record: Any, after: int, by: int) -> Any:
    """Return what a record is once lines stand above it that did not before."""
    if isinstance(record, dict):
        return {
            key: value + by if key in ("line", "end_line") and value > after else _moved(value, after, by)
            for key, value in record.items()
        }
    return type(record)(_moved(one, after, by) for one in record) if isinstance(record, (list, tuple)) else record


def _is_meant(record: Paper, paper: Metadata, month: str) -> bool:
    """Whether a record says what is known of paper, and nothing else."""
    ids = {(kind, value) for kind, value in (("arxiv", paper.arxiv_id), ("doi", paper.doi)) if value}
    return (
        normal(record.title) == normal(paper.title)
        and (record.arxiv_id, (record.doi or "").lower() or None) == (paper.arxiv_id, paper.doi)
        and {link.url for link in record.links} == set(paper.addresses)
        and record.authors in ((), paper.authors)
        and record.month == month
        and record.kind == "paper"
        and not (ids and ids.isdisjoint(identities(record)))
    )
