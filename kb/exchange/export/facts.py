"""Who wrote a paper, when and where it appeared, as formats of references want to know it."""

import re
from typing import Literal

from kb.notes.years import year_of
from kb.records import Paper
from kb.terms import has_unspaced

Kind = Literal["article", "conference", "preprint", "software", "other"]
_JOURNAL = re.compile(
    r"journal|transactions|\btrans\b|letters|magazine|proceedings of the (?:ieee|national)|学报|杂志"
    r"|\b(?:JSTSP|TASLP|TMLR|JMLR|TACL|TPAMI|PNAS|Nature|Science|Access)\b",
    re.IGNORECASE,
)
_NO_VENUE = re.compile(r"\W*(?:arxiv|preprint|biorxiv|openreview|under review)\b", re.IGNORECASE)
_SUFFIXES = ("Jr.", "Jr", "Sr.", "Sr", "II", "III", "IV")


def kind_of(paper: Paper) -> Kind:
    """Return what a paper is to a reference manager, as far as its notes tell."""
    if paper.kind == "project":
        return "software"
    if paper.venue and not _NO_VENUE.match(paper.venue):
        return "article" if _JOURNAL.search(paper.venue) else "conference"
    return "preprint" if paper.arxiv_id else "other"


def date_of(paper: Paper) -> tuple[int, ...]:
    """Return year, month and day as far as they are known: (2024, 10); nothing is made up."""
    year = year_of(paper.published, paper.venue, paper.arxiv_id)
    given = (paper.published or "").split("-")[1:3]
    return (int(year), *(int(part) for part in given)) if year else ()


def main_link(paper: Paper) -> str | None:
    """Return the address to find a paper by: its page at arXiv, DOI, OpenReview, else the first that is no figure."""
    order = ("arxiv", "doi", "openreview")
    found = [link for link in paper.links if link.kind != "figure" and link.url.startswith("http")]
    found.sort(key=lambda link: order.index(link.kind) if link.kind in order else len(order))
    return next((link.url for link in found if not re.search(r"[\s{}\\]", link.url)), None)


def person(name: str) -> dict[str, str]:
    """Return a name by its parts; one in Chinese stays whole.

    Example: "Anna van der Berg" -> given "Anna", non-dropping-particle "van der", family "Berg".
    """
    words = name.split()
    if has_unspaced(name) or "," in name or len(words) < 2:
        return {"literal": name}
    suffix = words.pop() if words[-1] in _SUFFIXES and len(words) > 2 else ""
    family = words.pop()
    start = len(words)
    while start > 1 and re.fullmatch(r"[^\W\d_]+", words[start - 1]) and words[start - 1].islower():
        start -= 1
    parts = {
        "given": " ".join(words[:start]),
        "non-dropping-particle": " ".join(words[start:]),
        "family": family,
        "suffix": suffix,
    }
    return {part: value for part, value in parts.items() if value}
