"""The manual page, from what --help tells of every command."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from kb.terminal.man_page import Entry

HELP = ("--help", "Show this message and exit.")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def man(ctx: typer.Context) -> None:
    """Print the manual page of all commands: kb man > kb.1, then man -l kb.1."""
    from kb import __version__
    from kb.terminal.man_page import manual

    root = ctx.find_root()
    program, *commands = _entries(type(root)(root.command, info_name="kb"))
    typer.echo(manual(__version__, program, commands, root.command.epilog or ""), nl=False)


def _entries(ctx: Any) -> "Iterator[Entry]":
    """Yield a command, given as its context, and those below it."""
    from kb.terminal.man_page import Entry

    command = ctx.command
    found = (parameter.get_help_record(ctx) for parameter in command.get_params(ctx))
    records = tuple(record for record in found if record and (record != HELP or ctx.parent is None))  # said once
    yield Entry(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)), command.help or "", records)
    for name in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
        yield from _entries(type(ctx)(command.get_command(ctx, name), info_name=name, parent=ctx))
