"""Passages and their embeddings in the index."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class PassageRow(NamedTuple):
    """A passage of a paper as the index holds it."""

    key: int
    line: int
    heading: str
    text: str


class Passages:
    """The passages of one committed state of the index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, paper: int) -> list[PassageRow]:
        """Return the passages of a paper in order."""
        rows = self._db.execute("SELECT key, line, heading, text FROM passages WHERE paper = ? ORDER BY key", (paper,))
        return [PassageRow(*row) for row in rows]

    def has_any(self) -> bool:
        """Whether there are passages at all."""
        return bool(self._db.execute("SELECT 1 FROM passages LIMIT 1").fetchall())

    def to_encode(self, encoder: str) -> Iterator[tuple[int, str, str]]:
        """Yield (passage, title of its paper, text) of the passages that encoder has not read yet."""
        yield from self._db.execute(
            "SELECT g.key, p.title, g.text FROM passages g JOIN papers p ON p.key = g.paper"
            # Keys first, out of the indexes alone: of a million passages hardly ever more than a few are new.
            " WHERE g.key IN (SELECT key FROM passages n WHERE NOT EXISTS"
            " (SELECT 1 FROM passage_texts t WHERE t.passage = n.key AND t.encoder = ?))",
            (encoder,),
        )


class Vectors:
    """The embeddings of one committed state of the index; a vector belongs to a text, and a text to passages."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def known(self, encoder: str, text_hashes: Iterable[str]) -> list[str]:
        """Return those of text_hashes that encoder has encoded."""
        rows = self._db.execute(
            "SELECT text_hash FROM vectors WHERE encoder = ? AND text_hash IN (SELECT value FROM json_each(?))",
            (encoder, json.dumps(list(text_hashes))),
        )
        return [value for (value,) in rows]

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
            "SELECT v.key FROM passages g JOIN passage_texts t ON t.passage = g.key AND t.encoder = ?"
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
