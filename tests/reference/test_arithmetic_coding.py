"""Arithmetic coding against bits by hand, exact fractions, and constriction's range coder."""

import json
import math
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import arithmetic_coding


def shortest_binary_number(low, high):
    """The digits of the shortest binary number in low <= number < high, by trying one length after the other."""
    for digits in range(10_000):
        number = math.ceil(low * 2**digits)
        if number < high * 2**digits:
            return [int(digit) for digit in f"{number:b}".zfill(digits)] if digits else []
    raise AssertionError


def exact_bits(codes, counts):
    """Arithmetic coding as it is explained: an interval of fractions, cut at every code."""
    low, width, total = Fraction(0), Fraction(1), sum(counts)
    for code in codes:
        low += width * Fraction(sum(counts[:code]), total)
        width *= Fraction(counts[code], total)
    return shortest_binary_number(low, low + width)


def drawn(counts, length, seed):
    return random.Random(seed).choices(range(len(counts)), counts, k=length)


def test_three_codes_worked_by_hand():
    model = arithmetic_coding.fixed([3, 1])

    # 0 keeps the first three quarters, 1 the last: 0, 0, 1 is 27/64 .. 36/64, and 1/2, binary .1, lies in it.
    assert arithmetic_coding.encode([0, 0, 1], model) == [1]
    # 1, 1 is 15/16 .. 1: .1111. 0, 0, 0 is 0 .. 27/64: 0, which has no digits.
    assert arithmetic_coding.encode([1, 1], model) == [1, 1, 1, 1]
    assert arithmetic_coding.encode([0, 0, 0], model) == []
    assert arithmetic_coding.decode([1], 3, model) == [0, 0, 1]
    assert arithmetic_coding.decode([1, 1, 1, 1], 2, model) == [1, 1]
    assert arithmetic_coding.decode([], 3, model) == [0, 0, 0]


@settings(max_examples=300)
@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any),
    length=st.integers(0, 12),
    seed=st.integers(0, 99),
)
def test_the_bits_are_those_of_exact_fractions_where_the_register_holds_them(counts, length, seed):
    counts = [*counts, 2 ** math.ceil(math.log2(sum(counts) + 1)) - sum(counts)]  # a power of two: nothing is rounded
    codes = drawn(counts, length, seed)

    bits = arithmetic_coding.encode(codes, arithmetic_coding.fixed(counts))

    assert bits == exact_bits(codes, counts)
    assert arithmetic_coding.decode(bits, length, arithmetic_coding.fixed(counts)) == codes


@settings(max_examples=100)
@given(
    counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=40), length=st.integers(0, 400), seed=st.integers(0, 99)
)
def test_codes_come_back_and_take_less_than_a_bit_more_than_the_cross_entropy(counts, length, seed):
    codes, model = drawn(counts, length, seed), arithmetic_coding.fixed(counts)

    bits = arithmetic_coding.encode(codes, model)

    assert arithmetic_coding.decode(bits, length, model) == codes
    assert len(bits) < arithmetic_coding.cross_entropy_bits(codes, model) + 1 + 1e-9
    assert arithmetic_coding.decode([*bits, 0, 0, 0, 0, 0, 0, 0], length, model) == codes  # as bytes are filled up


def test_codes_the_model_does_not_expect_cost_what_they_should_and_come_back():
    codes, model = [0] * 50 + [1] * 50 + [0] * 50, arithmetic_coding.fixed([10**6, 1])

    bits = arithmetic_coding.encode(codes, model)

    assert arithmetic_coding.decode(bits, 150, model) == codes
    assert len(bits) == pytest.approx(50 * math.log2(10**6 + 1), abs=2)


def test_a_long_stream_under_large_counts_is_not_changed_by_rounding():
    counts = [2**29 - 1, 3, 3, 3]
    codes, model = drawn([1, 1, 1, 1], 5000, seed=0), arithmetic_coding.fixed(counts)

    # A register of 32 bits is 47 bits off.
    assert abs(len(arithmetic_coding.encode(codes, model)) - arithmetic_coding.cross_entropy_bits(codes, model)) < 2


def test_a_stream_around_the_middle_keeps_its_digits_until_they_are_known():
    # Every further 1 closes in on 1/2 from both sides: no digit is known before the last code.
    counts, codes = [1, 2, 1], [1] * 60 + [2]

    bits = arithmetic_coding.encode(codes, arithmetic_coding.fixed(counts))

    assert bits == exact_bits(codes, counts)
    assert bits == [1] + [0] * 60 + [1]
    assert arithmetic_coding.decode(bits, 61, arithmetic_coding.fixed(counts)) == codes


def test_the_size_is_that_of_constrictions_range_coder_but_for_its_words():
    constriction = pytest.importorskip("constriction")
    numpy = pytest.importorskip("numpy")
    counts = arithmetic_coding.whole_counts([0.9**v for v in range(64)])
    codes = drawn(counts, 5000, seed=0)

    bits = arithmetic_coding.encode(codes, arithmetic_coding.fixed(counts))

    theirs = constriction.stream.queue.RangeEncoder()
    expected = constriction.stream.model.Categorical(numpy.array(counts) / sum(counts), perfect=False)
    theirs.encode(numpy.array(codes, dtype=numpy.int32), expected)
    assert -32 < 32 * len(theirs.get_compressed()) - len(bits) <= 64


