"""Markdown as tokens of its blocks: what stands within a line is left as it is written."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@cache
def block_parser() -> "MarkdownIt":
    """Return a parser that finds headings, paragraphs, lists, tables, quotes and code; HTML tags are text to it."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown


def without_comments(text: str) -> str:
    """Return text with the lines of HTML comments left empty; one that is never closed is text."""
    parts: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[position:start], "\n" * text.count("\n", start, end)]
        position = end + len("-->")
    return "".join([*parts, text[position:]])
