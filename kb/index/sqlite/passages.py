"""Passages in the index."""

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

    def of(self, paper: int, most: int = -1) -> list[PassageRow]:
        """Return the passages of a paper in order; at most `most`, if that is not negative."""
        sql = "SELECT key, line, heading, text FROM passages WHERE paper = ? ORDER BY key LIMIT ?"
        rows = self._db.execute(sql, (paper, most))
        return [PassageRow(*row) for row in rows]

    def has_any(self) -> bool:
        """Whether there are passages at all."""
        return bool(self._db.execute("SELECT 1 FROM passages LIMIT 1").fetchall())

    def unread(self, encoder: str, papers: Iterable[int]) -> frozenset[int]:
        """Return those of papers that encoder has a vector of no passage of."""
        wanted = list(papers)
        rows = self._db.execute(
            # From the papers on, or SQLite passes over every passage that was encoded.
            "SELECT DISTINCT g.paper FROM passages g CROSS JOIN passage_texts t ON t.passage = g.key AND t.encoder = ?"
            " WHERE t.text_hash != '' AND g.paper IN (SELECT value FROM json_each(?))",
            (encoder, json.dumps(wanted)),
        )
        return frozenset(wanted).difference(key for (key,) in rows)

    def encoded(self, encoder: str, keys: Iterable[int]) -> Iterator[tuple[str, bytes, str, str]]:
        """Yield (hash of the text, vector, title of its paper, text of a passage) of the vectors of keys."""
        yield from self._db.execute(
            "SELECT v.text_hash, v.vector, p.title, g.text FROM vectors v"
            " JOIN passage_texts t ON t.encoder = v.encoder AND t.text_hash = v.text_hash"
            " JOIN passages g ON g.key = t.passage JOIN papers p ON p.key = g.paper"
            " WHERE v.encoder = ? AND v.key IN (SELECT value FROM json_each(?)) GROUP BY v.key",
            (encoder, json.dumps(list(keys))),
        )

    def to_encode(self, encoder: str) -> Iterator[tuple[int, str, str]]:
        """Yield (passage, title of its paper, text) of the passages that encoder has not read yet."""
        yield from self._db.execute(
            "SELECT g.key, p.title, g.text FROM passages g JOIN papers p ON p.key = g.paper"
            # Keys first, out of the indexes alone: of a million passages hardly ever more than a few are new.
            " WHERE g.key IN (SELECT key FROM passages n WHERE NOT EXISTS"
            " (SELECT 1 FROM passage_texts t WHERE t.passage = n.key AND t.encoder = ?))",
            (encoder,),
        )
