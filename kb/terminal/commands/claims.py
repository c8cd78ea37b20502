"""What the notes claim, and what came of it."""

from typing import Annotated

import typer

from kb.api.as_json import envelope, verified
from kb.api.options import ClaimState, Failure
from kb.terminal.commands.shared import (
    JsonOption,
    RefreshOption,
    offered,
    open_base,
    progress_shown,
    put,
    terminal_style,
)
from kb.terminal.ledger import show_claims
from kb.terminal.text import table

app = typer.Typer(add_completion=False, rich_markup_mode=None)
TargetArgument = Annotated[
    str | None,
    typer.Argument(help="A month, a claim, or any part of a paper's name.", autocompletion=offered("claims")),
]


@app.command()
def verify(
    ctx: typer.Context,
    target: TargetArgument = None,
    fail_on: Annotated[
        list[Failure] | None,
        typer.Option(
            "--fail-on", help="End with 1 on claims in this state: contradicted (not as noted), not-runnable."
        ),
    ] = None,
    limit: Annotated[
        float, typer.Option("--limit", min=1, help="Seconds of a processor's time that one claim may take.")
    ] = 20,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Run what the notes claim, and say what holds and what does not."""
    base = open_base(ctx, refresh)
    with progress_shown() as progress:
        found = base.verify(target, progress, limit_seconds=limit)
    if as_json:
        typer.echo(envelope(verified(found)))
    else:
        show_claims(base.config, found)
    if found.fails(fail_on or ()):
        raise typer.Exit(1)


@app.command()
def claims(
    ctx: typer.Context,
    target: TargetArgument = None,
    state: Annotated[ClaimState | None, typer.Option("--state", help="Those in one state.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List what the notes claim and what came of it; of one claim, every run."""
    base = open_base(ctx, refresh)
    found = base.claims(target, state)
    if as_json:
        typer.echo(envelope(found))
        return
    show_claims(base.config, found)
    if found.runs:
        rows = [[run.date, run.state, run.version, run.device, f"{1000 * run.seconds:.2f} ms"] for run in found.runs]
        put(table(["run", "state", "kb", "device", "time"], rows, terminal_style()))
