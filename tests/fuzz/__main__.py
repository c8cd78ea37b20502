"""Look for input that crashes, takes too long or loses text: python -m tests.fuzz [TARGET …] [--minutes 10]

Prints a line of the table in docs/reliability.md for each target, and stops at the first fault. What it finds becomes a
file of tests/fuzz/corpus, or a case of tests/security/test_input.py.
"""

import argparse
import faulthandler
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from kb.errors import KbError
from tests.conftest import AUGUST, OCTOBER, Kb
from tests.fuzz.inputs import Repeated
from tests.fuzz.targets import Target, targets

LONGEST_SECONDS = 5.0  # for a few kilobytes: something is not linear
HANGING_SECONDS = 300  # then the program ends itself and says where it was
INPUTS_A_ROUND, REPEATED_A_ROUND = 1000, 20
LENGTH = 10_000  # characters of a text that is then made twice as long
MOST_GROWTH = 3.0  # of the processor's time then: 2 is linear, 4 quadratic
LEAST_SECONDS = 0.1  # below, time says nothing


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
            print("| target | inputs | minutes | faults | longest |\n|---|---:|---:|---:|---:|", flush=True)
            for name in arguments.targets or offered:
                tried, longest = try_one(offered[name], 60 * arguments.minutes)
                print(f"| {name} | {tried:,} | {arguments.minutes:g} | 0 | {longest:.2f} s |", flush=True)


def try_one(target: Target, seconds: float) -> tuple[int, float]:
    """Return how many inputs were tried until the time was up, and the processor's seconds for the slowest."""
    end = time.monotonic() + seconds
    tried, longest = 0, 0.0

    def timed(one: Any) -> float:
        nonlocal tried, longest
        tried += 1
        started = time.process_time()
        with ending_if_it_hangs():
            refused_in_a_line(target, one)
        took = time.process_time() - started
        longest = max(longest, took)
        return took

    def check(one: Any) -> None:
        assert timed(one) < LONGEST_SECONDS

    def grow(one: Repeated) -> None:
        once, twice = (target.input_of(one.text(size)) for size in (LENGTH, 2 * LENGTH))
        if timed(twice) > LEAST_SECONDS:
            least = [min(timed(size) for _ in range(3)) for size in (once, twice)]
            assert least[1] < max(LEAST_SECONDS, MOST_GROWTH * least[0]), f"{least[0]:.3f} s, {least[1]:.3f} s"

    while time.monotonic() < end:
        options = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
        seed(tried)(settings(options, max_examples=INPUTS_A_ROUND)(given(target.inputs)(check)))()
        if target.repeated is not None:
            seed(tried)(settings(options, max_examples=REPEATED_A_ROUND)(given(target.repeated)(grow)))()
    return tried, longest


def refused_in_a_line(target: Target, one: Any) -> None:
    """Check one input; what is refused is refused in one line."""
    said = ""
    try:
        target.check(one)
    except KbError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1, repr(said)


@contextmanager
def ending_if_it_hangs() -> Iterator[None]:
    """Let the program end itself after HANGING_SECONDS, and say where it was."""
    faulthandler.dump_traceback_later(HANGING_SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
