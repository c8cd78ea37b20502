"""The straight-through gradient of residual quantization, and two published ways to lose or multiply it.

Long because the right way stands beside two published wrong ones.
Source: straight-through estimator and commitment loss: VQ-VAE, section 3.2 (arXiv:1711.00937), here at each level of
    residual quantization, EnCodec, section 3.4 (arXiv:2210.13438). The loss of gradients: facebookresearch/encodec,
    issue 25, in encodec 0.1.1 on PyPI, mended in audiocraft and moshi; descript-audio-codec, issue 107, where
    projections between the levels let some through. The multiplied one: vector-quantize-pytorch 1.32.0.
Left out: the encoder (gradients are taken where it ends, at the latents) and how codebooks learn.
Oracle: ResidualVQ (vector-quantize-pytorch), `multiplied` and, with quant_grad_frac=1, `lost`, to 1e-5; finite
    differences for `once`, to 1e-6 in float64.
Ties: of codewords equally near the lowest index wins. Dtype: latents and codebooks share one, float32 or float64.
Notation: B batch, K codebooks (levels), T frames, D dimension, V codebook size.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference._kinds import kinds


class Quantized(NamedTuple):
    """What quantizing yields while a codec trains. All ways below agree in the values, not in the gradients."""

    output: Tensor  # [B, D, T], the sum of one codeword from each level, for the decoder
    commitment: Tensor  # [K], at each level the mean squared distance from residual to codeword


def once(latents: Tensor, codebooks: Tensor) -> Quantized:
    """Return latents [B, D, T] quantized by codebooks [K, V, D], straight through once, around all the levels.

    A codeword is a constant: subtracting it leaves a residual the gradient of the latents, so the commitment of
    every level reaches the encoder. Around the levels output = latents in the backward pass: the gradient is 1.
    """
    residual, total, commitment = latents, torch.zeros_like(latents), []
    for codebook in codebooks:
        word = nearest_word(residual, codebook)
        commitment.append((residual - word).square().mean())
        total = total + word
        residual = residual - word
    return Quantized(straight_through(latents, total), torch.stack(commitment))


def lost(latents: Tensor, codebooks: Tensor) -> Quantized:
    """Return the same values as encodec 0.1.1 computes them: a residual minus what went straight through.

    What went straight through has the gradient of the residual, 1, and 1 - 1 = 0: no commitment after the first level
    reaches the encoder. Nor do the outputs of these levels, which makes the sum of all right again: 1 + 0 + 0 + ..
    """
    residual, total, commitment = latents, torch.zeros_like(latents), []
    for codebook in codebooks:
        word = nearest_word(residual, codebook)
        commitment.append((residual - word).square().mean())
        through = straight_through(residual, word)
        total = total + through
        residual = residual - through  # here the gradients go
    return Quantized(total, torch.stack(commitment))


def multiplied(latents: Tensor, codebooks: Tensor) -> Quantized:
    """Return the same values as vector-quantize-pytorch 1.32.0 computes them with rotation_trick=False.

    Mended by half: the residual subtracts a constant, so commitments arrive; but each level still goes straight
    through by itself, and the gradient of the output is 1 + 1 + .. = K.
    """
    residual, total, commitment = latents, torch.zeros_like(latents), []
    for codebook in codebooks:
        word = nearest_word(residual, codebook)
        commitment.append((residual - word).square().mean())
        total = total + straight_through(residual, word)  # counted once a level
        residual = residual - word
    return Quantized(total, torch.stack(commitment))


WAYS: dict[str, Callable[[Tensor, Tensor], Quantized]] = {"once": once, "lost": lost, "multiplied": multiplied}


def straight_through(x: Tensor, value: Tensor) -> Tensor:
    """Return value with the gradient of x. Example: x 5, value 4 -> 4, whose gradient with respect to x is 1."""
    return x + (value - x).detach()


def nearest_word(residual: Tensor, codebook: Tensor) -> Tensor:
    """Return the codewords nearest to the residual, without gradient: [B, D, T], codebook [V, D] -> [B, D, T]."""
    scores = codebook.square().sum(1) / 2 - residual.detach().transpose(1, 2) @ codebook.T
    return codebook[scores.argmin(-1)].transpose(1, 2).detach()


def commitment_gradients(way: str, latents: Tensor, codebooks: Tensor) -> list[float]:
    """Return for each level the norm of the gradient that its commitment sends to the latents.

    Args:
        way: "once", "lost" or "multiplied".
        latents: [B, D, T] float.
        codebooks: [K, V, D] of the same dtype.
    Raises: ValueError for another way, shapes or dtypes that disagree, or a latent that is not finite.
    Example: latent 5, codebooks {0, 4, 8} and {-1, 0.5}: residuals 1 and 0.5, gradients 2 and 1; lost: 2 and 0.
    """
    leaf, quantized = _quantized(way, latents, codebooks)
    return [float(torch.autograd.grad(one, leaf, retain_graph=True)[0].norm()) for one in quantized.commitment]


def output_gradient(way: str, latents: Tensor, codebooks: Tensor) -> float:
    """Return how often the decoder's gradient reaches the latents: 1 is right. Arguments as above."""
    leaf, quantized = _quantized(way, latents, codebooks)
    return float(torch.autograd.grad(quantized.output.sum(), leaf)[0].mean())


