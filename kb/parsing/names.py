"""Names, months and slugs, as researchers write them."""

import re

_MONTHS = (
    re.compile(r"(?P<year>(?:19|20)[0-9]{2})\s*年\s*(?P<month>1[0-2]|0?[1-9])\s*月"),
    re.compile(r"(?<!\d)(?P<year>(?:19|20)[0-9]{2})\s*[-./_]\s*(?P<month>1[0-2]|0?[1-9])(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>(?:19|20)[0-9]{2})(?P<month>1[0-2]|0[1-9])(?!\d)"),
)
_DAY = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)[0-9]{2})\s*[-./年]\s*(?P<month>1[0-2]|0?[1-9])\s*[-./月]\s*(?P<day>3[01]|[12][0-9]|0?[1-9])(?!\d)"
)
_ENGLISH_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_ENGLISH_DAY = re.compile(
    rf"\b{_MONTH_NAME}\.?\s+(?P<day>3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?(?!\d)", re.IGNORECASE
)
_DAY_ENGLISH = re.compile(rf"(?<!\d)(?P<day>3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?\s+{_MONTH_NAME}\b", re.IGNORECASE)
_ENGLISH_MONTH = re.compile(rf"\b{_MONTH_NAME}\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)[0-9]{2}(?!\d)")
_SHORT_NAME = re.compile(
    r"(?P<name>[^\s:：|,，。()（）]+(?: [^\s:：|,，。()（）]+){0,3}?)\s*(?:[(（][^)）]*[)）])?\s*(?:[:：|]|--)\s*\S"
)
_DASHED = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9.+]*(?:[-_][A-Za-z0-9.+]+)*)\s*[-—–]+\s*(?=[^\sA-Za-z0-9])")
_SERIES_NUMBERS = re.compile(r"\s+\d+(?:\s*[&+、/和]\s*\d+)+$")
_NOT_SLUG = re.compile(r"[^\w.+]+")


def month_in(text: str) -> str | None:
    """Return the month that text names, None if it names none.

    Example: "论文速览 2024年10月" -> "2024-10"; "2024-11-01 23:00" -> "2024-11".
    """
    for pattern in _MONTHS:
        if found := pattern.search(text):
            return f"{found['year']}-{int(found['month']):02d}"
    return None


def short_name(title: str) -> str | None:
    """Return the name before the colon (or the dash before Chinese) of a title, if it is a name and not a sentence.

    Example: "DM-Codec: Distilling …" -> "DM-Codec"; "MaskGCT-国产大模型" -> "MaskGCT"; "A Survey of X: …" -> None.
    """
    found = _SHORT_NAME.match(title) or _DASHED.match(title)
    return found["name"] if found and is_name(found["name"]) else None


def is_name(text: str) -> bool:
    """Whether text could be the name of a system: short, with a capital or a digit, not an English phrase."""
    words = text.split()
    if not words or len(words) > 4 or len(text) > 40 or not re.search(r"[A-Z0-9]", text):
        return False
    return words[0].lower() not in {
        "a",
        "an",
        "the",
        "on",
        "towards",
        "toward",
        "how",
        "what",
        "is",
        "are",
        "do",
        "does",
    }


def without_series_numbers(title: str) -> str:
    """Return a heading that stands for several versions without their numbers: "AudioLDM 1&2" -> "AudioLDM"."""
    return _SERIES_NUMBERS.sub("", title)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a list: "MM Fusion、TTS-LLaMA" -> ("MM Fusion", "TTS-LLaMA")."""
    return tuple(part for piece in re.split(r"[、，,;；]", text) if (part := piece.strip(" *`")))


def split_keywords(text: str) -> tuple[str, ...]:
    """Return keywords: "`A` `B`" -> ("A", "B"); "#slm, codec" and "#slm #codec" -> ("slm", "codec")."""
    if coded := re.findall(r"`([^`]+)`", text):
        return tuple(dict.fromkeys(coded))
    tags = re.findall(r"(?:^|\s)#([^\s#,，;；、]+)", text)
    if tags and len(tags) == len(text.split()):
        return tuple(dict.fromkeys(tags))
    return tuple(dict.fromkeys(name for part in split_names(text) if (name := part.lstrip("#").strip("\"' "))))


def date_in(text: str) -> str | None:
    """Return the first date that text gives, as exactly as it does.

    Example: "2024年12月" -> "2024-12"; "Oct 3, 2024" -> "2024-10-03"; "(June 23 - June 29) - 2025" -> "2025-06-23".
    """
    if found := _DAY.search(text):
        return f"{found['year']}-{int(found['month']):02d}-{int(found['day']):02d}"
    if month := month_in(text):
        return month
    year = _YEAR.search(text)
    if year and (named := _ENGLISH_DAY.search(text) or _DAY_ENGLISH.search(text)):
        return f"{year[0]}-{_english_month(named['month'])}-{int(named['day']):02d}"
    if year and (named := _ENGLISH_MONTH.search(text)):
        return f"{year[0]}-{_english_month(named['month'])}"
    return year[0] if year else None


def day_in(text: str) -> tuple[int, int] | None:
    """Return the month and day of a date that text gives without a year: "(Dec 25 - Dec 31)" -> (12, 25)."""
    found = _ENGLISH_DAY.search(text) or _DAY_ENGLISH.search(text)
    return (_ENGLISH_MONTHS.index(found["month"][:3].lower()) + 1, int(found["day"])) if found else None


def _english_month(name: str) -> str:
    return f"{_ENGLISH_MONTHS.index(name[:3].lower()) + 1:02d}"


def slug(text: str) -> str:
    """Return text as an id part that a shell takes unquoted: "DM-Codec" -> "dm-codec"."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-.")[:60].rstrip("-.") or "entry"
