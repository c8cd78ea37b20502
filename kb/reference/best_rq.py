"""BEST-RQ: labels for speech from a projection and a codebook that are drawn at random once and never learn.

Long because quantizer, masks and the spectrograms on which normalization matters stand together.
Source: Self-supervised Learning with Random-projection Quantizer for Speech Recognition, section 3 (arXiv:2202.01855).
    A model sees frames with spans masked and predicts the labels there; TTS-LLaMA's semantic tokens (arXiv:2410.20336)
    come from such a model, 4096 of them.
Left out: that model. The repository HarunoriKawano/BEST-RQ (at cd5d70c) does not bring projections and codewords to
    norm 1, as the paper does; `labels` has both.
Oracle: RandomProjectionQuantizer (vector-quantize-pytorch), identical labels; what it normalizes is each frame. A slow
    loop for the labels by distance.
Ties: of codewords with equal scores the lowest index wins. Dtype: floats share one; labels are int64. All that is
    random is drawn on the CPU, from its seed.
Notation: B batch, T frames or steps, D features of a frame, L dimension of the look-up, V codebook size.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference._kinds import kinds
from kb.reference.entropy import entropy_bits

STACK = 4  # frames of 10 ms to a step of 40 ms
LOOKUP, CODEBOOK_SIZE = 16, 8192  # the paper's
MASK_PROBABILITY, MASK_SECONDS, MASK_DEVIATION = 0.01, 0.4, 0.1  # the paper's, and of the noise in place of speech
MEL_BANDS = 80


def normalize(frames: Tensor, each: str = "feature") -> Tensor:
    """Return frames [B, D, T] moved and scaled to mean 0 and deviation 1: each "feature" of them, or each "frame".

    Without it the projections of all frames point one way, and share a few labels.
    """
    if frames.ndim != 3 or not frames.numel() or not frames.is_floating_point() or each not in ("feature", "frame"):
        raise ValueError(f"want floats [B, D, T], each 'feature' or 'frame', got {kinds(frames)} and {each!r}")
    axes = (0, 2) if each == "feature" else (1,)
    centred = frames - frames.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True) + 1e-5).sqrt()


def stack(frames: Tensor, count: int = STACK) -> Tensor:
    """Return steps of `count` frames in a row: [B, D, T] -> [B, count D, ceil(T / count)]; zeros fill the last."""
    if frames.ndim != 3 or not frames.shape[2] or count < 1:
        raise ValueError(f"want frames [B, D, T], count of 1 or more, got {kinds(frames)} and {count}")
    batch, features, length = frames.shape
    filled = F.pad(frames, (0, -length % count)).transpose(1, 2)
    return filled.reshape(batch, -1, count * features).transpose(1, 2)


def draw_quantizer(
    features: int, lookup: int = LOOKUP, codebook_size: int = CODEBOOK_SIZE, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return a projection [D, L], Xavier-uniform, and a codebook [V, L], standard normal. Neither will ever change."""
    if min(features, lookup, codebook_size) < 1:
        raise ValueError(f"want sizes of 1 or more, got {features}, {lookup}, {codebook_size}")
    generator = torch.Generator().manual_seed(seed)
    edge = math.sqrt(6 / (features + lookup))
    projection = edge * (2 * torch.rand(features, lookup, generator=generator) - 1)
    return projection, torch.randn(codebook_size, lookup, generator=generator)


def labels(steps: Tensor, projection: Tensor, codebook: Tensor, normalized: bool = True) -> Tensor:
    """Return for each step the codeword nearest to its projection.

    Args:
        steps: [B, D, T], normalized and stacked.
        projection: [D, L].
        codebook: [V, L].
        normalized: as the paper has it, projection and codewords count with norm 1, so the largest cosine wins;
            otherwise the smallest distance does.
    Returns: labels [B, T], int64 in [0, V).
    Raises: ValueError if shapes or dtypes disagree, or a step is not finite.
    Example: projected to (1, 2), with codewords (1, 0) and (0, 9), a step has label 1, and 0 if not normalized.
    """
    fits = steps.ndim == 3 and projection.shape == (steps.shape[1], codebook.shape[-1]) and codebook.ndim == 2
    if not fits or not steps.dtype == projection.dtype == codebook.dtype:
        got = f"{kinds(steps, projection, codebook)}"
        raise ValueError(f"want steps [B, D, T], projection [D, L], codebook [V, L] of one dtype, got {got}")
    if not steps.isfinite().all():
        raise ValueError(f"want finite steps, got {list(steps.shape)} with some that are not")
    projected = steps.transpose(1, 2) @ projection
    if normalized:
        return (projected @ F.normalize(codebook, dim=-1).T).argmax(-1)  # the projection's own norm scales all alike
    return (projected @ codebook.T - codebook.square().sum(-1) / 2).argmax(-1)


