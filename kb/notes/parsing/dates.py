"""Dates as people write them, in headings, in the names of files and folders, in cells of tables.

A date is read as exactly as it is given: a quarter, half a year or a season is a year, because it is no month. A range
is read by its first day, as its name sorts, a numbered week by its Thursday, as ISO 8601 gives a week to a year. What
stands after "updated on" is when somebody wrote, not what they wrote about: it is no date.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from kb.notes.parsing import dates_forms as forms
from kb.notes.parsing.dates_forms import Date
from kb.notes.parsing.dates_shapes import is_shaped
from kb.notes.parsing.dates_words import (
    ANY_MONTH,
    BESIDE_DATES,
    PERIODS,
    SURE,
    UNITS,
    WEEKS,
    alone,
    in_one_form,
    with_names,
)
from kb.patterns import pattern

LONGEST_DATE = 60  # characters of a heading that is a date: weekdays, a range and two names of months
YEAR_DIGITS = 4
_SURE = pattern(SURE)
_ANY_MONTH = pattern(ANY_MONTH)
_TELLING = pattern(rf"\d|{SURE}|半年")
_DIGIT = pattern(r"\d", re.ASCII)
_MAY_TELL = pattern("[\\d〇零○一二]")  # a year is told in no other signs
_YEARS = pattern(r"\d{4}(?:\s?[-~/至到]\s?\d{4})?\s?年?度?")


class Noted(NamedTuple):
    """What the headings above an entry say of when it was read."""

    date: str | None  # as exactly as they say it
    is_final: bool  # one is meant as a date: if it tells no month there is none, whatever the file says


class _Told(NamedTuple):
    """What the headings or folders so far tell."""

    date: Date | None = None
    is_year: bool = False  # the last of them is a year and no more: a number below it is a month
    is_final: bool = False


def date_in(text: str) -> str | None:
    """Return the first date that text gives, as exactly as it does.

    Example: "2024年12月" -> "2024-12"; "Oct 3, 2024" -> "2024-10-03"; "(June 23 - June 29) - 2025" -> "2025-06-23";
    "2024 Q4" -> "2024"; "Updated on 2024-10-03" -> None.
    """
    found = _first(text)
    return found.text if found else None


def month_in(text: str) -> str | None:
    """Return the month that text names, None if it names none.

    Example: "论文速览 2024年10月" -> "2024-10"; "2024-11-01 23:00" -> "2024-11"; "2024-W42" -> "2024-10".
    """
    found = _first(text) if text else None
    return found.text[:7] if found and found.month else None


def day_in(text: str) -> tuple[int, int] | None:
    """Return the month and day of a date that text gives without a year: "(Dec 25 - Dec 31)" -> (12, 25)."""
    days = forms.dates_of(in_one_form(text), forms.DAY)
    return (days[0].month, days[0].day) if days and days[0].month and days[0].day else None


def month_of_file(file: str) -> str | None:
    """Return the month that the name of a file or its folders tell: "2024年/10月/a.md" -> "2024-10"."""
    found = _of_names(file).date
    return found.text[:7] if found and found.month else None


def date_of_path(path: Sequence[str], file: str = "", title: str = "") -> Noted:
    """Return the date of the headings that an entry stands under, outermost first; the innermost decides.

    A month or day without a year is of the year of a heading above, else of the one that file and its folders name, or
    the title of the note. A
    heading that is meant as a date and tells no month ends the month above it, so that nothing is of a month that
    nobody gave it; a bare year does not, because people group a month's papers by the year they appeared in.
    Example: ("2024年", "10月") -> "2024-10"; ("2024-10", "TTS") -> "2024-10"; ("2024-10", "2024-13") -> "2024", final.
    """
    told = _Told()
    known = None
    for heading in path:
        if not told.date and known is None:
            known = _of_names(file)
            known = known if known.date else _below(known, in_one_form(title), known)
        told = _below(told, in_one_form(heading), told if told.date or known is None else known)
    return Noted(told.date.text if told.date else None, told.is_final)


def is_date(text: str) -> bool:
    """Whether text is made of a date, and names nothing else: "2024-10", "(2024)", "Week 3", "10月5日 周六"."""
    return bool(text.strip()) and not without_dates(text)


def without_dates(text: str) -> str:
    """Return what text says beside dates, weeks and weekdays, in a normal form: to judge, not to show.

    Example: "【速览】2024年10月" -> "速览"; "Week 3: Codecs" -> "Codecs"; "Updated on 2024-10-05" -> "".
    """
    return with_names(_left(in_one_form(text)))


def looks_like_date(text: str) -> bool:
    """Whether text is meant as a date, be there such a one or not: "May 2024", "2024-13", "Octember 2024"."""
    return is_shaped(alone(in_one_form(text))) or is_date(text)


def _first(text: str) -> Date | None:
    plain = forms.PLAIN.fullmatch(text)
    return (plain and forms.read(plain)) or _date(in_one_form(text))


def _date(text: str) -> Date | None:
    """Return the first date of a text in one form: what stands together before a day whose year is further on."""
    digits = len(_DIGIT.findall(text))
    if not digits:
        return None
    if found := forms.whole(alone(text), forms.ALONE):
        return found
    is_named = _ANY_MONTH.search(text)
    if is_named or digits > YEAR_DIGITS or "年" in text:  # else it tells a year at most
        for patterns in ((*forms.NUMBERED, *forms.NAMED), forms.APART) if is_named else (forms.NUMBERED,):
            if dates := forms.dates_of(text, patterns):
                return dates[0]
    year = forms.YEAR.search(text)
    return Date(int(year["y"])) if year else None


def _below(told: _Told, text: str, known: _Told) -> _Told:
    """Return what is told below a heading or folder that is called text; known gives it a year."""
    numbers = _numbers(text, known.date, known.is_year) if known.date else None
    found = numbers or _date(text)
    if known.date and not (found and found.month):
        found = _within(text, known.date, known.is_year) or found
    if found and found.month:
        return _Told(found)
    if numbers or _ends_month(text):
        return _Told(found or (told.date and Date(told.date.year)), is_final=True)
    if found and not (told.date and told.date.month):
        return _Told(found, is_year=bool(_YEARS.fullmatch(alone(text))))
    return told._replace(is_year=False)


def _within(text: str, known: Date, is_year: bool) -> Date | None:
    """Return the date that text gives without a year: of the year of known, near to its month if it has one."""
    said = alone(text)
    dates = forms.dates_of(text, (*forms.DAY, *forms.MONTH), known)
    if found := dates[0] if dates else forms.whole(said, forms.MONTH_ALONE, known):
        distance = found.month - known.month if found.month and known.month else 0
        return found._replace(year=known.year - (distance > 6) + (distance < -6))
    if known.month:
        return forms.whole(said, forms.DAY_ALONE, known)
    return forms.whole(said, forms.NUMBERS_ALONE, known) if is_year else None


def _numbers(text: str, known: Date, is_year: bool) -> Date | None:
    """Return the month and day that text gives in numbers, below a year or the same month: 3.02 may be a chapter."""
    found = forms.whole(text.strip(), forms.DAY_BEFORE_DOTS, known)
    found = found or forms.whole(alone(text), forms.MONTH_AND_DAY_ALONE, known)
    return found if found and (is_year or found.month == known.month) else None


def _of_names(file: str) -> _Told:
    told = _Told()
    if not _MAY_TELL.search(file):
        return told
    path = PurePosixPath(file)
    for name in (*path.parts[:-1], path.stem):
        told = _below(told, in_one_form(name), told)
    return told


def _left(text: str) -> str:
    """Return what a text in one form says beside dates."""
    said = alone(text)
    if forms.whole(said, forms.ALONE):
        return ""
    rest = said
    for date in (*forms.NUMBERED, *forms.NAMED, *forms.DAY):
        rest = date.sub(lambda found: " " if forms.read(found) else found[0], rest)
    for other in (PERIODS, WEEKS, UNITS, forms.YEAR, _SURE):
        rest = other.sub(" ", rest)
    if rest != said:
        rest = BESIDE_DATES.sub(" ", rest)
    return alone(" ".join(rest.split()))


def _ends_month(text: str) -> bool:
    """Whether a text that tells no month is meant as a date; a year, a weekday, "Week 3" may stand below one."""
    said = alone(text)
    if len(said) > LONGEST_DATE or not _TELLING.search(said):
        return False
    return is_shaped(said) or not (_left(text) or _YEARS.fullmatch(said) or not alone(WEEKS.sub("", said)))
