"""What the notes claim, and what came of it."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from kb.terminal.commands.shared import (
    JsonOption,
    RefreshOption,
    envelope,
    offered,
    open_index,
    progress_shown,
    put,
    tell,
    terminal_style,
)
from kb.terminal.text import claim_columns, claim_counts, table

if TYPE_CHECKING:
    from kb.claims.ledger import Entry
    from kb.config.kb_toml import Config
    from kb.index.sqlite.ledger import ClaimRow
    from kb.index.sqlite.reader import Reader

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
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Run what the notes claim, and say what holds and what does not."""
    from kb.claims.ledger import entry, select, summary
    from kb.claims.verifying import FAILURES, fails

    for state in fail_on or []:
        if state not in FAILURES:
            raise typer.BadParameter(f"--fail-on takes {' or '.join(FAILURES)}, got {state!r}")
    config, reader = open_index(ctx, refresh)
    run_claims(config, reader, select(reader, target))
    entries = [entry(row) for row in select(reader, target)]
    if as_json:
        typer.echo(envelope({"summary": summary(entries), "claims": entries}))
    else:
        show_claims(config, entries)
    if any(fails(one, state) for one in entries for state in fail_on or []):
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
    from kb.claims.ledger import entry, select, summary
    from kb.index.query import CLAIM_STATES

    if state and state not in CLAIM_STATES:
        raise typer.BadParameter(f"--state takes {', '.join(CLAIM_STATES)}, got {state!r}")
    config, reader = open_index(ctx, refresh)
    entries = [one for one in map(entry, select(reader, target)) if state in (None, one.state)]
    runs = reader.claims.runs(target) if target else []
    if as_json:
        typer.echo(envelope({"summary": summary(entries), "claims": entries, "runs": runs}))
        return
    show_claims(config, entries)
    if runs:
        rows = [[run.date, run.state, run.version, run.device, f"{1000 * run.seconds:.2f} ms"] for run in runs]
        put(table(["run", "state", "kb", "device", "time"], rows, terminal_style()))


def run_claims(config: "Config", reader: "Reader", rows: "list[ClaimRow]") -> None:
    """Run claims and keep the runs; reader sees them then."""
    from kb.claims.verifying import verify as run_claims
    from kb.index.sqlite.writer import Writer

    with progress_shown() as progress:
        runs = run_claims(rows, progress)
    with closing(Writer(config.database)) as writer, writer.transaction():
        writer.put_runs(runs)
    reader.renew()


def show_claims(config: "Config", entries: "list[Entry]") -> None:
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
