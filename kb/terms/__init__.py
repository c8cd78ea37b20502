"""Text to index terms, the same way for notes and for queries.

Writing systems without spaces have no word boundaries to cut at, so a run of such characters becomes its
overlapping pairs and then its last character: 残差量化 -> 残差 差量 量化 化. With positions kept, a string of two
characters or more is exactly the phrase of its pairs, and a single character is exactly a prefix of a term.
Everything else is cut into runs of letters and runs of digits: Qwen2-7B holds qwen, 2, 7 and b, 12.5Hz is 12 5 hz.
English words are stemmed by the full-text index itself (Porter), not here.
Forms of one Chinese character, simplified, traditional or Japanese, are one term: 聲調 and 声调.
"""

import re
import unicodedata
from collections.abc import Iterator
from operator import add
from typing import NamedTuple

from kb.terms.variants import GROUPS

# Scripts written without spaces: Han with its extensions and iteration marks, kana, Hangul.
UNSPACED = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\U00020000-\U000323af"
)
_RUN = re.compile(f"([{UNSPACED}]+)")
LATIN = "a-z\u00df-\u024f"
_WORD = re.compile(rf"[{LATIN}]+|[^\W\d_{LATIN}]+|\d+")  # Latin apart from other letters: pΛ
_ACCENTED = re.compile("[\u00c0-\u036f\u1e00-\u1fff]")
_ACCENT = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\ufe00-\ufe0f]")
# Only texts with one of these hold Chinese, in whatever form; said by what they are not, it compiles in a fifth.
_EASTERN = re.compile("[^\x00-\u2e7f]")

VARIANTS = {ord(variant): group[0] for group in GROUPS.split() for variant in group[1:]}  # 發 -> 发

# Of English: they say nothing wherever they stand. What else says nothing depends on who asks, and stands there.
FUNCTION_WORDS = frozenset("a an and are at by for from in is it of on or the to with".split())  # noqa: SIM905


def fold(text: str) -> str:
    """Return text as the index sees it: its letters, and of the forms of a Chinese character the same one.

    Example: "ＲＶＱ Café 聲調" -> "rvq cafe 声调".
    """
    if text.isascii() or not _EASTERN.search(text):
        return letters(text)
    folded = text.translate(_FOLDED)
    if unicodedata.is_normalized("NFKC", folded):
        return folded
    return letters(text).translate(VARIANTS)  # characters that make up one together, such as ｶﾞ


def letters(text: str) -> str:
    """Return text with compatible forms unified, in lower case, without accents and invisible characters.

    Example: "ＲＶＱ Café 聲調" -> "rvq cafe 聲調".
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _INVISIBLE.sub("", text)
    if _ACCENTED.search(text):
        text = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", text)))
    return text


class _Folded(dict[int, str]):
    """What fold makes of each character, worked out when it is first met: several times faster than text by text."""

    def __missing__(self, character: int) -> str:
        self[character] = letters(chr(character)).translate(VARIANTS)
        return self[character]


_FOLDED = _Folded()


def terms(text: str) -> list[str]:
    """Return the index terms of text, in order.

    Example: "残差量化 with RVQ2" -> ["残差", "差量", "量化", "化", "with", "rvq", "2"].
    """
    found: list[str] = []
    for spaced, run in runs(text):
        found.extend(_WORD.findall(spaced))
        found.extend(map(add, run, run[1:]))
        found.extend(run[-1:])
    return found


def name_key(text: str) -> str:
    """Return text as names are compared: "ＤＭ-Codec" and "dm codec" are one name."""
    return " ".join(terms(text))


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Return text, folded, as pairs of a stretch with spaces and the unspaced run after it; either may be empty.

    Example: "RVQ 量化" -> ("rvq ", "量化"), ("", "").
    """
    folded = fold(text)
    if folded.isascii():
        return iter([(folded, "")])
    return split_unspaced(folded)


class Phrase(NamedTuple):
    """Terms that must follow one another; the last one may be the beginning of a longer term."""

    terms: tuple[str, ...]
    is_prefix: bool
    quoted: str = ""  # what must stand there to the letter, as kb.index.literal compares it

    @property
    def has_words(self) -> bool:
        """Whether a term is of the kind the full-text index stems."""
        return any(term.isascii() and term.isalpha() for term in self.terms)


def phrase(text: str) -> Phrase | None:
    """Return the phrase that finds exactly the places where text stands; None if text holds nothing to find.

    Example: "RVQ第一层" -> terms ("rvq", "第一", "一层"); "量" -> the prefix 量.
    """
    found = terms(text)
    if not found:
        return None
    if not has_unspaced(found[-1]):
        return Phrase(tuple(found), is_prefix=False)
    if len(found) > 1 and len(found[-2]) == 2 and has_unspaced(found[-2]):
        return Phrase(tuple(found[:-1]), is_prefix=False)  # the pair before says all that the last character says
    return Phrase(tuple(found), is_prefix=True)


def alternatives(word: str) -> list[Phrase]:
    """Return the phrases any of which makes word worth a look: its parts, and for a compound the whole as well.

    Example: "声学延迟" -> 声学, 学延, 延迟; "12.5Hz" -> 12, hz and the phrase 12 5 hz.
    """
    found: list[Phrase | None] = []
    for spaced, run in runs(word):
        parts = _WORD.findall(spaced)
        found.extend(phrase(part) for part in parts if len(part) > 1 or len(parts) == 1)
        if len(parts) > 1:
            found.append(phrase(spaced))
        if len(run) > 2:
            found.extend(Phrase((run[i : i + 2],), is_prefix=False) for i in range(len(run) - 1))
        else:
            found.append(phrase(run))
    return [one for one in found if one]


def has_unspaced(text: str) -> bool:
    """Whether text holds a character of a script written without spaces."""
    return not text.isascii() and bool(_RUN.search(text))


def split_unspaced(text: str) -> Iterator[tuple[str, str]]:
    """Yield text as it is, as pairs of a stretch with spaces and the unspaced run after it; either may be empty."""
    pieces = iter(_RUN.split(text))
    for spaced in pieces:
        yield spaced, next(pieces, "")
