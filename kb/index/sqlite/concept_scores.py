"""Concepts -> scores. A way to say a concept is looked up by itself, because BM25 in SQLite only adds."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import log
from typing import NamedTuple

from kb.index.engine import Concept, Way
from kb.index.sqlite.expressions import COLUMN_WEIGHTS, COLUMNS_OF, any_of, in_columns

LEAST_IDF = 1e-6  # of FTS5, for what stands in half of all papers or more
RANKED = (
    f"SELECT rowid, -bm25(papers_fts, {', '.join(map(str, COLUMN_WEIGHTS))}) FROM papers_fts WHERE papers_fts MATCH ?"
)

Scores = dict[int, float]


class Scored(NamedTuple):
    """What papers score."""

    scores: Scores
    possible: float  # what a paper would score that says of each concept as much as any does


def concept_scores(db: sqlite3.Connection, concepts: Iterable[Concept]) -> Scored:
    """Return the score of each paper that holds a concept: the sum of what its concepts score, the best way of each."""
    total: Scores = {}
    possible = 0.0
    minor: dict[tuple[bool, float], list[Way]] = defaultdict(list)
    whole: Counter[Concept] = Counter()
    for concept in concepts:
        if concept.is_minor:
            minor[concept.only_ranks, concept.ways[0].share].extend(concept.ways)
        else:
            whole[concept] += 1
    papers = int(db.execute("SELECT count(*) FROM papers_fts_docsize").fetchone()[0])
    for concept, times in whole.items():
        best, most = _best(db, concept, papers)
        possible += times * most
        for key, score in best.items():
            total[key] = total.get(key, 0.0) + times * score
    for (only_ranks, share), ways in sorted(minor.items(), key=lambda one: one[0]):
        for key, score in _bm25(db, ways, ways[0].where):
            if not only_ranks or key in total:
                total[key] = total.get(key, 0.0) + share * score
    return Scored(total, possible)


def _best(db: sqlite3.Connection, concept: Concept, papers: int) -> Scored:
    """Return the score of the best way to say concept in each paper that says it."""
    found = [(way, dict(_bm25(db, [way], way.where))) for way in concept.ways]
    holding = set().union(*(scores for way, scores in found if len(way.phrases) == 1))
    most = _idf(len(holding), papers)
    best: Scores = {}
    for way, scores in found:
        share = way.share * (min(1.0, most / _idf(len(scores), papers)) if len(way.phrases) == 1 else 1.0)
        for key, score in scores.items():
            if (counted := share * score) > best.get(key, 0.0):
                best[key] = counted
    if holding:
        return Scored(best, max(best.values()))
    typed = concept.ways[0]  # only parts of it stand somewhere
    whole = sum(_idf(len(_bm25(db, [Way((one,))], typed.where)), papers) for one in typed.phrases)
    return Scored(best, max(whole, *best.values()) if best else whole)


def _idf(holding: int, papers: int) -> float:
    return max(log((papers - holding + 0.5) / (holding + 0.5)), LEAST_IDF)


def _bm25(db: sqlite3.Connection, ways: Iterable[Way], where: str) -> list[tuple[int, float]]:
    """Return (key, score) of the papers that hold a phrase of ways, the scores of all phrases added."""
    phrases = [one for way in ways for one in way.phrases]
    return db.execute(RANKED, (in_columns(any_of(phrases), COLUMNS_OF[where]),)).fetchall()
