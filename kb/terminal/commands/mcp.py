"""The knowledge base for assistants, over the Model Context Protocol."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import KbError
from kb.terminal.commands.shared import open_base, tell

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def mcp(
    ctx: typer.Context,
    allow_write: Annotated[bool, typer.Option("--allow-write", help="Offer add, which may write notes.")] = False,
    allow_run: Annotated[bool, typer.Option("--allow-run", help="Offer verify and run, which compute.")] = False,
    install: Annotated[bool, typer.Option("--install", help="Print what makes a client start this.")] = False,
    skill: Annotated[bool, typer.Option("--skill", help="Print a SKILL.md for agents.")] = False,
) -> None:
    """Answer an assistant over MCP, on standard input and output: it searches, reads and cites the notes.

    kb mcp --install prints what to paste into Claude, Cursor, VS Code or Codex.
    """
    if skill:
        from kb.web.assistants.clients import skill_text

        typer.echo(skill_text(), nl=False)
        return
    if install:
        from kb.web.assistants.clients import installation

        base = open_base(ctx, refresh=False)
        allowed = ["--allow-write"] * allow_write + ["--allow-run"] * allow_run
        typer.echo(installation([*_program(), "--kb", str(base.config.root), "mcp", *allowed]), nl=False)
        return
    base = open_base(ctx, refresh=False)
    try:
        from kb.web.mcp_server import KbServer
    except ModuleNotFoundError as error:
        raise KbError(f"kb mcp needs {error.name}", "run: pip install 'paper-kb[mcp]'") from None
    KbServer(base, _refreshed(base), allow_write=allow_write, allow_run=allow_run).run()


def _refreshed(base: "KnowledgeBase") -> Callable[[], None]:
    """Return what brings changed notes in, and says each thing to know once."""
    said: set[str] = set()

    def refresh() -> None:
        for notice in base.refresh():
            if notice not in said:
                said.add(notice)
                tell(notice)

    return refresh


def _program() -> list[str]:
    """Return what starts this program, wherever a client stands."""
    script = Path(sys.argv[0])
    if script.stem == "kb" and os.access(script, os.X_OK) and script.is_file():
        return [str(script.absolute())]
    return (
        [found]
        if (found := shutil.which("kb", path=str(Path(sys.executable).parent)))
        else [sys.executable, "-m", "kb"]
    )
