"""Concepts -> scores. A way to say a concept is looked up by itself, because BM25 in SQLite only adds.

SQLite gives the score of one phrase, and so how often it stands in a paper, saturated and by length; the rest is done
here. Of a phrase that stands in more than half of all papers SQLite thinks nothing: here its weight is that of Lucene,
log(1 + (N - n + 0.5) / (n + 0.5)), so that among papers on speech the one that says speech most is still found.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from math import log
from typing import NamedTuple

from kb.index.engine import Concept, Way
from kb.index.sqlite.expressions import COLUMN_WEIGHTS, COLUMNS_OF, fts, in_columns
from kb.terms import Phrase

SAYING_ALONE = 0.05  # of what the best paper scores is enough to say the only thing asked: long papers score less
LEAST_IDF = 1e-6  # of FTS5, for what stands in half of all papers or more
BM25 = f"-bm25(papers_fts, {', '.join(map(str, COLUMN_WEIGHTS))})"

Scores = dict[int, float]


class Scored(NamedTuple):
    """What papers score, and how much of what was asked each says."""

    scores: Scores
    said: Scores  # share in [0, 1]


class _Best(NamedTuple):
    """What papers score for one concept by its best way."""

    scores: Scores
    most: float  # what a paper scores that says it as much as any does


def concept_scores(db: sqlite3.Connection, concepts: Iterable[Concept]) -> Scored:
    """Return the score of each paper that holds a concept: the sum of what its concepts score, the best way of each."""
    lookup = _Lookup(db)
    total: Scores = {}
    possible = 0.0
    asked = Counter(concepts)
    for concept in sorted(asked, key=lambda one: one.only_ranks):  # these find no papers, so the others come first
        (best, most), times = _best(lookup, concept), asked[concept]
        possible += 0.0 if concept.is_minor else times * most
        scores = best if times == 1 else {key: times * score for key, score in best.items()}
        if not (total or concept.only_ranks):
            total = scores
            continue
        for key, score in scores.items():
            if key in total or not concept.only_ranks:
                total[key] = total.get(key, 0.0) + score
    if sum(not one.is_minor for one in asked) == 1:
        possible *= SAYING_ALONE
    return Scored(total, {key: min(1.0, score / possible) for key, score in total.items()} if possible else {})


class _Lookup:
    """What stands where, each phrase looked up once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._papers = int(db.execute("SELECT count(*) FROM papers_fts_docsize").fetchone()[0])
        self._found: dict[tuple[Phrase, str], list[tuple[int, float]]] = {}

    def rows(self, phrase: Phrase, where: str) -> list[tuple[int, float]]:
        """Return (key, score of FTS5) of the papers that hold phrase."""
        if (found := self._found.get((phrase, where))) is None:
            sql = f"SELECT rowid, {BM25} FROM papers_fts WHERE papers_fts MATCH ?"
            found = self._db.execute(sql, (in_columns(fts(phrase), COLUMNS_OF[where]),)).fetchall()
            self._found[phrase, where] = found
        return found

    def idf(self, holding: int) -> float:
        """Return the weight of what so many papers hold."""
        return log(1 + (self._papers - holding + 0.5) / (holding + 0.5))

    def scaled(self, weight: float, holding: int) -> float:
        """Return what to multiply scores of FTS5 by, of a phrase that so many papers hold, so that it has a weight."""
        return weight / max(log((self._papers - holding + 0.5) / (holding + 0.5)), LEAST_IDF)


def _best(lookup: _Lookup, concept: Concept) -> _Best:
    """Return the score of the best way to say concept in each paper that says it."""
    said = [way for way in concept.ways if any(lookup.rows(one, way.where) for one in way.phrases)]
    alone = [lookup.rows(way.phrases[0], way.where) for way in said if len(way.phrases) == 1]
    holding = len({key for rows in alone for key, _ in rows}) if len(alone) > 1 else sum(map(len, alone))
    most = lookup.idf(holding)
    best: Scores = {}
    for way in said:
        scores = _said(lookup, way, most)
        if not best:
            best = scores
            continue
        for key, score in scores.items():
            if score > best.get(key, 0.0):
                best[key] = score
    if holding:
        return _Best(best, max(best.values()))
    typed = concept.ways[0]  # only parts of what is asked stand somewhere
    whole = sum(lookup.idf(len(lookup.rows(one, typed.where))) for one in typed.phrases)
    return _Best(best, max((whole, *best.values())))


def _said(lookup: _Lookup, way: Way, most: float) -> Scores:
    """Return what papers score by one way; of one phrase it weighs `most` at most."""
    found: Scores = {}
    for phrase in way.phrases:
        rows = lookup.rows(phrase, way.where)
        weight = lookup.idf(len(rows))
        weight = way.share * (min(weight, most) if len(way.phrases) == 1 else weight)
        factor = lookup.scaled(weight, len(rows))
        if not found:
            found = {key: factor * score for key, score in rows}
            continue
        for key, score in rows:
            found[key] = found.get(key, 0.0) + factor * score
    return found
