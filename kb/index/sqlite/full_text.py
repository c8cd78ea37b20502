"""Full text: words -> the papers that hold them, ranked."""

import json
import sqlite3
from operator import itemgetter

from kb.index.engine import FieldWords, Ranking, Words, each
from kb.index.literal import has_signs, other_forms, own_forms, stands
from kb.index.sqlite.concept_scores import BM25, Scored, concept_scores
from kb.index.sqlite.expressions import COLUMNS_OF, NAME_COLUMNS, SEARCHED_COLUMNS, any_of, fts, in_columns
from kb.index.sqlite.papers import Papers
from kb.notes.people import person_terms
from kb.terms import Phrase

COLUMN_OF = {
    "org": "organizations",
    "tag": "keywords",
    "section": "section",
    "title": "title",
    "author": "authors",
    "venue": "venue",
}
HOLDING = "SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?"
STANDS = (
    "EXISTS (SELECT 1 FROM papers l WHERE l.key = papers_fts.rowid AND stands(?, l.record,"
    " (SELECT group_concat(c.record, char(10)) FROM claims c WHERE c.paper = l.id)))"
)
PAPERS_ASKED = 3  # how a word is spelt
FEWEST_LEFT = 10  # papers, for a narrower query to take the place of a wider one


class FullText:
    """The terms of one committed state of the index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.create_function("one_is_called", 2, _one_is_called, deterministic=True)
        db.create_function("stands", 3, stands, deterministic=True)

    def match(self, words: Words, among: frozenset[int] | None = None, most: int | None = None) -> Ranking:
        """Return the papers that words ask for, ranked by BM25 over the weighted columns.

        If more than `most` match, those are ranked that say all concepts, or one in their names, or all there: words
        that stand in so many papers rank them hardly at all. Where that leaves too few, and with quoted text, fields or
        papers to look among, none is left out.
        """
        left = self._left(words, among)
        if not words.ranks:
            return Ranking([(key, 0.0) for key in left or ()], True, {})
        is_narrowed = bool(words.all_of or words.fields or among is not None)
        narrower = None if most is None or is_narrowed else self._narrower(words, most)
        found = self._by_sum(narrower) if narrower else concept_scores(self._db, (*each(words.all_of), *words.any_of))
        scores = sorted(one for one in found.scores.items() if left is None or one[0] in left)
        scores.sort(key=itemgetter(1), reverse=True)
        return Ranking(scores, narrower is None, found.said)

    def _narrower(self, words: Words, most: int) -> str | None:
        """Return what finds at most `most` papers that say more; None if no more match, or if that leaves too few."""
        if Papers(self._db).largest_key() <= most or self._count(_everything(words), most + 1) <= most:
            return None
        said = [f"({any_of(one.ways[0].phrases)})" for one in words.any_of if not one.is_minor]
        if not said:
            return None
        for columns, joined in ((SEARCHED_COLUMNS, " AND "), (NAME_COLUMNS, " OR "), (NAME_COLUMNS, " AND ")):
            narrower = in_columns(joined.join(said), columns)
            if FEWEST_LEFT <= self._count(narrower, most + 1) <= most:
                return narrower
        return None

    def holding(self, word: Phrase) -> int:
        """Return how many papers hold word."""
        sql = "SELECT count(*) FROM papers_fts WHERE papers_fts MATCH ?"
        return int(self._db.execute(sql, (in_columns(fts(word)),)).fetchone()[0])

    def latin_words(self) -> list[str]:
        """Return the words of Latin letters that stand in papers, stemmed as the full text holds them."""
        rows = self._db.execute("SELECT term FROM vocabulary WHERE term >= 'a' AND term < '{'")
        return [term for (term,) in rows if term.isascii()]

    def spelt(self, stem: str) -> set[str]:
        """Return words of Latin letters that are held as stem, as a few papers spell them."""
        text = " || ' ' || ".join(SEARCHED_COLUMNS)
        rows = self._db.execute(
            f"SELECT {text} FROM papers_fts WHERE papers_fts MATCH ? LIMIT {PAPERS_ASKED}",
            (in_columns(fts(Phrase((stem,), False))),),
        )
        words = {word for (terms,) in rows for word in terms.split() if word.startswith(stem[:-1])}
        return {word for word in words if word.startswith(stem)} or words  # happi is held of happy

    def _count(self, expression: str, most: int) -> int:
        sql = "SELECT count(*) FROM (SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)"
        return int(self._db.execute(sql, (expression, most)).fetchone()[0])

    def _left(self, words: Words, among: frozenset[int] | None) -> dict[int, None] | None:
        """Return the keys of the papers that conditions leave, in order; None if words rank and there is none."""
        clauses: list[str] = []
        parameters: list[object] = []
        for is_wanted, phrases, selecting in (
            (True, words.all_of, _exactly),
            (False, words.none_of, _holding),
            (False, words.none_exact, _exactly),
        ):
            for holding, values in map(selecting, phrases):
                clauses.append(f"p.key {'' if is_wanted else 'NOT '}IN ({holding})")
                parameters.extend(values)
        for field in words.fields:
            clause, values = _in_field(field)
            clauses.append(f"NOT ({clause})" if field.is_excluded else clause)
            parameters.extend(values)
        if among is not None:
            clauses.append("p.key IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(list(among)))
        if words.ranks and not clauses:
            return None
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        rows = self._db.execute(f"SELECT p.key FROM papers p{where} ORDER BY p.key", parameters)
        return dict.fromkeys(key for (key,) in rows)

    def _by_sum(self, expression: str) -> Scored:
        """Return the score of the papers that expression finds, the scores of its phrases added."""
        sql = f"SELECT rowid, {BM25} FROM papers_fts WHERE papers_fts MATCH ?"
        scores = dict(self._db.execute(sql, (expression,)).fetchall())
        return Scored(scores, dict.fromkeys(scores, 1.0))


def _everything(words: Words) -> str:
    """Return what finds every paper that holds a way to say a concept, or quoted text."""
    by_columns: dict[str, list[Phrase]] = {}
    for way in (way for concept in words.any_of if not concept.only_ranks for way in concept.ways):
        by_columns.setdefault(way.where, []).extend(way.phrases)
    found = [in_columns(any_of(phrases), COLUMNS_OF[where]) for where, phrases in by_columns.items()]
    return " OR ".join(f"({one})" for one in (*found, *(in_columns(fts(one)) for one in words.all_of[:1])))


def _holding(word: Phrase) -> tuple[str, list[object]]:
    """Return what selects the papers that hold a word, and its values."""
    return HOLDING, [in_columns(fts(word))]


def _exactly(exact: Phrase) -> tuple[str, list[object]]:
    """Return what selects the papers that hold quoted text to the letter, and its values."""
    clauses: list[str] = ["papers_fts MATCH ?"]
    parameters: list[object] = [in_columns(fts(exact))]
    # The full-text index stems English, so quoted words are looked up once more among the terms as they were cut.
    if exact.has_words:
        tests = " OR ".join(f"instr(' ' || papers_fts.{column} || ' ', ?)" for column in SEARCHED_COLUMNS)
        clauses.append(f"({tests})")
        parameters.extend([_needle(exact)] * len(SEARCHED_COLUMNS))
    # Terms have no signs and one form of a character. The text itself is read where these can tell papers apart.
    own, others = own_forms(exact.quoted), other_forms(exact.quoted)
    if own:
        holds = "EXISTS (SELECT 1 FROM variants WHERE paper = papers_fts.rowid AND instr(characters, ?))"
        clauses += [holds] * len(own)
        parameters.extend(own)
    if has_signs(exact.quoted) or own:
        clauses.append(STANDS)
        parameters.append(exact.quoted)
    elif others:
        has_others = "EXISTS (SELECT 1 FROM variants WHERE paper = papers_fts.rowid AND characters GLOB ?)"
        clauses.append(f"(NOT {has_others} OR {STANDS})")
        parameters.extend([f"*[{others}]*", exact.quoted])
    return f"SELECT rowid FROM papers_fts WHERE {' AND '.join(clauses)}", parameters


def _needle(exact: Phrase) -> str:
    """Return how a phrase stands among terms with a space before and after each."""
    return f" {' '.join(exact.terms)}{'' if exact.is_prefix else ' '}"


def _one_is_called(authors: str, needles: str) -> bool:
    """Whether all of needles, a line each, stand in the name of one of authors, as the index joins lists."""
    names = (f" {' '.join(person_terms(author))} " for author in authors.split("、"))
    return any(all(needle in name for needle in needles.split("\n")) for name in names)


def _in_field(field: FieldWords) -> tuple[str, list[object]]:
    """Return a condition on the paper p, and its values: the words of a field stand in its column."""
    column = COLUMN_OF[field.field]
    clause, expression = f"p.key IN ({HOLDING})", f"{{{column}}} : ({' AND '.join(map(fts, field.phrases))})"
    if len(field.phrases) == 1:
        return clause, [expression]
    return f"({clause} AND one_is_called(p.{column}, ?))", [expression, "\n".join(map(_needle, field.phrases))]
