"""The outline of a Markdown text: its headings, paragraphs, list items and tables, each with its lines."""

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Block(NamedTuple):
    """A heading (level 1 to 6) or a paragraph (level 0) that stands in no list, quote or code."""

    line: int  # first line, counted from 0
    level: int
    text: str


class Item(NamedTuple):
    """An item of a list."""

    line: int  # first line, counted from 0
    end: int  # the line after its last, nested items included
    depth: int  # 0 for an item of an outermost list
    text: str  # of its first paragraph


class Row(NamedTuple):
    """A row of a table."""

    line: int
    cells: tuple[str, ...]


class Table(NamedTuple):
    """A table outside of lists and quotes."""

    header: Row
    rows: tuple[Row, ...]


class Outline(NamedTuple):
    """What stands where in a text."""

    blocks: list[Block]
    items: list[Item]
    tables: list[Table]

    @property
    def headings(self) -> list[Block]:
        """The headings alone."""
        return [block for block in self.blocks if block.level]

    def path(self, line: int) -> list[Block]:
        """Return the headings that line stands under, outermost first; a heading stands under itself."""
        found: list[Block] = []
        for block in self.headings:
            if block.line > line:
                break
            found = [step for step in found if step.level < block.level] + [block]
        return found


def outline(lines: list[str]) -> Outline:
    """Return the outline of lines.

    HTML tags are taken as text, so that a heading right below an <img> line is still a heading.
    Example: ["# A", "", "b", "c"] -> blocks Block(0, 1, "A"), Block(2, 0, "b\\nc").
    """
    text = "\n".join(lines)
    if "<!--" in text:
        text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    tokens = _markdown().parse(text)
    found = Outline([], [], [])
    rows: list[Row] = []
    cells: list[str] = []
    open_items: list[int] = []
    for number, token in enumerate(tokens):
        match token.type:
            case "heading_open" | "paragraph_open" if token.level == 0 and token.map:
                level = int(token.tag[1]) if token.type == "heading_open" else 0
                found.blocks.append(Block(token.map[0], level, tokens[number + 1].content))
            case "list_item_open" if token.map:
                text = _first_paragraph(tokens, number + 1)
                found.items.append(Item(token.map[0], token.map[1], len(open_items), text))
                open_items.append(number)
            case "list_item_close":
                open_items.pop()
            case "th_open" | "td_open":
                cells.append(tokens[number + 1].content)
            case "tr_close":
                rows.append(Row(_line(tokens, number), tuple(cells)))
                cells.clear()
            case "table_close":
                if token.level == 0 and rows:
                    found.tables.append(Table(rows[0], tuple(rows[1:])))
                rows.clear()
    return found


def _first_paragraph(tokens: "list[Token]", number: int) -> str:
    is_text = tokens[number].type in ("paragraph_open", "heading_open")
    return tokens[number + 1].content if is_text else ""


def _line(tokens: "list[Token]", number: int) -> int:
    """Return the line of the row that ends at a token."""
    while tokens[number].type != "tr_open":
        number -= 1
    place = tokens[number].map
    return place[0] if place else 0


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown
