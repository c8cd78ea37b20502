"""Tables of papers: a row is a paper where its columns or its links say so."""

import re

from kb.parsing import names, titles
from kb.parsing.entry import Entry
from kb.parsing.evidence import VENUE, links_to_paper, speaks_of_paper
from kb.parsing.fields import field_of
from kb.parsing.organizations import split_organizations
from kb.parsing.outline import Outline, Row, Table
from kb.parsing.people import split_people

ROWS_JUDGED = 100  # the first of a table: what it is about shows there
EVIDENT_SHARE = 0.4  # of the rows of a table of papers, those that link to one or say where it appeared
_TITLE_COLUMN = re.compile(r"title|标题|题目|论文名", re.IGNORECASE)
_PAPER_COLUMN = re.compile(r"\b(?:papers?|articles?|publications?)\b|论文|文章|文献", re.IGNORECASE)
_NAME_COLUMN = re.compile(r"^(?:name|model|method|system|work|approach|名称|模型|方法|简称|工作)s?$", re.IGNORECASE)
_ABSENT = frozenset(("", "-", "--", "—", "–", "/", "n/a", "none", "无", "未知", "tbd"))


def find_entries(outline: Outline, lines: list[str]) -> list[Entry]:
    """Return an entry for each row of each table of papers."""
    return [entry for table in outline.tables for entry in _entries(table, outline, lines)]


def _entries(table: Table, outline: Outline, lines: list[str]) -> list[Entry]:
    columns = [titles.plain(cell).strip(" *_") for cell in table.header.cells]
    title_column = _title_column(columns, table)
    if title_column is None:
        return []
    path = titles.heading_names(outline.path(table.header.line))
    found = [_entry(row, columns, title_column, path, lines) for row in table.rows]
    return [entry for entry in found if entry]


def _title_column(columns: list[str], table: Table) -> int | None:
    """Return the column of titles if table is one of papers."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row.cells)][:ROWS_JUDGED]
    evident = sum(speaks_of_paper(" ".join(row.cells)) for row in rows)
    if not rows or evident < max(1, EVIDENT_SHARE * len(rows)):
        return None
    for pattern in (_TITLE_COLUMN, _PAPER_COLUMN, _NAME_COLUMN):
        named = [n for n, column in enumerate(columns) if pattern.search(column)]
        for column in named:
            filled = sum(bool(titles.find_title(row.cells[column])) for row in rows if column < len(row.cells))
            if filled >= 0.5 * len(rows):
                return column
    return None


def _entry(row: Row, columns: list[str], title_column: int, path: tuple[str, ...], lines: list[str]) -> Entry | None:
    if title_column >= len(row.cells):
        return None
    found = titles.find_title(row.cells[title_column])
    if not found:
        return None
    facts: dict[str, str] = {}
    for number, (column, cell) in enumerate(zip(columns, row.cells, strict=False)):
        field = field_of(column)
        if number == title_column or not field:
            continue
        value = titles.normal(titles.plain(cell))
        if value.lower() not in _ABSENT:
            facts.setdefault(field, value)
    text = " ".join(row.cells)
    venue = VENUE.search(text)
    return Entry(
        title=found.title,
        written=found.written,
        line=row.line,
        end=row.line + 1,
        body=[(row.line, lines[row.line])],
        short_name=facts.get("short_name") or names.short_name(found.title),
        section_path=path,
        organizations=split_organizations(facts.get("organizations", "")),
        keywords=names.split_names(facts.get("keywords", "")),
        authors=split_people(facts.get("authors", "")),
        venue=facts.get("venue") or (venue[0] if venue else None),
        published=names.date_in(facts.get("date", "")) or names.date_in(found.date or ""),
        is_starred=found.is_starred,
        names_paper=links_to_paper(text),
    )
