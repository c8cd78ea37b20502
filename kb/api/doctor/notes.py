"""The notes and the folder of the knowledge base. A rule takes the knowledge base; those of READ, a reader as well."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from kb.api.doctor.findings import Finding, parted, some
from kb.config.kb_toml import Config
from kb.errors import KbError
from kb.files import is_abandoned
from kb.index.folder import MARK, is_own, permitted, wide
from kb.index.sqlite.health import SET_ASIDE
from kb.index.sqlite.reader import Reader
from kb.index.translation import gloss_path
from kb.notes.checking.identifiers import cut_ids, numbers_for_ids
from kb.notes.checking.page import read_page
from kb.notes.folders import SUFFIXES, find_changes
from kb.notes.reading import NoteFile

FREE_BYTES = 100 * 2**20
ROOM_TO_REBUILD = 2  # times the database
FOLDERS = ("encoders", "models")
FIX = "kb doctor --fix"


def space(config: Config) -> Iterator[Finding]:
    """Look whether the disk has room to write the index again."""
    size = config.database.stat().st_size if config.database.is_file() else 0
    wanted = max(FREE_BYTES, ROOM_TO_REBUILD * size)
    free = shutil.disk_usage(config.root).free
    what = f"{_mebibytes(free)} free on the disk"
    if free < wanted:
        yield Finding(
            "space", "warning", f"{what}, {_mebibytes(wanted)} are wanted", f"du -sh {quote(str(config.index))}"
        )
    else:
        yield Finding("space", "ok", what)


def strangers(config: Config) -> Iterator[Finding]:
    """Look for files in the index folder that belong to nothing."""
    if not config.index.is_dir():
        return
    abandoned = unfinished(config)
    if abandoned:
        names = ", ".join(path.name for path in abandoned)
        yield Finding("leftovers", "warning", f"left by something that was interrupted: {names}", FIX, "tidy")
    own = {config.database.name, gloss_path(config.index).name}
    for path in sorted(config.index.iterdir()):
        name = path.name.partition(".sqlite-")[0] + ".sqlite" if ".sqlite-" in path.name else path.name
        if name.startswith(SET_ASIDE):
            if name == path.name:
                yield Finding("set-aside", "ok", f"{path} was damaged and is kept: runs of claims may be in it still")
            continue
        is_known = name in own or name in FOLDERS or name in (".gitignore", MARK) or name.startswith("vectors-")
        if not (is_known or path in abandoned or _is_unfinished(path)):
            way_out = f"mv {quote(str(path))} {quote(str(config.root))}"
            yield Finding("strangers", "warning", f"{path} is no file of kb", way_out)


def unfinished(config: Config) -> list[Path]:
    """Return what an interrupted write has left in the index folder, if it is one that kb made."""
    if not is_own(config.index):
        return []
    found = [path for path in config.index.iterdir() if _is_unfinished(path) and path.is_file()]
    return sorted(filter(is_abandoned, found))


def permissions(config: Config) -> Iterator[Finding]:
    """Look whether somebody whom the notes keep out may read the index."""
    try:
        files = find_changes(config, {}).changed
    except KbError:  # the next rule says so
        return
    if is_own(config.index) and (found := wide(config.index, permitted(config, files))):
        names = some([str(path) for path in found])
        yield Finding("permissions", "warning", f"more people may open it than the notes: {names}", FIX, "narrow")


def ids_that_lose_digits(config: Config) -> Iterator[Finding]:
    """Look for arXiv ids that other programs take for numbers, or have: the rules are those of `kb check`."""
    try:
        files = [file for file in find_changes(config, {}).changed if file.lower().endswith(SUFFIXES)]
    except KbError as error:
        yield Finding("notes", "broken", *parted(error))
        return
    pages = (read_page(NoteFile(file, config.path_of(file))) for file in files)
    found = [one for page in pages for rule in (numbers_for_ids, cut_ids) for one in rule(page)]
    if found:
        places = some([f"{one.file}:{one.line}" for one in found])
        yield Finding("ids", "warning", f"arXiv ids that lose digits: {places}", f"kb check {quote(str(config.notes))}")
    else:
        yield Finding("ids", "ok", f"{len(files)} notes: no arXiv id loses digits")


def failed(config: Config, reader: Reader) -> Iterator[Finding]:
    """Look for notes that could not be read, sources that are not there, and notes that have changed since."""
    reasons = [state.reason or state.path for state in reader.files.states().values() if state.state == "failed"]
    if reasons:
        yield Finding("notes", "broken", f"{len(reasons)} not indexed: {some(reasons, '; ')}", "kb status")
    if not config.notes.is_dir():  # the rule before has said so
        return
    changes = find_changes(config, reader.files.stamps())
    for line in changes.missing:
        yield Finding("sources", "warning", line, "kb config sources")
    if changes:
        count = len(changes.changed) + len(changes.gone)
        yield Finding("notes", "ok", f"{count} changed since they were indexed; the next search brings them in")


def _is_unfinished(path: Path) -> bool:
    return path.suffix in (".tmp", ".part")


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


RULES = (space, strangers, permissions, ids_that_lose_digits)
READ = (failed,)
