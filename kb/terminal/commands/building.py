"""The knowledge base itself: starting one, its index, its sources."""

from pathlib import Path
from typing import Annotated

import typer

from kb.api.as_json import envelope, indexed
from kb.terminal.commands.shared import (
    JsonOption,
    RefreshOption,
    open_base,
    progress_shown,
    put,
    staying,
    tell,
    terminal_style,
)
from kb.terminal.text import table

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to start; made if it is missing.")] = Path()) -> None:
    """Start a knowledge base: a folder with kb.toml and a first note."""
    from kb.api.alone import start

    for path in start(folder):
        typer.echo(f"made {path}")
    typer.echo("write your notes there, then: kb index; kb search 残差向量量化")


@app.command()
def index(
    ctx: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Read every note again.")] = False,
) -> None:
    """Bring the index up to date with the notes, embeddings included."""
    base = open_base(ctx, refresh=False)
    with progress_shown() as progress:
        report, encoded, notices = base.index(full=full, progress=progress)
    for notice in notices:
        tell(notice)
    parts = [f"{report.indexed} read", f"{report.removed} removed", f"{len(report.failures)} failed"]
    typer.echo(f"notes: {', '.join(parts)}; texts encoded: {encoded}")
    if report.failures:
        raise typer.Exit(1)


@app.command()
def status(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Say of every file what was indexed, as papers or as text beside them, and what failed and why."""
    base = open_base(ctx, refresh)
    found = base.status()
    data = indexed(found, base.config.database)
    files = data["files"]
    failed = [file for file in files if file["state"] == "failed"]
    process = staying(base)
    if as_json:
        typer.echo(envelope({**data, "process": process}))
    else:
        rows = [
            [
                file["path"],
                file["state"],
                file["grammar"] or "",
                file["papers"],
                file["texts"],
                " ".join(f"{start}-{end}" for start, end in file["unclaimed"]),
                file["reason"] or "",
            ]
            for file in files
        ]
        rows += [[name, "no note", "", 0, 0, "", kind.way_out] for kind in found.others for name in kind.rows()]
        columns = ["file", "state", "grammar", "papers", "texts beside", "lines unread", "reason"]
        put(table(columns, rows, terminal_style()))
        if process:
            tell(f"process {process.pid} stays since {process.started}: {process.address or 'for commands alone'}")
    if failed:
        raise typer.Exit(1)


@app.command("import")
def import_notes(
    ctx: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(help="Folder of notes, Obsidian vault, zotero.sqlite, .bib, .ris or CSL JSON; left as it is."),
    ],
    include: Annotated[
        list[str] | None, typer.Option("--include", help="Only files such as '2024/*': * matches slashes as well.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="No files such as 'drafts/*' or '*README.md'.")
    ] = None,
) -> None:
    """Take notes or a library into the knowledge base, where they lie, by an entry in kb.toml.

    Patterns are those of fnmatch, matched against the path below the folder: * any characters, ? one, [ab] one of
    these. What is excluded stays out, included or not.
    """
    source = open_base(ctx, refresh=False).import_source(path, include or (), exclude or ())
    typer.echo(f"imported {source.place} as {source.name}; to index it: kb index")
