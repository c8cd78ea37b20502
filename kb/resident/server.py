"""The process that stays: it waits at a socket, and a copy of it runs each command that asks.

A copy (fork) has all that is loaded here, and nothing that goes wrong in one lives on. This process has one thread, or
a copy could be made while another one holds a lock that nobody would open. What needs threads, watching the notes and
the page, are copies that stay beside it and tell it in single bytes what they see.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

from kb.resident.copies import ANOTHER_BASE, ANOTHER_VERSION, answer
from kb.resident.holding import Held
from kb.resident.place import stamp

MOST_COPIES = 64  # at once; who asks then is not answered, and runs the command without
LOOKED_SECONDS = 30.0  # for so long what watches is believed that nothing has changed
WAITING = 128  # connections that may wait
CHANGED, KNOWN, BLIND, USED = b"c", b"k", b"b", b"u"  # notes changed; the index knows them; nobody watches; page used

Tell = Callable[[bytes], object]


class Beside(NamedTuple):
    """A copy that stays."""

    pid: int
    told: int  # from where it tells
    life: int  # closed when this process ends, however


@dataclass
class _Server:
    """What the process knows."""

    held: Held
    listening: socket.socket
    stamp: str
    root: Path
    place: os.stat_result  # of root
    woken: tuple[int, int]  # a pipe that signals are written to
    is_known: bool = False  # every note is in the index, as far as what watches has seen
    looked: float = 0.0  # when it was last certain
    used: float = field(default_factory=time.monotonic)
    copies: set[int] = field(default_factory=set)
    beside: list[Beside] = field(default_factory=list)
    is_over: bool = False


def serve(
    held: Held,
    root: Path,
    main: Callable[[bool], object],
    beside: Sequence[Callable[[Tell], object]],
    idle_seconds: float | None,
    ready: Callable[[], object],
) -> None:
    """Answer commands until a signal ends this process, or nobody has asked for idle_seconds.

    ready is called when commands can ask. main runs the command line of sys.argv; it is told whether the index is
    known to hold every note as it is. beside are what stays in copies of their own; each is given what to tell by.
    """
    with closing(_listen(held.socket)) as listening, _signals_woken() as woken:
        server = _Server(held, listening, stamp(), root, os.stat(root), woken)
        signal.signal(signal.SIGTERM, lambda number, frame: _end(server))
        signal.signal(signal.SIGHUP, lambda number, frame: _end(server))
        signal.signal(signal.SIGINT, lambda number, frame: _end(server))
        try:
            for one in beside:
                server.beside.append(_start_beside(server, one))
            ready()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()  # what they hold would be written by every copy
            gc.collect()
            gc.freeze()  # a copy that looks for circles would touch, and so copy, every page
            while not (server.is_over or _is_idle(server, idle_seconds)):
                _wait(server, idle_seconds)
                _reap(server)
                if connection := _accepted(listening):
                    with connection:
                        _copy(server, connection, main)
        finally:
            with suppress(OSError):
                os.unlink(held.socket)
            _end_beside(server.beside)


def _listen(path: str) -> socket.socket:
    with suppress(FileNotFoundError):
        os.unlink(path)  # of a process that was killed: the lock is ours
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    os.chmod(path, 0o600)
    listening.listen(WAITING)
    listening.setblocking(False)
    return listening


@contextmanager
def _signals_woken() -> Iterator[tuple[int, int]]:
    """Give a pipe that can be read when a signal has come, that of an ended copy among them."""
    woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = signal.set_wakeup_fd(woken[1], warn_on_full_buffer=False)
    ours = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD)
    handlers = {one: signal.signal(one, lambda number, frame: None) for one in ours}
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(before)
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for handle in woken:
            os.close(handle)


def _end(server: _Server) -> None:
    server.is_over = True


def _is_idle(server: _Server, idle_seconds: float | None) -> bool:
    return idle_seconds is not None and time.monotonic() - server.used >= idle_seconds


def _wait(server: _Server, idle_seconds: float | None) -> None:
    """Wait until there is something to do, and take in what is told."""
    left = None if idle_seconds is None else max(0.0, server.used + idle_seconds - time.monotonic())
    told = {one.told: one for one in server.beside}
    ready, _, _ = select.select([server.listening.fileno(), server.woken[0], *told], [], [], left)
    for handle in ready:
        if handle == server.listening.fileno():
            continue
        with suppress(BlockingIOError):
            said = os.read(handle, 4096)
            if handle in told and not said:  # it has ended
                server.beside.remove(told[handle])
                os.close(handle)
                os.close(told[handle].life)
                server.is_known = False
            elif handle in told:
                _hear(server, said)


def _hear(server: _Server, said: bytes) -> None:
    if USED in said:
        server.used = time.monotonic()
    if seen := said.translate(None, USED):  # the last one counts
        server.is_known = seen.endswith(KNOWN)
        server.looked = time.monotonic()
        server.is_over = server.is_over or not server.root.is_dir()  # it was removed


def _reap(server: _Server) -> None:
    """Let go of the copies that have ended; one that met another version, or another base, ends this process, too."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if pid in server.copies and os.waitstatus_to_exitcode(status) in (ANOTHER_VERSION, ANOTHER_BASE):
                server.is_over = True
            server.copies.discard(pid)


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        connection, _ = listening.accept()
    except (BlockingIOError, ConnectionAbortedError):
        return None
    return connection


def _copy(server: _Server, connection: socket.socket, main: Callable[[bool], object]) -> None:
    """Have a copy answer connection."""
    server.used = now = time.monotonic()
    if len(server.copies) >= MOST_COPIES:
        return
    is_known = server.is_known and now - server.looked < LOOKED_SECONDS
    if not is_known:
        server.looked = now  # the copy looks
    if pid := os.fork():
        server.copies.add(pid)
        return
    status = 1
    try:
        _leave(server)
        connection.setblocking(True)
        status = answer(connection, server.place, server.stamp, lambda: main(is_known))
    except (OSError, ValueError):  # who asked runs the command without
        status = 0
    finally:
        os._exit(status)


def _start_beside(server: _Server, run: Callable[[Tell], object]) -> Beside:
    """Start a copy that stays."""
    told, telling = os.pipe2(os.O_CLOEXEC)
    living, life = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if not pid:
        os.close(told)
        os.close(life)
        _stay(server, run, telling, living)
    os.close(telling)
    os.close(living)
    os.set_blocking(told, False)
    return Beside(pid, told, life)


def _stay(server: _Server, run: Callable[[Tell], object], telling: int, living: int) -> NoReturn:
    """Be a copy that stays, until it is told to end or the process it is beside has ended."""
    status = 1
    try:
        _leave(server)
        from threading import Thread

        def end_with_it() -> None:
            os.read(living, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        Thread(target=end_with_it, daemon=True).start()
        run(lambda said: os.write(telling, said))
        status = 0
    except BaseException as error:  # noqa: BLE001 - the end of a process, told in its log
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _end_beside(beside: Sequence[Beside]) -> None:
    for one in beside:
        os.close(one.life)
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGTERM)
    for one in beside:
        with suppress(ChildProcessError):
            os.waitpid(one.pid, 0)


def _leave(server: _Server) -> None:
    """Let go, in a copy, of what is the process's own."""
    signal.set_wakeup_fd(-1)
    for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server.listening.close()
    os.close(server.held.lock)
    for handle in (*server.woken, *(one for other in server.beside for one in (other.told, other.life))):
        os.close(handle)
