"""Reading the index, with nothing but the standard library: this is what a search waits for."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kb.query import HAS_KINDS, TEXT_FIELDS, Filter, Query
from kb.store import ledger, marked
from kb.store.opening import open_committed
from kb.terms import Phrase, has_unspaced, name_key

# What counts most is what a paper is called; see docs/search.md.
# Title, short name, keywords, organizations, body, gloss, section: the order of the columns in the table.
COLUMN_WEIGHTS = (4.0, 4.0, 4.0, 3.0, 1.0, 1.0, 0.0)
NAME_COLUMNS = ("title", "short_name", "keywords", "organizations")
SEARCHED_COLUMNS = (*NAME_COLUMNS, "body")
FEWEST_LEFT = 10  # papers, for a narrower query to take the place of a wider one
JOINING = "joining"  # the fact that tells by what of kb.toml records were joined
MOST_LOOKED_UP = 1000  # papers whose works are looked up one by one; of more, all works are read


class FileState(NamedTuple):
    """What the index knows of one file."""

    path: str
    mtime_ns: int
    size: int
    sha256: str
    state: str  # "indexed", "failed", or "glossary" for the file that is one
    reason: str | None
    grammar: str | None
    unclaimed: tuple[tuple[int, int], ...]  # first and last line of each stretch that belongs to no paper


class PaperRow(NamedTuple):
    """What a list or a hit shows of a paper."""

    key: int
    id: str
    file: str
    line: int
    title: str
    short_name: str | None
    kind: str
    month: str | None
    section: str
    organizations: str
    keywords: str
    arxiv_id: str | None


class Place(NamedTuple):
    """Where another note of a paper stands."""

    id: str
    month: str | None
    file: str
    line: int


class PassageRow(NamedTuple):
    """A passage of a paper as the index holds it."""

    key: int
    line: int
    heading: str
    text: str


_ROW_COLUMNS = ", ".join(f"p.{name}" for name in PaperRow._fields)
_OF_A_PAPER = "p.kind != 'note'"
# Newest month first, then as they stand in the notes; what has no month comes last.
_READING_ORDER = "p.month IS NULL, p.month DESC, p.file, p.line"


class Name(NamedTuple):
    """What a paper is called."""

    terms: str  # index terms of its title, short name and ids, with spaces between
    keywords: str  # as the index joins lists
    month: str | None


def _storable(text: str) -> str:
    """Return text as SQLite takes it: half characters, which a terminal may hand over, stand in no note."""
    return text.encode("utf-8", "replace").decode()


class Reader:
    """A read-only view of one committed state of the index.

    marks gives what the papers are known by that the reader marked as "starred" or "read"; a query asks for it.
    """

    def __init__(self, database: Path, marks: Callable[[str], Iterable[str]] = lambda what: ()) -> None:
        self._marks = marks
        self._db = open_committed(database)
        ledger.prepare(self._db)

    def renew(self) -> None:
        """See what has been committed since this was opened."""
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def meta(self, name: str) -> str | None:
        """Return a fact about the index by name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def files(self, paths: Iterable[str] | None = None) -> dict[str, FileState]:
        """Return the state of every file known, or of those of paths that are, by path."""
        where = "" if paths is None else " WHERE path IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(
            f"SELECT path, mtime_ns, size, sha256, state, reason, grammar, unclaimed FROM files{where} ORDER BY path",
            () if paths is None else (json.dumps(list(paths)),),
        )
        found = {}
        for path, mtime_ns, size, sha256, state, reason, grammar, unclaimed in rows:
            spans = tuple((line, end_line) for line, end_line in json.loads(unclaimed))
            found[path] = FileState(path, mtime_ns, size, sha256, state, reason, grammar, spans)
        return found

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Return (mtime_ns, size) of every file known, by path."""
        rows = self._db.execute("SELECT path, mtime_ns, size FROM files").fetchall()
        return {path: (mtime_ns, size) for path, mtime_ns, size in rows}

    def paper_count(self, file: str | None = None) -> int:
        """Return how many papers the index holds, or how many of file."""
        where = "WHERE file = ?" if file is not None else ""
        parameters = (file,) if file is not None else ()
        return int(self._db.execute(f"SELECT count(*) FROM papers {where}", parameters).fetchone()[0])

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
        if query.required or query.filters or not query.words or self.largest_key() <= most:
            return self.match(query), True
        if self._count(everywhere, most + 1) > most:
            for columns, joined in ((SEARCHED_COLUMNS, " AND "), (NAME_COLUMNS, " OR "), (NAME_COLUMNS, " AND ")):
                narrower = _in_columns(joined.join(found.fts() for found in query.words), columns)
                if FEWEST_LEFT <= self._count(narrower, most + 1) <= most:
                    return self._ranked(query, narrower), False
        return self._ranked(query, everywhere), True

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
            sql = f"SELECT p.key, 0.0 {sql} ORDER BY {_READING_ORDER}"
        return self._db.execute(sql, parameters).fetchall()

    def allowed(self, query: Query) -> set[int] | None:
        """Return the keys of the papers that query's filters and exclusions leave; None if it has none."""
        if not (query.filters or query.excluded or query.excluded_words):
            return None
        bare = query._replace(text="", words=(), required=())
        return {key for key, _ in self.match(bare)}

    def rows(self, keys: Sequence[int]) -> list[PaperRow]:
        """Return the rows of keys, in their order."""
        rows = self._rows("WHERE p.key IN (SELECT value FROM json_each(?))", (json.dumps(list(keys)),))
        found = {row.key: row for row in rows}
        return [found[key] for key in keys]

    def papers(self) -> list[PaperRow]:
        """Return the rows of everything that is not a note or a lecture, newest month first."""
        return self._rows(f"WHERE p.kind IN ('paper', 'project') ORDER BY {_READING_ORDER}", ())

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Return those of ids that no record has, in order."""
        rows = self._db.execute(
            "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM papers)", (json.dumps(list(ids)),)
        )
        return [value for (value,) in rows]

    def paper_ids(self) -> dict[int, dict[str, str]]:
        """Return the ids by kind, "arxiv" or "doi", that records give as their paper's own, by key."""
        found: dict[int, dict[str, str]] = {}
        for paper, kind, value in self._db.execute("SELECT paper, kind, value FROM identities WHERE kind != 'title'"):
            found.setdefault(paper, {})[kind] = value
        return found

    def authors(self, keys: Iterable[int]) -> dict[int, list[str]]:
        """Return the authors of each of keys."""
        rows = self._db.execute(
            "SELECT key, json_extract(record, '$.authors') FROM papers WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        return {key: json.loads(authors) for key, authors in rows}

    def works(self, keys: Sequence[int]) -> dict[int, int]:
        """Return the work of those of keys that are not the only record of their paper, and maybe of more."""
        if len(keys) > MOST_LOOKED_UP:
            return dict(self._db.execute("SELECT paper, work FROM works"))
        chosen = json.dumps(list(keys))
        rows = self._db.execute(
            "SELECT paper, work FROM works WHERE paper IN (SELECT value FROM json_each(?))", (chosen,)
        )
        return dict(rows)

    def notes_of(self, key: int) -> list[int]:
        """Return the keys of all records of the paper that key is a record of, newest month first."""
        rows = self._db.execute(
            "SELECT p.key FROM works w JOIN works o ON o.work = w.work JOIN papers p ON p.key = o.paper"
            f" WHERE w.paper = ? ORDER BY {_READING_ORDER}",
            (key,),
        )
        return [other for (other,) in rows] or [key]

    def are_one_paper(self, keys: Sequence[int]) -> bool:
        """Whether keys, one at least, are all records of one paper."""
        return len(keys) == 1 or set(keys) <= set(self.notes_of(keys[0]))

    def other_notes(self, keys: Sequence[int], allowed: set[int] | None) -> dict[int, tuple[Place, ...]]:
        """Return where else the papers of keys are written about, newest month first; only records that are allowed."""
        rows = self._db.execute(
            "SELECT w.paper, p.key, p.id, p.month, p.file, p.line FROM works w"
            " JOIN works o ON o.work = w.work AND o.paper != w.paper JOIN papers p ON p.key = o.paper"
            f" WHERE w.paper IN (SELECT value FROM json_each(?)) ORDER BY {_READING_ORDER}",
            (json.dumps(list(keys)),),
        )
        found: dict[int, tuple[Place, ...]] = {}
        for key, other, *place in rows:
            if allowed is None or other in allowed:
                found[key] = (*found.get(key, ()), Place(*place))
        return found

    def claims(self) -> list[ledger.ClaimRow]:
        """Return all claims, newest month first, as they stand in the notes."""
        return ledger.claim_rows(self._db)

    def claims_of_months(self, since: str, until: str) -> list[ledger.ClaimRow]:
        """Return the claims of months, both ends included, as they stand in the notes."""
        return ledger.claim_rows(self._db, "c.month BETWEEN ? AND ?", (since, until))

    def claims_of_papers(self, papers: Iterable[str]) -> list[ledger.ClaimRow]:
        """Return the claims of records, given by their ids."""
        return ledger.claim_rows(self._db, "c.paper IN (SELECT value FROM json_each(?))", (json.dumps(list(papers)),))

    def claims_called(self, name: str) -> list[ledger.ClaimRow]:
        """Return the claims with an id, one unless several bear it."""
        return ledger.claim_rows(self._db, "c.id = ?", (_storable(name),))

    def claim_runs(self, claim: str) -> list[ledger.ClaimRun]:
        """Return every run of a claim, the newest first."""
        return ledger.runs_of(self._db, _storable(claim))

    def claim_states(self, papers: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return of each of papers that has claims how many are in which state."""
        found: dict[str, dict[str, int]] = {}
        for paper, state, count in ledger.state_counts(self._db, json.dumps(list(papers))):
            found.setdefault(paper, {})[state] = count
        return found

    def known_as(self, keys: Iterable[int]) -> dict[int, marked.Known]:
        """Return by key what the papers that keys are records of are known by, and whether a note stars them."""
        return marked.known_as(self._db, keys)

    def starred(self, keys: Iterable[int]) -> set[int]:
        """Return those of keys of whose papers a note bears a star."""
        return marked.starred_in_notes(self._db, keys)

    def list_rows(self, query: Query) -> list[PaperRow]:
        """Return the rows of all papers that query leaves, newest month first."""
        return self.rows([key for key, _ in self.match(query)])

    def named(self, name: str) -> list[PaperRow]:
        """Return the papers that name means: an id, arXiv id, short name or title in full, else any part of one."""
        wanted = _storable(name.strip())
        if exact := self.called_exactly([wanted]):
            return self.rows(exact)
        columns = ("id", "arxiv_id", "short_name", "title")
        where = " OR ".join(f"instr(lower(p.{column}), lower(?))" for column in columns)
        return self._rows(f"WHERE {where} ORDER BY {_READING_ORDER}", (wanted,) * len(columns))

    def called_exactly(self, names: Iterable[str]) -> list[int]:
        """Return the keys of the papers whose id, arXiv id, DOI, short name or title is one of names."""
        keys = json.dumps([name_key(name) for name in names])
        rows = self._db.execute(
            "SELECT DISTINCT p.key FROM names n JOIN papers p ON p.key = n.paper"
            f" WHERE n.name IN (SELECT value FROM json_each(?)) ORDER BY {_READING_ORDER}",
            (keys,),
        )
        return [key for (key,) in rows]

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

    def record(self, key: int) -> str:
        """Return a paper's record as JSON."""
        return str(self._db.execute("SELECT record FROM papers WHERE key = ?", (key,)).fetchone()[0])

    def records(self, since: str, until: str) -> list[tuple[int, str]]:
        """Return (key, record as JSON) of the papers of months, both ends included, as they stand in the notes."""
        rows = self._db.execute(
            f"SELECT key, record FROM papers p WHERE month BETWEEN ? AND ? AND {_OF_A_PAPER}"
            " ORDER BY p.month, p.file, p.line",
            (since, until),
        )
        return rows.fetchall()

    def months(self) -> list[tuple[str | None, int]]:
        """Return (month, papers) of every month with papers, newest first."""
        return self._db.execute(
            f"SELECT month, count(*) FROM papers p WHERE {_OF_A_PAPER}"
            " GROUP BY month ORDER BY month IS NULL, month DESC"
        ).fetchall()

    def column(self, name: str) -> list[str]:
        """Return one column of every paper, as stored: lists joined by 、."""
        _check_column(name)
        return [value for (value,) in self._db.execute(f"SELECT {name} FROM papers") if value]

    def column_of_months(self, name: str, since: str, until: str) -> list[tuple[str, str]]:
        """Return (month, column) of the papers of months, both ends included, where the column is not empty.

        What several records of one paper say in a month counts once.
        """
        _check_column(name)
        rows = self._db.execute(
            f"SELECT DISTINCT month, {name}, coalesce(work, -key) FROM papers p LEFT JOIN works w ON w.paper = p.key"
            f" WHERE month BETWEEN ? AND ? AND {name} != '' AND {_OF_A_PAPER}",
            (since, until),
        )
        return [(month, column) for month, column, _ in rows]

    def names(self) -> dict[int, Name]:
        """Return what every paper is called. Their records, which are large, are not read."""
        called: dict[int, list[str]] = {}
        for key, name in self._db.execute("SELECT paper, name FROM names"):
            called.setdefault(key, []).append(name)
        rows = self._db.execute(f"SELECT key, month, keywords FROM papers p WHERE {_OF_A_PAPER}")
        return {key: Name(" ".join(called.get(key, ())), keywords, month) for key, month, keywords in rows}

    def largest_key(self) -> int:
        """Return the largest key of a paper, 0 if there is none."""
        return int(self._db.execute("SELECT coalesce(max(key), 0) FROM papers").fetchone()[0])

    def passages(self, paper: int) -> list[PassageRow]:
        """Return the passages of a paper in order."""
        rows = self._db.execute("SELECT key, line, heading, text FROM passages WHERE paper = ? ORDER BY key", (paper,))
        return [PassageRow(*row) for row in rows]

    def papers_of(self, passages: Iterable[int]) -> dict[int, int]:
        """Return the paper of each passage that is still there."""
        keys = json.dumps(list(passages))
        return dict(
            self._db.execute("SELECT key, paper FROM passages WHERE key IN (SELECT value FROM json_each(?))", (keys,))
        )

    def passages_to_encode(self, encoder: str) -> Iterator[tuple[int, str, str]]:
        """Yield (passage, title of its paper, text) of the passages that encoder has not read yet."""
        yield from self._db.execute(
            "SELECT g.key, p.title, g.text FROM passages g JOIN papers p ON p.key = g.paper"
            # Keys first, out of the indexes alone: of a million passages hardly ever more than a few are new.
            " WHERE g.key IN (SELECT key FROM passages n WHERE NOT EXISTS"
            " (SELECT 1 FROM passage_texts t WHERE t.passage = n.key AND t.encoder = ?))",
            (encoder,),
        )

    def known_vectors(self, encoder: str, text_hashes: Iterable[str]) -> list[str]:
        """Return those of text_hashes that encoder has encoded."""
        rows = self._db.execute(
            "SELECT text_hash FROM vectors WHERE encoder = ? AND text_hash IN (SELECT value FROM json_each(?))",
            (encoder, json.dumps(list(text_hashes))),
        )
        return [value for (value,) in rows]

    def has_vectors(self, encoder: str) -> bool:
        """Whether encoder has encoded anything."""
        return bool(self._db.execute("SELECT 1 FROM vectors WHERE encoder = ? LIMIT 1", (encoder,)).fetchall())

    def vectors(self, encoder: str, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (key, vector as little-endian float32) of encoder in the order of keys, those after a key only."""
        # Not by the index of texts: the rows lie in the order of their keys.
        yield from self._db.execute(
            "SELECT key, vector FROM vectors NOT INDEXED WHERE key > ? AND encoder = ? ORDER BY key LIMIT ?",
            (after, encoder, -1 if limit is None else limit),
        )

    def vectors_of(self, encoder: str, keys: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Yield (key, vector as little-endian float32) of those of keys that encoder still has."""
        yield from self._db.execute(
            "SELECT key, vector FROM vectors NOT INDEXED WHERE key IN (SELECT value FROM json_each(?)) AND encoder = ?",
            (json.dumps(list(keys)), encoder),
        )

    def passages_of_vectors(self, keys: Iterable[int]) -> dict[int, list[int]]:
        """Return the passages in which the text of each vector stands; a key whose text stands in none is left out."""
        found: dict[int, list[int]] = {}
        rows = self._db.execute(
            "SELECT v.key, t.passage FROM vectors v JOIN passage_texts t"
            " ON t.encoder = v.encoder AND t.text_hash = v.text_hash"
            " WHERE v.key IN (SELECT value FROM json_each(?)) ORDER BY t.passage",
            (json.dumps(list(keys)),),
        )
        for key, passage in rows:
            found.setdefault(key, []).append(passage)
        return found

    def vector_count(self, encoder: str, last: int | None = None) -> int:
        """Return how many vectors of encoder there are, or how many with keys up to the last."""
        where, parameters = ("", (encoder,)) if last is None else (" AND key <= ?", (encoder, last))
        sql = f"SELECT count(*) FROM vectors WHERE encoder = ?{where}"
        return int(self._db.execute(sql, parameters).fetchone()[0])

    def last_vector_key(self) -> int:
        """Return the largest key ever given to a vector, whether or not it is still there; 0 if none was."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'").fetchone()
        return int(row[0]) if row else 0

    def vector_series(self) -> str:
        """Return the name of this database's series of vector keys: the keys of another mean other vectors."""
        return self.meta("vector_series") or ""

    def _rows(self, clause: str, parameters: Sequence[object]) -> list[PaperRow]:
        return [PaperRow(*row) for row in self._db.execute(f"SELECT {_ROW_COLUMNS} FROM papers p {clause}", parameters)]

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
                _add_literal(clauses, parameters, exact)
        for word in query.excluded_words:
            clauses.append(f"{key} NOT IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)")
            parameters.append(_in_columns(word.fts()))
        for exact in query.excluded:
            inner = ["papers_fts MATCH ?"]
            parameters.append(_in_columns(exact.fts()))
            _add_literal(inner, parameters, exact)
            clauses.append(f"{key} NOT IN (SELECT rowid FROM papers_fts WHERE {' AND '.join(inner)})")
        for field in query.filters:
            clause, values = self._having_mark(field.value) if field.name == "is" else _filter(field)
            clauses.append(f"NOT ({clause})" if field.is_excluded else clause)
            parameters.extend(values)
        return f"{source} WHERE {' AND '.join(clauses)}" if clauses else source, parameters

    def _having_mark(self, what: str) -> tuple[str, list[object]]:
        if what == "unread":
            clause, values = self._having_mark("read")
            return f"NOT ({clause})", values
        return marked.having_mark(self._marks(what), counts_notes=what == "starred")


def _check_column(name: str) -> None:
    if name not in ("organizations", "keywords", "kind", "link_kinds", "section"):
        raise ValueError(f"no such column to count: {name}")


def _in_columns(expression: str, columns: Iterable[str] = SEARCHED_COLUMNS) -> str:
    return f"{{{' '.join(columns)}}} : ({expression})"


def _expression(query: Query) -> str:
    required = " AND ".join(f"({found.fts()})" for found in query.required)
    # Beside quoted text, plain words only rank: the quoted text stands among their alternatives.
    words = [found.fts() for found in (*query.words, *query.glosses, *query.required[:1])]
    alternatives = _in_columns(" OR ".join(words))
    # What the Chinese of a note stands for is English, so only English looks there.
    # A sense is often two words, so neighbours look for each other too.
    english = [found for found in query.words if not has_unspaced("".join(found.terms))]
    pairs = [Phrase(a.terms + b.terms, False) for a, b in pairwise(english) if len(a.terms) == len(b.terms) == 1]
    if english:
        glossed = " OR ".join(found.fts() for found in (*english, *pairs))
        alternatives = f"({alternatives}) OR ({{gloss}} : ({glossed}))"
    return f"({_in_columns(required)}) AND ({alternatives})" if required else alternatives


def _add_literal(clauses: list[str], parameters: list[object], exact: Phrase) -> None:
    # The full-text index stems English, so quoted words are looked up once more among the terms as they were cut.
    if not exact.has_words:
        return
    needle = " " + " ".join(exact.terms) + ("" if exact.is_prefix else " ")
    tests = " OR ".join(f"instr(' ' || papers_fts.{column} || ' ', ?)" for column in SEARCHED_COLUMNS)
    clauses.append(f"({tests})")
    parameters.extend([needle] * len(SEARCHED_COLUMNS))


def _filter(field: Filter) -> tuple[str, list[object]]:
    if field.name in TEXT_FIELDS:
        expression = f"{{{TEXT_FIELDS[field.name]}}} : ({field.phrase().fts()})"
        return "p.key IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)", [expression]
    if field.name == "month":
        return "coalesce(p.month, '') BETWEEN ? AND ?", list(field.months())
    if field.name == "kind":
        return "p.kind = ?", [field.value]
    if field.name == "claim":
        return ledger.having_claim(field.value)
    kinds = HAS_KINDS[field.value]
    return " OR ".join("p.link_kinds LIKE ?" for _ in kinds).join("()"), [f"% {kind} %" for kind in kinds]
