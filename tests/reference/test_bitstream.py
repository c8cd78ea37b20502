"""Packing and arithmetic coding against bytes by hand, exact fractions, numpy, and constriction's range coder."""

import json
import math
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import bitstream


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


def test_codes_are_packed_with_the_lowest_bit_first_by_hand():
    # 1, 2, 3 in 2 bits each are 01, 10, 11; from the right 11 10 01 = 57. 5 = 101 and 6 = 110 in 3 bits: 110 101 = 53.
    assert bitstream.pack([1, 2, 3], 2) == bytes([57])
    assert bitstream.pack([5, 6], 3) == bytes([53])
    # 1023 and 1 in 10 bits: 0000000001 1111111111 are the bytes 11111111, 00000111, 0000.
    assert bitstream.pack([1023, 1], 10) == bytes([255, 7, 0])
    assert bitstream.unpack(bytes([255, 7, 0]), 10, 2) == [1023, 1]
    assert bitstream.pack([], 10) == b""
    assert bitstream.unpack(b"", 10, 0) == []


@settings(max_examples=100, deadline=None)
@given(bits=st.integers(1, 20), length=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_packed_codes_come_back_and_are_the_bytes_numpy_makes_of_their_bits(bits, length, seed):
    numpy = pytest.importorskip("numpy")
    codes = [random.Random(seed + i).randrange(2**bits) for i in range(length)]

    packed = bitstream.pack(codes, bits)

    digits = [code >> place & 1 for code in codes for place in range(bits)]
    assert packed == numpy.packbits(numpy.array(digits, dtype=numpy.uint8), bitorder="little").tobytes()
    assert len(packed) == bitstream.packed_bytes(length, bits)
    assert bitstream.unpack(packed, bits, length) == codes


def test_a_second_of_encodec_at_6_kbps_is_750_bytes():
    assert bitstream.packed_bytes(75 * 8, 10) == 750
    assert bitstream.packed_bytes(75, 10) == 94  # 750 bits are no whole number of bytes


def test_three_codes_worked_by_hand():
    model = bitstream.fixed([3, 1])

    # 0 keeps the first three quarters, 1 the last: 0, 0, 1 is 27/64 .. 36/64, and 1/2, binary .1, lies in it.
    assert bitstream.encode([0, 0, 1], model) == [1]
    # 1, 1 is 15/16 .. 1: .1111. 0, 0, 0 is 0 .. 27/64: 0, which has no digits.
    assert bitstream.encode([1, 1], model) == [1, 1, 1, 1]
    assert bitstream.encode([0, 0, 0], model) == []
    assert bitstream.decode([1], 3, model) == [0, 0, 1]
    assert bitstream.decode([1, 1, 1, 1], 2, model) == [1, 1]
    assert bitstream.decode([], 3, model) == [0, 0, 0]


@settings(max_examples=300, deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any),
    length=st.integers(0, 12),
    seed=st.integers(0, 99),
)
def test_the_bits_are_those_of_exact_fractions_where_the_register_holds_them(counts, length, seed):
    counts = [*counts, 2 ** math.ceil(math.log2(sum(counts) + 1)) - sum(counts)]  # a power of two: nothing is rounded
    codes = drawn(counts, length, seed)

    bits = bitstream.encode(codes, bitstream.fixed(counts))

    assert bits == exact_bits(codes, counts)
    assert bitstream.decode(bits, length, bitstream.fixed(counts)) == codes


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=40), length=st.integers(0, 400), seed=st.integers(0, 99)
)
def test_codes_come_back_and_take_less_than_a_bit_more_than_the_cross_entropy(counts, length, seed):
    codes, model = drawn(counts, length, seed), bitstream.fixed(counts)

    bits = bitstream.encode(codes, model)

    assert bitstream.decode(bits, length, model) == codes
    assert len(bits) < bitstream.cross_entropy_bits(codes, model) + 1 + 1e-9
    packed = bitstream.pack(bits, 1)
    assert bitstream.decode(bitstream.unpack(packed, 1, 8 * len(packed)), length, model) == codes


