"""Bitstream: codes as bytes, n bits each, or in as few bits as a model of them allows.

Long because coding, decoding and the models that a reader wants to compare stand together.
Source: arithmetic coding, Witten, Neal and Cleary, "Arithmetic coding for data compression" (CACM 30(6), 1987), with a
    register of 64 bits; that a model of a codec's codes saves bits over n_q x log2 K: EnCodec, section 3.3
    (arXiv:2210.13438), whose model is a small Transformer.
Left out: a file's header (length, rates, which model) and a checksum: a decoder is told how many codes there are, and
    cannot tell that bytes are wrong. Models of neural networks: any function that gives counts will do.
Oracle: exact fractions, the same bits wherever 64 bits hold them; constriction's range coder, the same size but for its
    32-bit words; numpy.packbits, the same bytes.
Ties: there are none; all arithmetic is on whole numbers, so that every machine decodes what any other encoded.
Notation: K codes a frame, T frames, V codebook size. A model is a function of the codes so far, that returns cumulative
    counts [V + 1]: code v has counts cumulative[v + 1] - cumulative[v] of cumulative[V].
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, NamedTuple, TypeAlias

from kb.reference._alone import run_alone

Model: TypeAlias = Callable[[Sequence[int]], Sequence[int]]

REGISTER_BITS = 64
FULL, HALF, QUARTER = (1 << REGISTER_BITS - n for n in range(3))
COUNTS_BITS = 16  # counts of a model sum to 2^16, if made from probabilities


def pack(codes: Sequence[int], bits: int) -> bytes:
    """Return codes as bytes, `bits` bits each, the lowest first, as EnCodec's files have them.

    Raises: ValueError if a code is negative or does not fit.
    Example: 1, 2, 3 with 2 bits each -> 0b00_11_10_01, one byte, 57.
    """
    _check(len(codes), bits)
    if codes and not 0 <= min(codes) <= max(codes) < 2**bits:
        raise ValueError(f"want codes in 0..{2**bits - 1} for {bits} bits, got {min(codes)}..{max(codes)}")
    packed, buffer, held = bytearray(), 0, 0
    for code in codes:
        buffer |= code << held
        held += bits
        while held >= 8:
            packed.append(buffer & 255)
            buffer >>= 8
            held -= 8
    return bytes(packed) + (bytes([buffer]) if held else b"")


def unpack(packed: bytes, bits: int, count: int) -> list[int]:
    """Return count codes of `bits` bits each. Raises: ValueError if the bytes are not as many as pack makes."""
    if len(packed) != packed_bytes(count, bits):
        want = packed_bytes(count, bits)
        raise ValueError(f"want {want} bytes for {count} codes of {bits} bits, got {len(packed)}")
    codes, buffer, held, rest = [], 0, 0, iter(packed)
    for _ in range(count):
        while held < bits:
            buffer |= next(rest) << held
            held += 8
        codes.append(buffer & (2**bits - 1))
        buffer >>= bits
        held -= bits
    return codes


def packed_bytes(count: int, bits: int) -> int:
    """Return how many bytes count codes of `bits` bits each take. Example: EnCodec, 8 codes of 10 bits -> 10."""
    _check(count, bits)
    return (count * bits + 7) // 8


def _check(count: int, bits: int) -> None:
    if count < 0 or bits < 1:
        raise ValueError(f"want 0 codes or more of 1 bit or more, got {count} of {bits}")


def encode(codes: Sequence[int], model: Model) -> list[int]:
    """Return bits, 0 or 1, for codes: fewer for the codes that the model expects.

    To these codes belongs an interval of the numbers in [0, 1), as wide as the model finds the codes probable. The bits
    are the digits of the shortest binary number in it. low and high are its ends, without the digits already written.
    Returns: less than cross_entropy_bits + 1 bits; pack(bits, 1) makes bytes of them.
    Raises: ValueError if the model has no counts for a code.
    Example: 0, 0, 1 with counts 3, 1: the interval is 27/64 .. 36/64, and 1/2, the one bit 1, is in it.
    """
    bits: list[int] = []
    past: list[int] = []
    low, high, pending = 0, FULL - 1, 0
    for code in codes:
        low, high = _narrowed(low, high, model(past), code)
        past.append(code)
        while (base := _known(low, high)) is not None:
            if base == QUARTER:  # around the middle: the digits will be 0 1 1 .. or 1 0 0 ..
                pending += 1
            else:
                bits += [int(base == HALF)] + [int(base != HALF)] * pending
                pending = 0
            low, high = 2 * (low - base), 2 * (high - base) + 1
    if low or pending:
        bits.append(1)  # the middle, which is in low..high. Zeros follow, and those need not be written.
    while bits and not bits[-1]:
        bits.pop()
    return bits


def decode(bits: Sequence[int], count: int, model: Model) -> list[int]:
    """Return the first count codes of bits that encode made with the same model; zeros follow the last bit."""
    if count < 0 or not set(bits) <= {0, 1}:
        raise ValueError(f"want 0 codes or more, of bits 0 and 1, got {count}, of {sorted(set(bits))}")
    rest = chain(bits, repeat(0))
    codes: list[int] = []
    low, high, number = 0, FULL - 1, 0
    for _ in range(REGISTER_BITS):
        number = 2 * number + next(rest)
    for _ in range(count):
        cumulative = model(codes)
        place = ((number - low + 1) * cumulative[-1] - 1) // (high - low + 1)
        codes.append(bisect_right(cumulative, place) - 1)
        low, high = _narrowed(low, high, cumulative, codes[-1])
        while (base := _known(low, high)) is not None:
            low, high, number = 2 * (low - base), 2 * (high - base) + 1, 2 * (number - base) + next(rest)
    return codes


def _narrowed(low: int, high: int, cumulative: Sequence[int], code: int) -> tuple[int, int]:
    begin, end, total, span = *_share(cumulative, code), high - low + 1
    return low + span * begin // total, low + span * end // total - 1


def _share(cumulative: Sequence[int], code: int) -> tuple[int, int, int]:
    size, total = len(cumulative) - 1, cumulative[-1]
    if not 0 <= code < size or cumulative[code] >= cumulative[code + 1] or total > QUARTER:
        raise ValueError(f"code {code} has no counts in a model of {size} codes and {total} counts")
    return cumulative[code], cumulative[code + 1], total


def _known(low: int, high: int) -> int | None:
    """Return where the half begins that holds low and high: the lower, the upper, the middle one; None if none does."""
    if high < HALF:
        return 0
    if low >= HALF:
        return HALF
    return QUARTER if low >= QUARTER and high < HALF + QUARTER else None


def fixed(counts: Sequence[int]) -> Model:
    """Return a model that expects every code as often as it is counted. Example: 3, 1: code 0 three times in four."""
    if not len(counts) or min(counts) < 0 or not sum(counts):
        raise ValueError(f"want counts of 0 or more, not all 0, got {list(counts)}")
    cumulative = [0, *accumulate(counts)]
    return lambda _: cumulative


def learning(codebook_size: int, context: Callable[[Sequence[int]], Hashable] = lambda _: 0) -> Model:
    """Return a model that counts the codes as they come, apart in every context; each counts a half before it came.

    context looks at the codes so far, as here len(past) % 2 for a stream of two levels. A new stream begins anew.
    """
    counts: dict[Hashable, list[int]] = {}
    here: list[Hashable] = []

    def model(past: Sequence[int]) -> Sequence[int]:
        if past:
            counts[here.pop()][past[-1]] += 2
        else:
            counts.clear()
            here.clear()
        here.append(context(past))
        return [0, *accumulate(counts.setdefault(here[-1], [1] * codebook_size))]

    return model


def whole_counts(probabilities: Sequence[float]) -> list[int]:
    """Return counts that sum to 2^16 and are as probable, but none 0. Example: 0.5, 0.5, 0 -> 32768, 32767, 1.

    What rounding leaves over, the likeliest code gets. Two machines may round a network's output differently: both ends
    need the same counts.
    """
    size, whole = len(probabilities), math.fsum(probabilities)
    if not 0 < size <= 2**COUNTS_BITS or not all(p >= 0 for p in probabilities) or not 0 < whole < math.inf:
        raise ValueError(
            f"want 1..{2**COUNTS_BITS} probabilities of 0 or more, not all 0, got {size} that sum to {whole}"
        )
    counts = [1 + int(p / whole * (2**COUNTS_BITS - size)) for p in probabilities]
    counts[max(range(size), key=probabilities.__getitem__)] += 2**COUNTS_BITS - sum(counts)
    return counts


def cross_entropy_bits(codes: Sequence[int], model: Model) -> float:
    """Return the sum of -log2 of each code's probability. Example: 0, 0, 1 with counts 3, 1 -> 0.42 + 0.42 + 2."""
    bits = 0.0
    past: list[int] = []
    for code in codes:
        begin, end, total = _share(model(past), code)
        bits += math.log2(total / (end - begin))
        past.append(code)
    return bits


