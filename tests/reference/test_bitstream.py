"""Packing against bytes by hand and numpy's; what models save of a stream."""

import json
import math
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import bitstream


def test_codes_are_packed_with_the_lowest_bit_first_by_hand():
    # 1, 2, 3 in 2 bits each are 01, 10, 11; from the right 11 10 01 = 57. 5 = 101 and 6 = 110 in 3 bits: 110 101 = 53.
    assert bitstream.pack([1, 2, 3], 2) == bytes([57])
    assert bitstream.pack([5, 6], 3) == bytes([53])
    # 1023 and 1 in 10 bits: 0000000001 1111111111 are the bytes 11111111, 00000111, 0000.
    assert bitstream.pack([1023, 1], 10) == bytes([255, 7, 0])
    assert bitstream.unpack(bytes([255, 7, 0]), 10, 2) == [1023, 1]
    assert bitstream.pack([], 10) == b""
    assert bitstream.unpack(b"", 10, 0) == []


@settings(max_examples=100)
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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bitstream.pack([1, 4], 2), r"codes in 0\.\.3 for 2 bits, got 1\.\.4"),
        (lambda: bitstream.pack([-1], 2), r"for 2 bits, got -1\.\.-1"),
        (lambda: bitstream.pack([], 0), "0 codes or more of 1 bit or more, got 0 of 0"),
        (lambda: bitstream.unpack(b"12", 10, 2), "want 3 bytes for 2 codes of 10 bits, got 2"),
        (lambda: bitstream.unpack(b"1234", 10, 2), "want 3 bytes for 2 codes of 10 bits, got 4"),
        (lambda: bitstream.unpack(b"", 10, -1), "1 bit or more, got -1 of 10"),
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


def test_it_runs_without_torch():
    run = "runpy.run_module('kb.reference.bitstream', run_name='__main__')"
    script = f"import sys, runpy; {run}; print('torch' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[0] == "stored"
    assert ran.stdout.endswith("False\n")