def test_an_even_model_takes_what_the_formula_says_and_less_than_whole_bits_where_there_are_1000_codewords():
    codes = [random.Random(i).randrange(1000) for i in range(2000)]

    size = arithmetic_coding.coded_size(codes, [1] * 1000)

    assert size.formula_bits == pytest.approx(19931.57, abs=0.01)
    assert size.cross_entropy_bits == pytest.approx(size.formula_bits)
    assert 19925 < size.bits <= 19932


def test_a_learning_model_counts_what_came_and_begins_anew_with_a_stream():
    model = arithmetic_coding.learning(3)

    assert [list(model(past)) for past in ([], [2], [2, 2])] == [[0, 1, 2, 3], [0, 1, 2, 5], [0, 1, 2, 7]]
    assert list(model([])) == [0, 1, 2, 3]


def test_a_context_keeps_the_counts_of_two_levels_apart():
    model = arithmetic_coding.learning(2, lambda past: len(past) % 2)
    codes = [0, 1] * 300

    bits = arithmetic_coding.encode(codes, model)

    assert arithmetic_coding.decode(bits, 600, model) == codes
    assert len(bits) < 20  # each level is always the same; without levels, 600 bits
    assert len(arithmetic_coding.encode(codes, arithmetic_coding.learning(2))) > 550


def test_a_model_is_asked_with_the_codes_before_and_never_with_the_one_to_come():
    asked = []

    def model(past):
        asked.append(list(past))
        return [0, 1, 2]

    bits = arithmetic_coding.encode([1, 0, 1], model)
    arithmetic_coding.decode(bits, 3, model)

    assert asked == [[], [1], [1, 0]] * 2


def test_probabilities_become_counts_none_of_them_0():
    assert arithmetic_coding.whole_counts([0.5, 0.5, 0.0]) == [32768, 32767, 1]
    assert arithmetic_coding.whole_counts([0.0, 1.0]) == [1, 65535]
    assert sum(arithmetic_coding.whole_counts([0.1] * 1000)) == 65536


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: arithmetic_coding.encode([2], arithmetic_coding.fixed([3, 1])),
            "code 2 has no counts in a model of 2 codes and 4",
        ),
        (lambda: arithmetic_coding.encode([-1], arithmetic_coding.fixed([3, 1])), "code -1 has no counts"),
        (lambda: arithmetic_coding.encode([1], arithmetic_coding.fixed([3, 0])), "code 1 has no counts"),
        (lambda: arithmetic_coding.encode([1], arithmetic_coding.fixed([2**62, 1])), "code 1 has no counts"),
        (lambda: arithmetic_coding.cross_entropy_bits([1], arithmetic_coding.fixed([3, 0])), "code 1 has no counts"),
        (
            lambda: arithmetic_coding.decode([1, 2], 1, arithmetic_coding.fixed([3, 1])),
            r"bits 0 and 1, got 1, of \[1, 2\]",
        ),
        (lambda: arithmetic_coding.decode([1], -1, arithmetic_coding.fixed([3, 1])), "0 codes or more, .* got -1"),
        (lambda: arithmetic_coding.fixed([]), r"counts of 0 or more, not all 0, got \[\]"),
        (lambda: arithmetic_coding.fixed([1, -1]), r"got \[1, -1\]"),
        (lambda: arithmetic_coding.fixed([0, 0]), r"got \[0, 0\]"),
        (lambda: arithmetic_coding.whole_counts([]), "got 0 that sum to 0"),
        (lambda: arithmetic_coding.whole_counts([0.5, float("nan")]), "got 2 that sum to nan"),
        (lambda: arithmetic_coding.whole_counts([0.5, -0.5]), "got 2 that sum to 0"),
    ],
)
def test_a_mistake_is_told_with_what_was_wanted_and_what_came(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_demo_takes_the_fewest_bits_with_the_model_that_expects_what_comes():
    shown = arithmetic_coding.demo(count=2000)

    assert json.loads(json.dumps(shown)) == shown
    bits = {row["expected_ratio"]: row["bits"] for row in shown["rows"]}
    assert all(row["comes_back"] for row in shown["rows"])
    assert list(bits) == ["1", "0.95", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "learned"]
    assert bits["1"] in (9999, 10_000)  # five bits for each of 2,000 codes
    assert bits["1"] > bits["0.95"] > bits["0.9"] > bits["0.8"] < bits["0.7"] < bits["0.6"] < bits["0.5"] < bits["0.4"]
    assert bits["0.4"] > bits["1"]
    shares = [0.8**v / sum(0.8**u for u in range(32)) for v in range(32)]
    entropy = -sum(share * math.log2(share) for share in shares)
    assert bits["0.8"] == pytest.approx(2000 * entropy, rel=0.02)
    assert bits["0.8"] < bits["learned"] < 1.02 * bits["0.8"]
    assert arithmetic_coding.demo(count=100, seed=1) != arithmetic_coding.demo(count=100, seed=2)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"codebook_size": 1}, {"ratio": 0.0}, {"expected": (1.1,)}])
def test_the_demo_explains_a_parameter_it_cannot_use(wrong):
    with pytest.raises(ValueError, match="count >= 1, codebook_size >= 2 and ratios above 0, at most 1, got"):
        arithmetic_coding.demo(**wrong)


def test_it_runs_without_torch():
    run = "runpy.run_module('kb.reference.arithmetic_coding', run_name='__main__')"
    script = f"import sys, runpy; {run}; print('torch' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[0] == "expected_ratio"
    assert ran.stdout.endswith("False\n")
