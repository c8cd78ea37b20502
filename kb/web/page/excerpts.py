"""The passage of a hit as a few lines of HTML, with what matches marked."""

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from kb.markup.beginnings import beginning
from kb.markup.html import inline
from kb.web.page.notes import formula

if TYPE_CHECKING:
    from kb.search.answer import Hit

LONGEST = 420  # characters of Markdown that are shown
BEFORE = 120  # of these, at most, before the first match
_BEGINNING = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-+*]\s+|\d+[.)]\s+)+")
_RULE = re.compile(r"[\s|:-]*$|`{3}|~{3}")
_TAG = re.compile(r"(<math.*?</math>|<[^>]*>)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9]{2,}|[\u3400-\u9fff]{2,}")
_FIELD = re.compile(r"\b[a-z]+[:：](?:\"[^\"]*\"|\S+)")
_LATIN = re.compile(r"[A-Za-z0-9]")


def excerpt(hit: "Hit", figure: str) -> Markup:
    """Return the stretch of a hit's passage around its first match; links in it lead nowhere."""
    start = beginning(hit.text, hit.marks[0][0] if hit.marks else 0, BEFORE)
    text = hit.text[start : start + LONGEST]
    cut = start + LONGEST < len(hit.text)
    lines = [_BEGINNING.sub("", line) for line in text.split("\n") if not _RULE.match(line)]
    html = " ".join(inline(line.strip("| "), _nowhere, lambda _: figure, formula) for line in lines)
    words = {hit.text[first:last] for first, last in hit.marks}
    return Markup(("… " if start else "") + marked(html, words) + (" …" if cut else ""))  # noqa: S704 - made above


def title(hit: "Hit", query: str) -> Markup:
    """Return a hit's title with what matches in it: words of the query, and what they stand for in its passage."""
    words = {hit.text[first:last] for first, last in hit.marks} | set(_WORD.findall(_FIELD.sub(" ", query)))
    return Markup(marked(escape(hit.paper.title), words))  # noqa: S704 - escaped


def marked(html: str, words: Iterable[str]) -> str:
    """Return html with words marked where they stand in its text; none of it is cut out of another Latin word."""
    parts = sorted({escape(" ".join(word.split())) for word in words if word.strip()}, key=len, reverse=True)
    if not parts:
        return html
    found = re.compile("|".join(map(_whole, parts)), re.IGNORECASE)
    pieces = _TAG.split(html)
    return "".join(piece if i % 2 else found.sub(r"<mark>\g<0></mark>", piece) for i, piece in enumerate(pieces))


def _whole(word: str) -> str:
    before = r"(?<![A-Za-z0-9&])" if _LATIN.match(word) else ""
    after = r"(?![A-Za-z0-9])" if _LATIN.match(word[-1]) else ""
    return before + re.escape(word) + after


def _nowhere(url: str) -> str:
    return ""