def span_steps(seconds: float = MASK_SECONDS, step_seconds: float = 0.04) -> int:
    """Return the steps of a masked span: 0.4 s in steps of 40 ms -> 10."""
    if not 0 < step_seconds <= seconds < math.inf:
        raise ValueError(f"want 0 < step_seconds <= seconds, got {step_seconds} and {seconds}")
    return round(seconds / step_seconds)


def draw_mask(batch: int, steps: int, probability: float = MASK_PROBABILITY, span: int = 10, seed: int = 0) -> Tensor:
    """Return a mask [B, T], True where a span of steps covers: every step begins one with a probability.

    Of the steps further than a span from the start, 1 - (1 - probability) ** span are covered.
    """
    if min(batch, steps, span) < 1 or not 0 <= probability <= 1:
        raise ValueError(f"want 1 or more, a probability of 0 to 1, got {batch}, {steps}, {span}, {probability}")
    begins = torch.rand(batch, steps, generator=torch.Generator().manual_seed(seed)) < probability
    covered = F.pad(begins, (span - 1, 0)).unfold(1, span, 1)  # [B, T, span]: the steps that would reach this one
    return covered.any(-1)


def apply_mask(steps: Tensor, mask: Tensor, seed: int = 0) -> Tensor:
    """Return steps [B, D, T] with noise of deviation 0.1 where mask [B, T] is True; labels are those from before."""
    if steps.ndim != 3 or mask.shape != (steps.shape[0], steps.shape[2]):
        raise ValueError(f"want steps [B, D, T], mask [B, T], got {kinds(steps, mask)}")
    noise = MASK_DEVIATION * torch.randn(steps.shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(mask[:, None].to(steps.device), noise.to(steps), steps)


def entropy_of(found: Tensor) -> float:
    """Return the entropy of labels, of any shape, in bits. Example: 0, 0, 1, 1 -> 1.0."""
    if not found.numel():
        raise ValueError(f"want labels, got {kinds(found)}")
    return float(entropy_bits(torch.bincount(found.flatten())))


def label_entropy_bits(normalized: bool, codebook_size: int = 4096, steps: int = 16384, seed: int = 0) -> float:
    """Return the entropy of the labels of white noise of 320 features: 12 bits would be even."""
    both = _white_labels(codebook_size, steps, seed)
    return round(entropy_of(both[0] if normalized else both[1]), 2)


def label_agreement_percent(codebook_size: int = 4096, steps: int = 16384, seed: int = 0) -> float:
    """Return how many labels of white noise, of 320 features, are the same normalized and not."""
    cosine, distance = _white_labels(codebook_size, steps, seed)
    return round(100 * float((cosine == distance).double().mean()), 1)


@cache
def _white_labels(codebook_size: int, steps: int, seed: int) -> list[Tensor]:
    if steps < 1:
        raise ValueError(f"want 1 step or more, got {steps}")
    projection, codebook = draw_quantizer(STACK * MEL_BANDS, LOOKUP, codebook_size, seed)
    noise = torch.randn(8, STACK * MEL_BANDS, -(-steps // 8), generator=torch.Generator().manual_seed(seed + 1))
    return [labels(noise, projection, codebook, normalized) for normalized in (True, False)]


FIGURES = (label_agreement_percent, label_entropy_bits, span_steps)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebook_size: int = 4096,
    steps: int = 16384,
    probability: float = MASK_PROBABILITY,
) -> dict[str, Any]:
    """Label made-up spectrograms, normalized in several ways, and return how many labels are used and how evenly.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the spectrograms, the quantizer and the mask.
        codebook_size: labels, V.
        steps: steps of 40 ms to label, rounded up to a multiple of 16.
        probability: that a masked span of 0.4 s begins at a step.
    """
    if steps < 1 or codebook_size < 2:
        raise ValueError(f"steps should be 1 or more, codebook_size 2 or more, got {steps} and {codebook_size}")
    generator, frames = torch.Generator().manual_seed(seed), STACK * -(-steps // 16)
    mask = draw_mask(16, frames // STACK, probability, span_steps(), seed)
    shapes = F.avg_pool1d(torch.randn(1, 8, MEL_BANDS + 10, generator=generator), 11, 1)[0].T  # smooth over bands
    course = F.avg_pool1d(torch.randn(16, 8, frames + 8, generator=generator), 9, 1)  # and over time
    tilt = torch.linspace(-4, -8, MEL_BANDS)[:, None]  # speech has less energy in high bands
    spectrograms = 9 * (shapes @ course) + 0.3 * torch.randn(16, MEL_BANDS, frames, generator=generator) + tilt
    spectrograms = moved(spectrograms, device)
    projection, codebook = (
        moved(one, device) for one in draw_quantizer(STACK * MEL_BANDS, LOOKUP, codebook_size, seed)
    )
    inputs = {f"each {one}": normalize(spectrograms, one) for one in ("feature", "frame")}
    inputs = {"not": spectrograms, **inputs}
    rows = []
    for name, one in inputs.items():
        both = [labels(stack(one), projection, codebook, normalized) for normalized in (True, False)]
        rows += [
            {
                "input_normalized": name,
                "label_by": label_by,
                "labels_used": len(torch.unique(found)),
                "entropy_bits": round(entropy_of(found), 2),
                "same_label_percent": round(100 * float((both[0] == both[1]).double().mean()), 1),
            }
            for label_by, found in zip(("cosine", "distance"), both, strict=True)
        ]
    covered = 100 * float(mask.double().mean())
    expected = 100 * (1 - (1 - probability) ** span_steps())
    remarks = [
        f"Of {codebook_size} labels, {math.log2(codebook_size):g} bits; white noise has "
        f"{label_entropy_bits(True)} bits of 12, and {label_agreement_percent()} % of its labels the same.",
        f"Spans of {span_steps()} steps, 0.4 s, cover {covered:.1f} % of the steps; 1 - (1 - p)^10: {expected:.1f} %.",
    ]
    drawing = "\n".join("".join("#" if one else "." for one in row[:100]) for row in mask[:4].tolist())
    bars = [row["entropy_bits"] for row in rows if row["label_by"] == "cosine"]
    plot = {
        "kind": "bar",
        "x": list(inputs),
        "series": {"cosine": bars},
        "x_label": "input",
        "y_label": "entropy, bits",
    }
    return {"rows": rows, "remarks": remarks, "drawing": drawing, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    same, pair = moved(torch.eye(2), device), moved(torch.tensor([[1.0, 0.0], [0.0, 9.0]]), device)
    step = moved(torch.tensor([[[1.0], [2.0]]]), device)
    cosine, distance = (int(labels(step, same, pair, normalized)) for normalized in (True, False))
    frames = moved(5 + 3 * torch.randn(2, 6, 40, generator=torch.Generator().manual_seed(0)), device)
    projection, codebook = (moved(one, device) for one in draw_quantizer(24, 4, 64))
    small, large = ([labels(stack(n * frames), projection, codebook, by) for by in (True, False)] for n in (1, 7))
    featured = normalize(frames)
    mask = draw_mask(100, 1000)
    return [
        ("(1, 2) is nearest to (0, 9) by cosine and to (1, 0) by distance", (cosine, distance) == (1, 0)),
        ("labels by cosine stay when the input is made 7 times as large", torch.equal(small[0], large[0])),
        ("labels by distance do not", not torch.equal(small[1], large[1])),
        ("each feature has mean 0 after normalizing", bool((featured.mean((0, 2)).abs() < 1e-6).all())),
        ("0.4 s are 10 steps of 40 ms", span_steps(0.4, 0.04) == 10),
        ("spans of 10 cover about 1 - 0.99^10 = 9.6 % of the steps", abs(float(mask.double().mean()) - 0.0956) < 0.005),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Random labels of made-up spectrograms.", demo, checks)


if __name__ == "__main__":
    main()
