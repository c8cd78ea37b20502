"""Pages that are read: search, a paper, months, a month, a reference implementation."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from kb.api.algorithms import algorithms, parameters
from kb.errors import KbError
from kb.web.page import filters
from kb.web.page.excerpts import excerpt, title
from kb.web.page.layout import (
    LONGEST_QUERY,
    Missing,
    page,
    paper_address,
    render,
    search_address,
    shows_web_pictures,
    words_of,
)
from kb.web.page.notes import has_web_pictures, note_html, text_html

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.api.results import PaperView
    from kb.search.answer import Answer, Hit

ANSWER = "KB-Answer"  # header: whether meaning has had its say
HITS = 10
MOST_HITS = 200
NEWEST = 30  # papers, where nothing is asked
RELATED = 5
NOTE_HEADING = 2  # a note's own headings begin below that of the paper
SPOTS_SHOWN = 6
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_MEDIA_TYPES = {".svg": "image/svg+xml", ".webp": "image/webp", ".avif": "image/avif"}  # not every system knows them


class ShownHit(NamedTuple):
    """A hit as a list shows it."""

    hit: "Hit"
    title: Markup
    text: Markup
    state: Any
    reasons: tuple[str, ...]


@page
def search(request: Request) -> Response:
    """Answer a query, or show the newest papers; with fragment=1 what changes as one types, with words=1 by words."""
    base: KnowledgeBase = request.app.state.base
    asked = request.query_params
    query = " ".join(asked.get("q", "")[:LONGEST_QUERY].split())
    limit = min(int(limit), MOST_HITS) if _COUNT.fullmatch(limit := asked.get("limit", "")) else HITS
    by_words = bool(asked.get("words")) and base.encoder()[0] is not None
    values: dict[str, Any] = {"q": query, "here": search_address(query), "active": filters.active(query)}
    values |= {"limit": limit, "more": min(5 * limit, MOST_HITS)}
    values |= {"answer": None, "error": None, "papers": (), "hits": (), "notices": ()}
    try:
        if query:
            answer = base.search(query, limit=limit, by_words=by_words)
            values |= _answered(request, base, query, answer)
        else:
            values["papers"] = base.papers(limit=NEWEST)
    except KbError as error:
        values["error"] = str(error)
    if asked.get("fragment"):
        part = render(request, "results.html.j2", **values)
        part.headers[ANSWER] = "words" if by_words else "whole"
        return part
    return render(request, "search.html.j2", menus=filters.menus(query, base.choices()), **values)


def _answered(request: Request, base: "KnowledgeBase", query: str, answer: "Answer") -> dict[str, Any]:
    _, words = words_of(request)
    states, notices = base.states([hit.paper.key for hit in answer.hits])
    shown = [
        ShownHit(
            hit,
            title(hit, query),
            excerpt(hit, words["figure"]),
            states[hit.paper.key],
            _reasons(hit, words),
        )
        for hit in answer.hits
    ]
    return {
        "answer": answer,
        "hits": shown,
        "notices": (*answer.advice, *filter(None, (answer.notice,)), *notices),
    }


def _reasons(hit: "Hit", words: dict[str, str]) -> tuple[str, ...]:
    said = {"name": words["by_name"], "words": words["by_words"], "meaning": words["by_meaning"]}
    found = dict.fromkeys(" ".join(hit.text[start:end].split()).casefold() for start, end in hit.marks)
    lines = [words["likely"].format(percent=f"{hit.score:.0%}")]
    lines += [said[reason.retriever].format(rank=reason.rank) for reason in hit.reasons]
    if found:
        lines.append(words["matches"].format(words=words["comma"].join(list(found)[:SPOTS_SHOWN])))
    return tuple(lines)


@page
def paper(request: Request) -> Response:
    """Show a paper: its notes, its claims, what is like it; another name of it leads to its own address."""
    base: KnowledgeBase = request.app.state.base
    wanted = request.path_params["id"]
    view = _named(base, wanted)
    if wanted not in {record["id"] for record in view.records.values()}:
        return RedirectResponse(paper_address(view.paper.id), 307)
    return render(request, "paper.html.j2", **_paper(request, base, view))


def _named(base: "KnowledgeBase", name: str) -> "PaperView":
    try:
        return base.paper(name)
    except KbError as error:
        raise Missing(error.what, error.way_out) from None


def _paper(request: Request, base: "KnowledgeBase", view: "PaperView") -> dict[str, Any]:
    _, words = words_of(request)
    shows_web = shows_web_pictures(request)
    records = list(view.records.values())
    known = {one.name: one for one in algorithms()}
    return {
        "view": view,
        "paper_id": view.paper.id,
        "state": view.state,
        "record": view.merged,
        "notes": [(one, note_html(one, words["figure"], NOTE_HEADING, shows_web)) for one in records],
        "links": [link for link in view.merged["links"] if link["kind"] not in ("file", "figure")],
        "has_web_pictures": any(map(has_web_pictures, records)),
        "shows_web_pictures": shows_web,
        "related": base.related(view.paper.id, limit=RELATED).hits,
        "runs": [known[name] for name in view.runnable if name in known],
        "ledger": view.ledger,
        "is_editable": base.editable(view) is not None,
    }


@page
def months(request: Request) -> Response:
    """List the months with papers, newest first, a year at a time."""
    counts = request.app.state.base.counts()["month"]
    years: dict[str, list[tuple[str, int]]] = {}
    for month, count in counts.items():
        if month != "none":
            years.setdefault(month[:4], []).append((month, count))
    return render(request, "months.html.j2", years=years, without=counts.get("none", 0))


@page
def month(request: Request) -> Response:
    """Show the digest of a month."""
    base: KnowledgeBase = request.app.state.base
    name = request.path_params["month"]
    lang, words = words_of(request)
    known = base.months()
    if not _MONTH.fullmatch(name) or name not in known:
        raise Missing(words["no_papers"], name)
    digest = base.digest(name, lang)
    states = {one.paper.id: one.state for one in base.papers(f"month:{name}")}

    def html(text: str, entry: Any, is_line: bool = False) -> Markup:
        record = {"file": entry.paper.file, "links": [link.model_dump() for link in entry.paper.links]}
        return text_html(text, record, words["figure"], is_line)

    place = known.index(name)
    return render(
        request,
        "month.html.j2",
        digest=digest,
        states=states,
        html=html,
        later=known[place - 1] if place else None,
        earlier=known[place + 1] if place + 1 < len(known) else None,
    )


@page
def run(request: Request) -> Response:
    """Show a reference implementation, and what it can be told."""
    return render(request, "run.html.j2", **implementation(request.path_params["name"]), result=None, figure=None)


def implementation(name: str) -> dict[str, Any]:
    """Return what the page of a reference implementation says of it."""
    found = next((one for one in algorithms() if one.name == name), None)
    if not found:
        raise Missing(f"no algorithm {name!r}")
    return {"algorithm": found, "parameters": parameters(name), "given": {}, "seed": 0}


def picture(request: Request) -> Response:
    """Send a picture that lies among the notes."""
    path = request.app.state.base.picture(request.path_params["file"])
    if not path:
        return Response(status_code=404)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return FileResponse(path, media_type=_MEDIA_TYPES.get(path.suffix.lower()), headers=headers)


def numbers(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the cells of a table, numbers with four digits."""
    return [[_cell(cell) for cell in row.values()] for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
