"""What entries of BibTeX inherit from those that they name: crossref, as BibTeX and biblatex have it, and xdata."""

from collections.abc import Sequence

from kb.notes.parsing.bibtex_entries import BibEntry, Field

CONTAINER = "xdata"  # the type of an entry that is nothing but fields for others
_PARTS = ("inbook", "bookinbook", "suppbook", "incollection", "suppcollection", "inproceedings", "conference")
_PARTS_OF_WORKS = (*_PARTS, "inreference")
_TITLES = ("title", "subtitle", "titleaddon")
_OF_PARENT_ALONE = {  # of the parent and of nothing that lies in it: what it is called, found and noted by
    *_TITLES,
    *(
        "shorttitle",
        "sorttitle",
        "indextitle",
        "indexsorttitle",
        "ids",
        "key",
        "sortkey",
        "presort",
        "label",
        "crossref",
    ),
    *("xref", "xdata", "entryset", "entrysubtype", "execute", "options", "related", "relatedtype", "relatedstring"),
    *("doi", "eprint", "eprinttype", "eprintclass", "archiveprefix", "primaryclass", "url", "urldate", "file", "pages"),
    *("pagetotal", "abstract", "annote", "annotation", "note", "keywords", "timestamp", "date-added", "date-modified"),
}
DEEPEST = 5  # parents of parents: a book in a series of volumes is three


def inherited(entries: Sequence[BibEntry]) -> list[dict[str, Field]]:
    """Return for each of entries the fields that it does not give itself but inherits, in the parents' order.

    Keys are compared without regard to capitals, a parent may stand anywhere, and one that is not there gives nothing.
    Example: @inproceedings{a, crossref={p}} and @proceedings{p, title={P}, year=2023} -> booktitle P, year 2023.
    """
    by_key = {one.key.lower(): one for one in reversed(entries)}
    return [_inherited(one, by_key, DEEPEST) if _names_parents(one) else {} for one in entries]


def _names_parents(one: BibEntry) -> bool:
    return "crossref" in one.fields or "xdata" in one.fields


def _inherited(one: BibEntry, by_key: dict[str, BibEntry], depth: int) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for field in ("xdata", "crossref"):
        keys = one.fields[field].value.split(",") if field in one.fields else ()
        for parent in (by_key.get(key.strip().lower()) for key in keys):
            if parent is None or not depth:
                continue
            given = {**_inherited(parent, by_key, depth - 1), **parent.fields}
            for name, value in (given if field == "xdata" else _from_work(one, parent, given)).items():
                if name not in one.fields and name not in ("crossref", "xdata"):
                    found.setdefault(name, Field(value.value, one.line, value.is_month))
    return found


def _from_work(one: BibEntry, parent: BibEntry, given: dict[str, Field]) -> dict[str, Field]:
    """Return the fields of the work that an entry lies in as the entry has them: its title is the booktitle."""
    found = {name: value for name, value in given.items() if name not in _OF_PARENT_ALONE}
    if parent.type.startswith("mv"):
        start = "main"
    elif parent.type in ("periodical", "article"):
        start = "journal"
    else:
        start = "book" if one.type in _PARTS_OF_WORKS else ""
    for name in _TITLES if start else ():
        if name in given:
            found.setdefault(start + name, given[name])
    return found
