"""Conditions on papers, as the tables of the catalogue answer them."""

import sqlite3
from collections.abc import Sequence

from kb.index.query import HAS_KINDS, Filter
from kb.index.sqlite.ledger import having_claim
from kb.index.sqlite.marked import Marks
from kb.notes.ids import id_key


def allowed(db: sqlite3.Connection, marks: Marks, conditions: Sequence[Filter]) -> frozenset[int] | None:
    """Return the keys of the papers that conditions leave; None if there is none."""
    if not conditions:
        return None
    clauses: list[str] = []
    parameters: list[object] = []
    for one in conditions:
        clause, values = marks.having(one.value) if one.name == "is" else _condition(one)
        clauses.append(f"NOT ({clause})" if one.is_excluded else clause)
        parameters.extend(values)
    rows = db.execute(f"SELECT p.key FROM papers p WHERE {' AND '.join(clauses)}", parameters)
    return frozenset(key for (key,) in rows)


def _condition(one: Filter) -> tuple[str, list[object]]:
    if one.name == "month":
        return "coalesce(p.month, '') BETWEEN ? AND ?", list(one.months())
    if one.name == "year":
        return "coalesce(p.year, '') BETWEEN ? AND ?", list(one.years())
    if one.name == "id":
        return "p.key IN (SELECT paper FROM ids WHERE value = ?)", [id_key(one.value)]
    if one.name == "kind":
        return "p.kind = ?", [one.value]
    if one.name == "claim":
        return having_claim(one.value)
    kinds = HAS_KINDS[one.value]
    return " OR ".join("p.link_kinds LIKE ?" for _ in kinds).join("()"), [f"% {kind} %" for kind in kinds]
