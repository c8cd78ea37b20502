"""Entropy of a code stream: how many of its n_q x log2 K bits are information, level by level.

Long because entropy alone, given the frame before, and that of shuffled codes stand side by side.
Source: Shannon, "A mathematical theory of communication" (1948), sections 6 and 7; DAC calls the sum of the entropies,
    divided by n_q x log2 K, bitrate efficiency (arXiv:2306.06546).
Left out: models that look further back than one frame, and corrections for small samples. What a small sample does is
    shown instead: codes shuffled in time cannot be foretold from the frame before, whatever the estimate says.
Oracle: scipy.stats.entropy, and mutual_info_score of scikit-learn: equal to 1e-9 bits.
Ties: there are none. Dtype: codes are of any integer type, entropies float64.
Notation: B batch, K levels (codebooks), T frames, V codebook size; entropies in bits a code.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

STREAMS = 64  # of the demo, side by side
SMOOTHNESS = 0.95  # how much of a frame's value is in the next


def count(codes: Tensor, codebook_size: int) -> Tensor:
    """Return how often each level uses each codeword: codes [B, K, T] -> [K, V], int64.

    Raises: ValueError if there are no codes, or they are not whole numbers in 0..V-1.
    Example: codes [[[0, 0, 2]]] of a codebook of 4 -> [[2, 0, 1, 0]].
    """
    _check(codes, codebook_size)
    return torch.stack([torch.bincount(level.flatten(), minlength=codebook_size) for level in codes.unbind(1)])


def entropy_bits(counts: Tensor) -> Tensor:
    """Return the entropy of the distributions that counts [.., V] give: [..], float64. Example: 2, 1, 1 -> 1.5."""
    if not counts.ndim or not counts.numel() or counts.min() < 0 or not counts.sum(-1).all():
        raise ValueError(f"want counts [.., V] of 0 or more, in each row not all 0, got {list(counts.shape)}")
    share = counts.double() / counts.sum(-1, keepdim=True)
    bits: Tensor = torch.special.entr(share).sum(-1) / math.log(2)
    return bits


def perplexity(counts: Tensor) -> Tensor:
    """Return 2 to the entropy: how many equally likely codewords were as surprising. Example: 5, 5, 0 -> 2."""
    return torch.exp2(entropy_bits(counts))


def used(counts: Tensor) -> Tensor:
    """Return how many codewords occur at all: [.., V] -> [..]."""
    return (counts > 0).sum(-1)


def conditional_entropy_bits(codes: Tensor, known: Tensor) -> Tensor:
    """Return, level by level, the entropy of codes that is left when `known` is known: H(codes, known) - H(known).

    Args:
        codes: [B, K, T].
        known: [B, K, T], a number for each code.
    Returns: [K], float64. From few codes it comes out too low: pairs that were seen once look certain.
    Example: codes 0 1 0 1 0, given the code before: 0, of the entropy of 1.
    """
    for numbers in (codes, known):
        _check(numbers)
    if codes.shape != known.shape:
        raise ValueError(f"want both [B, K, T], got {list(codes.shape)} and {list(known.shape)}")
    pairs = codes.long() + (int(codes.max()) + 1) * known.long()
    left = []
    for pair, alone in zip(pairs.unbind(1), known.unbind(1), strict=True):
        joint, marginal = (torch.unique(numbers, return_counts=True)[1] for numbers in (pair, alone))
        left.append(entropy_bits(joint) - entropy_bits(marginal))
    return torch.stack(left).clamp(min=0)  # less than 0 by rounding only


def given_before_bits(codes: Tensor) -> Tensor:
    """Return the entropy of a level's codes [B, K, T] given its code of the frame before: [K], float64."""
    _check(codes)
    if codes.shape[2] < 2:
        raise ValueError(f"want codes [B, K, T] of 2 frames or more, got {list(codes.shape)}")
    return conditional_entropy_bits(codes[..., 1:], codes[..., :-1])


def shuffled(codes: Tensor, seed: int) -> Tensor:
    """Return codes [B, K, T] with the frames of every level in an order drawn by lot: what was before tells nothing."""
    levels = codes.transpose(0, 1).flatten(1)  # [K, B T]
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(levels.shape[1], generator=generator).to(codes.device) for _ in levels]
    mixed = torch.stack([level[order] for level, order in zip(levels, orders, strict=True)])
    return mixed.view(codes.shape[1], codes.shape[0], codes.shape[2]).transpose(0, 1)


class Usage(NamedTuple):
    """What counts of one codebook say."""

    entropy_bits: float
    perplexity: float
    used: int
    efficiency_percent: float  # entropy of log2 V


def usage(counts: list[int]) -> Usage:
    """Return what counts of V >= 2 codewords say. Example: 2, 1, 1, 0 -> 1.5 bits, perplexity 2.83, 3 used, 75 %."""
    if len(counts) < 2:
        raise ValueError(f"want counts of 2 codewords or more, got {counts}")
    tensor = torch.tensor(counts)
    bits = float(entropy_bits(tensor))
    return Usage(bits, float(perplexity(tensor)), int(used(tensor)), 100 * bits / math.log2(len(counts)))


