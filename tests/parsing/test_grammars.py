"""Each case in tests/fixtures/notes: a note, and its entries (only the fields named).

tests/fixtures/wanted holds notes that are not read as they should be yet; one that is belongs among the others.
"""

from typing import Any

import pytest

from kb.notes.parsing import parse_note
from tests.cases import Case, cases


def entries(case: Case) -> list[dict[str, Any]]:
    note = parse_note(case.text.encode(), case.file)
    return [paper.model_dump(mode="json") for paper in note.papers if not paper.is_rest]


@pytest.mark.parametrize("case", cases("notes/*.md"))
def test_a_note_holds_the_records_written_beside_it(case: Case) -> None:
    found = entries(case)

    assert isinstance(case.expected, list)
    shown = [{key: paper[key] for key in wanted} for paper, wanted in zip(found, case.expected, strict=False)]
    assert shown == case.expected
    assert len(found) == len(case.expected)


@pytest.mark.xfail(strict=True, reason="not read yet as a person would read it")
@pytest.mark.parametrize("case", cases("wanted/*.md"))
def test_a_note_would_hold_the_records_written_beside_it(case: Case) -> None:
    test_a_note_holds_the_records_written_beside_it(case)
