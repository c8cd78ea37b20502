"""Ask the process that stays to run a command, with this terminal as its own.

Everything that may be in doubt (another version, another base, no answer in a moment, any error) is answered by None:
then the command runs here, as if there were no such process. So nothing is imported here that takes time.
"""

import os
import sys

from kb.resident.place import SERVED, path_of, root_of, stamp

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping, Sequence

READING = ("search", "find", "show", "list", "ls", "related", "tags", "stats", "claims", "digest")
WRITING = ("--out", "-o", "--all", "--run")  # options that make a command write, or run for long
COMPLETE = "_KB_COMPLETE"
SECONDS = 0.05  # within which it must answer
PEER = 17  # SO_PEERCRED of Linux, which the module _socket does not name everywhere
DONE, COLD = b"=", b"-"  # it listens, or has ended; run it here
BEGUN, PAGED = b"+", b"p"  # output comes, so run it here no more; what follows is for the pager
BROKEN = "error: the process that stays ended while it answered; run the command again\n"


def run(arguments: "Sequence[str]") -> int | None:
    """Return the exit status of a command that was run by the process that stays; None if it is to be run here."""
    if os.environ.get(SERVED) == "off" or None in (sys.stdin, sys.stdout, sys.stderr):
        return None
    try:
        start = start_of(arguments, os.environ)
        root = root_of(start) if start is not None else None
        place = path_of(root, "socket") if root else None
        if not (root and place and os.path.exists(place)):
            return None
        return _asked(place, request(root, arguments))
    except (OSError, ValueError, AttributeError, ImportError):
        return None


def start_of(arguments: "Sequence[str]", environment: "Mapping[str, str]") -> str | None:
    """Return the folder from which arguments name a knowledge base; None if they are no command that only reads."""
    start = environment.get("KB_HOME") or "."
    if COMPLETE in environment:
        return start
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option, has_value, value = rest.pop(0).partition("=")
        if option != "--kb" or not (has_value or rest):
            return None
        start = value if has_value else rest.pop(0)
    if not rest or rest[0] not in READING or any(one.startswith(WRITING) for one in rest):
        return None
    return os.path.expanduser(start)


def request(root: str, arguments: "Sequence[str]") -> bytes:
    """Return what the process needs to know to run a command as if it were this one."""
    mask = os.umask(0o077)
    os.umask(mask)
    streams = [f"{one.encoding}/{one.errors}" for one in (sys.stdin, sys.stdout, sys.stderr)]
    here = (stamp(), root, os.getcwd(), f"{mask}", sys.getfilesystemencoding(), *streams, f"{len(arguments)}")
    parts = [os.fsencode(one) for one in (*here, *arguments)]
    parts += [name + b"=" + value for name, value in os.environb.items()]
    body = b"\0".join(parts)
    return len(body).to_bytes(4, "big") + body


def _outcome(connection: "_socket.socket") -> int | None:
    """Return the exit status of a command whose output comes; None if the first of it was refused."""
    try:
        while (ended := connection.recv(1)) == PAGED:
            _page(connection)
        if ended == COLD:
            return None
        if ended == DONE and (status := connection.recv(1)):
            return status[0]
    except OSError:  # it is gone
        pass
    sys.stderr.write(BROKEN)
    return 1


def _page(connection: "_socket.socket") -> None:
    """Show in the reader's pager what comes, and say when they have left it."""
    import signal

    from kb.resident.pager import show

    text = _received(connection, int.from_bytes(_received(connection, 4), "big"))
    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # Ctrl-C is for the pager
    if not show(text):
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    signal.signal(signal.SIGINT, before)
    connection.sendall(DONE)


def _received(connection: "_socket.socket", length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        part = connection.recv(length - len(parts))
        if not part:
            raise ConnectionError
        parts += part
    return parts


def _asked(place: str, said: bytes) -> int | None:
    import _socket

    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(SECONDS)
        connection.connect(place)
        peer = connection.getsockopt(_socket.SOL_SOCKET, PEER, 12)  # pid, user, group
        if int.from_bytes(peer[4:8], sys.byteorder) != os.getuid():
            return None
        connection.sendall(said)
        if connection.recv(1) != DONE:
            return None
        # Only now: what is sent to somebody who does not listen stays open, and whoever reads from it waits.
        handles = b"".join(one.to_bytes(4, sys.byteorder) for one in (0, 1, 2))
        connection.sendmsg([DONE], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handles)])
        connection.settimeout(None)
        return _outcome(connection) if connection.recv(1) == BEGUN else None
    finally:
        connection.close()
