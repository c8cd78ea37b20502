"""A name as CSL JSON has it <-> as BibTeX and RIS write it.

CSL keeps its parts, BibTeX writes "von Last, Jr, First" and RIS "Last, First, Suffix". What is not to be parted, an
organization, is {"literal": "World Health Organization"}, "{World Health Organization}" and a value without a comma.
"""

import re
from typing import Any

from kb.notes.parsing.bibtex_names import people
from kb.notes.parsing.latex import encode
from kb.records import OTHERS

CslName = dict[str, Any]
_PARTICLES = ("dropping-particle", "non-dropping-particle")
_AND = re.compile(r"(?:^|\s)(?:and|others)(?:\s|$)", re.IGNORECASE)


def from_bibtex(value: str) -> list[CslName]:
    """Return the names of a field: "van der Berg, Anna and {Open AI}" -> the parts of one, the other a literal."""
    found = []
    for one in people(value):
        parts = {
            "given": one.given,
            "non-dropping-particle": one.particle,
            "family": one.family,
            "suffix": one.suffix,
            "literal": one.literal,
        }
        found.append({part: text for part, text in parts.items() if text})
    return [name for name in found if name]


def to_bibtex(names: list[CslName]) -> str:
    """Return names as one field, so that BibTeX parts each as CSL does; a last "others" stays the word."""
    return " and ".join(written for name in names if (written := _bibtex(name)))


def from_ris(value: str) -> CslName:
    """Return the name of a value: "van der Berg, Anna, Jr." -> its four parts; without a comma a literal."""
    last, *rest = (part.strip() for part in value.split(","))
    if not any(rest):
        return {"literal": " ".join(value.split())}
    words = last.split()
    small = 0
    while small < len(words) - 1 and words[small][0].islower():
        small += 1
    parts = {
        "given": rest[0],
        "non-dropping-particle": " ".join(words[:small]),
        "family": " ".join(words[small:]),
        "suffix": ", ".join(rest[1:]),
    }
    return {part: text for part, text in parts.items() if text}


def to_ris(name: CslName) -> str:
    """Return a name last name first: {"given": "Anna", "family": "Berg"} -> "Berg, Anna"."""
    if literal := _said(name, "literal"):
        return literal
    family = " ".join(part for part in (*(_said(name, one) for one in _PARTICLES), _said(name, "family")) if part)
    parts = [family, _said(name, "given"), _said(name, "suffix")]
    return ", ".join(part for part in parts if part)


def _bibtex(name: CslName) -> str:
    literal, given, family = (_said(name, part) for part in ("literal", "given", "family"))
    particle = " ".join(part for one in _PARTICLES if (part := _said(name, one)))
    suffix = _said(name, "suffix")
    if literal == OTHERS:
        return OTHERS
    if literal or not family or not (given or particle or suffix):
        whole = literal or " ".join(part for part in (particle, family, suffix, given) if part)
        is_word = whole and not literal and not re.search(r"[\s,]", whole)
        return encode(whole) if is_word or not whole else f"{{{encode(whole)}}}"
    last = _part(family, is_braced=family[:1].islower())
    parts = [f"{_part(particle)} {last}".strip(), _part(suffix) if suffix else "", _part(given)]
    return ", ".join([parts[0], *([parts[1]] if suffix else []), parts[2]])


def _part(text: str, is_braced: bool = False) -> str:
    return f"{{{encode(text)}}}" if is_braced or "," in text or _AND.search(text) else encode(text)


def _said(name: CslName, part: str) -> str:
    return " ".join(str(name.get(part) or "").split())
