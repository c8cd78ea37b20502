"""Full text: a query -> the papers it asks for, ranked."""

import sqlite3
from collections.abc import Iterable
from itertools import pairwise

from kb.index.literal import has_signs, other_forms, own_forms, stands
from kb.index.query import HAS_KINDS, TEXT_FIELDS, Filter, Query
from kb.index.sqlite.ledger import having_claim
from kb.index.sqlite.marked import Marks
from kb.index.sqlite.papers import READING_ORDER, Papers
from kb.notes.ids import id_key
from kb.notes.people import person_terms
from kb.terms import Phrase, has_unspaced

# What counts most is what a paper is called; see docs/search.md.
# Title, short name, keywords, organizations, authors, venue, body, gloss, section: the columns in their order.
COLUMN_WEIGHTS = (4.0, 4.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0, 0.0)
NAME_COLUMNS = ("title", "short_name", "keywords", "organizations")
TEXT_COLUMNS = (*NAME_COLUMNS, "body")
SEARCHED_COLUMNS = (*TEXT_COLUMNS, "authors", "venue")
STANDS = (
    "EXISTS (SELECT 1 FROM papers l WHERE l.key = {key} AND stands(?, l.record,"
    " (SELECT group_concat(c.record, char(10)) FROM claims c WHERE c.paper = l.id)))"
)
FEWEST_LEFT = 10  # papers, for a narrower query to take the place of a wider one


class FullText:
    """The terms of one committed state of the index; a query may ask for what the reader marked."""

    def __init__(self, db: sqlite3.Connection, papers: Papers, marks: Marks) -> None:
        self._db = db
        self._papers = papers
        self._marks = marks
        db.create_function("one_is_called", 2, _one_is_called, deterministic=True)
        db.create_function("stands", 3, stands, deterministic=True)

    def match(self, query: Query) -> list[tuple[int, float]]:
        """Return (paper key, score) of the papers query asks for, best first.

        The score is BM25 over the weighted columns, bigger is better; without text to rank by, newest month first.
        """
        if query.is_void:
            return []
        return self._ranked(query, _expression(query))

    def best(self, query: Query, most: int) -> tuple[list[tuple[int, float]], bool]:
        """Return what match does if that are at most `most` papers, else those of them that say more, and which it is.

        Those are the papers that hold all words of query, or one in their names, or all: words that stand in so many
        papers rank them hardly at all. Where that leaves too few, and with quoted text or fields, none is left out.
        """
        everywhere = _expression(query)
        if query.required or query.filters or not query.words or self._papers.largest_key() <= most:
            return self.match(query), True
        if self._count(everywhere, most + 1) > most:
            for columns, joined in ((SEARCHED_COLUMNS, " AND "), (NAME_COLUMNS, " OR "), (NAME_COLUMNS, " AND ")):
                narrower = _in_columns(joined.join(found.fts() for found in query.words), columns)
                if FEWEST_LEFT <= self._count(narrower, most + 1) <= most:
                    return self._ranked(query, narrower), False
        return self._ranked(query, everywhere), True

    def allowed(self, query: Query) -> set[int] | None:
        """Return the keys of the papers that query's filters and exclusions leave; None if it has none."""
        if not (query.filters or query.excluded or query.excluded_words):
            return None
        bare = query._replace(text="", words=(), required=())
        return {key for key, _ in self.match(bare)}

    def knows(self, word: Phrase) -> bool:
        """Whether word stands in any paper."""
        expression = _in_columns(word.fts())
        return bool(
            self._db.execute("SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT 1", (expression,)).fetchall()
        )

    def holding(self, word: Phrase) -> int:
        """Return how many papers hold word."""
        sql = "SELECT count(*) FROM papers_fts WHERE papers_fts MATCH ?"
        return int(self._db.execute(sql, (_in_columns(word.fts()),)).fetchone()[0])

    def latin_words(self) -> list[str]:
        """Return the words of Latin letters that stand in papers, stemmed as the full text holds them."""
        rows = self._db.execute("SELECT term FROM vocabulary WHERE term >= 'a' AND term < '{'")
        return [term for (term,) in rows if term.isascii()]

    def _count(self, expression: str, most: int) -> int:
        sql = "SELECT count(*) FROM (SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)"
        return int(self._db.execute(sql, (expression, most)).fetchone()[0])

    def _ranked(self, query: Query, expression: str) -> list[tuple[int, float]]:
        sql, parameters = self._selection(query, expression)
        if query.has_text:
            weights = ", ".join(map(str, COLUMN_WEIGHTS))
            sql = (
                f"SELECT papers_fts.rowid AS key, -bm25(papers_fts, {weights}) AS score {sql} ORDER BY score DESC, key"
            )
        else:
            sql = f"SELECT p.key, 0.0 {sql} ORDER BY {READING_ORDER}"
        return self._db.execute(sql, parameters).fetchall()

    def _selection(self, query: Query, expression: str) -> tuple[str, list[object]]:
        """Return FROM and WHERE of query, with the values to bind; expression is what its text looks for."""
        clauses: list[str] = []
        parameters: list[object] = []
        source, key = "FROM papers p", "p.key"
        if query.has_text:
            key = "papers_fts.rowid"
            source = "FROM papers_fts" + (f" JOIN papers p ON p.key = {key}" if query.filters else "")
            clauses.append("papers_fts MATCH ?")
            parameters.append(expression)
            for exact in query.required:
                _add_literal(clauses, parameters, exact, key)
        for word in query.excluded_words:
            clauses.append(f"{key} NOT IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)")
            parameters.append(_in_columns(word.fts()))
        for exact in query.excluded:
            inner = ["papers_fts MATCH ?"]
            parameters.append(_in_columns(exact.fts()))
            _add_literal(inner, parameters, exact, "papers_fts.rowid")
            clauses.append(f"{key} NOT IN (SELECT rowid FROM papers_fts WHERE {' AND '.join(inner)})")
        for field in query.filters:
            clause, values = self._marks.having(field.value) if field.name == "is" else _filter(field)
            clauses.append(f"NOT ({clause})" if field.is_excluded else clause)
            parameters.extend(values)
        return f"{source} WHERE {' AND '.join(clauses)}" if clauses else source, parameters


