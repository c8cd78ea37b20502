"""What was measured of each peer, and the table of it. Pure: figures in, Markdown out."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SMALL = 10  # figures below it are shown with two digits that tell


class Found(NamedTuple):
    """What a search found of the notes that hold a query."""

    right: int
    true: int
    extra: int


class Figures(NamedTuple):
    """One row; None is for what a tool does not have."""

    name: str
    installed_mib: float
    build_seconds: float | None
    build_mib: float | None
    refresh_seconds: float | None
    rebuilds: bool
    is_seen: bool | None
    times_rg: float
    search_mib: float
    found: tuple[Found | None, ...]  # one a query


class Absent(NamedTuple):
    """A tool that could not be measured."""

    name: str
    why: str


def judge(found: set[str], true: set[str]) -> Found:
    """Return how many of the true names were found, and how many others."""
    return Found(len(found & true), len(true), len(found - true))


def table(rows: Iterable[Figures | Absent], queries: Sequence[str], floor_mib: float) -> str:
    """Return the table, the fastest search first and what is absent last.

    Args:
        rows: what was measured.
        queries: as many as each row has found.
        floor_mib: what a process is said to hold at least, because its parent does.
    """
    heads = ["", "installed, MiB", "build, s", "after a changed note, s", "cold search, × `rg -l`"]
    heads += ["memory of search / build, MiB", *queries]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    rows = list(rows)
    measured = sorted((row for row in rows if isinstance(row, Figures)), key=lambda row: row.times_rg)
    lines += [cells(row, floor_mib) for row in measured]
    lines += [[row.name, row.why, *[""] * (len(heads) - 2)] for row in rows if isinstance(row, Absent)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(row: Figures, floor_mib: float) -> list[str]:
    """Return the cells of a row."""
    memory = f"{held(row.search_mib, floor_mib)} / {held(row.build_mib, floor_mib)}"
    shown = [row.name, number(row.installed_mib), number(row.build_seconds), after_change(row), number(row.times_rg)]
    return [*shown, memory, *(share(found) for found in row.found)]


def after_change(row: Figures) -> str:
    """Return what a changed note costs: "0.17", "2.9, all anew", "0.35, not seen"."""
    parts = [number(row.refresh_seconds), *(["all anew"] if row.rebuilds else [])]
    return ", ".join([*parts, *(["**not seen**"] if row.is_seen is False else [])])


def share(found: Found | None) -> str:
    """Return right of true and what came beside: "28/28", "9/9 +145"; for None that all notes are ranked."""
    if found is None:
        return "ranks"
    return f"{found.right}/{found.true}" + (f" +{found.extra}" if found.extra else "")


def held(mib: float | None, floor_mib: float) -> str:
    """Return memory, or that it is no more than what every process is said to hold."""
    return f"≤ {floor_mib:.0f}" if mib is not None and mib <= floor_mib else number(mib)


def number(value: float | None) -> str:
    """Return a figure with as many digits as tell: 0.034, 1.3, 23, 856; a dash for None."""
    if value is None:
        return "–"
    if value >= SMALL:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
