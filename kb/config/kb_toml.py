"""Where a knowledge base lies: the folder that holds kb.toml, and what kb.toml says."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from kb.config.sources import Source, read_sources, usable
from kb.errors import KbError
from kb.files import locked, read_regular, write_whole
from kb.sqlite_files import JOURNAL, names_a_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_NAME = "kb.toml"
DEFAULT_ENCODER = "minilm"
NO_ENCODER = "none"
SERVE = ("off", "on demand")
GLOSSARY_NAME = "glossary.yaml"
VERSIONED = (".git", ".hg", ".svn", ".bzr", ".jj")
TEXTS = ("notes", "templates", "index", "encoder", "serve")
LISTS = ("same", "different")
SOURCES = "sources"
CHECK = "check"
FIELDS = (*TEXTS, *LISTS, CHECK, SOURCES)

Lists = tuple[tuple[str, ...], ...]  # of records' ids
_ENCODER_LINE = re.compile(r"""^encoder\s*=\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*')(?P<rest>.*)$""", re.MULTILINE)


@dataclass(frozen=True)
class Config:
    """A knowledge base on disk; every path is absolute."""

    root: Path
    notes: Path
    templates: Path  # the user's own templates; may be missing
    index: Path  # everything the tool writes, safe to delete
    encoder: str  # "minilm", "e5", "minilm+e5", "none", or a sentence-transformers model by name or path
    serve: str = "off"  # or "on demand": the first search starts a process that stays
    sources: tuple[Source, ...] = ()  # further folders of notes, and libraries
    same: Lists = ()  # records that are one paper, whatever they are known by
    different: Lists = ()  # records that are not
    ignored_rules: tuple[str, ...] = ()  # of `kb check`: "no-link"

    @property
    def joining(self) -> str:
        """What same and different say, as one text: another text joins other records."""
        return json.dumps([self.same, self.different]) if self.same or self.different else ""

    @property
    def marks(self) -> Path:
        """What the reader has starred and read; missing until something is."""
        return self.root / "marks.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.index / "kb.sqlite"

    @property
    def glossaries(self) -> tuple[Path, ...]:
        """The glossaries there are: the user's own before the shipped one."""
        found = [path.resolve() for path in (self.notes / GLOSSARY_NAME, shipped_glossary()) if path.is_file()]
        return tuple(dict.fromkeys(found))

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that notes are read from and nothing is written to; a library is a file and stands for itself."""
        return (self.notes, *(source.place for source in self.sources))

    def path_of(self, file: str) -> Path:
        """Return where a file of the index lies.

        Example: "2024-10.md" -> ROOT/notes/2024-10.md; "theirs/2024/10.md" -> /home/them/notes/2024/10.md, if there
        is a source named theirs.
        """
        name, _, below = file.partition("/")
        folder = next((source.folder for source in self.sources if source.name == name), None)
        return folder / below if folder and below else self.notes / file


def find_config(start: Path) -> Config:
    """Return the knowledge base that start lies in: the nearest folder upwards with a kb.toml.

    Raises: KbError if there is none, or if kb.toml cannot be read.
    """
    start = usable(start).absolute()
    if not start.is_dir():
        raise KbError(f"{start} is not a folder", "name the folder of a knowledge base")
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return load_config(folder)
    raise KbError(f"{start} is no knowledge base: no {CONFIG_NAME} there or in a folder above", "run: kb init")


def load_config(root: Path) -> Config:
    """Return the knowledge base at root.

    Raises: KbError naming the line or the key of kb.toml that cannot be used.
    """
    path = root / CONFIG_NAME
    try:
        values = tomllib.loads(read_regular(path).decode("utf-8"))
    except ValueError as error:  # of TOML, of UTF-8, of a number of thousands of digits
        raise KbError(f"not valid TOML in UTF-8: {error}", "mend it, or delete it and run: kb init", path) from None
    except RecursionError:
        raise KbError("lists in lists without end", "mend it, or delete it and run: kb init", path) from None
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None
    for key, value in values.items():
        if any("\0" in text for text in _texts(value)):
            raise KbError(f"a value of {key} holds a NUL character", "mend it", path)
    sources = values.pop(SOURCES, [])
    for key, value in values.items():
        if key not in FIELDS:
            raise KbError(f"unknown key {key!r}", f"known keys: {', '.join(FIELDS)}", path)
        if key in TEXTS and (not isinstance(value, str) or not value):
            raise KbError(f"{key} should be a text in quotes, got {value!r}", file=path)
    if values.get("serve", SERVE[0]) not in SERVE:
        raise KbError(f"serve should be {' or '.join(map(repr, SERVE))}, got {values['serve']!r}", file=path)
    notes = usable(root / values.get("notes", "notes"), "notes", path)
    templates = _inside(root, values, "templates", "templates")
    found = read_sources(sources, root, notes, path)
    others = {f"the source {one.name!r}": one.place for one in found if not one.file}
    others |= {"the notes": notes, "the templates": templates}
    return Config(
        root=root,
        notes=notes,
        templates=templates,
        index=_harmless(_apart(_inside(root, values, "index", ".kb"), root, others)),
        encoder=values.get("encoder", DEFAULT_ENCODER),
        serve=values.get("serve", SERVE[0]),
        sources=found,
        ignored_rules=_ignored(values, path),
        **_judgments(values, path),
    )


def set_encoder(config: Config, model: str) -> None:
    """Make model the encoder that kb.toml names; every other line of it stays as it is.

    Raises: KbError if kb.toml cannot be written.
    """
    path = config.root / CONFIG_NAME
    with locked(path):
        text = path.read_bytes().decode("utf-8")
        line = f"encoder = {json.dumps(model, ensure_ascii=False)}"
        changed, count = _ENCODER_LINE.subn(lambda found: line + found["rest"], text, count=1)
        changed = changed if count else f"{line}{_newline(text)}{text}"
        if _values(changed) != {**tomllib.loads(text), "encoder": model}:
            what = "its line of the encoder is not where one is looked for"
            raise KbError(what, f"set it to {model!r} by hand", path)
        write_whole(path, changed.encode("utf-8"))


def add_source(config: Config, source: Source) -> None:
    """Add source to kb.toml, at its end: there a table takes no key away from the tables before it.

    Raises: KbError if kb.toml lists its sources in a way that cannot be added to, or cannot be written.
    """
    path = config.root / CONFIG_NAME
    with locked(path):
        text = path.read_bytes().decode("utf-8")
        newline = _newline(text)
        entry = "\n".join(("", f"[[{SOURCES}]]", *source.toml_lines(config.root), "")).replace("\n", newline)
        changed = text + (newline if text and not text.endswith("\n") else "") + (entry if text else entry.lstrip())
        if SOURCES not in (_values(changed) or {}):
            raise KbError(f"sources should be tables [[{SOURCES}]]", "write those that are there so", path)
        try:
            data = changed.encode("utf-8")
        except UnicodeEncodeError:
            raise KbError("a name that is not UTF-8 cannot stand in it", "rename the folder", path) from None
        write_whole(path, data)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts that a value of TOML holds."""
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)


