"""Error rates against counts by hand and jiwer's; alignments against every way to align."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import error_rate


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits"), [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("ab", "ba", 2)]
)
def test_edits_worked_by_hand(reference, hypothesis, edits):
    assert error_rate.edit_distance(reference, hypothesis) == edits
    assert error_rate.edit_distance(hypothesis, reference) == edits


def test_error_rates_worked_by_hand():
    assert error_rate.word_error_rate("the cat sat down", "the bat sat") == 2 / 4
    assert error_rate.word_error_rate("yes", "oh no not again") == 4.0
    assert error_rate.character_error_rate("cat sat", "bat sat") == 1 / 7
    assert error_rate.character_error_rate("声学离散化", "声学离散话") == 1 / 5
    with pytest.raises(ValueError, match="one word or more, got ' '"):
        error_rate.word_error_rate(" ", "a")
    with pytest.raises(ValueError, match="one character or more, got ''"):
        error_rate.character_error_rate("", "a")


WORDS = st.lists(st.text("abc声", min_size=1, max_size=3), min_size=1, max_size=8).map(" ".join)


@settings(max_examples=100)
@given(reference=WORDS, hypothesis=WORDS)
def test_error_rates_equal_those_of_jiwer(reference, hypothesis):
    jiwer = pytest.importorskip("jiwer")

    assert error_rate.word_error_rate(reference, hypothesis) == pytest.approx(jiwer.wer(reference, hypothesis))
    assert error_rate.character_error_rate(reference, hypothesis) == pytest.approx(jiwer.cer(reference, hypothesis))


def every_alignment(reference, hypothesis):
    """All ways to write two texts one below the other, without a column of two gaps."""
    if not reference and not hypothesis:
        yield []
    if reference and hypothesis:
        yield from ([(reference[0], hypothesis[0]), *rest] for rest in every_alignment(reference[1:], hypothesis[1:]))
    if reference:
        yield from ([(reference[0], ""), *rest] for rest in every_alignment(reference[1:], hypothesis))
    if hypothesis:
        yield from ([("", hypothesis[0]), *rest] for rest in every_alignment(reference, hypothesis[1:]))


@settings(max_examples=100)
@given(reference=st.text("ab声", max_size=5), hypothesis=st.text("ab声", max_size=5))
def test_an_alignment_is_one_of_all_there_are_and_none_has_fewer_errors(reference, hypothesis):
    pairs = error_rate.align(reference, hypothesis)

    ways = list(every_alignment(reference, hypothesis))
    wrong = [sum(said != heard for said, heard in way) for way in ways]
    assert pairs in ways
    assert sum(said != heard for said, heard in pairs) == min(wrong) == error_rate.edit_distance(reference, hypothesis)


def test_an_alignment_worked_by_hand_and_drawn():
    pairs = error_rate.align(["the", "cat", "sat", "on", "the", "mat"], ["the", "bat", "sat", "on", "mat", "again"])

    assert error_rate.errors(pairs) == (4, 1, 1, 1)
    assert error_rate.draw(pairs) == "said   the cat sat on the mat *\nheard  the bat sat on *   mat again"


def test_the_demo_counts_words_and_characters():
    shown = error_rate.demo(said="声学 离散化", heard="声学 离散")

    assert json.loads(json.dumps(shown)) == shown
    assert [list(row.values()) for row in shown["rows"]] == [
        ["words", 2, 1, 1, 0, 0, 0.5],
        ["characters", 6, 5, 0, 1, 0, 0.1667],
    ]


def test_a_demo_without_words_is_told():
    with pytest.raises(ValueError, match="one word or more, got ''"):
        error_rate.demo(said="")
