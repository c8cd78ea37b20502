"""kb beside other tools on the same notes in one run: build, changed notes, cold search, memory, and what is found.

python benchmarks/peers.py [--notes 10000] [--runs 5] [--environments DIR] [--only NAME...] [--hybrid]

Each tool is installed into a folder of its own below --environments, once, and keeps its settings and its index in a
home folder of its own, which is thrown away. One that cannot be installed, or fails, is a row that says why.

What is true is what `rg -l` lists. A changed note gets a word that is nowhere else, from outside; then the tool's user
does what has to be done, and the word is looked for. Searches are new processes, each in turn with `rg -l` for the same
query; they ask for ten hits where a tool can be asked so, and for all when it is counted what they find.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from beside import kb, libraries, llm, papis, qmd, recoll, ripgrep
from beside.peer import CannotInstall, Peer, Tool, filled
from beside.table import Absent, Figures, judge, table
from beside.watching import watched
from measuring import Failed, commands, make_notes, paired, run

TOOLS = (
    kb.WORDS,
    ripgrep.TOOL,
    recoll.TOOL,
    qmd.TOOL,
    papis.TOOL,
    llm.TOOL,
    libraries.BM25S,
    libraries.TANTIVY,
    libraries.FTS5,
)
QUERIES = ("残差向量量化", "声调", "韵律", "RVQ")
PAGE = 10  # hits a person looks at
CHANGES = 3
TICK_SECONDS = 1.1  # some tools know the times of files by the second


def measure(name: str, peer: Peer, mib: float, home: Path, notes: Path, rg: str, runs: int) -> Figures:
    """Return the figures of one peer; its home is the folder that its commands run in."""
    peer.prepare(home)
    built = watched(peer.build, home) if peer.build else None
    count = sum(1 for _ in notes.rglob("*.md"))
    found, ratios, peak = [], [], 0.0
    for query in QUERIES:
        true = names_by_rg(rg, query, notes)
        everything = run(filled(peer.search, query, count), home).output
        found.append(None if peer.ranks_all else judge(peer.names(everything), true))
        page = filled(peer.search, query, PAGE)
        ratios.append(paired(page, (rg, "-l", query, str(notes)), home, runs)[0])
        peak = max(peak, watched(page, home).peak_mib)
    seconds, is_seen = change(peer, home, next(notes.rglob("*.md")))
    return Figures(
        name=name,
        installed_mib=mib,
        build_seconds=built and built.seconds,
        build_mib=built and built.peak_mib,
        refresh_seconds=seconds if peer.refresh else None,
        rebuilds=peer.rebuilds,
        is_seen=None if peer.ranks_all else is_seen,
        times_rg=statistics.median(ratios),
        search_mib=peak,
        found=tuple(found),
    )


def names_by_rg(rg: str, query: str, notes: Path) -> set[str]:
    """Return the names of the notes that hold query."""
    return {Path(line).stem for line in run((rg, "-l", query, str(notes)), notes).output.splitlines()}


def change(peer: Peer, home: Path, note: Path) -> tuple[float, bool]:
    """Change note a few times; return the median seconds of the refresh, and whether a search always saw the word."""
    file = peer.file_of(home, note)
    original = file.read_text(encoding="utf-8")
    seconds, seen = [0.0], []
    try:
        for number in range(CHANGES):
            word = f"zqxj{'kvw'[number]}"
            time.sleep(TICK_SECONDS)
            file.write_text(f"{original.rstrip()} {word}\n", encoding="utf-8")
            if peer.refresh:
                seconds.append(run(filled(peer.refresh, word, PAGE), home).seconds)
            seen.append(note.stem in peer.names(run(filled(peer.search, word, 1), home).output))
    finally:
        file.write_text(original, encoding="utf-8")
    return statistics.median(seconds[1:] or seconds), all(seen)


@contextmanager
def at_home(peer: Peer) -> Iterator[Path]:
    """Yield a new folder that is the home of every process started meanwhile."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as home:
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            del os.environ[name]
        os.environ.update({"HOME": home, **peer.environment})
        try:
            yield Path(home)
        finally:
            os.environ.clear()
            os.environ.update(before)


def measure_tool(tool: Tool, environments: Path, notes: Path, rg: str, runs: int) -> Iterator[Figures | Absent]:
    """Yield the rows of one tool."""
    say(f"{tool.name}: installing")
    try:
        installed = tool.install(environments / tool.name)
    except CannotInstall as why:
        yield Absent(tool.name, f"not installed: {why}")
        return
    for peer in tool.peers(installed, notes):
        name = f"{tool.name} {installed.version}" + (f", {peer.way}" if peer.way else "")
        say(name)
        try:
            with at_home(peer) as home:
                yield measure(name, peer, installed.mib, home, notes, rg, runs)
        except Failed as why:
            yield Absent(name, str(why))


def machine() -> str:
    """Return what this runs on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(": ")[2] if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores of {processor}, {memory:.0f} GiB, {platform.system()}, {python}"


def say(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure every tool and print the table."""
    names = [tool.name for tool in TOOLS]
    parser = argparse.ArgumentParser(description="Measure kb beside other tools on the same notes.")
    parser.add_argument("--notes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5, help="pairs with rg a query")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "paper-kb-peers", metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--hybrid", action="store_true", help="kb with MiniLM, too: minutes at 10,000 notes")
    arguments = parser.parse_args()
    _, rg = commands()
    tools = [tool for tool in TOOLS if tool.name in arguments.only] + [kb.HYBRID] * arguments.hybrid
    rows: list[Figures | Absent] = []
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.mkdir()
        make_notes(notes, arguments.notes)
        clock = statistics.median(run((rg, "-l", QUERIES[0], str(notes)), notes).seconds for _ in range(9))
        floor = watched(("true",), notes).peak_mib
        for tool in tools:
            for row in measure_tool(tool, arguments.environments.absolute(), notes, rg, arguments.runs):
                rows.append(row)
                say(table([row], QUERIES, floor).splitlines()[-1])
    print(table(rows, QUERIES, floor))
    print(f"\n{date.today()}, {arguments.notes:,} notes, {machine()}; `rg -l` takes {clock:.3f} s.")


if __name__ == "__main__":
    main()
