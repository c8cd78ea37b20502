"""The digest of a month, a year or any months."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kb.reports.options import Format, Language, Layout, Site
from kb.terminal.commands.claims import run_claims
from kb.terminal.commands.shared import JsonOption, RefreshOption, envelope, offered, open_index, tell

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def digest(
    ctx: typer.Context,
    month: Annotated[
        str | None, typer.Argument(help="2024-10, or 2024 for a year.", autocompletion=offered("months"))
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="The first month of several.", autocompletion=offered("months"))
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="The last month of several.", autocompletion=offered("months"))
    ] = None,
    year: Annotated[
        str | None, typer.Option("--year", help="All months of a year in one digest.", autocompletion=offered("years"))
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every month, a file each in the folder --out.")] = False,
    form: Annotated[Format, typer.Option("--format", help="As Markdown, a page or data.")] = "md",
    lang: Annotated[Language | None, typer.Option("--lang", help="Of its own words; else that of the notes.")] = None,
    site: Annotated[Site, typer.Option("--site", help="Whose front matter Markdown begins with.")] = "plain",
    template: Annotated[
        str | None,
        typer.Option("--template", help="Another template, by its name or path.", autocompletion=offered("templates")),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file instead.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Write the digest of a month, a year or some months: 2024-10, --year 2024, --since 2024-10, --all --out posts."""
    from kb.errors import IndexBusy
    from kb.reports.periods import period
    from kb.reports.publish import publish, publish_all

    if sum(map(bool, (month, since or until, year, every))) != 1:
        raise typer.BadParameter("say which months: 2024-10, --year, --since and --until, or --all")
    if every and not out:
        raise typer.BadParameter("--all writes a file a month; say where with --out FOLDER")
    layout = Layout("json" if as_json else form, lang, site, template)
    wanted = period(month or year, since, until)
    config, reader = open_index(ctx, refresh)
    if refresh and (stale := [row for row in reader.claims.of_months(*wanted) if row.state == "stale"]):
        try:
            run_claims(config, reader, stale)
        except IndexBusy as error:
            tell(f"claims are shown as they were: {error}")
    if every and out:
        for path in publish_all(config, reader, layout, out):
            tell(f"wrote {path}")
        return
    text = publish(config, reader, wanted, layout, out)
    if not any(wanted.since <= known <= wanted.until for known, _ in reader.papers.months() if known):
        known = ", ".join(name for name, _ in reader.papers.months() if name)
        tell(f"no papers in {wanted.name}; months with papers: {known or 'none'}")
    if out:
        tell(f"wrote {out}")
    else:
        typer.echo(envelope(json.loads(text)) + "\n" if as_json else text, nl=False)
