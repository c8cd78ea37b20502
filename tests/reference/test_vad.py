"""End-pointing against its definition over the whole stream, and against what the published iterator was seen to do."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import vad
from kb.reference.vad import Settings

QUICK = Settings(threshold=0.5, chunk_ms=10, min_silence_ms=25, pad_ms=10)  # three chunks of silence, one of padding
PROBABILITIES = st.lists(st.sampled_from([0.0, 0.34, 0.35, 0.4, 0.5, 1.0]), max_size=40)


def defined(probabilities):
    """Return [begin, end) by looking at the whole stream: speech, joined over gaps of one or two chunks, padded."""
    voiced, is_voiced = [], False
    for number, probability in enumerate(probabilities):
        if probability >= 0.5:
            is_voiced = True
        elif probability < 0.35:
            is_voiced = False
        voiced += [number] if is_voiced else []
    groups = []
    for number in voiced:
        if groups and number - groups[-1][-1] <= 3:
            groups[-1].append(number)
        else:
            groups.append([number])
    padded = [(max(0, group[0] - 1), min(len(probabilities), group[-1] + 2)) for group in groups]
    return voiced, padded


def test_an_utterance_worked_by_hand_keeps_its_pause_and_a_chunk_of_padding():
    stream = [0, 0, 1, 0.4, 0, 0, 0.6, 0, 0, 0, 0]

    assert vad.utterances(stream, QUICK) == [(1, 8, 10)]
    assert vad.utterances(stream[:9], QUICK) == [(1, 8, 9)]
    assert vad.utterances([], QUICK) == vad.utterances([0.4] * 9, QUICK) == []


@given(PROBABILITIES)
def test_the_loop_finds_what_the_definition_over_the_whole_stream_says(stream):
    voiced, expected = defined(stream)

    found = vad.utterances(stream, QUICK)

    assert [(one.begin, one.end) for one in found] == expected
    assert set(voiced) <= {chunk for one in found for chunk in range(one.begin, one.end)}
    assert all(one.end <= later.begin for one, later in itertools.pairwise(found))


@given(PROBABILITIES)
def test_the_published_iterator_returns_nothing_that_ours_lacks_and_never_its_first_chunk(stream):
    ours = {chunk for one in vad.utterances(stream, QUICK) for chunk in range(one.begin, one.end)}
    voiced, _ = defined(stream)

    for one in vad.published(stream, QUICK):
        assert {chunk for chunk in one.chunks if stream[chunk] >= 0.5} <= ours
        assert min(voiced) not in one.chunks


def test_the_published_iterator_does_what_it_was_seen_to_do():
    [one] = vad.published([1] * 20 + [0] * 15 + [1] * 20 + [0] * 45)

    assert len(one.chunks) == 39
    assert one.chunks[:2] == [1, 2]
    assert one.chunks[18:20] == [19, 35]
    assert one.heard == 55 + 39
    # A chunk between the thresholds is kept, though it stands in a pause.
    assert vad.published([1, 1, 0, 0.4, 0, 1, 0, 0, 0, 0], QUICK) == [([1, 3, 5], 10)]


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"probability in 0\.\.1, got 1\.5"):
        vad.utterances([1.5])
    with pytest.raises(ValueError, match="got nan"):
        vad.utterances([float("nan")])
    with pytest.raises(ValueError, match=r"threshold=0\.1"):
        vad.Endpointer(Settings(threshold=0.1))
    with pytest.raises(ValueError, match="chunk_ms=0"):
        vad.Endpointer(Settings(chunk_ms=0))
    with pytest.raises(ValueError, match=r"got \[0\], 1 and 1"):
        vad.script([0], 1, 1)


def test_the_demo_says_what_the_published_iterator_loses():
    shown = vad.demo()

    assert json.loads(json.dumps(shown)) == shown
    published, ours = shown["rows"]
    assert published == {
        "iterator": "published",
        "utterances": 1,
        "chunks": 39,
        "voiced_lost": 1,
        "pause_lost": 15,
        "delay_ms": 1248,
    }
    assert (ours["chunks"], ours["voiced_lost"], ours["pause_lost"], ours["delay_ms"]) == (56, 0, 0, 1216)
