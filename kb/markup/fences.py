"""Fenced code in Markdown, line by line: where a whole outline is not needed."""

import re
from collections.abc import Sequence

_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<rest>.*)")


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
