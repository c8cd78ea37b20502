"""Papers as rows: CSV for spreadsheets, JSON lines for programs."""

import csv
import io
import json
import re
from collections.abc import Iterable

from kb.exchange.export.facts import main_link
from kb.exchange.export.works import Work

COLUMNS = (
    "key",
    "title",
    "short_name",
    "authors",
    "organizations",
    "venue",
    "published",
    "month",
    "keywords",
    "arxiv_id",
    "doi",
    "url",
    "starred",
    "section",
    "kind",
    "places",
)

# What a spreadsheet takes for a formula, at the start of a cell and behind a semicolon, which parts cells in some
# countries; = + - @ may be wide, and stand behind what cannot be seen.
_UNSEEN = r"\s\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_FORMULA = re.compile(rf'(?:^|;[{_UNSEEN}"]*)[{_UNSEEN}]*(?=[-=+@\uff1d\uff0b\uff0d\uff20])')


def render_csv(works: Iterable[Work]) -> str:
    """Return works as CSV (RFC 4180) with a line of names; several values of one cell stand between "; ".

    A cell is one line, and none is a formula: "=1+1" -> "'=1+1".
    """
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for work in works:
        paper = work.paper
        cells = {
            "key": work.key,
            "url": main_link(paper),
            "starred": "yes" if paper.is_starred else "",
            "section": " / ".join(paper.section_path),
            "places": work.places,
        }
        values = [cells[name] if name in cells else getattr(paper, name) for name in COLUMNS]
        rows.writerow(
            ["; ".join(map(_cell, value)) if isinstance(value, tuple) else _cell(value or "") for value in values]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    return _FORMULA.sub(r"\g<0>'", " ".join(text.split()))


def render_lines(works: Iterable[Work]) -> str:
    """Return works as JSON lines: the fields of kb.records.Paper but passages, with `key` and `places`."""
    return "".join(
        json.dumps(
            {"key": work.key, **work.paper.model_dump(mode="json", exclude={"passages"}), "places": work.places},
            ensure_ascii=False,
        )
        + "\n"
        for work in works
    )
