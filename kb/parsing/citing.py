"""Citations: people, and the title that stands behind them."""

import re
from functools import lru_cache

LONGEST_LINE = 600  # characters of a line of names
LONGEST_CITED = 300  # characters of a title
_REMARKS = re.compile(r"[(（][^()（）]*[)）]|\bet\.? ?al\b\.?|[\d*†‡§¶^¹²³⁴⁵✉∗]")
_APART = re.compile(r"[,;，、；·|]|\band\b|&")
_NAME = re.compile(
    r"[A-ZÀ-Þ][\w.'’-]*(?:[ -](?:[A-ZÀ-Þ][\w.'’-]*|de|van|der|den|von|la|al|el|bin|del|dos|da|di)){1,4}"
    r"|[\u4e00-\u9fff]{2,4}"
)
_INITIALS = re.compile(r"(?:[A-Z]\.?[ -]?){1,3}")
_FAMILY = re.compile(r"[A-ZÀ-Þ][\w'’-]+")
_NO_NAMES = re.compile(r"https?:|[!?。；：:]|\.\s*$")
_STOP = re.compile(r"(?<=[a-zà-ÿ)\d])[.?!]\s+")  # ends a sentence, not an initial
_QUOTED = re.compile(r"(?P<people>[^\"“”\n]{3,200}?)[,.:]?\s+[\"“](?P<title>[^\"“”\n]{8,300}?)[,.]?[\"”]")
_OTHERS = re.compile(r"\bet\.? ?al$")


@lru_cache(maxsize=1024)
def are_people(text: str) -> bool:
    """Whether a line is made of two personal names or more: "Ann One, Bo Two", "One, A., & Two, B.", "张三、李四"."""
    if not 5 <= len(text) <= LONGEST_LINE:
        return False
    bare = _REMARKS.sub("", text).strip(" .")
    if _NO_NAMES.search(bare):
        return False
    parts = [part for piece in _APART.split(bare) if (part := piece.strip(" ."))]
    initials = sum(bool(_INITIALS.fullmatch(part)) for part in parts)
    if initials and initials >= 0.3 * len(parts):  # One, A., Two, B.
        named = sum(bool(_FAMILY.fullmatch(part) or _NAME.fullmatch(part)) for part in parts)
        return named >= 1 and named + initials >= 0.8 * len(parts)
    named = sum(bool(_NAME.fullmatch(part)) for part in parts)
    return named >= 2 and named >= 0.7 * len(parts)


def is_person(text: str) -> bool:
    """Whether a text is one personal name: "Ann One"."""
    return bool(_NAME.fullmatch(text))


def cited_title(text: str) -> str | None:
    """Return the title of a citation that begins with people: "Ann One and Bo Two. Toys that Speak. ACL 2020."."""
    if text.startswith(("*", "_", "[", "`", "<")):
        return None
    if quoted := _QUOTED.match(text):
        return quoted["title"] if are_people(quoted["people"]) or _NAME.fullmatch(quoted["people"]) else None
    first = _STOP.search(text, 0, LONGEST_LINE)
    if not first:
        return None
    people = text[: first.start()]
    end = _STOP.search(text, first.end(), first.end() + LONGEST_CITED)
    is_one = bool(end and _NAME.fullmatch(people.strip()))  # a single name needs more behind the title
    if not (is_one or are_people(people) or _OTHERS.search(people)):
        return None
    title = text[first.end() : end.start() if end else first.end() + LONGEST_CITED].rstrip(" .")
    return title if len(title.split()) >= 2 and "//" not in title else None
