"""Use cases that need no knowledge base: starting one, and notes that lie anywhere."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.errors import KbError
    from kb.notes.checking.findings import Finding
    from kb.records import Note


def start(folder: Path | str) -> list[Path]:
    """Start a knowledge base in a folder, made if it is missing, and return the files written.

    Raises: KbError if it is one already, or cannot be written.
    """
    from kb.config.new import start_knowledge_base

    return start_knowledge_base(Path(folder))


def parse(paths: Iterable[Path | str]) -> "Iterator[Note | KbError]":
    """Yield what each file of paths holds, one after the other: its note, or why it cannot be read."""
    from kb.notes.reading import read_notes

    return read_notes(map(Path, paths))


def check(path: Path | str, ignored: Iterable[str] = ()) -> "list[Finding]":
    """Return what in a note, or in the notes of a folder, is likely not meant; ignored names rules not to ask.

    Raises: KbError if path cannot be read, or a name is none of a rule.
    """
    from kb.notes.checking import check
    from kb.notes.reading import note_files

    return check(note_files(Path(path)), tuple(ignored))


def patch(path: Path | str) -> str:
    """Return what mends a note, or the notes of a folder, as a unified diff; empty if nothing can be mended so."""
    from kb.notes.checking.mending import patch
    from kb.notes.reading import note_files

    return patch(note_files(Path(path)))


def writable(path: Path, start: Path) -> Path:
    """Return path, where a picture or sound is to be written. start lies in a knowledge base, or in none.

    Raises: KbError if path is a note of it, or another file that it is made of.
    """
    from kb.config.kb_toml import find_config
    from kb.config.outputs import refuse_own
    from kb.errors import KbError

    try:
        config = find_config(start)
    except KbError:
        return path
    refuse_own(config, path)
    return path
