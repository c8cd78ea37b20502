"""What use cases return that no room below has a name for. Named tuples, because a search has no time for more."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.claims.ledger import Entry, entry, summary
from kb.index.claim_states import Failure
from kb.index.sqlite.files import FileState
from kb.index.sqlite.ledger import ClaimRow, ClaimRun
from kb.index.sqlite.papers import PaperRow
from kb.notes.marked import State

if TYPE_CHECKING:
    from pathlib import Path

    from kb.notes.others import Others


class ListedPaper(NamedTuple):
    """A paper of a list, and what its reader said of it."""

    paper: PaperRow
    state: State


class PaperView(NamedTuple):
    """A paper with all its records, newest first, and what they claim."""

    paper: PaperRow
    records: Mapping[int, dict[str, Any]]  # by key; as the index keeps them, fields of kb.records.Paper
    merged: dict[str, Any]  # what all of them say, as one record
    runnable: tuple[str, ...]  # the algorithms that belong to it, as typed
    ledger: "Ledger"
    state: State
    notices: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the paper, in the words and the order in which it is told; what is not known is empty."""
        record = self.merged
        known = {
            "authors": ", ".join(record["authors"]),
            "venue": record["venue"],
            "published": record["published"],
            "id": record["id"],
            "kind": record["kind"],
            "month": record["month"],
            "section": " / ".join(record["section_path"]),
            "organizations": "、".join(record["organizations"]),
            "keywords": "、".join(record["keywords"]),
            "arXiv": record["arxiv_id"],
            "DOI": record["doi"],
            "cited as": record["citation_key"],
            "part of": record["parent"],
            "starred": self.state.starred,
            "read": self.state.read,
            "runnable": ", ".join(self.runnable),
        }
        return {label: value or "" for label, value in known.items()}


class Ledger(NamedTuple):
    """Claims, and what came of them."""

    summary: Mapping[str, int]
    claims: tuple[Entry, ...]
    runs: tuple[ClaimRun, ...] = ()  # of one claim, every run

    def fails(self, ways: Iterable[Failure]) -> bool:
        """Return whether a claim fails in one of these ways; a contradiction that the note tells of itself is none."""
        from kb.claims.verifying import fails

        return any(fails(one, way) for one in self.claims for way in ways)


class Exported(NamedTuple):
    """Papers in a format of another program."""

    papers: int
    text: str


class NoteText(NamedTuple):
    """A file of notes."""

    file: str  # as the index calls it
    path: "Path"
    lines: tuple[str, ...]


class FileStatus(NamedTuple):
    """A file of notes in the index."""

    state: FileState
    papers: int
    texts: int  # beside its papers


class Status(NamedTuple):
    """What the index holds, file by file, and what lies among the notes and is none."""

    files: tuple[FileStatus, ...]
    others: "tuple[Others, ...]"


def ledger(rows: Iterable[ClaimRow]) -> Ledger:
    """Return claims of the index as a ledger."""
    found = tuple(map(entry, rows))
    return Ledger(summary(found), found)
