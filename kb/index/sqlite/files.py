"""What the index knows of the files of notes."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class FileState(NamedTuple):
    """What the index knows of one file."""

    path: str
    mtime_ns: int  # when it was changed last; less than 0 if that says nothing: it is read again, see words.remembered
    size: int
    sha256: str
    state: str  # "indexed", "failed", or "glossary" for the file that is one
    reason: str | None  # why it failed, or in which encoding it was read if not in UTF-8
    grammar: str | None
    unclaimed: tuple[tuple[int, int], ...]  # first and last line of each stretch that belongs to no paper


class Files:
    """The files that one committed state of the index was made from."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def states(self, paths: Iterable[str] | None = None) -> dict[str, FileState]:
        """Return the state of every file known, or of those of paths that are, by path."""
        where = "" if paths is None else " WHERE path IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(
            f"SELECT path, mtime_ns, size, sha256, state, reason, grammar, unclaimed FROM files{where} ORDER BY path",
            () if paths is None else (json.dumps(list(paths)),),
        )
        found = {}
        for path, mtime_ns, size, sha256, state, reason, grammar, unclaimed in rows:
            spans = tuple((line, end_line) for line, end_line in json.loads(unclaimed))
            found[path] = FileState(path, mtime_ns, size, sha256, state, reason, grammar, spans)
        return found

    def paths(self) -> list[str]:
        """Return the path of every file known."""
        return [path for (path,) in self._db.execute("SELECT path FROM files")]

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Return (mtime_ns, size) of every file known, by path."""
        rows = self._db.execute("SELECT path, mtime_ns, size FROM files").fetchall()
        return {path: (mtime_ns, size) for path, mtime_ns, size in rows}
