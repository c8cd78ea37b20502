"""How long a search takes as the knowledge base grows, cold and warm, by words alone and with meaning.

python benchmarks/latency.py [--passages 1000 10000 100000 1000000] [--runs 5] [--encoder minilm]

Up to 100,000 passages are as many notes, most of one passage, indexed by `kb index` and compared with `rg -l` over the
same files in the same run. More are rows written into the index, each of them the halves of two of a thousand notes.
The notes are made from few sentences, so words are far more common than in real ones: the hard case for words.

Encoding a million texts takes hours, so 1,000 are encoded and the other vectors are made from theirs: a random point
between a vector and one of its ten nearest, moved a little in a random direction (cosine about .99), as a passage is
near others about the same thing. Recall asks how many of the ten nearest by exact cosine a search has among its ten.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measuring import Row, commands, make_notes, paired, run, show

GROWING = Path(__file__).resolve().with_name("growing.py")
WRITTEN_AT_MOST = 100_000  # notes; more files would only measure the file system
ENCODED = 1000
QUERIES = ("残差量化", "声调", "RVQ", "speech codec quality")
ASKED = [f"--query={query}" for query in QUERIES]

# Passages -> budget.
WORDS_TIMES_RG = {10_000: 2.5}
HYBRID_TIMES_RG = {10_000: 6.0}
VECTORS_MS = {1_000_000: 250.0}
HYBRID_SECONDS = {1_000_000: 0.6}
WORDS_MIB = {10_000: 45.0}
HYBRID_MIB = {10_000: 300.0, 1_000_000: 600.0}
RECALL = {1_000_000: 0.95}


def configure(root: Path, model: str) -> None:
    """Say in kb.toml which encoder there is."""
    (root / "kb.toml").write_text(f'encoder = "{model}"\n', encoding="utf-8")


def grow(job: str, root: Path, *arguments: str) -> str:
    """Have a process of its own do a job of growing.py and return what it prints."""
    return run([sys.executable, str(GROWING), job, str(root), *arguments], root).output


def cold(kb: str, rg: str | None, root: Path, runs: int) -> tuple[float, float | None, float]:
    """Return of the slowest query (seconds, times what rg takes, peak MiB) of a whole process; no ratio without rg."""
    worst, worst_ratio, peak = 0.0, None, 0.0
    for query in QUERIES:
        command = [kb, "search", "--no-refresh", query]
        finished = [run(command, root) for _ in range(runs + 1)][1:]
        worst = max(worst, statistics.median(one.seconds for one in finished))
        peak = max(peak, *(one.peak_mib for one in finished))
        if rg:
            ratio, _ = paired(command, [rg, "-l", query, "notes"], root, runs)
            worst_ratio = max(worst_ratio or 0.0, ratio)
    return worst, worst_ratio, peak


def warm(root: Path) -> float:
    """Return the seconds of the slowest query in a process that has searched before."""
    return float(grow("warm", root, *ASKED))


def measure(kb: str, rg: str, count: int, runs: int, sample: Path, model: str) -> Iterator[Row]:
    """Yield the figures on count passages."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "notes").mkdir()
        shutil.copytree(sample / ".kb", root / ".kb", ignore=shutil.ignore_patterns("kb.sqlite*", "vectors-*"))
        configure(root, "none")
        is_written = count <= WRITTEN_AT_MOST
        if is_written:
            make_notes(root / "notes", count)
            yield Row("kb index, by words", run([kb, "index"], root).seconds, "s", None)
        else:
            grow("rows", root, str(sample), f"--count={count}")
        seconds, ratio, peak = cold(kb, rg if is_written else None, root, runs)
        yield Row("cold, by words", seconds, "s", None)
        if ratio is not None:
            yield Row("cold, by words", ratio, "x rg -l", WORDS_TIMES_RG.get(count))
        yield Row("cold, by words, peak memory", peak, "MiB", WORDS_MIB.get(count))
        yield Row("warm, by words", warm(root) * 1000, "ms", None)
        yield Row("papers with a word of the commonest query", float(grow("matches", root, *ASKED)), "", None)

        configure(root, model)
        grow("vectors", root, str(sample))
        built = run([kb, "index"], root)
        yield Row("kb index, its vectors encoded before", built.seconds, "s", None)
        yield Row("kb index, its vectors encoded before, peak memory", built.peak_mib, "MiB", None)
        for what, pattern in (("SQLite", "kb.sqlite"), ("vector index", "vectors-*")):
            size = sum(path.stat().st_size for path in (root / ".kb").glob(pattern))
            yield Row(f"{what} on disk", size / 2**20, "MiB", None)
        seconds, ratio, peak = cold(kb, rg if is_written else None, root, runs)
        yield Row("cold, hybrid", seconds, "s", HYBRID_SECONDS.get(count))
        if ratio is not None:
            yield Row("cold, hybrid", ratio, "x rg -l", HYBRID_TIMES_RG.get(count))
        yield Row("cold, hybrid, peak memory", peak, "MiB", HYBRID_MIB.get(count))
        near = statistics.median(float(grow("nearest", root, *ASKED)) for _ in range(runs))
        yield Row("cold, vectors alone", near * 1000, "ms", VECTORS_MS.get(count))
        yield Row("warm, hybrid", warm(root) * 1000, "ms", None)
        found = float(grow("recall", root, str(sample)))
        yield Row("recall@10 against exact", found, "", RECALL.get(count), is_least=True)


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(description="Measure searches in knowledge bases of several sizes.")
    parser.add_argument("--passages", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--encoder", default="minilm", help="as in kb.toml")
    arguments = parser.parse_args()
    kb, rg = commands()
    with tempfile.TemporaryDirectory() as name:
        sample = Path(name)
        configure(sample, arguments.encoder)
        grow("sample", sample, f"--count={ENCODED}")
        print("| passages | slowest of the queries | figure | budget | |\n| ---: | --- | ---: | ---: | --- |")
        for count in arguments.passages:
            for row in measure(kb, rg, count, arguments.runs, sample, arguments.encoder):
                show(f"{count:,}", row)


if __name__ == "__main__":
    main()
