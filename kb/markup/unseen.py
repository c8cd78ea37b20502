"""Characters that nobody sees and that do something. Which of them go depends on where a text goes."""

import re
from functools import cache

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # but for tabs and ends of lines
TURNING = r"\u202a-\u202e\u2066-\u2069"  # they turn the direction of what follows them
HALVES = r"\ud800-\udfff"  # of characters; and what of a file's name is not UTF-8
_MARKS = r"\u061c\u200e\u200f"  # of direction; they turn nothing but themselves
# Of no width, or of no ink: default ignorable code points of Unicode, ends of lines that are none, tags, variants.
_NO_INK = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164"
    r"\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PICTURES = (
    r"\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001fbff"
)
_JOINING = (
    rf"\u200d(?:(?![{_PICTURES}])|(?<![{_PICTURES}\ufe0f]\u200d))"  # but for what makes one picture of two
    rf"|\ufe0f(?<![#*0-9\xa9\xae{_PICTURES}]\ufe0f)"  # but for what gives a picture its colours
)
_STEERING = rf"{CONTROL}\r{TURNING}{_MARKS}{HALVES}{_NO_INK}"

# What a text may not do on a terminal: a carriage return is obeyed there, marks of direction move cells.
UNSEEN = re.compile(rf"[{_STEERING}\u200d\ufe0f]")


def clean(text: str, instead: str = "") -> str:
    """Return text without what nobody sees: a note must not steer a terminal. What joins two pictures stays."""
    pattern = _beside_pictures() if "\u200d" in text or "\ufe0f" in text else UNSEEN
    return pattern.sub(instead, text)


@cache
def _beside_pictures() -> re.Pattern[str]:
    return re.compile(rf"[{_STEERING}]|{_JOINING}")
