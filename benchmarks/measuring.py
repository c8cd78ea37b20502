"""What the benchmarks of whole processes share: running them, notes to run them on, and the table of figures."""

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


class Failed(SystemExit):
    """A command ended with an error; one that nobody expects ends the benchmark with this line."""


def run(command: Sequence[str], folder: Path) -> Run:
    """Run command to its end, with byte code compiled and no knowledge base named from outside.

    Raises: Failed.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "KB_HOME")}
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode()
    found_nothing = Path(command[0]).name == "rg" and process.returncode == 1
    if process.returncode and not found_nothing:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss / MIB, output)


def paired(command: Sequence[str], other: Sequence[str], folder: Path, runs: int) -> tuple[float, float]:
    """Return the median ratio of command to other, run in turn, and command's peak memory in MiB."""
    run(command, folder)
    run(other, folder)
    pairs = [(run(command, folder), run(other, folder)) for _ in range(runs)]
    return statistics.median(a.seconds / b.seconds for a, b in pairs), max(a.peak_mib for a, _ in pairs)


def commands() -> tuple[str, str]:
    """Return where kb and rg are: kb beside this Python, else on the path."""
    rg = shutil.which("rg")
    kb = shutil.which("kb", path=str(Path(sys.executable).parent)) or shutil.which("kb")
    if not rg or not kb:
        raise SystemExit("needs rg (ripgrep) on the path and kb installed")
    return kb, rg


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
        month = f"{2016 + number % 120 // 12}-{number % 12 + 1:02d}"  # ten years of reading
        body = "\n\n".join(chance.choices(sentences, k=8))
        note = f"---\ndate: {month}-01\n---\n\n**《{chance.choice(titles)} v{number}》** CMU，SLM\n\n{body}\n"
        target = folder / month / f"note-{number:05d}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(note, encoding="utf-8")


def show(size: str, row: Row) -> None:
    """Print one line of the table."""
    verdict, budget = "", ""
    if row.limit is not None:
        kept = row.figure >= row.limit if row.is_least else row.figure <= row.limit
        verdict = "kept" if kept else "**missed**"
        budget = f"{'≥' if row.is_least else '≤'} {row.limit:g} {row.unit}".rstrip()
    figure = f"{row.figure:.0f}" if row.figure >= 100 else f"{row.figure:.2f}".rstrip("0").rstrip(".")
    print(f"| {size} | {row.what} | {figure} {row.unit}".rstrip() + f" | {budget} | {verdict} |", flush=True)
