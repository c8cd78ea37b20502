"""A query cut into its parts: words, quoted text, field:value, each maybe with a minus before it."""

import re
from typing import NamedTuple

_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "＂": "＂"}
_STOP = re.compile(rf"\s|(?<=[:：])[{''.join(_QUOTES)}]")  # where a word ends, or holds spaces from
_BEFORE = {"month": ("last", "this", "month:last", "month:this"), "year": ("year:last", "year:this")}


class Token(NamedTuple):
    """One part of a query."""

    text: str  # without quotation marks and minus
    is_quoted: bool  # field:"two words" is not: it is one word
    is_excluded: bool


def cut(text: str) -> list[Token]:
    """Return the parts of text; month:last month is one.

    Example: '-"a b" org:"c d" e' -> ("a b", quoted, excluded), ("org:c d"), ("e").
    """
    found: list[Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        is_excluded = text[position] == "-" and position + 1 < len(text) and not text[position + 1].isspace()
        start = position + is_excluded
        if text[start] in _QUOTES:
            end = text.find(_QUOTES[text[start]], start + 1)
            end = len(text) if end < 0 else end
            found.append(Token(text[start + 1 : end], True, is_excluded))
            position = end + 1
            continue
        value, position = _word(text, start)
        found.append(Token(value, False, is_excluded))
    return _joined(found)


def _word(text: str, start: int) -> tuple[str, int]:
    """Return what stands from start to the next space, and where that is; after a colon quotation marks hold spaces."""
    parts: list[str] = []
    while (stop := _STOP.search(text, start)) and not stop[0].isspace():
        close = text.find(_QUOTES[stop[0]], stop.end())
        close = len(text) if close < 0 else close
        parts += text[start : stop.start()], text[stop.end() : close]
        start = close + 1
    end = stop.start() if stop else len(text)
    return "".join([*parts, text[start:end]]), max(start, end)


def _joined(tokens: list[Token]) -> list[Token]:
    """Return tokens with "last" and "month" as one, and "year:this" and "year"."""
    found: list[Token] = []
    for token in tokens:
        before = found[-1].text.casefold() if found and not found[-1].is_quoted else ""
        if before in _BEFORE.get(token.text.casefold(), ()) and token[1:] == (False, False):
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {token.text}")
        else:
            found.append(token)
    return found
