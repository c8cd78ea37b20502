"""How many papers there are of what."""

from kb.index.sqlite.lists import LIST_MARK, count_names
from kb.index.sqlite.reader import Reader

MOST = 20


def statistics(reader: Reader) -> dict[str, dict[str, int]]:
    """Return counts of papers by month, kind, organization (the most frequent) and kind of link."""
    link_kinds = [LIST_MARK.join(kinds.split()) for kinds in reader.papers.column("link_kinds") if kinds.strip()]
    return {
        "index": {
            "papers": reader.papers.count(),
            "texts beside papers": reader.papers.count_texts(),
            "notes": len(reader.files.stamps()),
        },
        "month": {month or "none": count for month, count in reader.papers.months()},
        "kind": dict(count_names(reader.papers.column("kind"))),
        "organization": dict(count_names(reader.papers.column("organizations"))[:MOST]),
        "link": dict(count_names(link_kinds)),
    }


def choices(reader: Reader, most: int) -> dict[str, list[tuple[str, int]]]:
    """Return the values of fields of a query and how many papers have each, no more than most of a field."""
    columns = {"org": "organizations", "tag": "keywords", "venue": "venue", "author": "authors", "kind": "kind"}
    found = {"month": [(month, count) for month, count in reader.papers.months() if month]}
    found |= {field: count_names(reader.papers.column(column)) for field, column in columns.items()}
    return {field: names[:most] for field, names in found.items()}
