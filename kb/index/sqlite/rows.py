"""Records as rows of the index. Pure, so that the processes that parse can do this too."""

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from kb.errors import KbError
from kb.notes.identity import identities
from kb.notes.ids import id_key
from kb.notes.people import people_terms
from kb.notes.years import year_of
from kb.terms import VARIANTS, name_key, terms

if TYPE_CHECKING:
    from kb.records import Claim, Note, Paper

Row = dict[str, Any]

# A stretch of a text ends where no word goes on, if there is such a place.
_STRETCH = re.compile(r"(?s:.{1,65536}(?:[\s。，,；;]|$)|.{1,65536})")


@dataclass(frozen=True)
class PaperRows:
    """The rows of one paper, before they are given keys."""

    paper: Row
    full_text: Row
    passages: list[Row]
    names: list[Row]
    identities: list[Row]
    ids: list[Row]
    variants: str  # the characters of its texts that their terms have in another form: 聲


@dataclass(frozen=True)
class NoteRows:
    """The rows of one note."""

    papers: list[PaperRows]
    claims: list[Row]


def note_rows(note: "Note", english_of: Callable[[str], list[str]]) -> NoteRows:
    """Return the rows of note, in its order.

    english_of gives the English terms that the Chinese in a text stands for.
    """
    said: dict[str | None, list[str]] = {}
    for claim in note.claims:
        said.setdefault(claim.paper, []).append(f"{claim.id} {claim.says}")
    texts = [_texts(paper, said.get(paper.id, [])) for paper in note.papers]
    papers = [
        PaperRows(
            _paper(paper),
            _full_text(columns, english_of),
            [{"line": passage.line, "heading": passage.heading, "text": passage.text} for passage in paper.passages],
            [{"name": name} for name in _names(paper)],
            [{"kind": kind, "value": value} for kind, value in identities(paper)],
            [{"value": value} for value in _ids(paper)],
            _variants(columns.values()),
        )
        for paper, columns in zip(note.papers, texts, strict=True)
    ]
    months = {paper.id: paper.month for paper in note.papers}
    return NoteRows(papers, [_claim(claim, months.get(claim.paper or "", note.month)) for claim in note.claims])


def _claim(claim: "Claim", month: str | None) -> Row:
    what = claim.model_dump_json(include={"says", "run", "parameters", "expect", "expect_contradiction", "problem"})
    return {
        "file": claim.file,
        "line": claim.line,
        "id": claim.id,
        "paper": claim.paper,
        "month": month,
        "run": claim.run,
        "problem": str(KbError(claim.problem, claim.way_out)) if claim.problem else None,
        "fingerprint": hashlib.sha256(what.encode()).hexdigest()[:16],
        "record": claim.model_dump_json(),
    }


def _paper(paper: "Paper") -> Row:
    return {
        "id": paper.id,
        "file": paper.file,
        "line": paper.line,
        "end_line": paper.end_line,
        "title": paper.title,
        "short_name": paper.short_name,
        "kind": paper.kind,
        "is_rest": paper.is_rest,
        "month": paper.month,
        "section": " / ".join(paper.section_path),
        "organizations": "、".join(paper.organizations),
        "keywords": "、".join(paper.keywords),
        "authors": "、".join(paper.authors),
        "venue": paper.venue,
        "year": _year(paper),
        "arxiv_id": paper.arxiv_id,
        "link_kinds": " ".join(["", *sorted(_link_kinds(paper)), ""]),
        "record": paper.model_dump_json(),
    }


def _link_kinds(paper: "Paper") -> set[str]:
    """Return what the note links to; an id written out, arXiv:2410.15017, is as good as its address."""
    ids = {"arxiv": paper.arxiv_id, "doi": paper.doi, "openreview": paper.openreview_id}
    return {link.kind for link in paper.links} | {kind for kind, value in ids.items() if value}


def _texts(paper: "Paper", claims: list[str]) -> dict[str, str]:
    """Return what is searched of paper, by the column of its terms."""
    return {
        "title": paper.title,
        "short_name": paper.short_name or "",
        "keywords": "、".join(paper.keywords),
        "organizations": "、".join(paper.organizations),
        "authors": "\n".join(paper.authors),
        "venue": _venue(paper),
        "body": "\n".join((paper.body, *claims)),
        "section": " / ".join(paper.section_path),
    }


def _full_text(texts: dict[str, str], english_of: Callable[[str], list[str]]) -> Row:
    row = {column: _terms(text) for column, text in texts.items()}
    row["authors"] = " ".join(people_terms(texts["authors"].split("\n")))
    row["gloss"] = " ".join(english_of("\n".join((texts["title"], texts["keywords"], texts["body"]))))
    return row


def _terms(text: str) -> str:
    """Return the terms of a text, a stretch after the other: those of a book need not all be objects at once."""
    return " ".join(filter(None, (" ".join(terms(stretch)) for stretch in _STRETCH.findall(text))))


def _variants(texts: Iterable[str]) -> str:
    return "".join(sorted(character for character in set().union(*texts) if ord(character) in VARIANTS))


def _names(paper: "Paper") -> list[str]:
    if paper.is_rest:  # called like the heading it stands under, as many others are
        return [name_key(paper.id)]
    names = (paper.id, paper.arxiv_id, paper.doi, paper.short_name, paper.title, paper.citation_key)
    return sorted({name_key(name) for name in names if name} - {""})


def _ids(paper: "Paper") -> list[str]:
    ids = (paper.id, paper.arxiv_id, paper.doi, paper.openreview_id, paper.acl_id, paper.citation_key)
    return sorted({id_key(one) for one in ids if one} - {""})


def _year(paper: "Paper") -> str | None:
    return year_of(paper.published, paper.venue, paper.arxiv_id, paper.acl_id)


def _venue(paper: "Paper") -> str:
    """Return where and when a paper appeared as one text, so that "ICASSP 2024" stands in it: ICASSP, 2024."""
    venue, year = paper.venue or "", _year(paper) or ""
    return venue if year in venue else f"{venue} {year}"


def insert(db: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert rows that have the same columns, replacing those with the same key."""
    rows = iter(rows)
    if (first := next(rows, None)) is None:
        return
    columns = ", ".join(first)
    marks = ", ".join(f":{column}" for column in first)
    db.executemany(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", chain([first], rows))