def _check(codes: Tensor, codebook_size: int | None = None) -> None:
    if codes.ndim != 3 or not codes.numel() or codes.is_floating_point() or codes.is_complex():
        raise ValueError(f"want codes [B, K, T], whole numbers and at least one, got {list(codes.shape)} {codes.dtype}")
    low, high = int(codes.min()), int(codes.max())
    if low < 0 or (codebook_size is not None and high >= codebook_size):
        wanted = "0 or more" if codebook_size is None else f"0..{codebook_size - 1}"
        raise ValueError(f"want codes in {wanted}, got {low}..{high}")


def made_up(batch: int, frames: int, levels: int, codebook_size: int, seed: int) -> Tensor:
    """Return codes [B, K, T] of one number a frame that changes slowly, in ever finer steps.

    Level 0 cuts -4..4, four standard deviations, into V steps, and each further level a step into V smaller ones.
    """
    noise = torch.randn(batch, frames, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    value = noise.clone()
    for t in range(1, frames):
        value[:, t] = SMOOTHNESS * value[:, t - 1] + math.sqrt(1 - SMOOTHNESS**2) * noise[:, t]
    rest, codes = ((value + 4) / 8).clamp(0, 1 - 2**-50), []
    for _ in range(levels):
        codes.append((rest * codebook_size).long())
        rest = rest * codebook_size - codes[-1]
    return torch.stack(codes, dim=1)


FIGURES = (usage,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    frames: int = 1024,
    levels: int = 4,
    codebook_size: int = 32,
    frame_rate_hz: float = 75.0,
) -> dict[str, Any]:
    """Measure made-up codes, 64 streams of them, and return the entropy of each level beside log2 of its codebook.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the codes, and the order of the shuffled ones.
        frames: T of each stream; with few the entropies given the frame before are too low.
        levels: codes a frame, K.
        codebook_size: V.
        frame_rate_hz: frames a second; it sets the bit rates and nothing else.
    """
    if frames < 2 or levels < 1 or codebook_size < 2 or not 0 < frame_rate_hz < math.inf:
        got = f"{frames}, {levels}, {codebook_size}, {frame_rate_hz}"
        raise ValueError(f"want frames, codebook_size >= 2, levels >= 1 and a positive frame_rate_hz, got {got}")
    codes = moved(made_up(STREAMS, frames, levels, codebook_size, seed), device)
    counts = count(codes, codebook_size)
    columns = {
        "log2_v": torch.full_like(entropy_bits(counts), math.log2(codebook_size)),
        "entropy_bits": entropy_bits(counts),
        "given_before_bits": given_before_bits(codes),
        "shuffled_bits": given_before_bits(shuffled(codes, seed)),
    }
    rows: list[dict[str, Any]] = [
        {
            "level": str(k),
            **{name: round(float(bits[k]), 3) for name, bits in columns.items()},
            "perplexity": round(float(perplexity(counts)[k]), 2),
            "codewords_used": int(used(counts)[k]),
        }
        for k in range(levels)
    ]
    totals = {name: float(bits.sum()) for name, bits in columns.items()}
    sums = {name: round(bits, 3) for name, bits in totals.items()}
    rows.append({"level": "all", **sums, "perplexity": None, "codewords_used": int(used(counts).sum())})
    kbps = {name: bits * frame_rate_hz / 1000 for name, bits in totals.items()}
    missing = totals["entropy_bits"] - totals["shuffled_bits"]
    remarks = [
        f"n_q x log2 K is {kbps['log2_v']:.3f} kbps, the entropy {kbps['entropy_bits']:.3f}, given the frame before "
        f"{kbps['given_before_bits']:.3f}.",
        f"shuffled_bits should equal entropy_bits; the {missing:.3f} bits missing are too few codes, not information.",
        "The codes are made up: one number a frame that changes slowly, so that only level 0 can be foretold.",
    ]
    series = {name: [row[name] for row in rows[:-1]] for name in columns}
    plot = {"kind": "bar", "x": [row["level"] for row in rows[:-1]], "series": series}
    return {"rows": rows, "remarks": remarks, "plot": plot | {"x_label": "level", "y_label": "bits a code"}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of entropies, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    codes = moved(made_up(8, 2048, 2, 16, seed=0), device)
    counts, even = count(codes, 16), torch.ones(1024, device=codes.device)
    plain, before = entropy_bits(counts), given_before_bits(codes)
    mixed, constant = shuffled(codes, seed=0), torch.zeros_like(codes)
    turns = torch.tensor([[[0, 1] * 50]], device=codes.device)
    return [
        ("Counts 2, 1, 1, 0 are 1.5 bits, and 3 codewords used.", usage([2, 1, 1, 0])[::2] == (1.5, 3)),
        ("1,024 codewords, all as likely, are 10 bits.", abs(float(entropy_bits(even)) - 10) < 1e-9),
        ("No entropy is larger than log2 V.", bool((plain <= 4).all())),
        ("Codes in turn have 1 bit, and none given the one before.", float(given_before_bits(turns)) == 0),
        ("Known codes have no entropy left.", not conditional_entropy_bits(codes, codes).any()),
        ("What is always the same tells nothing.", torch.allclose(conditional_entropy_bits(codes, constant), plain)),
        ("The frame before never adds entropy.", bool((before <= plain + 1e-3).all())),
        ("Shuffled codes are the same codes.", torch.equal(count(mixed, 16), counts)),
        ("Shuffled, the frame before tells nothing.", torch.allclose(given_before_bits(mixed), plain, atol=0.02)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The entropy of made-up codes, level by level.", demo, checks)


if __name__ == "__main__":
    main()
