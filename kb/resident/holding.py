"""One process a knowledge base: a lock that is held for life, and beside it who holds it."""

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kb.errors import KbError
from kb.resident.place import make_runtime_folder, path_of, runtime_is_there

SECONDS, BETWEEN_SECONDS = 10.0, 0.02  # for a process to end, looked at so often
STARTING_SECONDS = 60.0  # for a process to load what it answers with
TRIES = 3  # who looks whether a lock is held holds it for a moment


class Resident(NamedTuple):
    """A process that stays."""

    pid: int
    version: str
    started: str  # a time as people write it
    address: str | None = None  # of the page, with what lets its reader in
    is_watching: bool = False


class Held(NamedTuple):
    """The right to be the process of a knowledge base."""

    lock: int
    socket: str

    def tell(self, resident: Resident) -> None:
        """Say who holds it."""
        said = json.dumps(resident._asdict()).encode()
        os.pwrite(self.lock, said, 0)
        os.ftruncate(self.lock, len(said))


def hold(root: Path) -> Held | None:
    """Return the right to be the process of the knowledge base in root; None if another one has it.

    Raises: KbError if there is no folder for sockets that is this user's alone.
    """
    with suppress(OSError):  # then there is none
        make_runtime_folder()
    lock, socket = _paths(root)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN_SECONDS)
            continue
        os.ftruncate(handle, 0)
        return Held(handle, socket)
    os.close(handle)
    return None


def resident(root: Path) -> Resident | None:
    """Return the process of the knowledge base in root; None if there is none."""
    if not runtime_is_there():
        return None
    lock, _ = _paths(root)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if not _is_held(handle):
            return None
        return Resident(**json.loads(os.pread(handle, 2**16, 0) or b'{"pid": 0, "version": "", "started": ""}'))
    except (ValueError, TypeError):
        return None
    finally:
        os.close(handle)


def settled(root: Path) -> Resident | None:
    """Return the process of the knowledge base in root, once one that has just been started says who it is."""
    until = time.monotonic() + STARTING_SECONDS
    while (found := resident(root)) and not found.pid and time.monotonic() < until:
        time.sleep(BETWEEN_SECONDS)
    return found


def stop(root: Path) -> bool:
    """End the process of the knowledge base in root, and return whether there was one.

    Raises: KbError if it does not end.
    """
    found = settled(root)
    if not found or not found.pid:
        return False
    os.kill(found.pid, signal.SIGTERM)  # it holds the lock, so the number is its own and no later process's
    until = time.monotonic() + SECONDS
    while resident(root) == found:
        if time.monotonic() > until:
            raise KbError(f"process {found.pid} does not end", f"run: kill -9 {found.pid}")
        time.sleep(BETWEEN_SECONDS)
    return True


def _paths(root: Path) -> tuple[str, str]:
    lock, socket = path_of(str(root), "lock"), path_of(str(root), "socket")
    if not (lock and socket):
        what = "there is no folder for sockets that is yours alone, or its path is too long"
        raise KbError(what, "set XDG_RUNTIME_DIR to a folder of mode 700 with a short path")
    return lock, socket


def _is_held(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
