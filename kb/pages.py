"""Digests -> HTML pages that need nothing but themselves. The same digests give the same bytes."""

import hashlib
import posixpath
import re
from base64 import b64encode
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from kb.config import Config
from kb.errors import KbError
from kb.prose import Figures, Links, block, inline
from kb.records import MonthlyDigest, Paper
from kb.sanitizing import clean, is_safe, language
from kb.templating import environment, link, render

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

MONTH = "month.html.j2"
INDEX = "index.html.j2"
INDEX_NAME = "index.html"
LANGUAGES = {"zh": "zh-CN", "en": "en"}
FIGURE = {"zh": "图", "en": "figure"}
ENTRY_HEADING = 3  # a note's own headings stand below that of its entry


class Asset(NamedTuple):
    """A style or script that stands in the page, and what allows it to."""

    text: str
    hash: str  # as the page's content security policy names it


def page_name(month: str) -> str:
    """Return the file that a month's page lies in, beside the others: "2024-10.html"."""
    return f"{quote(month, safe='')}.html"


def month_page(
    config: Config, digest: MonthlyDigest, place: Path | None = None, months: Collection[str] = (), lang: str = "zh"
) -> str:
    """Return the page of a month, laid out by the template month.html.j2, the user's own if there is one.

    Args:
        place: the folder that the page will lie in; links to notes are written as seen from there. None is the
            knowledge base's own.
        months: which months have a page beside it; what belongs to others is named without a link.
        lang: "zh" or "en", the language of what is not from the notes.
    Raises: KbError naming the template and line that cannot be used.
    """
    folder = place or config.root
    made = _environment(config, folder, lang)
    entries = [entry for section in digest.sections for entry in section.entries]
    others = sorted(months)
    return render(
        config,
        made,
        MONTH,
        digest=digest,
        titles={entry.paper.id: entry.paper.title for entry in entries},
        months=frozenset(months),
        earlier=max((month for month in others if month < digest.month), default=None),
        later=min((month for month in others if month > digest.month), default=None),
        index=INDEX_NAME if months else None,
    )


def index_page(config: Config, months: Sequence[MonthlyDigest], lang: str = "zh") -> str:
    """Return the page that leads to those of all months, newest first, laid out by the template index.html.j2.

    Raises: KbError naming the template and line that cannot be used.
    """
    made = _environment(config, config.root, lang)
    newest = sorted(months, key=lambda digest: digest.month, reverse=True)
    return render(config, made, INDEX, digests=newest, paper_count=sum(digest.paper_count for digest in newest))


def _environment(config: Config, place: Path, lang: str) -> "SandboxedEnvironment":
    """Return what pages are laid out with: all that templates insert is escaped, and Markdown goes through kb.prose."""
    from markupsafe import Markup

    made = environment(config, place, is_markup=True, finalize=_cleaned)

    def rendered(text: str, paper: Paper, is_line: bool = False) -> Markup:
        links = _links(config, paper, place)
        figures = _figures(paper, FIGURE[lang])
        html = inline(text, links, figures) if is_line else block(text, links, figures, ENTRY_HEADING + 1)
        return Markup(html)  # noqa: S704  kb.prose lets no markup through

    made.filters["prose"] = rendered
    made.filters["address"] = lambda url, paper: _links(config, paper, place)(url)
    made.filters["host_and_path"] = lambda url: re.sub(r"^https?://(www\.)?|/$", "", url)
    made.filters["language"] = language
    made.filters["page"] = page_name
    made.filters["anchor"] = anchor
    made.globals.update(
        lang=lang,
        figure_word=FIGURE[lang],
        document_language=LANGUAGES[lang],
        style=_asset(made, "page.css"),
        script=_asset(made, "page.js"),
        inlined=lambda asset: Markup(asset.text),  # noqa: S704  a template's, like the page around it
    )
    return made


def anchor(paper_id: str) -> str:
    """Return what a link to an entry ends with: "2024-10/dm-codec"."""
    return re.sub(r"\s", "-", clean(paper_id))


def _cleaned(value: Any) -> Any:
    return type(value)(clean(value)) if isinstance(value, str) else value


def _asset(made: "SandboxedEnvironment", name: str) -> Asset:
    """Return a file of the templates as it stands in the page.

    Raises: KbError if it would end there before its end.
    """
    text = clean(made.loader.get_source(made, name)[0]) if made.loader else ""
    if "</" in text or "<!--" in text:
        raise KbError(f"{name}: it stands inside the page and so cannot hold '</' or '<!--'; mend the template")
    return Asset(text, f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}")


def _links(config: Config, paper: Paper, place: Path) -> Links:
    """Return how addresses of a note are written in the page: a file beside the note as seen from place."""

    def written(url: str) -> str:
        if not is_safe(url):
            return ""
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", url):
            return url
        note = link(config.path_of(paper.file).parent, place)
        path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", url, re.DOTALL).groups()  # type: ignore[union-attr]
        return posixpath.normpath(posixpath.join(note, path)) + mark + rest

    return written


def _figures(paper: Paper, word: str) -> Figures:
    """Return what pictures of an entry are called: by their place among its figures."""
    known = {unquote(url): f"{word} {number}" for number, url in enumerate(paper.figures, 1)}
    return lambda url: known.get(unquote(url), word)
