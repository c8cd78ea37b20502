"""Papers handed to other programs."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import KbError
from kb.terminal.commands.shared import QueryCommand, RefreshOption, asked, hand_over, offered, open_base, tell

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Format(str, Enum):
    """What can be exported to."""

    BIBTEX = "bibtex"
    CSL_JSON = "csl-json"
    RIS = "ris"
    JSONL = "jsonl"
    CSV = "csv"
    OBSIDIAN = "obsidian"


@app.command(cls=QueryCommand)
def export(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which papers, as in a search: month:2024-10 org:CMU; else all.", autocompletion=offered("query")
        ),
    ] = None,
    to: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.BIBTEX,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to a file instead; of obsidian, the folder.")
    ] = None,
    refresh: RefreshOption = True,
) -> None:
    """Write papers for a reference manager, a spreadsheet or an Obsidian vault, each paper once.

    For obsidian each paper becomes a note with properties, tags and links; notes that are not as they were exported are
    left alone, and so is every other file of the folder.
    """
    if to is Format.OBSIDIAN and not out:
        raise KbError("obsidian is a folder of notes", "say which: kb export --format obsidian --out ~/vault/papers")
    text = asked(query)
    base = open_base(ctx, refresh)
    if not out:
        exported = base.export(text, to.value)
        if not exported.papers:
            tell("no paper to export")
        hand_over(exported.text)
    elif to is Format.OBSIDIAN:
        done = base.export_vault(text, out)
        if done is None:
            tell(f"no paper to export; nothing was written to {out}")
            return
        for name in done.kept:
            tell(f"left alone, because it was changed or is not of kb: {out / name}")
        tell(f"{out}: {len(done.new)} new, {len(done.changed)} changed, {len(done.same)} as they were")
    elif count := base.export_file(text, to.value, out):
        tell(f"wrote {count} papers to {out}")
    else:
        tell(f"no paper to export; nothing was written to {out}")
