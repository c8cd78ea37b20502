"""Fenced code in Markdown: as the parser of blocks finds it, and line by line where a whole outline is not needed."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it.token import Token

_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<rest>.*)")


class Fence(NamedTuple):
    """A block of code between fences."""

    line: int  # of the opening fence, counted from 0
    end: int  # the line after its last
    mark: str  # "```"
    info: str  # what stands behind the opening fence
    text: str  # without the indentation that the block itself has
    is_closed: bool
    is_nested: bool  # in a list or a quote


def fence_of(token: "Token", lines: Sequence[str]) -> Fence:
    """Return the block of code that a token of block_parser means; lines are those it was found in."""
    start, end = token.map or (0, 0)
    last, mark = lines[end - 1].strip("> \t"), token.markup
    is_closed = end - start > 1 and len(last) >= len(mark) and not last.strip(mark[0])
    return Fence(start, end, mark, token.info.strip(), token.content, is_closed, token.level > 0)


def lines_of_code(lines: Sequence[str]) -> frozenset[int]:
    """Return the numbers, counted from 0, of the lines in fenced code, the fences among them.

    A fence that is never closed goes to the end. Example: ["a", "~~~", "b", "~~~", "c"] -> {1, 2, 3}.
    """
    text = "\n".join(lines)
    if "```" not in text and "~~~" not in text:
        return frozenset()
    found = set()
    opening = ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        mark, rest = (fence["mark"], fence["rest"].strip()) if fence else ("", "")
        if opening:
            found.add(number)
            if mark.startswith(opening) and not rest:
                opening = ""
        elif mark and not (mark[0] == "`" and "`" in rest):  # else it is code within the line
            found.add(number)
            opening = mark
    return frozenset(found)


def without_code(text: str) -> str:
    """Return text with its fenced code left out."""
    lines = text.split("\n")
    code = lines_of_code(lines)
    return "\n".join(line for number, line in enumerate(lines) if number not in code)
