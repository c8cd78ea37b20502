"""A file from anywhere as the texts of its passages, to look for papers like it."""

from pathlib import Path

from kb.errors import KbError
from kb.files import read_typed
from kb.notes.parsing import parse_note


def passages_of_file(path: Path) -> list[str]:
    """Return the passages of a note or a text, each under the title of its paper.

    Raises: KbError if the file cannot be read or holds no text.
    """
    try:
        data = read_typed(path)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None
    found = _passages(data, str(path))
    if not found:
        raise KbError("holds no text to compare with", "name a note or a text file", path)
    return found


def passages_of_text(text: str) -> list[str]:
    """Return what passages_of_file does of a note that holds text. Raises: KbError if there is none."""
    found = _passages(text.encode("utf-8", "replace"), "text.md")
    if not found:
        raise KbError("no text to compare with", "give some words")
    return found


def _passages(data: bytes, name: str) -> list[str]:
    return [f"{paper.title}\n{passage.text}" for paper in parse_note(data, name).papers for passage in paper.passages]
