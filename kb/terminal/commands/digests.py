"""The digest of a month, a year or any months."""

from pathlib import Path
from typing import Annotated

import typer

from kb.api.as_json import envelope, read
from kb.api.options import Format, Language, Layout, Site, period
from kb.terminal.commands.shared import JsonOption, RefreshOption, hand_over, offered, open_base, progress_shown, tell

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
    if sum(map(bool, (month, since or until, year, every))) != 1:
        raise typer.BadParameter("say which months: 2024-10, --year, --since and --until, or --all")
    if every and not out:
        raise typer.BadParameter("--all writes a file a month; say where with --out FOLDER")
    layout = Layout("json" if as_json else form, lang, site, template)
    wanted = period(month or year, since, until)
    base = open_base(ctx, refresh)
    if refresh:
        with progress_shown() as progress:
            notices = base.run_stale_claims(wanted, progress)
        for notice in notices:
            tell(notice)
    if every and out:
        for path in base.publish_all(layout, out):
            tell(f"wrote {path}")
        return
    text = base.publish(wanted, layout, out)
    known = base.months()
    if not any(wanted.since <= one <= wanted.until for one in known):
        tell(f"no papers in {wanted.name}; months with papers: {', '.join(known) or 'none'}")
    if out:
        tell(f"wrote {out}")
    else:
        hand_over(envelope(read(text)) + "\n" if as_json else text)
