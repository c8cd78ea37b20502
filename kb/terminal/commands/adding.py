"""Adding papers: the one command that writes notes, and only when told."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kb.api.as_json import envelope
from kb.terminal.commands.shared import JsonOption, offered, open_base, tell
from kb.terminal.text import from_here

if TYPE_CHECKING:
    from kb.exchange.adding import Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def add(
    ctx: typer.Context,
    papers: Annotated[
        list[str],
        typer.Argument(
            help="2410.00037, 10.1109/5.771073, the address of one at arXiv or doi.org, a file.bib; several."
        ),
    ],
    write: Annotated[bool, typer.Option("--write", help="Append the entries to the month's note.")] = False,
    month: Annotated[
        str | None,
        typer.Option(
            help="2024-10; else this month, by this computer's clock and time zone.", autocompletion=offered("months")
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody: a stub with the id for a title.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look a paper up at arXiv or Crossref and print its entry, as the month's note is written.

    Nothing is written without --write. kb add 2410.00037, kb add 10.1109/5.771073 --month 2024-10 --write
    """
    base = open_base(ctx, refresh=True)
    outcomes: list[Outcome] = []
    for outcome in base.add(papers, month=month, write=write, offline=offline, tell=_tell_person):
        if not as_json:
            _show(outcome, write, is_first=not any(one.entry for one in outcomes))
        outcomes.append(outcome)
    problems = [one.problem for one in outcomes if one.problem]
    if as_json:
        typer.echo(envelope(outcomes, "; ".join(problems) or None))
    if problems:
        raise typer.Exit(1)


def _tell_person(line: str) -> None:
    if sys.stderr.isatty():
        tell(line)


def _show(outcome: "Outcome", write: bool, is_first: bool) -> None:
    if outcome.problem:
        tell(f"error: {outcome.target}: {outcome.problem}")
    for notice in outcome.notices:
        tell(f"{outcome.target}: {notice}")
    if outcome.entry:
        typer.echo(("" if is_first else "\n") + "\n".join(outcome.entry))
    if outcome.path:
        place = f"{from_here(outcome.path)}:{outcome.line}"
        under = f", under {outcome.section!r}" if outcome.section else ""
        tell(f"added: {place}{under}" if write else f"not written; with --write it comes to {place}{under}")
