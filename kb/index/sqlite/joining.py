"""Keeping the table of works right: what changed, and all it may reach, is joined anew."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from kb.index.sqlite import former
from kb.index.sqlite.former import Lists
from kb.notes.same_paper import works


@dataclass
class Touched:
    """What came or went: the ids of records, and what they were or are known by."""

    records: set[str] = field(default_factory=set)
    identities: set[tuple[str, str]] = field(default_factory=set)  # (kind, value)


def rejoin(db: sqlite3.Connection, touched: Touched | None, same: Lists, different: Lists) -> None:
    """Bring the table of works up to date after what was touched, or make it anew if touched is None."""
    same, different = former.current_lists(db, same), former.current_lists(db, different)
    papers = _all_papers(db) if touched is None else _reachable(db, touched, same)
    chosen = (json.dumps(sorted(papers)),)
    keys = dict(
        db.execute("SELECT id, key FROM papers WHERE key IN (SELECT value FROM json_each(?))", chosen).fetchall()
    )
    identities = db.execute(
        "SELECT i.kind, i.value, p.id FROM identities i JOIN papers p ON p.key = i.paper"
        " WHERE i.paper IN (SELECT value FROM json_each(?))",
        chosen,
    )
    there = [[record for record in listed if record in keys] for listed in same]
    found = works(identities, there, different)
    db.execute("DELETE FROM works WHERE paper IN (SELECT value FROM json_each(?))", chosen)
    db.executemany(
        "INSERT INTO works (paper, work) VALUES (?, ?)",
        ((keys[record], keys[records[0]]) for records in found for record in records),
    )


def _reachable(db: sqlite3.Connection, touched: Touched, same: Lists) -> set[int]:
    """Return the papers that can be reached from what was touched, from one to the next that shares something."""
    found: set[int] = set()
    seen: set[tuple[str, str]] = set()
    identities, records = set(touched.identities), set(touched.records)
    while identities or records:
        listed = {record for one in same if not records.isdisjoint(one) for record in one}
        papers = set(_keys(db, listed).values()) | _bearers(db, identities)
        seen |= identities
        new = json.dumps(sorted(papers - found))
        found |= papers
        identities = {
            (kind, value)
            for kind, value in db.execute(
                "SELECT DISTINCT kind, value FROM identities WHERE paper IN (SELECT value FROM json_each(?))", (new,)
            )
        } - seen
        records = {
            record
            for (record,) in db.execute("SELECT id FROM papers WHERE key IN (SELECT value FROM json_each(?))", (new,))
        }
    return found


def _all_papers(db: sqlite3.Connection) -> set[int]:
    return {key for (key,) in db.execute("SELECT key FROM papers")}


def _bearers(db: sqlite3.Connection, identities: Iterable[tuple[str, str]]) -> set[int]:
    rows = db.execute(
        "SELECT i.paper FROM json_each(?) AS j JOIN identities i"
        " ON i.kind = json_extract(j.value, '$[0]') AND i.value = json_extract(j.value, '$[1]')",
        (json.dumps(sorted(identities)),),
    )
    return {paper for (paper,) in rows}


def _keys(db: sqlite3.Connection, records: Iterable[str]) -> dict[str, int]:
    """Return the keys of those of records that are there."""
    rows = db.execute(
        "SELECT id, key FROM papers WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(records)),)
    )
    return dict(rows.fetchall())
