"""What a reader's marks go by: everything the records of one paper are known by, and the star of a note."""

import json
import sqlite3
from collections.abc import Callable, Iterable

from kb.notes.marked import Known

FORMER = "former"  # an id that the record had
ORDER = ("arxiv", "doi", "openreview", "acl", "title", "id", FORMER)  # what outlives most changes of notes comes first

_SHOWN = (
    "WITH shown AS (SELECT value AS key FROM json_each(?)),"
    " records AS (SELECT key AS shown, key AS paper FROM shown UNION SELECT w.paper, o.paper"
    " FROM works w JOIN works o ON o.work = w.work WHERE w.paper IN (SELECT key FROM shown))"
)

# Looking for the text first is ten times as fast as reading every record.
_STARRED = """(instr(p.record, '"is_starred":true') AND json_extract(p.record, '$.is_starred'))"""


class Marks:
    """What the reader has marked, seen through one committed state of the index."""

    def __init__(self, db: sqlite3.Connection, named: Callable[[str], Iterable[str]]) -> None:
        """Take what gives the names of the papers marked as "starred" or "read"; a query asks for it."""
        self._db = db
        self._named = named

    def known_as(self, keys: Iterable[int]) -> dict[int, Known]:
        """Return by key what the papers that keys are records of are known by, and whether a note stars them."""
        rows = self._db.execute(
            f"{_SHOWN} SELECT r.shown, i.kind, i.value FROM records r JOIN identities i ON i.paper = r.paper"
            " UNION SELECT r.shown, 'id', p.id FROM records r JOIN papers p ON p.key = r.paper"
            " UNION SELECT r.shown, 'former', f.id FROM records r JOIN papers p ON p.key = r.paper"
            " JOIN former f ON f.now = p.id",
            (json.dumps(list(keys)),),
        )
        names: dict[int, list[tuple[int, str]]] = {}
        for key, kind, value in rows:
            names.setdefault(key, []).append((ORDER.index(kind), f"{'id' if kind == FORMER else kind}:{value}"))
        starred = self.starred(names)
        return {key: Known(tuple(name for _, name in sorted(found)), key in starred) for key, found in names.items()}

    def starred(self, keys: Iterable[int]) -> set[int]:
        """Return those of keys of whose papers a note bears a star."""
        rows = self._db.execute(
            f"{_SHOWN} SELECT r.shown FROM records r JOIN papers p ON p.key = r.paper WHERE {_STARRED}",
            (json.dumps(list(keys)),),
        )
        return {key for (key,) in rows}

    def having(self, what: str) -> tuple[str, list[object]]:
        """Return a condition on papers p, and its values: they are "starred", "read" or "unread".

        A star in one of a paper's notes counts as well.
        """
        if what == "unread":
            clause, values = self.having("read")
            return f"NOT ({clause})", values
        pairs = [name.partition(":")[::2] for name in self._named(what)]
        of_notes = f" UNION SELECT p.key FROM papers p WHERE {_STARRED}" if what == "starred" else ""
        condition = (
            "p.key IN (WITH listed AS (SELECT json_extract(value, '$[0]') AS kind, json_extract(value, '$[1]') AS value"
            " FROM json_each(?)), marked AS (SELECT i.paper FROM listed l"
            " JOIN identities i ON i.kind = l.kind AND i.value = l.value"
            " UNION SELECT o.key FROM listed l JOIN papers o ON l.kind = 'id' AND o.id = l.value"
            " UNION SELECT o.key FROM listed l JOIN former f ON l.kind = 'id' AND f.id = l.value"
            f" JOIN papers o ON o.id = f.now{of_notes})"
            " SELECT paper FROM marked UNION SELECT o.paper FROM works w JOIN works o ON o.work = w.work"
            " WHERE w.paper IN (SELECT paper FROM marked))"
        )
        return condition, [json.dumps(pairs)]
