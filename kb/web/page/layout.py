"""What every page is laid out with, and how it answers."""

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kb.api.faults import SYSTEM, as_kb_error
from kb.errors import KbError
from kb.markup.safe import clean, is_safe, language
from kb.web.page.words import DOCUMENT_LANGUAGES, WORDS, Language, chosen_language

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
LANGUAGE_COOKIE = "kb_language"
PICTURES_COOKIE = "kb_pictures"
LONGEST_QUERY = 4000  # characters

Words = dict[str, str]


class Missing(KbError):
    """There is no such page."""


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "language": language,
        "paper": paper_address,
        "query": search_address,
        "address": lambda url: url if is_safe(url) and "://" in url else "",
        "percent": lambda score: f"{score:.0%}",
    }
    return made


def _cleaned(value: Any) -> Any:
    return type(value)(clean(value)) if isinstance(value, str) else value


def search_address(query: str) -> str:
    """Return where a query is answered."""
    return f"/?{urlencode({'q': query})}" if query else "/"


def paper_address(paper_id: str) -> str:
    """Return where a paper is shown."""
    return f"/paper/{quote(paper_id, safe='/')}"


def words_of(request: Request) -> tuple[Language, Words]:
    """Return the language of a request, and its words."""
    lang = chosen_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
    return lang, WORDS[lang]


def shows_web_pictures(request: Request) -> bool:
    """Return whether the reader allows pictures of the web."""
    return request.cookies.get(PICTURES_COOKIE) == "1"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a template laid out in the language of the request."""
    lang, words = words_of(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    known = {
        "lang": lang,
        "document_language": DOCUMENT_LANGUAGES[lang],
        "words": words,
        "here": here if request.method == "GET" else "/",
        "base_name": request.app.state.base.config.root.name,
        "q": "",
    }
    return HTMLResponse(_environment().get_template(template).render(known | values), status)


def told(request: Request, error: KbError) -> HTMLResponse:
    """Return an error as a page, or as the one line that a script shows."""
    _, words = words_of(request)
    status = 404 if isinstance(error, Missing) else 400
    if request.query_params.get("fragment"):
        return render(request, "notice.html.j2", status, notice=str(error))
    return render(request, "error.html.j2", status, title=words["not_found" if status == 404 else "error"], error=error)


def page(view: Callable[..., Response]) -> Callable[..., Response]:
    """Have what goes wrong in a view told on a page; a mistake of the program is none of that."""

    @wraps(view)
    def answered(request: Request, *given: Any) -> Response:
        try:
            return view(request, *given)
        except (KbError, *SYSTEM) as error:
            return told(request, as_kb_error(error) or KbError(str(error)))

    return answered
