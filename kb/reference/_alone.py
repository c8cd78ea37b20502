"""What a reference implementation does when it is run by itself: it prints its rows, or what it promises."""

import argparse
from collections.abc import Callable
from typing import Any


def run_alone(title: str, demo: Callable[..., dict[str, Any]], checks: Callable[..., list[tuple[str, bool]]]) -> None:
    """Print the rows of a demo as a table with its drawing and remarks, or its checks; one that fails ends with 1."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    try:
        if given.check:
            found = checks(device=given.device)
            print(*(f"{'holds' if holds else 'FAILS':<7}{sentence}" for sentence, holds in found), sep="\n")
            parser.exit(not all(holds for _, holds in found))
        shown = demo(device=given.device, seed=given.seed)
    except ValueError as error:
        parser.error(str(error))
    rows = shown["rows"]
    table = [list(rows[0]), *(["-" if cell is None else str(cell) for cell in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print(*(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)), sep="  ")
    if "drawing" in shown:
        print(shown["drawing"])
    for remark in shown.get("remarks", ()):
        print(remark)
