"""The outline of a Markdown text: its headings, paragraphs, list items, tables and code, each with its lines."""

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.markup.blocks import block_parser, without_comments
from kb.markup.fences import Fence, fence_of
from kb.notes.parsing import dates
from kb.patterns import pattern

if TYPE_CHECKING:
    from markdown_it.token import Token

LEVEL_OF_DATES = 7  # below all headings
LONGEST_HEADING = 200  # characters; a longer line is text that happens to begin with a #
_NEXT_ENTRY = pattern(r"(?:#{2,6}[ \t]|\*\*\s*《)")
_CITED_NAMES = (
    r"(?:references?|bibliography|further readings?|see also"
    r"|(?:how to )?cit(?:e|ations?|ing)(?: (?:us|this|it))?|related links?|acknowledge?ments?"
    r"|参考文献|参考资料|参考|引用|引用文献|延伸阅读|扩展阅读|致谢)"
)
_REFERENCES = pattern(  # "References", "参考文献/链接"
    rf"(?:[\W\d_]|[一二三四五六七八九十]+、)*{_CITED_NAMES}(?:\s?[/&和与及、,]\s?(?:{_CITED_NAMES}|links?|链接|资料))*\W*",
    re.IGNORECASE,
)
_CITES = pattern(  # a line that a list of what is cited stands below
    r"[\W\d_]*(?:related (?:works?|papers?)|references?|see also|further readings?|similar papers?|cited"
    r"|相关(?:工作|论文|文献|阅读)|参考文献|参考资料|参考|引用|延伸阅读|扩展阅读)\W*[:：]\W*",
    re.IGNORECASE,
)
_BOLD = pattern(r"(?P<mark>\*\*|__)(?P<inner>[^*_\n]{4,40})(?P=mark)[:：]?")
_BY_REFERENCE = pattern(r"\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])+)\]\[(?P<key>[^\[\]]*)\]")


class Block(NamedTuple):
    """A heading (level 1 to 6, 7 of a date in bold) or a paragraph (level 0) that stands in no list, quote or code."""

    line: int  # first line, counted from 0
    level: int
    text: str
    end: int  # the line after its last


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


class Outline:
    """What stands where in a text."""

    def __init__(
        self,
        blocks: list[Block],
        items: list[Item],
        tables: list[Table],
        fences: list[Fence],
        lists: list[tuple[int, int]],
        quotes: list[Block],
        addresses: dict[str, str],
    ) -> None:
        self.blocks = blocks
        self.items = items
        self.tables = tables
        self.fences = fences
        self.quotes = quotes  # the paragraphs of quotes that stand in nothing else
        self._addresses = addresses
        self.headings = [block for block in blocks if block.level]
        self._lines = [block.line for block in self.headings]
        self._parents, self._ends = _nesting(self.headings)
        self._cited = _cited(blocks, lists, tables)

    def resolved(self, text: str) -> str:
        """Return text with links by reference as links with their address: "[A][k]" -> "[A](https://a.org)"."""
        if not self._addresses or "][" not in text:
            return text
        return _BY_REFERENCE.sub(self._with_address, text)

    def _with_address(self, link: "re.Match[str]") -> str:
        address = self._addresses.get(" ".join((link["key"] or link["label"]).split()).upper())
        return f"[{link['label']}]({address})" if address else link[0]

    def path(self, line: int) -> list[Block]:
        """Return the headings that line stands under, outermost first; a heading stands under itself."""
        found: list[Block] = []
        number: int | None = bisect_right(self._lines, line) - 1
        while number is not None and number >= 0:
            found.append(self.headings[number])
            number = self._parents[number]
        return found[::-1]

    def section(self, line: int) -> int:
        """Return the number of the last heading above line; -1 above all."""
        return bisect_left(self._lines, line) - 1

    def inside(self, number: int) -> list[Block]:
        """Return the headings of deeper levels in the section of a heading, given by its number."""
        return self.headings[number + 1 : self._ends[number]]

    def following(self, number: int) -> int | None:
        """Return the number of the first heading after the section of a heading; None if there is none."""
        return self._ends[number] if self._ends[number] < len(self._lines) else None

    def end(self, number: int) -> int | None:
        """Return the line where the section of a heading ends; None if it goes to the end of the text."""
        following = self.following(number)
        return None if following is None else self._lines[following]

    def is_cited(self, line: int) -> bool:
        """Whether line is what a text cites: paragraphs or the list under "References", "延伸阅读" or the like."""
        number = bisect_right(self._cited, line, key=lambda one: one[0]) - 1
        return number >= 0 and line < self._cited[number][1]


def _nesting(headings: list[Block]) -> tuple[list[int | None], list[int]]:
    """Return for each heading the one it stands under, and the first after it that does not stand under it."""
    parents: list[int | None] = []
    ends = [len(headings)] * len(headings)
    above: list[int] = []
    for number, block in enumerate(headings):
        while above and headings[above[-1]].level >= block.level:
            ends[above.pop()] = number
        parents.append(above[-1] if above else None)
        above.append(number)
    return parents, ends


