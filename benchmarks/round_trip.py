"""How many of a thousand entries of BibTeX, CSL JSON and RIS survive import, index and export.

python benchmarks/round_trip.py [--entries 1000] [--seed 1]     needs pybtex, citeproc-py, rispy and hypothesis

The libraries are those of tests/exchange/generated.py: all standard types and fields. An entry survives if pybtex
(strict: a warning is an exception), citeproc-py or rispy reads the same type, key, names and fields in the export as in
the library. Of an export in another format it is counted how many entries its reader finds.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.exchange.generated import LIBRARIES, Library  # noqa: E402
from tests.exchange.readers import READERS  # noqa: E402

FORMATS = {"bib": "bibtex", "json": "csl-json", "ris": "ris"}
AT_ONCE = 5  # entries of one example; hypothesis draws so much and no more
JOINTS = {"bib": "\n", "ris": "\r\n"}


def library(suffix: str, entries: int, number: int) -> Library:
    """Return a library of so many entries; the same seed number gives the same."""
    parts: list[str] = []
    for start in range(0, entries, AT_ONCE):
        parts.append(_drawn(LIBRARIES[suffix](min(AT_ONCE, entries - start), start), number * 1_000_000 + start))
    if suffix == "json":
        return Library("[" + ",\n".join(part[1:-1] for part in parts) + "]", entries)
    return Library(JOINTS[suffix].join(parts), entries)


def _drawn(libraries: st.SearchStrategy[Library], number: int) -> str:
    """Return the text of the second library that hypothesis draws; its first is the smallest there is."""
    drawn: list[str] = []

    @seed(number)
    @settings(max_examples=2, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(libraries)
    def draw(one: Library) -> None:
        drawn.append(one.text)

    draw()
    return drawn[-1]


def main() -> None:
    """Print a row for each format and each way out of it."""
    parser = argparse.ArgumentParser(description="Count what survives import and export.")
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given_arguments = parser.parse_args()
    print(f"{'from':10}{'to':10}{'entries':>8}{'found':>8}{'equal':>8}")
    for suffix, name in FORMATS.items():
        made = library(suffix, given_arguments.entries, given_arguments.seed)
        before = READERS[suffix](made.text)
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "notes").mkdir()
            (root / f"mine.{suffix}").write_bytes(made.text.encode())
            (root / "kb.toml").write_text(f'encoder = "none"\n[[sources]]\nfolder = "."\nfile = "mine.{suffix}"\n')
            kb = [sys.executable, "-m", "kb", "--kb", str(root)]
            subprocess.run([*kb, "index"], cwd=ROOT, check=True, capture_output=True)
            for other, its_name in FORMATS.items():
                out = root / f"out.{other}"
                subprocess.run(
                    [*kb, "export", "-f", its_name, "-o", str(out)], cwd=ROOT, check=True, capture_output=True
                )
                after = READERS[other](out.read_bytes().decode())
                equal = sum(after.get(key) == entry for key, entry in before.items()) if other == suffix else "-"
                print(f"{name:10}{its_name:10}{len(before):8}{len(after):8}{equal:>8}")


if __name__ == "__main__":
    main()
