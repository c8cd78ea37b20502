"""What a grammar finds, and how it becomes a record."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from kb.markup.fences import lines_of_code, without_code
from kb.notes.parsing import dates, links, names
from kb.patterns import pattern
from kb.records import Kind, Paper, Passage, Reference

PASSAGE_CHARACTERS = 800  # what the default encoder reads at once, in English
LONGEST_LINE = 1200  # characters that are not cut
_BREAK_BEFORE = pattern(r"(?:[-*+•]|\d+[.)、])\s")
_SENTENCE = pattern(r"[^。！？!?\n]*?(?:[。！？!?]+|\n|(?<=[a-z)\]])\s?\.\s|$)")
_PART = pattern(rf".{{1,{PASSAGE_CHARACTERS}}}(?:\s+|$)|.{{1,{PASSAGE_CHARACTERS}}}", re.DOTALL)


@dataclass
class Entry:
    """One paper as a grammar sees it; line numbers count from 0."""

    title: str
    line: int
    body: list[tuple[int, str]]  # line number and Markdown of each line below the title, up to the next entry
    kind: Kind | None = None  # None: told from the links
    short_name: str | None = None
    section_path: tuple[str, ...] = ()
    headings: dict[int, str] = field(default_factory=dict)  # line -> heading inside the entry
    sections: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    arxiv_id: str | None = None
    doi: str | None = None
    openreview_id: str | None = None
    acl_id: str | None = None
    citation_key: str | None = None
    addresses: tuple[str, ...] = ()  # that do not stand in the body
    authors: tuple[str, ...] = ()
    venue: str | None = None
    published: str | None = None  # when the paper appeared, as the entry says
    month: str | None = None  # when it was read, where the entry itself says so
    noted_on: str = ""  # a day without its year that stands before the title
    day: str | None = None  # on which a post about it was written
    is_starred: bool = False
    written: str | None = None  # the title as it stands in the note, where it is not the same
    end: int | None = None  # the line after its last, where that is known from its place and not from its text
    names_paper: bool = True  # a published title is given, not only a project's name
    parent: "Entry | None" = None
    is_whole: bool = False  # all of a file, so that its front matter speaks of it
    is_rest: bool = False  # text beside the entries of a file
    resolved: str | None = None  # the body with links by reference as links with their address, where it has some
    reference: Reference | None = None  # of an entry in a library
    attachments: tuple[str, ...] = ()  # paths of files that a library keeps with it

    @property
    def last_line(self) -> int:
        """Return the last line that holds text."""
        return max((line for line, text in self.body if text.strip()), default=self.line)


class _Ids(NamedTuple):
    """What a paper is numbered by."""

    arxiv: str | None = None
    doi: str | None = None
    openreview: str | None = None
    acl: str | None = None


def papers(entries: Sequence[Entry], file: str, month: str | None, title: str = "") -> tuple[Paper, ...]:
    """Return the records of a file's entries; ids are unique within the file and stay when other entries come or go.

    month is that of the file, title what it is called.
    """
    stem = file.removesuffix(".md")  # of other files with their ending: a.md and a.txt may lie side by side
    ids: dict[int, str] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}  # the last one given to each name
    for entry in sorted(entries, key=lambda one: one.is_rest):  # what lies beside the entries takes no name from them
        base = f"{stem}/{names.slug(entry.short_name or entry.title)}"
        identity, number = base, numbers.get(base, 1)
        while identity in taken:
            number += 1
            identity = f"{base}-{number}"
        numbers[base] = number
        taken.add(identity)
        ids[id(entry)] = identity
    noted = _noted(entries, file, title)
    return tuple(
        _paper(
            entry,
            ids[id(entry)],
            ids[id(entry.parent)] if entry.parent else None,
            file,
            dates.date_of_path((*entry.section_path, entry.noted_on), file, title)
            if entry.noted_on
            else noted[entry.section_path],
            month,
        )
        for entry in entries
    )


def _noted(entries: Sequence[Entry], file: str, title: str) -> dict[tuple[str, ...], dates.Noted]:
    """Return for each path of headings what it says of when its entries were read.

    A day without a year is of the year that most papers under it appeared in, as their arXiv ids tell.
    """
    found: dict[tuple[str, ...], dates.Noted] = {}
    under: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        under.setdefault(entry.section_path, []).append(entry)
    for path, members in under.items():
        found[path] = dates.date_of_path(path, file, title)
        day = next((day for heading in reversed(path) if (day := dates.day_in(heading))), None)
        if found[path].date is None and day:
            bodies = ("\n".join(text for _, text in member.body) for member in members)
            ids = [number for body in bodies if (number := links.arxiv_id(body)) and number[:4].isdigit()]
            # Of a paper that is numbered in a later month than that of the heading, the heading is of the next year.
            years = Counter(2000 + int(number[:2]) + (int(number[2:4]) > day[0]) for number in ids)
            if years:
                found[path] = dates.Noted(f"{years.most_common(1)[0][0]}-{day[0]:02d}-{day[1]:02d}", is_final=False)
    return found


def _paper(entry: Entry, identity: str, parent: str | None, file: str, noted: dates.Noted, month: str | None) -> Paper:
    body = "\n".join(text for _, text in entry.body).strip("\n")
    found = links.links("\n".join((*entry.addresses, without_code(entry.resolved or body))))
    addresses = " ".join(link.url for link in found)
    ids = _ids(entry, addresses, body)
    has_code = any(link.kind in ("github", "gitlab") for link in found)
    project = has_code and not (ids.arxiv or ids.doi or entry.names_paper)
    return Paper(
        id=identity,
        kind=entry.kind or ("project" if project else "paper"),
        title=entry.title,
        written_title=entry.written if entry.written != entry.title else None,
        short_name=entry.short_name,
        authors=entry.authors,
        venue=entry.venue,
        published=entry.published,
        date=noted.date or entry.day or entry.published,
        is_starred=entry.is_starred,
        is_rest=entry.is_rest,
        month=dates.month_in(noted.date or "") or entry.month or (None if noted.is_final else month),
        section_path=entry.section_path,
        sections=entry.sections,
        organizations=entry.organizations,
        keywords=entry.keywords,
        links=found,
        arxiv_id=ids.arxiv,
        doi=ids.doi,
        openreview_id=ids.openreview,
        acl_id=ids.acl,
        citation_key=entry.citation_key or (entry.reference.key if entry.reference else None),
        repositories=links.repositories(found),
        body=body,
        file=file,
        line=entry.line + 1,
        end_line=entry.last_line + 1,
        parent=parent,
        passages=passages(entry),
    )


def _ids(entry: Entry, addresses: str, body: str) -> _Ids:
    """Return the ids of the paper: as the entry gives them, else the first in its text; text beside papers has none."""
    if entry.is_rest:
        return _Ids()
    return _Ids(
        entry.arxiv_id or links.arxiv_id(addresses) or links.arxiv_id(body),
        entry.doi or links.doi(addresses) or links.doi(body),
        entry.openreview_id or links.openreview_id(addresses),
        entry.acl_id or links.acl_id(addresses),
    )


def passages(entry: Entry) -> tuple[Passage, ...]:
    """Return the body cut at headings, and at blank lines or list items once a passage is long enough.

    A passage holds about PASSAGE_CHARACTERS; only a longer single line is cut inside, at the ends of sentences, or
    between words where a sentence has no end.
    """
    found: list[Passage] = []
    held: list[tuple[int, str]] = []
    heading, size = "", 0
    code = lines_of_code([text for _, text in entry.body])

    def close() -> None:
        nonlocal size
        text = "\n".join(part for _, part in held).strip("\n")
        if text.strip():
            first = next(line for line, part in held if part.strip())
            found.append(Passage(line=first + 1, heading=heading, text=text))
        held.clear()
        size = 0

    for place, (line, text) in enumerate(entry.body):
        is_inside_code = place in code and place - 1 in code
        if line in entry.headings:
            close()
            heading = entry.headings[line]
        elif size and size + len(text) > PASSAGE_CHARACTERS and not is_inside_code and _may_break(held[-1][1], text):
            close()
        if len(text) > LONGEST_LINE:
            close()
            for piece in _sentences(text):
                held.append((line, piece))
                close()
            continue
        held.append((line, text))
        size += len(text)
    close()
    return tuple(found) or (Passage(line=entry.line + 1, heading="", text=entry.written or entry.title),)


def _may_break(before: str, text: str) -> bool:
    return not before.strip() or bool(_BREAK_BEFORE.match(text.lstrip()))


def _bounded(sentence: str) -> list[str]:
    """Return a sentence in parts of about PASSAGE_CHARACTERS, cut at spaces if there are any."""
    return _PART.findall(sentence) if len(sentence) > LONGEST_LINE else [sentence]


def _sentences(text: str) -> list[str]:
    pieces, piece = [], ""
    for sentence in chain.from_iterable(map(_bounded, _SENTENCE.findall(text))):
        if piece and len(piece) + len(sentence) > PASSAGE_CHARACTERS:
            pieces.append(piece)
            piece = ""
        piece += sentence
    return [*pieces, piece] if piece.strip() else pieces