def _cited(blocks: list[Block], lists: list[tuple[int, int]], tables: list[Table]) -> list[tuple[int, int]]:
    """Return the stretches of lines under headings such as "References": paragraphs, and a list that ends them."""
    places = [(block.line, block.end, "heading" if block.level else "paragraph") for block in blocks]
    places += [(*one, "list") for one in lists] + [(one.header.line, one.header.line, "table") for one in tables]
    texts = {block.line: block.text for block in blocks}
    found: list[tuple[int, int]] = []
    start: int | None = None
    for line, end, kind in sorted(places):
        if kind == "heading":
            start = line if _REFERENCES.fullmatch(texts[line]) else None
        elif kind == "paragraph" and start is None and _CITES.fullmatch(texts[line]):
            start = line
        elif kind == "table":
            start = None
        if start is not None:
            found.append((line, end))
            start = None if kind == "list" else start
    return found


def outline(lines: list[str]) -> Outline:
    """Return the outline of lines.

    HTML tags are taken as text, so that a heading right below an <img> line is still a heading.
    Example: ["# A", "", "b", "c"] -> blocks Block(0, 1, "A", 1), Block(2, 0, "b\\nc", 4).
    """
    addresses: dict[str, str] = {}
    tokens = _parsed(lines, addresses)
    blocks: list[Block] = []
    items: list[Item] = []
    tables: list[Table] = []
    rows: list[Row] = []
    cells: list[str] = []
    open_items: list[int] = []
    lists: list[tuple[int, int]] = []
    fenced: list[Fence] = []
    quotes: list[Block] = []
    for number, token in enumerate(tokens):
        match token.type:
            case "heading_open" | "paragraph_open" if token.level == 0 and token.map:
                text = tokens[number + 1].content
                is_heading = token.type == "heading_open" and len(text) <= LONGEST_HEADING
                level = int(token.tag[1]) if is_heading else LEVEL_OF_DATES if _is_date_in_bold(text) else 0
                blocks.append(Block(token.map[0], level, text, token.map[1]))
            case "paragraph_open" if token.level == 1 and token.map and not open_items:
                quotes.append(Block(token.map[0], 0, tokens[number + 1].content, token.map[1]))
            case "fence" if token.map:
                fenced.append(fence_of(token, lines))
            case "bullet_list_open" | "ordered_list_open" if token.level == 0 and token.map:
                lists.append((token.map[0], token.map[1]))
            case "list_item_open" if token.map:
                text = _first_paragraph(tokens, number + 1)
                items.append(Item(token.map[0], token.map[1], len(open_items), text))
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
                    tables.append(Table(rows[0], tuple(rows[1:])))
                rows.clear()
    return Outline(blocks, items, tables, fenced, lists, quotes, addresses)


def _is_date_in_bold(text: str) -> bool:
    """Whether a paragraph is nothing but a month or day in bold, which people divide a list by: "**2025-06**"."""
    found = _BOLD.fullmatch(text)
    return bool(found and dates.month_in(found["inner"]) and dates.is_date(found["inner"]))


def _parsed(lines: list[str], addresses: dict[str, str]) -> "list[Token]":
    """Return what lines hold, and put the addresses that links refer to into addresses, by their keys in capitals.

    A fence that is never closed ends on the empty line before the next entry or section: it would swallow all further
    entries of the note. A `#` alone is no section there, because programs have such comments.
    """
    while True:
        found: dict[str, Any] = {}
        tokens = block_parser().parse(without_comments("\n".join(lines)), found)
        addresses.update((key, one["href"]) for key, one in found.get("references", {}).items())
        if not (opening := next((token for token in tokens if _stays_open(token, lines)), None)):
            return tokens
        begin = opening.map[0] + 2 if opening.map else 0
        following = (number for number in range(begin, len(lines)) if _NEXT_ENTRY.match(lines[number]))
        closing = next((number - 1 for number in following if not lines[number - 1].strip()), None)
        if closing is None:
            return tokens
        lines = [*lines[:closing], opening.markup, *lines[closing + 1 :]]


def _stays_open(token: "Token", lines: list[str]) -> bool:
    return token.type == "fence" and not token.level and not fence_of(token, lines).is_closed


def _first_paragraph(tokens: "list[Token]", number: int) -> str:
    is_text = tokens[number].type in ("paragraph_open", "heading_open")
    return tokens[number + 1].content if is_text else ""


def _line(tokens: "list[Token]", number: int) -> int:
    """Return the line of the row that ends at a token."""
    while tokens[number].type != "tr_open":
        number -= 1
    place = tokens[number].map
    return place[0] if place else 0
