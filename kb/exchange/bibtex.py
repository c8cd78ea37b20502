"""Papers as BibTeX; kb.parsing.bibtex reads it back.

The text of the notes is the field annote, which the usual styles do not print; what a style would miss is not made up:
an entry is an @article or @inproceedings only if author, venue and year are known.
"""

import re
from collections.abc import Iterable

from kb.exchange.facts import date_of, kind_of, main_link, person
from kb.exchange.works import Work
from kb.parsing.bibtex_entries import MONTHS
from kb.parsing.latex import encode
from kb.records import OTHERS
from kb.terms import has_unspaced

_TYPES = {"article": ("article", "journal"), "conference": ("inproceedings", "booktitle")}


def render(works: Iterable[Work]) -> str:
    """Return works as a BibTeX file."""
    return "\n".join(map(_entry, works))


def _entry(work: Work) -> str:
    paper, date = work.paper, date_of(work.paper)
    kind, venue = _TYPES.get(kind_of(paper), ("misc", "howpublished"))
    if not (paper.authors and date):
        kind, venue = "misc", "howpublished"
    fields = {
        "title": re.sub(r"\S+", lambda word: _kept(word[0]), encode(paper.title)),
        "shorttitle": encode(paper.short_name or ""),
        "author": " and ".join(map(_person, paper.authors)),
        "key": "" if paper.authors else encode(paper.short_name or paper.title),  # what styles sort by
        venue: encode(paper.venue or ""),
        "year": str(date[0]) if date else "",
        "month": "",
        "day": str(date[2]) if len(date) > 2 else "",
        "eprint": paper.arxiv_id or "",
        "archiveprefix": "arXiv" if paper.arxiv_id else "",
        "doi": _verbatim(paper.doi or ""),
        "url": main_link(paper) or "",
        "type": "software" if paper.kind == "project" else "",
        "affiliation": encode("; ".join(paper.organizations)),
        "keywords": encode(", ".join(paper.keywords)),
        "timestamp": paper.month or "",
        "origin": encode(", ".join(work.places)),
        "annote": encode(paper.body),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    if len(date) > 1:
        lines.insert(1, f"  month = {MONTHS[date[1] - 1]},")
    return "\n".join((f"@{kind}{{{work.key},", *lines, "}", ""))


def _kept(word: str) -> str:
    """Return a word in braces if a style that makes small letters of capitals would spoil it: DM-Codec, RVQ, GPT4."""
    bare = word.strip("()[]\"'“”‘’.,:;?!")
    has_capitals = any(mark.isupper() for mark in bare[1:])
    is_numbered = bare[:1].isupper() and any(mark.isdigit() for mark in bare)
    return word.replace(bare, f"{{{bare}}}", 1) if has_capitals or is_numbered else word


def _person(name: str) -> str:
    """Return a name so that BibTeX parts it rightly, or not at all: "王小明" -> "{王小明}"."""
    if name == OTHERS:
        return name
    if has_unspaced(name) or "," in name or re.search(r"\b(?:and|others)\b", name, re.IGNORECASE):
        return f"{{{encode(name)}}}"
    if suffix := person(name).get("suffix"):
        *first, last = name.removesuffix(suffix).split()
        return encode(f"{last}, {suffix}, {' '.join(first)}")
    return encode(name)


def _verbatim(text: str) -> str:
    return text if not re.search(r"[{}\\]", text) else encode(text)
