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
    note = parse_note(data, str(path))
    found = [f"{paper.title}\n{passage.text}" for paper in note.papers for passage in paper.passages]
    if not found:
        raise KbError("holds no text to compare with", "name a note or a text file", path)
    return found
