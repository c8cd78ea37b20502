"""Writing the index: one transaction a refresh, so that readers see the old state or the new one, never a mixture."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from kb.errors import IndexBusy
from kb.index.engine import PaperDocument
from kb.index.folder import new_file, own
from kb.index.sqlite import former
from kb.index.sqlite.change import SqliteChange
from kb.index.sqlite.files import FileState
from kb.index.sqlite.former import Lists
from kb.index.sqlite.joining import Touched, rejoin
from kb.index.sqlite.ledger import ClaimRun
from kb.index.sqlite.opening import LATEST_STEP, refusal, steps
from kb.index.sqlite.rows import NoteRows, PaperRows, insert
from kb.sqlite_files import connect

WAIT_SECONDS = 30


class Writer:
    """The one process that may change the index; making one applies the schema's steps."""

    def __init__(self, database: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        self._path = database
        self._touched = Touched()
        try:
            _own_folder(database)
            self._connection = connect(database, timeout=wait_seconds, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.DatabaseError as error:
            raise refusal(error, database) or error from None
        self.engine = SqliteChange(self._connection)
        self._put = partial(insert, self._connection)
        try:
            with self._refusals():
                if LATEST_STEP not in steps(self._connection, database):
                    self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the writer's lock; what happens inside is kept whole or, after an exception, not at all.

        Raises: IndexBusy if another process keeps the lock longer than the wait, or the disk takes no more;
        IndexDamaged.
        """
        with self._refusals():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def remove_files(self, paths: Iterable[str]) -> None:
        """Forget files and everything read from them."""
        for path in paths:
            self._remove_records(path)
            self._connection.execute("DELETE FROM files WHERE path = ?", [path])

    def put_state(self, state: FileState) -> None:
        """Record the state of a file whose papers stay as they are: touched only, or not readable now."""
        self._put("files", [_file_row(state)])

    def put_meta(self, name: str, value: str) -> None:
        """Keep a fact about the index."""
        self._put("meta", [{"name": name, "value": value}])

    def put_notes(self, files: Sequence[tuple[FileState, NoteRows]]) -> None:
        """Replace what is known of files by their new state, papers and claims."""
        before = {state.path: former.bearers(self._connection, state.path) for state, _ in files}
        for state, _ in files:
            self._remove_records(state.path)
        self._put("files", (_file_row(state) for state, _ in files))
        self._put("claims", (claim for _, note in files for claim in note.claims))
        keyed = list(enumerate((rows for _, note in files for rows in note.papers), self._next_key("papers")))
        self._put("papers", ({"key": key, **rows.paper} for key, rows in keyed))
        self._put(
            "passages",
            ({"paper": key, **passage} for key, rows in keyed for passage in rows.passages),
        )
        self._put("names", ({"paper": key, **name} for key, rows in keyed for name in rows.names))
        self.engine.put_papers(PaperDocument(key, rows.full_text, rows.variants) for key, rows in keyed)
        self._put("identities", ({"paper": key, **one} for key, rows in keyed for one in rows.identities))
        self._put("ids", ({"paper": key, **one} for key, rows in keyed for one in rows.ids))
        renamed = (former.renamed(before[state.path], map(_bearer, note.papers)) for state, note in files)
        former.keep(self._connection, {old: new for changes in renamed for old, new in changes.items()})
        for _, rows in keyed:
            self._touched.records.add(rows.paper["id"])
            self._touched.identities.update((one["kind"], one["value"]) for one in rows.identities)

    def join_records(self, same: Lists, different: Lists, is_all: bool) -> None:
        """Say which records are the same paper: of those that this writer has changed or, if is_all, of all.

        same and different hold ids of records that the user joins and parts.
        """
        rejoin(self._connection, None if is_all else self._touched, same, different)
        self._touched = Touched()

    def put_runs(self, runs: Iterable[ClaimRun]) -> None:
        """Keep runs of claims."""
        self._put("claim_runs", (run._asdict() for run in runs))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise refusal(error, self._path) or error from None

    def _migrate(self) -> None:
        """Make the steps of the schema that are pending, all or none; of several processes one makes them."""
        from sqlite_utils import Database

        from kb.index.sqlite.schema import migrations

        with self.transaction():
            migrations.apply(Database(self._connection))

    def _next_key(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT coalesce(max(key), 0) + 1 FROM {table}").fetchone()[0])

    def _remove_records(self, path: str) -> None:
        self._connection.execute("DELETE FROM claims WHERE file = ?", [path])
        papers = self._connection.execute("SELECT key, id FROM papers WHERE file = ?", [path]).fetchall()
        self.engine.remove_papers(key for key, _ in papers)
        for key, record in papers:
            self._touched.records.add(record)
            self._touched.identities.update(
                self._connection.execute("SELECT kind, value FROM identities WHERE paper = ?", [key])
            )
            self._connection.execute("DELETE FROM identities WHERE paper = ?", [key])
            self._connection.execute("DELETE FROM works WHERE paper = ?", [key])
            self._connection.execute("DELETE FROM passages WHERE paper = ?", [key])
            self._connection.execute("DELETE FROM names WHERE paper = ?", [key])
            self._connection.execute("DELETE FROM ids WHERE paper = ?", [key])
        self._connection.execute("DELETE FROM papers WHERE file = ?", [path])


def _own_folder(database: Path) -> None:
    try:
        own(database.parent)
        new_file(database)  # SQLite gives those beside it the same permissions
    except OSError as error:
        raise IndexBusy(f"{database.parent} cannot be written: {error.strerror}") from None


def _bearer(rows: PaperRows) -> former.Bearer:
    identities = frozenset((one["kind"], one["value"]) for one in rows.identities)
    return former.Bearer(rows.paper["id"], rows.paper["line"], identities)


def _file_row(state: FileState) -> dict[str, Any]:
    return {
        "path": state.path,
        "mtime_ns": state.mtime_ns,
        "size": state.size,
        "sha256": state.sha256,
        "state": state.state,
        "reason": state.reason,
        "grammar": state.grammar,
        "unclaimed": json.dumps(state.unclaimed),
    }
