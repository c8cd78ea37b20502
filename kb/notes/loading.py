"""A file of notes as the bytes that kb.notes.parsing reads."""

from pathlib import Path

from kb.config.sources import is_database
from kb.errors import KbError, NoteError
from kb.files import read_regular
from kb.notes import zotero


def load(path: Path, file: str) -> bytes:
    """Return what the file at path holds, a Zotero database as CSL JSON; file is what the index calls it.

    Raises: NoteError if it cannot be read.
    """
    try:
        return zotero.library(path) if is_database(path.name) else read_regular(path)
    except OSError as error:
        way_out = "check its permissions" if isinstance(error, PermissionError) else ""
        raise NoteError(f"cannot be read: {error.strerror}", way_out, file) from None
    except KbError as error:
        raise NoteError(error.what, error.way_out, file) from None
