"""Topics over months: how many papers bear each keyword in each month."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from kb.errors import NotFound
from kb.index.sqlite.lists import LIST_MARK
from kb.index.sqlite.reader import Reader
from kb.reports.periods import Period


class Trend(NamedTuple):
    """A topic and its papers in each month."""

    name: str
    papers: int
    counts: tuple[int, ...]


class Trends(NamedTuple):
    """The most frequent topics, month by month, those without papers included."""

    months: tuple[str, ...]
    topics: tuple[Trend, ...]

    def plot(self) -> Mapping[str, Any]:
        """Return it as kb.markup.pictures draws it."""
        series = {topic.name: list(topic.counts) for topic in self.topics}
        return {"kind": "line", "x": list(self.months), "series": series, "x_label": "", "y_label": "papers"}


def trends(reader: Reader, period: Period, most: int) -> Trends:
    """Return the most frequent topics of a period, so many of them, and their papers of each month.

    Raises: NotFound if no paper of the period bears a keyword.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for month, joined in reader.papers.column_of_months("keywords", *period):
        counted.update((name, month) for name in dict.fromkeys(joined.split(LIST_MARK)))
    if not counted:
        raise NotFound(f"no paper of {period.name} has keywords", "to see what there is: kb stats")
    noted = {month for _, month in counted}
    months = Period(min(noted), max(noted)).months
    totals: Counter[str] = Counter()
    for (name, _), count in counted.items():
        totals[name] += count
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:most]
    return Trends(
        months, tuple(Trend(name, total, tuple(counted[name, month] for month in months)) for name, total in ordered)
    )
