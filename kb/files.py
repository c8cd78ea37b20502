"""Files that are written whole or not at all, and read only if they are files."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from stat import S_ISCHR, S_ISREG
from typing import BinaryIO

from kb.errors import KbError

PREFIX, SUFFIX = ".kb-", ".part"  # of a file that is being written
LOCK_SECONDS, BETWEEN_LOCKS_SECONDS = 30, 0.02
ABANDONED_SECONDS = 3600  # nothing takes so long to write
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # how a file system says that it has none
_NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)  # how a system says that it does not

OWN_FILES = "/proc/self/fd"
OPENED = ("/dev/", "/proc/")  # where what a shell has opened is found: <(…), /dev/stdin


def read_regular(path: Path) -> bytes:
    """Return what a file holds. A pipe or a device in its place is never waited for. Raises: OSError."""
    with _opened(path) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        return file.read()


def read_typed(path: Path) -> bytes:
    """Return what a file holds that a person typed: it may be a pipe that a shell has opened. Raises: OSError."""
    if not str(path).startswith(OPENED):
        return read_regular(path)
    with _opened(path) as file:
        if S_ISCHR(os.fstat(file.fileno()).st_mode) and not file.isatty():
            raise OSError(errno.EINVAL, "it is a device without an end")
        os.set_blocking(file.fileno(), True)
        return file.read()


def _opened(path: Path) -> BinaryIO:
    """Return a file, opened without waiting for who writes a pipe."""
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write data to path: a reader finds what was there before, or all of it; mode as replace_whole takes it.

    A link keeps leading where it does, if that is below the folder it lies in: it may have come from somebody else.
    Raises: KbError if path cannot be written, or leads out.
    """
    try:
        place = Path(os.path.realpath(path))
        if path.is_symlink() and not place.is_relative_to(path.parent.resolve()):
            raise KbError(f"leads to {place}, outside of its folder, and is not written to", "change it there", path)
        replace_whole(place, data, mode=mode)
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", file=path) from None


def write_out(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write data to a path that a person typed: a link keeps leading where it does, a device or a pipe is written into.

    mode is as replace_whole takes it.

    Raises: KbError if path cannot be written.
    """
    try:
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_file() and not place.is_dir():
            with place.open("wb") as device:
                device.write(data)
        else:
            replace_whole(place, data, mode=mode)
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", file=path) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on the folder of path: of several programs that read a file, change and write it, one does at a time.

    Nothing is left behind. A system without such locks has none.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        yield
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path.parent) from None
    try:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise KbError(f"another program has locked {path.parent}", "try again when it is done") from None
                time.sleep(BETWEEN_LOCKS_SECONDS)
            except OSError as error:
                if error.errno in _WITHOUT_LOCKS:
                    break
                raise KbError(f"cannot be locked: {error.strerror}", file=path.parent) from None
        yield
    finally:
        os.close(folder)


def replace_whole(path: Path, data: bytes, check: Callable[[], None] | None = None, mode: int = 0o666) -> None:
    """Make path hold data, and keep its permissions; check is called last and may raise to leave path as it is.

    A new file has the permissions of mode that the umask leaves, from its first moment on.
    What is written goes to the disk under no name, or another one, first, so neither a full disk, a power cut nor a
    killed program leaves half a file, and two programs that write the same path do not mix. Raises: OSError.
    """
    _remove_leftovers(path.parent)
    temporary = path.with_name(f"{PREFIX}{os.urandom(4).hex()}{SUFFIX}")
    try:
        kept = path.stat().st_mode & 0o7777 if path.exists() else None
        at_first = mode if kept is None else 0o600  # while it is made, nobody else may open what will be in it
        with _unnamed(path.parent, at_first) or _named(temporary, at_first) as file:
            if kept is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else temporary, kept)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if check:
                check()
            if not temporary.exists():
                # Given a descriptor, os.link follows the link that /proc has for what is open.
                os.link(f"{OWN_FILES}/{file.fileno()}", temporary, src_dir_fd=file.fileno(), follow_symlinks=True)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # what went wrong first is told
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put on the disk which names a folder holds: else a power cut may undo that a file was renamed or made.

    Raises: OSError, but not where a system, or a file system, does not do so for folders.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows; or a folder that may be written and not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(handle)


def _named(path: Path, mode: int) -> BinaryIO:
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def _unnamed(folder: Path, mode: int) -> BinaryIO | None:
    """Return a new file in folder that goes with the program that opened it; None where there are none such."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(OWN_FILES):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_WRONLY, mode), "wb")
    except OSError:  # of this file system, or one that making a file with a name tells as well
        return None


@cache
def _remove_leftovers(folder: Path) -> None:
    """Remove, once a process, what programs that were killed while they wrote have left in folder."""
    for path in folder.glob(f"{PREFIX}????????{SUFFIX}"):
        if is_abandoned(path):
            with suppress(OSError):  # another one was quicker
                path.unlink()


def is_abandoned(path: Path) -> bool:
    """Whether something unfinished was left by a program that was killed; False as well if it is gone by now."""
    try:
        return time.time() - path.stat().st_mtime > ABANDONED_SECONDS
    except OSError:
        return False


def sync_files(folder: Path) -> None:
    """Put the files of a folder on the disk, and their names. Raises: OSError."""
    for path in folder.iterdir():
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it; one that is there stays. Raises: KbError if it cannot be made."""
    try:
        new_folder(path, mode)
    except OSError as error:
        raise KbError(f"cannot be made: {error.strerror}", file=path) from None


def new_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, and have no power cut undo that; one that is there stays. Raises: OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode, parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)
