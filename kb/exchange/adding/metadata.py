"""What is known of a paper before it is an entry, and texts of the web as plain text."""

import html
import re
import unicodedata
from functools import cache
from typing import Any, NamedTuple

from kb.errors import KbError
from kb.notes.web_address import PLACES

INSTALL = "pip install 'paper-kb[online]'"
LONGEST = 2000  # characters of a title or name that are looked at

_TAG = re.compile(
    r"</?(?:[a-z]+:)?(?:i|b|u|em|strong|sub|sup|scp|sc|tt|span|p|br|italic|bold|math|m[a-z]+)\b[^<>]*>", re.I
)
_LATEX = re.compile(r"\\|[{}]|\$[^$]+\$")
_BARE_AMPERSAND = re.compile(r"(?<!\\)&")


class Metadata(NamedTuple):
    """A paper as arXiv, Crossref or a file of BibTeX knows it; nothing here is guessed."""

    title: str  # plain text on one line
    authors: tuple[str, ...] = ()
    published: str | None = None  # as exactly as it is known: "2024", "2024-10" or "2024-10-01"
    venue: str | None = None
    organizations: tuple[str, ...] = ()
    arxiv_id: str | None = None  # without version
    doi: str | None = None  # in small letters
    url: str | None = None  # where the paper is, if it has neither id
    warning: str | None = None  # why it should not be added unseen: it was withdrawn

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the paper is, arXiv first."""
        found = (
            PLACES["arxiv"] + self.arxiv_id if self.arxiv_id else None,
            PLACES["doi"] + self.doi if self.doi else None,
            None if self.arxiv_id or self.doi else self.url,
        )
        return tuple(address for address in found if address)


def plain(text: str) -> str:
    r"""Return text on one line, without LaTeX, entities, tags and what cannot be seen.

    Example: "The $\\sigma$-model of\n  <i>Toys</i> &amp; Schr\\\"odinger" -> "The σ-model of Toys & Schrödinger".
    """
    text = _TAG.sub("", html.unescape(html.unescape(text[:LONGEST])))
    if _LATEX.search(text):
        text = str(_latex().latex_to_text(_BARE_AMPERSAND.sub(r"\\&", text)))
    seen = (" " if unicodedata.category(mark) in ("Cc", "Zl", "Zp", "Zs") else mark for mark in text)
    return " ".join("".join(mark for mark in seen if unicodedata.category(mark) not in ("Cf", "Cs")).split())


@cache
def _latex() -> Any:
    try:
        from pylatexenc.latex2text import LatexNodes2Text
    except ModuleNotFoundError as error:
        raise KbError(f"reading LaTeX needs {error.name}", f"run: {INSTALL}") from None
    return LatexNodes2Text(math_mode="text", strict_latex_spaces=True, keep_comments=True)
