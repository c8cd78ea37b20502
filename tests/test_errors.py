"""An error is its parts; its text is the line that a user reads."""

import pickle

import pytest

from kb.errors import KbError, NoteError

WRITTEN = [
    (KbError("no month has any papers yet"), "no month has any papers yet"),
    (KbError("no index at kb.sqlite", "run: kb index"), "no index at kb.sqlite; run: kb index"),
    (KbError("lists in lists", "mend it", "kb.toml"), "kb.toml: lists in lists; mend it"),
    (KbError("{x: y; z} is no list", file="a.md", line=4), "a.md:4: {x: y; z} is no list"),
]


@pytest.mark.parametrize(("error", "line"), WRITTEN)
def test_an_error_reads_as_place_fault_and_way_out(error: KbError, line: str) -> None:
    assert str(error) == line


def test_an_error_from_another_process_keeps_its_parts() -> None:
    found = pickle.loads(pickle.dumps(NoteError("not UTF-8", "save it as UTF-8", "2024-10.md", 3)))

    assert type(found) is NoteError
    assert (found.what, found.way_out, found.file, found.line) == ("not UTF-8", "save it as UTF-8", "2024-10.md", 3)
