"""Many programs on one knowledge base at once. Used by the tests and by soak.py.

python -m tests.faults.parallel read|write ROOT SECONDS NUMBER
"""

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from cli import app
from tests.faults.killing import PATIENCE_SECONDS, start

PAPERS = 5  # of a generation; all bear its number, in all notes
NOTES = 3


class Told(NamedTuple):
    """What came of one process."""

    runs: int
    errors: list[str]
    mixtures: int
    busy: int  # times that the index was shown as it was because another process wrote it
    slowest: float  # seconds


def write_generation(root: Path, writer: int, number: int) -> None:
    """Give all notes of a writer the papers of a generation, one file after the other."""
    for note in range(NOTES):
        papers = (
            f"**《Writer {writer} paper {note}-{part}》** X，generation{number}\n\n声调。\n" for part in range(PAPERS)
        )
        target = root / "notes" / f"w{writer}-{note}.md"
        partial = target.with_suffix(".tmp")
        partial.write_text("\n".join(papers), encoding="utf-8")
        partial.replace(target)


def read(root: Path, seconds: float) -> Told:
    """Search, list and show again and again; every note that is seen must be of one generation, and whole."""
    errors, mixtures, busy, slowest, runs = [], 0, 0, 0.0, 0
    ends = time.monotonic() + seconds
    chance = random.Random()
    while time.monotonic() < ends:
        options = ["--no-refresh"] if chance.random() < 0.5 else []
        command = ["search", "声调", "--json", "--limit", "0"] if chance.random() < 0.7 else ["list", "--json"]
        began = time.monotonic()
        result = CliRunner().invoke(app, ["--kb", str(root), *command, *options])
        slowest = max(slowest, time.monotonic() - began)
        runs += 1
        if result.exit_code:
            errors.append(result.stderr.strip() or repr(result.exception))
            continue
        busy += "another kb is writing" in result.stderr
        data = json.loads(result.stdout)["data"]
        rows = [hit["paper"] for hit in data["hits"]] if command[0] == "search" else data
        mixtures += is_mixture(rows)
    return Told(runs, errors, mixtures, busy, slowest)


def is_mixture(rows: list[dict[str, str]]) -> bool:
    """Whether rows hold a note in part, or one with papers of two generations."""
    seen: dict[str, list[str]] = {}
    for row in rows:
        seen.setdefault(row["file"], []).append(row["keywords"])
    return any(len(keywords) != PAPERS or len(set(keywords)) != 1 for keywords in seen.values())


def write(root: Path, seconds: float, writer: int) -> Told:
    """Change the notes and index them again and again."""
    errors, busy, slowest, runs = [], 0, 0.0, 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        write_generation(root, writer, runs)
        began = time.monotonic()
        result = CliRunner().invoke(app, ["--kb", str(root), "index"])
        slowest = max(slowest, time.monotonic() - began)
        runs += 1
        if result.exit_code and "another kb is writing" in result.stderr:
            busy += 1
        elif result.exit_code:
            errors.append(result.stderr.strip() or repr(result.exception))
    return Told(runs, errors, 0, busy, slowest)


def run_all(root: Path, readers: int, writers: int, seconds: float) -> tuple[list[Told], list[Told]]:
    """Run readers and writers at once and return what came of each."""
    kinds = ["read"] * readers + ["write"] * writers
    running = [
        start(root, ["tests.faults.parallel", kind, str(root), str(seconds), str(number)])
        for number, kind in enumerate(kinds)
    ]
    told = [finished(process, seconds) for process in running]
    return told[:readers], told[readers:]


def finished(process: "subprocess.Popen[bytes]", seconds: float) -> Told:
    """Wait for a process that works for so long, and return what came of it."""
    said = process.communicate(timeout=seconds + PATIENCE_SECONDS)[0].decode()
    found = re.search(r"^TOLD (.*)$", said, re.MULTILINE)
    assert found, said
    return Told(*json.loads(found[1]))


if __name__ == "__main__":
    place, limit = Path(sys.argv[2]), float(sys.argv[3])
    outcome = read(place, limit) if sys.argv[1] == "read" else write(place, limit, int(sys.argv[4]))
    print("TOLD " + json.dumps(outcome))
