"""What may be an entry of a note: where it stands, what it is called, and what speaks for it."""

from dataclasses import dataclass, field
from typing import Literal

from kb.notes.parsing.titles import Found

Place = Literal["page", "heading", "item", "nested", "row", "guillemets", "paragraph", "bibtex"]


@dataclass(slots=True)
class Candidate:
    """A stretch of lines that may be about one paper; lines count from 0."""

    place: Place
    line: int
    end: int  # the line after the last that is its own by the structure of the text
    found: Found  # its title
    head: str  # the text that names it; links by reference have their address
    opening: tuple[str, ...] = ()  # the first lines below, without empty ones
    evidence: set[str] = field(default_factory=set)  # names in kb.notes.parsing.weights.WEIGHTS
    facts: dict[str, str] = field(default_factory=dict)  # what its head and labels say, by field of fields.FIELDS
    neighbours: tuple[object, ...] = ()  # what it shares with the candidates beside it: their list, table or section
    level: int = 0  # of a heading; how deep an item is
    heading: int | None = None  # of a page: the line of the heading that speaks for it
