"""Writing a note: the one place of kb that does, and only what `kb add --write` asks for."""

import os
import tempfile
from pathlib import Path

from kb.errors import KbError

NEW_FILE_MODE = 0o666  # less what the user's mask takes away


def read_note(path: Path) -> bytes | None:
    """Return what a note holds, None if there is none. Raises: KbError if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KbError(f"{path}: cannot be read: {error.strerror}") from None


def replace_note(path: Path, before: bytes | None, now: bytes) -> None:
    """Make path hold now instead of before, None for a file that is not there: wholly, or not at all.

    What is written goes to the disk under another name first, so neither a full disk nor a stopped program leaves half
    a note. A note that a link leads to is replaced where it lies, and keeps its permissions.
    Raises: KbError if path holds something else than before by now, or cannot be written.
    """
    place = path.resolve()
    temporary = None
    try:
        if before is not None and not os.access(place, os.W_OK):
            raise PermissionError(None, "it may only be read")
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(now)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, place.stat().st_mode & 0o7777 if before is not None else _new_mode())
        if read_note(place) != before:
            raise KbError(f"{path}: was changed in the meantime; nothing is written, run the command again")
        os.replace(temporary, place)
        temporary = None
    except OSError as error:
        raise KbError(f"{path}: cannot be written: {error.strerror or error}; it is as it was") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _new_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return NEW_FILE_MODE & ~mask
