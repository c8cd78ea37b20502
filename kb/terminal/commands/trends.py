"""Topics over months."""

from pathlib import Path
from typing import Annotated

import typer

from kb.api.as_json import envelope
from kb.terminal.commands.shared import (
    JsonOption,
    RefreshOption,
    offered,
    open_base,
    put,
    terminal_style,
)
from kb.terminal.text import sparks, table

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def trends(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", help="The first month or year.", autocompletion=offered("months"))
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="The last month or year.", autocompletion=offered("months"))
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many topics.")] = 12,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw them to a PNG file.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Show which topics come and go: papers of each keyword by month."""
    from kb.api.options import period
    from kb.terminal.pictures import write_picture

    found = open_base(ctx, refresh).trends(period(since=since, until=until), limit=limit)
    if plot:
        write_picture(plot, found.plot(), ctx.obj)
    if as_json:
        typer.echo(envelope(found))
        return
    rows = [[topic.name, topic.papers, sparks(topic.counts), *topic.counts] for topic in found.topics]
    style = terminal_style()
    if style.is_terminal:
        rows = [row[:3] for row in rows]
        put(table(["topic", "papers", f"{found.months[0]} … {found.months[-1]}"], rows, style))
    else:
        put(table(["topic", "papers", "", *found.months], [[row[0], row[1], *row[3:]] for row in rows], style))
