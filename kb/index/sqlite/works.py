"""Which records are one paper, as the index has joined them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from kb.index.sqlite.papers import READING_ORDER

MOST_LOOKED_UP = 1000  # papers whose works are looked up one by one; of more, all works are read


class Place(NamedTuple):
    """Where another note of a paper stands."""

    id: str
    month: str | None
    file: str
    line: int


class Works:
    """The papers of one committed state of the index, each with all its records."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, keys: Sequence[int]) -> dict[int, int]:
        """Return a number of the paper of each of keys: records of one paper have the same."""
        where = "" if len(keys) > MOST_LOOKED_UP else " WHERE paper IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(f"SELECT paper, work FROM works{where}", (json.dumps(list(keys)),) if where else ())
        joined = dict(rows)
        return {key: joined.get(key, -key) for key in keys}

    def notes_of(self, key: int) -> list[int]:
        """Return the keys of all records of the paper that key is a record of, newest month first."""
        rows = self._db.execute(
            "SELECT p.key FROM works w JOIN works o ON o.work = w.work JOIN papers p ON p.key = o.paper"
            f" WHERE w.paper = ? ORDER BY {READING_ORDER}",
            (key,),
        )
        return [other for (other,) in rows] or [key]

    def are_one(self, keys: Sequence[int]) -> bool:
        """Whether keys, one at least, are all records of one paper."""
        return len(keys) == 1 or set(keys) <= set(self.notes_of(keys[0]))

    def other_notes(self, keys: Sequence[int], allowed: frozenset[int] | None) -> dict[int, tuple[Place, ...]]:
        """Return where else the papers of keys are written about, newest month first; only records that are allowed."""
        rows = self._db.execute(
            "SELECT w.paper, p.key, p.id, p.month, p.file, p.line FROM works w"
            " JOIN works o ON o.work = w.work AND o.paper != w.paper JOIN papers p ON p.key = o.paper"
            f" WHERE w.paper IN (SELECT value FROM json_each(?)) ORDER BY {READING_ORDER}",
            (json.dumps(list(keys)),),
        )
        found: dict[int, tuple[Place, ...]] = {}
        for key, other, *place in rows:
            if allowed is None or other in allowed:
                found[key] = (*found.get(key, ()), Place(*place))
        return found
