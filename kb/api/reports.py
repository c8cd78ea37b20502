"""What the papers come to: counts, trends, digests."""

from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened

if TYPE_CHECKING:
    from kb.records import MonthlyDigest
    from kb.reports.duplicates import Duplicates
    from kb.reports.options import Language, Layout
    from kb.reports.periods import Period
    from kb.reports.trends import Trends


class ReportCases(Opened):
    """Use cases of counts and reports."""

    def duplicates(self) -> "Duplicates":
        """Return pairs of records that may be one paper."""
        from kb.reports.duplicates import find_duplicates

        return find_duplicates(self.config, self.reader())

    def tags(self) -> list[tuple[str, int]]:
        """Return (keyword, papers), the most frequent first."""
        from kb.index.sqlite.lists import count_names

        return count_names(self.reader().papers.column("keywords"))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return counts of papers by month, kind, organization and kind of link."""
        from kb.reports.counts import statistics

        return statistics(self.reader())

    def choices(self, *, most: int = 40) -> dict[str, list[tuple[str, int]]]:
        """Return what fields of a query may take, "month", "org" and others, and how many papers have each value.

        Months come newest first, the others most frequent first.
        """
        from kb.reports.counts import choices

        return choices(self.reader(), most)

    def trends(self, period: "Period | str", *, limit: int = 12) -> "Trends":
        """Return the papers of each keyword by month; "2024" and "2024-10" are periods, too."""
        from kb.api.given import as_period
        from kb.reports.trends import trends

        return trends(self.reader(), as_period(period), limit)

    def months(self) -> list[str]:
        """Return the months with papers, newest first."""
        return [month for month, _ in self.reader().papers.months() if month]

    def digest(self, period: "Period | str", lang: "Language | None" = None) -> "MonthlyDigest":
        """Return the papers of some months by section, and what they have in common; lang None is that of the notes."""
        from kb.api.given import as_period
        from kb.reports.digest import digest

        return digest(self.reader(), as_period(period), lang)

    def publish(self, period: "Period | str", layout: "Layout", out: Path | str | None = None) -> str:
        """Return the digest of some months as text, and write it to out if that is given.

        Raises: KbError if out cannot be written or lies among the notes, or if layout or a template is amiss.
        """
        from kb.api.given import as_period, checked
        from kb.reports.publish import publish

        return publish(self.config, self.reader(), as_period(period), checked(layout), Path(out) if out else None)

    def publish_all(self, layout: "Layout", folder: Path | str) -> list[Path]:
        """Write the digest of every month to a folder, and return the files."""
        from kb.api.given import checked
        from kb.reports.publish import publish_all

        return publish_all(self.config, self.reader(), checked(layout), Path(folder))
