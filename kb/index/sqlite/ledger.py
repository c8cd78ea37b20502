"""Claims and their runs as the index holds them, and the one definition of the state a claim is in."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import NamedTuple

from kb.index.sqlite.opening import storable


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
_RUN_COLUMNS = ", ".join(f"r.{name}" for name in ClaimRun._fields)


class Claims:
    """The claims of one committed state of the index, with what came of them."""

    def __init__(self, db: sqlite3.Connection, code_of: Callable[[str], str]) -> None:
        """Take what gives the fingerprint of the code that a claim runs: a run of other code is stale."""
        db.create_function("code_of", 1, code_of)
        self._db = db

    def all(self) -> list[ClaimRow]:
        """Return all claims, newest month first, as they stand in the notes."""
        return self._rows()

    def of_months(self, since: str, until: str) -> list[ClaimRow]:
        """Return the claims of months, both ends included, as they stand in the notes."""
        return self._rows("c.month BETWEEN ? AND ?", (since, until))

    def of_papers(self, papers: Iterable[str]) -> list[ClaimRow]:
        """Return the claims of records, given by their ids."""
        return self._rows("c.paper IN (SELECT value FROM json_each(?))", (json.dumps(list(papers)),))

    def called(self, name: str) -> list[ClaimRow]:
        """Return the claims with an id, one unless several bear it."""
        return self._rows("c.id = ?", (storable(name),))

    def runs(self, claim: str) -> list[ClaimRun]:
        """Return every run of a claim, the newest first."""
        rows = self._db.execute(
            f"SELECT {_RUN_COLUMNS} FROM claim_runs r WHERE claim = ? ORDER BY key DESC", (storable(claim),)
        )
        return [ClaimRun(*row) for row in rows]

    def states(self, papers: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return of each of papers that has claims how many are in which state."""
        rows = self._db.execute(
            f"SELECT c.paper, {_STATE} AS state, count(*) FROM {_WITH_LAST_RUN}"
            " WHERE c.paper IN (SELECT value FROM json_each(?)) GROUP BY c.paper, state",
            (json.dumps(list(papers)),),
        )
        found: dict[str, dict[str, int]] = {}
        for paper, state, count in rows:
            found.setdefault(paper, {})[state] = count
        return found

    def _rows(self, where: str = "", parameters: Iterable[object] = ()) -> list[ClaimRow]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS}, {_FIRST}, {_STATE}, {_RUN_COLUMNS} FROM {_WITH_LAST_RUN}{where and f' WHERE {where}'}"
            " ORDER BY c.month IS NULL, c.month DESC, c.file, c.line",
            tuple(parameters),
        )
        split = len(ClaimRow._fields) - 1
        return [ClaimRow._make((*row[:split], ClaimRun(*row[split:]) if row[split] else None)) for row in rows]


def having_claim(state: str) -> tuple[str, list[object]]:
    """Return the condition on a paper p that it has a claim in a state, or "any", with the values to bind."""
    if state == "any":
        return "EXISTS (SELECT 1 FROM claims c WHERE c.paper = p.id)", []
    return f"EXISTS (SELECT 1 FROM {_WITH_LAST_RUN} WHERE c.paper = p.id AND {_STATE} = ?)", [state]
