"""The memory of a command together with all processes it starts."""

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from measuring import MIB, Run, run

LAUNCH = (sys.executable, "-I", "-S", str(Path(__file__).resolve().parent / "programs" / "largest.py"))


def watched(command: Sequence[str], folder: Path) -> Run:
    """Run command; peak_mib is the most that it and its descendants held at once, pages they share counted once.

    It is looked at a hundred times a second, less often as the command goes on, so a shorter peak is known of the
    largest process alone.
    """
    held = [0.0]
    is_over = threading.Event()
    with tempfile.NamedTemporaryFile("r") as largest:
        watcher = threading.Thread(target=watch, args=(largest.name, held, is_over))
        watcher.start()
        try:
            finished = run((*LAUNCH, largest.name, *command), folder)
        finally:
            is_over.set()
            watcher.join()
        return finished._replace(peak_mib=max(int(largest.read()) / MIB, *held))


def watch(record: str, held: list[float], is_over: threading.Event) -> None:
    """Append to held what the processes of the launcher that writes record hold together, until it is over."""
    started = time.perf_counter()
    while not is_over.wait(min(0.2, max(0.01, (time.perf_counter() - started) / 20))):
        held.append(sum(held_mib(process) for process in launched(record)))


def launched(record: str) -> list[int]:
    """Return the processes that the launcher has started, and those started by these, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and record not in (entry / "cmdline").read_text(errors="replace"):
                    continue
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found = [process for launcher in children.get(os.getpid(), []) for process in children.get(launcher, [])]
    for process in found:
        found += children.get(process, [])
    return found


def held_mib(process: int) -> float:
    """Return the proportional set size of a process; 0 for one that has ended."""
    try:
        rolled = Path(f"/proc/{process}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    size = re.search(r"^Pss:\s+(\d+)", rolled, re.MULTILINE)
    return int(size[1]) / MIB if size else 0.0
