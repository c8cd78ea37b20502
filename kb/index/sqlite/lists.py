"""Lists as the index holds them: joined to one text."""

from collections import Counter
from collections.abc import Iterable

LIST_MARK = "、"


def count_names(columns: Iterable[str]) -> list[tuple[str, int]]:
    """Return (name, papers) of joined lists, most frequent first.

    Example: ["SLM、Codec", "SLM"] -> [("SLM", 2), ("Codec", 1)].
    """
    counted = Counter(name for column in columns for name in column.split(LIST_MARK))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
