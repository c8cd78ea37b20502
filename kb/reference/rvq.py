"""Residual vector quantization: each codebook quantizes what the codebooks before it left over.

Source: SoundStream, Algorithm 1, section III-C (arXiv:2107.03312); EnCodec, section 3.2 (arXiv:2210.13438).
Left out: the networks around the quantizer, and with them straight-through gradient, commitment loss and
    quantizer dropout. No encoder moves while the codebooks learn, so `fit` trains one level after the other.
Oracle: EncodecResidualVectorQuantizer (transformers), ResidualVQ (vector-quantize-pytorch): identical codes.
Ties: of codewords with equal scores the lowest index wins. How near ties fall depends on a device's rounding.
Dtype: latents and codebooks share one, float32 or float64; codes are int64.
Notation: B batch, K codebooks (levels), T frames, D dimension, V codebook size, N vectors.
"""

import argparse
import math
from typing import Any

import torch
from torch import Tensor

KMEANS_ITERATIONS = 10  # on a level's first batch, before the moving averages take over
DECAY = 0.9  # of the moving averages, per batch; EnCodec has 0.99, for a training that is much longer
BATCH_PER_CODEWORD = 16  # a batch holds 16 V vectors, so its size follows the codebook
LAPLACE = 1e-5  # added to every count, as EnCodec does: no division by zero for a codeword without vectors
DEAD_SHARE = 0.1  # a codeword used less than this share of the average is dead (SoundStream: under 2 a batch)


