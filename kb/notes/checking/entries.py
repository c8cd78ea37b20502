"""What a note says that no record takes up: labels that cannot be read, and links to papers in no entry."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page
from kb.notes.parsing.dates import date_in
from kb.notes.parsing.evidence import links_to_paper
from kb.notes.parsing.labels import leading_label
from kb.notes.parsing.links import given_arxiv_id, given_doi
from kb.notes.parsing.outline import outline
from kb.notes.parsing.titles import own_links
from kb.patterns import pattern
from kb.records import Paper

OPENING_LINES = 15  # of an entry, where labels are about the paper itself
_OPENED = pattern(r"(?:[-*+]\s+)?\*\*\s*《(?![^》]*》)")
_READERS: dict[str, tuple[Callable[[str], str | None], str]] = {
    "arxiv": (given_arxiv_id, "2410.00037"),
    "doi": (given_doi, "10.1000/182"),
    "date": (date_in, "2024-10-05"),
}


def links_without_entry(page: Page) -> Iterator[Finding]:
    """Find an item or a paragraph that begins with the link of a paper and belongs to no entry."""
    beside = [one for one in page.papers if one.kind == "note"]
    if not beside:
        return
    found = outline(page.prose)
    starts = [(one.line, one.text) for one in found.items] + [(one.line, one.text) for one in found.blocks]
    for line, text in sorted(starts):
        is_beside = any(one.line - 1 <= line < one.end_line for one in beside) and not found.is_cited(line)
        if is_beside and any(links_to_paper(link) for link in own_links(found.resolved(text))):
            what = f"this links to a paper and is no entry: {text.strip()[:60]!r}"
            yield Finding(page.file, line + 1, "no-entry", what, "write its title as the other entries have theirs")


def half_read(page: Page) -> Iterator[Finding]:
    """Find a title in 《 that is not closed, and an id or a date under a label that cannot be read."""
    for number, line in enumerate(page.prose, 1):
        if _OPENED.match(line):
            yield Finding(page.file, number, "half-read", "《 is opened here and not closed", "close it: **《Title》**")
    for paper in page.papers:
        if paper.kind in ("paper", "project"):
            yield from _unread_labels(page, paper)


def _unread_labels(page: Page, paper: Paper) -> Iterator[Finding]:
    lines = range(paper.line, min(paper.end_line, len(page.prose)) + 1)
    for number in islice((n for n in lines if page.prose[n - 1].strip()), OPENING_LINES):
        label = leading_label(page.prose[number - 1])
        read, example = _READERS.get(label.field, (None, "")) if label else (None, "")
        value = str(label.value) if label else ""
        if read and re.search(r"\d", value) and not read(value):
            what = f"{label.key if label else ''} says {value[:60]!r}, which is none"
            yield Finding(page.file, number, "half-read", what, f"write it such as {example}")
