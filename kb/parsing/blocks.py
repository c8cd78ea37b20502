"""The outline of a Markdown text: its top-level headings and paragraphs, with their lines."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (level 1 to 6) or a paragraph (level 0) that stands in no list, quote or code."""

    line: int  # first line, counted from 0
    level: int
    text: str


def blocks(lines: list[str]) -> list[Block]:
    """Return the top-level headings and paragraphs of lines, in order.

    HTML tags are taken as text, so that a heading right below an <img> line is still a heading.
    Example: ["# A", "", "b", "c"] -> Block(0, 1, "A"), Block(2, 0, "b\\nc").
    """
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), "\n".join(lines))
    tokens = _markdown().parse(text)
    found = []
    for opening, inline in pairwise(tokens):
        if opening.level == 0 and opening.type in ("heading_open", "paragraph_open") and opening.map:
            level = int(opening.tag[1]) if opening.type == "heading_open" else 0
            found.append(Block(opening.map[0], level, inline.content))
    return found


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown
