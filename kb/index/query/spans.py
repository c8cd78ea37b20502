"""Months and years as people type them: one, from one to another, open at an end, or told from today."""

import re
from datetime import date

from kb.errors import KbError
from kb.terms import fold

FIRST_YEAR, LAST_YEAR = "0001", "9999"

_RANGE = r"\.{2,3}|[~〜至到]"
_NUMBERED = r"0?[1-9]|1[0-2]"
_HAN = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERS = {name: number for names in (_HAN, _ENGLISH) for number, name in enumerate(names, 1)}
_NAMED = rf"(?P<named>{'|'.join(_ENGLISH)})[a-z]{{0,6}}"
_MONTHS = (
    r"(?P<year>\d{4})(?P<number>0[1-9]|1[0-2])",  # 202410
    rf"(?P<year>\d{{4}}|\d\d)[-/._年](?P<number>{_NUMBERED})(?:月份?)?",  # 2024-10, 24/10, 2024年10月
    rf"(?P<number>{_NUMBERED})[-/._](?P<year>\d{{4}})",  # 10/2024
    r"(?P<year>\d{4}|\d\d)年(?P<named>十[一二]?|[一二三四五六七八九])月份?",  # 2024年十月
    rf"(?:{_NAMED}[-/.,_']*(?P<year>\d{{4}}|(?<=')\d\d))",  # October 2024, Oct'24
    rf"(?P<year>\d{{4}})[-/.,_]?{_NAMED}",  # 2024-Oct
)
_YEAR = r"(\d{4})年?"
_MONTHS_AGO = {
    **dict.fromkeys(("this", "current", "thismonth", "currentmonth", "本月", "这个月", "这月", "当月"), 0),
    **dict.fromkeys(("last", "previous", "lastmonth", "previousmonth", "上个月", "上月"), 1),
}
_YEARS_AGO = {
    **dict.fromkeys(("this", "current", "thisyear", "currentyear", "今年", "本年"), 0),
    **dict.fromkeys(("last", "previous", "lastyear", "previousyear", "去年", "上一年"), 1),
}
_MONTH_OF_WORDS = frozenset(("thismonth", "lastmonth", "本月", "这个月", "上个月", "上月"))
_PLAIN = rf"(?:19|20)\d\d(?:[-/](?:{_NUMBERED})|年(?:{_NUMBERED})月份?)"
LONGEST = 40  # characters of a month or a range of them


def months(text: str) -> tuple[str, str]:
    """Return the first and the last month of what is typed, both included.

    Example: "2024-9" -> ("2024-09", "2024-09"); "2024" -> ("2024-01", "2024-12"); "..2024/10" -> ("0001-01",
    "2024-10"); "last" in January 2025 -> ("2024-12", "2024-12").
    Raises: KbError if it is no month, or ends before it begins.
    """
    first, last = _ends(text)
    since = _month(first, text)[0] if first else f"{FIRST_YEAR}-01"
    until = _month(last, text)[1] if last else f"{LAST_YEAR}-12"
    return _in_order("month", since, until)


def years(text: str) -> tuple[str, str]:
    """Return the first and the last year of what is typed, both included: "2020.." -> ("2020", "9999").

    Raises: KbError if it is no year, or ends before it begins.
    """
    compact = "".join(fold(text).split())
    parts = re.fullmatch(rf"{_YEAR}[-\u2013\u2014]{_YEAR}", compact)  # between years a dash can mean nothing else
    first, last = parts.groups() if parts else _ends(text)
    since = _year(first, text) if first else FIRST_YEAR
    until = _year(last, text) if last else LAST_YEAR
    return _in_order("year", since, until)


def is_month(text: str) -> bool:
    """Whether text, typed without a field, is a month or months beyond doubt: 2025-05, 2025年5月, ..2024-10, 上个月.

    A year alone is a number like others, and 202505 too.
    """
    if len(text) > LONGEST:
        return False
    compact = "".join(fold(text).split())
    if compact[:1] not in ("1", "2", "."):
        return compact in _MONTH_OF_WORDS
    return bool(re.fullmatch(rf"{_PLAIN}(?:\.\.\.?(?:{_PLAIN})?)?|\.\.\.?{_PLAIN}", compact))


def _ends(text: str) -> tuple[str, str]:
    """Return the two ends of text, the same one twice if it is no range."""
    compact = "".join(fold(text).split())  # fold writes … as three dots
    parts = re.split(_RANGE, compact, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) > 1 and any(parts) else (compact or "?", compact or "?")


def _month(typed: str, text: str) -> tuple[str, str]:
    """Return the first and last month of one end of a range: "2024" -> ("2024-01", "2024-12")."""
    if typed in _MONTHS_AGO:
        today = date.today()
        number = 12 * today.year + today.month - 1 - _MONTHS_AGO[typed]
        month = f"{number // 12:04}-{number % 12 + 1:02}"
        return month, month
    if typed in _YEARS_AGO or re.fullmatch(_YEAR, typed):
        year = _year(typed, text)
        return f"{year}-01", f"{year}-12"
    for pattern in _MONTHS:
        if found := re.fullmatch(pattern, typed):
            given = found.groupdict()
            number = int(given.get("number") or _NUMBERS[given["named"]])
            month = f"{given['year'] if len(given['year']) == 4 else '20' + given['year']}-{number:02}"
            return month, month
    raise KbError(
        "month: should look like 2024-10, 2024-9, 2024/10, 202410, 2024年10月, 2024, 2024-08..2024-11, 2024-10..,"
        f" ..2024-10, last or this, got {text!r}"
    )


def _year(typed: str, text: str) -> str:
    if typed in _YEARS_AGO:
        return f"{date.today().year - _YEARS_AGO[typed]:04}"
    if found := re.fullmatch(_YEAR, typed):
        return found[1]
    raise KbError(f"year: should look like 2024, 2020..2024, 2020.., ..2024, last or this, got {text!r}")


def _in_order(name: str, since: str, until: str) -> tuple[str, str]:
    if since > until:
        raise KbError(f"{name}: {since} comes after {until}", f"turn them around: {name}:{until}..{since}")
    return since, until
