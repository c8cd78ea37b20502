"""Lecture notes: a title, then chapters under numbered headings. The whole file is one record."""

from collections.abc import Sequence

from kb.notes.parsing.entry import Entry
from kb.notes.parsing.outline import Block
from kb.patterns import pattern

CHAPTERS = 2
_CHAPTER = pattern(
    r"(?:\d+\s*[.、．)]|第[一二三四五六七八九十百]+[章讲节]|[一二三四五六七八九十]+、)\s*(?!\d)(?P<name>\S.*)$"
)


def is_lecture(blocks: Sequence[Block], lines: Sequence[str]) -> bool:
    """Whether a text has a heading at the top and two numbered chapters or more below it."""
    headings = [block for block in blocks if block.level]
    return len(_chapters(headings)) >= CHAPTERS and not any(lines[n].strip() for n in range(headings[0].line))


def _chapters(headings: Sequence[Block]) -> list[str]:
    return [found["name"].strip() for block in headings[1:] if (found := _CHAPTER.match(block.text.strip()))]


def find_entries(blocks: Sequence[Block], lines: Sequence[str]) -> list[Entry]:
    """Return the lecture that a text is as one entry; none if it is no lecture."""
    if not is_lecture(blocks, lines):
        return []
    headings = [block for block in blocks if block.level]
    title = headings[0]
    return [
        Entry(
            title=title.text.strip(),
            line=title.line,
            body=[(n, lines[n]) for n in range(title.line + 1, len(lines))],
            kind="lecture",
            headings={block.line: block.text.strip() for block in headings[1:]},
            sections=tuple(_chapters(headings)),
        )
    ]
