"""The people of a BibTeX field: names between `and`, each in the parts that BibTeX gives it.

A name is written "First von Last", "von Last, First" or "von Last, Jr, First"; what stands in braces is one word.
"""

import re
from typing import NamedTuple

from kb.notes.parsing import latex, library
from kb.patterns import pattern
from kb.records import OTHERS

_AND = pattern(" and ", re.IGNORECASE)
_COMMA = pattern(",")
_SPACE = pattern("[ ~]")


class Person(NamedTuple):
    """A name by its parts, as text; one that is not to be parted is all in literal."""

    given: str = ""
    particle: str = ""  # "van der"
    family: str = ""
    suffix: str = ""  # "Jr."
    literal: str = ""  # "World Health Organization"

    def shown(self) -> str:
        """Return the name as it is written in running text, first name first."""
        family = " ".join(part for part in (self.particle, self.family, self.suffix) if part)
        return self.literal or library.full_name(self.given, family)


def people(value: str) -> list[Person]:
    """Return the people of a field in order, a last one called "others" included.

    Example: "van der Berg, Anna and {Open AI} and others" -> given "Anna", particle "van der", family "Berg"; literal
    "Open AI"; literal "others".
    """
    names = apart(" ".join(value.split()), _AND)
    return [_person(name.strip()) for name in names if name.strip()]


def apart(value: str, pattern: re.Pattern[str]) -> list[str]:
    """Return the parts of value between what pattern finds outside of braces."""
    if "{" not in value:
        return pattern.split(value)
    hidden, depth = [], 0
    for mark in value:
        depth += (mark == "{") - (mark == "}")
        hidden.append("x" if depth else mark)
    parts, start = [], 0
    for found in pattern.finditer("".join(hidden)):
        parts.append(value[start : found.start()])
        start = found.end()
    return [*parts, value[start:]]


def _person(name: str) -> Person:
    if name == OTHERS or _is_braced(name):
        return Person(literal=_text(name))
    first, *rest = (part.strip() for part in apart(name, _COMMA))
    if rest:
        particle, family = _particle([word for word in apart(first, _SPACE) if word])
        return Person(_text(rest[-1]), particle, family, _text(" ".join(rest[:-1])))
    words = [word for word in apart(first, _SPACE) if word]
    start = next((place for place, word in enumerate(words[:-1]) if _is_small(word)), len(words) - 1)
    particle, family = _particle(words[start:])
    return Person(_text(" ".join(words[:start])), particle, family)


def _particle(words: list[str]) -> tuple[str, str]:
    """Return the words up to the last small one before the end, and the others."""
    end = max((place + 1 for place, word in enumerate(words[:-1]) if _is_small(word)), default=0)
    return _text(" ".join(words[:end])), _text(" ".join(words[end:]))


def _is_small(word: str) -> bool:
    """Whether BibTeX takes a word for a particle: its first letter outside of braces is a small one."""
    if word.startswith("{") and not word.startswith("{\\"):
        return False
    letter = next((mark for mark in latex.decode(word) if mark.isalpha()), "")
    return letter.islower()


def _is_braced(name: str) -> bool:
    """Whether all of a name stands in one pair of braces."""
    if not (name.startswith("{") and name.endswith("}")) or name.startswith("{\\"):
        return False
    depth = 0
    for place, mark in enumerate(name):
        depth += (mark == "{") - (mark == "}")
        if not depth:
            return place == len(name) - 1
    return False


def _text(part: str) -> str:
    return " ".join(latex.decode(part).split())
