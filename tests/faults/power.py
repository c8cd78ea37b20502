"""What a power cut may leave of files, worked out from the calls that wrote them.

Until a file is synchronized it may hold what it held before, nothing, a half or zeros; until its folder is, a name that
was made, moved or removed may be so or as before, whatever happened to other names. Nothing of SQLite's own is asked.
"""

import random
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from kb.files import PREFIX

MOST = 6  # changes of names of which each combination is tried; of more, some are
TRIED = 64
Files = dict[str, bytes]  # by path


def after_cuts(place: Path, do: Callable[[], bytes]) -> tuple[int, list[str]]:
    """Do what writes below place and returns the log of its calls; return how many states there may be, and the faults.

    At each call a file is the old one or the new; once all is done it is the new, but for what the index makes again.
    """
    disk, old = Disk(place), _held(place)
    log = do()
    new = _held(place)
    states, found = 0, {}
    for call in (*calls(log), None):
        if call:
            disk.do(call)
        for left in disk.left():
            states += 1
            for path in {*old, *new, *filter(_is_kept, left)}:
                held = left.get(path)
                if held not in (old.get(path), new.get(path)):
                    found[f"lost: {path} holds {held!r:.60}"] = None
                if call is None and held != new.get(path) and not _is_remade(path):
                    found[f"wrong: {path} was said to be written and holds {held!r:.60}"] = None
    return states, list(found)


def _held(place: Path) -> Files:
    paths = (str(path) for path in place.rglob("*") if path.is_file())
    return {path: Path(path).read_bytes() for path in filter(_is_kept, paths)}


def _is_kept(path: str) -> bool:
    """Whether a file is to outlive a power cut: none that is being written, and none that SQLite looks after."""
    name = Path(path).name
    return not name.startswith((PREFIX, "kb.sqlite", "damaged-")) and ".tmp" not in name


def _is_remade(path: str) -> bool:
    """Whether a file is made again where it is missing."""
    return Path(path).name == "gloss.sqlite" or path.endswith(".faiss")


class Call(NamedTuple):
    """One call, as shim.c wrote it down."""

    kind: str
    is_folder: bool
    file: int  # its inode
    path: str
    other: str  # where it was moved
    content: bytes  # of the file, afterwards


class _Change(NamedTuple):
    """A change of a name that is not on the disk yet."""

    folder: str  # that has to be synchronized for it
    name: str
    file: int | None  # None: removed
    gone: str = ""  # the name it had before


def calls(log: bytes) -> Iterator[Call]:
    """Yield the calls of a log."""
    at = 0
    while at < len(log):
        end = log.index(b"\n", at)
        kind, is_folder, file, *sizes = log[at:end].split()
        texts = []
        at = end + 1
        for size in map(int, sizes):
            texts.append(log[at : at + size])
            at += size
        yield Call(kind.decode(), is_folder == b"1", int(file), texts[0].decode(), texts[1].decode(), texts[2])


class Disk:
    """The files below a folder: what programs see, and what is on the disk for sure."""

    def __init__(self, place: Path) -> None:
        found = {str(path): path.stat().st_ino for path in place.rglob("*")}
        self._names = found  # on the disk
        self._held = {
            file: Path(name).read_bytes() if Path(name).is_file() else b"" for name, file in self._names.items()
        }
        self._now = dict(self._held)
        self._folders = {file for name, file in found.items() if Path(name).is_dir()} | {place.stat().st_ino}
        self._changes: list[_Change] = []
        self._chance = random.Random(7)

    def do(self, call: Call) -> None:
        """Take in what a call did."""
        folder, _, _ = (call.other or call.path).rpartition("/")
        if call.is_folder:
            self._folders.add(call.file)
        if call.kind in "ow":
            self._now[call.file] = call.content
            self._held.setdefault(call.file, b"")
        if call.kind == "s" and call.is_folder:
            self._synchronize(call.path)
        elif call.kind == "s":
            self._held[call.file] = self._now[call.file] = call.content
        elif call.kind == "r":
            self._changes.append(_Change(folder, call.other, call.file, call.path))
        elif call.kind == "u":
            self._changes.append(_Change(folder, call.path, None))
        elif call.kind in "lm" or (call.kind == "o" and self._seen().get(call.path) != call.file):
            self._changes.append(_Change(folder, call.path, call.file))

    def left(self) -> Iterator[Files]:
        """Yield what may lie there after a power cut now."""
        for chosen in self._choices():
            names = _changed(self._names, chosen)
            for held in self._contents({file for file in names.values() if file not in self._folders}):
                yield {name: held[file] for name, file in names.items() if file in held and self._is_there(name, names)}

    def _is_there(self, name: str, names: dict[str, int]) -> bool:
        """Whether all folders above a name are there that were made since."""
        return all(change.name in names for change in self._changes if name.startswith(f"{change.name}/"))

    def _seen(self) -> dict[str, int]:
        return _changed(self._names, self._changes)

    def _synchronize(self, folder: str) -> None:
        ready = [change for change in self._changes if change.folder == folder]
        self._names = _changed(self._names, ready)
        self._changes = [change for change in self._changes if change.folder != folder]

    def _choices(self) -> Iterator[list[_Change]]:
        count = len(self._changes)
        if count <= MOST:
            picks = list(product((False, True), repeat=count))
        else:
            picks = [tuple(self._chance.random() < 0.5 for _ in range(count)) for _ in range(TRIED)]
            picks += [(False,) * count, (True,) * count]
        for pick in picks:
            yield [change for change, is_there in zip(self._changes, pick, strict=True) if is_there]

    def _contents(self, files: set[int]) -> Iterator[dict[int, bytes]]:
        """Yield what files may hold; how one was hit says nothing of another, but each in turn is enough to look at."""
        sure = {file: self._held[file] for file in files}
        yield sure
        for file in files:
            now = self._now[file]
            if now != self._held[file]:
                for content in (now, b"", now[: len(now) // 2], bytes(len(now))):
                    yield {**sure, file: content}


def _changed(names: dict[str, int], changes: list[_Change]) -> dict[str, int]:
    """Return names after changes; what lies in a folder goes with it."""
    names = dict(names)
    for change in changes:
        if change.gone:
            for name in [name for name in names if name == change.gone or name.startswith(f"{change.gone}/")]:
                names[change.name + name[len(change.gone) :]] = names.pop(name)
        if change.file is None:
            names.pop(change.name, None)
        else:
            names[change.name] = change.file
    return names
