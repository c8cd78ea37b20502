"""Standard output and standard error: the one way out for what is shown.

A text may come from anybody, so whatever in it a terminal would obey, or nobody would see, is left out here. What this
program itself puts around texts, colours and links, passes as `ours`.
"""

import codecs
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EILSEQ, EPIPE
from io import BufferedWriter, FileIO, RawIOBase, TextIOWrapper
from typing import Any, TextIO, cast

from kb.markup.unseen import UNSEEN, clean

_KEY = os.urandom(8).hex()  # nobody who writes notes can know it
_OURS = re.compile(rf"\x1b{_KEY}([0-9a-f]+);")


class _Stream:
    """A stream before another one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Output(_Stream):
    """A standard output that cleans what it is given."""

    def write(self, text: str) -> int:
        """Write text. Raises: OutputRefused."""
        with self._refusals():
            self._stream.write(shown(text))
        return len(text)

    def flush(self) -> None:
        """Write what is still to be written. Raises: OutputRefused."""
        with self._refusals():
            self._stream.flush()

    def throw_away(self) -> None:
        """Let what was not written go: Python would try it once more when it ends."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputRefused(error.errno, f"{error.strerror}; see to where it goes", self) from None
        except UnicodeEncodeError as error:
            what = f"{error.encoding} has no {error.object[error.start : error.end][:1]!r}"
            raise OutputRefused(EILSEQ, f"{what}; set PYTHONUTF8=1", self) from None


class OutputRefused(OSError):
    """An output takes nothing more: its disk is full, it is closed, nobody reads it, or its encoding lacks a letter."""

    def __init__(self, number: int | None, why: str, output: _Output) -> None:
        super().__init__(number, why)
        self.output = output


class Ours(_Stream):
    """A stream for what this program makes alone, such as a bar that moves: it passes unchanged."""

    def write(self, text: str) -> int:
        """Write text."""
        return self._stream.write(ours(text))


def ours(text: str) -> str:
    """Return text of this program as it passes the output unchanged, escape sequences and all."""
    return UNSEEN.sub(lambda found: f"\x1b{_KEY}{ord(found[0]):x};", text)


def shown(text: str) -> str:
    """Return text as it is shown: what is ours is whole, all else clean."""
    if "\x1b" not in text:
        return clean(text)
    parts = _OURS.split(text)
    parts[::2] = map(clean, parts[::2])
    parts[1::2] = (chr(int(code, 16)) for code in parts[1::2])
    return "".join(parts)


@contextmanager
def standard() -> Iterator[None]:
    """Let all that is printed inside leave cleaned; if an output refuses it, end with status 1.

    One line says so, but for a pipe that nobody reads any more.
    """
    before = sys.stdout, sys.stderr
    outputs = [_Output(_whole(_in_utf_8(stream or _closed()))) for stream in before]
    sys.stdout, sys.stderr = (cast(TextIO, output) for output in outputs)
    try:
        try:
            yield
        finally:
            for output in outputs:
                output.flush()
    except OutputRefused as error:
        error.output.throw_away()
        if error.errno != EPIPE:
            with suppress(OSError):
                sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        raise SystemExit(1) from None
    finally:
        sys.stdout, sys.stderr = before


def _in_utf_8(stream: TextIO) -> TextIO:
    """Return stream, in UTF-8 where it is said to take ASCII alone: that is the default of a system, and no wish."""
    if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name == "ascii":
        stream.reconfigure(encoding="utf-8")
    return stream


def _whole(stream: TextIO) -> TextIO:
    """Return stream, with a buffer where PYTHONUNBUFFERED took it: without one, what is cut off is lost unsaid."""
    if not isinstance(stream, TextIOWrapper) or not isinstance(stream.buffer, RawIOBase):
        return stream
    buffer = BufferedWriter(FileIO(stream.fileno(), "wb", closefd=False))
    return TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True)


def _closed() -> TextIO:
    """Return what stands for an output that was closed by who called: writing to it fails."""
    return os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
