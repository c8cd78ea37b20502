"""The application that answers over HTTP, and the server that runs it until it is told to end."""

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from importlib.util import find_spec
from types import FrameType

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from kb.api.base import KnowledgeBase
from kb.web.guard import Guard
from kb.web.http_api import ROUTES
from kb.web.http_api.refusals import BASE, of_framework
from kb.web.page import routes as page

THREADS = 8  # that answer at once; each keeps a view of the index open
PATIENCE_SECONDS = 3  # for answers under way, when the process is to end


def application(base: KnowledgeBase, token: str) -> Starlette:
    """Return the application over a knowledge base; whoever asks it shows the token."""
    routes: list[BaseRoute] = [Mount(BASE, routes=ROUTES), *page.ROUTES]
    assistants = _Assistants()
    if find_spec("mcp"):
        routes.append(Route("/mcp", endpoint=assistants))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with assistants.answered(base) if find_spec("mcp") else nullcontext():
            yield

    handlers = {HTTPException: of_framework, Exception: of_framework}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    app.state.base, app.state.token = base, token
    app.middleware_stack = Guard(app.build_middleware_stack(), token)  # around what Starlette says of mistakes, too
    return app


class _Assistants:
    """What answers over MCP while the application lives; each life has sessions of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answers(scope, receive, send)

    @asynccontextmanager
    async def answered(self, base: KnowledgeBase) -> AsyncIterator[None]:
        from kb.web.mcp_server import streamable

        self._answers, lives = await to_thread.run_sync(streamable, base)
        async with lives():
            yield


def run(base: KnowledgeBase, listener: socket.socket, token: str) -> None:
    """Answer on a listening socket until SIGTERM or SIGINT, and return; run in the main thread."""
    config = uvicorn.Config(
        application(base, token),
        access_log=False,
        log_config=None,
        http="h11",
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
    )
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that sleeps until there is something to do: the one of uvicorn looks ten times a second."""

    async def main_loop(self) -> None:
        self._ends = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._ends.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        if loop := getattr(self, "_loop", None):
            loop.call_soon_threadsafe(self._ends.set)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end the process; unlike uvicorn's, they are not raised again when it has ended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
