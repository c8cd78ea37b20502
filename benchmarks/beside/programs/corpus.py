"""What the programs share: their arguments, and which notes have changed since they looked last."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

Note = tuple[str, str]  # name, text


def read(paths: Iterable[Path]) -> list[Note]:
    """Return the notes of these files."""
    return [(path.stem, path.read_text(encoding="utf-8")) for path in paths]


def changed(notes: Path, record: Path) -> list[Path]:
    """Return the files whose time is not the one in record, and write the new ones into it."""
    known = json.loads(record.read_text()) if record.exists() else {}
    times = {str(path): path.stat().st_mtime_ns for path in sorted(notes.rglob("*.md"))}
    record.write_text(json.dumps(times))
    return [Path(path) for path, time in times.items() if known.get(path) != time]


def main(update: Callable[[str, Path], None], search: Callable[[str, str, int], Iterable[str]]) -> None:
    """Do what the arguments say: TERMS update NOTES, or TERMS search QUERY LIMIT, which prints names of notes."""
    terms, job, what, *limit = sys.argv[1:]
    if job == "update":
        update(terms, Path(what))
    else:
        sys.stdout.write("".join(f"{name}\n" for name in search(terms, what, int(limit[0]))))
