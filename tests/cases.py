"""Fixtures in Markdown: a title, an input and what is expected of it, with a line of one dot between them."""

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

FIXTURES = Path(__file__).resolve().parent / "fixtures"
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
FILE = "file: "  # a second line of the title names the file that the input stands in


class Case(NamedTuple):
    """One case of a fixture."""

    stem: str  # of the fixture's own name
    file: str
    text: str
    expected: object  # the YAML below the second dot


def cases(pattern: str) -> list[object]:
    """Return the cases of the fixtures that pattern names, as parameters of a test: "notes/*.md"."""
    found = []
    for path in sorted(FIXTURES.glob(pattern)):
        parts = path.read_text(encoding="utf-8").split("\n.\n")
        assert len(parts) % 3 == 0, path
        for start in range(0, len(parts), 3):
            title, _, rest = parts[start].strip().partition("\n")
            file = rest.removeprefix(FILE) if rest.startswith(FILE) else "n.md"
            case = Case(path.stem, file, parts[start + 1] + "\n", yaml.load(parts[start + 2], YAML))
            found.append(pytest.param(case, id=f"{path.stem}: {title}"))
    return found
