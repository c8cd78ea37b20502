"""What is longer than the screen goes through a pager."""

import io
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated

import typer

from kb.resident.cold import give_back
from kb.terminal.output import shown

PagerOption = Annotated[bool, typer.Option("--pager/--no-pager", help="Through $PAGER what is longer than the screen.")]
DEFAULT_PAGER = "less -R"


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
    text = screen.getvalue()
    if text.count("\n") < shutil.get_terminal_size().lines or not _show_in_pager(text):
        typer.echo(text, nl=False)


def _show_in_pager(text: str) -> bool:
    """Show text in $PAGER, else in less; return whether there is one."""
    give_back()
    command = shlex.split(os.environ.get("PAGER") or DEFAULT_PAGER)
    if not shutil.which(command[0]):
        return False
    environment = {"LESS": "-R", **os.environ}  # as it is, PAGER=less shows colours as letters
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as pager:  # noqa: S603 - the user's own
        try:
            pager.communicate(shown(text).encode())
        except BrokenPipeError:  # left before the end
            pass
        except KeyboardInterrupt:
            pager.wait()
    return True
