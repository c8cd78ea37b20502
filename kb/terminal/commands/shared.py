"""What commands share: their options, the knowledge base they open, how they speak."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from kb.errors import IndexOld, KbError
from kb.terminal.text import Style, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kb.config.kb_toml import Config
    from kb.index.query import Query
    from kb.index.sqlite.papers import PaperRow
    from kb.index.sqlite.reader import Reader
    from kb.notes.marked import State
    from kb.progress import Progress

SCHEMA = 1  # of the JSON envelope
_EXCLUSION = re.compile(r"-(?!-|n\d+$)..")


class QueryCommand(TyperCommand):
    """A command that takes a query: -neural leaves a word out, though -n is an option."""

    ignore_unknown_options = True  # -x

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a space before its minus makes an exclusion a word, and none of the query."""
        return super().parse_args(ctx, [f" {one}" if _EXCLUSION.match(one) else one for one in args])


def _remember_json(ctx: typer.Context, value: bool) -> bool:
    ctx.meta["json"] = value
    return value


def offered(what: str) -> Callable[[typer.Context, str], list[str]]:
    """Return what answers a shell that completes a word; it is imported when a shell asks."""

    def complete(ctx: typer.Context, typed: str) -> list[str]:
        from kb.terminal.commands.completing import offer

        return offer(what, ctx, typed)

    return complete


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=_remember_json, is_eager=True)]
RefreshOption = Annotated[bool, typer.Option("--refresh/--no-refresh", help="Look for changed notes first.")]
QueryArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Filters, as in a search: month:2024-10 org:CMU is:unread.", autocompletion=offered("query")),
]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=0, help="How many; 0 shows all.")]
NameArgument = Annotated[
    str,
    typer.Argument(
        help="Any part of an id, arXiv id, citation key, short name or title: dm-codec, 声调.",
        autocompletion=offered("names"),
    ),
]


def config_of(ctx: typer.Context) -> "Config":
    """Return the settings of the knowledge base that was named, or that this folder is in."""
    from kb.config.kb_toml import find_config

    return find_config(ctx.obj)


def open_index(ctx: typer.Context, refresh: bool) -> "tuple[Config, Reader]":
    """Return the knowledge base and a reader of its index, brought up to date first unless told otherwise."""
    from kb.claims.catalog import code_of
    from kb.index.sqlite.reader import Reader
    from kb.index.translation import gloss_path
    from kb.notes.folders import find_changes

    config = config_of(ctx)
    if refresh:
        stamps, joining = known_state(config)
        changes = find_changes(config, stamps)
        for line in changes.missing:
            tell(line)
        is_whole = config.database.is_file() and gloss_path(config.index).is_file()
        if changes or joining != config.joining or not is_whole:
            from kb.index.refresh import bring_in

            with progress_shown() as progress:
                notices = bring_in(config, changes, progress)
            for notice in notices:
                tell(notice)
    return config, Reader(config.database, lambda what: _marked(config, what), code_of)


def _marked(config: "Config", what: str) -> list[str]:
    from kb.notes.marks import named

    return named(config.marks, what)


def states_of(config: "Config", reader: "Reader", keys: "Sequence[int]") -> "dict[int, State]":
    """Return what the reader has starred and read of papers, by key; of an unreadable file one line is said."""
    from kb.notes.marked import IN_NOTE, State
    from kb.terms import VARIANTS

    if config.marks.is_file():
        known = reader.marks.known_as(keys)
        names = [json.dumps(name, ensure_ascii=False) for one in known.values() for name in one.names]
        try:
            marks = config.marks.read_bytes().decode("utf-8", "replace").translate(VARIANTS)
            # Else the search need not wait for the file to be understood.
            if any(name.translate(VARIANTS) in marks for name in names):
                from kb.notes.marks import states

                return states(config.marks, known)
        except (KbError, OSError) as error:
            tell(str(error))
    starred = reader.marks.starred(keys)
    return {key: State(IN_NOTE if key in starred else None) for key in keys}


def known_state(config: "Config") -> tuple[dict[str, tuple[int, int]], str]:
    """Return the stamps of the files in the index, and by what of kb.toml their records were joined."""
    from kb.index.sqlite.reader import JOINING, Reader

    if not config.database.is_file():
        return {}, ""
    try:
        reader = Reader(config.database)
    except IndexOld:
        from kb.index.words import upgrade

        upgrade(config)
        reader = Reader(config.database)
    with closing(reader):
        return reader.files.stamps(), reader.meta(JOINING) or ""


def paper_named(reader: "Reader", name: str) -> "PaperRow":
    """Return the paper that name means. Raises: KbError if there is none, or if there are several."""
    papers = reader.papers.named(name)
    if not papers:
        raise KbError(f"no paper named {name!r}; look for it with: kb search {name}")
    if not reader.works.are_one([paper.key for paper in papers]):
        some = ", ".join(paper.id for paper in papers[:5]) + (", …" if len(papers) > 5 else "")
        raise KbError(f"{name!r} names {len(papers)} papers: {some}; say more of the name")
    return papers[0]


def query_text(arguments: list[str]) -> str:
    """Return the words of a query as one text; what looks like an option is none of ours."""
    for argument in arguments:
        if argument.startswith("--"):
            raise typer.BadParameter(f"no such option: {argument}")
    return " ".join(arguments)


def asked(arguments: list[str] | None) -> "Query":
    """Return the query that arguments are, and tell what in it may be meant otherwise than it is understood."""
    from kb.index.query import parse_query

    query = parse_query(query_text(arguments or []))
    for line in query.advice:
        tell(line)
    return query


def open_in_editor(path: Path, line: int) -> None:
    """Open a file at a line in the user's editor, and end as that ends."""
    import subprocess

    from kb.terminal.editors import editor_command

    raise typer.Exit(subprocess.call(editor_command(path, line)))  # noqa: S603 - the user's own $EDITOR, no shell


def terminal_style() -> Style:
    """Return how standard output is written to.

    FORCE_COLOR says that a person reads what goes into a pipe, NO_COLOR that a terminal is to have no colour.
    """
    is_terminal = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    return Style(is_terminal, not os.environ.get("NO_COLOR"))


def put(renderable: Any) -> None:
    """Print lines, or something of rich."""
    if isinstance(renderable, str):
        typer.echo(renderable)
        return
    from rich.console import Console

    Console(color_system="auto" if terminal_style().has_colour else None).print(renderable)


@contextmanager
def progress_shown() -> "Iterator[Progress]":
    """Give a function that shows progress on a terminal and does nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show_progress


def tell(text: str) -> None:
    """Print a line for the person, not for the pipe."""
    typer.echo(clean(text), err=True)


def write_picture(path: Path, plot: "Mapping[str, Any]") -> None:
    """Write what is to be drawn to a PNG file, and say what it lacks."""
    from kb.files import write_whole
    from kb.markup import pictures as showing

    write_whole(path, showing.picture(plot))
    if showing.lacks_font(plot):
        tell("no font with Chinese was found, so boxes stand for it; install one, such as Noto Sans CJK")
    tell(f"wrote {path}")


def envelope(data: Any, error: str | None = None) -> str:
    """Return data as the JSON that every command prints."""
    content = {"ok": error is None, "schema": SCHEMA, "data": _plain(data), "error": error}
    return json.dumps(content, ensure_ascii=False)


def _plain(data: Any) -> Any:
    """Return data with its named tuples as dictionaries."""
    if hasattr(data, "_asdict"):
        data = data._asdict()
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, (list, tuple)) else data
