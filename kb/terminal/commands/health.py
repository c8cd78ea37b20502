"""How a knowledge base is, and how it is set up."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.api.as_json import envelope
from kb.errors import KbError
from kb.terminal.commands.shared import JsonOption, open_base, progress_shown, put, tell, terminal_style
from kb.terminal.text import table

if TYPE_CHECKING:
    from kb.api.doctor.findings import Finding

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without losing anything.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read notes, encoder and vectors again, and compare.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Examine machine, notes and index, with the way out of what is wrong; ends with 1 if something is broken."""
    from kb.api.doctor import examine, examine_machine
    from kb.api.doctor.mending import mend

    with progress_shown() as progress:
        machine = examine_machine(progress)
        base = examine(ctx.obj, progress, deep)
        base += _resident(ctx.obj)
        done = []
        if fix and any(finding.mend for finding in base):
            done = mend(ctx.obj, base, progress)
            base = examine(ctx.obj, progress, deep) + _resident(ctx.obj)
    found = [*machine, *base]
    if as_json:
        typer.echo(envelope({"findings": found, "mended": done}))
    else:
        rows = [[one.state, one.rule, one.what, one.way_out] for one in found]
        put(table(["state", "of", "what", "way out"], rows, terminal_style()))
        for line in done:
            tell(line)
    if any(one.state == "broken" for one in found):
        raise typer.Exit(1)


def _resident(start: Path) -> "list[Finding]":
    from kb.api.base import open_base as opened
    from kb.resident.examining import process

    try:
        return list(process(opened(start).config.root))
    except (KbError, OSError):  # an examination tells it, or there can be none
        return []


@app.command("config")
def show_settings(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One setting, its value alone: cd $(kb config notes).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every setting, and where it comes from: a line of kb.toml, the environment or the default."""
    found = open_base(ctx, refresh=False).settings(_root_origin(ctx), name)
    if as_json:
        typer.echo(envelope(found[0] if name else found))
    elif name:
        for value in found[0].values:
            typer.echo(value)
    else:
        rows = [[one.name, ", ".join(one.values), one.origin] for one in found]
        put(table(["setting", "value", "from"], rows, terminal_style()))


def _root_origin(ctx: typer.Context) -> str:
    source = ctx.find_root().get_parameter_source("kb")
    origins = {"COMMANDLINE": "--kb", "ENVIRONMENT": "$KB_HOME"}
    return origins.get(source.name if source else "", "the folder you are in")
