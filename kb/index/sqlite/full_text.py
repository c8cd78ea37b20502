"""Full text: words -> the papers that hold them, ranked."""

import json
import sqlite3
from collections.abc import Iterable
from itertools import pairwise

from kb.index.engine import FieldWords, Ranking, Words
from kb.index.literal import has_signs, other_forms, own_forms, stands
from kb.index.sqlite.papers import Papers
from kb.notes.people import person_terms
from kb.terms import Phrase, has_unspaced

# What counts most is what a paper is called; see docs/search.md.
# Title, short name, keywords, organizations, authors, venue, body, gloss, section: the columns in their order.
COLUMN_WEIGHTS = (4.0, 4.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0, 0.0)
NAME_COLUMNS = ("title", "short_name", "keywords", "organizations")
TEXT_COLUMNS = (*NAME_COLUMNS, "body")
SEARCHED_COLUMNS = (*TEXT_COLUMNS, "authors", "venue")
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
    "EXISTS (SELECT 1 FROM papers l WHERE l.key = {key} AND stands(?, l.record,"
    " (SELECT group_concat(c.record, char(10)) FROM claims c WHERE c.paper = l.id)))"
)
FEWEST_LEFT = 10  # papers, for a narrower query to take the place of a wider one


class FullText:
    """The terms of one committed state of the index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.create_function("one_is_called", 2, _one_is_called, deterministic=True)
        db.create_function("stands", 3, stands, deterministic=True)

    def match(self, words: Words, among: frozenset[int] | None = None, most: int | None = None) -> Ranking:
        """Return the papers that words ask for, ranked by BM25 over the weighted columns.

        If more than `most` match, those are ranked that hold all words, or one in their names, or all there: words that
        stand in so many papers rank them hardly at all. Where that leaves too few, and with quoted text, fields or
        papers to look among, none is left out.
        """
        everywhere = _expression(words)
        may_narrow = words.any_of and not (words.all_of or words.fields or among is not None)
        if (
            most is not None
            and may_narrow
            and Papers(self._db).largest_key() > most
            and self._count(everywhere, most + 1) > most
        ):
            for columns, joined in ((SEARCHED_COLUMNS, " AND "), (NAME_COLUMNS, " OR "), (NAME_COLUMNS, " AND ")):
                narrower = _in_columns(joined.join(map(fts, words.any_of)), columns)
                if FEWEST_LEFT <= self._count(narrower, most + 1) <= most:
                    return Ranking(self._ranked(words, narrower, among), False)
        return Ranking(self._ranked(words, everywhere, among), True)

    def holding(self, word: Phrase) -> int:
        """Return how many papers hold word."""
        sql = "SELECT count(*) FROM papers_fts WHERE papers_fts MATCH ?"
        return int(self._db.execute(sql, (_in_columns(fts(word)),)).fetchone()[0])

    def latin_words(self) -> list[str]:
        """Return the words of Latin letters that stand in papers, stemmed as the full text holds them."""
        rows = self._db.execute("SELECT term FROM vocabulary WHERE term >= 'a' AND term < '{'")
        return [term for (term,) in rows if term.isascii()]

    def _count(self, expression: str, most: int) -> int:
        sql = "SELECT count(*) FROM (SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)"
        return int(self._db.execute(sql, (expression, most)).fetchone()[0])

    def _ranked(self, words: Words, expression: str, among: frozenset[int] | None) -> list[tuple[int, float]]:
        """Return (key, score) of what words ask for; expression is what the text of them looks for."""
        clauses: list[str] = []
        parameters: list[object] = []
        source, key, score = "papers p", "p.key", "0.0"
        if words.ranks:
            source, key = "papers_fts", "papers_fts.rowid"
            score = f"-bm25(papers_fts, {', '.join(map(str, COLUMN_WEIGHTS))})"
            clauses.append("papers_fts MATCH ?")
            parameters.append(expression)
        for exact in words.all_of:
            _add_literal(clauses, parameters, exact, key)
        for word in words.none_of:
            clauses.append(f"{key} NOT IN ({HOLDING})")
            parameters.append(_in_columns(fts(word)))
        for exact in words.none_exact:
            inner = ["papers_fts MATCH ?"]
            parameters.append(_in_columns(fts(exact)))
            _add_literal(inner, parameters, exact, "papers_fts.rowid")
            clauses.append(f"{key} NOT IN (SELECT rowid FROM papers_fts WHERE {' AND '.join(inner)})")
        for field in words.fields:
            clause, values = _in_field(field, key)
            clauses.append(f"NOT ({clause})" if field.is_excluded else clause)
            parameters.extend(values)
        if among is not None:
            clauses.append(f"{key} IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(list(among)))
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        sql = f"SELECT {key} AS key, {score} AS score FROM {source}{where} ORDER BY score DESC, key"
        return self._db.execute(sql, parameters).fetchall()


def fts(phrase: Phrase) -> str:
    """Return a phrase as an FTS5 expression: the prefix 量 -> "量"*."""
    quoted = '"' + " ".join(phrase.terms) + '"'
    return quoted + "*" if phrase.is_prefix else quoted


def _in_columns(expression: str, columns: Iterable[str] = SEARCHED_COLUMNS) -> str:
    return f"{{{' '.join(columns)}}} : ({expression})"


def _expression(words: Words) -> str:
    required = " AND ".join(f"({fts(found)})" for found in words.all_of)
    # Beside quoted text, plain words only rank: the quoted text stands among their alternatives.
    alternatives = _in_columns(" OR ".join(map(fts, (*words.any_of, *words.all_of[:1]))))
    if words.glosses:  # nobody is called by what a word means
        alternatives += " OR " + _in_columns(" OR ".join(map(fts, words.glosses)), TEXT_COLUMNS)
    # What the Chinese of a note stands for is English, so only English looks there.
    # A sense is often two words, so neighbours look for each other too.
    english = [found for found in words.any_of if not has_unspaced("".join(found.terms))]
    pairs = [Phrase(a.terms + b.terms, False) for a, b in pairwise(english) if len(a.terms) == len(b.terms) == 1]
    if english:
        glossed = " OR ".join(map(fts, (*english, *pairs)))
        alternatives = f"({alternatives}) OR ({{gloss}} : ({glossed}))"
    return f"({_in_columns(required)}) AND ({alternatives})" if required else alternatives


def _add_literal(clauses: list[str], parameters: list[object], exact: Phrase, key: str) -> None:
    # The full-text index stems English, so quoted words are looked up once more among the terms as they were cut.
    if exact.has_words:
        needle = _needle(exact)
        tests = " OR ".join(f"instr(' ' || papers_fts.{column} || ' ', ?)" for column in SEARCHED_COLUMNS)
        clauses.append(f"({tests})")
        parameters.extend([needle] * len(SEARCHED_COLUMNS))
    # Terms have no signs and one form of a character. The text itself is read where these can tell papers apart.
    own, others = own_forms(exact.quoted), other_forms(exact.quoted)
    if own:
        clauses += [f"EXISTS (SELECT 1 FROM variants WHERE paper = {key} AND instr(characters, ?))"] * len(own)
        parameters.extend(own)
    if has_signs(exact.quoted) or own:
        clauses.append(STANDS.format(key=key))
        parameters.append(exact.quoted)
    elif others:
        has_others = f"EXISTS (SELECT 1 FROM variants WHERE paper = {key} AND characters GLOB ?)"
        clauses.append(f"(NOT {has_others} OR {STANDS.format(key=key)})")
        parameters.extend([f"*[{others}]*", exact.quoted])


def _needle(exact: Phrase) -> str:
    """Return how a phrase stands among terms with a space before and after each."""
    return f" {' '.join(exact.terms)}{'' if exact.is_prefix else ' '}"


def _one_is_called(authors: str, needles: str) -> bool:
    """Whether all of needles, a line each, stand in the name of one of authors, as the index joins lists."""
    names = (f" {' '.join(person_terms(author))} " for author in authors.split("、"))
    return any(all(needle in name for needle in needles.split("\n")) for name in names)


def _in_field(field: FieldWords, key: str) -> tuple[str, list[object]]:
    """Return a condition on the paper of a key, and its values: the words of a field stand in its column."""
    column = COLUMN_OF[field.field]
    clause, expression = f"{key} IN ({HOLDING})", f"{{{column}}} : ({' AND '.join(map(fts, field.phrases))})"
    if len(field.phrases) == 1:
        return clause, [expression]
    one_is = f"EXISTS (SELECT 1 FROM papers n WHERE n.key = {key} AND one_is_called(n.{column}, ?))"
    return f"({clause} AND {one_is})", [expression, "\n".join(map(_needle, field.phrases))]
