"""A private copy of a database of SQLite, read in place of the original, that a killed program does not leave behind.

SQLite opens the copy while it is empty, its name goes, and only then is it filled. What lies beside the original (-wal,
-journal) SQLite opens by name, when it reads first: so long there is a folder that nobody else can enter. If the
program is killed just then, the next copy removes that folder, because nobody holds its lock any more.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import BinaryIO

from kb.errors import KbError
from kb.notes import folders
from kb.sqlite_files import JOURNAL, names_a_file, read_schema

PREFIX = "kb-copy-"
TRIES = 3


@contextmanager
def opened_copy(database: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a copy of database and what lies beside it, made while none of them changes.

    Raises: KbError if they go on changing, or if SQLite would delete another file; sqlite3.Error; OSError.
    """
    _remove_abandoned(Path(gettempdir()))
    with _private_folder() as folder:
        copy = folder / "copy"
        with _made(copy) as file, closing(sqlite3.connect(copy)) as db:
            _take_name(copy)
            _fill(file, copy, database)
            db.execute("PRAGMA locking_mode = EXCLUSIVE")  # needs no file to share the log by
            read_schema(db)
            shutil.rmtree(folder, ignore_errors=True)
            yield db


def _take_name(copy: Path) -> None:
    """Take the name from a file that is open and give it to an empty one, which SQLite looks at and does not read."""
    with suppress(PermissionError):  # Windows keeps the name of what is open
        copy.unlink()
        _made(copy).close()


def _fill(file: BinaryIO, copy: Path, database: Path) -> None:
    for _ in range(TRIES):
        before = folders.stamp(database)
        file.seek(0)
        file.truncate()
        _pour(database, file)
        for part in folders.parts(database)[1:]:
            with _made(copy.with_name(copy.name + part.name.removeprefix(database.name))) as beside:
                _pour(part, beside)
        if folders.stamp(database) == before:
            journal = copy.with_name(copy.name + JOURNAL)
            if journal.is_file() and names_a_file(journal):
                raise KbError("its journal names another file, which SQLite would delete", "open it in Zotero once")
            return
        for part in folders.parts(copy)[1:]:
            part.unlink()
    raise KbError("Zotero is writing it just now", "try again in a moment")


def _pour(source: Path, target: BinaryIO) -> None:
    with source.open("rb") as file:
        shutil.copyfileobj(file, target)


def _made(path: Path) -> BinaryIO:
    """Return a new file that its owner alone can read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Give a new folder, held by a lock as long as it is used."""
    while True:
        folder = Path(mkdtemp(prefix=PREFIX))
        lock = _locked(folder)
        if lock is None or folder.is_dir():  # else another program took it for abandoned just before
            break
        os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of programs that were killed: this user's, which nobody holds."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another program was quicker
            lock = _locked(folder, is_waiting=False)
            if lock is not None:
                if os.fstat(lock).st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path, is_waiting: bool = True) -> int | None:
    """Return what holds the lock of a folder until it is closed; None where there are no such locks."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return None
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if is_waiting else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
