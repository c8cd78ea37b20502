"""Each case in the .md files beside this one: a title, a note, and the records it holds (only the fields named)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kb.parsing import parse_note

HERE = Path(__file__).resolve().parent


def cases() -> list[Any]:
    found = []
    for path in sorted(HERE.glob("*.md")):
        parts = path.read_text(encoding="utf-8").split("\n.\n")
        assert len(parts) % 3 == 0, path
        for start in range(0, len(parts), 3):
            title, text, expected = parts[start : start + 3]
            found.append(pytest.param(path.stem, text + "\n", yaml.safe_load(expected), id=f"{path.stem}: {title}"))
    return found


@pytest.mark.parametrize(("grammar", "text", "expected"), cases())
def test_a_note_holds_the_records_written_beside_it(grammar: str, text: str, expected: list[dict[str, Any]]) -> None:
    note = parse_note(text.encode(), "n.md")
    found = [paper.model_dump(mode="json") for paper in note.papers]

    assert note.grammar == grammar
    shown = [{key: paper[key] for key in wanted} for paper, wanted in zip(found, expected, strict=False)]
    assert shown == expected
    assert len(found) == len(expected)
