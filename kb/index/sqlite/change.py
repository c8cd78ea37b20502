"""The engine in SQLite and FAISS, to write: terms and vectors, within the transaction that changes the catalogue."""

import sqlite3
from collections.abc import Iterable

from kb.index.engine import PaperDocument, PaperKey, PassageKey
from kb.index.sqlite.rows import insert


class SqliteChange:
    """A kb.index.engine.Change, through the connection that the catalogue is written by."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put_papers(self, papers: Iterable[PaperDocument]) -> None:
        """Take papers in; their keys are new."""
        documents = list(papers)
        insert(self._db, "papers_fts", ({"rowid": one.key, **one.terms} for one in documents))
        varied = ({"paper": one.key, "characters": one.variants} for one in documents if one.variants)
        insert(self._db, "variants", varied)

    def remove_papers(self, keys: Iterable[PaperKey]) -> None:
        """Forget papers."""
        for key in keys:
            self._db.execute("DELETE FROM papers_fts WHERE rowid = ?", [key])
            self._db.execute("DELETE FROM variants WHERE paper = ?", [key])
            self._db.execute(
                "DELETE FROM passage_texts WHERE passage IN (SELECT key FROM passages WHERE paper = ?)", [key]
            )

    def put_passage_texts(self, encoder: str, texts: Iterable[tuple[PassageKey, str]]) -> None:
        """Record the hash of the text that encoder reads for each passage, empty if it can read nothing of it.

        Passages that are gone are passed over.
        """
        self._db.executemany(
            "INSERT OR REPLACE INTO passage_texts (passage, encoder, text_hash)"
            " SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM passages WHERE key = ?1)",
            ((passage, encoder, text_hash) for passage, text_hash in texts),
        )

    def put_vectors(self, encoder: str, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Keep the vectors of texts, little-endian float32, by the hash of the text; one that is there stays.

        Replacing it would give it another key, and what knows it by the old one would not find it.
        """
        self._db.executemany(
            "INSERT OR IGNORE INTO vectors (encoder, text_hash, vector) VALUES (?, ?, ?)",
            ((encoder, text_hash, vector) for text_hash, vector in vectors),
        )

    def remove_unused_vectors(self) -> None:
        """Forget vectors whose text stands in no passage any more."""
        self._db.execute(
            "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passage_texts t"
            " WHERE t.encoder = vectors.encoder AND t.text_hash = vectors.text_hash)"
        )

    def forget_encoder(self, encoder: str) -> None:
        """Forget what encoder has read and its vectors: all is encoded anew."""
        self._db.execute("DELETE FROM passage_texts WHERE encoder = ?", [encoder])
        self._db.execute("DELETE FROM vectors WHERE encoder = ?", [encoder])

    def merge(self) -> None:
        """Make one list of the lists of terms that were written one after the other: lookups take half as long then."""
        self._db.execute("INSERT INTO papers_fts(papers_fts) VALUES ('optimize')")
