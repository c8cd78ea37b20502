"""What commands share: their options, the knowledge base they open, how they speak."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer
from typer.core import TyperCommand

from kb.resident.cold import give_back
from kb.resident.place import SERVED
from kb.terminal.output import Ours, ours
from kb.terminal.text import Style, one_line

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.notes.marked import State
    from kb.progress import Progress
    from kb.resident.holding import Resident

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


def open_base(ctx: typer.Context, refresh: bool) -> "KnowledgeBase":
    """Return the knowledge base that was named, its index brought up to date first unless told otherwise."""
    from kb.api.base import open_base as opened

    base = opened(ctx.obj)
    if refresh:
        with progress_shown() as progress:
            notices = base.refresh(progress)
        for notice in notices:
            tell(notice)
    return base


def staying(base: "KnowledgeBase") -> "Resident | None":
    """Return the process that stays over base; None if there is none, or can be none on this system."""
    from kb.errors import KbError

    try:
        from kb.resident.holding import resident

        return resident(base.config.root)
    except (KbError, ImportError):
        return None


def stay_from_now(base: "KnowledgeBase") -> None:
    """Start a process that stays, where its packages are installed and none is there: the next command asks it."""
    from importlib.util import find_spec

    if os.environ.get(SERVED) != "off" and find_spec("watchfiles") and not staying(base):
        from kb.resident.starting import start_unseen

        start_unseen(base.config.root, base.config.index)


def states_of(base: "KnowledgeBase", keys: "Sequence[int]") -> "dict[int, State]":
    """Return what the reader has starred and read of papers, by key; of an unreadable file one line is said."""
    states, notices = base.states(keys)
    for notice in notices:
        tell(notice)
    return states


def query_text(arguments: list[str]) -> str:
    """Return the words of a query as one text; what looks like an option is none of ours."""
    for argument in arguments:
        if argument.startswith("--"):
            raise typer.BadParameter(f"no such option: {argument}")
    return " ".join(arguments)


def advise(text: str) -> None:
    """Tell what in a query may be meant otherwise than it is understood. Raises: KbError if a field is used wrongly."""
    from kb.api.base import advice

    for line in advice(text):
        tell(line)


def asked(arguments: list[str] | None) -> str:
    """Return the query that arguments are, and tell what in it may be meant otherwise than it is understood."""
    text = query_text(arguments or [])
    advise(text)
    return text


def open_in_editor(path: Path, line: int) -> None:
    """Open a file at a line in the user's editor, and end as that ends."""
    import subprocess

    from kb.api.editors import editor_command

    raise typer.Exit(subprocess.call(editor_command(path, line)))  # noqa: S603 - the user's own $EDITOR, no shell


def terminal_style() -> Style:
    """Return how standard output is written to.

    FORCE_COLOR says that a person reads what goes into a pipe, NO_COLOR that a terminal is to have no colour, TERM=dumb
    that it has neither colour nor links.
    """
    is_terminal = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    is_dumb = os.environ.get("TERM") == "dumb"
    return Style(is_terminal, not (is_dumb or os.environ.get("NO_COLOR")), not is_dumb)


def screen_columns() -> int | None:
    """Return how wide the screen is that is written to; None in a pipe, where nobody breaks lines."""
    return shutil.get_terminal_size().columns if terminal_style().is_terminal else None


def put(renderable: Any) -> None:
    """Print lines, or something of rich."""
    if isinstance(renderable, str):
        typer.echo(renderable)
        return
    from rich.console import Console

    console = Console(color_system="auto" if terminal_style().has_colour else None)
    with console.capture() as capture:
        console.print(renderable)
    typer.echo(ours(capture.get()), nl=False)


def hand_over(text: str) -> None:
    """Print what another program reads, to the letter; on a terminal it is shown like everything."""
    typer.echo(text if sys.stdout.isatty() else ours(text), nl=False)


@contextmanager
def progress_shown() -> "Iterator[Progress]":
    """Give a function that shows progress on a terminal, from its first call on, and does nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    with ExitStack() as stack:
        bars: list[Any] = []
        tasks: dict[str, Any] = {}

        def show_progress(what: str, done: int, total: int) -> None:
            if not bars:
                give_back()
                bars.append(stack.enter_context(_bar()))
            if what not in tasks:
                tasks[what] = bars[0].add_task(what, total=total)
            bars[0].update(tasks[what], completed=done, total=total)

        yield show_progress


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(file=cast(TextIO, Ours(sys.stderr))), transient=True)


def tell(text: str) -> None:
    """Print a line for the person, not for the pipe."""
    typer.echo(one_line(text), err=True)
