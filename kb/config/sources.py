"""Further folders of notes and libraries of reference managers, as kb.toml lists them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kb.errors import KbError

FIELDS = ("folder", "file", "name", "include", "exclude")


class Library(NamedTuple):
    """A kind of library, as a reference manager keeps or exports it."""

    parser: str  # the module of kb.notes.parsing that reads its text
    is_database: bool = False  # of Zotero, of which kb.notes.zotero makes that text


LIBRARIES = {  # by the suffix of their files
    ".bib": Library("bibtex"),
    ".json": Library("csl"),
    ".ris": Library("ris"),
    ".sqlite": Library("csl", is_database=True),
}


@dataclass(frozen=True)
class Source:
    """A folder that notes are read from, or one file in it that is a library; nothing is ever written there."""

    name: str  # what its files begin with in the index: "theirs" makes 2024/10.md theirs/2024/10.md
    folder: Path  # absolute
    include: tuple[str, ...] = ()  # of the files, only those that match one of these; all if there are none
    exclude: tuple[str, ...] = ()  # and none that matches one of these
    file: str | None = None  # of a library, its name: "zotero.bib"; nothing else of the folder is read then

    @property
    def place(self) -> Path:
        """What is read: the folder, or the one file."""
        return self.folder / self.file if self.file else self.folder

    def takes(self, file: str) -> bool:
        """Whether a file, by its path below the folder, is one of the source's.

        Patterns are matched as by fnmatch against the whole path, letter case included; * stands for any characters,
        slashes as well: "drafts/*" matches drafts/old/a.md, "*.txt" any text file.
        """
        is_included = not self.include or any(fnmatchcase(file, pattern) for pattern in self.include)
        return is_included and not any(fnmatchcase(file, pattern) for pattern in self.exclude)

    def toml_lines(self, root: Path) -> list[str]:
        """Return the lines of the source's table in kb.toml; a folder inside root is written relative to it."""
        is_inside = self.folder.is_relative_to(root.resolve())
        folder = self.folder.relative_to(root.resolve()).as_posix() if is_inside else str(self.folder)
        lines = [f"folder = {toml_text(folder)}"]
        if self.file:
            lines.append(f"file = {toml_text(self.file)}")
        if self.name != default_name(self.folder, self.file):
            lines.append(f"name = {toml_text(self.name)}")
        lines += [
            f"{field} = [{', '.join(map(toml_text, patterns))}]"
            for field, patterns in (("include", self.include), ("exclude", self.exclude))
            if patterns
        ]
        return lines


def is_library(file: str) -> bool:
    """Whether a file, by its name, is one of a reference manager."""
    return library_of(file) is not None


def is_database(file: str) -> bool:
    """Whether a file, by its name, is the database of a reference manager itself."""
    kind = library_of(file)
    return kind is not None and kind.is_database


def library_of(file: str) -> Library | None:
    """Return the kind of library that a file is by its name; None if it is none."""
    return LIBRARIES.get(PurePosixPath(file).suffix.lower())


def default_name(folder: Path, file: str | None) -> str:
    """Return the name of a source that is given none: "zotero" of zotero.bib, else that of the folder."""
    return Path(file).stem if file else folder.name


def read_sources(tables: Any, root: Path, notes: Path, path: Path) -> tuple[Source, ...]:
    """Return the sources that the tables [[sources]] of path describe.

    Raises: KbError naming what of path cannot be used; two folders may not go by one name.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise KbError("sources should be tables [[sources]], each with a folder", file=path)
    found: list[Source] = []
    for table in tables:
        source = _source(table, root, path)
        beside = usable(notes / source.name, "name of [[sources]]", path)
        if any(other.name == source.name for other in found) or beside.exists():
            raise KbError(f"another folder of notes is named {source.name!r}", "give this source another `name`", path)
        found.append(source)
    return tuple(found)


def _source(table: dict[str, Any], root: Path, path: Path) -> Source:
    for key in table:
        if key not in FIELDS:
            raise KbError(f"unknown key {key!r} in [[sources]]", f"known keys: {', '.join(FIELDS)}", path)
    text = table.get("folder")
    if not isinstance(text, str) or not text:
        raise KbError(f"folder of [[sources]] should be a text in quotes, got {text!r}", file=path)
    try:
        folder = usable(root / Path(text).expanduser(), "folder of [[sources]]", path)
    except RuntimeError:
        raise KbError(f"folder of [[sources]] is in a home that nobody has: {text!r}", file=path) from None
    file = table.get("file")
    if file is not None and not (isinstance(file, str) and Path(file).name == file and is_library(file)):
        kinds = ", ".join(LIBRARIES)
        raise KbError(f"file of [[sources]] should be the name of a library ({kinds}), got {file!r}", file=path)
    if file is not None:
        usable(folder / file, "file of [[sources]]", path)
    name = table.get("name", default_name(folder, file))
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or name in (".", ".."):
        raise KbError(f"name of [[sources]] should be a text without slashes, got {name!r}", file=path)
    return Source(name, folder, _patterns(table, "include", path), _patterns(table, "exclude", path), file)


def usable(path: Path, what: str = "", file: Path | None = None) -> Path:
    """Return a path that a setting, which what names, or a person gives.

    Raises: KbError if no file can have it: too long, NUL in it, links in a circle.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KbError(f"{what or str(path)[:80]} cannot be a path ({reason})", "name another", file) from None
    return path


def _patterns(table: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value: Sequence[Any] = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(pattern, str) for pattern in value):
        raise KbError(f'{key} of [[sources]] should be a list such as ["2024/*"], got {value!r}', file=path)
    return tuple(value)


def toml_text(text: str) -> str:
    """Return text as a string of TOML, which JSON writes in the same way but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
