"""What a process that stays gives: searches through the console script, in turn with `rg -l` over the same notes.

python benchmarks/staying.py ROOT [--runs 15]

ROOT is a knowledge base that is indexed, such as the notes of `benchmarks/latency.py`; a process is started for it, and
ended. Each figure is the median of pairs, one run of each in turn.
"""

import argparse
import os
import sys
from pathlib import Path

from measuring import commands, paired, run

QUERIES = ("残差量化", "声调", "RVQ", "speech codec quality")


def main() -> None:
    """Print a line a query."""
    parser = argparse.ArgumentParser(description="Measure searches that a process answers.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    kb, rg = commands()
    if not rg:
        sys.exit("rg is not installed")
    root = arguments.root
    print("| query | warm, x rg -l | cold, x rg -l | Python's start, x rg -l |\n| --- | ---: | ---: | ---: |")
    for query in QUERIES:
        beside = [rg, "-l", query, "notes"]
        run([kb, "serve", "--background", "--no-page"], root)
        try:
            run([kb, "search", query], root)
            warm, _ = paired([kb, "search", query], beside, root, arguments.runs)
        finally:
            run([kb, "serve", "--stop"], root)
        os.environ["KB_SERVE"] = "off"
        cold, _ = paired([kb, "search", query], beside, root, arguments.runs)
        del os.environ["KB_SERVE"]
        start, _ = paired([sys.executable, "-c", ""], beside, root, arguments.runs)
        print(f"| {query} | {warm:.2f} | {cold:.2f} | {start:.2f} |", flush=True)


if __name__ == "__main__":
    main()
