"""What changed in the notes since the index was written; looks at names, times and sizes only."""

import os
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from kb.config.kb_toml import GLOSSARY_NAME, Config
from kb.errors import KbError

SUFFIXES = (".md", ".markdown", ".mdx", ".qmd", ".rmd", ".txt")  # MDX, Quarto and R Markdown are Markdown
BESIDE = ("-wal", "-journal")  # of a SQLite file, what was written last may lie in one of these

AS_IT_WAS = "showing what was indexed of it"

Stamp = tuple[int, int]  # when it was changed last, in nanoseconds, and size in bytes
SHOWN = 200  # characters of a path; one that is longer is cut in its midst
LATEST_NS = 2**63 - 1  # in the year 2262: what SQLite can keep; a clock that was wrong may say a later time


class Changes(NamedTuple):
    """Files to read again and files to forget, as the index names them: see Config.path_of."""

    changed: dict[str, Stamp]
    gone: tuple[str, ...]
    missing: tuple[str, ...] = ()  # what cannot be looked at now, a line each

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


def find_changes(config: Config, known: dict[str, Stamp]) -> Changes:
    """Return what differs between the folders of notes and known.

    The files of a source whose folder is not there stay: it may be a disk that is not plugged in.
    Raises: KbError if the notes folder is not there: an empty folder is a fact, a missing one is more likely a mistake.
    """
    unread: dict[str, KbError] = {}
    found = scan(config.notes, unread)
    missing = {path: f"{printable(path)}: {why}" for path, why in unread.items()}
    for source in config.sources:
        unread = {}
        try:
            below = {source.file: stamp(source.place)} if source.file else scan(source.folder, unread)
        except (KbError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not there"
            line = f"source {source.name}: {source.place} cannot be read ({reason}); {AS_IT_WAS}"
            missing[f"{source.name}/"] = line
            continue
        for file, its_stamp in below.items():
            if file != GLOSSARY_NAME and source.takes(file):
                found[f"{source.name}/{file}"] = its_stamp
        for path, why in unread.items():
            if source.takes(path):
                missing[f"{source.name}/{path}"] = f"{printable(f'{source.name}/{path}')}: {why}"
    if found == known:
        return Changes({}, (), tuple(missing.values()))
    return Changes(
        changed={path: found[path] for path in sorted(path for path in found if known.get(path) != found[path])},
        gone=tuple(path for path in known if path not in found and not path.startswith(tuple(missing))),
        missing=tuple(missing.values()),
    )


def scan(notes: Path, unread: dict[str, KbError]) -> dict[str, Stamp]:
    """Return the stamps of the glossary and of all notes in the folder and below.

    Hidden names, links to folders, links to nothing and what is neither file nor folder are passed over. Folders and
    files that cannot be looked at are put into unread, by their path below notes, with the reason.
    Raises: KbError if the folder is not there or cannot be looked at.
    """
    if not notes.is_dir():
        raise KbError(f"no notes folder at {notes}", "make it, or set `notes` in kb.toml")
    found: dict[str, Stamp] = {}
    pending = [("", str(notes))]
    while pending:
        prefix, folder = pending.pop()
        for entry in _entries(prefix, folder, unread):
            name = entry.name
            if name.startswith("."):
                continue
            path = prefix + name
            is_note = name.lower().endswith(SUFFIXES) or path == GLOSSARY_NAME
            try:
                if is_note and entry.is_file():
                    status = entry.stat()
                    path.encode()
                    found[path] = (changed_ns(status), status.st_size)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((f"{path}/", entry.path))
            except FileNotFoundError:
                continue  # it went while we looked
            except UnicodeEncodeError:
                unread[path] = KbError("its name is not UTF-8, so it is not indexed", "rename it")
            except OSError as error:
                unread[path] = KbError(f"cannot be read ({error.strerror})", AS_IT_WAS)
    return found


def _entries(prefix: str, folder: str, unread: dict[str, KbError]) -> list["os.DirEntry[str]"]:
    """Return what a folder holds, "" being the one that was asked for."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        if not prefix:
            raise KbError(f"cannot be read: {error.strerror}", "check its permissions", folder) from None
        if not isinstance(error, FileNotFoundError):
            unread[prefix] = KbError(f"cannot be read ({error.strerror})", AS_IT_WAS)
        return []


def printable(path: str) -> str:
    """Return a path that can be shown: bytes that are not UTF-8 are written "\\xb2", and it is not endless."""
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN // 2]}…{shown[-SHOWN // 2 :]}"


def stamp(path: Path) -> Stamp:
    """Return the stamp of one file, taken together with what SQLite may keep beside it. Raises: OSError."""
    states = [part.stat() for part in parts(path)]
    if not S_ISREG(states[0].st_mode):  # reading a pipe would wait for ever
        raise OSError(EINVAL, "it is not a file")
    return max(map(changed_ns, states)), sum(state.st_size for state in states)


def changed_ns(status: os.stat_result) -> int:
    """Return when a file was changed last: its ctime, which nobody can set back as mtime can be, or a later mtime.

    Windows knows no such time and calls ctime when a file was made.
    """
    latest = status.st_mtime_ns
    if status.st_ctime_ns > latest and os.name != "nt":
        latest = status.st_ctime_ns
    return latest if latest < LATEST_NS else LATEST_NS


def parts(path: Path) -> list[Path]:
    """Return a file and what SQLite keeps beside it now."""
    beside = (path.with_name(path.name + suffix) for suffix in BESIDE)
    return [path, *(part for part in beside if part.is_file())]
