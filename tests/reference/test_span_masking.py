"""Span masking against all choices of starts there are, the figures of papers, and transformers."""

import itertools
import json
import random
import runpy
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import span_masking


def test_spans_that_overlap_join_worked_by_hand():
    masked = span_masking.mask(12, [1, 3, 8, 11], 3)

    assert "".join("#" if is_masked else "." for is_masked in masked) == ".#####..####"
    assert span_masking.runs(masked) == [5, 4]
    assert span_masking.mask(6, [1, 2], 2) == [False, True, True, True, False, False]
    assert span_masking.runs([]) == span_masking.runs([False]) == []


def test_the_figures_of_wav2vec_2_and_hubert_come_out():
    assert round(span_masking.covered_percent(0.065, 10)) == 49
    assert round(span_masking.mean_run_frames(0.065, 10), 1) == 14.7
    assert round(span_masking.run_ms(14.7)) == 299
    assert round(span_masking.covered_percent(0.08, 10)) == 57


@pytest.mark.parametrize("span", [1, 2, 4])
def test_coverage_equals_that_over_all_choices_of_starts(span):
    frames, probability = 9, Fraction(3, 10)
    covered = [Fraction(0)] * frames
    for chosen in itertools.product([False, True], repeat=frames):
        weight = Fraction(1)
        for is_start in chosen:
            weight *= probability if is_start else 1 - probability
        starts = [frame for frame, is_start in enumerate(chosen) if is_start]
        for frame, is_masked in enumerate(span_masking.mask(frames, starts, span)):
            covered[frame] += weight * is_masked

    # The formula is for frames that have span - 1 others before them.
    for frame in range(span - 1, frames):
        assert float(100 * covered[frame]) == pytest.approx(span_masking.covered_percent(0.3, span))


def test_mean_runs_equal_those_of_a_long_simulation():
    generator = random.Random(0)
    masked = span_masking.mask(400_000, span_masking.starts(400_000, 0.1, generator), 4)
    lengths = span_masking.runs(masked)

    assert sum(lengths) / len(lengths) == pytest.approx(span_masking.mean_run_frames(0.1, 4), rel=0.01)
    assert 100 * sum(masked) / 400_000 == pytest.approx(span_masking.covered_percent(0.1, 4), abs=0.3)


def test_a_span_of_one_frame_covers_what_is_drawn():
    assert span_masking.covered_percent(0.3, 1) == pytest.approx(30)
    assert span_masking.mean_run_frames(0.3, 1) == pytest.approx(1 / 0.7)  # a run goes on with probability 0.3
    assert span_masking.covered_percent(1, 5) == 100
    assert span_masking.covered_percent(0, 5) == 0


@given(st.integers(1, 40), st.lists(st.integers(0, 39), max_size=8), st.integers(1, 12))
def test_a_frame_is_masked_if_a_start_is_less_than_a_span_before_it(frames, starts, span):
    starts = [start for start in starts if start < frames]

    masked = span_masking.mask(frames, starts, span)

    assert masked == [any(start <= frame < start + span for start in starts) for frame in range(frames)]
    assert sum(span_masking.runs(masked)) == sum(masked)


def test_coverage_agrees_with_the_masks_of_transformers():
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("torch")
    modeling = pytest.importorskip("transformers.models.wav2vec2.modeling_wav2vec2")
    numpy.random.seed(0)

    # Theirs takes p L, 0.65, and draws p T starts, all of which leave room for a whole span.
    masks = modeling._compute_mask_indices((400, 750), mask_prob=0.65, mask_length=10)

    assert 100 * masks[:, 20:-20].mean() == pytest.approx(span_masking.covered_percent(0.065, 10), abs=1)
    lengths = [length for masked in masks.tolist() for length in span_masking.runs(masked)]
    assert sum(lengths) / len(lengths) == pytest.approx(span_masking.mean_run_frames(0.065, 10), abs=0.5)


def test_the_demo_simulates_what_the_formulas_say():
    shown = span_masking.demo(probabilities=(0.065, 0.08, 0.2), utterances=100)

    assert json.loads(json.dumps(shown)) == shown
    assert [row["used_by"] for row in shown["rows"]] == ["wav2vec 2.0", "HuBERT", ""]
    for row in shown["rows"]:
        assert row["simulated_percent"] == pytest.approx(row["covered_percent"], abs=1)
        assert row["simulated_mean"] == pytest.approx(row["mean_run"], rel=0.08)
    assert shown["rows"][0]["simulated_median"] == 10
    assert 60 < shown["rows"][0]["simulated_longest"] < 140
    assert shown["plot"]["series"]["p L, if spans did not overlap"] == [65.0, 80.0, 100.0]
    assert [len(line) for line in shown["drawing"].split("\n")] == [107] * 3
    assert shown == span_masking.demo(probabilities=(0.065, 0.08, 0.2), utterances=100)


def test_the_papers_are_named_only_for_spans_of_ten_frames():
    assert span_masking.demo(probabilities=(0.08,), span=5, utterances=1)["rows"][0]["used_by"] == ""


def test_utterances_in_which_nothing_is_masked_have_no_runs():
    row = span_masking.demo(probabilities=(1e-9,), utterances=1)["rows"][0]

    assert row["simulated_percent"] == row["simulated_mean"] == row["simulated_longest"] == 0


def test_a_copy_of_the_file_runs_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    assert runpy.run_path(span_masking.__file__)["demo"](utterances=1)["rows"]


@pytest.mark.parametrize(
    ("probability", "span"),
    [(-0.1, 10), (1.1, 10), (0.1, 0), (float("nan"), 10)],
)
def test_a_mistake_is_told_with_what_was_wanted(probability, span):
    with pytest.raises(ValueError, match=r"want start_probability in 0\.\.1 and span of 1 or more, got"):
        span_masking.covered_percent(probability, span)


def test_a_mean_run_needs_frames_that_are_masked_and_frames_that_are_not():
    for probability in (0.0, 1.0):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            span_masking.mean_run_frames(probability, 10)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"probabilities": ()}, r"got \[\], 200 and 750 frames"),
        ({"probabilities": (0.1, 1.0)}, r"got \[0\.1, 1\.0\]"),
        ({"span": 800}, "frames for a span of 800"),
        ({"span": 0}, "span of 1 or more"),
        ({"utterances": 0}, "0 and 750 frames"),
        ({"seconds": 0.1}, "and 5 frames"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        span_masking.demo(**wrong)
