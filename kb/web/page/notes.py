"""A note as the page shows it: kb.markup's HTML, with the addresses that the page has."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from markupsafe import Markup

from kb.markup.formulas import as_text
from kb.markup.html import Figures, Links, as_written, block, inline
from kb.markup.mathml import mathml
from kb.markup.safe import is_safe

WIDE = 20  # characters of LaTeX; a longer formula may be wider than a phone, and scrolls
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_OF_THE_WEB = re.compile(r"https://", re.IGNORECASE)


def note_html(record: Mapping[str, Any], figure: str, level: int, shows_web: bool) -> Markup:
    """Return the text of a note; pictures beside it are shown, those of the web if the reader allows them."""
    links, figures = _links(record["file"]), _figures(record, figure)

    def pictures(url: str) -> str:
        if _SCHEME.match(url):
            return url if shows_web and is_safe(url) and _OF_THE_WEB.match(url) else ""
        return picture_address(record["file"], url)

    return Markup(block(record["body"], links, figures, level, pictures, formula))  # noqa: S704 - of kb.markup


def text_html(text: str, record: Mapping[str, Any], figure: str, is_line: bool = False) -> Markup:
    """Return a paragraph, or a line, of a note without its pictures."""
    links, figures = _links(record["file"]), _figures(record, figure)
    html = inline(text, links, figures, formula) if is_line else block(text, links, figures, formulas=formula)
    return Markup(html)  # noqa: S704 - of kb.markup


def formula(latex: str, is_block: bool) -> str:
    """Return a formula as HTML: laid out, or where some of it is not understood in Unicode as far as it goes."""
    laid_out = mathml(latex, is_block)
    if not laid_out:
        return as_written(as_text(latex), is_block)
    is_wide = is_block or len(latex) > WIDE
    return f'<span class="wide" tabindex="0">{laid_out}</span>' if is_wide else laid_out


def has_web_pictures(record: Mapping[str, Any]) -> bool:
    """Return whether a note shows pictures of the web."""
    return any(_OF_THE_WEB.match(link["url"]) for link in record["links"] if link["kind"] == "figure")


def picture_address(file: str, url: str) -> str:
    """Return where the page has a picture beside a note, "" if it lies outside the notes.

    Example: "2024/10.md", "figures/a b.png" -> "/picture/2024/figures/a%20b.png".
    """
    path = unquote(re.split(r"[?#]", url, maxsplit=1)[0])
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if not is_safe(url) or not path or joined.startswith(("..", "/")) or "\\" in joined:
        return ""
    return f"/picture/{quote(joined)}"


def _links(file: str) -> Links:
    """Return how links of a note are written: those of the web as they are, a picture as the page has it."""

    def written(url: str) -> str:
        if _SCHEME.match(url):
            return url if is_safe(url) else ""
        is_picture = re.search(r"\.(?:avif|gif|jpe?g|png|svg|webp)$", url, re.IGNORECASE)
        return picture_address(file, url) if is_picture else ""

    return written


def _figures(record: Mapping[str, Any], word: str) -> Figures:
    figures = [link["url"] for link in record["links"] if link["kind"] == "figure"]
    known = {unquote(url): f"{word} {number}" for number, url in enumerate(figures, 1)}
    return lambda url: known.get(unquote(url), word)
