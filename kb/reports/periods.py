"""Which months are meant: one, a year, or from one to another."""

import re
from typing import NamedTuple

from kb.errors import KbError

FIRST, LAST = "0001-01", "9999-12"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_YEAR = re.compile(r"\d{4}")


class Period(NamedTuple):
    """Months, both ends included."""

    since: str  # "2024-10"
    until: str

    @property
    def name(self) -> str:
        """What it is called: "2024-10", "2024", "2024-10..2025-05", "2024-10..", "..2025-05" or "any month"."""
        if self.since == self.until:
            return self.since
        if self == (FIRST, LAST):
            return "any month"
        year = self.since[:4]
        if self == (f"{year}-01", f"{year}-12"):
            return year
        return f"{'' if self.since == FIRST else self.since}..{'' if self.until == LAST else self.until}"

    @property
    def months(self) -> tuple[str, ...]:
        """All of them, in order."""
        return tuple(map(_month, range(_number(self.since), _number(self.until) + 1)))

    def before(self, months: int) -> "Period":
        """Return so many months that end before this begins: 2024-10 and 3 -> 2024-07..2024-09."""
        first = _number(self.since)
        return Period(_month(first - months), _month(first - 1))


def period(text: str | None = None, since: str | None = None, until: str | None = None) -> Period:
    """Return the period of a month or year, or between two of them.

    Raises: KbError for what is neither, or an end before the beginning.
    Example: "2024" -> 2024-01..2024-12.
    """
    if text:
        return Period(_bound(text, "01"), _bound(text, "12"))
    found = Period(_bound(since, "01") if since else FIRST, _bound(until, "12") if until else LAST)
    if found.since > found.until:
        raise KbError(f"{found.since} comes after {found.until}", "turn --since and --until around")
    return found


def _bound(text: str, month: str) -> str:
    if _YEAR.fullmatch(text):
        return f"{text}-{month}"
    if not _MONTH.fullmatch(text):
        raise KbError(f"want a month such as 2024-10, or a year, got {text!r}")
    return text


def _number(month: str) -> int:
    """Return how many months there were before since the year 0."""
    return 12 * int(month[:4]) + int(month[5:]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"
