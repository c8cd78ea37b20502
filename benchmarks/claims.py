"""How long the claims of a knowledge base take that need arithmetic alone, beside starting Python as often.

python benchmarks/claims.py [FOLDER]     the project's own notes unless a knowledge base is named
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kb.claims.running import Job, run_all
from kb.config.kb_toml import find_config
from kb.index.sqlite.reader import Reader
from kb.index.words import refresh
from kb.notes.folders import find_changes

ROUNDS = 5
ARITHMETIC = "arithmetic."


def main() -> None:
    """Print the best of a few rounds."""
    config = find_config(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    known = Reader(config.database).files.stamps() if config.database.is_file() else {}
    refresh(config, find_changes(config, known))
    rows = [row for row in Reader(config.database).claims.all() if row.run.startswith(ARITHMETIC) and not row.problem]
    jobs = [Job(row.run, json.loads(row.record)["parameters"]) for row in rows]
    seconds = min(timed(lambda: list(run_all(jobs))) for _ in range(ROUNDS))
    start = min(timed(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(ROUNDS))
    print(f"{len(jobs)} claims in {seconds:.3f} s: {seconds / start:.1f} x a start of Python")


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that calling act takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
