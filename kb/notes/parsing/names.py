"""Names and slugs, as researchers write them."""

import re

from kb.patterns import pattern

_SHORT_NAME = pattern(
    r"(?P<name>[^\s:：|,，。()（）]+(?: [^\s:：|,，。()（）]+){0,3}?)\s*(?:[(（][^)）]*[)）])?\s*(?:[:：|]|--)\s*\S"
)
_DASHED = pattern(r"(?P<name>[A-Za-z][A-Za-z0-9.+]*(?:[-_][A-Za-z0-9.+]+)*)\s*[-—–]+\s*(?=[^\sA-Za-z0-9])")
_SERIES_NUMBERS = pattern(r"\s+\d+(?:\s*[&+、/和]\s*\d+)+$")
_BEGINS_A_PHRASE = frozenset("a an the on towards toward how what is are do does".split())  # noqa: SIM905
_NOT_SLUG = pattern(r"[^\w.+]+")


def short_name(title: str) -> str | None:
    """Return the name before the colon (or the dash before Chinese) of a title, if it is a name and not a sentence.

    Example: "DM-Codec: Distilling …" -> "DM-Codec"; "MaskGCT-国产大模型" -> "MaskGCT"; "A Survey of X: …" -> None.
    """
    found = _SHORT_NAME.match(title) or _DASHED.match(title)
    return found["name"] if found and is_name(found["name"]) else None


def is_name(text: str) -> bool:
    """Whether text could be the name of a system: short, with a capital or a digit, not an English phrase."""
    words = text.split()
    if not words or len(words) > 4 or len(text) > 40 or not re.search(r"[A-Z0-9]", text):
        return False
    return words[0].lower() not in _BEGINS_A_PHRASE


def without_series_numbers(title: str) -> str:
    """Return a heading that stands for several versions without their numbers: "AudioLDM 1&2" -> "AudioLDM"."""
    return _SERIES_NUMBERS.sub("", title)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a list: "MM Fusion、TTS-LLaMA" -> ("MM Fusion", "TTS-LLaMA")."""
    return tuple(part for piece in re.split(r"[、，,;；]", text) if (part := piece.strip(" *`")))


def split_keywords(text: str) -> tuple[str, ...]:
    """Return keywords: "`A` `B`" -> ("A", "B"); "#slm, codec" and "#slm #codec" -> ("slm", "codec")."""
    if coded := re.findall(r"`([^`]+)`", text):
        return tuple(dict.fromkeys(coded))
    tags = re.findall(r"(?:^|\s)#([^\s#,，;；、]+)", text)
    if tags and len(tags) == len(text.split()):
        return tuple(dict.fromkeys(tags))
    return tuple(dict.fromkeys(name for part in split_names(text) if (name := part.lstrip("#").strip("\"' "))))


def slug(text: str) -> str:
    """Return text as an id part that a shell takes unquoted: "DM-Codec" -> "dm-codec"."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-.")[:60].rstrip("-.") or "entry"