def _in_columns(expression: str, columns: Iterable[str] = SEARCHED_COLUMNS) -> str:
    return f"{{{' '.join(columns)}}} : ({expression})"


def _expression(query: Query) -> str:
    required = " AND ".join(f"({found.fts()})" for found in query.required)
    # Beside quoted text, plain words only rank: the quoted text stands among their alternatives.
    words = [found.fts() for found in (*query.words, *query.required[:1])]
    alternatives = _in_columns(" OR ".join(words))
    if query.glosses:  # nobody is called by what a word means
        alternatives += " OR " + _in_columns(" OR ".join(found.fts() for found in query.glosses), TEXT_COLUMNS)
    # What the Chinese of a note stands for is English, so only English looks there.
    # A sense is often two words, so neighbours look for each other too.
    english = [found for found in query.words if not has_unspaced("".join(found.terms))]
    pairs = [Phrase(a.terms + b.terms, False) for a, b in pairwise(english) if len(a.terms) == len(b.terms) == 1]
    if english:
        glossed = " OR ".join(found.fts() for found in (*english, *pairs))
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


def _by_author(field: Filter) -> tuple[str, list[object]]:
    names = field.names()
    expression = f"{{authors}} : ({' AND '.join(one.fts() for one in names)})"
    clause = "p.key IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)"
    if len(names) == 1:
        return clause, [expression]
    return f"({clause} AND one_is_called(p.authors, ?))", [expression, "\n".join(map(_needle, names))]


def _filter(field: Filter) -> tuple[str, list[object]]:
    if field.name == "author":
        return _by_author(field)
    if field.name in TEXT_FIELDS:
        expression = f"{{{TEXT_FIELDS[field.name]}}} : ({field.phrase().fts()})"
        return "p.key IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)", [expression]
    if field.name == "month":
        return "coalesce(p.month, '') BETWEEN ? AND ?", list(field.months())
    if field.name == "year":
        return "coalesce(p.year, '') BETWEEN ? AND ?", list(field.years())
    if field.name == "id":
        return "p.key IN (SELECT paper FROM ids WHERE value = ?)", [id_key(field.value)]
    if field.name == "kind":
        return "p.kind = ?", [field.value]
    if field.name == "claim":
        return having_claim(field.value)
    kinds = HAS_KINDS[field.value]
    return " OR ".join("p.link_kinds LIKE ?" for _ in kinds).join("()"), [f"% {kind} %" for kind in kinds]
