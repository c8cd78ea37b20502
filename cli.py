"""The command line: which commands there are, and the one door that errors leave by."""

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from kb import __version__
from kb.api.as_json import envelope
from kb.errors import KbError
from kb.terminal.commands.outputs import watched
from kb.terminal.text import clean

COMMANDS = {  # in the order of the help; a module of commands/ is imported when one of its commands is called
    "init": "building",
    "index": "building",
    "status": "building",
    "import": "building",
    "export": "exchange",
    "add": "adding",
    "parse": "checking",
    "check": "checking",
    "search": "searching",
    "list": "papers",
    "show": "reading",
    "open": "reading",
    "random": "reading",
    "mark": "reading",
    "related": "searching",
    "gloss": "searching",
    "bench": "searching",
    "duplicates": "papers",
    "tags": "papers",
    "stats": "papers",
    "digest": "digests",
    "trends": "trends",
    "verify": "claims",
    "claims": "claims",
    "run": "running",
    "encoder": "encoders",
    "doctor": "health",
    "config": "health",
    "man": "manual",
}


class KbGroup(TyperGroup):
    """Imports a command when it is called, and shows a KbError as one line, and as JSON where that was asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        commands = typer.main.get_command(import_module(f"kb.terminal.commands.{COMMANDS[cmd_name]}").app)
        return getattr(commands, "commands", {}).get(cmd_name, commands)  # a module may be one command with its own

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return self._invoke(ctx)
        except KbError as error:
            typer.echo(f"error: {clean(str(error))}", err=True)
            if ctx.meta.get("json"):
                typer.echo(envelope(None, str(error)))
            raise typer.Exit(error.exit_code) from None

    def _invoke(self, ctx: Any) -> Any:
        import sqlite3  # not needed to show the help

        try:
            return super().invoke(ctx)
        except sqlite3.DatabaseError as error:  # while the index is read: what writes it says so itself
            from kb.index.sqlite.opening import refusal

            raise refusal(error, Path("the index")) or error from None


app = typer.Typer(
    cls=KbGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A knowledge base over your monthly paper notes, in Chinese and English.",
    epilog="Start with: kb init, kb search 声学延迟, kb search journey learning, kb digest 2024-10",
)


def main() -> None:
    """Run the command line."""
    if "_KB_COMPLETE" in os.environ:
        from kb.terminal.commands.completing import past_colon

        past_colon(os.environ)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for any, all installed packages are read
    with watched():
        app(prog_name="kb")


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"kb {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    kb: Annotated[Path, typer.Option("--kb", envvar="KB_HOME", help="Folder of the knowledge base.")] = Path(),
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """A knowledge base over your monthly paper notes, in Chinese and English."""
    ctx.obj = kb
    ctx.color = True if os.environ.get("FORCE_COLOR") else None  # else colours are taken out of what goes into a pipe


if __name__ == "__main__":
    main()
