"""People as notes list them: "A. One*, B. Two et al.", "Béna, Gabriel; …", "One, A., & Two, B.", 张三、李四."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from kb.notes.parsing.organizations import looks_like_organization, split_organizations
from kb.patterns import pattern
from kb.records import OTHERS

LONGEST_NAME = 60  # characters
SURNAME_WORDS = 3  # at most, particles not counted: "Van der Berg Jansen"
_WIKI = pattern(r"\[\[(?P<target>[^\[\]|#]{1,200})(?:#[^\[\]|]{0,200})?(?:\|(?P<label>[^\[\]]{1,200}))?\]\]")
_LINK = pattern(r"!?\[(?P<label>[^\[\]]{0,200})\]\([^()\s]{0,500}\)")
_MARKUP = pattern(
    r"<sup>[^<>]{0,40}</sup>|</?[A-Za-z][^<>]{0,80}>|\^[^\s^]{1,10}\^|\$?\s?\^\{?[^{}$]{0,20}\}?\$?|https?://\S{1,500}|[\w.+-]{1,60}@[\w.-]{1,60}"
)
_BRACKETS = pattern(r"[(（\[【{][^()（）\[\]【】{}]{0,300}[)）\]】}]")
_OTHERS = pattern(
    r"[,，;；、&]?\s{0,3}\b(?:and|et)\s{1,3}(?:\d{1,4}\s{1,3})?(?:(?:many\s)?others|more|colleagues|coll)\b\.?"
    r"|[,，;；、&]?\s{0,3}\b(?:et|&)\s{0,2}\.?\s{0,2}al(?:ii|ia)?\b\.?|&\s{0,2}al\b\.?"
    r"|[,，;；、]?\s{0,3}等\s{0,2}(?:\d{1,4}\s{0,2}(?:人|位作者)|人|作者)?(?=\s{0,3}(?:$|[,，;；、。+(（]))"
    r"|[,，;；、&]?\s{0,3}(?:\.{3,6}|…{1,3})|(?:[,，;；、]\s{0,3}|^)others\s{0,3}$|\bu\.\s?a\.",
    re.IGNORECASE,
)
_MARKS = pattern(r"[^\w\s,，;；、/／|·•・&+'’ʼ`´.‐‑–-]|[\d_²³¹⁰⁴-⁹₀-₉]|\\")
_LIST = pattern(r"[;；\n]")
_COMMA = pattern(r"[,，]")
_AND = pattern(r"\s{1,3}(?:and|&|und)\s{1,3}|\s&\s|、|[/／|•]|\s[·+]\s|(?<=[\u4e00-\u9fff])・", re.IGNORECASE)
_AND_HAN = pattern(r"(?<=[\u4e00-\u9fff]{2})[和与及](?=[\u4e00-\u9fff]{2})|\s[和与及]\s")
_HAN = pattern(r"[\u4e00-\u9fff·\s]+")
_CAPITAL = r"[^\W\d_a-z\u3040-\uffff]"
_INITIALS = pattern(rf"(?:{_CAPITAL}\.?[\s‐-]{{0,2}}){{1,4}}|(?:{_CAPITAL}[a-z]?\.[\s‐-]{{0,2}}){{1,4}}")
_SHORT_INITIALS = pattern(r"[A-Z]{1,3}|(?:[A-Z]\.[\s-]?){1,4}")
_SUFFIXES = frozenset(("jr", "jr.", "sr", "sr.", "ii", "iii", "iv"))
_ENDS_IN_POINT = pattern(r"(?:^|[\s.-])[^\W\d_]\.$")
_WRITTEN_SMALL = "van von der den de del della di da dos du la le el al bin ibn ten ter zu af av"  # within names
_PARTICLES = frozenset(_WRITTEN_SMALL.split())
_ROLE = pattern(
    r"(?:共同)?(?:通讯|通信|第一)作者|共同一作"
    r"|\b(?:corresponding|first|lead|senior) authors?\b|^\s{0,4}(?:written\s)?by\s",
    re.IGNORECASE,
)
_GIVEN = ("given", "givennames", "givenname", "first", "firstname", "firstnames", "forename")
_FAMILY = ("family", "familynames", "familyname", "last", "lastname", "surname", "prefix")
_WHOLE = ("name", "literal", "fullname", "author", "姓名", "title")
_AFFILIATION = ("affiliation", "affiliations", "organization", "institution", "institutions", "机构", "单位")

_WRITER = frozenset(("me", "myself", "self", "我", "本人"))  # of the note


def split_people(text: str) -> tuple[str, ...]:
    """Return the people that a text lists, given names first where their order is certain, without marks and remarks.

    Examples: "A. One*, B. Two (MIT) et al." -> ("A. One", "B. Two", "others");
    "Béna, Gabriel; Goodman, Dan F. M." -> ("Gabriel Béna", "Dan F. M. Goodman");
    "One, A., Two, B., & Three, C." -> ("A. One", "B. Two", "C. Three"); "One A, Two BC" -> ("A One", "BC Two").
    """
    bare = _LINK.sub(r"\g<label>", _WIKI.sub(_name_of_page, text))
    bare, others = _OTHERS.subn(
        " ; ", _without_brackets(_OTHERS.sub(lambda found: f"{found[0]} ", _MARKUP.sub(" ", bare)))
    )
    bare = _MARKS.sub(" ", re.sub(r"`\s{1,4}`|[:：]", "; ", _ROLE.sub(" ", bare)))
    parts = (part for part in _LIST.split(bare) if part.strip(" ,，、&."))
    names = _names([part for part in parts if part.strip().lower() not in _WRITER])
    return _listed([*names, OTHERS] if others else names)


def people(value: Any) -> tuple[str, ...]:
    """Return the people of a value of front matter: a text, a list of names, or of mappings with name or family.

    Examples: ["Béna, Gabriel", "Ann One"] -> ("Gabriel Béna", "Ann One"); [{"family": "One", "given": "Ann"}] ->
    ("Ann One",); [["Ann One"]], which is YAML's reading of [[Ann One]], -> ("Ann One",).
    """
    if isinstance(value, str):
        return split_people(value)
    if isinstance(value, dict):
        return _person(value)
    found = [name for one in value or () for name in people(one) or _only_others(one)]
    return _listed(found)


def _only_others(value: Any) -> tuple[str, ...]:
    return (OTHERS,) if _OTHERS.search(str(value)) else ()


def affiliations(value: Any) -> tuple[str, ...]:
    """Return the organizations that mappings of people name: [{"name": "A", "affiliation": "CMU"}] -> ("CMU",)."""
    if isinstance(value, list):
        return _once(name for one in value for name in affiliations(one))
    if not isinstance(value, dict):
        return ()
    return _once(name for given in _given(value, _AFFILIATION) for name in _organizations(given))


def _organizations(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        return tuple(map(str, _given(value, _WHOLE)[:1]))
    return (
        split_organizations(value)
        if isinstance(value, str)
        else [name for one in value for name in _organizations(one)]
    )


def _person(value: dict[str, Any]) -> tuple[str, ...]:
    parts = [str(name) for keys in (_GIVEN, _FAMILY) for name in _given(value, keys)[:1] if isinstance(name, str)]
    if len(parts) == 2 and all(map(_HAN.fullmatch, parts)):
        return ("".join(reversed(parts)),)
    if parts:
        return (" ".join(parts),)
    return tuple(name for given in _given(value, _WHOLE)[:1] for name in people(given))


def _given(value: dict[str, Any], keys: Sequence[str]) -> list[Any]:
    known = {re.sub(r"[\W_]", "", str(key)).lower(): one for key, one in value.items()}
    return [known[key] for key in keys if known.get(key)]


def _names(parts: list[str]) -> list[str]:
    """Return the names of the parts of a list, which semicolons or lines divide."""
    if len(parts) > 1 and any(_COMMA.search(part) for part in parts):
        pairs = [[piece.strip() for piece in _COMMA.split(part)] for part in parts]
        if sum(_is_surname(pair[0]) for pair in pairs) > len(pairs) / 2 and all(len(pair) <= 3 for pair in pairs):
            return [_turned(*pair) for pair in pairs]  # Family, Given; Family, Given
        if all(len(pair) == 2 and looks_like_organization(pair[1]) for pair in pairs):
            return [pair[0] for pair in pairs]  # Name, Organization; Name, Organization
    return [name for part in parts for name in _of_part(part)]


def _of_part(part: str) -> list[str]:
    with_and = [piece.strip(" ,，") for piece in _AND.split(part) if piece.strip(" ,，")]
    pairs = [[piece.strip() for piece in _COMMA.split(piece)] for piece in with_and]
    if len(pairs) > 1 and all(len(pair) == 2 and _is_surname(pair[0]) for pair in pairs):
        return [_turned(*pair) for pair in pairs]  # Family, Given and Family, Given
    pieces = [piece for pair in pairs for piece in pair if piece.strip(" .")]
    if turned := _turned_all(pieces):
        return turned
    if len(pieces) == 2 and len(pairs) == 1 and _is_surname(pieces[0]) and _is_given(pieces[1]):
        return [_turned(*pieces)]
    if len(pieces) > 1 and all(_ends_in_initials(piece) for piece in pieces):
        return [" ".join((piece.rsplit(" ", 1)[1], piece.rsplit(" ", 1)[0])) for piece in pieces]  # Family AB, …
    return [name for piece in pieces for name in _AND_HAN.split(piece)]


def _turned_all(pieces: list[str]) -> list[str]:
    """Return the names of "One", "A.", "Two", "B." in turn; none if surnames and initials do not alternate."""
    whole = [piece for piece in pieces if piece.lower() not in _SUFFIXES]
    families, initials = whole[::2], whole[1::2]
    if len(families) != len(initials) or not whole:
        return []
    if not all(_INITIALS.fullmatch(piece) for piece in initials) or any(map(_INITIALS.fullmatch, families)):
        return []
    return [_turned(family, given) for family, given in zip(families, initials, strict=True)]


def _turned(family: str, given: str = "", suffix: str = "") -> str:
    if suffix and given.lower() in _SUFFIXES:  # Family, Jr., Given
        given, suffix = suffix, given
    is_han = bool(_HAN.fullmatch(family)) and bool(_HAN.fullmatch(given or "?"))
    return family + given if is_han else " ".join(part for part in (given, family, suffix) if part)


def _is_surname(text: str) -> bool:
    if _HAN.fullmatch(text):
        return len(text) == 1
    words = [word for word in text.split() if word.lower() not in _PARTICLES]
    return len(words) == 1 and not _INITIALS.fullmatch(words[0])


def _is_given(text: str) -> bool:
    """Whether text is what follows a surname and its comma: one word, or words with an initial."""
    words = text.split()
    return len(words) == 1 or (len(words) <= SURNAME_WORDS + 1 and any(map(_INITIALS.fullmatch, words)))


def _ends_in_initials(text: str) -> bool:
    family, _, initials = text.strip().rpartition(" ")
    return bool(family and _SHORT_INITIALS.fullmatch(initials)) and not _INITIALS.fullmatch(family.split()[0])


def _without_brackets(text: str) -> str:
    for _ in range(3):
        text = _BRACKETS.sub(" ", text)
    return text


def _name_of_page(found: re.Match[str]) -> str:
    """Return the name that a wiki link shows, or the page's where the link only shortens it: people/Ann One|Ann."""
    page, label = found["target"].rpartition("/")[2].lstrip("@").strip(), (found["label"] or "").strip()
    return page if label in page else label


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    """Return names each once, OTHERS last; OTHERS alone is nobody."""
    found = _once(names)
    named = tuple(name for name in found if name != OTHERS)
    return (*named, OTHERS) if named and len(named) < len(found) else named


def _once(names: Iterable[str]) -> tuple[str, ...]:
    bare = (" ".join(name.split()).strip(" ,，;；、&'’`-–·/|").removeprefix(". ") for name in names)
    bare = (name if _ENDS_IN_POINT.search(name) else name.rstrip(".") for name in bare)
    return tuple(dict.fromkeys(name for name in bare if len(name.strip(". ")) > 1 and len(name) < LONGEST_NAME))
