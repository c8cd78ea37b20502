"""Numbers and names of months, as they are written in several languages, in one form that patterns are short for."""

import re
import unicodedata

from kb.patterns import pattern

LONGEST = 2000  # characters that are looked at: no heading is longer
SURE, UNSURE = "[\ue001-\ue00c]", "[\ue011-\ue01c]"  # a month by its name; a word that is a month's name beside others
ANY_MONTH = "[\ue001-\ue00c\ue011-\ue01c]"
WEEK = r"(?:calendar week|weeks?|wk|kw|cw|woche|semaine|semana|settimana|w)"
ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NAMES = (
    "jan january januar jänner janvier janv enero gennaio janeiro",
    "feb february februar feber février fevrier févr fév febrero febbraio fevereiro",
    "mar march märz maerz mrz mär mars marzo março marco",
    "apr april avril abril aprile",
    "may mai mayo maggio maio",
    "jun june juni juin junio giugno junho",
    "jul july juli juillet juil julio luglio julho",
    "aug august août aout agosto",
    "sep sept september septembre septiembre setiembre settembre setembro",
    "oct october okt oktober octobre octubre ottobre outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember décembre decembre déc diciembre dicembre dezembro",
)
_LETTER = "A-Za-zÀ-ÿ"
_SHORT = ("ene gen", "fev", "", "abr avr", "mag", "giu", "lug", "ago", "set", "ott out", "", "dic")  # words elsewhere
_MONTHS = {word: n for names in (_NAMES, _SHORT) for n, words in enumerate(names, 1) for word in words.split()}
_ALWAYS_UNSURE = frozenset(" ".join(_SHORT).split())
_NAMES_OF_ELSE = frozenset(("mars", "mai", "mayo", "marco", "julio"))  # a planet, people, a clinic: in capitals
_VERBS = frozenset(("may", "march", "mar"))  # in small letters
_WORD = pattern(r"(?<![A-Za-zÀ-ÿ])[A-Za-zÀ-ÿ]{3,10}(?![A-Za-zÀ-ÿ])")
_JOINED = pattern(rf"[{_LETTER}]{{1,10}}(?=-$)")
_HAN_NUMBER = pattern(r"(?<![A-Za-z])[〇零○◯Oo一二三四五六七八九十廿元]{1,4}(?=\s{0,2}[年月日号號周週季])")
_HAN_DIGITS = {**dict.fromkeys("〇零○◯Oo", 0), **{sign: n for n, sign in enumerate("一二三四五六七八九", 1)}}
_YEAR = r"(?:19|20)\d\d"
_PART = r"(?:Q[1-4]|H[12]|first half|second half|spring|summer|autumn|fall|winter|[春夏秋冬][季天]?)(?![A-Za-z\d])"
PERIODS = pattern(  # parts of a year that are no month
    rf"(?<!\d){_YEAR}\s?年?[\s,./'_-]{{0,2}}{_PART}|(?<![A-Za-z]){_PART}[\s,./'_-]{{0,2}}(?:of\s)?{_YEAR}(?!\d)"
    r"|第?\s?[1-4]\s?季度|[上下]半年",
    re.ASCII | re.IGNORECASE,
)
WEEKS = pattern(
    rf"第\s?\d{{1,2}}\s?[周週]|(?<![A-Za-z]){WEEK}[.\s#-]{{0,2}}\d{{1,2}}(?![\d.])", re.ASCII | re.IGNORECASE
)
UNITS = pattern(r"(?<!\d)(?:19|20)\d\d\s?年度?|\d{1,2}\s?月份?|\d{1,2}\s?[日号號]|月?[上中下]旬", re.ASCII)
WEEKDAYS = pattern(
    rf"(?:星期|礼拜|周|週)[一二三四五六日天]|\([月火水木金土日]\)|(?<![{_LETTER}])(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag"
    r"|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles"
    rf"|jueves|viernes|sábado|domingo)(?![{_LETTER}])",
    re.IGNORECASE,
)
BESIDE_DATES = pattern(  # words that belong to a date where there is one
    rf"(?<![{_LETTER}])(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|{WEEK}|of|the|to|on|in|bis|del?|am|im|le|el|au|al)(?![{_LETTER}])"
    r"|[至到]|\d{1,2}:\d\d(?::\d\d)?",
    re.IGNORECASE,
)
_SIGN_OF_WORD = pattern(r"[^\W_]|[\ue001-\ue01c]")
_UPDATED = pattern(
    rf"(?:(?<![{_LETTER}])(?:(?:last\s)?(?:updated?|modified|revised|edited)|stand(?=:)|(?:zuletzt )?aktualisiert"
    r"|mis à jour|actualizado|aggiornato|atualizado)(?:\s(?:on|at|in|am|le|el|il|em))?"
    r"|(?:更新|修改|编辑)(?:于|时间|日期|自)|(?:最后|最近|上次)(?:更新|修改|编辑))"
    r"\s?:?\s?(?=[(\[]?(?:[A-Za-z]{2,9}[,.]?\s)?['\d\ue001-\ue01c])",
    re.IGNORECASE,
)
_ADDRESS = pattern(r"https?://[^\s<>）]{1,2000}")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("〜∼", "~"),
        **dict.fromkeys("’‘ʼ′", "'"),
        **dict.fromkeys("*`\\", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufe0f\ufeff"),
        **dict.fromkeys(map(chr, range(0xE000, 0xE020)), " "),
        "년": "年",
        "월": "月",
        "일": "日",
    }
)