def _quantized(way: str, latents: Tensor, codebooks: Tensor) -> tuple[Tensor, Quantized]:
    if way not in WAYS:
        raise ValueError(f"want a way of {', '.join(WAYS)}, got {way!r}")
    fits = latents.ndim == codebooks.ndim == 3 and latents.shape[1] == codebooks.shape[2]
    alike = latents.dtype == codebooks.dtype and latents.is_floating_point()
    if not fits or not alike or not latents.numel() or not codebooks.numel() or not latents.isfinite().all():
        got = kinds(latents, codebooks)
        raise ValueError(f"want some finite latents [B, D, T] and codebooks [K, V, D], floats, got {got}")
    leaf = latents.detach().clone().requires_grad_()
    return leaf, WAYS[way](leaf, codebooks.detach())


def levels_reached(way: str, levels: int) -> int:
    """Return at how many levels the commitment still reaches the encoder: ("lost", 8) -> 1, ("once", 8) -> 8."""
    return sum(gradient > 0 for gradient in commitment_gradients(way, *_example(levels)))


def output_gradient_of(way: str, levels: int) -> float:
    """Return how often the decoder's gradient reaches the encoder: ("multiplied", 8) -> 8, the others 1."""
    return output_gradient(way, *_example(levels))


FIGURES = (levels_reached, output_gradient_of)  # what claims may run


def _example(
    levels: int, codebook_size: int = 64, dimension: int = 8, frames: int = 200, seed: int = 0
) -> tuple[Tensor, Tensor]:
    sizes = {"levels": levels, "codebook_size": codebook_size, "dimension": dimension, "frames": frames}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(1, dimension, frames, generator=generator)
    codebooks = torch.randn(levels, codebook_size, dimension, generator=generator)
    return latents, codebooks * 0.7 ** torch.arange(levels)[:, None, None]  # residuals shrink about so


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    levels: int = 8,
    codebook_size: int = 64,
    dimension: int = 8,
    frames: int = 200,
) -> dict[str, Any]:
    """Return the gradient that each level's commitment sends to the encoder, the ways side by side.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws latents and codebooks.
        levels: codebooks, K.
        codebook_size: codewords in each, V.
        dimension: values per frame, D.
        frames: frames to quantize, T.
    """
    latents, codebooks = (moved(one, device) for one in _example(levels, codebook_size, dimension, frames, seed))
    norms = {way: commitment_gradients(way, latents, codebooks) for way in WAYS}
    rows: list[dict[str, Any]] = [
        {"gradient_of": f"level {k + 1}", **{way: round(norms[way][k], 6) for way in WAYS}} for k in range(levels)
    ]
    times = {way: round(output_gradient(way, latents, codebooks), 4) for way in WAYS}
    rows.append({"gradient_of": "output", **times})
    remarks = [
        "level: of its commitment, a norm; output: how often the decoder's gradient arrives.",
        "once: right. What is subtracted is a constant; straight through once, around all levels.",
        "lost: encodec 0.1.1 (PyPI), its issue 25. What is subtracted carries the gradient, so none is left.",
        "multiplied: vector-quantize-pytorch 1.32.0, rotation_trick=False. Each level sends the decoder's gradient.",
        "All three give the same codes and the same losses: nothing but the gradients tells them apart.",
        "What the loss costs a trained codec is open: users report no change, and even a gain.",
    ]
    series = {way: norms[way] for way in ("once", "lost")}
    x = list(range(1, levels + 1))
    plot = {"kind": "bar", "x": x, "series": series, "x_label": "level", "y_label": "gradient of the commitment"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    by_hand = [moved(torch.tensor(one), device) for one in ([[[5.0]]], [[[0.0], [4.0], [8.0]], [[-1.0], [0.5], [9.0]]])]
    example = [moved(one, device) for one in _example(4)]
    right, *values = [way(*example) for way in WAYS.values()]
    norms = {way: commitment_gradients(way, *example) for way in WAYS}
    return [
        ("Residuals of 1 and 0.5 send gradients of 2 and 1.", commitment_gradients("once", *by_hand) == [2.0, 1.0]),
        ("Lost, the second sends none.", commitment_gradients("lost", *by_hand) == [2.0, 0.0]),
        ("All ways give one output.", all(torch.allclose(one.output, right.output, atol=1e-5) for one in values)),
        ("They give the same commitments.", all(torch.allclose(one.commitment, right.commitment) for one in values)),
        ("Once, every level reaches the encoder.", min(norms["once"]) > 0),
        ("Lost, as in encodec 0.1.1, only the first does.", norms["lost"] == [norms["once"][0], 0.0, 0.0, 0.0]),
        ("Once, the output's gradient arrives once.", output_gradient("once", *example) == 1),
        ("Lost, that one is right too.", output_gradient("lost", *example) == 1),
        ("Multiplied, it arrives once for each level.", output_gradient("multiplied", *example) == 4),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The gradients of residual quantization, level by level.", demo, checks)


if __name__ == "__main__":
    main()
