"""Keys to cite papers by: the first author's last name, the year and the first telling word of the title."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from kb.notes.years import year_of
from kb.terms import FUNCTION_WORDS

# No word more: documents cite papers by these keys, and each word here changes some of them.
_NEVER_IN_KEYS = FUNCTION_WORDS.union(("can", "do", "does", "how", "towards", "via", "what"))
_LATIN = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i", "-": "", "'": "", "’": "", ".": ""}
)


def citation_keys(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return a key for each of records, ASCII and unlike all others; of equals, later ones get b, c and so on.

    The key that a library gives stays, and is given before all that are made. A record without an author or a word in
    Latin letters is cited by its id.
    Example: A. Müller, "The DM-Codec: …", 2024 -> "muller2024dmcodec"; without author "2024-10/dm-codec" ->
    "2024-10-dm-codec".
    """
    taken: set[str] = set()
    own = [(record.get("reference") or {}).get("key", "") for record in records]
    keys: dict[int, str] = {}
    for place in sorted(range(len(records)), key=lambda place: not own[place]):
        base = key = own[place] or _key(records[place])
        number = 1
        while as_bibtex(key).lower() in taken:
            number += 1
            key = base + _suffix(number)
        taken.add(as_bibtex(key).lower())
        keys[place] = key
    return [keys[place] for place in range(len(records))]


def as_bibtex(key: str) -> str:
    """Return a key of any library as BibTeX can hold one: "Smith, 2020 #b" -> "Smith-2020-b"."""
    return re.sub(r"[\s,{}#%~\\]+", "-", key).strip("-") or "-"


def _key(record: dict[str, Any]) -> str:
    name = _folded(record["authors"][0].split()[-1]) if record["authors"] and record["authors"][0].split() else ""
    words = (_folded(word) for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", record["title"]))
    word = next((word for word in words if word and word not in _NEVER_IN_KEYS and not word.isdecimal()), "")
    if name and word:
        return f"{name}{year_of(record['published'], record['venue'], record['arxiv_id']) or ''}{word}"
    identity = record["id"]
    plain = re.sub(r"[^a-z0-9]+", "-", identity.lower()).strip("-")
    return plain if identity.isascii() else f"{plain}-{hashlib.sha256(identity.encode()).hexdigest()[:6]}".lstrip("-")


def _folded(word: str) -> str:
    """Return word in small ASCII letters and digits; empty if it has letters of another script."""
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(mark))
    bare = bare.translate(_LATIN)
    return bare if bare.isascii() and bare.isalnum() else ""


def _suffix(number: int) -> str:
    return chr(ord("a") + number - 1) if number <= 26 else f"-{number}"
