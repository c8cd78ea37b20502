"""The forms that dates are written in, as patterns over what kb.notes.parsing.dates_words makes of a text.

The groups of a pattern say what they hold: y year, m month, d day, w week; a and b day and month in either order; u, n
and e year, month and day of the end of a range. Repetitions are bounded, so that no text takes more than linear time.
"""

import datetime
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from kb.notes.parsing.dates_words import ANY_MONTH, SURE, UNSURE, WEEK, month_of
from kb.patterns import pattern

LONGEST_RANGE = 31  # days between two numbers that are a range
YOUNGEST = 70  # of years in two digits: 69 is 2069, 70 is 1970
Patterns = tuple["re.Pattern[str]", ...]


class Date(NamedTuple):
    """What a text says of a day, as far as it does."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def text(self) -> str:
        """The date in numbers: "2024", "2024-10" or "2024-10-05"."""
        return "-".join(f"{part:02d}" for part in self if part)


PLAIN = pattern(r"(?P<y>(?:19|20)[0-9]{2})-(?P<m>1[0-2]|0[1-9])(?:-(?P<d>[0-3][0-9]))?")
NOTHING = Date(2000)  # a leap year, where it is not asked for
_Y = r"(?P<y>(?:19|20)\d\d)"
_Y_OR_YY = r"(?P<y>(?:19|20)?\d\d)"  # before 年
_Y_OR_APOSTROPHE = r"'?(?P<y>(?:19|20)\d\d|(?<=')\d\d)(?!\d)"
_M = r"(?P<m>1[0-2]|0?[1-9])"
_MM = r"(?P<m>1[0-2]|0[1-9])"
_D = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_DD = r"(?P<d>3[01]|[12]\d|0[1-9])"
_BEFORE = r"(?<!\d)(?<![vV])(?<!\d[./])(?<!ISO )(?<!IEC )(?<!RFC )(?<!GB/T )"  # neither a version nor a standard
_AFTER_DAY = r"(?!\d)(?!(?!T\d)[A-Za-z])"  # so 2024-10-05T23:00
_AFTER_MONTH = r"(?![\dA-Za-z])(?![-./_]\d{1,2}(?![\dA-Za-z月]))"  # 2024-10-45 and 2024.10.0 are none
_ORDINAL = r"(?:st|nd|rd|th|er|o|\.(?=\s))?"
_TO = r"\s?(?:-|~|/|至|到|\bto\b|\bbis\b|\bau\b|\bal?\b)\s?"
_TO_DAY = r"(?:\s?[日号號]?\s?[-~至到]\s?\d{1,2})?"
_TO_NUMBER = r"(?:\s?[-~至到]\s?(?:\d{1,2}[-./])?\d{2,4}(?![\dA-Za-z./-]))?"
_OF = r"(?:\s|of\s|del?\s)?"
_GAP = r"(?:[\s,./_-]|of\s|del?\s){1,4}"
_HAN_WEEK = r"第\s?(?P<w>\d{1,2})\s?[周週]"
_WEEK = rf"(?<![A-Za-z]){WEEK}[.\s#-]{{0,2}}(?P<w>\d{{1,2}})(?!\d)"


def _name_day(month: str) -> str:
    return rf"(?P<m>{month})\.?[\s_-]{{0,2}}{_D}{_ORDINAL}(?!\d|\.\d|%)"


def _day_name(month: str) -> str:
    return rf"(?<![\d.]){_D}(?:\.?\s?[-~]\s?\d{{1,2}})?{_ORDINAL}(?:\s|-|_)?{_OF}(?P<m>{month})\.?"


def _patterns(*written: str) -> Patterns:
    return tuple(pattern(one, re.ASCII | re.IGNORECASE) for one in written)


_UNTIL = rf"(?:{_TO}(?P<n>{ANY_MONTH})?\.?\s?\d{{1,2}}{_ORDINAL}(?!\d))?"
_UNTIL_NAME = rf"(?:{_TO}\d{{1,2}}{_ORDINAL}\s?{_OF}(?P<n>{ANY_MONTH})\.?)?"
NUMBERED = _patterns(  # what stands together, anywhere in a text
    rf"{_BEFORE}{_Y_OR_YY}\s{{0,2}}年度?\s{{0,2}}{_M}(?:\s?[-~/至到]\s?\d{{1,2}})?\s{{0,2}}月份?(?:\s{{0,2}}{_D}{_TO_DAY}\s{{0,2}}(?:[日号號]|$))?",
    rf"{_BEFORE}{_Y}\s?[-./_]\s?{_M}\s?[-./_月]\s?{_D}{_AFTER_DAY}日?{_TO_NUMBER}",
    rf"{_BEFORE}{_Y}\s?[-./_]\s?{_M}{_AFTER_MONTH}月?",
    rf"{_BEFORE}{_Y}{_MM}{_DD}{_AFTER_DAY}{_TO_NUMBER}",
    rf"(?<!\d)(?P<y>\d\d){_MM}{_DD}\s?[-~_至到]\s?(?P<u>\d\d)(?P<n>0[1-9]|1[0-2])(?P<e>[0-3]\d)(?!\d)",
    rf"(?:^|(?<=[^\s\dA-Za-z.,$¥€£])){_Y}{_MM}(?!\d|\s?[-~_]\s?\d{{6}})",
    rf"{_BEFORE}(?<!\. )(?<![$¥€£]){_Y}{_MM}(?=\W{{0,9}}$)",
    rf"(?<!\d)(?<!\d[./-])(?P<a>\d{{1,2}})(?P<sign>[./-])(?P<b>\d{{1,2}})(?P=sign){_Y}(?!\d)",
    rf"(?<!\d)(?<!\d[./-]){_M}\s?/\s?{_Y}(?![\d/])",
    rf"(?<!\d){_M}\s?月[^\d()]{{0,12}}\(\s?{_Y}\s?年?\)",
    rf"{_BEFORE}{_Y}[\s,]{{1,2}}{_M}\s?月份?(?!\s?\d)",
    rf"{_BEFORE}{_Y_OR_YY}\s?年[\s,]{{0,2}}{_HAN_WEEK}",
    rf"{_BEFORE}{_Y}[\s,-]{{0,2}}{_HAN_WEEK}",
    rf"{_BEFORE}{_Y}[\s,_-]{{0,2}}{WEEK}[.\s-]{{0,2}}(?P<w>\d{{1,2}})(?!\d)",
    rf"{_HAN_WEEK}[\s,/()-]{{0,4}}{_Y}(?!\d|\s?[-./年]\s?\d)",
    rf"{_WEEK}[\s,/()-]{{0,4}}(?:of\s)?{_Y}(?!\d|\s?[-./]\s?\d)",
)
NAMED = _patterns(  # the same with a name of a month
    rf"{_name_day(ANY_MONTH)}{_UNTIL}{_GAP}{_Y}(?!\d)",
    rf"{_day_name(ANY_MONTH)}{_UNTIL_NAME}{_GAP}{_Y}(?!\d)",
    rf"(?P<m>{SURE})\.?(?:{_TO}(?P<n>{SURE})\.?)?(?:{_GAP})?{_Y_OR_APOSTROPHE}",
    rf"(?<!\w)'(?P<y>\d\d)[\s-]?(?P<m>{SURE})",
    rf"{_BEFORE}{_Y}(?:\.(?!\s)|[\s,_-]{{0,3}})(?P<m>{SURE})(?:\.?[\s._-]{{1,2}}{_D}{_ORDINAL}(?!\d))?(?![A-Za-z])",
)
APART = _patterns(  # a day, and its year further on
    rf"{_name_day(SURE)}{_UNTIL}[^\d]{{0,40}}{_Y}(?!\d)",
    rf"{_day_name(SURE)}{_UNTIL_NAME}[^\d]{{0,40}}{_Y}(?!\d)",
)
ALONE = _patterns(  # only where a text says nothing else; 14.10.24 is none, it may be of 2014
    r"(?P<y>1[3-9]|[2-4]\d)[-._/](?P<m>0[1-9]|1[0-2])(?:(?<=\d[-_]\d\d)[-_](?P<d>3[01]|[12]\d|0[1-9]))?",
    rf"(?P<y>1[3-9]|[2-4]\d){_MM}{_DD}",  # 200105 is a day of 2020, nobody took notes in Markdown in 2001
    rf"{_MM}[-._\s]{_Y}",
    rf"{_Y}\s{_MM}(?:\s{_DD})?",
    rf"(?P<m>{UNSURE})\.?[\s,._-]{{0,3}}{_Y_OR_APOSTROPHE}",
    rf"{_Y}[\s,._-]{{0,3}}(?P<m>{UNSURE})",
)
DAY = _patterns(  # without a year
    rf"(?<!\d){_M}\s?月\s?{_D}{_TO_DAY}\s?[日号號]",
    _name_day(SURE) + _UNTIL,
    rf"{_day_name(SURE)}(?![A-Za-z])",
)
MONTH = _patterns(  # without a year, in any text
    r"(?<!\d)(?P<m>1[0-2]|0?[1-9])\s?月份?",
    rf"^[\W_]*(?P<m>{SURE})\.?(?=\s?(?:[(:|,-]|$))",
)
MONTH_ALONE = _patterns(
    rf"(?P<m>{ANY_MONTH})\.?(?:[\s_-]{{0,2}}{_D}{_ORDINAL})?",
    rf"{_D}{_ORDINAL}\s?{_OF}(?P<m>{ANY_MONTH})\.?",
)
MONTH_AND_DAY_ALONE = _patterns(  # below a year or the month
    rf"{_MM}[-._]?{_DD}{_TO_NUMBER}",
    rf"(?P<d>3[01]|2\d|1[3-9])\.{_MM}",
    r"(?P<a>\d{1,2})(?P<sign>/)(?P<b>\d{1,2})(?:\s?[-~至到]\s?\d{1,2}(?:/\d{1,2})?)?",
)
DAY_BEFORE_DOTS = _patterns(rf"{_D}\.\s?(?P<m>1[0-2]|0?[1-9])\.")
NUMBERS_ALONE = _patterns(_HAN_WEEK, _WEEK, _M)  # below a year
DAY_ALONE = _patterns(rf"{_D}\s?[日号號]", rf"(?:the\s)?{_D}(?:st|nd|rd|th)")
YEAR = pattern(
    rf"(?<!\d)(?<!v)(?<!\d[x×]){_Y}(?!\d|\.\d{{4,5}}(?!\d)|\s?[x×]\s?\d|\s?(?:hours?|hrs?|h|k|px|hz|ms|tokens?|samples?|steps?)\b)",
    re.ASCII | re.IGNORECASE,
)


def dates_of(text: str, patterns: Patterns, known: Date = NOTHING) -> list[Date]:
    """Return the first date of each pattern, the foremost in text first; what a pattern does not say is of known."""
    found = (next(_dates(text, pattern, known), None) for pattern in patterns)
    return [date for _, date in sorted((one for one in found if one), key=itemgetter(0))]


def whole(text: str, patterns: Patterns, known: Date = NOTHING) -> Date | None:
    """Return the date that all of text is, by the first of patterns that reads it as one."""
    matches = (pattern.fullmatch(text) for pattern in patterns)
    return next((date for match in matches if match and (date := read(match, known))), None)


def read(found: "re.Match[str]", known: Date = NOTHING) -> Date | None:
    """Return the date that the groups of a pattern hold, and of known what they do not; None for no such day."""
    said = {name: value for name, value in found.groupdict().items() if value}
    year = _full(said["y"]) if "y" in said else known.year
    if "w" in said:
        return _of_week(year, int(said["w"]))
    if "a" in said:
        return _either(year, int(said["a"]), int(said["b"]), said["sign"])
    month, day = month_of(said["m"]) if "m" in said else known.month, int(said["d"]) if "d" in said else None
    if not month or not _exists(year, month, day or 1):
        return None
    if "e" in said:
        return Date(year, month, day) if _is_range(year, month, day or 0, said) else None
    is_over_new_year = "n" in said and month_of(said["n"]) < month
    return Date(year - is_over_new_year, month, day)


def _dates(text: str, pattern: "re.Pattern[str]", known: Date) -> Iterator[tuple[int, Date]]:
    for found in pattern.finditer(text):
        if date := read(found, known):
            yield found.start(), date


def _full(year: str) -> int:
    number = int(year)
    return number if len(year) == 4 else number + (2000 if number < YOUNGEST else 1900)


def _of_week(year: int, week: int) -> Date | None:
    """Return the month of an ISO week, that of its Thursday: most of its days lie there."""
    try:
        return Date(year, datetime.date.fromisocalendar(year, week, 4).month)
    except ValueError:
        return None


def _either(year: int, one: int, other: int, sign: str) -> Date | None:
    """Return the date of two numbers before a year: with dots the day is first, else where only one order can be.

    Example: 5.10.2024, 15/10/2024 and 10/15/2024 are in October; 5/10/2024 may be in May, so only the year is told.
    """
    is_told = sign == "." or one == other or max(one, other) > 12
    for day, month in ((one, other), (other, one)):
        if _exists(year, month, day):
            return Date(year, month, day) if is_told else Date(year)
    return None


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return bool(datetime.date(year, month, day))
    except ValueError:
        return False


def _is_range(year: int, month: int, day: int, said: dict[str, str]) -> bool:
    """Whether the first of two numbers is a day and the second one soon after it."""
    try:
        last = datetime.date(_full(said["u"]), int(said["n"]), int(said["e"]))
        return 0 <= (last - datetime.date(year, month, day)).days <= LONGEST_RANGE
    except ValueError:
        return False
