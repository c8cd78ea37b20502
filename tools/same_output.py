"""Whether two checkouts say the same: what they print and how they end, command by command.

python tools/same_output.py OLD NEW     ends with 1 if any command differs

Both run over copies of our own notes, and of those of generated_notes.py. What differs from one run to the next by
itself is masked: folders, times, free space.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from generated_notes import make_notes

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable)
LINES_SHOWN = 12

COMMANDS = """
--help
--version
search --help
search 声学延迟
search 声学延迟 --json
search journey learning
search "flow matching" --limit 3 --why
search speech codec month:2024-10 --json
search speech codec month:2021 org:CMU
search codec -neural
search "残差向量量化" has:code --json
search author:Chen flow
search venue:ICASSP year:2021 --json
search codecc tokenizr
search codecc --fuzzy --json
search is:unread tone --limit 2
search claim:contradicted
search claim:holds --json
search word:x foo
search AND
search --similar-to notes/2024-10.md --limit 3
search --similar-to notes/2021-03.md --limit 3 --json
search
search month:2024-13
list --limit 5
list month:2021-03 --json
list org:Meta kind:paper
list is:starred
show dm-codec
show akva --json
show 2024-10/tinycodec
show nothing-like-it
show codec
open nothing-like-it --url
mark star nothing-like-it
mark star sprig
list is:starred --json
mark unstar sprig
related sprig
related dm-codec --json
gloss 码本 residual quantization
duplicates
duplicates --json
tags
tags --json
stats
stats --json
status
status --json
trends
trends --since 2021-02 --until 2021-06 --json
digest 2024-10
digest 2021-03
digest 2021 --format json
digest 2024-11 --lang en --format html
digest 2031-01
digest --all --out OUT/digests
export --format bibtex
export month:2021-03 --format csl --out OUT/refs.json
export --format obsidian --out OUT/vault
export org:Meta --format csv
check
check --json
verify
verify --json --fail-on contradicted
claims
claims 2024-10 --state contradicted
claims --json
run --list
run rvq
run rvq --json
run fsq --check
run nothing
config
config --json
config notes
doctor
encoder list
parse notes
parse notes/2024-10.md
add 2410.00037 --offline
import nowhere
bench OUT/queries.tsv
index
index --full
man
""".strip().split("\n")

MASKS = (
    (re.compile(r"\d+(?:\.\d+)?(?= (?:ms|s|GiB|MiB)\b)| (?:\d+\.\d+)(?= free)"), "N"),
    (re.compile(r'"(seconds|date|mtime_ns)": ?[^,}]+'), r'"\1": N'),
    (re.compile(r"\b2\d{3}-\d\d-\d\dT?[ \d:.+Z]*\b"), "DATE"),
)


def main() -> None:
    """Run all commands in both, and say of each whether it does the same."""
    parser = argparse.ArgumentParser(description="Compare what two checkouts print.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", default="", help="commands that begin so")
    options = parser.parse_args()
    differing = total = 0
    with tempfile.TemporaryDirectory() as folder:
        bases = [(Path(folder) / name, checkout) for name, checkout in (("old", options.old), ("new", options.new))]
        for base, _ in bases:
            _make_bases(base)
        for which in ("own", "generated"):
            for command in (one for one in COMMANDS if one.startswith(options.only)):
                said = [_run(checkout.resolve(), base / which, command.split()) for base, checkout in bases]
                total += 1
                if said[0] != said[1]:
                    differing += 1
                    print(f"{which}: kb {command}")
                    lines = difflib.unified_diff(*(text.split("\n") for text in said), "old", "new", lineterm="", n=0)
                    print("\n".join(f"    {line[:200]}" for line in list(lines)[:LINES_SHOWN]))
    print(f"{total - differing} of {total} the same")
    raise SystemExit(bool(differing))


def _make_bases(folder: Path) -> None:
    shutil.copytree(ROOT / "notes", folder / "own" / "notes")
    shutil.copy(ROOT / "kb.toml", folder / "own" / "kb.toml")
    make_notes(folder / "generated" / "notes")
    (folder / "generated" / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    for name in ("own", "generated"):
        (folder / name / "OUT").mkdir()
        (folder / name / "OUT" / "queries.tsv").write_text("codec\tsprig\n", encoding="utf-8")


def _run(checkout: Path, base: Path, arguments: list[str]) -> str:
    """Return what a command prints on both outputs, how it ends, and the files it writes."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "120", "KB_HOME": str(base)}
    done = subprocess.run(
        [str(PYTHON), "-P", "-m", "kb", *arguments], cwd=base, env=environment, capture_output=True, text=True
    )
    files = {path: path.read_bytes() for path in sorted((base / "OUT").rglob("*")) if path.is_file()}
    written = [f"{path.relative_to(base)} {len(data)} {hash(data)}" for path, data in files.items()]
    text = "\n".join([f"status {done.returncode}", done.stdout, done.stderr, *written])
    for path, name in ((base, "BASE"), (PYTHON, "PYTHON"), (checkout, "CHECKOUT")):
        text = text.replace(str(path), name)
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


if __name__ == "__main__":
    main()
