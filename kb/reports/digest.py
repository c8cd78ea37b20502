"""Months -> MonthlyDigest: papers by section in the order of the notes, each once, and what they have in common."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from kb.claims.catalog import line_of, runnable, target
from kb.claims.ledger import Entry, entry
from kb.claims.ledger import summary as count_claims
from kb.index.sqlite.lists import LIST_MARK
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader
from kb.notes.merging import merged
from kb.records import DigestClaim, DigestEntry, DigestSection, MonthlyDigest, Name, Paper, Place, Related
from kb.reports import since_last
from kb.reports.excerpts import key_points, summary
from kb.reports.options import Language
from kb.reports.overview import overview
from kb.reports.periods import Period
from kb.reports.words import WORDS
from kb.search.alike_titles import related

RELATED_PAPERS = 3
MONTHS_BEFORE = 3  # that topics are compared with
CHINESE_SHARE = 0.1  # of the letters of summaries; from here on a digest is in Chinese


def digest(
    reader: Reader, period: Period, lang: Language | None = None, last: since_last.Written | None = None
) -> MonthlyDigest:
    """Return the digest of a period; one without papers says so.

    Args:
        lang: of the digest's own words; None means that of the notes.
        last: the digest of the period that was written before, to tell what has changed since.
    """
    works = _works(reader, period)
    earlier = related(reader, reader.papers.rows([key for key, _ in works]), RELATED_PAPERS, before=period.since)
    ledger = [entry(row) for row in reader.claims.of_months(*period)]
    claims = [_claim(one) for one in ledger]
    entries = [_entry(records, earlier[key], claims) for key, records in works]
    lang = lang or _language(entries)
    sections: dict[str, list[DigestEntry]] = {}
    for one in entries:
        sections.setdefault(" / ".join(one.paper.section_path) or WORDS[lang]["no_section"], []).append(one)
    topics = _names(reader, period, "keywords", entries)
    organizations = _names(reader, period, "organizations", entries)
    counts = count_claims(ledger)
    return MonthlyDigest(
        month=period.name,
        since=period.since,
        until=period.until,
        lang=lang,
        overview=overview(lang, entries, organizations, topics, counts) if entries else WORDS[lang]["empty"],
        sections=tuple(DigestSection(name=name, entries=tuple(found)) for name, found in sections.items()),
        topics=topics,
        organizations=organizations,
        paper_count=len(entries),
        claims=tuple(claims),
        claim_counts=counts,
        changes=since_last.since(last, entries),
    )


def _works(reader: Reader, period: Period) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return the papers of a period, each as the key of its first record there and all of its records there."""
    records = reader.papers.records(*period)
    works = reader.works.of([key for key, _ in records])
    found: dict[int, tuple[int, list[dict[str, Any]]]] = {}
    for key, record in records:
        found.setdefault(works[key], (key, []))[1].append(json.loads(record))
    return list(found.values())


def _entry(
    records: Sequence[dict[str, Any]], earlier: Iterable[tuple[PaperRow, float]], claims: Iterable[DigestClaim]
) -> DigestEntry:
    paper = Paper.model_validate(merged(records))
    ids = {record["id"] for record in records}
    return DigestEntry(
        paper=paper,
        places=tuple(Place(file=record["file"], line=record["line"]) for record in records),
        summary=summary(paper.body),
        key_points=key_points(paper.body),
        related=tuple(Related(id=row.id, title=row.title, month=row.month or "") for row, _ in earlier),
        runnable=runnable((paper.short_name, paper.title, paper.arxiv_id)),
        claims=tuple(claim for claim in claims if claim.paper in ids),
    )


def _claim(one: Entry) -> DigestClaim:
    place = target(one.run)
    line = line_of(one.run)
    code = f"kb/reference/{place.module}.py#L{line}" if place and line else None
    said = {name: getattr(one, name) for name in DigestClaim.model_fields if name != "code"}
    return DigestClaim(**said, code=code)


def _names(reader: Reader, period: Period, column: str, entries: Sequence[DigestEntry]) -> tuple[Name, ...]:
    """Return what a column of entries names, most frequent first, and how often it did in the months before."""
    bearers: dict[str, list[str]] = {}
    for one in entries:
        for name in dict.fromkeys(getattr(one.paper, column)):
            bearers.setdefault(name, []).append(one.paper.id)
    before: dict[str, int] = {}
    for _, joined in reader.papers.column_of_months(column, *period.before(MONTHS_BEFORE)):
        for name in joined.split(LIST_MARK):
            before[name] = before.get(name, 0) + 1
    ordered = sorted(bearers.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Name(name=name, count=len(papers), before=before.get(name, 0), papers=tuple(papers)) for name, papers in ordered
    )


def _language(entries: Iterable[DigestEntry]) -> Language:
    text = "".join(one.paper.title + one.summary for one in entries)
    letters = [letter for letter in text if letter.isalpha()]
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "zh" if chinese >= CHINESE_SHARE * len(letters) else "en"
