"""Lookup-free quantization: the signs of D numbers are the code, and an entropy term spreads frames over them.

Source: MAGVIT-v2, section 3.1 (arXiv:2310.05737).
Left out: more than two values a dimension (see fsq); several codebooks side by side, which keep the entropy of a
    large codebook affordable.
Oracle: LFQ (vector-quantize-pytorch), values and codes equal, both entropies to 1e-3, for its logarithm stops at 1e-5;
    there the first dimension is the highest bit, in the paper, and here, the lowest.
Ties: 0 counts as negative. Dtype: values are as the latents are; codes are int64.
Notation: B batch, T frames, D dimensions, which are the bits of a code; V = 2 ** D codes, N vectors.
"""

import math
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kb.reference import _autoencoder
from kb.reference._alone import run_alone
from kb.reference._autoencoder import Quantizer
from kb.reference._devices import moved, one_thread
from kb.reference.entropy import entropy_bits, used

MOST_BITS = 62  # of a code in an int64
ENTROPY_BITS = 16  # the entropy of a batch is summed over all codes, for every frame
TEMPERATURE = 0.25  # of the demo
LOSSES = {  # of the demo: what is added to the error, commitment and entropy times their weights
    "error alone": (0.0, 0.0),
    "+ entropy": (0.0, 0.1),
    "+ commitment": (_autoencoder.COMMITMENT, 0.0),
    "+ both": (_autoencoder.COMMITMENT, 0.1),
}
VECTORS = "vectors"  # a codebook that learns, for comparison


def codebook_size(bits: int) -> int:
    """Return how many codes there are: 2 ** bits. Example: 18 -> 262144, the codebook of MAGVIT-v2."""
    if not 1 <= bits <= MOST_BITS:
        raise ValueError(f"want 1 to {MOST_BITS} bits, got {bits}")
    return int(2**bits)


def quantize(latents: Tensor) -> Tensor:
    """Return the signs of latents [B, D, T], -1 or 1, with the gradient of latents themselves."""
    _check(latents)
    signs = torch.where(latents > 0, 1.0, -1.0).to(latents)
    return latents + (signs - latents).detach()


def encode(latents: Tensor) -> Tensor:
    """Return codes [B, T], int64, for latents [B, D, T]: dimension d, where positive, adds 2 ** d.

    Raises: ValueError if latents are not floats [B, D, T] of 1 to 62 dimensions, or not finite.
    Example: latent (0.3, -2, 5) -> 1 + 4 = 5.
    """
    _check(latents)
    return ((latents > 0) * _powers(latents.shape[1], latents)).sum(1)


