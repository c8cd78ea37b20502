"""Finite scalar quantization: bound every dimension, round it, and the grid of all values is the codebook.

Source: Finite Scalar Quantization: VQ-VAE Made Simple, section 3 and appendix A (arXiv:2309.15505). The listing there
    has tan where atanh is meant; for the levels it recommends that moves nothing by a thousandth of a step (`checks`).
Left out: two levels in a dimension (see lfq); the symmetric variant of arXiv:2411.19842, with its noise.
Oracle: FSQ (vector-quantize-pytorch 1.32), values to 1e-6 and codes equal with epsilon -EPSILON: it widens the bound
    where the paper narrows it. Otherwise about one code in a hundred is a neighbour of the other's.
Ties: halves round to even, as torch has it. Dtype: values are as the latents are; codes are int64.
Notation: B batch, T frames, D dimensions, one entry of levels for each; V codebook size, the product of levels.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from kb.reference import _autoencoder
from kb.reference._alone import run_alone
from kb.reference._autoencoder import Quantizer
from kb.reference._devices import moved, one_thread

EPSILON = 1e-3  # keeps the bound off the halves, where rounding would make one level too many
LEVELS = {  # codebook size -> levels; but for the first, table 1 of the paper, for 2**8, 2**10, .. codes
    64: (8, 8),
    240: (8, 6, 5),
    1000: (8, 5, 5, 5),
    4375: (7, 5, 5, 5, 5),
    15360: (8, 8, 8, 6, 5),
    64000: (8, 8, 8, 5, 5, 5),
}


def codebook_size(levels: list[int]) -> int:
    """Return how many codes there are: the product of levels. Example: 8, 5, 5, 5 -> 1000."""
    return math.prod(_checked(levels))


def bound(latents: Tensor, levels: Sequence[int], epsilon: float = EPSILON) -> Tensor:
    """Return latents [B, D, T] squeezed to where they round to L values: -2..2 for 5 levels, -4..3 for 8.

    An even number of levels has no middle: one more of them lies below zero than above, and 0 stays 0.
    """
    if latents.ndim != 3 or latents.shape[1] != len(levels) or not latents.is_floating_point():
        got = f"{list(latents.shape)} {latents.dtype} and {list(levels)}"
        raise ValueError(f"want latents [B, D, T] and D levels, got {got}")
    if not latents.isfinite().all():
        raise ValueError(f"want finite latents, got {list(latents.shape)} with some that are not")
    count = latents.new_tensor(_checked(levels))[:, None]  # [D, 1]
    half = (count - 1) * (1 - epsilon) / 2
    offset = torch.where(count % 2 == 0, 0.5, 0.0).to(latents)
    return torch.tanh(latents + torch.atanh(offset / half)) * half - offset


def quantize(latents: Tensor, levels: Sequence[int], epsilon: float = EPSILON) -> Tensor:
    """Return the nearest point of the grid [B, D, T], within -1..1, with the gradient of the bounded latents."""
    bounded = bound(latents, levels, epsilon)
    rounded = bounded + (bounded.round() - bounded).detach()
    return rounded / latents.new_tensor([count // 2 for count in levels])[:, None]


def encode(latents: Tensor, levels: Sequence[int], epsilon: float = EPSILON) -> Tensor:
    """Return codes for latents: the place on the grid as one number, the first dimension counting fastest.

    Args:
        latents: [B, D, T], any finite numbers.
        levels: D numbers of levels, 3 or more each.
        epsilon: by which share the bound is narrower than the grid.
    Returns: codes [B, T], int64 in [0, V).
    Raises: ValueError if latents and levels disagree on D, or there are fewer than 3 levels.
    Example: levels 3, 5, latent (-9, 9) -> places 0 and 4 -> 0 + 3 x 4 = 12.
    """
    places = (
        bound(latents, levels, epsilon).round().long() + latents.new_tensor(levels, dtype=torch.int64)[:, None] // 2
    )
    return (places * _strides(levels, latents)).sum(1)


def decode(codes: Tensor, levels: Sequence[int]) -> Tensor:
    """Return the points of the grid [B, D, T], within -1..1, of torch's default dtype, for codes [B, T]."""
    size = codebook_size(list(levels))
    if codes.ndim != 2 or codes.is_floating_point():
        raise ValueError(f"want whole codes [B, T], got {list(codes.shape)} {codes.dtype} for levels {list(levels)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"want codes in 0..{size - 1}, got {codes.min()}..{codes.max()}")
    count = torch.tensor(levels, device=codes.device)[:, None]
    half = count // 2
    return (codes[:, None] // _strides(levels, codes) % count - half) / half


def _strides(levels: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor([math.prod(levels[:d]) for d in range(len(levels))], device=like.device)[:, None]


def _checked(levels: Sequence[int]) -> list[int]:
    if not levels or min(levels) < 3:
        raise ValueError(f"want 3 levels or more in every dimension, got {list(levels)}")
    return list(levels)


def grid(levels: Sequence[int]) -> Quantizer:
    """Return the grid as the demo's autoencoder takes it: no loss of its own, for there is nothing to learn."""
    return Quantizer(
        passed=lambda latents: (quantize(latents, levels), latents.new_zeros(())),
        encode=lambda latents: encode(latents, levels),
        decode=lambda codes: decode(codes, levels),
    )


FIGURES = (codebook_size,)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, sizes: tuple[int, ...] = (64, 240, 1000, 4375), steps: int = 200
) -> dict[str, Any]:
    """Train an autoencoder with a grid and with a codebook of vectors, and return how much of each is used.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames, the weights and the training batches.
        sizes: codebook sizes, out of 64, 240, 1000, 4375, 15360, 64000.
        steps: training steps.
    """
    if not sizes or set(sizes) - set(LEVELS) or steps < 0:
        raise ValueError(
            f"sizes should be some of {', '.join(map(str, LEVELS))}, steps 0 or more, got {sizes}, {steps}"
        )
    training, held_out = (moved(frames, device) for frames in _autoencoder.make(seed))
    rows, series = [], {"grid": [0.0] * len(sizes), "vectors": [0.0] * len(sizes)}
    with one_thread():
        for index, size in enumerate(sizes):
            dimension = training.shape[1]
            ways = {
                "grid": (len(LEVELS[size]), partial(grid, LEVELS[size])),
                "vectors": (dimension, partial(_autoencoder.vectors, size, dimension, training.device)),
            }
            for name, (channels, quantizer) in ways.items():
                codes, snr = _autoencoder.fit(training, held_out, channels, quantizer, steps=steps, seed=seed)
                used = len(torch.unique(codes))
                series[name][index] = round(100 * used / size, 1)
                row = {
                    "codebook": name,
                    "codebook_size": size,
                    "levels": "x".join(map(str, LEVELS[size])) if name == "grid" else "",
                    "codewords_used": used,
                    "used_percent": series[name][index],
                    "snr_db": round(snr, 2),
                }
                rows.append(row)
    remarks = [
        "Held-out frames. No point of a grid can drift away from the frames, as a codeword nobody uses does; whether "
        "all are used is up to the encoder.",
        "With few codes vectors do as well as a grid, with many they do not, for most of them are never chosen.",
    ]
    plot = {"kind": "line", "x": list(sizes), "series": series, "x_label": "codebook size", "y_label": "codes used, %"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    levels = (8, 6, 5)
    every = moved(torch.arange(240)[None], device)
    latent = moved(torch.tensor([[[-9.0], [9.0]]]), device)
    steps = torch.linspace(-9, 9, 10_001, dtype=torch.float64).to(every.device).expand(1, 3, -1)
    values = quantize(steps, levels)
    centred = all(
        abs(math.tanh(math.tan(0.5 / half)) * half - 0.5) < 1e-3
        for half in ((count - 1) * (1 - EPSILON) / 2 for count in (4, 6, 8))
    )
    return [
        ("(-9, 9) on 3 by 5 levels is place 0 and 4, code 12", encode(latent, (3, 5)).tolist() == [[12]]),
        ("all 240 codes of 8 x 6 x 5 come back", torch.equal(encode(_latents(every, levels), levels), every)),
        ("every dimension has its 8, 6, 5 values", [len(torch.unique(one)) for one in values[0]] == [8, 6, 5]),
        ("0 stays 0 for even and for odd levels", not quantize(steps[..., 5000:5001], levels).any()),
        ("the listing's tan instead of atanh moves 0 by less than 0.001 for 4, 6, 8 levels", centred),
    ]


def _latents(codes: Tensor, levels: Sequence[int]) -> Tensor:
    """Return latents that encode to codes, as `bound` turned round."""
    count = torch.tensor(levels, device=codes.device, dtype=torch.float64)[:, None]
    half, offset = (count - 1) * (1 - EPSILON) / 2, (count % 2 == 0) / 2
    bounded = decode(codes, levels) * (count // 2) + offset
    return torch.atanh((bounded / half).clamp(-0.999, 0.999)) - torch.atanh(offset / half)


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("How much of a grid and of a codebook of vectors is used.", demo, checks)


if __name__ == "__main__":
    main()
