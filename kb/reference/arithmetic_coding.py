"""Arithmetic coding: codes in as few bits as a model of them allows, whole as a stream and not code by code.

Long because coding, decoding and the models that a reader wants to compare stand together.
Source: Witten, Neal and Cleary, "Arithmetic coding for data compression" (CACM 30(6), 1987), with a register of 64
    bits; that a model of a codec's codes saves bits over n_q x log2 K: EnCodec, section 3.3 (arXiv:2210.13438), whose
    model is a small Transformer.
Left out: models of neural networks: any function that gives counts will do.
Oracle: exact fractions, the same bits wherever 64 bits hold them; constriction's range coder, the same size but for its
    32-bit words.
Ties: there are none; all arithmetic is on whole numbers, so that every machine decodes what any other encoded.
Notation: V codebook size. A model is a function of the codes so far, that returns cumulative counts [V + 1]: code v has
    counts cumulative[v + 1] - cumulative[v] of cumulative[V].
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import accumulate, chain, repeat
from typing import Any, NamedTuple, TypeAlias

from kb.reference._alone import run_alone

Model: TypeAlias = Callable[[Sequence[int]], Sequence[int]]

REGISTER_BITS = 64
FULL, HALF, QUARTER = (1 << REGISTER_BITS - n for n in range(3))
COUNTS_BITS = 16  # counts of a model sum to 2^16, if made from probabilities


def encode(codes: Sequence[int], model: Model) -> list[int]:
    """Return bits, 0 or 1, for codes: fewer for the codes that the model expects.

    To these codes belongs an interval of the numbers in [0, 1), as wide as the model finds the codes probable. The bits
    are the digits of the shortest binary number in it. low and high are its ends, without the digits already written.
    Returns: less than cross_entropy_bits + 1 bits.
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


FIGURES = (coded_size,)  # what claims may run


def falling(ratio: float, codebook_size: int) -> list[float]:
    """Return probabilities that fall from code to code: 1, r, r^2, .., not yet divided by their sum."""
    return [ratio**v for v in range(codebook_size)]


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    count: int = 5000,
    codebook_size: int = 32,
    ratio: float = 0.8,
    expected: tuple[float, ...] = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4),
) -> dict[str, Any]:
    """Draw codes, each less likely than the one before it, and code them under models that expect another fall.

    Args:
        device: not used, there are no tensors.
        seed: draws the codes.
        count: codes to draw.
        codebook_size: different codes, V.
        ratio: probability of a code over that of the one before it.
        expected: the ratios that models expect, 1 for all codes alike.
    """
    if count < 1 or codebook_size < 2 or not all(0 < one <= 1 for one in (ratio, *expected)):
        got = f"{count}, {codebook_size}, {ratio} and {list(expected)}"
        raise ValueError(f"want count >= 1, codebook_size >= 2 and ratios above 0, at most 1, got {got}")
    draw = random.Random(seed)  # noqa: S311 - no secret
    codes = draw.choices(range(codebook_size), falling(ratio, codebook_size), k=count)
    models: dict[str, Callable[[], Model]] = {
        f"{one:g}": partial(fixed, whole_counts(falling(one, codebook_size))) for one in expected
    }
    models["learned"] = partial(learning, codebook_size)
    rows = []
    for name, model in models.items():
        bits = encode(codes, model())
        rows.append(
            {
                "expected_ratio": name,
                "bits": len(bits),
                "cross_entropy_bits": round(cross_entropy_bits(codes, model()), 1),
                "bits_a_code": round(len(bits) / count, 3),
                "comes_back": decode(bits, count, model()) == codes,
            }
        )
    remarks = [
        f"Codes fall by {ratio:g}; log2 V is {math.log2(codebook_size):.3f} bits. The model that expects what comes "
        "takes the fewest bits, one that is too sure more than one that knows nothing.",
        "learned: the codes counted as they come, by encoder and decoder alike; no counts have to be sent.",
        "Coding takes less than one bit more than the cross-entropy, and that for the whole stream.",
    ]
    plot = {"kind": "bar", "x": list(models), "series": {"bits a code": [row["bits_a_code"] for row in rows]}}
    return {"rows": rows, "remarks": remarks, "plot": plot | {"x_label": "expected ratio", "y_label": "bits a code"}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of arithmetic coding, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    draw = random.Random(0)  # noqa: S311 - no secret
    skewed = fixed(whole_counts(falling(0.9, 32)))
    codes = draw.choices(range(32), falling(0.9, 32), k=1000)
    bits, worth = encode(codes, skewed), cross_entropy_bits(codes, skewed)
    learned = encode(codes, learning(32))
    return [
        ("0, 0, 1 with counts 3, 1 is the one bit 1.", encode([0, 0, 1], fixed([3, 1])) == [1]),
        ("Arithmetic coding gives the codes back.", decode(bits, 1000, skewed) == codes),
        ("It takes what the cross-entropy says, within 2 bits.", abs(len(bits) - worth) < 2),
        ("All codes alike, it takes what the formula says.", len(encode(codes, fixed([1] * 32))) in (4999, 5000)),
        ("A model that learns gives the codes back.", decode(learned, 1000, learning(32)) == codes),
        ("What a model is sure of takes no bit.", encode([2] * 1000, fixed([0, 0, 1])) == []),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Codes under models that expect them, and under others.", demo, checks)


if __name__ == "__main__":
    main()
