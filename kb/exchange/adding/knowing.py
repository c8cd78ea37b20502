"""What the knowledge base knows a paper by already, before it is added a second time."""

from typing import NamedTuple

from kb.exchange.adding.metadata import Metadata
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader
from kb.notes.identity import title_tells
from kb.notes.ids import arxiv_key
from kb.terms import name_key


class Known(NamedTuple):
    """The records there are, by what they are known by."""

    reader: Reader
    by_id: dict[tuple[str, str], int]  # ("arxiv", "2410.00037") -> key of a record


def known_papers(reader: Reader) -> Known:
    """Return what is known: the ids that records give as their own."""
    found: dict[tuple[str, str], int] = {}
    for key, ids in reader.papers.ids().items():
        for kind, value in ids.items():
            found.setdefault((kind, arxiv_key(value) if kind == "arxiv" else value), key)
    return Known(reader, found)


def record_of(known: Known, paper: Metadata) -> PaperRow | None:
    """Return a record of paper: one with its arXiv id or DOI, else with its title if that tells.

    Records are joined so, too (kb.notes.same_paper), but here a title counts even where ids differ: to look once more
    is better than to have the paper twice.
    """
    for kind, value in (("arxiv", paper.arxiv_id), ("doi", paper.doi)):
        if value and (key := known.by_id.get((kind, value))):
            return known.reader.papers.rows([key])[0]
    if not title_tells(paper.title):
        return None
    rows = known.reader.papers.rows(known.reader.papers.called_exactly([paper.title]))
    return next((row for row in rows if name_key(row.title) == name_key(paper.title)), None)
