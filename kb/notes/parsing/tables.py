"""Rows of tables that may name papers."""

import re
from collections.abc import Iterator, Sequence

from kb.notes.ids import ARXIV_NUMBER
from kb.notes.parsing import dates, titles
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.fields import field_of, label_key
from kb.notes.parsing.guards import is_address
from kb.notes.parsing.links import arxiv_id, bare_arxiv_id
from kb.notes.parsing.measuring import of_columns, of_head, of_title
from kb.notes.parsing.outline import Outline, Row, Table
from kb.patterns import pattern

ROWS_JUDGED = 100  # the first of a table: which column holds the titles shows there
FILLED_SHARE = 0.5  # of them, in that column
TELLING_SHARE = 0.4  # of the rows of a table of papers say which paper they are about
LABELS = 2  # rows that begin with a label: the table is about one thing
_TITLE_COLUMN = pattern(r"title|标题|题目|论文名|タイトル|題名|제목", re.IGNORECASE)
_PAPER_COLUMN = pattern(r"\b(?:papers?|articles?|publications?)\b|论文|文章|文献|論文|논문", re.IGNORECASE)
_NAME_COLUMN = pattern(r"^(?:name|model|method|system|work|approach|名称|模型|方法|简称|工作)s?$", re.IGNORECASE)
_DAYS = frozenset(("date", "day", "日期", "时间"))  # of a paper, or of when it was read
_TELLING = ("link", "venue", "year", "note")
_FIGURE = pattern(rf"(?!{ARXIV_NUMBER})[\s*_]*[-+]?\d+(?:\.\d+(?!\d)|\s?[%×x])\W*(?:\d+(?:\.\d+)?\W*)?")
_ABSENT = frozenset(("", "-", "--", "—", "–", "/", "n/a", "none", "无", "未知", "tbd"))


def propose(outline: Outline, lines: Sequence[str]) -> list[Candidate]:
    """Return a candidate for each row of each table that has a column for titles."""
    return [row for table in outline.tables for row in _rows(outline, table)]


def _rows(outline: Outline, table: Table) -> Iterator[Candidate]:
    if is_of_labels(table):
        return
    columns = [titles.plain(cell).strip(" *_") for cell in table.header.cells]
    title_column, is_titles = _title_column(columns, table)
    if title_column is None:
        return
    said = of_columns(column for number, column in enumerate(columns) if number != title_column)
    rows = [row for one in table.rows if (row := _row(outline, one, columns, title_column))]
    telling = [not row.evidence.isdisjoint(_TELLING) for row in rows]
    is_of_papers = sum(telling) >= TELLING_SHARE * len(rows)
    if any(_is_of_figures(table, number) for number in range(len(columns))):
        said.add("figures")
    if not _DAYS.isdisjoint(map(label_key, columns)):
        _tell_when_read(rows)
    for row, is_telling in zip(rows, telling, strict=True):
        if is_telling or (is_titles and ("short" not in row.evidence or "](" in row.head)):
            row.evidence |= said | ({"column"} if is_of_papers else set())
            row.neighbours = ("row", table.header.line)
            yield row


def _is_of_figures(table: Table, column: int) -> bool:
    """Whether a column holds results: "3.1", "**97.2**%", "12.5 ± 0.3"."""
    cells = [row.cells[column] for row in table.rows if column < len(row.cells)]
    figures = sum(bool(_FIGURE.fullmatch(cell)) and not dates.is_date(cell) for cell in cells)
    return figures > FILLED_SHARE * len(cells)


def _tell_when_read(rows: Sequence[Candidate]) -> None:
    """Take the dates of a table for those of reading where most papers were numbered in an earlier month."""
    said = [(bare_arxiv_id(row.head) or arxiv_id(row.head), dates.month_in(row.facts.get("date", ""))) for row in rows]
    told = [(f"20{number[:2]}-{number[2:4]}", month) for number, month in said if number and month]
    if told and sum(numbered < month for numbered, month in told) > FILLED_SHARE * len(told):
        for row in rows:
            if date := row.facts.pop("date", None):
                row.facts.setdefault("read", date)


def is_of_labels(table: Table) -> bool:
    """Whether a table of two columns gives labels and their values."""
    rows = (table.header, *table.rows)
    return len(table.header.cells) == 2 and sum(bool(field_of(row.cells[0])) for row in rows) >= LABELS


def _title_column(columns: Sequence[str], table: Table) -> tuple[int | None, bool]:
    """Return the column of titles, None if there is none, and whether its heading speaks of titles and not of names."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row.cells)][:ROWS_JUDGED]
    for wanted in (_TITLE_COLUMN, _PAPER_COLUMN, _NAME_COLUMN):
        for column in (n for n, text in enumerate(columns) if rows and wanted.search(text)):
            filled = sum(bool(titles.find_title(row.cells[column])) for row in rows if column < len(row.cells))
            if filled >= FILLED_SHARE * len(rows):
                return column, wanted is not _NAME_COLUMN
    return None, False


def _row(outline: Outline, row: Row, columns: Sequence[str], title_column: int) -> Candidate | None:
    if title_column >= len(row.cells):
        return None
    found = titles.find_title(outline.resolved(row.cells[title_column]))
    if not found or is_address(found.title):
        return None
    candidate = Candidate("row", row.line, row.line + 1, found, outline.resolved(" ".join(row.cells)))
    for number, (column, cell) in enumerate(zip(columns, row.cells, strict=False)):
        field = field_of(column)
        value = titles.normal(titles.plain(outline.resolved(cell)))
        if number != title_column and field and value.lower() not in _ABSENT:
            candidate.facts.setdefault(field, value)
    candidate.evidence = of_title(found.title) | of_head(candidate) - {"authors"}
    return candidate
