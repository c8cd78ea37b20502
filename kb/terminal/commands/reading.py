"""One paper: shown, opened, met by chance, marked as read."""

import shutil
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from kb.api.as_json import envelope, shown
from kb.errors import KbError
from kb.terminal.commands.paging import PagerOption, paged
from kb.terminal.commands.shared import (
    JsonOption,
    NameArgument,
    QueryArgument,
    QueryCommand,
    RefreshOption,
    asked,
    offered,
    open_base,
    open_in_editor,
    tell,
    terminal_style,
)
from kb.terminal.ledger import show_claims
from kb.terminal.output import ours
from kb.terminal.text import Style, people

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.api.results import PaperView

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Action(str, Enum):
    """What `kb mark` does."""

    star = "star"
    unstar = "unstar"
    read = "read"
    unread = "unread"


@app.command()
def show(
    ctx: typer.Context,
    name: NameArgument,
    pager: PagerOption = True,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Show one paper: what is known of it, its notes, newest first, and what they claim."""
    base = open_base(ctx, refresh)
    _show(base, base.paper(name), pager, as_json)


@app.command("random", cls=QueryCommand)
def show_any(
    ctx: typer.Context,
    query: QueryArgument = None,
    pager: PagerOption = True,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Show a paper by chance, of all or of those that filters leave: kb random is:unread."""
    text = asked(query)
    base = open_base(ctx, refresh)
    _show(base, base.any_paper(text), pager, as_json)


@app.command("open")
def open_note(
    ctx: typer.Context,
    name: NameArgument,
    url: Annotated[bool, typer.Option("--url", help="Open the paper itself in $BROWSER: arXiv, DOI, code.")] = False,
    refresh: RefreshOption = True,
) -> None:
    """Open the note in $EDITOR at the paper's line, or the paper in the browser."""
    base = open_base(ctx, refresh)
    found = base.paper(name)
    paper = found.paper
    if not url and (place := base.editable(found)):
        open_in_editor(*place)
    import webbrowser

    address = base.address(found)
    if not address:
        raise KbError(f"{paper.id} has no link to the web in its note", f"open the note with: kb open {name}")
    tell(address)
    if not webbrowser.open(address):
        raise KbError("no browser can be started here", f"set $BROWSER, or open {address} yourself")


@app.command()
def mark(
    ctx: typer.Context,
    action: Annotated[Action, typer.Argument(help="star, read, or take it back: unstar, unread.")],
    names: Annotated[
        list[str],
        typer.Argument(
            help="Papers by any part of id, arXiv id, short name or title.", autocompletion=offered("names")
        ),
    ],
    refresh: RefreshOption = True,
) -> None:
    """Star papers, or mark them as read, in marks.toml beside kb.toml; notes stay as they are."""
    for one in open_base(ctx, refresh).mark(action.value, names):
        typer.echo(f"{one.state.signs}{one.paper.title}")


def _show(base: "KnowledgeBase", found: "PaperView", pager: bool, as_json: bool) -> None:
    config, records, state = base.config, found.records, found.state
    for notice in found.notices:
        tell(notice)
    if as_json:
        typer.echo(envelope(shown(found)))
        return
    with paged(pager):
        style = terminal_style()
        record = found.merged
        places = {note["id"]: style.place(config.path_of(note["file"]), note["line"]) for note in records.values()}
        typer.echo(state.signs + style.bold(record["title"]))
        runnable = ", ".join(f"kb run {one}" for one in found.runnable)
        for label, value in {**found.facts, "authors": people(record["authors"]), "runnable": runnable}.items():
            if value:
                typer.echo(f"{label:>13}  {value}")
        if len(records) == 1:
            typer.echo(f"{'place':>13}  {places[record['id']]}")
        for link in record["links"]:
            typer.echo(f"{link['kind']:>13}  {style.address(link['url'])}")
        for note in records.values():
            typer.echo()
            if len(records) > 1:
                typer.echo(f"{style.bold(places[note['id']])}  {style.dim(note['id'])}\n")
            _put_markdown(note["body"], style)
        if found.ledger.claims:
            typer.echo()
            show_claims(config, found.ledger)


def _put_markdown(text: str, style: Style) -> None:
    if not style.is_terminal:
        typer.echo(text)
        return
    from kb.markup.ansi import rendered

    typer.echo(ours(rendered(text, shutil.get_terminal_size().columns, style.has_colour, style.has_links)), nl=False)
