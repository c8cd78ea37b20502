"""What goes wrong in the system below, a disk, a lock, a file of SQLite, as the error a user reads: for every front."""

import os
from pathlib import Path

from kb.errors import KbError
from kb.index.sqlite.opening import refusal
from kb.sqlite_files import DatabaseError

SYSTEM = (OSError, DatabaseError, MemoryError)


def as_kb_error(error: BaseException) -> KbError | None:
    """Return what an error means to a person, one of SYSTEM too; None if it is a mistake of this program."""
    if isinstance(error, KbError):
        return error
    if isinstance(error, DatabaseError):
        return refusal(error, Path("the index"))
    if isinstance(error, MemoryError):
        return KbError("there is not enough memory", "close other programs, or ask for less")
    if not isinstance(error, OSError):
        return None
    if _is_nowhere():
        return KbError("the folder you are in is gone", "go to one that is there: cd ~")
    return KbError(error.strerror or str(error), "see to disk and permissions", _file_of(error))


def _is_nowhere() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _file_of(error: OSError) -> str | None:
    name = error.filename
    return None if name is None or isinstance(name, int) else os.fsdecode(name)
