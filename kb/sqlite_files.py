"""Opening files of SQLite that may be damaged, or a stranger's."""

import sqlite3
from pathlib import Path
from sqlite3 import Connection, DatabaseError, Error, OperationalError
from typing import Any

__all__ = [
    "JOURNAL",
    "Connection",
    "DatabaseError",
    "Error",
    "OperationalError",
    "connect",
    "names_a_file",
    "read_schema",
]
JOURNAL = "-journal"  # what the name of a database goes on with
_MAGIC = bytes.fromhex("d9d505f920a163d7")  # what a journal begins with, and ends with after the name of another file


def connect(address: Path | str, **options: Any) -> Connection:
    """Return sqlite3.connect(address, **options), once the schema has been read.

    Raises: sqlite3.DatabaseError; also where SQLite's complaint quotes text of the file that Python cannot read.
    """
    connection: Connection = sqlite3.connect(address, **options)
    try:
        read_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def read_schema(connection: Connection) -> None:
    """Read the schema of a database that was opened, and keep what SQLite sorts by in memory, in no file elsewhere.

    Raises: sqlite3.DatabaseError; also where SQLite's complaint quotes text of the file that Python cannot read.
    """
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except UnicodeDecodeError:
        raise DatabaseError("malformed database schema") from None


def names_a_file(journal: Path) -> bool:
    """Whether a journal ends with the name of another file: SQLite deletes that, whatever it is, with the journal.

    Journals of a transaction over several databases do so, which neither kb nor Zotero makes. Raises: OSError.
    """
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - len(_MAGIC)))
        return file.read() == _MAGIC
