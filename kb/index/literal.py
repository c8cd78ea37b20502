"""Quoted text, looked up to the letter: with its signs, and in the forms of characters that it is written in.

Index terms have neither, so what they find is compared with the text of the note. Letter case, width, accents and
spaces do not count, nor do marks of Markdown between words; curly quotation marks and dashes are those of a keyboard.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache

from kb.terms import LATIN, VARIANTS, Phrase, letters, phrase, split_unspaced

_SIGNS = str.maketrans("‘’‛“”„‟‐‒–—―−", '\'\'\'""""------')
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_PIECE = re.compile(rf"[{LATIN}]+|[^\W\d_{LATIN}]+|\d+|[^\w\s]+|_+")
_SIGN = re.compile(r"[^\w\s]|_")
_NOT_TEXT = ("id", "file")  # fields of a record


def quoted(text: str) -> Phrase | None:
    """Return the phrase that text is, and what must stand there to the letter; None if it holds nothing to find.

    Example: "C++" -> the term c, to the letter "c++".
    """
    found = phrase(text)
    return found and found._replace(quoted=comparable(text))


def comparable(text: str) -> str:
    """Return text as quoted text is compared: "C\\+\\+ – ＡＢ" -> "c++ - ab"."""
    return _ESCAPE.sub("", letters(text).translate(_SIGNS))


def has_signs(text: str) -> bool:
    """Whether text holds more than letters, digits and spaces."""
    return bool(_SIGN.search(text))


def own_forms(text: str) -> str:
    """Return the characters of text that terms have in another form: "聲调" -> "聲"."""
    return "".join(dict.fromkeys(character for character in text if ord(character) in VARIANTS))


def other_forms(text: str) -> str:
    """Return the forms that characters of text have besides their own and that of terms: "声调" -> "聲調"."""
    folded = set(text.translate(VARIANTS))
    if text.isascii():
        return ""
    return "".join(chr(code) for code, form in VARIANTS.items() if form in folded and chr(code) not in text)


@lru_cache(maxsize=256)
def pattern(text: str) -> re.Pattern[str]:
    """Return what finds comparable text within comparable text; in another text it finds what is written plainly."""
    pieces: list[str] = []
    for spaced, run in split_unspaced(text):
        pieces += _PIECE.findall(spaced) + ([run] if run else [])
    between = r"[\s*_`~]{0,8}" if has_signs(text) else r"[\W_]*"
    return re.compile(between.join(map(_whole, pieces)), re.IGNORECASE)


def stands(text: str, record: str, claims: str | None) -> bool:
    """Whether comparable text stands in a paper: in its record or the records of its claims, a line each, as JSON."""
    found = pattern(text)
    return any(found.search(comparable(one)) for one in _texts(record, claims))


def _texts(record: str, claims: str | None) -> Iterator[str]:
    for name, value in json.loads(record).items():
        if isinstance(value, str) and name not in _NOT_TEXT:
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))
    for line in claims.split("\n") if claims else ():
        claim = json.loads(line)
        yield f"{claim['id']} {claim['says']}"


def _whole(piece: str) -> str:
    escaped = re.escape(piece)
    if piece.isdecimal():
        return rf"(?<!\d){escaped}(?!\d)"
    if re.fullmatch(f"[{LATIN}]+", piece):
        return f"(?<![{LATIN}]){escaped}(?![{LATIN}])"
    return escaped
