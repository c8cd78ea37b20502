"""Whether the index is whole, and what in it belongs to nothing any more."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from kb.errors import IndexBusy
from kb.sqlite_files import JOURNAL, connect

WAIT_SECONDS = 5
MOST_TOLD = 3  # lines of what SQLite says of damage
OF_THIS_MOMENT = ("locked", "busy", "readonly", "unable to open", "I/O error", "is full", "out of memory")
SET_ASIDE = "damaged-"  # begins the name of an index that was damaged

TABLES = (
    *("files", "papers", "passages", "passage_texts", "vectors", "meta", "names", "ids", "identities", "works"),
    *("claims", "claim_runs", "variants", "papers_fts", "papers_fts_data", "papers_fts_idx", "papers_fts_docsize"),
    "papers_fts_content",
)
_WITHOUT = {  # rows that belong to rows which are gone
    "passages without a paper": "passages WHERE paper NOT IN (SELECT key FROM papers)",
    "texts without a passage": "passage_texts WHERE passage NOT IN (SELECT key FROM passages)",
    "vectors without a passage": (
        "vectors AS v WHERE NOT EXISTS"
        " (SELECT 1 FROM passage_texts t WHERE t.encoder = v.encoder AND t.text_hash = v.text_hash)"
    ),
    "names without a paper": "names WHERE paper NOT IN (SELECT key FROM papers)",
    "ids without a paper": "ids WHERE paper NOT IN (SELECT key FROM papers)",
    "variants without a paper": "variants WHERE paper NOT IN (SELECT key FROM papers)",
    "identities without a paper": "identities WHERE paper NOT IN (SELECT key FROM papers)",
    "works without a paper": "works WHERE paper NOT IN (SELECT key FROM papers)",
    "claims without a file": "claims WHERE file NOT IN (SELECT path FROM files)",
}
_UNFOUND = "SELECT count(*) FROM papers WHERE key NOT IN (SELECT id FROM papers_fts_docsize)"


class Damage(NamedTuple):
    """What is wrong with the bytes of the index; empty texts if nothing is."""

    tables: str
    terms: str  # of the full text alone, which can be made again from the tables


def damage(database: Path) -> Damage:
    """Return what SQLite finds wrong in the tables and, if nothing, in the full text.

    Raises: IndexBusy if another process writes the index, or it cannot be written: the full text is checked by a write
    that changes nothing.
    """
    try:
        with _opened(database) as db:
            lines = [line for (line,) in db.execute(f"PRAGMA integrity_check({MOST_TOLD})")]
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            if lines != ["ok"]:
                return Damage(" ".join(" ".join(lines).split()), "")
            if missing := [name for name in TABLES if name not in tables]:
                return Damage(f"no table {', '.join(missing)}", "")
            return Damage("", _damage_of_terms(db, database))
    except sqlite3.DatabaseError as error:
        _raise_busy(error, database)
        return Damage(" ".join(str(error).split()), "")


def _damage_of_terms(db: sqlite3.Connection, database: Path) -> str:
    try:
        db.execute("INSERT INTO papers_fts(papers_fts) VALUES ('integrity-check')")
        unfound = int(db.execute(_UNFOUND).fetchone()[0])
    except sqlite3.DatabaseError as error:
        _raise_busy(error, database)
        return str(error)
    return f"{unfound} papers are not in it" if unfound else ""


def leftovers(database: Path) -> dict[str, int]:
    """Return how many rows of each kind belong to nothing: {"vectors without a passage": 3}."""
    with _opened(database) as db:
        counts = {what: db.execute(f"SELECT count(*) FROM {rows}").fetchone()[0] for what, rows in _WITHOUT.items()}
    return {what: count for what, count in counts.items() if count}


def remove_leftovers(database: Path) -> None:
    """Forget the rows that belong to nothing."""
    with _opened(database) as db:
        db.execute("BEGIN IMMEDIATE")
        for rows in _WITHOUT.values():
            db.execute(f"DELETE FROM {rows}")
        db.execute("COMMIT")


def rebuild_terms(database: Path) -> None:
    """Make the full text again from its own table of texts."""
    with _opened(database) as db:
        db.execute("INSERT INTO papers_fts(papers_fts) VALUES ('rebuild')")


def set_aside(database: Path) -> Path:
    """Give a damaged index another name and return it: it may hold what nobody can make again, the runs of claims."""
    aside = database.with_name(f"{SET_ASIDE}{time.strftime('%Y%m%d-%H%M%S')}.sqlite")
    for suffix in ("-wal", "-shm", JOURNAL):  # first: SQLite removes them where the index itself is gone
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(f"{aside}{suffix}")
    database.rename(aside)
    return aside


def term_lists(database: Path) -> int:
    """Return how many lists of terms a look-up has to go through."""
    with _opened(database) as db:
        return int(db.execute("SELECT count(DISTINCT segid) FROM papers_fts_idx").fetchone()[0])


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(database, timeout=WAIT_SECONDS, isolation_level=None)) as db:
        try:
            yield db
        except sqlite3.OperationalError as error:
            _raise_busy(error, database)
            raise


def _raise_busy(error: sqlite3.DatabaseError, database: Path) -> None:
    """Raise an error of this moment, that another process writes, nobody may or the disk is full, as such."""
    if any(words in str(error) for words in OF_THIS_MOMENT):
        raise IndexBusy(f"{database} cannot be checked or mended now ({error})", "try again") from None
