"""The page behind a loopback port in a thread, with the headers that it has to do with."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from kb.api.base import KnowledgeBase
from kb.web.page.layout import PICTURES_COOKIE
from kb.web.page.routes import ROUTES
from tests.faults.killing import PATIENCE_SECONDS


def policy(pictures: str) -> str:
    """Return the content security policy of the process that serves the page."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {pictures}; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def application(base: KnowledgeBase) -> Any:
    """Return the page as an ASGI application."""
    made = Starlette(routes=ROUTES)
    made.state.base = base
    made.state.token = "token"

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        async def answered(message: Any) -> None:
            if message["type"] == "http.response.start":
                allowed = Request(scope).cookies.get(PICTURES_COOKIE) == "1"
                headers = Response(headers={"Content-Security-Policy": policy("https:" if allowed else "")}).raw_headers
                own = [pair for pair in message["headers"] if pair[0] != b"content-security-policy"]
                message["headers"] = [*own, *(pair for pair in headers if pair[0] != b"content-length")]
            await send(message)

        await made(scope, receive, answered if scope["type"] == "http" else send)

    return guarded


@contextmanager
def serving(base: KnowledgeBase) -> Iterator[str]:
    """Serve the page of a knowledge base, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application(base), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)
