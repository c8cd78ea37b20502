"""Organizations as notes list them: "CMU、MIT", "Tsinghua University, Shenzhen; MIT", "港科大（广州）/蚂蚁集团"."""

import re
from collections.abc import Iterable

from kb.patterns import pattern

_BETWEEN = pattern(r"[、/／;；|｜\n]")
_COMMA = pattern(r"[,，]")
_AND = pattern(
    r"(?<=大学|学院|公司|集团)[和与及](?=\S{2})|(?<=研究院|实验室|研究所)[和与及](?=\S{2})|\s[和与]\s"
    r"|(?<=[A-Z]{2})\s(?:and|&)\s(?=[A-Z]{2})|^and\s"
)
_NUMBER = pattern(r"^(?:[\[(（]?\d{1,2}[\])）.]?\s+|[¹²³⁰⁴-⁹†‡§]+\s?|\^\{?\d{1,2}\}?\^?\s?)")
_MARKS = ' *`_"“”·•-–—,，.'
_UNIVERSITY = pattern(r"universit|college|institute of technology|大学|学院", re.IGNORECASE)
_PART = pattern(
    r"\b(?:lab|laboratory|department|dept|school|faculty|group|cent(?:er|re)|institute|division)\b|系$|实验室$|研究[院所]$",
    re.IGNORECASE,
)
_CAMPUSES = pattern(
    r"university of (?:california|texas|illinois|maryland|massachusetts|wisconsin|michigan|north carolina)",
    re.IGNORECASE,
)
_LEGAL = pattern(r"(?:co|ltd|inc|llc|corp|gmbh|limited)\.?(?:\s|$)", re.IGNORECASE)
_COUNTRIES = (
    "china|prc|usa?|unitedstates|uk|unitedkingdom|germany|france|japan|korea|southkorea|singapore|canada|india|israel|italy|spain"
    "|switzerland|netherlands|thenetherlands|sweden|australia|taiwan|hongkong|macau|austria|belgium|denmark|finland|norway|poland"
    "|brazil|russia|ireland|portugal|greece|中国|美国|英国|德国|法国|日本|韩国|新加坡|加拿大"
)
_COUNTRY = pattern(_COUNTRIES)


def split_organizations(text: str) -> tuple[str, ...]:
    """Return the organizations of a list, each once; what stands in brackets, or an ampersand as in Texas A&M, stays.

    Examples: "CMU、MIT" -> ("CMU", "MIT"); "Google/DeepMind" -> ("Google", "DeepMind");
    "港科大（广州、深圳）、蚂蚁集团" -> ("港科大（广州、深圳）", "蚂蚁集团");
    "Tsinghua University, Shenzhen; MIT" -> ("Tsinghua University, Shenzhen", "MIT").
    """
    hidden = _hidden(text)
    pieces = _cut(text, hidden, _BETWEEN)
    if len(pieces) == 1 or not re.search("[;；]", hidden):
        pieces = [part for piece in pieces for part in _parts(piece)]
    names = (_NUMBER.sub("", part.strip(_MARKS)).strip(_MARKS) for piece in pieces for part in _AND.split(piece))
    return tuple(dict.fromkeys(" ".join(name.split()) for name in names if name))


def _parts(text: str) -> Iterable[str]:
    """Return the organizations that commas divide; an address, or a part and its whole, are one."""
    pieces = [piece.strip() for piece in _cut(text, _hidden(text), _COMMA) if piece.strip()]
    if any(_COUNTRY.fullmatch(re.sub(r"[\W_]", "", piece).lower()) for piece in pieces[1:]):
        return [text]
    if len(pieces) == 2 and _UNIVERSITY.search(pieces[0]) and not _may_be_organization(pieces[1]):
        return [text]  # University, City
    found: list[str] = []
    for piece in pieces:
        is_whole = bool(found) and _UNIVERSITY.search(piece) and not _UNIVERSITY.search(found[-1])
        if is_whole and _PART.search(found[-1]):
            found[-1] += f", {piece}"  # Department, University
        elif found and (_CAMPUSES.fullmatch(found[-1]) or _LEGAL.match(piece)):
            found[-1] += f", {piece}"  # University of California, Berkeley; Robots Co., Ltd.
        else:
            found.append(piece)
    return found


def looks_like_organization(text: str) -> bool:
    """Whether text can only be an organization: it says university, lab or the like, or is written in capitals."""
    return bool(_UNIVERSITY.search(text) or _PART.search(text) or text.isupper())


def _may_be_organization(text: str) -> bool:
    return looks_like_organization(text) or bool(re.search(r"\w [A-Z]|\d|[a-z][A-Z]", text))


def _hidden(text: str) -> str:
    """Return text with what stands in brackets made unlike any separator, at the same places."""
    marks, depth = [], 0
    for mark in text:
        depth += (mark in "(（[【") - (mark in ")）]】" and depth > 0)
        marks.append("x" if depth else mark)
    return "".join(marks) if not depth else text


def _cut(text: str, hidden: str, pattern: re.Pattern[str]) -> list[str]:
    parts, start = [], 0
    for found in pattern.finditer(hidden):
        parts.append(text[start : found.start()])
        start = found.end()
    return [*parts, text[start:]]
