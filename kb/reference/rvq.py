"""Residual vector quantization: each codebook quantizes what the codebooks before it left over.

Long because encoding stands here twice, readable and fast, and the training of codebooks has four parts.
Source: SoundStream, Algorithm 1, section III-C (arXiv:2107.03312); EnCodec, section 3.2 (arXiv:2210.13438).
Left out: the networks around the quantizer, and with them straight-through gradient and commitment loss, which
    rvq_gradient has. No encoder moves while the codebooks learn, so `fit` trains one level after the other.
Oracle: EncodecResidualVectorQuantizer (transformers), ResidualVQ (vector-quantize-pytorch): identical codes.
Ties: of codewords with equal scores the lowest index wins. How near ties fall depends on a device's rounding.
Dtype: latents and codebooks share one, float32 or float64; codes are int64.
Notation: B batch, K codebooks (levels), T frames, D dimension, V codebook size, N vectors.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds

KMEANS_ITERATIONS = 10  # on a level's first batch, before the moving averages take over
DECAY = 0.9  # of the moving averages, per batch; EnCodec has 0.99, for a training that is much longer
BATCH_PER_CODEWORD = 16  # a batch holds 16 V vectors, so its size follows the codebook
LAPLACE = 1e-5  # added to every count, as EnCodec does: no division by zero for a codeword without vectors
DEAD_SHARE = 0.1  # a codeword used less than this share of the average is dead (SoundStream: under 2 a batch)
CACHED = 2**18  # scores that stay in a CPU core's L2 cache: 1 MB of float32
GROUP = 32  # scores of which only the least is looked at twice


def nearest_codeword(x: Tensor, codebook: Tensor) -> Tensor:
    """Return for each vector the index of its nearest codeword: x [.., D], codebook [V, D] -> [..], int64."""
    fits = codebook.ndim == 2 and len(codebook) and x.shape[-1:] == codebook.shape[1:]
    if not fits or x.dtype != codebook.dtype or not x.is_floating_point():
        raise ValueError(f"want floats [.., D] and [V, D] of one dtype, got {kinds(x, codebook)}")
    # |x - c|^2 / 2 = |x|^2 / 2 - x.c + |c|^2 / 2. The first term is the same for every c: it cannot change
    # which c is nearest, it only costs time and digits. What remains is one matrix product.
    return (codebook.square().sum(1) / 2 - x @ codebook.T).argmin(-1)


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
    n_q = _levels(latents, codebooks, n_q)
    codes = torch.empty((len(latents), n_q, latents.shape[2]), dtype=torch.int64, device=latents.device)
    residual = latents.transpose(1, 2)  # [B, T, D]
    for k in range(n_q):
        codes[:, k] = nearest_codeword(residual, codebooks[k])
        residual = residual - codebooks[k][codes[:, k]]
    return codes


@torch.no_grad()
def encode_fast(latents: Tensor, codebooks: Tensor, n_q: int | None = None) -> Tensor:
    """Return the codes of encode, on a CPU in about half the time and a tenth of the memory.

    The scores of all vectors would travel to memory and back, three times a level. Those of a few rows stay in
    the cache, in one buffer that is used again and again; what is left over is replaced where it lies.
    """
    n_q = _levels(latents, codebooks, n_q)
    residual = latents.transpose(1, 2).reshape(-1, latents.shape[1]).clone()  # [N, D]
    codes = torch.empty((n_q, len(residual)), dtype=torch.int64, device=latents.device)
    cached = CACHED if latents.device.type == "cpu" else 256 * CACHED  # a GPU wants few large products instead
    scores = residual.new_empty(max(1, cached // codebooks.shape[1]), codebooks.shape[1])
    for k, codebook in enumerate(codebooks[:n_q]):
        half_norms = codebook.square().sum(1) / 2
        for rows, chosen in zip(torch.split(residual, len(scores)), torch.split(codes[k], len(scores)), strict=True):
            torch.addmm(half_norms, rows, codebook.T, alpha=-1, out=scores[: len(rows)])
            chosen.copy_(first_least(scores[: len(rows)]))
            rows -= codebook[chosen]
    return codes.view(n_q, len(latents), latents.shape[2]).transpose(0, 1)


def first_least(scores: Tensor) -> Tensor:
    """Return the index of the least of each row, the first of equals: scores [N, V] -> [N], as argmin does.

    A CPU core compares sixteen numbers at once where only the least is asked for, and one where its place is. So
    the places are asked for twice in few numbers: which group has the least, and where it stands in there.
    """
    if scores.shape[1] % GROUP or scores.device.type != "cpu":
        return scores.argmin(1)
    groups = scores.view(len(scores), scores.shape[1] // GROUP, GROUP)
    group = groups.amin(2).argmin(1)
    return group * GROUP + groups[torch.arange(len(group)), group].argmin(1)


def decode(codes: Tensor, codebooks: Tensor, kept: Tensor | None = None) -> Tensor:
    """Return latents [B, D, T] for codes [B, n_q, T]: the sum of one codeword from each level.

    kept [B] is what quantizer_dropout drew: of item b only the first kept[b] levels count. None means all.
    """
    if codes.ndim != 3 or codebooks.ndim != 3 or codes.shape[1] > len(codebooks):
        raise ValueError(f"want codes [B, n_q, T], codebooks [K, V, D], got {kinds(codes, codebooks)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < codebooks.shape[1]:
        raise ValueError(f"want codes in 0..{codebooks.shape[1] - 1}, got {codes.min()}..{codes.max()}")
    if kept is not None and kept.shape != codes.shape[:1]:
        raise ValueError(f"want codes [B, n_q, T] and kept [B], got {kinds(codes, kept)}")
    latents = codebooks.new_zeros(codes.shape[0], codes.shape[2], codebooks.shape[2])
    for k in range(codes.shape[1]):
        words = codebooks[k][codes[:, k]]
        latents = latents + (words if kept is None else words * (kept > k)[:, None, None])
    return latents.transpose(1, 2)


class Codebook(NamedTuple):
    """A level while it learns. Codeword v is sums[v] / counts[v], both kept because both are averaged."""

    words: Tensor  # [V, D]
    counts: Tensor  # [V, 1], moving average of the vectors nearest to a codeword, per batch
    sums: Tensor  # [V, D], moving average of their sum


def updated(codebook: Codebook, batch: Tensor, decay: float) -> Codebook:
    """Return the codebook after a batch [N, D]: exponential moving averages; decay 0 is a step of k-means.

    Source: VQ-VAE, appendix A.1 (arXiv:1711.00937). Example: words 0 and 10, decay 0, batch 1, 3, 8 -> words 2, 8.
    """
    index = nearest_codeword(batch, codebook.words)
    uses = torch.bincount(index, minlength=len(codebook.words)).to(batch.dtype)[:, None]
    counts = decay * codebook.counts + (1 - decay) * uses
    sums = decay * codebook.sums + (1 - decay) * torch.zeros_like(codebook.sums).index_add_(0, index, batch)
    average = counts.mean()
    return Codebook(sums / ((counts + LAPLACE) / (average + LAPLACE) * average), counts, sums)


def restarted(codebook: Codebook, batch: Tensor, generator: torch.Generator) -> Codebook:
    """Return the codebook with each dead codeword on a vector of the batch [N, D] that the generator draws.

    Its averages restart with it: left as they were, the next update would pull it back. They restart at the
    threshold: unless it is used, it dies again.
    """
    least = DEAD_SHARE * codebook.counts.mean()
    dead = codebook.counts < least  # [V, 1]
    drawn = torch.randint(len(batch), (len(dead),), generator=generator)
    words = torch.where(dead, batch[drawn.to(batch.device)], codebook.words)
    counts = torch.where(dead, least, codebook.counts)
    return Codebook(words, counts, torch.where(dead, words * counts, codebook.sums))


def kmeans(batch: Tensor, codebook_size: int, generator: torch.Generator) -> Codebook:
    """Return a codebook to begin with: k-means of one batch [N, D] in random order, begun on its first V vectors."""
    words = batch[:codebook_size]
    codebook = Codebook(words, torch.zeros_like(words[:, :1]), torch.zeros_like(words))
    for _ in range(KMEANS_ITERATIONS):
        codebook = restarted(updated(codebook, batch, decay=0.0), batch, generator)
    return codebook


def quantizer_dropout(batch: int, n_q: int, share: float = 1.0, *, seed: int = 0) -> Tensor:
    """Return how many levels each item of a batch keeps while it trains a codec: [B], int64 in 1..n_q.

    A share of the items keeps a number drawn evenly from 1..n_q, the others keep all: so one decoder learns to
    speak at every bit rate. share is 1 in SoundStream, section III-C, 0.5 in DAC, section 3.3 (arXiv:2306.06546).
    """
    if batch < 0 or n_q < 1 or not 0 <= share <= 1:
        raise ValueError(f"want batch >= 0, n_q >= 1 and share in 0..1, got {batch}, {n_q} and {share}")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(1, n_q + 1, (batch,), generator=generator)
    return torch.where(torch.rand(batch, generator=generator) < share, drawn, n_q)


def fit(latents: Tensor, n_q: int, codebook_size: int, *, iterations: int = 50, seed: int = 0) -> Tensor:
    """Return codebooks [n_q, V, D] trained on latents [B, D, T], each on what the ones before it left over.

    A level starts as k-means of one batch, then follows moving averages of fresh batches, and stops after
    `iterations` of those. seed draws the batches, on the CPU, so that they are the same on every device.
    """
    enough = latents.ndim == 3 and n_q >= 1 and 1 <= codebook_size <= latents[:, 0].numel()
    if not enough or not latents.isfinite().all():
        raise ValueError(f"{n_q} levels of {codebook_size} codewords want as many finite latents, got {kinds(latents)}")
    residual = latents.transpose(1, 2).reshape(-1, latents.shape[1])  # [N, D]
    generator = torch.Generator().manual_seed(seed)
    codebooks = residual.new_empty(n_q, codebook_size, latents.shape[1])
    size = min(BATCH_PER_CODEWORD * codebook_size, len(residual))
    for k in range(n_q):
        first = torch.randperm(len(residual), generator=generator)[:size]
        codebook = kmeans(residual[first.to(residual.device)], codebook_size, generator)
        for _ in range(iterations):
            drawn = torch.randint(len(residual), (size,), generator=generator)
            batch = residual[drawn.to(residual.device)]
            codebook = restarted(updated(codebook, batch, DECAY), batch, generator)
        codebooks[k] = codebook.words
        residual = residual - codebook.words[nearest_codeword(residual, codebook.words)]
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


def _levels(latents: Tensor, codebooks: Tensor, n_q: int | None) -> int:
    fits = latents.ndim == codebooks.ndim == 3 and latents.shape[1] == codebooks.shape[2] and codebooks.shape[1]
    if not fits or latents.dtype != codebooks.dtype or not latents.is_floating_point():
        raise ValueError(f"want latents [B, D, T] and codebooks [K, V, D], floats, got {kinds(latents, codebooks)}")
    n_q = len(codebooks) if n_q is None else n_q
    if not 0 <= n_q <= len(codebooks) or not latents.isfinite().all():
        raise ValueError(f"want finite latents and n_q in 0..{len(codebooks)} codebooks; n_q is {n_q}")
    return n_q


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
    dropout: float = 1.0,
) -> dict[str, Any]:
    """Train on Gaussian frames and return, level by level, how close the codes come to what is possible.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames, the training batches and the dropout.
        levels: codebooks, K.
        codebook_size: codewords in each, V.
        dimension: values per frame, D.
        frame_rate_hz: frames per second; it sets the bit rate and nothing else.
        frames: frames to train on; as many again are held out for snr_db.
        iterations: training batches after the k-means start, for each level.
        dropout: share of items that quantizer dropout cuts short while a codec trains; it sets kept_share alone.
    """
    least = {"levels": 1, "codebook_size": 1, "dimension": 1, "frames": codebook_size, "iterations": 0}
    given = (levels, codebook_size, dimension, frames, iterations)
    for (name, limit), value in zip(least.items(), given, strict=True):
        if value < limit:
            raise ValueError(f"{name} must be at least {limit}, got {value}")
    rates = [bitrate_bps(k + 1, codebook_size, frame_rate_hz) for k in range(levels)]
    kept = quantizer_dropout(frames, levels, dropout, seed=seed)
    noise = torch.randn(2, 1, dimension, frames, generator=torch.Generator().manual_seed(seed))
    training, held_out = moved(noise, device)
    with one_thread():
        codebooks = fit(training, levels, codebook_size, iterations=iterations, seed=seed)
    codes, training_codes = encode_fast(held_out, codebooks), encode_fast(training, codebooks)
    snr, training_snr = snr_db(held_out, codes, codebooks), snr_db(training, training_codes, codebooks)
    rows = [
        {
            "level": k + 1,
            "snr_db": _rounded(snr[k]),
            "training_snr_db": _rounded(training_snr[k]),
            "bound_db": round(20 * math.log10(2) * rates[k] / frame_rate_hz / dimension, 2),
            "bitrate_bps": rates[k],
            "codewords_used": len(torch.unique(codes[:, k])),
            "kept_share": round(float((kept > k).double().mean()), 3),
        }
        for k in range(levels)
    ]
    remarks = [
        "bound_db: no code for white Gaussian frames does better than 6.02 dB per bit per dimension.",
        "snr_db is measured on held-out frames; training_snr_db, on the frames trained on, flatters.",
        f"kept_share: items that reach the level while a codec trains with quantizer dropout, share {dropout:g}.",
    ]
    series = {name: [row[name] for row in rows] for name in ("snr_db", "training_snr_db", "bound_db")}
    x = [row["level"] for row in rows]
    plot = {"kind": "line", "x": x, "series": series, "x_label": "levels used", "y_label": "signal to noise, dB"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _rounded(value_db: float) -> float | None:
    return round(value_db, 2) if math.isfinite(value_db) else None  # JSON has no infinity


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    generator = torch.Generator().manual_seed(0)
    by_hand = moved(torch.tensor([[[0.0], [4.0], [8.0]], [[-1.0], [0.0], [1.0]]]), device)
    five = encode(by_hand.new_tensor([[[5.0]]]), by_hand)
    codebooks = moved(torch.randint(-4, 5, (4, 64, 16), generator=generator).float(), device)
    latents = moved(torch.randint(-9, 10, (3, 16, 50), generator=generator).float(), device)
    codes = encode(latents, codebooks)
    parts = [decode(codes[:, k : k + 1], codebooks[k : k + 1]) for k in range(4)]
    corners = by_hand.new_tensor([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]])
    found = fit(corners.repeat(50, 1).T[None], 1, 4)[0].round()
    endings = quantizer_dropout(4000, 4).bincount()
    short = torch.randint(1, 4, (3,), generator=generator)  # a range that ends before 4
    without_last = decode(codes[:, :3], codebooks[:3], short)
    return [
        ("5 is 4 and 1 more.", five.flatten().tolist() == [1, 2]),
        ("Its codes decode to 5.", decode(five, by_hand).item() == 5.0),
        ("Decoding adds one codeword from each level.", torch.equal(decode(codes, codebooks), sum(parts, latents * 0))),
        ("Fewer levels are the first codes of more.", torch.equal(encode(latents, codebooks, 2), codes[:, :2])),
        ("The fast encoder gives the same codes.", torch.equal(encode_fast(latents, codebooks), codes)),
        ("Dead codewords restart until each cluster has one.", sorted(found.tolist()) == corners.tolist()),
        ("Quantizer dropout keeps 1, 2, 3 or 4 of 4 levels, each about as often.", int(endings[1:].min()) > 900),
        (
            "Drawn from 1 to 3, as in soundstream-pytorch's issue 7 (2026), the last level is never used.",
            torch.equal(decode(codes, codebooks, short), without_last),
        ),
        ("EnCodec's 8 codebooks of 1024 at 75 Hz are 6,000 bits a second.", bitrate_bps(8, 1024, 75.0) == 6000.0),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Residual vector quantization of Gaussian frames.", demo, checks)


if __name__ == "__main__":
    main()
