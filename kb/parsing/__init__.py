"""The text of one note -> a Note with its papers. Pure: nothing is read but the bytes given."""

import re

from kb.errors import NoteError
from kb.parsing import lecture, monthly, names, pasted, single
from kb.parsing.blocks import Block, blocks
from kb.parsing.entry import Entry, papers
from kb.parsing.frontmatter import FrontMatter, read_front_matter
from kb.records import Note, Span

ENTRIES_AFTER_PREFACE = 3  # pasted text may begin with something else if it holds at least so many entries


def parse_note(data: bytes, file: str) -> Note:
    """Return the note that data holds; file is its path below the notes folder.

    The grammar is the first that explains the text: monthly list, pasted text, numbered lecture, one paper a file.
    Raises: NoteError with file and line if data is not UTF-8 text or its front matter is broken.
    """
    lines = _lines(data, file)
    front = read_front_matter(lines, file)
    text_lines = [""] * front.line_count + lines[front.line_count :]
    outline = blocks(text_lines)
    title = front.text("title") or _first_text(text_lines) or ""
    month = names.month_in(title) or names.month_in(front.text("date") or "") or names.month_in(file)

    grammar, entries = _entries(outline, text_lines, front, file)
    if len(entries) == 1 and title == entries[0].title:
        _complete(entries[0], front)
    found = papers(entries, file, month)
    return Note(
        file=file,
        grammar=grammar,  # type: ignore[arg-type]
        title=title,
        month=month,
        date=front.text("date"),
        tags=front.texts("tags", "keywords"),
        papers=found,
        unclaimed=_unclaimed(text_lines, [(paper.line - 1, paper.end_line) for paper in found]),
    )


def _lines(data: bytes, file: str) -> list[str]:
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise NoteError(file, line, "holds a NUL byte, so it is no text; save it as UTF-8 or move it out of the notes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NoteError(
            file, line, f"not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8, from GBK: iconv -f GBK -t UTF-8"
        ) from None
    return re.split(r"\r\n|\n|\r", text)


def _entries(outline: list[Block], lines: list[str], front: FrontMatter, file: str) -> tuple[str, list[Entry]]:
    if entries := monthly.find_entries(outline, lines):
        return "monthly", entries
    begins_with_heading = bool(outline) and outline[0].level > 0
    if not front.line_count and not begins_with_heading:
        entries = pasted.find_entries(lines)
        begins_with_entry = bool(entries) and not any(line.strip() for line in lines[: entries[0].line])
        if begins_with_entry or len(entries) >= ENTRIES_AFTER_PREFACE:
            return "pasted", entries
    if entries := lecture.find_entries(outline, lines):
        return "lecture", entries
    return "single", single.find_entries(outline, lines, front, file)


def _complete(entry: Entry, front: FrontMatter) -> None:
    """Give the paper that a file is about what the front matter says of it."""
    entry.arxiv_id = front.text("arxiv", "arxiv_id", "eprint") or entry.arxiv_id
    entry.doi = front.text("doi") or entry.doi
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
