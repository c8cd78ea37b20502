"""Opening the index to read it: one committed state, of a version known here, maybe on a full or read-only disk.

Also what an error of SQLite means to a person.
"""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from kb.errors import IndexBusy, IndexDamaged, IndexMissing, IndexNewer, IndexOld, KbError
from kb.sqlite_files import connect

LATEST_STEP = "0014_rest"
WAIT_SECONDS = 10
_FAULTS_OF_OURS = ("no such ", "syntax error", "fts5: ", "already exists")  # a bug, which keeps its traceback
_NOT_UTF_8 = "Could not decode to UTF-8"  # goes on with the text


def open_committed(database: Path) -> sqlite3.Connection:
    """Return a connection that sees one committed state until its transaction ends: what others write, it does not.

    Raises: IndexMissing if there is none; IndexOld, IndexNewer or IndexDamaged if it is not one of this version.
    """
    if not database.is_file():
        raise IndexMissing(f"no index at {database}", "run: kb index")
    try:
        return _begin(connect(database, timeout=WAIT_SECONDS, isolation_level=None), database)
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or _is_waiting(database):
            raise refusal(error, database) or error from None
    except sqlite3.DatabaseError as error:
        raise refusal(error, database) or error from None
    try:
        # SQLite writes beside the index to share it. On a full or read-only disk it cannot; but then nobody writes.
        address = f"file:{quote(os.fsencode(database))}?immutable=1"
        return _begin(connect(address, uri=True, isolation_level=None), database)
    except sqlite3.DatabaseError as error:
        raise refusal(error, database) or error from None


def steps(connection: sqlite3.Connection, database: Path) -> set[str]:
    """Return the steps of the schema that an index has made; none if it is empty.

    Raises: IndexNewer if one of them is not known here.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables:
        if tables:
            raise IndexDamaged(f"{database} is not an index of kb", "run: kb index --full")
        return set()
    made = {name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations")}
    if made and max(made) > LATEST_STEP:
        raise IndexNewer(
            f"{database} was made by a newer version of kb", "install that, or delete it and run: kb index"
        )
    return made


def refusal(error: sqlite3.DatabaseError, database: Path) -> KbError | None:
    """Return what an error of SQLite means to a person; None if it is a bug."""
    if type(error) is sqlite3.DatabaseError or _NOT_UTF_8 in str(error):
        what = _NOT_UTF_8 if _NOT_UTF_8 in str(error) else " ".join(str(error).split())
        return IndexDamaged(f"{database} is damaged ({what})", "run: kb index --full")
    if not isinstance(error, sqlite3.OperationalError) or any(part in str(error) for part in _FAULTS_OF_OURS):
        return None
    if "locked" in str(error):
        return IndexBusy(f"another kb is writing {database}", "try again when it is done")
    return IndexBusy(f"{database} cannot be used now: {error}", "see to disk and permissions")


def storable(text: str) -> str:
    """Return text as SQLite takes it: half characters, which a terminal may hand over, stand in no note."""
    return text.encode("utf-8", "replace").decode()


def _begin(connection: sqlite3.Connection, database: Path) -> sqlite3.Connection:
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        if LATEST_STEP not in steps(connection, database):
            raise IndexOld(f"{database} was made by an older version, or not to its end", "run: kb index")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_waiting(database: Path) -> bool:
    """Whether something that was written lies beside the index still, to be taken in."""
    log = database.with_name(f"{database.name}-wal")
    return log.is_file() and log.stat().st_size > 0
