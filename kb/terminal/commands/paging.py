"""What is longer than the screen goes through a pager."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated

import typer

from kb.resident.cold import page_elsewhere
from kb.resident.pager import show
from kb.terminal.output import ours, shown

PagerOption = Annotated[bool, typer.Option("--pager/--no-pager", help="Through $PAGER what is longer than the screen.")]


class _Screen(io.StringIO):
    """Keeps what is printed for a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def paged(is_wanted: bool) -> Iterator[None]:
    """Send what is printed inside through a pager, if it goes to a terminal and is longer than that is high."""
    if not (is_wanted and sys.stdout.isatty()):
        yield
        return
    screen = _Screen()
    with redirect_stdout(screen):
        yield
    text = shown(screen.getvalue())
    is_longer = text.count("\n") >= shutil.get_terminal_size().lines
    if not (is_longer and (page_elsewhere(text) or show(text.encode()))):
        typer.echo(ours(text), nl=False)
