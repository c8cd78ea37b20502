"""Look for input that crashes, takes too long or loses text: python -m tests.fuzz [TARGET …] [--minutes 10]

What it finds becomes a case in tests/security/test_input.py, or of the parser in test_nothing_is_lost.py.
"""

import argparse
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from tests.conftest import AUGUST, OCTOBER, Kb
from tests.fuzz.targets import REFUSALS, Target, targets

LONGEST_SECONDS = 5.0  # for a few kilobytes: something is not linear
INPUTS_A_ROUND = 2000


def main() -> None:
    """Try each target until its time is up; end with an error at the first fault."""
    with TemporaryDirectory() as folder:
        kb = Kb(Path(folder) / "kb")
        kb.write("2024-10.md", OCTOBER)
        kb.write("2024-08.md", AUGUST)
        kb.refresh()
        with closing(kb.reader()) as reader:
            offered = targets(kb.config, reader)
            parser = argparse.ArgumentParser(description=__doc__)
            parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all, or some of: {', '.join(offered)}")
            parser.add_argument("--minutes", type=float, default=10, help="for each target")
            arguments = parser.parse_args()
            for name in arguments.targets or offered:
                print(f"{name}: {try_one(offered[name], 60 * arguments.minutes)} inputs, no fault", flush=True)


def try_one(target: Target, seconds: float) -> int:
    """Return how many inputs were tried until the time was up."""
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:

        @seed(tried)
        @settings(max_examples=INPUTS_A_ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(target.inputs)
        def check(one: Any) -> None:
            nonlocal tried
            tried += 1
            started = time.monotonic()
            try:
                target.check(one)
            except REFUSALS:
                return
            assert time.monotonic() - started < LONGEST_SECONDS

        check()
    return tried


if __name__ == "__main__":
    main()