def _values(text: str) -> dict[str, Any] | None:
    """Return what text says as TOML; None if it is none."""
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def shipped_templates() -> Path:
    """Return the folder of the shipped templates: beside this file in a wheel, else the checkout's."""
    here = Path(__file__).resolve().parents[1]
    packaged = here / "templates"
    return packaged if packaged.is_dir() else here.parent / "templates"


def shipped_glossary() -> Path:
    """Return the glossary that comes with the program, which lies beside the translation that it is for."""
    return Path(__file__).resolve().parents[1] / "index" / GLOSSARY_NAME


def _judgments(values: dict[str, Any], path: Path) -> dict[str, Lists]:
    """Return the lists that say which records are one paper and which are not, by key."""
    found: dict[str, Lists] = {}
    for key in LISTS:
        lists = values.get(key, [])
        if not isinstance(lists, list):
            raise KbError(f'{key} should be lists of ids such as [["a/x", "b/x"]], got {lists!r}', file=path)
        for listed in lists:
            if not (isinstance(listed, list) and all(isinstance(one, str) and one for one in listed)):
                raise KbError(f'{key} should hold lists of ids such as ["a/x", "b/x"], got {listed!r}', file=path)
            if len(set(listed)) < 2:
                raise KbError(f"each list of {key} should name two records or more, got {listed!r}", file=path)
        found[key] = tuple(tuple(listed) for listed in lists)
    for pair in _pairs(found["same"]) & _pairs(found["different"]):
        raise KbError(f"same and different both name {' and '.join(sorted(pair))}", "keep one of them", path)
    return found


