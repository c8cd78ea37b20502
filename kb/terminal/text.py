"""Records as lines for a terminal or a pipe. Returns text; printing is the command line's."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.markup.unseen import clean
from kb.terminal.output import ours, shown

if TYPE_CHECKING:
    from kb.claims.ledger import Entry

CLAIM_COUNTS = {
    "holds": "hold",
    "contradicted": "contradicted",
    "as_noted": "of these as noted",
    "not-runnable": "not runnable here",
    "stale": "to be run",
}
ESCAPE = ours("\x1b")


class Style(NamedTuple):
    """Colour and links for a person, nothing for a pipe."""

    is_terminal: bool
    has_colour: bool = True  # of a terminal; bold and dim go with colour
    has_links: bool = True

    def bold(self, text: str) -> str:
        """Return text in bold."""
        return self._shaded("1", text)

    def dim(self, text: str) -> str:
        """Return text in a quieter shade."""
        return self._shaded("2", text)

    def marked(self, text: str) -> str:
        """Return text as a match stands out."""
        return self._shaded("1;33", text)

    def place(self, path: Path, line: int) -> str:
        """Return `path:line` as seen from here, linked to the file (OSC 8); control characters and newlines as ?."""
        return self.to_place(path, line, place_name(path, line))

    def to_place(self, path: Path, line: int, text: str) -> str:
        """Return text linked to a line of a file."""
        return self._linked(f"{path.absolute().as_uri()}#L{line}", text)

    def address(self, url: str) -> str:
        """Return url, linked to itself (OSC 8) if it is one of the web."""
        return self._linked(url, url) if url.lower().startswith(("http://", "https://")) else url

    def _shaded(self, code: str, text: str) -> str:
        return f"{ESCAPE}[{code}m{text}{ESCAPE}[0m" if self.is_terminal and self.has_colour else text

    def _linked(self, address: str, text: str) -> str:
        if not (self.is_terminal and self.has_links):
            return text
        return f"{ESCAPE}]8;;{address}{ESCAPE}\\{text}{ESCAPE}]8;;{ESCAPE}\\"


def place_name(path: Path, line: int) -> str:
    """Return `path:line` as seen from here; control characters and newlines as ?."""
    name = clean(from_here(path).replace("\t", "?").replace("\n", "?"), "?")
    return f"{name}:{line}"


def one_line(text: str) -> str:
    """Return text on one line, as a message is said."""
    return " ".join(text.split("\n"))


def clean_row(*cells: str) -> str:
    """Return cells as one line with tabs between them, for a list that is shown while it is made."""
    return "\t".join(clean(cell.replace("\t", " ").replace("\n", " ")) for cell in cells)


def people(authors: Sequence[str]) -> str:
    """Return authors as people write them: "A. One", "B. Two", "others" -> "A. One, B. Two et al."."""
    *named, last = authors or ("",)
    return f"{', '.join(named)} et al." if named and last == "others" else ", ".join(authors)  # kb.records.OTHERS


def claim_counts(counts: Mapping[str, int]) -> str:
    """Return how many claims are in which state: {"holds": 3, "contradicted": 1} -> "3 hold, 1 contradicted"."""
    told = [f"{counts[state]} {name}" for state, name in CLAIM_COUNTS.items() if counts.get(state)]
    return ", ".join("1 holds" if one == "1 hold" else one for one in told)


def claim_state(entry: "Entry") -> str:
    """Return the state of a claim in words."""
    if entry.is_expected:
        return "contradicted as noted"
    if entry.state == "stale":
        return "to be run again" if entry.date else "not run yet"
    return entry.state.replace("not-runnable", "not runnable here")


def claim_columns(entries: "Sequence[Entry]", path_of: Callable[[str], Path], style: Style) -> list[list[str]]:
    """Return state, id, what the note says, what was computed, place and reason of claims, a row each."""
    return [
        [
            style.marked(claim_state(one)) if one.state == "contradicted" else claim_state(one),
            one.id,
            one.says_figures,
            one.computed_figures,
            style.place(path_of(one.file), one.line),
            one.reason or "",
        ]
        for one in entries
    ]


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], style: Style) -> Any:
    """Return rows as a rich table for a person, as tab-separated lines for a pipe."""
    if not style.is_terminal:
        return "\n".join("\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in row) for row in rows)
    from rich import box
    from rich.table import Table
    from rich.text import Text

    laid_out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    numeric = [bool(rows) and all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(headings))]
    for heading, is_number in zip(headings, numeric, strict=True):
        laid_out.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        laid_out.add_row(*(Text.from_ansi(shown(str(cell))) for cell in row))
    return laid_out


def sparks(values: Sequence[float]) -> str:
    """Return values as a line of bars, the largest the highest, 0 or less a dot: 0, 1, 2, 4 -> "·▂▄█"."""
    largest = max(values, default=0)
    heights = (round(value / largest * 8) if value > 0 else 0 for value in values)
    return "".join("·▁▂▃▄▅▆▇█"[max(height, value > 0)] for height, value in zip(heights, values, strict=True))


def from_here(path: Path) -> str:
    """Return path as seen from the working directory; whole if that is further than one folder up."""
    try:
        return _seen_from(path, os.getcwd())
    except FileNotFoundError:  # the working directory is gone
        return str(path)


@lru_cache
def _seen_from(path: Path, folder: str) -> str:
    relative = os.path.relpath(path, folder)
    return str(path) if relative.startswith(os.path.join("..", "..")) else relative
