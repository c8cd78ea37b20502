"""Standard input and output as the wire of a protocol, and of nothing else."""

import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from errno import EPERM

import anyio
import anyio.to_thread

CHUNK = 65536
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class Lines:
    """The lines that come in. Waiting for one holds no thread, so that the program can end meanwhile."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._waiting = anyio.CancelScope()

    def end(self) -> None:
        """Let no more lines come."""
        self._waiting.cancel()

    async def __aiter__(self) -> AsyncIterator[str]:
        rest = b""
        with self._waiting:
            while data := await self._read():
                *lines, rest = (rest + data).split(b"\n")
                for line in filter(bytes.strip, lines):
                    yield _whole(line.decode("utf-8", "replace"))

    async def _read(self) -> bytes:
        try:
            await anyio.wait_readable(self._file)
        except OSError as error:
            if error.errno != EPERM:  # so says Linux of a file on a disk, which is always ready
                raise
        return os.read(self._file, CHUNK)


def _whole(line: str) -> str:
    r"""Return a message with ? for half characters, which JSON can name, as \ud83d, and no text can hold."""
    if not _HALF.search(line):
        return line
    try:
        said = json.dumps(json.loads(line), ensure_ascii=False)
    except ValueError:  # no message; that is told where messages are read
        return line
    return said.encode("utf-8", "replace").decode()


class Wire:
    """Where lines go out; where nobody takes them, none come in any more."""

    def __init__(self, file: int, lines: Lines) -> None:
        self._file = file
        self._lines = lines

    async def write(self, text: str) -> None:
        """Write text."""
        data = memoryview(text.encode("utf-8", "replace"))
        try:
            while data:
                data = data[await anyio.to_thread.run_sync(os.write, self._file, data) :]
        except BrokenPipeError:
            self._lines.end()

    async def flush(self) -> None:
        """Wait for nothing: what is written is out."""


@contextmanager
def wire() -> Iterator[tuple[Lines, Wire]]:
    """Give what comes in and goes out; meanwhile whatever else is printed goes to standard error, and reads nothing."""
    taken, given = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    try:
        lines = Lines(taken)
        yield lines, Wire(given, lines)
    finally:
        os.dup2(taken, 0)
        os.dup2(given, 1)
        for file in (taken, given, nothing):
            os.close(file)