def test_codes_the_model_does_not_expect_cost_what_they_should_and_come_back():
    codes, model = [0] * 50 + [1] * 50 + [0] * 50, bitstream.fixed([10**6, 1])

    bits = bitstream.encode(codes, model)

    assert bitstream.decode(bits, 150, model) == codes
    assert len(bits) == pytest.approx(50 * math.log2(10**6 + 1), abs=2)


def test_a_long_stream_under_large_counts_is_not_changed_by_rounding():
    counts = [2**29 - 1, 3, 3, 3]
    codes, model = drawn([1, 1, 1, 1], 5000, seed=0), bitstream.fixed(counts)

    # A register of 32 bits is 47 bits off.
    assert abs(len(bitstream.encode(codes, model)) - bitstream.cross_entropy_bits(codes, model)) < 2


def test_a_stream_around_the_middle_keeps_its_digits_until_they_are_known():
    # Every further 1 closes in on 1/2 from both sides: no digit is known before the last code.
    counts, codes = [1, 2, 1], [1] * 60 + [2]

    bits = bitstream.encode(codes, bitstream.fixed(counts))

    assert bits == exact_bits(codes, counts)
    assert bits == [1] + [0] * 60 + [1]
    assert bitstream.decode(bits, 61, bitstream.fixed(counts)) == codes


def test_the_size_is_that_of_constrictions_range_coder_but_for_its_words():
    constriction = pytest.importorskip("constriction")
    numpy = pytest.importorskip("numpy")
    counts = bitstream.whole_counts([0.9**v for v in range(64)])
    codes = drawn(counts, 5000, seed=0)

    bits = bitstream.encode(codes, bitstream.fixed(counts))

    theirs = constriction.stream.queue.RangeEncoder()
    expected = constriction.stream.model.Categorical(numpy.array(counts) / sum(counts), perfect=False)
    theirs.encode(numpy.array(codes, dtype=numpy.int32), expected)
    assert -32 < 32 * len(theirs.get_compressed()) - len(bits) <= 64


def test_an_even_model_takes_what_the_formula_says_and_less_than_whole_bits_where_there_are_1000_codewords():
    codes = [random.Random(i).randrange(1000) for i in range(2000)]

    size = bitstream.coded_size(codes, [1] * 1000)

    assert size.formula_bits == pytest.approx(19931.57, abs=0.01)
    assert size.cross_entropy_bits == pytest.approx(size.formula_bits)
    assert 19925 < size.bits <= 19932
    assert 8 * bitstream.packed_bytes(2000, 10) == 20000


def test_a_learning_model_counts_what_came_and_begins_anew_with_a_stream():
    model = bitstream.learning(3)

    assert [list(model(past)) for past in ([], [2], [2, 2])] == [[0, 1, 2, 3], [0, 1, 2, 5], [0, 1, 2, 7]]
    assert list(model([])) == [0, 1, 2, 3]


def test_a_context_keeps_the_counts_of_two_levels_apart():
    model = bitstream.learning(2, lambda past: len(past) % 2)
    codes = [0, 1] * 300

    bits = bitstream.encode(codes, model)

    assert bitstream.decode(bits, 600, model) == codes
    assert len(bits) < 20  # each level is always the same; without levels, 600 bits
    assert len(bitstream.encode(codes, bitstream.learning(2))) > 550


def test_a_model_is_asked_with_the_codes_before_and_never_with_the_one_to_come():
    asked = []

    def model(past):
        asked.append(list(past))
        return [0, 1, 2]

    bits = bitstream.encode([1, 0, 1], model)
    bitstream.decode(bits, 3, model)

    assert asked == [[], [1], [1, 0]] * 2


