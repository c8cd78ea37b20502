"""The process that stays: for commands, for the page, for assistants."""

from typing import TYPE_CHECKING, Annotated

import typer

from kb.terminal.commands.shared import open_base, tell

if TYPE_CHECKING:
    from kb.resident.holding import Resident

app = typer.Typer(add_completion=False, rich_markup_mode=None)
PORT = 8747


@app.command()
def serve(
    ctx: typer.Context,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0 for a free one.")] = PORT,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Show the page, or answer commands alone.")] = True,
    background: Annotated[bool, typer.Option("--background", help="Go on without this terminal.")] = False,
    idle: Annotated[bool, typer.Option("--idle", help="End after half an hour in which nobody asked.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the process that stays.")] = False,
) -> None:
    """Stay, so that commands are answered at once, and show the page to read and search in: on this machine alone."""
    from kb.errors import KbError
    from kb.resident import holding, starting
    from kb.resident.client import READING
    from kb.terminal.program import command_line

    starting.refuse_elsewhere()
    base = open_base(ctx, refresh=False)
    root = base.config.root
    if stop:
        tell("stopped" if holding.stop(root) else "nothing to stop")
        return
    if found := holding.settled(root):
        _ready(_line(found))
        return
    if page and not starting.can_show_page():
        raise KbError("the page needs starlette and uvicorn", f"run: {starting.INSTALL}, or kb serve --no-page")
    if background:
        given = ["--port", str(port), *["--no-page"] * (not page), *["--idle"] * idle]
        typer.echo(starting.start(root, base.config.index, given))
        return
    command_line().prepare(READING)  # here, so that no copy has to
    found = starting.stay(base, command_line().main, _ready, port if page else None, idle)
    if found:
        _ready(_line(found))


def _line(found: "Resident") -> str:
    return f"there is one: {found.address or f'process {found.pid}, without a page'}"


def _ready(line: str) -> None:
    from kb.resident.starting import say_ready

    typer.echo(line)
    say_ready(line)
