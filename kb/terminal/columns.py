"""Rows for a person in columns that fit the screen: what matters least gives way, no word is cut."""

from collections.abc import Sequence

from kb.terminal.hits import LEAST_COLUMNS, Part
from kb.terminal.text import Style

BETWEEN = "  "
LEAST_OF_MAIN = 28  # columns that the main one has before others are shown beside it
MOST_OF_OTHERS = 24  # columns that another one has, but for the first two that give way: ids and places stay whole


def columned(
    headings: Sequence[str],
    rows: Sequence[Sequence[Part]],
    style: Style,
    columns: int,
    main: str,
    giving_way: Sequence[str],
) -> list[str]:
    """Return a line of headings and rows below them, none wider than columns.

    main is the heading of the column that has what room is left. giving_way are headings of columns that are left out
    where it would be too narrow, the first one first. A cell that is longer than its column goes on below.
    """
    from rich.cells import cell_len

    from kb.markup.line_breaks import lines

    columns = max(columns, LEAST_COLUMNS)
    shown, at = list(range(len(headings))), headings.index(main)
    widest = [max(map(cell_len, (heading, *(row[i].text for row in rows)))) for i, heading in enumerate(headings)]
    widths = [width if headings[i] in giving_way[:2] else min(width, MOST_OF_OTHERS) for i, width in enumerate(widest)]

    def left() -> int:
        return columns - sum(widths[i] + len(BETWEEN) for i in shown if i != at)

    for heading in giving_way:
        if left() < min(widest[at], LEAST_OF_MAIN):
            shown.remove(headings.index(heading))
    widths[at] = max(min(left(), widest[at]), 1)
    found = [_line([style.dim(headings[i]) + " " * (widths[i] - cell_len(headings[i])) for i in shown])]
    for row in rows:
        cells = {i: lines(row[i].text, widths[i]) for i in shown}
        for number in range(max(map(len, cells.values()))):
            pieces = [(i, cells[i][number] if number < len(cells[i]) else "") for i in shown]
            padded = [(piece and row[i].styled(piece)) + " " * (widths[i] - cell_len(piece)) for i, piece in pieces]
            found.append(_line(padded))
    return found


def _line(cells: Sequence[str]) -> str:
    return BETWEEN.join(cells).rstrip()