def test_probabilities_become_counts_none_of_them_0():
    assert bitstream.whole_counts([0.5, 0.5, 0.0]) == [32768, 32767, 1]
    assert bitstream.whole_counts([0.0, 1.0]) == [1, 65535]
    assert sum(bitstream.whole_counts([0.1] * 1000)) == 65536


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bitstream.pack([1, 4], 2), r"codes in 0\.\.3 for 2 bits, got 1\.\.4"),
        (lambda: bitstream.pack([-1], 2), r"for 2 bits, got -1\.\.-1"),
        (lambda: bitstream.pack([], 0), "0 codes or more of 1 bit or more, got 0 of 0"),
        (lambda: bitstream.unpack(b"12", 10, 2), "want 3 bytes for 2 codes of 10 bits, got 2"),
        (lambda: bitstream.unpack(b"1234", 10, 2), "want 3 bytes for 2 codes of 10 bits, got 4"),
        (lambda: bitstream.unpack(b"", 10, -1), "1 bit or more, got -1 of 10"),
        (lambda: bitstream.encode([2], bitstream.fixed([3, 1])), "code 2 has no counts in a model of 2 codes and 4"),
        (lambda: bitstream.encode([-1], bitstream.fixed([3, 1])), "code -1 has no counts"),
        (lambda: bitstream.encode([1], bitstream.fixed([3, 0])), "code 1 has no counts"),
        (lambda: bitstream.encode([1], bitstream.fixed([2**62, 1])), "code 1 has no counts"),
        (lambda: bitstream.cross_entropy_bits([1], bitstream.fixed([3, 0])), "code 1 has no counts"),
        (lambda: bitstream.decode([1, 2], 1, bitstream.fixed([3, 1])), r"bits 0 and 1, got 1, of \[1, 2\]"),
        (lambda: bitstream.decode([1], -1, bitstream.fixed([3, 1])), "0 codes or more, .* got -1"),
        (lambda: bitstream.fixed([]), r"counts of 0 or more, not all 0, got \[\]"),
        (lambda: bitstream.fixed([1, -1]), r"got \[1, -1\]"),
        (lambda: bitstream.fixed([0, 0]), r"got \[0, 0\]"),
        (lambda: bitstream.whole_counts([]), "got 0 that sum to 0"),
        (lambda: bitstream.whole_counts([0.5, float("nan")]), "got 2 that sum to nan"),
        (lambda: bitstream.whole_counts([0.5, -0.5]), "got 2 that sum to 0"),
        (lambda: bitstream.packed_bytes(-1, 10), "got -1 of 10"),
    ],
)
def test_a_mistake_is_told_with_what_was_wanted_and_what_came(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_demo_shows_that_a_model_saves_bits_and_the_codes_come_back():
    shown = bitstream.demo(frames=1500)

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert all(row["comes_back"] for row in rows)
    assert [row["percent_of_formula"] for row in rows[:4]] == [320.0, 100.0, 100.0, 100.0]
    assert rows[5]["bits"] < rows[4]["bits"] - 1000 < rows[3]["bits"] - 2000
    for row in rows[3:]:
        assert row["cross_entropy_bits"] - 12 < row["bits"] < row["cross_entropy_bits"] + 1
        assert row["bytes"] == math.ceil(row["bits"] / 8)
    assert rows[1]["kbps"] == 1.5  # 75 Hz x 4 x 5 bits
    assert shown["plot"]["series"]["kbps"] == [row["kbps"] for row in rows]
    assert bitstream.demo(frames=200, seed=1) != bitstream.demo(frames=200, seed=2)


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"levels": 0}, {"codebook_size": 1}, {"frame_rate_hz": 0.0}])
def test_the_demo_explains_a_parameter_it_cannot_use(wrong):
    with pytest.raises(ValueError, match="frames, levels >= 1, codebook_size >= 2 and a positive frame_rate_hz, got"):
        bitstream.demo(**wrong)


def test_all_checks_hold_and_are_sentences():
    checked = bitstream.checks()

    assert [sentence for sentence, held in checked if not held] == []
    assert all(sentence.endswith(".") for sentence, _ in checked)


def test_it_runs_without_torch():
    run = "runpy.run_module('kb.reference.bitstream', run_name='__main__')"
    script = f"import sys, runpy; {run}; print('torch' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[0] == "stored"
    assert ran.stdout.endswith("False\n")
