"""What was typed -> which paper is meant: an arXiv id or a DOI, bare or in an address, or a file of BibTeX."""

import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from kb.errors import KbError
from kb.notes.ids import ARXIV_DOI, ARXIV_ID, ARXIV_PAGE, DOI, DOI_PREFIX, VERSION, arxiv_key, digits_after_dot

TargetKind = Literal["arxiv", "doi", "bib"]

_NUMBER = rf"(?P<id>{ARXIV_ID}){VERSION}"
_ARXIV_BARE = re.compile(rf"(?:arxiv\s*[:：]?\s*)?{_NUMBER}", re.IGNORECASE)
_ARXIV_ADDRESS = re.compile(
    rf"(?:https?://)?(?:[\w-]+\.)*{ARXIV_PAGE}[/.]{_NUMBER}(?:\.pdf)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_ARXIV_DOI = re.compile(rf"{re.escape(ARXIV_DOI)}{_NUMBER}", re.IGNORECASE)
_LOOKS_ARXIV = re.compile(
    r"(?:arxiv\s*[:：]?\s*)?\d{3,5}\.\d{3,6}(?:v\d+)?|(?:https?://)?(?:[\w-]+\.)*arxiv\.org/.*", re.I
)
_DOI_BARE = re.compile(rf"(?:doi\s*[:：]\s*)?(?P<id>{DOI})", re.IGNORECASE)
_DOI_ADDRESS = re.compile(
    r"(?:https?://)?(?:(?:dx\.|www\.)?doi\.org/|[\w.-]+/(?:doi|article|chapter)/(?:(?:abs|full|pdf|epdf)/)?)"
    rf"(?P<id>{DOI_PREFIX}(?:/|%2f)[^\s?#]+)(?:[?#].*)?",
    re.IGNORECASE,
)


class Target(NamedTuple):
    """A paper to add, or a file of papers."""

    kind: TargetKind
    value: str  # "2410.00037" or "cs/0101001", without version and subject; a DOI in small letters; a path


def identify(text: str) -> Target:
    """Return what text means.

    Example: "https://arxiv.org/pdf/2410.00037v2" -> Target("arxiv", "2410.00037"); "cs.CL/0101001" ->
    Target("arxiv", "cs/0101001"); "https://doi.org/10.1000/X" -> Target("doi", "10.1000/x").
    Raises: KbError if it is none of these, or an arXiv id that cannot be.
    """
    typed = text.strip().strip("<>\"'")
    if typed.lower().endswith(".bib"):
        return Target("bib", typed)
    for pattern in (_ARXIV_ADDRESS, _ARXIV_BARE):
        if found := pattern.fullmatch(typed):
            return Target("arxiv", _arxiv(found["id"], text))
    for pattern in (_DOI_ADDRESS, _DOI_BARE):
        if found := pattern.fullmatch(typed):
            doi = (unquote(found["id"]) if pattern is _DOI_ADDRESS else found["id"]).rstrip(".,;").lower()
            arxiv = _ARXIV_DOI.fullmatch(doi)
            return Target("arxiv", _arxiv(arxiv["id"], text)) if arxiv else Target("doi", doi)
    if _LOOKS_ARXIV.fullmatch(typed):
        raise KbError(f"an arXiv id should look like 2410.00037 or cs/0101001, got {text!r}")
    raise KbError(
        f"{text!r} names no paper",
        "give an arXiv id such as 2410.00037, a DOI such as 10.1109/5.771073, the address of one of these, or a file"
        " that ends in .bib",
    )


def _arxiv(number: str, text: str) -> str:
    """Return an id as arXiv itself writes it. Raises: KbError if there is no such month, or too few digits for it."""
    if "/" in number:
        return arxiv_key(number)
    month, _, rest = number.partition(".")
    if not 1 <= int(month[2:]) <= 12 or len(rest) != digits_after_dot(month):
        raise KbError(f"an arXiv id should look like 2410.00037 (year, month, number), got {text!r}")
    return number
