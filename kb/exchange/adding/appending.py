"""Writing a note: the one place of kb that does, and only what `kb add --write` asks for."""

import os
from collections import Counter
from pathlib import Path

from kb.errors import KbError
from kb.files import new_folder, read_regular, replace_whole
from kb.notes.folders import SUFFIXES


def read_note(path: Path) -> bytes | None:
    """Return what a note holds, None if there is none. Raises: KbError if it cannot be read."""
    try:
        return read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None


def replace_note(path: Path, before: bytes | None, now: bytes) -> None:
    """Make path hold now instead of before, None for a file that is not there: wholly, or not at all.

    A note that a link leads to is replaced where it lies, and keeps its permissions; a new one has its siblings'.
    Raises: KbError if path holds something else than before by now, or cannot be written.
    """
    place = path.resolve()

    def check() -> None:
        if read_note(place) != before:
            raise KbError("was changed in the meantime", "nothing is written, run the command again", path)

    try:
        if before is not None and not os.access(place, os.W_OK):
            raise PermissionError(None, "it may only be read")
        new_folder(place.parent)
        replace_whole(place, now, check, _mode_of_siblings(place.parent))
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror or error}", "it is as it was", path) from None


def _mode_of_siblings(folder: Path) -> int:
    """Return the permissions that most of the notes in folder have, as far as the folder gives them itself."""
    modes = Counter(path.stat().st_mode for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    most = modes.most_common(1)[0][0] if modes else 0o666
    return (most | 0o600) & (folder.stat().st_mode | 0o600) & 0o666
