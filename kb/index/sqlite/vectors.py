"""The embeddings in the index."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from kb.index.sqlite.papers import Papers


class Vectors:
    """The embeddings of one committed state of the index; a vector belongs to a text, and a text to passages."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def encoded(self, encoder: str, text_hashes: Iterable[str]) -> set[str]:
        """Return those of text_hashes that encoder has encoded."""
        rows = self._db.execute(
            "SELECT text_hash FROM vectors WHERE encoder = ? AND text_hash IN (SELECT value FROM json_each(?))",
            (encoder, json.dumps(list(text_hashes))),
        )
        return {value for (value,) in rows}

    def has_any(self, encoder: str) -> bool:
        """Whether encoder has encoded anything."""
        return bool(self._db.execute("SELECT 1 FROM vectors WHERE encoder = ? LIMIT 1", (encoder,)).fetchall())

    def count(self, encoder: str, last: int | None = None) -> int:
        """Return how many vectors of encoder there are, or how many with keys up to the last."""
        where, parameters = ("", (encoder,)) if last is None else (" AND key <= ?", (encoder, last))
        sql = f"SELECT count(*) FROM vectors WHERE encoder = ?{where}"
        return int(self._db.execute(sql, parameters).fetchone()[0])

    def in_order(self, encoder: str, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (key, vector as little-endian float32) of encoder in the order of keys, those after a key only."""
        # Not by the index of texts: the rows lie in the order of their keys.
        yield from self._db.execute(
            "SELECT key, vector FROM vectors NOT INDEXED WHERE key > ? AND encoder = ? ORDER BY key LIMIT ?",
            (after, encoder, -1 if limit is None else limit),
        )

    def of(self, encoder: str, keys: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Yield (key, vector as little-endian float32) of those of keys that encoder still has."""
        yield from self._db.execute(
            "SELECT key, vector FROM vectors NOT INDEXED WHERE key IN (SELECT value FROM json_each(?)) AND encoder = ?",
            (json.dumps(list(keys)), encoder),
        )

    def keys_of(self, encoder: str, papers: Iterable[int], most: int) -> list[int]:
        """Return the keys of what encoder made of papers, each once; of more than `most`, some that are more."""
        rows = self._db.execute(
            # From the papers on, or SQLite passes over every passage that was encoded.
            "SELECT v.key FROM passages g CROSS JOIN passage_texts t ON t.passage = g.key AND t.encoder = ?"
            " JOIN vectors v ON v.encoder = t.encoder AND v.text_hash = t.text_hash"
            " WHERE g.paper IN (SELECT value FROM json_each(?))",
            (encoder, json.dumps(list(papers))),
        )
        keys: set[int] = set()
        for (key,) in rows:
            keys.add(key)
            if len(keys) > most:
                break
        return list(keys)

    def passages(self, keys: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """Return (passage, its paper) wherever the text of each vector stands; one that stands nowhere is left out."""
        found: dict[int, list[tuple[int, int]]] = {}
        rows = self._db.execute(
            "SELECT v.key, g.key, g.paper FROM vectors v JOIN passage_texts t"
            " ON t.encoder = v.encoder AND t.text_hash = v.text_hash JOIN passages g ON g.key = t.passage"
            " WHERE v.key IN (SELECT value FROM json_each(?)) ORDER BY g.key",
            (json.dumps(list(keys)),),
        )
        for key, passage, paper in rows:
            found.setdefault(key, []).append((passage, paper))
        return found

    def last_key(self) -> int:
        """Return the largest key ever given to a vector, whether or not it is still there; 0 if none was."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'").fetchone()
        return int(row[0]) if row else 0

    def series(self) -> str:
        """Return what tells the keys of this database from those of one that lay in its place before."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'vector_series'").fetchone()
        return str(row[0]) if row else ""

    def largest_paper(self) -> int:
        """Return the largest key of a paper, 0 if there is none."""
        return Papers(self._db).largest_key()
