"""A copy of the process that stays runs one command: as whoever asked, where they stand, on their terminal.

What it prints is collected and written at its end, so that until then the command can be given back.
"""

import io
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import EPIPE
from typing import NamedTuple, TextIO, cast

from kb.resident.client import BEGUN, COLD, DONE, PAGED, PEER, start_of
from kb.resident.cold import Cold, become_copy
from kb.resident.place import stamp

MOST_BYTES = 2**22  # of what is asked: arguments and environment
SECONDS = 1.0  # within which all of it has come
OUTPUT_REFUSED = 1
PAGER = 0  # in the place of the handle of an output
LEFT, ANOTHER_VERSION, ANOTHER_BASE = 0, 3, 4  # how a copy ends


class Asked(NamedTuple):
    """A command, and how it is to be run."""

    stamp: str
    root: str
    folder: str
    mask: int
    file_names: str  # encoding
    streams: tuple[str, str, str]  # encoding/errors of standard input, output and error
    arguments: list[str]
    environment: dict[bytes, bytes]


def answer(connection: socket.socket, root: os.stat_result, started: str, main: Callable[[], object]) -> int:
    """Run what is asked over connection and return how the copy ends; root and started are those of the process."""
    asked = _read(connection)
    if asked.stamp != started or stamp() != started:
        return ANOTHER_VERSION
    found = os.stat(asked.root)
    if (found.st_dev, found.st_ino) != (root.st_dev, root.st_ino):
        return ANOTHER_BASE
    environment = {os.fsdecode(name): os.fsdecode(value) for name, value in asked.environment.items()}
    if asked.file_names != sys.getfilesystemencoding() or start_of(asked.arguments, environment) is None:
        return LEFT
    connection.sendall(DONE)
    _, handles, _, _ = socket.recv_fds(connection, 1, 3)
    connection.settimeout(None)
    if len(handles) != 3:
        return LEFT
    _end_with(connection)
    chunks: list[tuple[int, bytes]] = []
    _take_place(asked, handles, chunks)
    try:
        status = _run(main)
    except (Cold, OSError):  # who asked finds the same fault
        return LEFT
    connection.sendall(BEGUN)
    written, refused = _hand_out(connection, chunks)
    if refused and not written:  # as above
        connection.sendall(COLD)
        return LEFT
    if refused:
        status = OUTPUT_REFUSED
        if refused.errno != EPIPE:
            with suppress(OSError):
                os.write(2, f"error: the output cannot be written: {refused.strerror}; see to where it goes\n".encode())
    connection.sendall(DONE + bytes([status]))
    return LEFT


def _read(connection: socket.socket) -> Asked:
    """Return what is asked. Raises: OSError or ValueError if that is not all there, or not asked by this user."""
    connection.settimeout(SECONDS)
    peer = connection.getsockopt(socket.SOL_SOCKET, PEER, 12)
    if int.from_bytes(peer[4:8], sys.byteorder) != os.getuid():
        raise PermissionError
    said = connection.recv(2**16)
    length = int.from_bytes(said[:4], "big")
    if length > MOST_BYTES:
        raise ValueError(length)
    while len(said) < length + 4:
        part = connection.recv(2**16)
        if not part:
            raise ConnectionError
        said += part
    parts = said[4:].split(b"\0")
    texts = [os.fsdecode(part) for part in parts[:9]]
    stop = 9 + int(texts[8])
    environment = dict(part.split(b"=", 1) for part in parts[stop:])
    version, root, folder, mask, file_names, *streams = texts[:8]
    first, second, third = streams
    arguments = [os.fsdecode(part) for part in parts[9:stop]]
    return Asked(version, root, folder, int(mask), file_names, (first, second, third), arguments, environment)


def _end_with(connection: socket.socket) -> None:
    """End this process when whoever asked goes away: they were interrupted, and nobody reads what it would say."""
    import fcntl

    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    signal.signal(signal.SIGIO, signal.SIG_DFL)


def _take_place(asked: Asked, handles: list[int], chunks: list[tuple[int, bytes]]) -> None:
    """Stand where whoever asked stands."""
    become_copy(lambda text: _page(chunks, text))
    for target, handle in enumerate(handles):
        os.dup2(handle, target)
        os.close(handle)
    os.chdir(asked.folder)
    os.umask(asked.mask)
    os.environb.clear()
    os.environb.update(asked.environment)
    time.tzset()
    sys.argv = ["kb", *asked.arguments]
    encodings = [codec.partition("/")[::2] for codec in asked.streams]
    _put("stdin", io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), *encodings[0]))
    for handle, name in ((1, "stdout"), (2, "stderr")):
        output = _Collected(handle, chunks)
        is_by_line = handle == 2 or output.isatty()  # as Python has it
        buffer = io.BufferedWriter(cast(io.FileIO, output))
        _put(name, io.TextIOWrapper(buffer, *encodings[handle], line_buffering=is_by_line))


def _page(chunks: list[tuple[int, bytes]], text: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    chunks.append((PAGER, text.encode()))


def _put(name: str, stream: io.TextIOWrapper) -> None:
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


class _Collected(io.RawIOBase):
    """An output that keeps what is written, in the order of all outputs."""

    def __init__(self, handle: int, chunks: list[tuple[int, bytes]]) -> None:
        self._handle = handle
        self._chunks = chunks

    def fileno(self) -> int:
        """Return where it will go."""
        return self._handle

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return os.isatty(self._handle)

    def writable(self) -> bool:
        """Whether it is written to: yes."""
        return True

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        """Keep data."""
        self._chunks.append((self._handle, bytes(data)))
        return len(data)


def _have_paged(connection: socket.socket, text: bytes) -> None:
    """Have whoever asked show text in a pager, and wait until it is left."""
    import fcntl

    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) & ~os.O_ASYNC)
    connection.sendall(PAGED + len(text).to_bytes(4, "big") + text)
    if connection.recv(1) != DONE:
        os._exit(LEFT)


def _run(main: Callable[[], object]) -> int:
    """Run the command line and return its exit status, as Python would."""
    try:
        main()
        status: object = 0
    except SystemExit as error:
        status = error.code
    except Exception:  # noqa: BLE001 - a mistake of ours, shown as Python shows it
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        cast(TextIO, stream).flush()
    if isinstance(status, int) or status is None:
        return (status or 0) & 0xFF
    os.write(2, f"{status}\n".encode())
    return 1


def _hand_out(connection: socket.socket, chunks: Iterable[tuple[int, bytes]]) -> tuple[int, OSError | None]:
    """Write what was collected, and return how many bytes are out, and what refused the rest."""
    written = 0
    try:
        for handle, data in chunks:
            if handle == PAGER:
                written += len(data)
                _have_paged(connection, data)
                continue
            while data:
                count = os.write(handle, data)
                written += count
                data = data[count:]
    except OSError as error:
        return written, error
    return written, None
