"""Papers one by one and all together."""

import json
from typing import Annotated

import typer

from kb.commands.claims import show_claims
from kb.commands.shared import (
    JsonOption,
    NameArgument,
    RefreshOption,
    envelope,
    offered,
    open_index,
    paper_named,
    put,
    query_text,
    tell,
    terminal_style,
)
from kb.terminal import Style, clean, paper_columns, table

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("list", context_settings={"ignore_unknown_options": True})
def list_papers(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(help="Filters, as in a search: month:2024-10 org:CMU.", autocompletion=offered("query")),
    ] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List papers, newest month first."""
    from kb.query import parse_query

    config, reader = open_index(ctx, refresh)
    papers = reader.list_rows(parse_query(query_text(query or [])))
    if as_json:
        typer.echo(envelope(papers))
    elif papers:
        rows = paper_columns(papers, config.path_of, terminal_style())
        put(table(["id", "month", "title", "organizations", "place"], rows, terminal_style()))


@app.command()
def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Show one paper: what is known of it, its notes, newest first, and what they claim."""
    from kb.claims.ledger import entry
    from kb.merging import merged
    from kb.references import runnable

    config, reader = open_index(ctx, refresh)
    paper = paper_named(reader, name)
    records = {key: json.loads(reader.record(key)) for key in reader.notes_of(paper.key)}
    claims = [entry(row) for row in reader.claims_of_papers(record["id"] for record in records.values())]
    if as_json:
        others = [record for key, record in records.items() if key != paper.key]
        typer.echo(envelope({**records[paper.key], "notes": others, "claims": claims}))
        return
    style = terminal_style()
    record = merged(list(records.values()))
    places = {note["id"]: style.place(config.path_of(note["file"]), note["line"]) for note in records.values()}
    facts = [
        ("id", record["id"]),
        ("kind", record["kind"]),
        ("month", record["month"]),
        ("section", " / ".join(record["section_path"])),
        ("organizations", "、".join(record["organizations"])),
        ("keywords", "、".join(record["keywords"])),
        ("arXiv", record["arxiv_id"]),
        ("DOI", record["doi"]),
        ("part of", record["parent"]),
        (
            "runnable",
            ", ".join(f"kb run {one}" for one in runnable((record["short_name"], record["title"], record["arxiv_id"]))),
        ),
    ]
    typer.echo(style.bold(clean(record["title"])))
    for label, value in facts:
        if value:
            typer.echo(f"{label:>13}  {clean(value)}")
    if len(records) == 1:
        typer.echo(f"{'place':>13}  {places[record['id']]}")
    for link in record["links"]:
        typer.echo(f"{link['kind']:>13}  {clean(link['url'])}")
    for note in records.values():
        typer.echo()
        if len(records) > 1:
            typer.echo(f"{style.bold(places[note['id']])}  {style.dim(clean(note['id']))}\n")
        _put_markdown(clean(note["body"]), style)
    if claims:
        typer.echo()
        show_claims(config, claims)


@app.command()
def duplicates(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """List records that may be one paper, and the lines for kb.toml that join or part them."""
    from kb.duplicates import find_duplicates

    config, reader = open_index(ctx, refresh)
    found = find_duplicates(config, reader)
    if as_json:
        typer.echo(envelope(found))
        return
    style = terminal_style()
    for pair in found.pairs:
        typer.echo(style.bold(clean(pair.reason)))
        for one in pair.records:
            typer.echo(f"   {clean(one.id)} · {clean(one.title)} · {style.place(config.path_of(one.file), one.line)}")
        typer.echo(clean(f"   to join: {pair.join}\n   to part: {pair.part}"))
    for name in found.unknown:
        typer.echo(f"kb.toml names a record that is not there: {clean(name)}")
    if not (found.pairs or found.unknown):
        tell("no doubtful pairs")


@app.command("open")
def open_note(ctx: typer.Context, name: NameArgument, refresh: RefreshOption = True) -> None:
    """Open the note in $EDITOR at the paper's line."""
    import subprocess

    from kb.editors import editor_command

    config, reader = open_index(ctx, refresh)
    paper = paper_named(reader, name)
    command = editor_command(config.path_of(paper.file), paper.line)
    raise typer.Exit(subprocess.call(command))  # noqa: S603 - the user's own $EDITOR, no shell


@app.command()
def tags(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count the keywords."""
    from kb.counting import count_names

    _, reader = open_index(ctx, refresh)
    counts = count_names(reader.column("keywords"))
    if as_json:
        typer.echo(envelope([{"name": name, "count": count} for name, count in counts]))
    elif counts:
        put(table(["keyword", "papers"], [[clean(name), count] for name, count in counts], terminal_style()))


@app.command()
def stats(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count papers by month, kind, organization and link."""
    from kb.counting import statistics

    _, reader = open_index(ctx, refresh)
    found = statistics(reader)
    if as_json:
        typer.echo(envelope(found))
        return
    rows = [[group, clean(name), count] for group, counts in found.items() for name, count in counts.items()]
    put(table(["", "name", "count"], rows, terminal_style()))


def _put_markdown(text: str, style: Style) -> None:
    if not style.is_terminal:
        typer.echo(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
