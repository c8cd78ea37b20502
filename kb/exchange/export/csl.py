"""Papers as CSL JSON, for Zotero, Pandoc and citeproc; kb.notes.parsing.csl reads it back."""

import json
from collections.abc import Iterable
from typing import Any

from kb.exchange.export.facts import date_of, kind_of, main_link, person
from kb.exchange.export.held import csl_item, files
from kb.exchange.export.works import Work
from kb.records import Reference

_TYPES = {
    "article": "article-journal",
    "conference": "paper-conference",
    "preprint": "article",
    "software": "software",
    "other": "document",
}
_ADDED = ("title-short", "DOI", "URL", "keyword")  # what notes know of a paper whose library does not say it


def render(works: Iterable[Work]) -> str:
    """Return works as CSL JSON, an item a line."""
    items = ",\n".join(
        json.dumps(_held(work, work.paper.reference) if work.paper.reference else _item(work), ensure_ascii=False)
        for work in works
    )
    return f"[\n{items}\n]\n" if items else "[]\n"


def _item(work: Work) -> dict[str, Any]:
    paper, kind, date = work.paper, kind_of(work.paper), date_of(work.paper)
    is_preprint = kind == "preprint"
    fields = {
        "id": work.key,
        "type": _TYPES[kind],
        "title": paper.title,
        "title-short": paper.short_name,
        "author": [person(name) for name in paper.authors],
        "container-title": paper.venue,
        "issued": {"date-parts": [list(date)]} if date else None,
        "archive": "arXiv" if paper.arxiv_id else None,
        "archive_location": paper.arxiv_id,
        "number": f"arXiv:{paper.arxiv_id}" if is_preprint else None,  # where Zotero has a preprint's id
        "publisher": "arXiv" if is_preprint else None,
        "DOI": paper.doi,
        "URL": main_link(paper),
        "keyword": ", ".join(paper.keywords),
        "note": paper.body,
        "custom": {"month": paper.month, "organizations": list(paper.organizations), "origin": list(work.places)},
    }
    return {name: value for name, value in fields.items() if value}


def _held(work: Work, reference: Reference) -> dict[str, Any]:
    """Return what a library holds of a paper, and below it what notes say of it."""
    item = csl_item(reference)
    if reference.format != "csl-json":
        paper = work.paper
        marks = {"month": paper.month, "organizations": list(paper.organizations), "files": files(paper)}
        if custom := {name: value for name, value in marks.items() if value} | item.get("custom", {}):
            item = {**item, "custom": custom}
    if item.get("citation-key") == "":
        item = {name: value for name, value in item.items() if name != "citation-key"}
    if "id" not in item or (str(item["id"]) == reference.key != work.key):
        item = {"id": work.key, **{name: value for name, value in item.items() if name != "id"}}
    if work.noted is None:
        return item
    ours = _item(work._replace(paper=work.paper.model_copy(update={"body": work.noted})))
    custom = {**ours["custom"], **(given if isinstance(given := item.get("custom"), dict) else {})}
    texts = [str(text) for text in (item.get("note"), work.noted) if text]
    added = {"note": "\n\n".join(texts)} if texts else {}
    return {**{name: ours[name] for name in _ADDED if name in ours}, **item, **added, "custom": custom}
