"""One paper: shown, opened, met by chance, marked as read."""

import json
import shutil
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import KbError
from kb.terminal.commands.claims import show_claims
from kb.terminal.commands.paging import PagerOption, paged
from kb.terminal.commands.shared import (
    JsonOption,
    NameArgument,
    QueryArgument,
    QueryCommand,
    RefreshOption,
    asked,
    envelope,
    offered,
    open_in_editor,
    open_index,
    paper_named,
    states_of,
    tell,
    terminal_style,
)
from kb.terminal.text import Style, clean, people

if TYPE_CHECKING:
    from kb.config.kb_toml import Config
    from kb.index.sqlite.papers import PaperRow
    from kb.index.sqlite.reader import Reader
    from kb.notes.marked import State

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
    config, reader = open_index(ctx, refresh)
    _show(config, reader, paper_named(reader, name), pager, as_json)


@app.command("random", cls=QueryCommand)
def show_any(
    ctx: typer.Context,
    query: QueryArgument = None,
    pager: PagerOption = True,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Show a paper by chance, of all or of those that filters leave: kb random is:unread."""
    from secrets import choice

    from kb.search.build_hits import best_notes

    parsed = asked(query)
    config, reader = open_index(ctx, refresh)
    papers = {paper.key: paper for paper in reader.listed(parsed) if paper.kind != "note"}
    if not papers:
        raise KbError("no paper to choose from; ask for less, or see what there is with: kb list")
    _show(config, reader, papers[choice(best_notes(reader, list(papers)))], pager, as_json)


@app.command("open")
def open_note(
    ctx: typer.Context,
    name: NameArgument,
    url: Annotated[bool, typer.Option("--url", help="Open the paper itself in $BROWSER: arXiv, DOI, code.")] = False,
    refresh: RefreshOption = True,
) -> None:
    """Open the note in $EDITOR at the paper's line, or the paper in the browser."""
    config, reader = open_index(ctx, refresh)
    paper = paper_named(reader, name)
    if not (url or paper.file.endswith(".sqlite")):  # Zotero's database is nothing to edit
        open_in_editor(config.path_of(paper.file), paper.line)
    import webbrowser

    from kb.notes.merging import merged
    from kb.notes.web_address import best_address

    record = merged([json.loads(reader.papers.record(key)) for key in reader.works.notes_of(paper.key)])
    address = best_address(reader.marks.known_as([paper.key])[paper.key].names, record["links"])
    if not address:
        raise KbError(f"{paper.id} has no link to the web in its note; open the note with: kb open {name}")
    tell(address)
    if not webbrowser.open(address):
        raise KbError(f"no browser can be started here; set $BROWSER, or open {address} yourself")


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
    from datetime import date

    from kb.notes import marks as bookmarks

    config, reader = open_index(ctx, refresh)
    papers = {paper.key: paper for paper in (paper_named(reader, name) for name in names)}
    known = reader.marks.known_as(papers)
    targets = [bookmarks.Target(known[key], clean(paper.title)) for key, paper in papers.items()]
    bookmarks.mark(config.marks, targets, action.value, date.today().isoformat())
    states = states_of(config, reader, list(papers))
    for key, paper in papers.items():
        typer.echo(f"{states[key].signs}{clean(paper.title)}")


def _show(config: "Config", reader: "Reader", paper: "PaperRow", pager: bool, as_json: bool) -> None:
    from kb.claims.ledger import entry
    from kb.notes.merging import merged

    records = {key: json.loads(reader.papers.record(key)) for key in reader.works.notes_of(paper.key)}
    claims = [entry(row) for row in reader.claims.of_papers(record["id"] for record in records.values())]
    state = states_of(config, reader, [paper.key])[paper.key]
    if as_json:
        others = [record for key, record in records.items() if key != paper.key]
        typer.echo(envelope({**records[paper.key], "notes": others, "claims": claims, "state": state}))
        return
    with paged(pager):
        style = terminal_style()
        record = merged(list(records.values()))
        places = {note["id"]: style.place(config.path_of(note["file"]), note["line"]) for note in records.values()}
        typer.echo(state.signs + style.bold(clean(record["title"])))
        for label, value in _facts(record, state):
            if value:
                typer.echo(f"{label:>13}  {clean(value)}")
        if len(records) == 1:
            typer.echo(f"{'place':>13}  {places[record['id']]}")
        for link in record["links"]:
            typer.echo(f"{link['kind']:>13}  {style.address(link['url'])}")
        for note in records.values():
            typer.echo()
            if len(records) > 1:
                typer.echo(f"{style.bold(places[note['id']])}  {style.dim(clean(note['id']))}\n")
            _put_markdown(note["body"], style)
        if claims:
            typer.echo()
            show_claims(config, claims)


def _facts(record: dict[str, Any], state: "State") -> "list[tuple[str, str | None]]":
    from kb.claims.catalog import runnable

    belonging = runnable((record["short_name"], record["title"], record["arxiv_id"]))
    return [
        ("authors", people(record["authors"])),
        ("venue", record["venue"]),
        ("published", record["published"]),
        ("id", record["id"]),
        ("kind", record["kind"]),
        ("month", record["month"]),
        ("section", " / ".join(record["section_path"])),
        ("organizations", "、".join(record["organizations"])),
        ("keywords", "、".join(record["keywords"])),
        ("arXiv", record["arxiv_id"]),
        ("DOI", record["doi"]),
        ("cited as", record["citation_key"]),
        ("part of", record["parent"]),
        ("starred", state.starred),
        ("read", state.read),
        ("runnable", ", ".join(f"kb run {one}" for one in belonging)),
    ]


def _put_markdown(text: str, style: Style) -> None:
    if not style.is_terminal:
        typer.echo(clean(text))
        return
    from kb.markup.ansi import rendered

    typer.echo(rendered(text, shutil.get_terminal_size().columns, style.has_colour), nl=False)
