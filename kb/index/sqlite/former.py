"""Ids that records had: marks.toml and kb.toml may go on to call them so when an id has become another."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Lists = Sequence[Sequence[str]]  # of records' ids, from kb.toml


class Bearer(NamedTuple):
    """A record of a file, as it is told from the others when its id is another."""

    id: str
    line: int
    identities: frozenset[tuple[str, str]]  # (kind, value)


def bearers(db: sqlite3.Connection, file: str) -> list[Bearer]:
    """Return the records of a file."""
    rows = db.execute(
        "SELECT p.id, p.line, i.kind, i.value FROM papers p LEFT JOIN identities i ON i.paper = p.key WHERE p.file = ?",
        [file],
    )
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for record, line, kind, value in rows:
        found.setdefault((record, line), set()).update({(kind, value)} if kind else ())
    return [Bearer(record, line, frozenset(identities)) for (record, line), identities in found.items()]


def renamed(before: Iterable[Bearer], after: Iterable[Bearer]) -> dict[str, str]:
    """Return by former id the id of each record that has another one now.

    It is the one new record that shares an arXiv id, a DOI or a title, else the one that begins in the same line.
    """
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    come = [one for one in new.values() if one.id not in old]
    found: dict[str, str] = {}
    for gone in (one for one in old.values() if one.id not in new):
        alike = [one for one in come if not gone.identities.isdisjoint(one.identities)]
        same_line = [one for one in come if one.line == gone.line]
        if len(alike or same_line) == 1:
            found[gone.id] = (alike or same_line)[0].id
    return found


def keep(db: sqlite3.Connection, changes: Mapping[str, str]) -> None:
    """Remember that records have other ids now; what has an id itself is called by it."""
    pairs = [(now, before) for before, now in changes.items()]
    db.executemany("UPDATE former SET now = ? WHERE now = ?", pairs)
    db.executemany("INSERT OR REPLACE INTO former (now, id) VALUES (?, ?)", pairs)
    db.execute("DELETE FROM former WHERE id = now")


def current(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return those of ids that records have or had, each with the id of the record now."""
    rows = db.execute(
        "SELECT value, coalesce((SELECT id FROM papers WHERE id = value),"
        " (SELECT f.now FROM former f JOIN papers p ON p.id = f.now WHERE f.id = value)) FROM json_each(?)",
        (json.dumps(list(ids)),),
    )
    return {value: now for value, now in rows if now}


def current_lists(db: sqlite3.Connection, lists: Lists) -> list[list[str]]:
    """Return lists of ids with those that records have now; an id that no record had stays."""
    now = current(db, {record for listed in lists for record in listed})
    return [[now.get(record, record) for record in listed] for listed in lists]
