"""Files that are written whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

from kb.errors import KbError


def write_whole(path: Path, data: bytes) -> None:
    """Write data to path: a reader finds what was there before, or all of it.

    Raises: KbError if path cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.unlink(missing_ok=True)  # where a link of that name leads is no place to write to
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise KbError(f"{path}: cannot be written: {error.strerror}") from None


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there stays. Raises: KbError if it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KbError(f"{path}: cannot be made: {error.strerror}") from None


def refuse_notes(path: Path, folders: Iterable[Path]) -> None:
    """Raise KbError if path lies in one of folders, those of the notes: what is written there would be read as one."""
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in folders):
        raise KbError(f"{path} lies in a notes folder, which is never written to; choose another place")
