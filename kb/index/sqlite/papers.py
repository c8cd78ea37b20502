"""The records of papers in the index: found by what they are called, and counted."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from kb.index.sqlite import former
from kb.index.sqlite.expressions import fts, in_columns
from kb.index.sqlite.opening import storable
from kb.notes.ids import id_key
from kb.terms import has_unspaced, name_key, phrase


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
    authors: str = ""
    venue: str | None = None
    year: str | None = None  # in which it appeared


class Name(NamedTuple):
    """What a paper is called."""

    terms: str  # index terms of its title, short name and ids, with spaces between
    keywords: str  # as the index joins lists
    month: str | None


_ROW_COLUMNS = ", ".join(f"p.{name}" for name in PaperRow._fields)
_OF_A_PAPER = "p.kind != 'note'"
# Newest month first, then as they stand in the notes; what has no month comes last.
READING_ORDER = "p.month IS NULL, p.month DESC, p.file, p.line"


class Papers:
    """The records of one committed state of the index. What is asked by key must be there."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def count(self) -> int:
        """Return how many papers the index holds; text beside papers is none."""
        return self._count(False)

    def count_texts(self) -> int:
        """Return how many texts beside papers the index holds."""
        return self._count(True)

    def counts_by_file(self) -> dict[str, tuple[int, int]]:
        """Return how many papers, and how many texts beside papers, come from each file that has any."""
        rows = self._db.execute("SELECT file, sum(NOT is_rest), sum(is_rest) FROM papers GROUP BY file")
        return {file: (papers, texts) for file, papers, texts in rows}

    def largest_key(self) -> int:
        """Return the largest key of a paper, 0 if there is none."""
        return int(self._db.execute("SELECT coalesce(max(key), 0) FROM papers").fetchone()[0])

    def rows(self, keys: Sequence[int]) -> list[PaperRow]:
        """Return the rows of keys, in their order."""
        rows = self._rows("WHERE p.key IN (SELECT value FROM json_each(?))", (json.dumps(list(keys)),))
        found = {row.key: row for row in rows}
        return [found[key] for key in keys]

    def in_reading_order(self, keys: Iterable[int] | None) -> list[int]:
        """Return keys, or those of all papers, newest month first."""
        where = "" if keys is None else " WHERE key IN (SELECT value FROM json_each(?))"
        parameters: tuple[str, ...] = () if keys is None else (json.dumps(list(keys)),)
        rows = self._db.execute(f"SELECT key FROM papers p{where} ORDER BY {READING_ORDER}", parameters)
        return [key for (key,) in rows]

    def entries(self, keys: Sequence[int]) -> list[int]:
        """Return keys, in their order, without those of text beside the papers of a file."""
        beside = {key for (key,) in self._db.execute("SELECT key FROM papers WHERE is_rest")}
        return [key for key in keys if key not in beside]

    def all(self) -> list[PaperRow]:
        """Return the rows of everything that is not a note or a lecture, newest month first."""
        return self._rows(f"WHERE p.kind IN ('paper', 'project') ORDER BY {READING_ORDER}", ())

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

    def named(self, name: str) -> list[PaperRow]:
        """Return the papers that name means: an id, citation key, short name or title in full, else any part of one.

        A part that stands nowhere as it is written may stand there in other forms of its characters. Text beside papers
        is named by its whole id only.
        """
        wanted = storable(name.strip())
        if exact := self.called_exactly([wanted]):
            return self.rows(exact)
        columns = ("id", "short_name", "title")
        where = " OR ".join(f"instr(lower(p.{column}), lower(?))" for column in columns)
        where = f"NOT p.is_rest AND ({where} OR p.key IN (SELECT paper FROM ids WHERE instr(value, ?)))"
        key = id_key(wanted) or wanted
        found = self._rows(f"WHERE {where} ORDER BY {READING_ORDER}", (*(wanted,) * len(columns), key))
        if found or not has_unspaced(wanted):
            return found
        part = phrase(wanted)
        return self._rows(
            f"WHERE NOT p.is_rest AND p.key IN (SELECT paper FROM names WHERE instr(name, ?)) ORDER BY {READING_ORDER}",
            (" ".join(part.terms) if part else wanted,),
        )

    def called_exactly(self, names: Iterable[str]) -> list[int]:
        """Return the keys of the papers whose id, arXiv id, DOI, citation key, short name or title is one of names."""
        wanted = list(names)
        as_names, as_ids = ([read(name) for name in wanted] for read in (name_key, id_key))
        rows = self._db.execute(
            "SELECT p.key FROM papers p WHERE p.key IN ("
            "SELECT paper FROM names WHERE name IN (SELECT value FROM json_each(?))"
            " UNION SELECT paper FROM ids WHERE value IN (SELECT value FROM json_each(?))"
            " UNION SELECT o.key FROM papers o WHERE o.id IN (SELECT value FROM json_each(?))"
            f") ORDER BY {READING_ORDER}",
            (json.dumps(as_names), json.dumps(as_ids), json.dumps(list(former.current(self._db, wanted).values()))),
        )
        return [key for (key,) in rows]

    def with_keyword(self, names: Iterable[str]) -> list[int]:
        """Return the keys of the papers that have one of names as a keyword, newest month first."""
        found: list[int] = []
        for name in names:
            if not (wanted := phrase(name)):
                continue
            rows = self._db.execute(
                "SELECT p.key, p.keywords FROM papers p WHERE NOT p.is_rest AND p.key IN"
                f" (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?) ORDER BY {READING_ORDER}",
                (in_columns(fts(wanted), ("keywords",)),),
            )
            key = name_key(name)
            folded = cache(name_key)  # few keywords stand at very many papers
            found += [paper for paper, keywords in rows if key in map(folded, keywords.split("、"))]
        return found

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Return those of ids that no record has or had, in order."""
        wanted = list(ids)
        known = former.current(self._db, wanted)
        return [one for one in wanted if one not in known]

    def current_lists(self, lists: former.Lists) -> list[list[str]]:
        """Return lists of ids with those that records have now."""
        return former.current_lists(self._db, lists)

    def names(self) -> dict[int, Name]:
        """Return what every paper is called. Their records, which are large, are not read."""
        called: dict[int, list[str]] = {}
        for key, name in self._db.execute("SELECT paper, name FROM names"):
            called.setdefault(key, []).append(name)
        rows = self._db.execute(f"SELECT key, month, keywords FROM papers p WHERE {_OF_A_PAPER}")
        return {key: Name(" ".join(called.get(key, ())), keywords, month) for key, month, keywords in rows}

    def ids(self) -> dict[int, dict[str, str]]:
        """Return the ids by kind, "arxiv" or "doi", that records give as their paper's own, by key."""
        found: dict[int, dict[str, str]] = {}
        for paper, kind, value in self._db.execute("SELECT paper, kind, value FROM identities WHERE kind != 'title'"):
            found.setdefault(paper, {})[kind] = value
        return found

    def spelt_ids(self, keys: Iterable[int] | None = None) -> list[str]:
        """Return the ids of papers, as they are compared, or of those with keys: arXiv ids, DOIs, citation keys."""
        if keys is None:
            return [value for (value,) in self._db.execute("SELECT DISTINCT value FROM ids ORDER BY value")]
        rows = self._db.execute(
            "SELECT DISTINCT value FROM ids WHERE paper IN (SELECT value FROM json_each(?)) ORDER BY value",
            (json.dumps(list(keys)),),
        )
        return [value for (value,) in rows]

    def authors(self, keys: Iterable[int]) -> dict[int, list[str]]:
        """Return the authors of each of keys."""
        rows = self._db.execute(
            "SELECT key, json_extract(record, '$.authors') FROM papers WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        return {key: json.loads(authors) for key, authors in rows}

    def months(self) -> list[tuple[str | None, int]]:
        """Return (month, papers) of every month with papers, newest first."""
        return self._db.execute(
            f"SELECT month, count(*) FROM papers p WHERE {_OF_A_PAPER}"
            " GROUP BY month ORDER BY month IS NULL, month DESC"
        ).fetchall()

    def years(self) -> list[str]:
        """Return the years that papers appeared in, newest first."""
        rows = self._db.execute("SELECT DISTINCT year FROM papers WHERE year IS NOT NULL ORDER BY year DESC")
        return [year for (year,) in rows]

    def column(self, name: str) -> list[str]:
        """Return one column of every paper, as stored: lists joined by 、."""
        _check_column(name)
        return [value for (value,) in self._db.execute(f"SELECT {name} FROM papers WHERE NOT is_rest") if value]

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

    def _count(self, is_rest: bool) -> int:
        return int(self._db.execute("SELECT count(*) FROM papers WHERE is_rest = ?", (is_rest,)).fetchone()[0])

    def _rows(self, clause: str, parameters: Sequence[object]) -> list[PaperRow]:
        return [PaperRow(*row) for row in self._db.execute(f"SELECT {_ROW_COLUMNS} FROM papers p {clause}", parameters)]


def _check_column(name: str) -> None:
    if name not in ("organizations", "keywords", "authors", "venue", "kind", "link_kinds", "section"):
        raise ValueError(f"no such column to count: {name}")
