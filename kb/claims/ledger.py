"""The ledger: what the notes claim, and what came of it when it was last run."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kb.claims.comparing import Figure
from kb.errors import NotFound
from kb.index.claim_states import CLAIM_STATES
from kb.index.sqlite.ledger import ClaimRow, ClaimRun
from kb.index.sqlite.reader import Reader

SHOWN_DIGITS = 7
AS_NOTED = "as_noted"
_MONTH = re.compile(r"\d{4}-\d{2}$")


class Entry(NamedTuple):
    """One claim of the ledger."""

    id: str
    says: str
    run: str
    paper: str | None
    month: str | None
    file: str
    line: int
    state: str  # "holds", "contradicted", "not-runnable" or "stale"
    is_expected: bool  # contradicted, as the note itself says
    reason: str | None  # why it is not runnable or stale; what the note says of a contradiction
    figures: tuple[Figure, ...]  # of the last run
    says_figures: str  # "88", or "steps 3000, first_frame 8"
    computed_figures: str  # "89"; empty if it was never run
    date: str | None  # of the last run
    seconds: float | None
    device: str | None
    version: str | None


def entry(row: ClaimRow) -> Entry:
    """Return a claim of the index as the ledger shows it."""
    claim = json.loads(row.record)
    last = row.last
    figures = figures_of(last) if last else ()
    agree = all(figure.agrees for figure in figures)
    expected = claim["expect_contradiction"]
    is_expected = row.state == "contradicted" and bool(expected) and not agree
    return Entry(
        id=row.id,
        says=claim["says"],
        run=row.run,
        paper=row.paper,
        month=row.month,
        file=row.file,
        line=row.line,
        state=row.state,
        is_expected=is_expected,
        reason=expected if is_expected else _reason(row),
        figures=figures,
        says_figures=_written(claim["expect"]),
        computed_figures=_written({figure.name: figure.computed for figure in figures}),
        date=last.date if last else None,
        seconds=last.seconds if last else None,
        device=last.device if last else None,
        version=last.version if last else None,
    )


def figures_of(run: ClaimRun) -> tuple[Figure, ...]:
    """Return what a run computed beside what the note said then."""
    return tuple(Figure(*figure) for figure in json.loads(run.figures))


def select(reader: Reader, target: str | None) -> list[ClaimRow]:
    """Return the claims that target means: a claim's id, a month, or any part of a paper's name; None means all.

    Raises: NotFound if it means nothing.
    """
    if target is None:
        return reader.claims.all()
    if called := reader.claims.called(target):
        return called
    if _MONTH.match(target):
        return reader.claims.of_months(target, target)
    named = reader.papers.named(target)
    if not named:
        raise NotFound(f"no claim, month or paper named {target!r}", "to list the claims: kb claims")
    notes = [key for paper in named for key in reader.works.notes_of(paper.key)]
    return reader.claims.of_papers(row.id for row in reader.papers.rows(list(dict.fromkeys(notes))))


def count_runs(reader: Reader) -> dict[str, int]:
    """Return how many claims name each reference implementation: {"arithmetic": 166, …}."""
    return Counter(_reference(row) for row in reader.claims.all())


def running(reader: Reader, name: str) -> list[Entry]:
    """Return the claims that a reference implementation is run for."""
    return [entry(row) for row in reader.claims.all() if _reference(row) == name]


def _reference(row: ClaimRow) -> str:
    return row.run.partition(".")[0].replace("_", "-")


def summary(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how many claims there are, how many in each state, and how many of the contradicted are so as noted."""
    names = Counter(one.state for one in entries)
    as_noted = sum(one.is_expected for one in entries)
    return {"claims": len(entries), **{name: names[name] for name in CLAIM_STATES}, AS_NOTED: as_noted}


def _written(figures: Mapping[str, Any]) -> str:
    texts = [f"{name} {_text(value)}" if len(figures) > 1 else _text(value) for name, value in figures.items()]
    return ", ".join(texts)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if 10**SHOWN_DIGITS <= abs(value) < 1e15 else f"{value:.{SHOWN_DIGITS}g}"
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else str(value)


def _reason(row: ClaimRow) -> str | None:
    if row.problem:
        return row.problem
    if row.first:
        return f"its id stands at {row.first} too; give one of them another"
    if row.state != "stale":
        return row.last.reason if row.last else None
    if not row.last:
        return "not run yet; run: kb verify"
    changed = "the claim" if row.last.fingerprint != row.fingerprint else f"the code of {row.run}"
    return f"{changed} has changed since it was run; run: kb verify"
