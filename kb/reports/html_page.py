"""Digests -> HTML pages that need nothing but themselves. The same digests give the same bytes."""

import hashlib
import posixpath
import re
from base64 import b64encode
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from kb.config.kb_toml import Config
from kb.errors import KbError
from kb.markup.html import Figures, Links, block, inline
from kb.markup.safe import clean, is_safe, language
from kb.records import MonthlyDigest, Paper
from kb.reports.options import Language
from kb.reports.since_last import comment
from kb.reports.templates import environment, link, own_template, render
from kb.reports.words import KIND_NAMES, LINK_GROUPS, PAGE_WORDS, WORDS

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MONTH = "month.html.j2"
INDEX = "index.html.j2"
INDEX_NAME = "index.html"
LANGUAGES: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
ENTRY_HEADING = 3  # a note's own headings stand below that of its entry


class Asset(NamedTuple):
    """A style or script that stands in the page, and what allows it to."""

    text: str
    hash: str  # as the page's content security policy names it


def page_name(month: str) -> str:
    """Return the file that the page of a month or of more lies in, beside the others: "2024-10.html"."""
    return f"{month}.html"


def month_page(
    config: Config,
    digest: MonthlyDigest,
    place: Path | None = None,
    months: Collection[str] = (),
    template: str | None = None,
) -> str:
    """Return the page of a digest, laid out by the template month.html.j2, the user's own if there is one.

    Args:
        place: the folder that the page will lie in; links to notes are written as seen from there. None is the
            knowledge base's own.
        months: which months have a page beside it, and an index; what belongs to others is named without a link.
        template: the name of another template, or the path of one.
    Raises: KbError naming the template and line that cannot be used.
    """
    entries = [entry for section in digest.sections for entry in section.entries]
    return render(
        config,
        _environment(config, place or config.root, digest.lang, own_template(template)),
        Path(template or MONTH).name,
        digest=digest,
        owners={(claim.file, claim.line): entry.paper.id for entry in entries for claim in entry.claims},
        months=frozenset(months),
        earlier=max((month for month in months if month < digest.since), default=None),
        later=min((month for month in months if month > digest.until), default=None),
        index=INDEX_NAME if months else None,
        memory=_trusted(comment(digest)),
    )


def index_page(config: Config, digests: Sequence[MonthlyDigest], lang: Language = "zh") -> str:
    """Return the page that leads to those of all digests, newest first, laid out by the template index.html.j2.

    Raises: KbError naming the template and line that cannot be used.
    """
    newest = sorted(digests, key=lambda digest: (digest.since, digest.until), reverse=True)
    paper_count = sum(digest.paper_count for digest in newest)
    return render(config, _environment(config, config.root, lang), INDEX, digests=newest, paper_count=paper_count)


def _environment(config: Config, place: Path, lang: Language, own: Path | None = None) -> "Environment":
    """Return what pages are laid out with: all that templates insert is escaped, and Markdown is made HTML."""
    made = environment(config, place, is_markup=True, finalize=_cleaned, own=own)
    words = WORDS[lang] | PAGE_WORDS[lang]

    def rendered(text: str, paper: Paper, is_line: bool = False) -> "Markup":
        links, figures = _links(config, paper, place), _figures(paper, words["figure"])
        html = inline(text, links, figures) if is_line else block(text, links, figures, ENTRY_HEADING + 1)
        return _trusted(html)

    made.filters |= {
        "prose": rendered,
        "address": lambda url, paper: _links(config, paper, place)(url),
        "host_and_path": lambda url: re.sub(r"^https?://(www\.)?|/$", "", url),
        "language": language,
        "page": page_name,
        "anchor": anchor,
    }
    made.globals |= {
        "words": words,
        "kind_names": {kind: KIND_NAMES.get(kind, "") for kind in LINK_GROUPS},
        "document_language": LANGUAGES[lang],
        "style": _asset(made, "page.css"),
        "script": _asset(made, "page.js"),
        "inlined": lambda asset: _trusted(asset.text),
    }
    return made


def _trusted(html: str) -> "Markup":
    """Return what is HTML already: made of Markdown, by a template beside the page's, or a comment without < and >."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704


def anchor(paper_id: str) -> str:
    """Return what a link to an entry ends with: "2024-10/dm-codec"."""
    return re.sub(r"\s", "-", clean(paper_id))


def _cleaned(value: Any) -> Any:
    return type(value)(clean(value)) if isinstance(value, str) else value


def _asset(made: "Environment", name: str) -> Asset:
    """Return a file of the templates as it stands in the page.

    Raises: KbError if it would end there before its end.
    """
    text = clean(made.loader.get_source(made, name)[0]) if made.loader else ""
    if "</" in text or "<!--" in text:
        raise KbError("it stands inside the page and so cannot hold '</' or '<!--'", "mend the template", name)
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
