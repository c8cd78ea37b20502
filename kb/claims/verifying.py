"""Run claims and write down what came of them."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone

from kb import __version__
from kb.claims.catalog import code_of
from kb.claims.comparing import Figure, compare
from kb.claims.ledger import Entry
from kb.claims.running import LIMIT_SECONDS, OUT_OF_TIME, Job, Outcome, run_all
from kb.index.claim_states import Failure
from kb.index.sqlite.ledger import ClaimRow, ClaimRun
from kb.progress import Progress

UNEXPECTED = "the note expects a contradiction, but what it says holds"


def fails(one: Entry, state: Failure) -> bool:
    """Return whether a claim fails as state says; a contradiction that the note itself tells of is none.

    One that ran out of time may fail in any way.
    """
    is_unknown = (one.reason or "").startswith(OUT_OF_TIME)
    return is_unknown or (one.state == state and not one.is_expected)


def verify(
    rows: Sequence[ClaimRow], progress: Progress | None = None, limit_seconds: float = LIMIT_SECONDS
) -> list[ClaimRun]:
    """Run the claims of rows, but for those whose block cannot be run, and return the runs in their order."""
    runnable = [(row, json.loads(row.record)) for row in rows if not (row.problem or row.first)]
    jobs = [Job(row.run, claim["parameters"]) for row, claim in runnable]
    runs: dict[int, ClaimRun] = {}
    for number, outcome in run_all(jobs, limit_seconds):
        row, claim = runnable[number]
        runs[number] = _run(row, claim["expect"], bool(claim["expect_contradiction"]), outcome)
        if progress:
            progress("running claims", len(runs), len(jobs))
    return [runs[number] for number in sorted(runs)]


def _run(row: ClaimRow, expected: dict[str, object], expects_contradiction: bool, outcome: Outcome) -> ClaimRun:
    figures: list[Figure] = []
    reason = outcome.reason
    if not reason:
        try:
            figures = compare(expected, outcome.figures)
        except KeyError as error:
            reason = f"{row.run} gives {', '.join(outcome.figures)}, not {error.args[0]}"
    agree = all(figure.agrees for figure in figures)
    if reason:
        state = "not-runnable"
    elif expects_contradiction and agree:
        state, reason = "contradicted", UNEXPECTED
    else:
        state = "holds" if agree else "contradicted"
    return ClaimRun(
        claim=row.id,
        fingerprint=row.fingerprint,
        code=code_of(row.run),
        state=state,
        reason=reason,
        figures=json.dumps(figures, ensure_ascii=False),
        date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
        device=outcome.device,
        seconds=outcome.seconds,
    )