def nearest_codeword(x: Tensor, codebook: Tensor) -> Tensor:
    """Return for each vector the index of its nearest codeword: x [.., D], codebook [V, D] -> [..], int64."""
    fits = codebook.ndim == 2 and len(codebook) and x.shape[-1:] == codebook.shape[1:]
    if not fits or x.dtype != codebook.dtype:
        raise ValueError(f"want [.., D] and [V, D] of one dtype, got {_kinds(x, codebook)}")
    # |x - c|^2 / 2 = |x|^2 / 2 - x.c + |c|^2 / 2. The first term is the same for every c: it cannot change
    # which c is nearest, it only costs time and digits. What remains is one matrix product.
    half_norms = codebook.square().sum(1) / 2
    # The scores of all vectors would travel to memory and back; 2 MB of them stay in a CPU core's cache.
    # A GPU wants few large products instead.
    rows = max(1, (2**19 if x.device.type == "cpu" else 2**26) // len(codebook))
    chunks = torch.split(x.reshape(-1, x.shape[-1]), rows)
    nearest = [torch.addmm(half_norms, chunk, codebook.T, alpha=-1).argmin(1) for chunk in chunks]
    return torch.cat(nearest).view(x.shape[:-1])


def encode(latents: Tensor, codebooks: Tensor, n_q: int | None = None) -> Tensor:
    """Return codes for latents: level k quantizes what levels 0..k-1 left over.

    Args:
        latents: [B, D, T], one vector per frame.
        codebooks: [K, V, D]; row v of level k is codeword v.
        n_q: levels to use, the first n_q of K; None means all, 0 gives codes [B, 0, T].
    Returns: codes [B, n_q, T], int64 in [0, V).
    Raises: ValueError if shapes or dtypes disagree, n_q is not in 0..K, or a latent is not finite.
    Example: codebooks {0, 4, 8} and {-1, 0, 1}, latent 5 -> codes 1, 2 -> decodes to 4 + 1.
    """
    if latents.ndim != 3 or codebooks.ndim != 3 or latents.shape[1] != codebooks.shape[2]:
        raise ValueError(f"want latents [B, D, T], codebooks [K, V, D], got {_kinds(latents, codebooks)}")
    n_q = len(codebooks) if n_q is None else n_q
    if not 0 <= n_q <= len(codebooks) or not latents.isfinite().all():
        raise ValueError(f"want finite latents and n_q in 0..{len(codebooks)} codebooks; n_q is {n_q}")
    codes = torch.empty((len(latents), n_q, latents.shape[2]), dtype=torch.int64, device=latents.device)
    residual = latents.transpose(1, 2).contiguous()  # [B, T, D]
    for k in range(n_q):
        codes[:, k] = nearest_codeword(residual, codebooks[k])
        residual = residual - codebooks[k][codes[:, k]]
    return codes


def decode(codes: Tensor, codebooks: Tensor) -> Tensor:
    """Return latents [B, D, T] for codes [B, n_q, T]: the sum of one codeword from each level."""
    if codes.ndim != 3 or codebooks.ndim != 3 or codes.shape[1] > len(codebooks):
        raise ValueError(f"want codes [B, n_q, T], codebooks [K, V, D], got {_kinds(codes, codebooks)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < codebooks.shape[1]:
        raise ValueError(f"want codes in 0..{codebooks.shape[1] - 1}, got {codes.min()}..{codes.max()}")
    latents = codebooks.new_zeros(codes.shape[0], codes.shape[2], codebooks.shape[2])
    for k in range(codes.shape[1]):
        latents = latents + codebooks[k][codes[:, k]]
    return latents.transpose(1, 2)


def fit(latents: Tensor, n_q: int, codebook_size: int, *, iterations: int = 50, seed: int = 0) -> Tensor:
    """Return codebooks [n_q, V, D] trained on latents [B, D, T], each on what the ones before it left over.

    A level starts as k-means of one batch, then follows moving averages of fresh batches, and stops after
    `iterations` of those. seed draws the batches, on the CPU, so that they are the same on every device.
    """
    residual = latents.transpose(1, 2).reshape(-1, latents.shape[1])  # [N, D]
    if not 1 <= codebook_size <= len(residual) or not residual.isfinite().all():
        raise ValueError(f"{codebook_size} codewords want as many finite latents, got {_kinds(latents)}")
    generator = torch.Generator().manual_seed(seed)
    codebooks = residual.new_empty(n_q, codebook_size, latents.shape[1])
    size = min(BATCH_PER_CODEWORD * codebook_size, len(residual))
    for k in range(n_q):
        start = torch.randperm(len(residual), generator=generator)[:codebook_size]
        codebook = residual[start.to(residual.device)]
        counts, sums = torch.zeros_like(codebook[:, :1]), torch.zeros_like(codebook)
        for step in range(-KMEANS_ITERATIONS, iterations):
            decay = DECAY if step >= 0 else 0.0  # k-means: the same update on one batch, nothing remembered
            if step >= 0 or step == -KMEANS_ITERATIONS:
                drawn = torch.randint(len(residual), (size,), generator=generator)
                batch = residual[drawn.to(residual.device)]
            index = nearest_codeword(batch, codebook)
            uses = torch.bincount(index, minlength=codebook_size).to(batch.dtype)[:, None]
            counts = decay * counts + (1 - decay) * uses
            sums = decay * sums + (1 - decay) * torch.zeros_like(sums).index_add_(0, index, batch)
            average = counts.mean()
            codebook = sums / ((counts + LAPLACE) / (average + LAPLACE) * average)
            # A dead codeword restarts on a vector of the batch, and with it its averages: left as they were,
            # the next update would pull it back. It restarts at the threshold: unless used, it dies again.
            dead = (counts < DEAD_SHARE * average).squeeze(1)
            picked = torch.randint(size, (int(dead.sum()),), generator=generator)
            codebook[dead], counts[dead] = batch[picked.to(batch.device)], DEAD_SHARE * average
            sums[dead] = codebook[dead] * counts[dead]
        codebooks[k] = codebook
        residual = residual - codebook[nearest_codeword(residual, codebook)]
    return codebooks


def bitrate_bps(n_q: int, codebook_size: int, frame_rate_hz: float) -> float:
    """Return bits per second. Example: EnCodec at 24 kHz, 8 codebooks of 1024, 75 Hz -> 6000.0."""
    if n_q < 0 or codebook_size < 1 or not 0 < frame_rate_hz < math.inf:
        got = f"n_q {n_q}, codebook_size {codebook_size}, frame_rate_hz {frame_rate_hz}"
        raise ValueError(f"want n_q >= 0, codebook_size >= 1 and a positive frame_rate_hz, got {got}")
    return n_q * math.log2(codebook_size) * frame_rate_hz


def snr_db(latents: Tensor, codes: Tensor, codebooks: Tensor) -> list[float]:
    """Return the signal-to-noise ratio, in dB, of decoding up to level 0, 1, ..; inf for an exact copy."""
    power = latents.double().square().sum()
    errors = [latents - decode(codes[:, : k + 1], codebooks) for k in range(codes.shape[1])]
    return [float(10 * torch.log10(power / error.double().square().sum())) for error in errors]


def _kinds(*tensors: Tensor) -> str:
    return " and ".join(f"{list(tensor.shape)} {tensor.dtype}" for tensor in tensors)


FIGURES = (bitrate_bps,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    levels: int = 8,
    codebook_size: int = 256,
    dimension: int = 8,
    frame_rate_hz: float = 75.0,
    frames: int = 32768,
    iterations: int = 50,
) -> dict[str, Any]:
    """Train on Gaussian frames and return, level by level, how close the codes come to what is possible.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames and the training batches.
        levels: codebooks, K.
        codebook_size: codewords in each, V.
        dimension: values per frame, D.
        frame_rate_hz: frames per second; it sets the bit rate and nothing else.
        frames: frames to train on; as many again are held out for snr_db.
        iterations: training batches after the k-means start, for each level.
    """
    least = {"levels": 1, "codebook_size": 1, "dimension": 1, "frames": codebook_size, "iterations": 0}
    given = (levels, codebook_size, dimension, frames, iterations)
    for (name, limit), value in zip(least.items(), given, strict=True):
        if value < limit:
            raise ValueError(f"{name} must be at least {limit}, got {value}")
    rates = [bitrate_bps(k + 1, codebook_size, frame_rate_hz) for k in range(levels)]
    noise = torch.randn(2, 1, dimension, frames, generator=torch.Generator().manual_seed(seed))
    try:
        training, held_out = noise.to(device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: this torch was built without CUDA
        raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from error
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the steps are small: threads that meet after each are slow on a busy machine
    try:
        codebooks = fit(training, levels, codebook_size, iterations=iterations, seed=seed)
    finally:
        torch.set_num_threads(threads)
    codes, training_codes = encode(held_out, codebooks), encode(training, codebooks)
    snr, training_snr = snr_db(held_out, codes, codebooks), snr_db(training, training_codes, codebooks)
    rows = [
        {
            "level": k + 1,
            "snr_db": _rounded(snr[k]),
            "training_snr_db": _rounded(training_snr[k]),
            "bound_db": round(20 * math.log10(2) * rates[k] / frame_rate_hz / dimension, 2),
            "bitrate_bps": rates[k],
            "codewords_used": len(torch.unique(codes[:, k])),
        }
        for k in range(levels)
    ]
    remarks = [
        "bound_db: no code for white Gaussian frames does better than 6.02 dB per bit per dimension.",
        "snr_db is measured on held-out frames; training_snr_db, on the frames trained on, flatters.",
    ]
    return {"rows": rows, "remarks": remarks}


def _rounded(value_db: float) -> float | None:
    return round(value_db, 2) if math.isfinite(value_db) else None  # JSON has no infinity


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    codebooks = torch.tensor([[[0.0], [4.0], [8.0]], [[-1.0], [0.0], [1.0]]], device=device)
    codes = encode(torch.full((1, 1, 1), 5.0, device=device), codebooks)
    return [
        ("5 is 4 and 1 more.", codes.flatten().tolist() == [1, 2]),
        ("Its codes decode to 5.", decode(codes, codebooks).item() == 5.0),
    ]


def main() -> None:
    """Print the rows of the demo as a table."""
    parser = argparse.ArgumentParser(description="Residual vector quantization of Gaussian frames.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    try:
        rows = demo(**vars(parser.parse_args()))["rows"]
    except ValueError as error:
        parser.error(str(error))
    for cells in [list(rows[0]), *(row.values() for row in rows)]:
        print(*(f"{cell!s:>{len(column)}}" for cell, column in zip(cells, rows[0], strict=True)), sep="  ")


if __name__ == "__main__":
    main()
