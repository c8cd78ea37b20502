"""Where the reference implementations lie, and what a claim's `run` means by one. Nothing of them is imported."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent / "reference"
PACKAGE = "kb.reference"
_RUN = re.compile(r"(?P<file>[a-z][a-z0-9_-]*)(?:\.(?P<function>[a-z][a-z0-9_-]*))?$")


class Target(NamedTuple):
    """A function of a reference implementation."""

    module: str  # "window_qformer"
    function: str
    path: Path  # the file may be missing


def target(run: str) -> Target | None:
    """Return what run names; None if it can be no name of a reference.

    Example: "arithmetic.window_tokens" -> that function of kb/reference/arithmetic.py; "window-qformer" -> the
    function window_qformer of kb/reference/window_qformer.py.
    """
    found = _RUN.match(run)
    if not found:
        return None
    module = found["file"].replace("-", "_")
    function = (found["function"] or module).replace("-", "_")
    return Target(module, function, FOLDER / f"{module}.py")


def references() -> list[Path]:
    """Return the files of all reference implementations by name."""
    return sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


@cache
def code_of(run: str) -> str:
    """Return a fingerprint of the file that run names, as its code stands now; empty if there is none."""
    import hashlib  # a search of notes without claims does without it

    found = target(run)
    if not found or not found.path.is_file():
        return ""
    return hashlib.sha256(found.path.read_bytes()).hexdigest()[:16]


@cache
def line_of(run: str) -> int | None:
    """Return the line where the function that run names begins; None if there is none."""
    found = target(run)
    if not found or not found.path.is_file():
        return None
    text = found.path.read_text(encoding="utf-8")
    begin = re.search(rf"^def {found.function}\(", text, re.MULTILINE)
    return text.count("\n", 0, begin.start()) + 1 if begin else None
