"""Kill, crowd and overfill kb, have its calls fail, and print what was lost as the table of docs/reliability.md.

python -m tests.faults.soak [--kills 200] [--faults 150] [--seconds 60] [--files 100000] [--megabytes 200]
    [--searches 100000] [--only kills|faults|parallel|staying|...]
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kb.config.kb_toml import shipped_glossary
from kb.index import translation_table as dictionaries
from kb.index.translation import gloss_path
from tests.faults.every_call import COMMANDS, FAULTS, OUTCOMES, CallTrial, judged
from tests.faults.forking import Forking, quick_folder
from tests.faults.killing import ROOT, SCENARIOS, Trial, finish, start
from tests.faults.parallel import finished, run_all, write_generation
from tests.faults.states import full_text_is_whole, state
from tests.faults.staying import crowd, processor_seconds, resident_mib

NOTES = 120  # of the knowledge base whose commands are killed
READERS, WRITERS = 40, 3
SEARCHERS = 8
SETTLING_SECONDS = 5


class Row(NamedTuple):
    """A line of the table."""

    what: str
    runs: int
    kills: int
    seconds: float
    losses: int
    remark: str


def kills(folder: Path, dictionary: Path, count: int) -> list[Row]:
    """Kill every scenario its share of count times."""
    rows = []
    share = -(-count // len(SCENARIOS))
    for scenario in SCENARIOS:
        began = time.monotonic()
        trial = Trial(scenario, folder / scenario.name.replace(" ", "-"), NOTES, dictionary)
        chance = random.Random(scenario.name)
        seen: Counter[str] = Counter()
        losses, running = 0, 0
        for _ in range(share):
            try:
                outcome = trial.kill(chance)
            except AssertionError as error:
                losses += 1
                print(f"LOST: {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            running += outcome.was_running
            seen[outcome.left] += 1
        left = ", ".join(f"{number} {state}" for state, number in sorted(seen.items()))
        remark = f"{running} while it ran; left behind: {left}"
        rows.append(Row(f"kill -9 of {scenario.name}", share, share, time.monotonic() - began, losses, remark))
        show(rows[-1])
    return rows


def parallel(folder: Path, dictionary: Path, seconds: float) -> list[Row]:
    """Let readers and writers work at once."""
    root = new_kb(folder, dictionary)
    for writer in range(READERS, READERS + WRITERS):
        write_generation(root, writer, 0)
    finish(root, ["kb", "index"])
    began = time.monotonic()
    readers, writers = run_all(root, READERS, WRITERS, seconds)
    took = time.monotonic() - began
    finish(root, ["kb", "index"])
    for told in (*readers, *writers):
        for error in told.errors[:1]:
            print(f"ERROR: {error}", file=sys.stderr)
    errors = sum(len(told.errors) for told in (*readers, *writers))
    mixtures = sum(told.mixtures for told in readers)
    is_whole = bool(state(root / ".kb" / "kb.sqlite")["files"]) and full_text_is_whole(root / ".kb" / "kb.sqlite")
    reads, writes = (sum(told.runs for told in some) for some in (readers, writers))
    slowest = [max(told.slowest for told in some) for some in (readers, writers)]
    busy = [sum(told.busy for told in some) for some in (readers, writers)]
    remark = (
        f"{reads} reads, {writes} indexings; slowest {slowest[0]:.1f} s and {slowest[1]:.1f} s;"
        f" {busy[0]} reads showed the index as it was, {busy[1]} indexings gave up waiting"
    )
    what = f"{READERS} readers and {WRITERS} writers at once"
    row = Row(what, reads + writes, 0, took, errors + mixtures + (not is_whole), remark)
    show(row)
    return [row]


def staying(folder: Path, dictionary: Path, seconds: float, searches: int) -> list[Row]:
    """Let readers and writers work on a process that stays; then search very often; then do nothing."""
    root = new_kb(folder, dictionary)
    for writer in range(READERS, READERS + WRITERS):
        write_generation(root, writer, 0)
    with_process = ["kb", "serve", "--background", "--port", "0"]
    print(finish(root, with_process).strip(), file=sys.stderr)
    try:
        began = time.monotonic()
        readers, writers = crowd(root, READERS, WRITERS, seconds)
        took = time.monotonic() - began
        for told in readers:
            for error in told.errors[:1]:
                print(f"ERROR: {error}", file=sys.stderr)
        losses = sum(len(told.errors) + told.mixtures for told in readers)
        reads, writes = (sum(told.runs for told in some) for some in (readers, writers))
        by = [sum(told.runs for told in readers[first::2]) for first in (0, 1)]
        slowest = max(told.slowest for told in readers)
        remark = f"{by[0]} by the socket, {by[1]} over HTTP, {writes} generations of notes; slowest {slowest:.1f} s"
        what = f"{READERS} readers of a process that stays, {WRITERS} writers"
        rows = [Row(what, reads, 0, took, losses, remark)]
        show(rows[-1])
        rows.append(_often(root, searches))
        time.sleep(SETTLING_SECONDS)  # the copy that is made ahead
        before = processor_seconds(root)
        time.sleep(seconds)
        spent = processor_seconds(root) - before
        rows.append(Row("a process that nobody asks", 1, 0, seconds, 0, f"{spent:.2f} s of processor time"))
        show(rows[-1])
    finally:
        finish(root, ["kb", "serve", "--stop"])
    return rows


def _often(root: Path, searches: int) -> Row:
    """Search very often, and see what memory that takes."""
    began = time.monotonic()
    taken = []
    for part in (searches // 100, searches - searches // 100):
        often = ["tests.faults.staying", "often", str(root), "0", str(part // SEARCHERS)]
        for process in [start(root, often) for _ in range(SEARCHERS)]:
            finished(process, searches)
        taken.append(resident_mib(root))
    remark = f"{taken[0]:.0f} MiB after {searches // 100:,}, {taken[1]:.0f} MiB after all"
    row = Row("searches of a process that stays", searches, 0, time.monotonic() - began, 0, remark)
    show(row)
    return row


def many_files(folder: Path, dictionary: Path, count: int) -> list[Row]:
    """Index very many files, then one more."""
    root = new_kb(folder, dictionary)
    for number in range(count):
        below = root / "notes" / f"{number // 1000:03d}"
        below.mkdir(exist_ok=True)
        text = f"**《Paper {number}》** X，k\n\n一句关于声调的话 number{number}。\n"
        (below / f"{number}.md").write_text(text, encoding="utf-8")
    first, seconds, peak = measured(root, "index")
    (root / "notes" / "one-more.md").write_text("**《One More》** X，k\n", encoding="utf-8")
    _, once_more, _ = measured(root, "index")
    found, search_seconds, _ = measured(root, "search", f'"number{count - 1}"')
    is_found = f"Paper {count - 1}" in found
    lost = count - len(state(root / ".kb" / "kb.sqlite")["files"]) + 1
    remark = f"{peak:.0f} MiB; one file more {once_more:.1f} s; a search {search_seconds:.1f} s; {first.strip()}"
    row = Row(f"index of {count:,} files", 3, 0, seconds, lost + (not is_found), remark)
    show(row)
    return [row]


def large_file(folder: Path, dictionary: Path, megabytes: int) -> list[Row]:
    """Index one very large note beside a small one."""
    root = new_kb(folder, dictionary)
    (root / "notes" / "small.md").write_text("**《Small》** X，声调\n", encoding="utf-8")
    with (root / "notes" / "large.md").open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < megabytes * 2**20:
            file.write(f"**《Paper {number}》** X，k\n\n" + "一句关于声调的话，with a few words。" * 50 + "\n\n")
            number += 1
    said, seconds, peak = measured(root, "index")
    found, _, _ = measured(root, "search", f'"Paper {number - 1}"')
    small, _, _ = measured(root, "search", "Small")
    losses = (f"Paper {number - 1}" not in found) + ("Small" not in small)
    remark = f"{number:,} papers in it; {peak:.0f} MiB; {said.strip().splitlines()[-1]}"
    row = Row(f"index of a file of {megabytes} MB", 1, 0, seconds, losses, remark)
    show(row)
    return [row]


def measured(root: Path, *arguments: str) -> tuple[str, float, float]:
    """Return what a command said, its seconds, and the largest memory in MiB of any child so far."""
    began = time.monotonic()
    said = start(root, ["kb", *arguments]).communicate()[0].decode()
    return said, time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def new_kb(folder: Path, dictionary: Path) -> Path:
    """Return a new knowledge base without notes."""
    (folder / "notes").mkdir(parents=True)
    (folder / ".kb").mkdir()
    os.link(dictionary, folder / ".kb" / dictionary.name)
    (folder / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    return folder


def faults(count: int) -> list[Row]:
    """Have the calls fail that commands change files by: count of each command, or all if it is 0."""
    rows = []
    with quick_folder() as folder, Forking(folder) as forking:
        for number, command in enumerate(COMMANDS):
            began = time.monotonic()
            trial = CallTrial(forking, command, folder / str(number))
            chosen = [*trial.faults(), *trial.unread()]
            if count and count < len(chosen):
                chosen = random.Random(command.name).sample(chosen, count)
            counts, found = judged(trial, chosen)
            states, cuts = trial.power_cuts()
            for one in (*found, *cuts):
                print(one.replace(str(folder), ""), file=sys.stderr)
            losses = sum(counts[kind] for kind in FAULTS) + len(cuts)
            came_to = ", ".join(f"{counts[one]} {one}" for one in (*OUTCOMES, *FAULTS) if counts[one])
            remark = f"{len(trial.clean.kinds)} calls: {came_to}; {states} states after power cuts"
            rows.append(Row(f"faults in {command.name}", len(chosen), 0, time.monotonic() - began, losses, remark))
            show(rows[-1])
    return rows


def show(row: Row) -> None:
    """Print a line of the table."""
    print(
        f"| {row.what} | {row.runs} | {row.kills or ''} | {row.seconds:.0f} | {row.losses} | {row.remark} |", flush=True
    )


def main() -> None:
    """Run what was asked for and end with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=208)
    parser.add_argument("--faults", type=int, default=150, help="of each command; 0 for all")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--searches", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--only", choices=("kills", "faults", "parallel", "staying", "files", "large"))
    given = parser.parse_args()
    print("| what | runs | kills | seconds | losses | |\n|---|---:|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory(prefix="kb-soak-") as folder:
        place = Path(folder)
        glossaries = [shipped_glossary()]
        dictionaries.build_gloss(place, glossaries, dictionaries.fingerprint(glossaries))
        dictionary = gloss_path(place)
        steps: dict[str, Callable[[], list[Row]]] = {
            "kills": lambda: kills(place / "kills", dictionary, given.kills),
            "faults": lambda: faults(given.faults),
            "parallel": lambda: parallel(place / "parallel", dictionary, given.seconds),
            "staying": lambda: staying(place / "staying", dictionary, given.seconds, given.searches),
            "files": lambda: many_files(place / "files", dictionary, given.files),
            "large": lambda: large_file(place / "large", dictionary, given.megabytes),
        }
        rows = [row for name, step in steps.items() if given.only in (None, name) for row in step()]
    losses = sum(row.losses for row in rows)
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"\n{time.strftime('%Y-%m-%d')}, {commit}, Python {sys.version.split()[0]}: {losses} lost")
    raise SystemExit(bool(losses))


if __name__ == "__main__":
    main()