def decode(codes: Tensor, bits: int) -> Tensor:
    """Return the signs [B, bits, T], -1.0 or 1.0, that codes [B, T] stand for."""
    size = codebook_size(bits)
    if codes.ndim != 2 or codes.is_floating_point():
        raise ValueError(f"want whole codes [B, T] of {bits} bits, got {list(codes.shape)} {codes.dtype}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"want codes in 0..{size - 1}, got {codes.min()}..{codes.max()}")
    return torch.where(codes[:, None] & _powers(bits, codes) > 0, 1.0, -1.0)


def frame_entropy(latents: Tensor, temperature: float) -> Tensor:
    """Return the mean entropy, in nats, of which code a frame of latents [B, D, T] takes.

    A code's probability falls with its squared distance over the temperature. That is a product over dimensions, so
    the entropy is a sum: no code need be looked at, however many there are.
    """
    _check(latents, temperature)
    logits = 4 / temperature * latents  # (x + 1)^2 - (x - 1)^2 = 4 x
    return (F.softplus(logits) - logits * torch.sigmoid(logits)).sum(1).mean()


def batch_entropy(latents: Tensor, temperature: float) -> Tensor:
    """Return the entropy, in nats, of the codes that all frames of latents [B, D, T] take on average."""
    _check(latents, temperature)
    bits = latents.shape[1]
    if bits > ENTROPY_BITS:
        raise ValueError(f"want {ENTROPY_BITS} bits at most to sum over all codes, got {list(latents.shape)}")
    every = decode(torch.arange(2**bits, device=latents.device)[None], bits)[0].to(latents)  # [D, V]
    log_shares = torch.log_softmax(2 / temperature * latents.transpose(1, 2) @ every, dim=-1).flatten(0, 1)  # [N, V]
    log_share = torch.logsumexp(log_shares, dim=0) - math.log(len(log_shares))  # of a share of 0 there is no gradient
    return -(log_share.exp() * log_share).sum()


def entropy_loss(latents: Tensor, temperature: float) -> Tensor:
    """Return what is small when each frame is sure of its code and all codes are taken: the first less the second."""
    return frame_entropy(latents, temperature) - batch_entropy(latents, temperature)


def signs(bits: int, commitment: float, entropy: float) -> Quantizer:
    """Return the signs as the demo's autoencoder takes them, with the weights of commitment and entropy."""

    def passed(latents: Tensor) -> tuple[Tensor, Tensor]:
        quantized = quantize(latents)
        loss = commitment * F.mse_loss(latents, quantized.detach())
        return quantized, loss + entropy * entropy_loss(latents, TEMPERATURE) if entropy else loss

    return Quantizer(passed, encode, lambda codes: decode(codes, bits))


def _powers(bits: int, like: Tensor) -> Tensor:
    return 2 ** torch.arange(bits, device=like.device)[:, None]


def _check(latents: Tensor, temperature: float = 1.0) -> None:
    if latents.ndim != 3 or not 1 <= latents.shape[1] <= MOST_BITS or not latents.is_floating_point():
        raise ValueError(f"want latents [B, D, T], D of 1 to {MOST_BITS}, got {list(latents.shape)} {latents.dtype}")
    if not latents.isfinite().all() or not 0 < temperature < math.inf:
        raise ValueError(f"want finite latents, temperature above 0, got {list(latents.shape)} and {temperature}")


FIGURES = (codebook_size,)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, bits: tuple[int, ...] = (5, 7, 9), steps: int = 150) -> dict[str, Any]:
    """Train an autoencoder on signs with several losses, and one on vectors, and return how many codes each uses.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames, the weights and the training batches.
        bits: bits of a code, several to compare; 16 at most.
        steps: training steps.
    """
    if not bits or not 1 <= min(bits) <= max(bits) <= ENTROPY_BITS or steps < 0:
        raise ValueError(f"bits should be 1 to {ENTROPY_BITS}, steps 0 or more, got {bits} and {steps}")
    training, held_out = (moved(frames, device) for frames in _autoencoder.make(seed))
    dimension, rows = training.shape[1], []
    with one_thread():
        for size, way in product(bits, (*LOSSES, VECTORS)):
            if way == VECTORS:
                quantizer = partial(_autoencoder.vectors, codebook_size(size), dimension, training.device)
            else:
                quantizer = partial(signs, size, *LOSSES[way])
            channels = dimension if way == VECTORS else size
            codes, snr = _autoencoder.fit(training, held_out, channels, quantizer, steps=steps, seed=seed)
            counts = torch.bincount(codes)
            row = {
                "bits": size,
                "losses": way,
                "codes_used": int(used(counts)),
                "used_percent": round(100 * int(used(counts)) / 2**size, 1),
                "entropy_bits": round(float(entropy_bits(counts)), 2),
                "snr_db": round(snr, 2),
            }
            rows.append(row)
    remarks = [
        "Held-out frames. Every pattern of signs is a code, none can die. But the error alone neither spreads frames "
        "over them, as entropy does, nor keeps numbers near the signs that the decoder is shown, as commitment does.",
        "vectors: a codebook of that size, learned as in VQ-VAE.",
    ]
    series = {way: [row["used_percent"] for row in rows if row["losses"] == way] for way in (*LOSSES, VECTORS)}
    plot = {"kind": "line", "x": list(bits), "series": series, "x_label": "bits of a code", "y_label": "codes used, %"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    latent = moved(torch.tensor([[[0.3], [-2.0], [5.0]]]), device)
    every = moved(torch.arange(1024)[None], device)
    latents = moved(torch.randn(2, 5, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    grid = decode(every[:, :32], 5)[0].to(latents)  # [5, 32]
    distances = (latents[..., None] - grid[:, None]).square().sum(1)  # [2, 40, 32]
    share = torch.softmax(-distances / 0.7, dim=-1)
    slow = -torch.special.xlogy(share, share).sum(-1).mean()
    sure, unsure = decode(every, 10).to(latents), 0 * decode(every, 10).to(latents)
    return [
        ("(0.3, -2, 5) is code 5, which stands for (1, -1, 1)", encode(latent).tolist() == [[5]]),
        ("all 1024 codes of 10 bits come back", torch.equal(encode(decode(every, 10)), every)),
        ("the entropy of a frame is a sum over bits", torch.allclose(frame_entropy(latents, 0.7), slow)),
        ("sure frames on all codes have the loss -ln 1024", _near(entropy_loss(sure, 0.1), -math.log(1024))),
        ("frames that are not sure have the loss 0", _near(entropy_loss(unsure, 0.1), 0)),
    ]


def _near(value: Tensor, expected: float) -> bool:
    return abs(float(value) - expected) < 1e-9


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("How many codes are used where the signs of numbers are the code.", demo, checks)


if __name__ == "__main__":
    main()
