"""Byte pair encoding of units against the textbook's example, and Hugging Face's trainer and encoder."""

import json
import random
import runpy
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import unit_bpe

FIRST = 0x4E00  # unit 0 as a character; every unit is one letter
AAABDAAABAC = list(b"aaabdaaabac")


def text(units):
    return "".join(chr(FIRST + unit) for unit in units)


def stream_of(size, length, seed):
    """Units that follow one another as in speech: some pairs are frequent, none repeats."""
    generator = random.Random(seed)
    follower = [[generator.randrange(size) for _ in range(3)] for _ in range(size)]
    units = [generator.randrange(size)]
    while len(units) < length:
        unit = generator.choice(follower[units[-1]]) if generator.random() < 0.7 else generator.randrange(size)
        if unit != units[-1]:
            units.append(unit)
    return units


def hugging_face(corpus, size, merges):
    """Return the trained tokenizer and its merges as pairs of ids, a unit's id being the unit."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size + merges, min_frequency=2, show_progress=False, initial_alphabet=list(text(range(size)))
    )
    tokenizer.train_from_iterator([text(stream) for stream in corpus], trainer)
    vocabulary = tokenizer.get_vocab()
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    return tokenizer, [(vocabulary[left], vocabulary[right]) for left, right in pairs]


def test_the_textbook_example_takes_three_merges():
    merges = unit_bpe.train([AAABDAAABAC], 256, 3)

    # aa occurs four times; then ab, and aa before a, twice each: ab is the smaller pair. Then both together.
    assert merges == [(97, 97), (97, 98), (256, 257)]
    assert unit_bpe.encode(AAABDAAABAC, merges, 256) == [258, 100, 258, 97, 99]
    assert unit_bpe.decode([258, 100, 258, 97, 99], merges, 256) == AAABDAAABAC


def test_with_ties_to_the_pair_seen_first_the_merges_are_others_and_the_tokens_as_short():
    merges = unit_bpe.train([AAABDAAABAC], 256, 3, first_seen=True)

    assert merges == [(97, 97), (256, 97), (257, 98)]
    assert unit_bpe.encode(AAABDAAABAC, merges, 256) == [258, 100, 258, 97, 99]


def test_of_overlapping_pairs_the_left_one_is_merged():
    assert unit_bpe.count_pairs([[1, 1, 1, 2]]) == {(1, 1): 2, (1, 2): 1}
    assert unit_bpe.merge([1, 1, 1, 2], (1, 1), 9) == [9, 1, 2]
    assert unit_bpe.merge([1, 1, 1, 1], (1, 1), 9) == [9, 9]
    assert unit_bpe.merge([], (1, 1), 9) == []


def test_no_token_joins_two_streams():
    assert unit_bpe.train([[0, 1], [0, 1], [1, 0]], 2, 5) == [(0, 1)]


def test_training_stops_when_no_pair_is_left_that_occurs_often_enough():
    assert unit_bpe.train([[0, 1, 2, 0, 1]], 3, 10) == [(0, 1)]
    assert unit_bpe.train([[0, 1, 2, 0, 1]], 3, 10, least=3) == []
    assert len(unit_bpe.train([[0, 1, 2, 0, 1]], 3, 10, least=1)) == 3
    assert unit_bpe.train([], 3, 10) == unit_bpe.train_faster([[]], 3, 10) == []


@pytest.mark.parametrize("train", [unit_bpe.train, unit_bpe.train_faster])
def test_two_hundred_merges_equal_those_of_hugging_face(train):
    corpus = [stream_of(50, 200, seed) for seed in range(30)]

    _, theirs = hugging_face(corpus, 50, 200)

    assert len(theirs) == 200
    assert train(corpus, 50, 200) == theirs
    assert unit_bpe.train(corpus, 50, 200, first_seen=True) != theirs


def test_tokens_of_streams_it_was_not_trained_on_equal_those_of_hugging_face():
    corpus = [stream_of(20, 100, seed) for seed in range(30)]
    tokenizer, merges = hugging_face(corpus, 20, 150)

    for seed in range(100):
        generator = random.Random(seed)
        units = [generator.randrange(20) for _ in range(100)]
        assert unit_bpe.encode(units, merges, 20) == tokenizer.encode(text(units)).ids


@settings(max_examples=100)
@given(
    corpus=st.lists(st.lists(st.integers(0, 3), max_size=25), max_size=6),
    merges=st.integers(0, 12),
    least=st.integers(1, 3),
)
def test_the_faster_training_equals_the_loop_and_tokens_decode_to_the_units(corpus, merges, least):
    found = unit_bpe.train(corpus, 4, merges, least=least)

    assert unit_bpe.train_faster(corpus, 4, merges, least=least) == found
    for stream in corpus:
        tokens = unit_bpe.encode(stream, found, 4)
        assert unit_bpe.decode(tokens, found, 4) == stream
        assert not set(pairwise(tokens)) & set(found)
        assert not stream or 1 <= len(tokens) <= len(stream)


def test_training_changes_no_stream():
    corpus = [[0, 1, 0, 1, 0, 1]]

    unit_bpe.train(corpus, 2, 3)
    unit_bpe.train_faster(corpus, 2, 3)

    assert corpus == [[0, 1, 0, 1, 0, 1]]


def test_a_token_takes_the_bits_its_frequency_in_training_says():
    assert unit_bpe.bits_per_token([[1, 1, 1]], [[1]], vocabulary=5) == 1.0  # (3 + 1) / (3 + 5)
    assert unit_bpe.bits_per_token([[1, 1, 1]], [[0, 0]], vocabulary=5) == 3.0  # (0 + 1) / (3 + 5)


def test_a_drawing_has_a_bar_where_a_token_begins():
    assert unit_bpe.draw([7, 3, 9, 4], [(3, 9)], 10) == "|7|3 9|4"


def test_made_up_streams_hold_the_frequent_words_and_no_repeats():
    streams = unit_bpe.speech([[1, 2, 3], [4, 5]], 200, 10, generator=random.Random(0))

    assert all(a != b for stream in streams for a, b in pairwise(stream))
    counts = unit_bpe.count_pairs(streams)
    assert counts[1, 2] > 1.5 * counts[4, 5] > 100  # twice as often, by Zipf's law


def test_a_mistake_is_told_with_what_was_wanted():
    with pytest.raises(ValueError, match=r"units in 0\.\.3, got 4\.\.9"):
        unit_bpe.train([[0, 4], [9]], 4, 1)
    with pytest.raises(ValueError, match=r"units in 0\.\.3, got -1\.\.-1"):
        unit_bpe.train_faster([[0, -1]], 4, 1)
    with pytest.raises(ValueError, match=r"units in 0\.\.3, got 4\.\.4"):
        unit_bpe.encode([4], [(0, 1)], 4)
    with pytest.raises(ValueError, match=r"units in 0\.\.4, got 5\.\.5"):
        unit_bpe.decode([5], [(0, 1)], 4)
    with pytest.raises(ValueError, match="got 0, 1 and 2"):
        unit_bpe.train([[0]], 0, 1)
    with pytest.raises(ValueError, match="got 4, -1 and 2"):
        unit_bpe.train([[0]], 4, -1)
    with pytest.raises(ValueError, match="got 4, 1 and 0"):
        unit_bpe.train_faster([[0]], 4, 1, least=0)


def test_the_demo_shows_fewer_tokens_and_bits_and_finds_the_words():
    shown = unit_bpe.demo(merges=(0, 50, 300), streams=200, words=30)

    assert json.loads(json.dumps(shown)) == shown
    none, some, many = shown["rows"]
    assert none["tokens_per_second"] == 25.0
    assert none["bps"] == 166.1  # 25 x log2(100)
    assert none["words_in_one_token"] == 0
    assert many["vocabulary"] == 400
    for figure in ("tokens_per_second", "bps", "coded_bps"):
        assert none[figure] > some[figure] > many[figure]
    assert many["tokens_per_second"] < 10
    assert many["coded_bps"] < many["bps"]
    assert many["words_in_one_token"] > 20
    assert "same units back: yes" in shown["remarks"][2]
    assert "first differ at number" in shown["remarks"][3]
    assert shown["drawing"].split("\n")[0].count("|") == 30
    assert shown["plot"]["x"] == [0, 50, 300]
    assert shown == unit_bpe.demo(merges=(0, 50, 300), streams=200, words=30)


def test_a_copy_of_the_file_runs_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    copied = runpy.run_path(unit_bpe.__file__)

    assert copied["demo"](merges=(0, 1), streams=4)["rows"][1]["merges"] == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"merges": ()}, r"merges of 0 or more.*\[\]"),
        ({"merges": (5, -1)}, r"\[5, -1\]"),
        ({"words": 0}, "got 0, 400, 100"),
        ({"streams": 0}, "got 60, 0, 100"),
        ({"codebook_size": 1}, "got 60, 400, 1"),
        ({"unit_rate_hz": 0.0}, "and 0.0"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        unit_bpe.demo(**wrong)
