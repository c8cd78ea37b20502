"""Papers all together."""

from typing import Annotated

import typer

from kb.api.as_json import counted, envelope, listed
from kb.terminal.commands.paging import PagerOption, paged
from kb.terminal.commands.shared import (
    JsonOption,
    LimitOption,
    QueryArgument,
    QueryCommand,
    RefreshOption,
    asked,
    open_base,
    open_in_editor,
    put,
    screen_columns,
    states_of,
    tell,
    terminal_style,
)
from kb.terminal.papers import paper_list
from kb.terminal.text import table

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("list", cls=QueryCommand)
def list_papers(
    ctx: typer.Context,
    query: QueryArgument = None,
    limit: LimitOption = 0,
    fzf: Annotated[bool, typer.Option("--fzf", help="Choose one in fzf, beside a preview, and open its note.")] = False,
    pager: PagerOption = True,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List papers, newest month first."""
    if fzf and as_json:
        raise typer.BadParameter("--fzf is for a person, --json for a program; take one of them")
    text = asked(query)
    base = open_base(ctx, refresh)
    papers = base.rows(text, limit=limit)
    style = terminal_style()
    # In a pipe a title is a title, and nobody waits for its marks.
    states = states_of(base, [one.key for one in papers]) if as_json or fzf or style.is_terminal else {}
    signs = {key: state.signs for key, state in states.items()}
    if as_json:
        typer.echo(envelope(listed(papers, states)))
    elif fzf:
        from kb.terminal.fzf import pick

        if papers and (chosen := pick(papers, signs, base.config.root)):
            open_in_editor(base.config.path_of(chosen.file), chosen.line)
    elif papers:
        with paged(pager):
            put(paper_list(papers, signs, base.config.path_of, style, screen_columns()))


@app.command()
def duplicates(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """List records that may be one paper, and the lines for kb.toml that join or part them."""
    base = open_base(ctx, refresh)
    found = base.duplicates()
    if as_json:
        typer.echo(envelope(found))
        return
    style = terminal_style()
    for pair in found.pairs:
        typer.echo(style.bold(pair.reason))
        for one in pair.records:
            typer.echo(f"   {one.id} · {one.title} · {style.place(base.config.path_of(one.file), one.line)}")
        typer.echo(f"   to join: {pair.join}\n   to part: {pair.part}")
    for name in found.unknown:
        typer.echo(f"kb.toml names a record that is not there: {name}")
    if not (found.pairs or found.unknown):
        tell("no doubtful pairs")


@app.command()
def tags(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count the keywords."""
    counts = open_base(ctx, refresh).tags()
    if as_json:
        typer.echo(envelope(counted(counts)))
    elif counts:
        put(table(["keyword", "papers"], [[name, count] for name, count in counts], terminal_style()))


@app.command()
def stats(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count papers by month, kind, organization and link."""
    found = open_base(ctx, refresh).counts()
    if as_json:
        typer.echo(envelope(found))
        return
    rows = [[group, name, count] for group, counts in found.items() for name, count in counts.items()]
    put(table(["", "name", "count"], rows, terminal_style()))
