"""Lecture notes: a title, then chapters under numbered headings. The whole file is one record."""

import re

from kb.parsing.entry import Entry
from kb.parsing.outline import Block

_CHAPTER = re.compile(
    r"(?:\d+\s*[.、．)]|第[一二三四五六七八九十百]+[章讲节]|[一二三四五六七八九十]+、)\s*(?!\d)(?P<name>\S.*)$"
)


def find_entries(blocks: list[Block], lines: list[str]) -> list[Entry]:
    """Return the lecture as one entry; none without a heading at the top and two numbered chapters below it."""
    headings = [block for block in blocks if block.level]
    chapters = [found["name"].strip() for block in headings[1:] if (found := _CHAPTER.match(block.text.strip()))]
    if len(chapters) < 2 or any(lines[n].strip() for n in range(headings[0].line)):
        return []
    title = headings[0]
    return [
        Entry(
            title=title.text.strip(),
            line=title.line,
            body=[(n, lines[n]) for n in range(title.line + 1, len(lines))],
            kind="lecture",
            headings={block.line: block.text.strip() for block in headings[1:]},
            sections=tuple(chapters),
        )
    ]