def in_one_form(text: str) -> str:
    """Return text with digits for Chinese and full-width numbers, plain signs, and a month's name as one character.

    It ends where the text says when somebody wrote: "updated on", 更新于.
    Example: "二〇二四年十月" -> "2024年10月"; "5. Oktober ２０２４" -> "5. \\ue00a 2024".
    """
    text = text[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if "//" in text:
        text = _ADDRESS.sub(" ", text)
    text = text.translate(_SIGNS)
    if not text.isascii():
        text = _HAN_NUMBER.sub(_number, text)
    return _UPDATED.split(_WORD.sub(_month, text), maxsplit=1)[0]


def names_month(text: str) -> bool:
    """Whether a word of text is the name of a month, in any of the languages, or may be."""
    return any(word.lower() in _MONTHS for word in _WORD.findall(text))


def alone(text: str) -> str:
    """Return a text in one form without weekdays, and without the signs around it."""
    text = WEEKDAYS.sub(" ", text)
    first, last = _SIGN_OF_WORD.search(text), _SIGN_OF_WORD.search(text[::-1])
    return text[first.start() : len(text) - last.start()] if first and last else ""


def with_names(text: str) -> str:
    """Return what in_one_form made with the English names of its months."""
    return re.sub(ANY_MONTH, lambda found: ENGLISH[month_of(found[0]) - 1], text)


def month_of(written: str) -> int:
    """Return the month of digits or of the character that stands for a name."""
    return int(written) if written.isdigit() else ord(written) % 16


def _month(found: "re.Match[str]") -> str:
    word = found[0]
    name = word.lower()
    number = _MONTHS.get(name)
    if not number:
        return word
    before, after = (
        found.string[max(0, found.start() - 11) : found.start()],
        found.string[found.end() : found.end() + 1],
    )
    joined = _JOINED.search(before)
    if joined and after.isspace() and joined[0].lower() not in _MONTHS:  # Enc-Dec 2024
        return word
    is_small = word.islower()
    is_unsure = (
        name in _ALWAYS_UNSURE
        or (name in _NAMES_OF_ELSE and not is_small)
        or (name in _VERBS and is_small)
        or (len(word) <= 4 and word.isupper())  # OCT, MAR
    )
    return chr((0xE010 if is_unsure else 0xE000) + number)


def _number(found: "re.Match[str]") -> str:
    """Return a Chinese number in digits: "二〇二四" -> "2024", "二十五" -> "25"."""
    signs = found[0]
    if signs in ("元", "廿"):
        return "1" if signs == "元" else "20"
    if signs.strip("Oo") == "" or "元" in signs:
        return signs
    if "十" in signs or "廿" in signs:
        tens, _, ones = signs.replace("廿", "二十").partition("十")
        if len(tens) > 1 or len(ones) > 1:
            return signs
        return str(10 * _HAN_DIGITS.get(tens, 1) + _HAN_DIGITS.get(ones, 0))
    return "".join(str(_HAN_DIGITS[sign]) for sign in signs)
