"""Whole-process figures next to the budgets of docs/design.md, as ratios to `rg -l` in the same run.

python benchmarks/search_and_index.py [--sizes 1000 10000] [--runs 10] [--hybrid]
"""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
GENERATOR = ROOT.parent / "shared" / "tools" / "make_bench_notes.py"
QUERIES = ("残差向量量化", "声调", "韵律", "RVQ")
BUDGET_SIZE = 10_000  # the budgets are for this many notes
MIB = 1024  # ru_maxrss is in KiB


class Run(NamedTuple):
    """One finished process."""

    seconds: float
    peak_mib: float
    output: str


class Row(NamedTuple):
    """One line of the table; limit None means the figure has no budget."""

    what: str
    figure: float
    unit: str
    limit: float | None
    is_least: bool = False  # the budget is a least, not a most


def run(command: Sequence[str], folder: Path) -> Run:
    """Run command to its end, with byte code compiled and no knowledge base named from outside."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "KB_HOME")}
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss / MIB, output)


def paired(command: Sequence[str], other: Sequence[str], folder: Path, runs: int) -> tuple[float, float]:
    """Return the median ratio of command to other, run in turn, and command's peak memory in MiB."""
    run(command, folder)
    run(other, folder)
    pairs = [(run(command, folder), run(other, folder)) for _ in range(runs)]
    return statistics.median(a.seconds / b.seconds for a, b in pairs), max(a.peak_mib for a, _ in pairs)


def make_notes(folder: Path, count: int) -> None:
    """Fill folder with count notes of about 1 KB: by the generator beside the checkout, else from our own notes."""
    if GENERATOR.is_file():
        subprocess.run([sys.executable, str(GENERATOR), str(folder), str(count)], check=True)
        return
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "notes").glob("*.md")))
    sentences = [s for s in re.split(r"(?<=[。；？])|\n", text) if 8 <= len(s) <= 260]
    titles = re.findall(r"《(.+?)》", text)
    chance = random.Random(count)
    for number in range(count):
        month = f"{2023 + number % 3}-{number % 12 + 1:02d}"
        body = "\n\n".join(chance.choices(sentences, k=8))
        note = f"---\ndate: {month}-01\n---\n\n**《{chance.choice(titles)} v{number}》** CMU，SLM\n\n{body}\n"
        target = folder / month / f"note-{number:05d}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(note, encoding="utf-8")


def measure(kb: str, rg: str, count: int, runs: int, hybrid: bool) -> list[Row]:
    """Return the figures on count notes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "notes").mkdir()
        (folder / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
        rows = [Row("preparing the dictionary, once", run([kb, "index"], folder).seconds, "s", None)]
        make_notes(folder / "notes", count)
        built = run([kb, "index"], folder)
        rows.append(Row("index build, notes a second", count / built.seconds, "/s", 1000, is_least=True))
        rows.append(Row("index build, peak memory", built.peak_mib, "MiB", None))
        note = next((folder / "notes").rglob("*.md"))
        again = []
        for _ in range(5):
            with note.open("a", encoding="utf-8") as file:
                file.write("\n又一行。\n")
            again.append(run([kb, "index"], folder).seconds)
        rows.append(Row("re-index after one file changed", statistics.median(again), "s", 0.2))
        for refresh, limit in (("--no-refresh", 2.5), ("--refresh", 3.5)):
            worst, peak = 0.0, 0.0
            for query in QUERIES:
                ratio, memory = paired([kb, "search", refresh, query], [rg, "-l", query, "notes"], folder, runs)
                worst, peak = max(worst, ratio), max(peak, memory)
            rows.append(Row(f"cold search {refresh}, worst of {len(QUERIES)}", worst, "x rg -l", limit))
            rows.append(Row(f"cold search {refresh}, peak memory", peak, "MiB", 45))
        rows.append(Row("kb digest of a month", statistics.median(digests(kb, folder)), "s", 0.4))
        rows.append(Row("queries with other hits than rg", wrong_counts(kb, rg, folder), "", 0))
        if hybrid:
            (folder / "kb.toml").write_text('encoder = "minilm"\n', encoding="utf-8")
            encoded = run([kb, "index"], folder)
            rows.append(Row("encoding every passage, MiniLM", encoded.seconds, "s", None))
            ratio, peak = paired([kb, "search", "speech codec quality"], [rg, "-l", "codec", "notes"], folder, runs)
            rows.append(Row("cold search, hybrid", ratio, "x rg -l", 6))
            rows.append(Row("cold search, hybrid, peak memory", peak, "MiB", 300))
    return rows


def digests(kb: str, folder: Path) -> list[float]:
    """Return the seconds of three digests of the first month."""
    month = run([kb, "list"], folder).output.split("\t")[1]
    return [run([kb, "digest", month], folder).seconds for _ in range(3)]


def wrong_counts(kb: str, rg: str, folder: Path) -> int:
    """Return for how many queries the quoted search finds another number of notes than rg does."""
    wrong = 0
    for query in QUERIES:
        listed = len(run([rg, "-l", query, "notes"], folder).output.splitlines())
        found = run([kb, "list", f'"{query}"'], folder).output.splitlines()
        wrong += len(found) != listed
    return wrong


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description="Measure search and index against their budgets.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--hybrid", action="store_true", help="also encode every passage: minutes at 10,000 notes")
    arguments = parser.parse_args()
    rg = shutil.which("rg")
    kb = shutil.which("kb", path=str(Path(sys.executable).parent)) or shutil.which("kb")
    if not rg or not kb:
        raise SystemExit("needs rg (ripgrep) on the path and kb installed")
    with tempfile.TemporaryDirectory() as name:
        help_seconds = statistics.median(run([kb, "--help"], Path(name)).seconds for _ in range(arguments.runs))
    print("| notes | what | figure | budget | |\n| ---: | --- | ---: | ---: | --- |")
    show("", Row("kb --help", help_seconds, "s", 0.15))
    for count in arguments.sizes:
        for row in measure(kb, rg, count, arguments.runs, arguments.hybrid):
            show(f"{count:,}", row if count >= BUDGET_SIZE else row._replace(limit=None))


def show(size: str, row: Row) -> None:
    """Print one line of the table."""
    verdict, budget = "", ""
    if row.limit is not None:
        kept = row.figure >= row.limit if row.is_least else row.figure <= row.limit
        verdict = "kept" if kept else "**missed**"
        budget = f"{'≥' if row.is_least else '≤'} {row.limit:g} {row.unit}".rstrip()
    figure = f"{row.figure:.0f}" if row.figure >= 100 else f"{row.figure:.2f}".rstrip("0").rstrip(".")
    print(f"| {size} | {row.what} | {figure} {row.unit}".rstrip() + f" | {budget} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
