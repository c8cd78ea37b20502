"""Names of people -> the terms they are found by, in the letters of others too."""

from collections.abc import Iterable

from kb.terms import terms

# What people type who lack the letter; what has an accent alone loses it as all terms do.
_BARE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


def person_terms(name: str) -> list[str]:
    """Return the terms of a name, and those of its other spellings after them.

    Example: "Jörg Müller" -> jorg, muller, joerg, mueller; "Łukasz Kaiser" -> łukasz, kaiser, lukasz.
    """
    found = terms(name)
    if name.isascii():
        return found
    small = name.lower()
    others = terms(small.translate(_BARE)) + terms(small.translate(_SPELT))
    return [*found, *dict.fromkeys(term for term in others if term not in found)]


def people_terms(names: Iterable[str]) -> list[str]:
    """Return the terms of names, one after the other."""
    return [term for name in names for term in person_terms(name)]
