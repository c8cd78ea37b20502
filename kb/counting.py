"""How many papers there are of what."""

from collections import Counter
from collections.abc import Iterable

from kb.store.reader import Reader

LIST_MARK = "、"  # how the index joins lists
MOST = 20


def count_names(columns: Iterable[str]) -> list[tuple[str, int]]:
    """Return (name, papers) of joined lists, most frequent first.

    Example: ["SLM、Codec", "SLM"] -> [("SLM", 2), ("Codec", 1)].
    """
    counted = Counter(name for column in columns for name in column.split(LIST_MARK))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


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
