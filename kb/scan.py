"""What changed in the notes folder since the index was written; looks at names, times and sizes only."""

import os
from pathlib import Path
from typing import NamedTuple

from kb.config import GLOSSARY_NAME
from kb.errors import KbError

SUFFIXES = (".md", ".markdown", ".txt")

Stamp = tuple[int, int]  # mtime in nanoseconds, size in bytes


class Changes(NamedTuple):
    """Files to read again and files to forget, by path below the notes folder."""

    changed: dict[str, Stamp]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


def find_changes(notes: Path, known: dict[str, Stamp]) -> Changes:
    """Return what differs between the folder and known.

    Raises: KbError if the folder is not there: an empty folder is a fact, a missing one is more likely a mistake.
    """
    found = scan(notes)
    if found == known:
        return Changes({}, ())
    return Changes(
        changed={path: found[path] for path in sorted(found) if known.get(path) != found[path]},
        gone=tuple(path for path in known if path not in found),
    )


def scan(notes: Path) -> dict[str, Stamp]:
    """Return the stamps of the glossary and of all notes in the folder and below.

    Hidden names and links to folders are passed over.
    """
    if not notes.is_dir():
        raise KbError(f"no notes folder at {notes}; make it, or set `notes` in kb.toml")
    found: dict[str, Stamp] = {}
    pending = [("", str(notes))]
    while pending:
        prefix, folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if (name.lower().endswith(SUFFIXES) or prefix + name == GLOSSARY_NAME) and entry.is_file():
                    status = entry.stat()
                    found[prefix + name] = (status.st_mtime_ns, status.st_size)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((f"{prefix}{name}/", entry.path))
    return found
