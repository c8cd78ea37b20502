"""The folder of the index is the tool's only where it can prove it: by a mark that it left when it made it.

It lets nobody in whom the notes keep out: what is made of notes is no more open than the least open of them.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK

from kb.config.kb_toml import Config
from kb.errors import IndexBusy, KbError
from kb.files import PREFIX, new_folder, replace_whole

MARK = "CACHEDIR.TAG"  # backups pass such folders over: bford.info/cachedir
CONTENT = """\
Signature: 8a477f597d28d172789f06886806bc55
# kb made this folder, writes in it and removes from it. All of it can be made again but the runs of claims.
"""
# What earlier versions, which left no mark, have written there.
FORMER = ("kb.sqlite", "gloss.", "vectors-", "damaged-", "encoders", "models")
GROUP, OTHERS = 0o070, 0o007
READING, WRITING = 0o044, 0o022


def prepare(config: Config, files: Iterable[str]) -> None:
    """Make the folder of the index, or see that it is the tool's own, before something of files is written there.

    What is there already is narrowed to what the notes permit, and never widened.
    Raises: KbError if it is another's; IndexBusy if it cannot be made.
    """
    mode = permitted(config, files)
    try:
        own(config.index, mode)
    except OSError as error:
        raise IndexBusy(f"{config.index} cannot be written: {error.strerror}") from None
    narrow(config.index, mode)


def own(folder: Path, mode: int = 0o777) -> None:
    """Make the folder of the index, or see that it is the tool's own. Raises: KbError if it is not; OSError."""
    new_folder(folder, mode)
    if not is_own(folder):
        _mark(folder)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        replace_whole(ignored, b"*\n")


def _mark(folder: Path) -> None:
    found = {path.name for path in folder.iterdir()}
    names = {name for name in found if name not in (MARK, ".gitignore") and not name.startswith(PREFIX)}
    is_former = bool(names & {"kb.sqlite", "gloss.sqlite"}) and all(name.startswith(FORMER) for name in names)
    if names and not is_former:
        raise KbError(f"{folder} holds files that kb did not make", "name a new folder as index in kb.toml")
    replace_whole(folder / MARK, CONTENT.encode("utf-8"))


def refuse_links(folder: Path) -> None:
    """Raise KbError if something below folder is a link, a pipe or a device: what is written to it goes elsewhere."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise KbError(f"{path} is a link, or no file, and the index is written only where it lies", "delete it")


def clock_ns(folder: Path) -> int:
    """Return the time, as the file system of the tool's folder has it: the clock of the program may be another."""
    mark = folder / MARK
    try:
        os.utime(mark)
        return mark.stat().st_mtime_ns
    except OSError:
        return time.time_ns()


def is_own(folder: Path) -> bool:
    """Whether the folder bears the tool's mark."""
    try:
        return (folder / MARK).read_bytes() == CONTENT.encode()
    except OSError:
        return False


def permitted(config: Config, files: Iterable[str]) -> int:
    """Return the permissions that a folder made of notes may have; a file made of them has those but for execution.

    Nobody may read it who may not read each of files, as the index names them, and each folder they lie in; who may
    write is said by the folders alone, so that one note does not shut a team out of its index.
    Example: notes of mode 640 in a folder of mode 2775 -> 0o770.
    """
    notes = str(config.notes)
    sources = {source.name: str(source.folder) for source in config.sources}
    paths = {notes, *sources.values()}
    for file in files:
        name, _, below = file.partition("/")
        path = f"{sources[name]}/{below}" if name in sources else f"{notes}/{file}"
        while path not in paths:
            paths.add(path)
            path = path.rpartition("/")[0]
    mode = 0o777
    for path in paths:
        try:
            now = os.stat(path).st_mode
        except (OSError, ValueError):
            continue
        given = now if S_ISDIR(now) else _as_folder(now)
        if mode & ~given and os.access(path, os.R_OK):  # what cannot be read is in nothing that is made
            mode &= given
    for people in (GROUP, OTHERS):
        if not mode & people & READING:
            mode &= ~people
    return mode | 0o700


def _as_folder(mode: int) -> int:
    return mode & READING | (mode & READING) >> 2 | WRITING


def narrow(folder: Path, mode: int = 0o777) -> None:
    """Take from a folder of the tool what mode does not give, and from all that lies in it what the folder does not."""
    with suppress(OSError):
        mode &= S_IMODE(folder.stat().st_mode)
    for path in wide(folder, mode):
        with suppress(OSError):  # another person's, or gone by now
            path.chmod(S_IMODE(path.stat().st_mode) & (mode | 0o7700))


def wide(folder: Path, mode: int) -> list[Path]:
    """Return what of a folder, itself included, group or others may do more with than mode gives."""
    found = [folder] if _is_wide(folder, mode) else []
    for place, folders, files in os.walk(folder):
        found += [path for name in (*folders, *files) if _is_wide(path := Path(place, name), mode)]
    return found


def _is_wide(path: Path, mode: int) -> bool:
    try:
        now = path.lstat().st_mode
    except OSError:
        return False
    return not S_ISLNK(now) and bool(now & (GROUP | OTHERS) & ~mode)


def new_file(path: Path) -> None:
    """Make an empty file, no more open than its folder, for others to write into; one that is there stays.

    Raises: OSError.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, path.parent.stat().st_mode & 0o666))
