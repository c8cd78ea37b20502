"""What a reader asks for by a button: marks, claims computed, a reference run, an editor, the language, pictures."""

import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kb.api.editors import open_in_window
from kb.errors import KbError
from kb.web.page.layout import LANGUAGE_COOKIE, PICTURES_COOKIE, page, paper_address, render, told, words_of
from kb.web.page.plot import drawn
from kb.web.page.reading import implementation, numbers

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase

LONGEST_FORM = 64 * 1024  # bytes
LONGEST_SEED = 9  # digits
A_YEAR = 365 * 24 * 3600  # seconds
Form = dict[str, str]
_computing = threading.Lock()  # one computation at a time: each takes all processors


def form(view: Callable[[Request, Form], Response]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return an endpoint that reads the fields of a form and answers in a thread."""
    answered = page(view)

    async def endpoint(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_FORM:
                return await run_in_threadpool(told, request, KbError(f"a form has {LONGEST_FORM} bytes at most"))
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return await run_in_threadpool(answered, request, fields)

    return endpoint


@form
def mark(request: Request, fields: Form) -> Response:
    """Star a paper or mark it as read, or take that back."""
    base: KnowledgeBase = request.app.state.base
    (marked,) = base.mark(fields.get("action", ""), fields.get("id", ""))
    if _is_fragment(request):
        values: dict[str, Any] = {"paper_id": marked.paper.id, "state": marked.state, "here": _back(fields)}
        return render(request, "marks.html.j2", **values)
    return _see(_back(fields))


@form
def verify(request: Request, fields: Form) -> Response:
    """Compute the claims of a paper again."""
    base: KnowledgeBase = request.app.state.base
    view = base.paper(fields.get("id", ""))
    with _alone(request):
        base.verify(view.paper.id)
    if _is_fragment(request):
        view = base.paper(view.paper.id)
        return render(request, "claims.html.j2", paper_id=view.paper.id, ledger=view.ledger)
    return _see(f"{paper_address(view.paper.id)}#claims")


@form
def run(request: Request, fields: Form) -> Response:
    """Run a reference implementation and show its figures and its plot."""
    base: KnowledgeBase = request.app.state.base
    known = implementation(request.path_params["name"])
    name = known["algorithm"].name
    given = {one.name: fields[one.name].strip() for one in known["parameters"] if fields.get(one.name, "").strip()}
    seed = fields.get("seed", "0").strip()
    if not (seed.isascii() and seed.isdecimal() and len(seed) <= LONGEST_SEED):
        raise KbError(f"seed should be a whole number, got {seed!r:.80}")
    with _alone(request):
        result = base.run(name, [f"{key}={value}" for key, value in given.items()], device="cpu", seed=int(seed))
    rows = result["rows"]
    return render(
        request,
        "run.html.j2",
        **known | {"given": given, "seed": seed},
        result=result,
        headings=list(rows[0]) if rows else [],
        cells=numbers(rows),
        figure=drawn(result["plot"]) if result.get("plot") else "",
        series=list(result["plot"]["series"]) if result.get("plot") else [],
    )


@form
def edit(request: Request, fields: Form) -> Response:
    """Open a paper's note in the reader's editor, if it has a window of its own."""
    base: KnowledgeBase = request.app.state.base
    _, words = words_of(request)
    view = base.paper(fields.get("id", ""))
    place = base.editable(view)
    if not place:
        raise KbError(words["not_editable"])
    open_in_window(*place)
    notice = words["edited"].format(place=f"{view.paper.file}:{view.paper.line}")
    return render(request, "notice.html.j2", notice=notice) if _is_fragment(request) else _see(_back(fields))


@form
def settings(request: Request, fields: Form) -> Response:
    """Keep the language of the page, or whether pictures of the web are shown, in a cookie."""
    answer = _see(_back(fields))
    for name, cookie, values in (("language", LANGUAGE_COOKIE, "zh en"), ("pictures", PICTURES_COOKIE, "0 1")):
        if fields.get(name) in values.split():
            answer.set_cookie(cookie, fields[name], max_age=A_YEAR, samesite="strict", httponly=True)
    return answer


@contextmanager
def _alone(request: Request) -> Iterator[None]:
    if not _computing.acquire(blocking=False):
        raise KbError(words_of(request)[1]["busy"])
    try:
        yield
    finally:
        _computing.release()


def _is_fragment(request: Request) -> bool:
    return bool(request.query_params.get("fragment"))


def _see(place: str) -> RedirectResponse:
    return RedirectResponse(place, 303)


def _back(fields: Form) -> str:
    """Return the page that a form stood on: one of ours."""
    place = fields.get("back", "")
    is_ours = place.startswith("/") and place[1:2] not in ("/", "\\") and place.isprintable()
    return place if is_ours else "/"
