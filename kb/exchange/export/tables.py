"""Papers as rows: CSV for spreadsheets, JSON lines for programs."""

import csv
import io
import json
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


def render_csv(works: Iterable[Work]) -> str:
    """Return works as CSV (RFC 4180) with a line of names; several values of one cell stand between "; "."""
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
        rows.writerow(["; ".join(value) if isinstance(value, tuple) else value or "" for value in values])
    return out.getvalue()


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