def _ignored(values: dict[str, Any], path: Path) -> tuple[str, ...]:
    """Return the rules that `kb check` is to leave out."""
    table = values.get(CHECK, {})
    ignored = table.get("ignore", []) if isinstance(table, dict) else None
    if not isinstance(ignored, list) or set(table) - {"ignore"}:
        raise KbError(f'{CHECK} should be a table with ignore = ["no-link"], got {table!r}', file=path)
    return tuple(map(str, ignored))


def _pairs(lists: Lists) -> set[frozenset[str]]:
    return {frozenset(pair) for listed in lists for pair in combinations(set(listed), 2)}


def _inside(root: Path, values: dict[str, Any], key: str, default: str) -> Path:
    """Return the folder that key names: kb.toml may be a stranger's, and what is outside is none of its business."""
    name = values.get(key, default)
    folder = usable(root / name, key, root / CONFIG_NAME).resolve()
    if not folder.is_relative_to(root.resolve()) or folder == root.resolve():
        raise KbError(f"{key} should be a folder inside the knowledge base, got {name!r}", file=root / CONFIG_NAME)
    return folder


def versions_in(path: Path) -> str | None:
    """Return the part of path that keeps versions, which is another program's: .git; None if there is none."""
    # Some systems take .GIT and ".git " for it.
    return next((part for part in path.parts if part.rstrip(" .").casefold() in VERSIONED), None)


def _apart(index: Path, root: Path, others: Mapping[str, Path]) -> Path:
    """Return index if it is nobody else's: the tool writes there, and removes what it has written.

    Below the notes it may lie hidden: .kb in a folder that is all notes.
    """
    path = root / CONFIG_NAME
    if part := versions_in(index.relative_to(root.resolve())):
        raise KbError(f"index lies in {part}, which is another program's", "name another folder, such as .kb", path)
    for what, other in others.items():
        folder = other.resolve()
        is_below = index.is_relative_to(folder) and index != folder
        is_hidden = is_below and index.relative_to(folder).parts[0].startswith(".")
        if folder.is_relative_to(index) or (is_below and not is_hidden):
            raise KbError(f"index and {what} overlap", "name another folder, such as .kb", path)
    return index


def _harmless(index: Path) -> Path:
    """Return index if nothing in it leads elsewhere: what is written to it must not end up outside of it."""
    try:
        with os.scandir(index) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise KbError(
                        f"{entry.path} is a link, and the index is written only where it lies", "delete the link"
                    )
                if not (entry.is_file() or entry.is_dir()):
                    raise KbError(f"{entry.path} is neither a file nor a folder", "delete it")
                if entry.name.endswith(JOURNAL) and entry.is_file() and names_a_file(Path(entry.path)):
                    what = "names another file, which SQLite would delete"
                    raise KbError(f"{entry.path} {what}", "delete the journal and run: kb index --full")
    except OSError:
        return index  # not there yet; what else may be wrong is told when it is used
    return index
