"""Names and slugs, as researchers write them."""

import re

_SHORT_NAME = re.compile(
    r"(?P<name>[^\s:：|,，。()（）]+(?: [^\s:：|,，。()（）]+){0,3}?)\s*(?:[(（][^)）]*[)）])?\s*(?:[:：|]|--)\s*\S"
)
_DASHED = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9.+]*(?:[-_][A-Za-z0-9.+]+)*)\s*[-—–]+\s*(?=[^\sA-Za-z0-9])")
_SERIES_NUMBERS = re.compile(r"\s+\d+(?:\s*[&+、/和]\s*\d+)+$")
_NOT_SLUG = re.compile(r"[^\w.+]+")


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
    return words[0].lower() not in {
        "a",
        "an",
        "the",
        "on",
        "towards",
        "toward",
        "how",
        "what",
        "is",
        "are",
        "do",
        "does",
    }


def without_series_numbers(title: str) -> str:
    """Return a heading that stands for several versions without their numbers: "AudioLDM 1&2" -> "AudioLDM"."""
    return _SERIES_NUMBERS.sub("", title)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a list: "MM Fusion、TTS-LLaMA" -> ("MM Fusion", "TTS-LLaMA")."""
    return tuple(part for piece in re.split(r"[、，,;；]", text) if (part := piece.strip(" *`")))


def split_organizations(text: str) -> tuple[str, ...]:
    """Return the organizations of "CMU、MIT" or "CMU/MIT"; an ampersand stays, as in Texas A&M."""
    return tuple(part for piece in re.split(r"[、/／;；]", text) if (part := piece.strip(" *`")))


def split_people(text: str) -> tuple[str, ...]:
    """Return the people of "A. One*, B. Two† and C. Three et al.", without marks and remarks."""
    text = re.sub(r"[(（][^()（）]*[)）]", "", text)
    text = re.sub(r"\\?[*†‡§¶\u2020-\u2021]|\bet al\.?|等人?(?=$|[,，;；、])|\.\.\.|…", "", text)
    parts = re.split(r"[,，;；、]|\band\b|\s&\s|\s\+\s", text)
    return tuple(dict.fromkeys(name for part in parts if (name := part.strip(" .*_`")) and len(name) < 60))


def split_keywords(text: str) -> tuple[str, ...]:
    """Return keywords: "`A` `B`" -> ("A", "B"); "#slm, codec" -> ("slm", "codec")."""
    if coded := re.findall(r"`([^`]+)`", text):
        return tuple(dict.fromkeys(coded))
    return tuple(dict.fromkeys(name.lstrip("#") for name in split_names(text)))


def slug(text: str) -> str:
    """Return text as an id part that a shell takes unquoted: "DM-Codec" -> "dm-codec"."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-.")[:60].rstrip("-.") or "entry"
