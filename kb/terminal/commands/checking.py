"""Notes read without an index: their records, their mistakes."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from kb.api.as_json import envelope, record_line
from kb.errors import KbError
from kb.terminal.commands.shared import JsonOption, hand_over, open_base, tell, terminal_style
from kb.terminal.text import Style, clean_row

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def parse(
    paths: Annotated[list[Path], typer.Argument(help="Notes, or folders of notes; no knowledge base is needed.")],
    all_kinds: Annotated[bool, typer.Option("--all", help="Files that are about no paper, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a record, a line each.")] = False,
) -> None:
    """Show the records that notes hold, and how each file was understood."""
    from kb.api.alone import parse as parsed

    style = terminal_style()
    has_failed = False
    for note in parsed(paths):
        if isinstance(note, KbError):
            tell(f"error: {note}")
            has_failed = True
            continue
        papers = [paper for paper in note.papers if all_kinds or paper.kind != "note"]
        if not as_json:
            typer.echo(style.dim(clean_row(note.file, note.grammar, note.reason)))
        for paper in papers:
            if as_json:
                typer.echo(record_line(note, paper))
            else:
                typer.echo(clean_row(f"{note.file}:{paper.line}", note.grammar, paper.title))
    if has_failed:
        raise typer.Exit(1)


@app.command()
def check(
    ctx: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="A note or a folder instead of the knowledge base's.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Print a patch of what can be mended; writes nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in notes: dead links, duplicates, open fences, broken front matter and more."""
    from shlex import quote

    from kb.api.alone import check as checked
    from kb.api.alone import patch

    if path:
        place, found = path, checked(path)
    else:
        base = open_base(ctx, refresh=False)
        place, found = base.config.notes, base.check()
    folder = place if place.is_dir() else place.parent
    if fix:
        text = patch(place)
        hand_over(text)
        way = f"kb check --fix {quote(str(place))} | patch -p0 -d {quote(str(folder))}"
        tell(f"to mend what the patch mends: {way}" if text else "nothing that a patch can mend")
    elif as_json:
        typer.echo(envelope(found))
    else:
        plain = Style(is_terminal=False)
        for one in found:
            typer.echo(f"{plain.place(folder / one.file, one.line)}: {one.what}; {one.suggestion}")
        if found:
            counts = ", ".join(f"{rule} {count}" for rule, count in Counter(one.rule for one in found).most_common())
            tell(f"rules: {counts}; to silence one, in kb.toml: [check] and below it ignore = [{found[0].rule!r}]")
    if found:
        raise typer.Exit(1)
