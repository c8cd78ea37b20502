"""What a reader has said of a paper, and what the paper is known by."""

from typing import NamedTuple

IN_NOTE = "in the note"


class State(NamedTuple):
    """What the reader said of a paper."""

    starred: str | None = None  # when, "2025-05-01"; "in the note" if it is the note that says so
    read: str | None = None

    @property
    def signs(self) -> str:
        """What stands before a title: "★✓ ", or nothing."""
        shown = "★" * bool(self.starred) + "✓" * bool(self.read)
        return shown and f"{shown} "


class Known(NamedTuple):
    """What a paper is known by."""

    names: tuple[str, ...]  # "arxiv:2410.15017", of all its records, what outlives most changes first
    is_starred: bool  # in one of its notes
