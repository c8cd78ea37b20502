"""What the notes claim, and what came of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from kb.api.as_json import envelope
from kb.terminal.commands.shared import (
    JsonOption,
    RefreshOption,
    offered,
    open_base,
    progress_shown,
    put,
    tell,
    terminal_style,
)
from kb.terminal.text import claim_columns, claim_counts, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.claims.ledger import Entry
    from kb.config.kb_toml import Config

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
        list[str] | None,
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
    from kb.claims.verifying import FAILURES, fails

    for state in fail_on or []:
        if state not in FAILURES:
            raise typer.BadParameter(f"--fail-on takes {' or '.join(FAILURES)}, got {state!r}")
    base = open_base(ctx, refresh)
    with progress_shown() as progress:
        found = base.verify(target, progress, limit_seconds=limit)
    if as_json:
        typer.echo(envelope({"summary": found.summary, "claims": found.claims}))
    else:
        show_claims(base.config, found.claims)
    if any(fails(one, state) for one in found.claims for state in fail_on or []):
        raise typer.Exit(1)


@app.command()
def claims(
    ctx: typer.Context,
    target: TargetArgument = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="holds, contradicted, not-runnable or stale.", autocompletion=offered("states")),
    ] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List what the notes claim and what came of it; of one claim, every run."""
    from kb.index.query import CLAIM_STATES

    if state and state not in CLAIM_STATES:
        raise typer.BadParameter(f"--state takes {', '.join(CLAIM_STATES)}, got {state!r}")
    base = open_base(ctx, refresh)
    found = base.claims(target, state)
    if as_json:
        typer.echo(envelope(found))
        return
    show_claims(base.config, found.claims)
    if found.runs:
        rows = [[run.date, run.state, run.version, run.device, f"{1000 * run.seconds:.2f} ms"] for run in found.runs]
        put(table(["run", "state", "kb", "device", "time"], rows, terminal_style()))


def show_claims(config: "Config", entries: "Sequence[Entry]") -> None:
    """Show what matters most last, where the eye is; then how many there are of each."""
    from kb.claims.ledger import summary

    order = ("holds", "stale", "not-runnable", "contradicted")
    sorted_entries = sorted(entries, key=lambda one: (order.index(one.state), not one.is_expected))
    rows = claim_columns(sorted_entries, config.path_of, terminal_style())
    if rows:
        put(table(["state", "claim", "note says", "computed", "place", "reason"], rows, terminal_style()))
    counts = summary(entries)
    total = counts.pop("claims")
    tell(f"{total} claim{'' if total == 1 else 's'}: {claim_counts(counts) or 'none'}")
