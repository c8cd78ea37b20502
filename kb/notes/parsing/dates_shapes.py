"""What has the shape of a date, whether there is such a day or not."""

import re
from difflib import get_close_matches

from kb.notes.parsing.dates_words import ANY_MONTH, ENGLISH
from kb.patterns import pattern

ALIKE = 0.75  # of a mistyped name of a month, as difflib measures it
_LONG_NAMES = tuple(name.lower() for name in ENGLISH if len(name) > 5)
_SHAPES = pattern(
    r"(?:(?:19|20)\d\d|\d\d(?=\s?年))\s?年[^年月]{0,4}月(?:.{0,3}[日号號])?|(?:19|20)\d\d\s?[-./_]\s?\d{1,2}(?:\s?[-./_]\s?\d{1,2})?"
    r"|(?:19|20)\d{6}|\d{1,2}\s?[./-]\s?(?:\d{1,2}\s?[./-]\s?)?(?:19|20)\d\d|(?:19|20)\d\d\s?[-_]?\s?W\s?\d{1,3}|\d\d([./])\d\d\1\d\d",
    re.ASCII | re.IGNORECASE,
)
_NAME_AND_YEAR = pattern(
    rf"(?:\d{{1,3}}(?:\.|st|nd|rd|th)?\s)?(?P<name>[A-Za-zÀ-ÿ]{{6,12}}|{ANY_MONTH})\.?,?\s?(?:\d{{1,3}},?\s)?'?(?:19|20)\d\d"
)


def is_shaped(said: str) -> bool:
    """Whether all that a text says has the shape of a date, or is a word like a month's name beside a year.

    Example: "2024-13", "20241345", "2024年13月", "32 Oct 2024", "Octember 2024"; not "Decoder 2024".
    """
    if _SHAPES.fullmatch(said):
        return True
    found = _NAME_AND_YEAR.fullmatch(said)
    if not found:
        return False
    name = found["name"].lower()
    return len(name) == 1 or bool(get_close_matches(name, _LONG_NAMES, 1, ALIKE))
