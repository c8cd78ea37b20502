"""Notes from anywhere, read without a knowledge base."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kb.config.kb_toml import GLOSSARY_NAME
from kb.config.sources import usable
from kb.errors import KbError, NoteError
from kb.notes.folders import printable, scan
from kb.notes.loading import load
from kb.notes.parsing import parse_note
from kb.records import Note, Paper

FIELDS = (  # of a record as a line of JSON, after its file, title, line and grammar
    "kind",
    "end_line",
    "written_title",
    "short_name",
    "authors",
    "organizations",
    "keywords",
    "venue",
    "date",
    "month",
    "arxiv_id",
    "doi",
    "openreview_id",
    "acl_id",
    "citation_key",
    "repositories",
    "is_starred",
    "section_path",
    "parent",
)


class NoteFile(NamedTuple):
    """A note on disk."""

    file: str  # path below the folder that was asked for, with forward slashes; of a file asked for, its name
    path: Path
    fault: NoteError | None = None  # why it cannot be read, where that is known before


def note_files(path: Path) -> list[NoteFile]:
    """Return the notes that path is or holds, sorted; hidden names and links to folders are passed over.

    One that cannot be looked at, or whose name is not UTF-8, is among them with its fault.

    Example: a folder with 2024/10.md and .git/x.md -> [NoteFile("2024/10.md", …)].
    Raises: KbError if path is neither a file nor a folder that can be read.
    """
    usable(path)
    if path.is_file():
        return [NoteFile(path.name, path)]
    if not path.is_dir():
        what = "neither a file nor a folder" if path.exists() else "no such file or folder"
        raise KbError(what, "name a note or a folder of notes", path)
    unread: dict[str, KbError] = {}
    found = [NoteFile(file, path / file) for file in scan(path, unread) if file != GLOSSARY_NAME]
    found += [
        NoteFile(name := printable(file), path / file, NoteError(why.what, "rename or move it", name))
        for file, why in unread.items()
    ]
    return sorted(found, key=lambda one: one.file)


def read_bytes(note: NoteFile) -> bytes:
    """Return what the file holds.

    Raises: NoteError if it cannot be read.
    """
    if note.fault:
        raise note.fault
    return load(note.path, note.file)


def read_notes(paths: Iterable[Path]) -> Iterator[Note | KbError]:
    """Yield what each file of paths holds, one after the other: its note, or why it cannot be read."""
    for path in paths:
        try:
            found = note_files(path)
        except KbError as error:
            yield error
            continue
        for one in found:
            try:
                yield parse_note(read_bytes(one), one.file)
            except NoteError as error:
                yield error


def flat_record(note: Note, paper: Paper) -> dict[str, Any]:
    """Return a paper of note as a line of JSON holds it: its facts, without its text."""
    head = {"file": note.file, "title": paper.title, "line": paper.line, "grammar": note.grammar}
    return head | {field: getattr(paper, field) for field in FIELDS}
