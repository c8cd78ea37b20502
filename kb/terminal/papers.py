"""Papers as a list: columns for a person, lines with tabs between for a pipe."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.terminal.columns import columned
from kb.terminal.hits import Part
from kb.terminal.text import Style, place_name, table

if TYPE_CHECKING:
    from kb.index.sqlite.papers import PaperRow

HEADINGS = ["id", "month", "title", "organizations", "place"]
GIVING_WAY = ["id", "place", "organizations", "month"]


def paper_list(
    papers: "Sequence[PaperRow]",
    signs: Mapping[int, str],
    path_of: Callable[[str], Path],
    style: Style,
    columns: int | None,
    scores: Sequence[float] | None = None,
) -> str:
    """Return papers, a row each; columns is the width of the screen, None in a pipe.

    signs stand before a title, by key: "★ ". scores stand before all.
    """

    def place(paper: "PaperRow") -> Part:
        path = path_of(paper.file)
        return Part(place_name(path, paper.line), lambda piece: style.to_place(path, paper.line, piece))

    rows = [
        [
            *([Part(f"{scores[number]:.2f}")] if scores else []),
            Part(paper.id),
            Part(paper.month or ""),
            Part(signs.get(paper.key, "") + paper.title, style.bold),
            Part(paper.organizations),
            place(paper),
        ]
        for number, paper in enumerate(papers)
    ]
    headings = [*(["score"] if scores else []), *HEADINGS]
    if columns is None:
        return str(table(headings, [[one.text for one in row] for row in rows], style))
    return "\n".join(columned(headings, rows, style, columns, "title", GIVING_WAY))
