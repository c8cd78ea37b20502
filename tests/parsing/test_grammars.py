"""Each case in tests/fixtures/notes: a note, and its entries (only the fields named)."""

import pytest

from kb.parsing import parse_note
from tests.cases import Case, cases


@pytest.mark.parametrize("case", cases("notes/*.md"))
def test_a_note_holds_the_records_written_beside_it(case: Case) -> None:
    note = parse_note(case.text.encode(), case.file)
    found = [paper.model_dump(mode="json") for paper in note.papers if not paper.is_rest]

    assert isinstance(case.expected, list)
    shown = [{key: paper[key] for key in wanted} for paper, wanted in zip(found, case.expected, strict=False)]
    assert shown == case.expected
    assert len(found) == len(case.expected)
