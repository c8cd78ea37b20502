"""The reference implementations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.api.as_json import envelope, runnable
from kb.errors import KbError
from kb.terminal.commands.shared import (
    JsonOption,
    offered,
    open_base,
    progress_shown,
    put,
    terminal_style,
)
from kb.terminal.text import claim_state, sparks, table

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"help_option_names": []})
def run(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="rvq, delay, …", autocompletion=offered("algorithms"))] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Parameters: levels=4 delays=0,1,2", autocompletion=offered("settings")),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the algorithms.")] = False,
    check_promises: Annotated[bool, typer.Option("--check", help="Check what the algorithm promises.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --check: all algorithms.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
    seed: Annotated[int, typer.Option("--seed")] = 0,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the figures to a PNG file.")] = None,
    wav: Annotated[Path | None, typer.Option("--wav", help="Write what sounds to a WAV file.")] = None,
    as_json: JsonOption = False,
    show_help: Annotated[
        bool, typer.Option("--help", "-h", help="Show this, or the parameters of an algorithm.")
    ] = False,
) -> None:
    """Run the reference implementation of an algorithm."""
    from kb.api import algorithms as runs

    if show_help:
        typer.echo(ctx.get_help() if name is None else _parameters(name))
    elif check_promises and (name or every):
        _show_checks([name] if name else [one.name for one in runs.algorithms()], device, as_json)
    elif every:
        raise typer.BadParameter("--all goes with --check")
    elif list_all or not name:
        _show_algorithms(ctx, as_json)
    else:
        result = runs.run(name, device, seed, settings or [])
        drawn, audio = result.pop("plot", None), result.pop("audio", None)
        if plot:
            _draw(ctx, name, drawn, plot)
        if wav:
            _play(ctx, name, audio, wav)
        if base := _base(ctx):
            result["claims"] = base.claims_running(name.replace("_", "-"))
        _show_result(result, drawn, as_json)


def _parameters(name: str) -> str:
    from kb.api.algorithms import parameters

    rows = [[f"{one.name}={one.default}", one.kind, one.what] for one in parameters(name)]
    lines = "\n".join(f"  {setting:<24} {kind:<16} {what}" for setting, kind, what in rows)
    return f"kb run {name} takes:\n{lines}" if rows else f"kb run {name} takes no parameters"


def _base(ctx: typer.Context) -> "KnowledgeBase | None":
    """Return the knowledge base with its index as it is, if there is one: an algorithm needs none."""
    try:
        base = open_base(ctx, refresh=False)
        base.reader()
    except (KbError, OSError):
        return None
    return base


def _show_algorithms(ctx: typer.Context, as_json: bool) -> None:
    """List the algorithms, with the number of claims that run them where there is an index to count in."""
    from kb.api.algorithms import algorithms

    base = _base(ctx)
    claimed = base.claims_by_algorithm() if base else {}
    found = algorithms()
    if as_json:
        typer.echo(envelope(runnable(found, claimed)))
        return
    rows = [
        [one.name, one.summary, ", ".join(one.papers), claimed.get(one.name, 0), one.seconds or ""] for one in found
    ]
    put(table(["name", "idea", "papers", "claims", "seconds"], rows, terminal_style()))


def _show_checks(names: list[str], device: str, as_json: bool) -> None:
    from kb.api.algorithms import check

    with progress_shown() as progress:
        checks = []
        for number, name in enumerate(names, 1):
            checks += check(name, device)
            progress("checking", number, len(names))
    if as_json:
        typer.echo(envelope(checks))
    else:
        rows = [["ok" if one.holds else "FAILED", one.algorithm, one.promise] for one in checks]
        put(table(["", "algorithm", "promise"], rows, terminal_style()))
    if not all(one.holds for one in checks):
        raise typer.Exit(1)


def _draw(ctx: typer.Context, name: str, drawn: dict[str, Any] | None, path: Path) -> None:
    from kb.terminal.pictures import write_picture

    if not drawn:
        raise KbError(f"{name} has nothing to draw", "run it without --plot")
    write_picture(path, drawn, ctx.obj)


def _play(ctx: typer.Context, name: str, audio: dict[str, Any] | None, path: Path) -> None:
    from kb.terminal.pictures import write_tracks

    if not audio:
        raise KbError(f"{name} makes no sound", "run it without --wav")
    write_tracks(path, audio, ctx.obj)


def _show_result(result: dict[str, Any], drawn: dict[str, Any] | None, as_json: bool) -> None:
    if as_json:
        typer.echo(envelope(result))
        return
    rows = result["rows"]
    if rows:
        headings = list(rows[0])
        cells = [[_rounded(row[heading]) for heading in headings] for row in rows]
        if not terminal_style().is_terminal:
            typer.echo("\t".join(headings))
        put(table(headings, cells, terminal_style()))
    if result.get("drawing"):
        typer.echo(result["drawing"])
    if drawn and terminal_style().is_terminal:
        rows = [[name, sparks(ys), f"{min(ys):.4g} … {max(ys):.4g}"] for name, ys in drawn["series"].items()]
        put(table([drawn["y_label"], f"by {drawn['x_label']}", "range"], rows, terminal_style()))
    for remark in result.get("remarks", []):
        typer.echo(remark)
    for claim in result.get("claims", []):
        computed = f"computed {claim.computed_figures}, " if claim.computed_figures else ""
        figures = f"note says {claim.says_figures}, {computed}{claim_state(claim)}"
        typer.echo(f"{claim.says}: {figures} ({claim.file}:{claim.line})")


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
