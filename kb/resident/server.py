"""The process that stays: it waits at a socket, and a copy of it runs each command that asks.

A copy (fork) has all that is loaded here, and nothing that goes wrong in one lives on. This process has one thread, or
a copy could be made while another one holds a lock that nobody would open. What needs threads, watching the notes and
the page, are copies that stay beside it and tell it in single bytes what they see.

While nobody asks, one copy is made ahead and searches once: what a copy writes to is copied page by page, and whoever
asks next does not wait for that.
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

from kb.resident.beside import Beside, Tell
from kb.resident.beside import end as end_beside
from kb.resident.beside import start as start_beside
from kb.resident.copies import ANOTHER_BASE, ANOTHER_VERSION, LEFT, answer
from kb.resident.holding import Held
from kb.resident.place import stamp

MOST_COPIES = 64  # at once; who asks then is not answered, and runs the command without
LOOKED_SECONDS = 30.0  # for so long what watches is believed that nothing has changed
LEAST_SECONDS = 10.0  # that what stays beside has to live to be started again
WAITING = 128  # connections that may wait
CHANGED, KNOWN, BLIND, USED = b"c", b"k", b"b", b"u"  # notes changed; the index knows them; nobody watches; page used
READY = b"r"  # a copy made ahead has searched
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Ahead(NamedTuple):
    """A copy that waits for its command."""

    pid: int
    channel: socket.socket  # to hand it who asks


@dataclass
class _Server:
    """What the process knows."""

    held: Held
    listening: socket.socket
    stamp: str
    root: Path
    place: os.stat_result  # of root
    main: Callable[[bool], object]
    rehearse: Callable[[], object]
    has_heard: Callable[[], bool]
    woken: tuple[int, int] = field(default_factory=lambda: os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))  # by signals
    is_known: bool = False  # every note is in the index, as far as what watches has seen
    looked: float = 0.0  # when it was last certain
    used: float = field(default_factory=time.monotonic)
    copies: set[int] = field(default_factory=set)
    ahead: Ahead | None = None
    may_want_ahead: bool = True  # somebody has asked since the last one was made
    beside: list[Beside] = field(default_factory=list)
    is_over: bool = False


def serve(
    held: Held,
    root: Path,
    main: Callable[[bool], object],
    rehearse: Callable[[], object],
    has_heard: Callable[[], bool],
    beside: Sequence[Callable[[Tell], object]],
    idle_seconds: float | None,
    ready: Callable[[], object],
) -> None:
    """Answer commands until a signal ends this process, or nobody has asked for idle_seconds.

    ready is called when commands can ask. main runs the command line of sys.argv; it is told whether the index is
    known to hold every note as it is. rehearse does what most commands do, and shows nothing. has_heard says
    whether a note has changed since it was asked last. beside are what stays in copies of their own; each is given what
    to tell by. One that ends is started anew, unless it ends at once: then this process ends, too.
    """
    with closing(_listen(held.socket)) as listening:
        server = _Server(held, listening, stamp(), root, os.stat(root), main, rehearse, has_heard)
        with _signals(server):
            try:
                for one in beside:
                    _start_beside(server, one)
                ready()
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()  # what they hold would be written by every copy
                gc.collect()
                gc.freeze()  # a copy that looks for circles would touch, and so copy, every page
                while not (server.is_over or _is_idle(server, idle_seconds)):
                    _turn(server, idle_seconds)
            finally:
                with suppress(OSError):
                    os.unlink(held.socket)
                _forget_ahead(server)
                end_beside(server.beside)


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
def _signals(server: _Server) -> Iterator[None]:
    """Have a signal wake this process, and end it unless it is that of an ended copy."""

    def end(number: int, frame: object) -> None:
        server.is_over = server.is_over or number != signal.SIGCHLD

    before = signal.set_wakeup_fd(server.woken[1], warn_on_full_buffer=False)
    handlers = {one: signal.signal(one, end) for one in (*ENDING, signal.SIGCHLD)}
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for handle in server.woken:
            os.close(handle)


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
            if handle in told and not said:
                _start_again(server, told[handle])
            elif handle in told:
                _hear(server, said)


def _start_beside(server: _Server, run: Callable[[Tell], object]) -> None:
    server.beside.append(start_beside(run, lambda: _leave(server)))


def _start_again(server: _Server, ended: Beside) -> None:
    """Start what has ended anew, if it did not end at once."""
    server.beside.remove(ended)
    os.close(ended.told)
    os.close(ended.life)
    server.is_known = False
    if time.monotonic() - ended.started < LEAST_SECONDS:
        server.is_over = True
    else:
        _start_beside(server, ended.run)


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
            if server.ahead and pid == server.ahead.pid:
                _forget_ahead(server)


def _turn(server: _Server, idle_seconds: float | None) -> None:
    """Wait, and have what is asked then answered."""
    _wait(server, idle_seconds)
    _reap(server)
    connection = _accepted(server.listening)
    with suppress(OSError):  # no copy can be made: whoever asked runs the command without
        if connection:
            with connection:
                _copy(server, connection)
        elif not (server.copies or server.ahead) and server.may_want_ahead:
            _make_ahead(server)


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        connection, _ = listening.accept()
    except (BlockingIOError, ConnectionAbortedError):
        return None
    return connection


def _copy(server: _Server, connection: socket.socket) -> None:
    """Have a copy answer connection."""
    server.used = now = time.monotonic()
    if len(server.copies) >= MOST_COPIES:
        return
    server.may_want_ahead = True
    is_known = not server.has_heard() and server.is_known and now - server.looked < LOOKED_SECONDS
    if not is_known:
        server.looked = now  # the copy looks
    pid = _handed(server, connection, is_known) or os.fork()
    if pid:
        server.copies.add(pid)
        return
    with _ending():
        _leave(server)
        _answer(server, connection, is_known)


def _handed(server: _Server, connection: socket.socket, is_known: bool) -> int | None:
    """Hand connection to the copy made ahead and return its pid; None if there is none, or it is not ready."""
    if not server.ahead:
        return None
    pid, channel = server.ahead
    try:
        if channel.recv(1) != READY:
            return None
        socket.send_fds(channel, [KNOWN if is_known else CHANGED], [connection.fileno()])
    except OSError:
        return None
    _forget_ahead(server)
    return pid


def _make_ahead(server: _Server) -> None:
    """Make a copy ahead."""
    server.may_want_ahead = False
    ours, its = socket.socketpair()
    if pid := os.fork():
        its.close()
        ours.setblocking(False)
        server.ahead = Ahead(pid, ours)
        return
    with _ending():
        _leave(server)
        ours.close()
        server.rehearse()
        its.sendall(READY)
        said, handles, _, _ = socket.recv_fds(its, 1, 1)
        its.close()
        if handles:
            _answer(server, socket.socket(fileno=handles[0]), said == KNOWN)


def _forget_ahead(server: _Server) -> None:
    if server.ahead:
        server.ahead.channel.close()
        server.ahead = None


def _answer(server: _Server, connection: socket.socket, is_known: bool) -> NoReturn:
    """Be the copy that answers connection."""
    connection.setblocking(True)
    os._exit(answer(connection, server.place, server.stamp, lambda: server.main(is_known)))


@contextmanager
def _ending() -> Iterator[None]:
    """End this copy with what is done here; whoever asked runs the command without if it could not be."""
    status = 1
    try:
        with suppress(OSError, ValueError):
            yield
        status = LEFT
    finally:
        os._exit(status)


def _leave(server: _Server) -> None:
    """Let go, in a copy, of what is the process's own."""
    signal.set_wakeup_fd(-1)
    for one in (*ENDING, signal.SIGCHLD):
        signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _forget_ahead(server)
    server.listening.close()
    os.close(server.held.lock)
    for handle in (*server.woken, *(one for other in server.beside for one in (other.told, other.life))):
        os.close(handle)
