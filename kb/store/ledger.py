"""Claims and their runs as the index holds them, and the one definition of the state a claim is in."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from kb.references import code_of


class ClaimRun(NamedTuple):
    """One run of a claim."""

    claim: str
    fingerprint: str  # of what the note said then
    code: str  # fingerprint of the reference implementation then
    state: str
    reason: str | None
    figures: str  # JSON [[name, says, computed, agrees], …]
    date: str  # UTC, "2024-11-30T12:00:00Z"
    version: str  # of this program
    device: str
    seconds: float


class ClaimRow(NamedTuple):
    """A claim and its last run."""

    id: str
    file: str
    line: int
    paper: str | None
    month: str | None
    run: str
    fingerprint: str
    record: str  # the Claim as JSON
    problem: str | None
    first: str | None  # "file:line" of the claim whose id this one bears again
    state: str
    last: ClaimRun | None


_FIRST = (
    "(SELECT d.file || ':' || d.line FROM claims d WHERE d.id = c.id AND (d.file, d.line) < (c.file, c.line)"
    " ORDER BY d.file, d.line LIMIT 1)"
)
_STATE = (
    f"CASE WHEN c.problem IS NOT NULL OR {_FIRST} IS NOT NULL THEN 'not-runnable'"
    " WHEN r.key IS NULL OR r.fingerprint != c.fingerprint OR r.code != code_of(c.run) THEN 'stale'"
    " ELSE r.state END"
)
_WITH_LAST_RUN = "claims c LEFT JOIN claim_runs r ON r.key = (SELECT max(key) FROM claim_runs WHERE claim = c.id)"
_COLUMNS = ", ".join(f"c.{name}" for name in ClaimRow._fields[:9])
_RUN_COLUMNS = ", ".join(ClaimRun._fields)


def prepare(db: sqlite3.Connection) -> None:
    """Teach a connection what the state of a claim is told from."""
    db.create_function("code_of", 1, code_of)


def claim_rows(db: sqlite3.Connection, where: str = "", parameters: Iterable[object] = ()) -> list[ClaimRow]:
    """Return the claims that a condition on c leaves, in the order of the notes, newest month first."""
    run_columns = ", ".join(f"r.{name}" for name in ClaimRun._fields)
    rows = db.execute(
        f"SELECT {_COLUMNS}, {_FIRST}, {_STATE}, {run_columns} FROM {_WITH_LAST_RUN}{where and f' WHERE {where}'}"
        " ORDER BY c.month IS NULL, c.month DESC, c.file, c.line",
        tuple(parameters),
    )
    split = len(ClaimRow._fields) - 1
    return [ClaimRow._make((*row[:split], ClaimRun(*row[split:]) if row[split] else None)) for row in rows]


def runs_of(db: sqlite3.Connection, claim: str) -> list[ClaimRun]:
    """Return every run of a claim, the newest first."""
    rows = db.execute(f"SELECT {_RUN_COLUMNS} FROM claim_runs WHERE claim = ? ORDER BY key DESC", (claim,))
    return [ClaimRun(*row) for row in rows]


def state_counts(db: sqlite3.Connection, papers: str) -> list[tuple[str, str, int]]:
    """Return (paper, state, claims) of those of papers, ids as a JSON list, that have claims."""
    return db.execute(
        f"SELECT c.paper, {_STATE} AS state, count(*) FROM {_WITH_LAST_RUN}"
        " WHERE c.paper IN (SELECT value FROM json_each(?)) GROUP BY c.paper, state",
        (papers,),
    ).fetchall()


def having_claim(state: str) -> tuple[str, list[object]]:
    """Return the condition on a paper p that it has a claim in a state, or "any", with the values to bind."""
    if state == "any":
        return "EXISTS (SELECT 1 FROM claims c WHERE c.paper = p.id)", []
    return f"EXISTS (SELECT 1 FROM {_WITH_LAST_RUN} WHERE c.paper = p.id AND {_STATE} = ?)", [state]
