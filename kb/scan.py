"""What changed in the notes since the index was written; looks at names, times and sizes only."""

import os
from pathlib import Path
from typing import NamedTuple

from kb.config import GLOSSARY_NAME, Config
from kb.errors import KbError

SUFFIXES = (".md", ".markdown", ".txt")
BESIDE = ("-wal", "-journal")  # of a SQLite file, what was written last may lie in one of these

Stamp = tuple[int, int]  # mtime in nanoseconds, size in bytes


class Changes(NamedTuple):
    """Files to read again and files to forget, as the index names them: see Config.path_of."""

    changed: dict[str, Stamp]
    gone: tuple[str, ...]
    missing: tuple[str, ...] = ()  # sources that cannot be looked at now, a line each

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


def find_changes(config: Config, known: dict[str, Stamp]) -> Changes:
    """Return what differs between the folders of notes and known.

    The files of a source whose folder is not there stay: it may be a disk that is not plugged in.
    Raises: KbError if the notes folder is not there: an empty folder is a fact, a missing one is more likely a mistake.
    """
    found = scan(config.notes)
    missing: dict[str, str] = {}
    for source in config.sources:
        try:
            below = {source.file: stamp(source.place)} if source.file else scan(source.folder)
        except (KbError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not there"
            line = f"source {source.name}: {source.place} cannot be read ({reason}); showing what was indexed of it"
            missing[f"{source.name}/"] = line
            continue
        for file, its_stamp in below.items():
            if file != GLOSSARY_NAME and source.takes(file):
                found[f"{source.name}/{file}"] = its_stamp
    if found == known:
        return Changes({}, (), tuple(missing.values()))
    return Changes(
        changed={path: found[path] for path in sorted(found) if known.get(path) != found[path]},
        gone=tuple(path for path in known if path not in found and not path.startswith(tuple(missing))),
        missing=tuple(missing.values()),
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


def stamp(path: Path) -> Stamp:
    """Return the stamp of one file, taken together with what SQLite may keep beside it."""
    states = [part.stat() for part in parts(path)]
    return max(state.st_mtime_ns for state in states), sum(state.st_size for state in states)


def parts(path: Path) -> list[Path]:
    """Return a file and what SQLite keeps beside it now."""
    beside = (path.with_name(path.name + suffix) for suffix in BESIDE)
    return [path, *(part for part in beside if part.is_file())]
