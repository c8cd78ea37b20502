"""Rankings -> hits to show: each with the passage that tells most, and what every ranking says of it."""

from collections.abc import Mapping

from kb.claims.catalog import runnable
from kb.index.engine import each
from kb.index.query import Query
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.passages import PassageRow
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.works import Place
from kb.search.answer import Hit, Reason
from kb.search.fusion import Scores
from kb.search.highlight import best_passage, marks
from kb.terms import fold

PASSAGES_LOOKED_AT = 4000  # of one paper, for the one to show: two million characters


def hits(
    reader: Reader,
    query: Query,
    shown: list[int],
    scores: Scores,
    said: Mapping[int, float],
    rankings: dict[str, Scores],
    nearest_passages: dict[int, int],
    others: dict[int, tuple[Place, ...]],
) -> tuple[Hit, ...]:
    """Return the hits of the papers shown, in their order; others says where else they are written about.

    The passage is the one with most of query in it, else the nearest one, else the first.
    """
    reasons = _reasons(rankings, set(shown))
    rows = reader.papers.rows(shown)
    claims = reader.claims.states(row.id for row in rows)
    return tuple(
        _hit(
            reader,
            query,
            rank,
            row,
            scores[row.key],
            said.get(row.key, 0.0),
            reasons[row.key],
            claims.get(row.id, {}),
            nearest_passages.get(row.key),
            others.get(row.key, ()),
        )
        for rank, row in enumerate(rows, 1)
    )


def best_notes(reader: Reader, order: list[int]) -> list[int]:
    """Return of each paper the record that stands first in order: one paper may have a note in several months."""
    works = reader.works.of(order)
    best: dict[int, int] = {}
    for key in order:
        best.setdefault(works[key], key)
    return list(best.values())


def _reasons(rankings: dict[str, Scores], shown: set[int]) -> dict[int, tuple[Reason, ...]]:
    reasons: dict[int, tuple[Reason, ...]] = dict.fromkeys(shown, ())
    for name, ranking in rankings.items():
        for rank, (key, score) in enumerate(ranking.items(), 1):
            if key in shown:
                reasons[key] += (Reason(name, rank, score),)
    return reasons


def _hit(
    reader: Reader,
    query: Query,
    rank: int,
    row: PaperRow,
    score: float,
    said: float,
    reasons: tuple[Reason, ...],
    claims: dict[str, int],
    nearest_passage: int | None,
    also: tuple[Place, ...],
) -> Hit:
    passages = reader.passages.of(row.key, PASSAGES_LOOKED_AT)
    passage = best_passage(query, passages) or next(
        (passage for passage in passages if passage.key == nearest_passage), passages[0] if passages else None
    )
    passage = passage or PassageRow(0, row.line, "", "")
    found = marks(query, passage.text)
    line = passage.line + passage.text.count("\n", 0, found[0][0]) if found else passage.line
    belonging = runnable((row.short_name, row.title, row.arxiv_id))
    return Hit(
        rank,
        score,
        row,
        line,
        passage.heading,
        passage.text,
        found,
        reasons,
        claims,
        belonging,
        also,
        _called(query, row),
        said,
    )


def _called(query: Query, row: PaperRow) -> tuple[str, ...]:
    """Return those of a paper's authors, and its venue, in which words of query stand."""
    asked = query._replace(concepts=each(query.words))
    return tuple(name for name in (*row.authors.split("、"), row.venue or "") if marks(asked, fold(name)))
