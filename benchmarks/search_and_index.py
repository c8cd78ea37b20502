"""Whole-process figures next to the budgets of docs/design.md, as ratios to `rg -l` in the same run.

python benchmarks/search_and_index.py [--sizes 1000 10000] [--runs 10] [--hybrid]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from measuring import Row, commands, make_notes, paired, run, show

QUERIES = ("残差向量量化", "声调", "韵律", "RVQ")
BUDGET_SIZE = 10_000  # the budgets are for this many notes


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
    kb, rg = commands()
    with tempfile.TemporaryDirectory() as name:
        help_seconds = statistics.median(run([kb, "--help"], Path(name)).seconds for _ in range(arguments.runs))
    print("| notes | what | figure | budget | |\n| ---: | --- | ---: | ---: | --- |")
    show("", Row("kb --help", help_seconds, "s", 0.15))
    for count in arguments.sizes:
        for row in measure(kb, rg, count, arguments.runs, arguments.hybrid):
            show(f"{count:,}", row if count >= BUDGET_SIZE else row._replace(limit=None))


if __name__ == "__main__":
    main()
