"""A knowledge base as a server of the Model Context Protocol, for assistants: on stdio, or as an ASGI app."""

import gc
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ToolAnnotations
from mcp_types import Resource as ListedResource
from pydantic import Field, ValidationError

from kb import __version__
from kb.api.faults import SYSTEM, as_kb_error
from kb.errors import KbError
from kb.markup.unseen import clean
from kb.web.assistants import words
from kb.web.assistants.stdio import wire
from kb.web.assistants.texts import flat
from kb.web.assistants.tools import ReadingTools, RunningTools, WritingTools

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from kb.api.base import KnowledgeBase

MOST_LISTED = 100  # resources: the newest months, then files of notes
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
MARKDOWN = "text/markdown"
OBJECTS_BETWEEN_COLLECTIONS = 700  # as Python has it; a command looks for circles less often


def untouched() -> None:
    """Look for no changed notes: somebody else does."""


class KbServer(MCPServer[Any]):
    """The server of one knowledge base. What goes wrong in it is one line with the way out."""

    def __init__(
        self,
        base: "KnowledgeBase",
        refresh: Callable[[], object] = untouched,
        *,
        allow_write: bool = False,
        allow_run: bool = False,
    ) -> None:
        """Make a server; refresh is called now and before each answer."""
        self._base = base
        self._refresh = refresh
        self._refreshing = threading.Lock()
        self._bring_in()
        self._reading = ReadingTools(base)
        self._offered = {tool.name: tool for tool in self._tools(allow_write, allow_run)}
        super().__init__(
            "kb",
            title="paper-kb",
            version=__version__,
            instructions=clean(words.instructions(base)),
            tools=list(self._offered.values()),
            log_level="WARNING",
            subscriptions=False,
        )
        self._offer_resources()
        self._offer_prompts()

    def _tools(self, allow_write: bool, allow_run: bool) -> Iterable[Tool]:
        reading = self._reading
        uses: list[Callable[..., str]] = [reading.search, reading.get, reading.list_papers, reading.related]
        uses += [reading.digest, reading.claims, reading.cite, reading.status]
        for use in uses:
            yield _tool(use, READS)
        if allow_write:
            yield _tool(WritingTools(self._base).add, ADDS)
        if allow_run:
            running = RunningTools(self._base)
            yield _tool(running.verify, RUNS)
            yield _tool(running.run, RUNS)

    def _offer_resources(self) -> None:
        reading = self._reading

        @self.resource("kb://paper/{+id}", name="paper", description="A paper by its id", mime_type=MARKDOWN)
        def paper(id: str) -> str:
            return reading.get(id)

        @self.resource("kb://note/{+path}", name="note", description="A file of notes", mime_type=MARKDOWN)
        def note(path: str) -> str:
            return reading.get(path)

        @self.resource("kb://digest/{month}", name="digest", description="The digest of a month", mime_type=MARKDOWN)
        def digest(month: str) -> str:
            return reading.digest(month)

    def _offer_prompts(self) -> None:
        base = self._base

        @self.prompt(name="monthly-review", description="Review a month of the notes, every statement cited")
        def monthly_review(month: Annotated[str, Field(description="2024-10")]) -> str:
            return clean(words.review(base, month))

        @self.prompt(name="compare-papers", description="Compare papers by what the notes say of them")
        def compare_papers(papers: Annotated[str, Field(description="their names, with commas between")]) -> str:
            return clean(words.compare(papers))

    async def list_resources(self) -> list[ListedResource]:
        """Return the digests of the newest months and the files of notes."""
        await anyio.to_thread.run_sync(self._bring_in)
        return await anyio.to_thread.run_sync(self._resources)

    def _resources(self) -> list[ListedResource]:
        months = [(f"kb://digest/{month}", f"digest {month}") for month in self._base.months()]
        files = [one.state.path for one in self._base.status().files if one.state.state == "indexed"]
        notes = [(f"kb://note/{path}", path) for path in files]
        found = [*months[: MOST_LISTED // 2], *notes][:MOST_LISTED]
        return [ListedResource(uri=clean(uri), name=clean(name), mime_type=MARKDOWN) for uri, name in found]

    async def call_tool(self, name: str, arguments: dict[str, Any], context: "Context[Any] | None" = None) -> Any:
        """Answer a call with the notes as they are now. Raises: ToolError of one line."""
        if name not in self._offered:
            raise ToolError(_unknown("tool", name, self._offered))
        taken = self._offered[name].parameters.get("properties", {})
        for given in arguments:
            if given not in taken:
                raise ToolError(f"{name}: {_unknown('argument', given, taken)}")
        try:
            await anyio.to_thread.run_sync(self._bring_in)
            return await super().call_tool(name, arguments, context)
        except (ToolError, KbError, *SYSTEM) as error:
            if line := _line(error):
                raise ToolError(f"{name}: {line}") from error
            raise

    async def read_resource(self, uri: Any, context: "Context[Any] | None" = None) -> Any:
        """Return what a resource holds now. Raises: ResourceNotFoundError of one line."""
        try:
            await anyio.to_thread.run_sync(self._bring_in)
            return await super().read_resource(uri, context)
        except (ResourceError, KbError, *SYSTEM) as error:
            if line := _line(error):
                raise ResourceNotFoundError(line) from error
            raise

    async def get_prompt(self, name: str, arguments: Any = None, context: "Context[Any] | None" = None) -> Any:
        """Return a task. Raises: MCPError of one line."""
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            raise MCPError(INVALID_PARAMS, _line(error) or flat(str(error))) from error

    async def run_stdio_async(self) -> None:
        """Answer on standard input and output until the client goes."""
        server = self._lowlevel_server
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        with wire() as (lines, out):
            async with stdio_server(lines, out) as (incoming, outgoing):  # type: ignore[arg-type]
                await server.run(incoming, outgoing, server.create_initialization_options())

    def _bring_in(self) -> None:
        with self._refreshing:  # whoever comes second finds nothing left to do
            self._refresh()


def _tool(use: Callable[..., Any], annotations: ToolAnnotations) -> Tool:
    """Return a use case as a tool, described by its docstring; titles of arguments are left out, which only repeat."""
    name = use.__name__.removesuffix("_papers")
    description = (use.__doc__ or "").strip()
    tool = Tool.from_function(use, name, None, description, annotations=annotations, structured_output=False)
    tool.parameters.pop("title", None)
    for argument in tool.parameters["properties"].values():
        argument.pop("title", None)
    return tool


def _line(error: BaseException | None) -> str | None:
    """Return what an error, or one that it came from, means to who asked, on one line; None if it is a mistake here."""
    if error is None:
        return None
    if known := as_kb_error(error):
        return clean(flat(str(known)))
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        return clean(flat("; ".join(faults)))
    return _line(error.__cause__)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name[:100], names, 1)
    way_out = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}" if names else "it takes none"
    return clean(flat(f"no {what} {name[:100]!r}; {way_out}"))


def streamable(
    base: "KnowledgeBase", *, allow_write: bool = False, allow_run: bool = False
) -> "tuple[ASGIApp, Callable[[], AbstractAsyncContextManager[None]]]":
    """Return the ASGI app of streamable HTTP, and the lifespan that the app around it enters.

    It answers at any path: Route("/mcp", endpoint=app). Whoever keeps the base open brings changed notes in.
    """
    server = KbServer(base, allow_write=allow_write, allow_run=allow_run)
    server.streamable_http_app()
    manager = server.session_manager
    return manager.asgi_app, manager.run
