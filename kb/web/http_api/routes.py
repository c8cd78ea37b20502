"""The table of operations -> routes of Starlette: a request is checked, answered in a thread, put into the envelope."""

import json
from functools import partial
from typing import Any

from anyio import to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kb.api.as_json import envelope, plain
from kb.api.base import KnowledgeBase
from kb.api.faults import SYSTEM
from kb.errors import KbError
from kb.web.http_api.cursors import page, place
from kb.web.http_api.openapi import document
from kb.web.http_api.operations import JSON, OPERATIONS, Failed, Operation, Text
from kb.web.http_api.parameters import Asked
from kb.web.http_api.refusals import Refusal, of_error, refusal

MOST_BYTES = 1_500_000  # of a body: more than the longest text, each character of it escaped


async def _describe(request: Request) -> Response:
    return Response(document(), media_type=JSON)


def _route(operation: Operation) -> Route:
    async def endpoint(request: Request) -> Response:
        unfit = 422 if operation.method == "POST" else 400
        try:
            body = await _body(request) if operation.method == "POST" else b""
            given = _given(operation, request, body)
            state = request.app.state
            answer = partial(_answer, operation, state.base, state.token, given)
            # Nobody waits for the thread of a request that was cancelled: the process is to end, or the client is gone.
            return await to_thread.run_sync(answer, abandon_on_cancel=True)
        except Refusal as refused:
            return refusal(refused.status, str(refused))
        except Failed as failed:
            return refusal(422, str(failed), failed.data)
        except (KbError, *SYSTEM) as error:
            known = of_error(error, unfit)
            if known is None:
                raise
            return known

    return Route(operation.path, endpoint, methods=[operation.method], name=operation.name)


def _answer(operation: Operation, base: KnowledgeBase, token: str, given: Any, /) -> Response:
    """Return the answer of a use case; of a list the part that is asked for, and how it goes on."""
    if operation.part is None:
        found = operation.answer(base, given, 0)
        if isinstance(found, Text):
            return Response(found.text, headers=found.headers, media_type=found.media_type)
        return Response(envelope(found), media_type=JSON)
    question = json.dumps([operation.name, given.model_dump(exclude={"limit", "cursor"})])
    start = place(given.cursor, question, token)
    data = plain(operation.answer(base, given, start.after + given.limit + 1))
    where, called = operation.part
    items, cursor = page(data[where] if where else data, called, start, given.limit, question, token)
    return Response(envelope({**data, where: items} if where else items, cursor=cursor), media_type=JSON)


async def _body(request: Request) -> bytes:
    """Return the body of a request. Raises: Refusal if it is too long or not called JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Refusal(415, f"a body is {JSON}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refusal(413, f"a body has {MOST_BYTES} bytes at most")
    return bytes(body)


def _given(operation: Operation, request: Request, body: bytes) -> Asked:
    """Return what is asked, checked. Raises: Refusal with the first thing that is amiss."""
    query = request.query_params
    asked = {} if operation.method == "POST" else dict(query)
    for name in query:
        if name not in operation.takes.model_fields or operation.method == "POST":
            raise Refusal(400, f"{operation.name} has no parameter {name!r:.80}{_offer(operation)}")
        if len(query.getlist(name)) > 1:
            raise Refusal(400, f"{name} is given twice")
    try:
        if operation.method == "POST":
            return operation.takes.model_validate_json(body)
        return operation.takes.model_validate_strings(asked)
    except ValidationError as error:
        raise _refused(error, operation) from None


def _refused(error: ValidationError, operation: Operation) -> Refusal:
    first = error.errors(include_url=False)[0]
    is_json = first["type"] != "json_invalid"
    place = ".".join(map(str, first["loc"])) or "the body"
    what = f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    if is_json and first["type"] not in ("missing", "extra_forbidden"):
        what += f", got {first['input']!r:.80}"
    return Refusal(422 if operation.method == "POST" and is_json else 400, what)


def _offer(operation: Operation) -> str:
    if operation.method == "POST":
        return "; what it takes stands in the body"
    return f"; it takes {', '.join(operation.takes.model_fields) or 'none'}"


ROUTES: list[BaseRoute] = [Route("/openapi.json", _describe, name="openapi"), *map(_route, OPERATIONS)]
