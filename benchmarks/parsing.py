"""How fast notes are parsed, in megabytes a second of one processor, beside markdown-it-py alone on the same texts.

python benchmarks/parsing.py [FOLDER...]     by default our own notes, again and again
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from markdown_it import MarkdownIt

from kb.notes.folders import SUFFIXES
from kb.notes.parsing import parse_note

ROOT = Path(__file__).resolve().parent.parent
LEAST_BYTES = 2_000_000


def megabytes_a_second(parse: Callable[[bytes, str], object], pages: list[tuple[bytes, str]]) -> float:
    """Return the speed of the faster of two rounds."""
    seconds = []
    for _ in range(2):
        started = time.process_time()
        for data, name in pages:
            parse(data, name)
        seconds.append(time.process_time() - started)
    return sum(len(data) for data, _ in pages) / min(seconds) / 1e6


def main() -> None:
    """Print both speeds."""
    parser = argparse.ArgumentParser(description="Measure how fast notes are parsed.")
    parser.add_argument("folders", type=Path, nargs="*", default=[ROOT / "notes"])
    files = [path for folder in parser.parse_args().folders for path in sorted(folder.rglob("*"))]
    pages = [(path.read_bytes(), path.name) for path in files if path.suffix in SUFFIXES and path.is_file()]
    size = sum(len(data) for data, _ in pages)
    pages *= max(1, -(-LEAST_BYTES // size))
    markdown = MarkdownIt("commonmark").enable("table")
    ours = megabytes_a_second(parse_note, pages)
    theirs = megabytes_a_second(lambda data, name: markdown.parse(data.decode("utf-8-sig")), pages)
    print(f"kb {ours:.2f} MB/s, at least 2; markdown-it-py alone {theirs:.2f} MB/s; ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
