"""Bitstream: codes as bytes, n bits each, beside what arithmetic coding makes of them.

Source: EnCodec's files, n bits a code, the lowest first (github.com/facebookresearch/encodec, binary.py); that a model
    of the codes saves bits over n_q x log2 K: EnCodec, section 3.3 (arXiv:2210.13438).
Left out: a file's header (length, rates, which model) and a checksum: a decoder is told how many codes there are, and
    cannot tell that bytes are wrong. The coder is in arithmetic_coding.
Oracle: numpy.packbits, the same bytes.
Ties: there are none; all arithmetic is on whole numbers.
Notation: K codes a frame, T frames.
"""

import math
import random
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from kb.reference._alone import run_alone
from kb.reference.arithmetic_coding import Model, cross_entropy_bits, decode, encode, fixed, learning


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


FIGURES = (packed_bytes,)  # what claims may run


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
    """Return what holds of packing, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    codes = made_up(500, 2, 32, seed=0)
    bits = encode(codes, learning(32))
    return [
        ("1, 2, 3 in 2 bits each are the byte 57.", pack([1, 2, 3], 2) == bytes([57])),
        ("10 bits a code come back from bytes.", unpack(pack(codes, 10), 10, 1000) == codes),
        ("1,000 codes of 10 bits are 1,250 bytes.", len(pack(codes, 10)) == 1250),
        ("A model that learns takes fewer bytes than 5 bits a code.", len(pack(bits, 1)) < len(pack(codes, 5))),
        (
            "From those bytes the codes come back.",
            decode(unpack(pack(bits, 1), 1, len(bits)), 1000, learning(32)) == codes,
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Codes as bytes: packed, and by arithmetic coding.", demo, checks)


if __name__ == "__main__":
    main()
