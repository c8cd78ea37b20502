"""What an index holds, read from its tables without any code of kb, so that two of them can be compared.

Keys differ between an index made at once and one that grew, so records are named by their ids.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

State = dict[str, list[Any]]
NOTHING: State = {}

_QUERIES = {
    "files": "SELECT path, sha256, state, reason, grammar, unclaimed FROM files",
    "papers": "SELECT id, file, line, end_line, title, short_name, kind, month, year, section, record FROM papers",
    "words": "SELECT p.id, f.title, f.keywords, f.authors, f.venue, f.body, f.gloss FROM papers_fts f"
    " JOIN papers p ON p.key = f.rowid",
    "passages": "SELECT p.id, g.line, g.heading, g.text FROM passages g JOIN papers p ON p.key = g.paper",
    "names": "SELECT p.id, n.name FROM names n JOIN papers p ON p.key = n.paper",
    "ids": "SELECT p.id, i.value FROM ids i JOIN papers p ON p.key = i.paper",
    "variants": "SELECT p.id, v.characters FROM variants v JOIN papers p ON p.key = v.paper",
    "identities": "SELECT p.id, i.kind, i.value FROM identities i JOIN papers p ON p.key = i.paper",
    "works": "SELECT p.id, o.id FROM works w JOIN works v ON v.work = w.work JOIN papers p ON p.key = w.paper"
    " JOIN papers o ON o.key = v.paper",
    "claims": "SELECT file, line, id, record FROM claims",
}
_ALONE = {  # rows that belong to nothing
    "words": "SELECT count(*) FROM papers_fts WHERE rowid NOT IN (SELECT key FROM papers)",
    "passages": "SELECT count(*) FROM passages WHERE paper NOT IN (SELECT key FROM papers)",
    "names": "SELECT count(*) FROM names WHERE paper NOT IN (SELECT key FROM papers)",
    "ids": "SELECT count(*) FROM ids WHERE paper NOT IN (SELECT key FROM papers)",
    "variants": "SELECT count(*) FROM variants WHERE paper NOT IN (SELECT key FROM papers)",
    "works": "SELECT count(*) FROM works WHERE paper NOT IN (SELECT key FROM papers)",
    "texts": "SELECT count(*) FROM passage_texts WHERE passage NOT IN (SELECT key FROM passages)",
    "vectors": "SELECT count(*) FROM passage_texts t WHERE t.text_hash != '' AND NOT EXISTS"
    " (SELECT 1 FROM vectors v WHERE v.encoder = t.encoder AND v.text_hash = t.text_hash)",
}


def state(database: Path) -> State:
    """Return what an index holds; NOTHING if it holds no file, or is not there.

    Raises: AssertionError if it is not whole in itself.
    """
    if not database.is_file():
        return NOTHING
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'claim_runs'").fetchall():
            assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchall(), "half a schema"
            return NOTHING
        for name, sql in _ALONE.items():
            assert db.execute(sql).fetchone() == (0,), f"{name} that belong to nothing"
        found = {name: sorted(db.execute(sql).fetchall(), key=repr) for name, sql in _QUERIES.items()}
    return found if found["files"] else NOTHING


def full_text_is_whole(database: Path) -> bool:
    """Whether the full text agrees with the rows it was made of, as FTS5 itself checks it."""
    with closing(sqlite3.connect(database)) as db:
        try:
            db.execute("INSERT INTO papers_fts(papers_fts) VALUES ('integrity-check')")
        except sqlite3.DatabaseError:
            return False
    return True


def vectors(database: Path, encoder: str) -> dict[str, bytes]:
    """Return the vectors that an encoder made, by the hash of the text."""
    with closing(sqlite3.connect(database)) as db:
        return dict(db.execute("SELECT text_hash, vector FROM vectors WHERE encoder = ?", (encoder,)))
