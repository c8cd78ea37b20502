"""Look for pages that crash the parser, take too long or lose text: python -m tests.parsing.fuzz [--minutes 10]

What it finds becomes a case in test_nothing_is_lost.py.
"""

import argparse
import time

from hypothesis import HealthCheck, given, seed, settings

from kb.errors import NoteError
from tests.parsing.pages import FILES, PAGES
from tests.parsing.test_nothing_is_lost import lost

LONGEST_SECONDS = 5.0  # for a page of a few kilobytes: something is not linear
PAGES_A_ROUND = 2000


def main() -> None:
    """Try pages until the time is up; end with 1 at the first fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    tried = 0
    while time.monotonic() < end:

        @seed(tried)
        @settings(max_examples=PAGES_A_ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(PAGES, FILES)
        def try_one(page: str, file: str) -> None:
            nonlocal tried
            tried += 1
            started = time.monotonic()
            try:
                missing = lost(page, file)
            except NoteError:
                return
            assert missing == []
            assert time.monotonic() - started < LONGEST_SECONDS

        try_one()
    print(f"{tried} pages, no fault")


if __name__ == "__main__":
    main()
