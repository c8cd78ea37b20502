"""Papers as BibTeX; kb.notes.parsing.bibtex reads it back.

The text of the notes is the field annote, which the usual styles do not print; what a style would miss is not made up:
an entry is an @article or @inproceedings only if author, venue and year are known.
"""

import re
from collections.abc import Container, Iterable

from kb.exchange.export.bibtex_terms import from_csl
from kb.exchange.export.facts import date_of, kind_of, main_link, person
from kb.exchange.export.held import csl_item, files
from kb.exchange.export.keys import as_bibtex
from kb.exchange.export.works import Work
from kb.notes.parsing.bibtex_entries import MONTHS
from kb.notes.parsing.latex import FORMULA, encode, is_balanced
from kb.records import OTHERS, Reference
from kb.terms import has_unspaced

_WORD = rf"{FORMULA}|(?:\\\$|[^\s$])+|\$"
_ADDED = ("shorttitle", "eprint", "archiveprefix", "doi", "url", "affiliation", "keywords", "timestamp", "origin")
_TYPES = {"article": ("article", "journal"), "conference": ("inproceedings", "booktitle")}


def render(works: Iterable[Work]) -> str:
    """Return works as a BibTeX file; a work that others are parts of, by their crossref, comes after them."""
    works = list(works)
    held = [(one.paper.reference, one.key) for one in works if one.paper.reference]
    keys = {reference.key.lower(): key for reference, key in held}
    of_bibtex = [reference.fields for reference, _ in held if reference.format == "bibtex"]
    parents = {keys.get(fields["crossref"].strip().lower()) for fields in of_bibtex if "crossref" in fields}
    works.sort(key=lambda one: one.key in parents)
    return "\n".join(
        _held(work, work.paper.reference, keys) if work.paper.reference else _entry(work) for work in works
    )


def _held(work: Work, reference: Reference, keys: dict[str, str]) -> str:
    """Return what a library holds of a paper, and after it what notes say of it."""
    if reference.format == "bibtex":
        kind, fields = reference.type, {**reference.fields, **reference.inherited}
        fields.pop("xdata", None)
        if "crossref" in fields and (parent := keys.get(fields.pop("crossref").strip().lower())):
            fields = {"crossref": as_bibtex(parent), **fields}
        months: Container[str] = reference.months
    else:
        kind, fields = from_csl(csl_item(reference))
        ours = {
            "affiliation": encode("; ".join(work.paper.organizations)),
            "timestamp": work.paper.month or "",
            "file": ";".join(map(_path, files(work.paper))),
        }
        fields |= {name: value for name, value in ours.items() if value and name not in fields}
        months = ("month",)
    if work.noted is not None:
        ours = _fields(work._replace(paper=work.paper.model_copy(update={"body": work.noted})))[1]
        texts = [text for text in (fields.get("annote"), ours["annote"]) if text]
        added = {name: ours[name] for name in _ADDED if ours[name]}
        if {"eprint", "archiveprefix"} & added.keys() & fields.keys():
            added = {name: value for name, value in added.items() if name not in ("eprint", "archiveprefix")}
        fields = {**added, **fields, **({"annote": "\n\n".join(texts)} if texts else {})}
    lines = [f"  {name} = {value if name in months else f'{{{value}}}'}," for name, value in fields.items()]
    return "\n".join((f"@{kind}{{{as_bibtex(work.key)},", *lines, "}", ""))


def _entry(work: Work) -> str:
    kind, fields = _fields(work)
    lines = [f"  {name} = {value if name == 'month' else f'{{{value}}}'}," for name, value in fields.items() if value]
    return "\n".join((f"@{kind}{{{as_bibtex(work.key)},", *lines, "}", ""))


def _fields(work: Work) -> tuple[str, dict[str, str]]:
    """Return the type and the fields of a paper as notes tell them, those that they do not tell empty."""
    paper, date = work.paper, date_of(work.paper)
    kind, venue = _TYPES.get(kind_of(paper), ("misc", "howpublished"))
    if not (paper.authors and date):
        kind, venue = "misc", "howpublished"
    fields = {
        "title": re.sub(_WORD, lambda word: _kept(word[0]), encode(paper.title)),
        "shorttitle": encode(paper.short_name or ""),
        "author": " and ".join(map(_person, paper.authors)),
        "key": "" if paper.authors else encode(paper.short_name or paper.title),  # what styles sort by
        venue: encode(paper.venue or ""),
        "year": str(date[0]) if date else "",
        "month": MONTHS[date[1] - 1] if len(date) > 1 else "",
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
    return kind, fields


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


def _path(path: str) -> str:
    """Return a path as one of several of a field `file`, which part at ; and whose descriptions end with a colon."""
    return re.sub(r"([;:\\])", r"\\\1", path) if is_balanced(path) else encode(path)


def _verbatim(text: str) -> str:
    return text if not re.search(r"[{}\\]", text) else encode(text)