class CodedSize(NamedTuple):
    """How much of a stream is left by a model."""

    bits: int  # of arithmetic coding
    cross_entropy_bits: float
    formula_bits: float  # n x log2 V


def coded_size(codes: list[int], counts: list[int]) -> CodedSize:
    """Return how many bits codes take if a model expects them as counted, and what the formula says of them."""
    bits = len(encode(codes, fixed(counts)))
    return CodedSize(bits, cross_entropy_bits(codes, fixed(counts)), len(codes) * math.log2(len(counts)))


def made_up(frames: int, levels: int, codebook_size: int, seed: int) -> list[int]:
    """Return codes of a random walk that returns to 0, frame by frame: one number a frame, in ever finer steps.

    Level 0 cuts -4..4 (four standard deviations) into codebook_size steps, each further level a step into as many.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    codes, value = [], 0.0
    for _ in range(frames):
        value = 0.95 * value + math.sqrt(1 - 0.95**2) * draw.gauss(0, 1)
        rest = min(max((value + 4) / 8, 0.0), 1 - 2**-50)
        for _ in range(levels):
            code = int(rest * codebook_size)
            rest = rest * codebook_size - code
            codes.append(code)
    return codes


FIGURES = (packed_bytes, coded_size)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    frames: int = 3000,
    levels: int = 4,
    codebook_size: int = 32,
    frame_rate_hz: float = 75.0,
) -> dict[str, Any]:
    """Store made-up codes in every way, and return how many bytes each takes beside n_q x log2 K.

    Args:
        device: not used, there are no tensors.
        seed: draws the codes.
        frames: how many there are, T.
        levels: codes a frame, n_q.
        codebook_size: K of the formula.
        frame_rate_hz: frames a second; it sets the bit rates and nothing else.
    """
    if min(frames, levels) < 1 or codebook_size < 2 or not 0 < frame_rate_hz < math.inf:
        got = f"{frames}, {levels}, {codebook_size}, {frame_rate_hz}"
        raise ValueError(f"want frames, levels >= 1, codebook_size >= 2 and a positive frame_rate_hz, got {got}")
    codes = made_up(frames, levels, codebook_size, seed)

    def level(past: Sequence[int]) -> Hashable:
        return len(past) % levels

    def before(past: Sequence[int]) -> Hashable:  # only level 0 depends on the frame before
        return past[-levels] if past and not len(past) % levels else -1 - len(past) % levels

    models: dict[str, Callable[[], Model]] = {
        "evenly": lambda: fixed([1] * codebook_size),
        "by level": lambda: learning(codebook_size, level),
        "by frame": lambda: learning(codebook_size, before),
    }
    width = (codebook_size - 1).bit_length()
    formula_bits = len(codes) * math.log2(codebook_size)
    packed = pack(codes, width)
    sizes: list[tuple[str, float, float | None, bool]] = [
        ("int16", 16 * len(codes), None, True),
        ("formula", formula_bits, None, True),
        ("packed", 8 * len(packed), None, unpack(packed, width, len(codes)) == codes),
    ]
    for name, model in models.items():
        bits = encode(codes, model())
        back = decode(unpack(pack(bits, 1), 1, len(bits)), len(codes), model()) == codes
        sizes.append((name, len(bits), cross_entropy_bits(codes, model()), back))
    rows = [
        {
            "stored": name,
            "bits": round(bits),
            "cross_entropy_bits": None if entropy is None else round(entropy, 1),
            "bytes": math.ceil(bits / 8),
            "bits_a_code": round(bits / len(codes), 3),
            "kbps": round(bits / frames * frame_rate_hz / 1000, 3),
            "percent_of_formula": round(100 * bits / formula_bits, 1),
            "comes_back": back,
        }
        for name, bits, entropy, back in sizes
    ]
    remarks = [
        f"The formula is n_q x log2 K bits a frame. Packed: {width} whole bits a code. The rest: arithmetic coding.",
        "Evenly: all codes alike. By level: the codes of each level counted as they come. By frame: those of level 0 "
        "apart for every code of the frame before. No counts have to be sent.",
        "Arithmetic coding takes less than one bit more than the cross-entropy; to fill a byte, up to 7 more.",
        "The codes are made up: one number a frame that changes slowly, so that only level 0 can be foretold.",
    ]
    plot = {"kind": "bar", "x": [row["stored"] for row in rows], "series": {"kbps": [row["kbps"] for row in rows]}}
    return {"rows": rows, "remarks": remarks, "plot": plot | {"x_label": "stored", "y_label": "kbps"}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of packing and arithmetic coding, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    codes = made_up(500, 2, 32, seed=0)
    skewed = fixed(whole_counts([0.9**v for v in range(32)]))
    bits, worth = encode(codes, skewed), cross_entropy_bits(codes, skewed)
    learned = encode(codes, learning(32))
    return [
        ("1, 2, 3 in 2 bits each are the byte 57.", pack([1, 2, 3], 2) == bytes([57])),
        ("10 bits a code come back from bytes.", unpack(pack(codes, 10), 10, 1000) == codes),
        ("1,000 codes of 10 bits are 1,250 bytes.", len(pack(codes, 10)) == 1250),
        ("0, 0, 1 with counts 3, 1 is the one bit 1.", encode([0, 0, 1], fixed([3, 1])) == [1]),
        ("Arithmetic coding gives the codes back.", decode(bits, 1000, skewed) == codes),
        ("It takes what the cross-entropy says, within 2 bits.", abs(len(bits) - worth) < 2),
        ("All codes alike, it takes what the formula says.", len(encode(codes, fixed([1] * 32))) in (4999, 5000)),
        ("A model that learns gives the codes back.", decode(learned, 1000, learning(32)) == codes),
        ("What a model is sure of takes no bit.", encode([2] * 1000, fixed([0, 0, 1])) == []),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Codes as bytes: packed, and by arithmetic coding.", demo, checks)


if __name__ == "__main__":
    main()
