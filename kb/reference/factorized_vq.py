"""Factorized codes: look a frame up by cosine in a few dimensions, so that every codeword gets used.

Long because the loop, the variant that looks up instead of subtracting, and training stand together.
Source: DAC, section 3.2 and appendix A (arXiv:2306.06546), after ViT-VQGAN (arXiv:2110.04627); MaskGCT's semantic
    codec is one such level of 8192 codewords in 8 dimensions (arXiv:2409.00750).
Left out: encoder and decoder, quantizer dropout. As in DAC's code, and other than in its appendix, only the look-up
    normalizes: what is decoded, and what the losses compare, are projection and codeword as they are.
Oracle: DacResidualVectorQuantizer (transformers 5.23.0), identical codes and equal decoding. Its distance has the norm
    of the codeword with the wrong sign; that is harmless because the codewords it compares all have norm 1. See
    `wrong_sign_percent`.
Ties: of codewords with equal scores the lowest index wins; how near ties fall depends on rounding.
Dtype: latents and quantizer share one, float32 or float64; codes are int64. fit draws on the CPU, from its seed.
Notation: B batch, K levels, T frames, D dimension of the latents, L of the look-up, V codebook size, N vectors.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds
from kb.reference.entropy import entropy_bits

BLOCK = 32  # scores whose maximum is taken first; the index is looked for in the best block only
COMMITMENT, LEARNING_RATE, BATCH = 0.25, 3e-3, 2048  # the weight is DAC's, rate and vectors a step fit the demo


class Quantizer(NamedTuple):
    """What K levels have learned. DAC at 44.1 kHz: K 9, D 1024, L 8, V 1024."""

    project_in: Tensor  # [K, L, D]
    bias_in: Tensor  # [K, L]
    codebooks: Tensor  # [K, V, L]
    project_out: Tensor  # [K, D, L]
    bias_out: Tensor  # [K, D]


def nearest_codeword(x: Tensor, codebook: Tensor, normalized: bool = True) -> Tensor:
    """Return for each vector the codeword of the largest cosine: x [.., L], codebook [V, L] -> [..], int64.

    normalized False looks for the smallest distance instead; then the length of x matters too.
    Example: x (10, 9), codewords (30, 0) and (0, 10): the cosine says 0, the distance 1.
    """
    if normalized:
        return (x @ F.normalize(codebook, dim=-1).T).argmax(-1)
    return (x @ codebook.T - codebook.square().sum(-1) / 2).argmax(-1)


def encode(latents: Tensor, quantizer: Quantizer, n_q: int | None = None) -> Tensor:
    """Return codes for latents: each level projects down what is left, looks it up, and takes away the way back up.

    Args:
        latents: [B, D, T], one vector per frame.
        quantizer: K levels for latents of D dimensions.
        n_q: levels to use, the first n_q of K; None means all.
    Returns: codes [B, n_q, T], int64 in [0, V).
    Raises: ValueError if shapes or dtypes disagree, n_q is not in 0..K, or a latent is not finite.
    """
    n_q = _levels(latents, quantizer, n_q)
    codes = torch.empty((len(latents), n_q, latents.shape[2]), dtype=torch.int64, device=latents.device)
    residual = latents.transpose(1, 2)  # [B, T, D]
    for k in range(n_q):
        low = residual @ quantizer.project_in[k].T + quantizer.bias_in[k]  # [B, T, L]
        codes[:, k] = nearest_codeword(low, quantizer.codebooks[k])
        chosen = quantizer.codebooks[k][codes[:, k]]
        residual = residual - (chosen @ quantizer.project_out[k].T + quantizer.bias_out[k])
    return codes


def decode(codes: Tensor, quantizer: Quantizer) -> Tensor:
    """Return latents [B, D, T] for codes [B, n_q, T]: one codeword of each level, projected up, summed."""
    levels, size, _ = quantizer.codebooks.shape
    if codes.ndim != 3 or codes.shape[1] > levels or codes.is_floating_point() or not _fit_together(*quantizer):
        raise ValueError(f"want whole codes [B, n_q, T] for {kinds(*quantizer)}, got {kinds(codes)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"want codes in 0..{size - 1}, got {codes.min()}..{codes.max()}")
    latents = quantizer.bias_out.new_zeros(codes.shape[0], codes.shape[2], quantizer.bias_out.shape[1])
    for k in range(codes.shape[1]):
        chosen = quantizer.codebooks[k][codes[:, k]]
        latents = latents + chosen @ quantizer.project_out[k].T + quantizer.bias_out[k]
    return latents.transpose(1, 2)


def encode_fast(latents: Tensor, quantizer: Quantizer, n_q: int | None = None) -> Tensor:
    """Return the codes of `encode` without ever making the residual.

    What level k takes away is one of V fixed vectors, and all that a later level sees of it is a projection: L numbers.
    So all projections of the latents are one matrix product, and a code corrects those of the later levels by a row of
    a table [V, L] for each. Per frame that is `operations_per_frame`, and no array of [N, D] is written.
    """
    n_q = _levels(latents, quantizer, n_q)
    batch, dimension, frames = latents.shape
    project_in, size = quantizer.project_in[:n_q], quantizer.project_in.shape[1]
    low = project_in.reshape(-1, dimension) @ latents + quantizer.bias_in[:n_q].reshape(-1, 1)  # [B, n_q L, T]
    low = low.transpose(0, 1).reshape(n_q * size, batch * frames)
    codes = torch.empty((n_q, batch * frames), dtype=torch.int64, device=latents.device)
    for k in range(n_q):
        codes[k] = _nearest_column(low[k * size : (k + 1) * size], quantizer.codebooks[k])
        later = project_in[k + 1 :].reshape(-1, dimension)
        table = (later @ quantizer.project_out[k]) @ quantizer.codebooks[k].T + (later @ quantizer.bias_out[k])[:, None]
        low[(k + 1) * size :] -= table[:, codes[k]]
    return codes.view(n_q, batch, frames).transpose(0, 1)


def _nearest_column(x: Tensor, codebook: Tensor) -> Tensor:
    """Return nearest_codeword for the columns of x: [L, N] -> [N]."""
    # A maximum is found in a tenth of the time that its index takes: so first the maximum of every block of codewords,
    # then the best block, then the index in it. The last block is filled up with the last codeword.
    filled = torch.arange(-len(codebook) % BLOCK + len(codebook), device=x.device).clamp(max=len(codebook) - 1)
    codebook = F.normalize(codebook, dim=-1)[filled]
    columns = max(1, (2**18 if x.device.type == "cpu" else 2**26) // len(codebook))  # 1 MB of scores stay in a cache
    nearest = []
    for chunk in torch.split(x, columns, dim=1):
        scores = (codebook @ chunk).view(len(codebook) // BLOCK, BLOCK, chunk.shape[1])
        block = scores.amax(1).argmax(0)
        nearest.append(block * BLOCK + scores.gather(0, block.expand(1, BLOCK, -1))[0].argmax(0))
    return filled[torch.cat(nearest)]


def fit(
    latents: Tensor, lookup: int, codebook_size: int, *, normalized: bool = True, steps: int = 300, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return project_in [L, D], codebook [V, L] and project_out [D, L] of one level, trained on latents [N, D].

    As in DAC by gradient: down go the error of the output, the way from codewords to projections, and that from
    projections to codewords (commitment); the look-up passes the gradient straight through.
    """
    if latents.ndim != 2 or not len(latents) or min(lookup, codebook_size) < 1:
        raise ValueError(f"want latents [N, D], L and V of 1 or more, got {kinds(latents)}, {lookup}, {codebook_size}")
    generator, dimension = torch.Generator().manual_seed(seed), latents.shape[1]
    down = (2 * torch.rand(lookup, dimension, generator=generator) - 1) / math.sqrt(dimension)
    up = (2 * torch.rand(dimension, lookup, generator=generator) - 1) / math.sqrt(lookup)
    codebook = torch.randn(codebook_size, lookup, generator=generator)
    down, codebook, up = learned = [weight.to(latents).requires_grad_() for weight in (down, codebook, up)]
    optimizer = torch.optim.Adam(learned, lr=LEARNING_RATE)
    for _ in range(steps):
        batch = latents[torch.randint(len(latents), (BATCH,), generator=generator).to(latents.device)]
        low = batch @ down.T
        chosen = codebook[nearest_codeword(low.detach(), codebook.detach(), normalized)]
        passed = low + (chosen - low).detach()
        loss = F.mse_loss(passed @ up.T, batch) + F.mse_loss(chosen, low.detach())
        optimizer.zero_grad()
        torch.autograd.backward(loss + COMMITMENT * F.mse_loss(low, chosen.detach()))
        optimizer.step()
    return down.detach(), codebook.detach(), up.detach()


def bitrate_efficiency_percent(codes: Tensor, codebook_size: int) -> float:
    """Return the entropy of one level's codes, in percent of the log2 V bits they are given, as DAC reports it.

    Example: 0, 0, 1, 1 in a codebook of 4 need one bit of two: 50 percent.
    """
    if not codes.numel() or codebook_size < 2:
        raise ValueError(f"want codes and 2 codewords or more, got {kinds(codes)} and {codebook_size}")
    return 100 * float(entropy_bits(torch.bincount(codes.flatten()))) / math.log2(codebook_size)


def operations_per_frame(dimension: int, lookup: int, codebook_size: int, levels: int, fast: bool = False) -> int:
    """Return the multiplications and additions of encoding a frame, look-ups in tables not counted.

    Example: DAC at 44.1 kHz, 1024, 8, 1024, 9 -> 442,368 in `encode`, 294,912 in `encode_fast`.
    """
    if min(dimension, lookup, codebook_size, levels) < 1:
        raise ValueError(f"want sizes of 1 or more, got {dimension}, {lookup}, {codebook_size}, {levels}")
    projections = 1 if fast else 2  # down only, or down and up again
    return levels * (2 * projections * dimension * lookup + 2 * lookup * codebook_size)


def wrong_sign_percent(normalized: bool, codebook_size: int = 1024, lookup: int = 8, seed: int = 0) -> float:
    """Return how many of 4096 random codes change if the codeword's norm has the sign it has in transformers 5.23.0.

    There the score is -(|x|^2 - 2 x.c) + |c|^2, where -(|x|^2 - 2 x.c + |c|^2) is meant. normalized: all |c| are 1.
    """
    generator = torch.Generator().manual_seed(seed)
    x = F.normalize(torch.randn(4096, lookup, generator=generator, dtype=torch.float64), dim=-1)
    codebook = torch.randn(codebook_size, lookup, generator=generator, dtype=torch.float64)
    codebook = F.normalize(codebook, dim=-1) if normalized else codebook
    norms, products = codebook.square().sum(-1), x @ codebook.T
    changed = (2 * products - norms).argmax(-1) != (2 * products + norms).argmax(-1)
    return round(100 * float(changed.double().mean()), 2)


def _levels(latents: Tensor, quantizer: Quantizer, n_q: int | None) -> int:
    levels, dimension = quantizer.bias_out.shape
    fits = latents.ndim == 3 and latents.shape[1] == dimension and latents.dtype == quantizer.codebooks.dtype
    if not fits or not _fit_together(*quantizer):
        got = kinds(latents, *quantizer)
        raise ValueError(f"want latents [B, D, T] and a quantizer of that D and dtype, got {got}")
    n_q = levels if n_q is None else n_q
    if not 0 <= n_q <= levels or not latents.isfinite().all():
        raise ValueError(f"want finite latents and n_q in 0..{levels} levels; n_q is {n_q}")
    return n_q


def _fit_together(
    project_in: Tensor, bias_in: Tensor, codebooks: Tensor, project_out: Tensor, bias_out: Tensor
) -> bool:
    (levels, lookup), dimension = bias_in.shape, bias_out.shape[1]
    return (
        project_in.shape == (levels, lookup, dimension)
        and (codebooks.shape[0], codebooks.shape[2]) == (levels, lookup)
        and project_out.shape == (levels, dimension, lookup)
        and len(bias_out) == levels
    )


FIGURES = (operations_per_frame, wrong_sign_percent)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    dimension: int = 64,
    lookups: tuple[int, ...] = (64, 8, 2),
    codebook_size: int = 256,
    steps: int = 300,
) -> dict[str, Any]:
    """Train a codebook in many and in few dimensions, by distance and by cosine, and return how much of it is used.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames, the weights and the training batches.
        dimension: values per frame, D; eight of them are free, the rest follows from those but for a little noise.
        lookups: numbers of dimensions to look up in, L.
        codebook_size: codewords, V.
        steps: training steps.
    """
    if min(dimension, codebook_size - 1, steps + 1, len(lookups), *lookups) < 1:
        got = f"{dimension}, {codebook_size}, {steps}, {lookups}"
        raise ValueError(f"dimension, codebook_size, steps, lookups should be at least 1, 2, 0, 1, got {got}")
    generator = torch.Generator().manual_seed(seed)
    free = torch.randn(2, 32768, 8, generator=generator) @ torch.randn(8, dimension, generator=generator) / 8**0.5
    training, held_out = moved(free + 0.1 * torch.randn(free.shape, generator=generator), device)
    rows, shares = [], {}
    with one_thread():
        for lookup, normalized in ((lookup, normalized) for lookup in lookups for normalized in (False, True)):
            down, codebook, up = fit(training, lookup, codebook_size, normalized=normalized, steps=steps, seed=seed)
            codes = nearest_codeword(held_out @ down.T, codebook, normalized)
            uses = torch.bincount(codes, minlength=codebook_size).sort(descending=True).values
            noise = (held_out - codebook[codes] @ up.T).square().sum()
            row = {
                "lookup_dimension": lookup,
                "nearest_by": "cosine" if normalized else "distance",
                "codewords_used": int((uses > 0).sum()),
                "bitrate_efficiency_percent": round(bitrate_efficiency_percent(codes, codebook_size), 1),
                "snr_db": round(float(10 * torch.log10(held_out.square().sum() / noise)), 2),
            }
            rows.append(row)
            shares[f"{lookup} dimensions, {row['nearest_by']}"] = (100 * uses / len(codes)).tolist()
    loop, fast = (operations_per_frame(1024, 8, 1024, 9, fast=fast) for fast in (False, True))
    remarks = [
        f"Of {codebook_size} codewords, on frames not trained on. The frames have 8 free dimensions.",
        f"DAC's nine levels: {loop} operations a frame in the loop, {fast} in encode_fast, for the same codes.",
        f"The wrong sign of transformers changes {wrong_sign_percent(True)} % of the codes, because its codewords have "
        f"norm 1; of codewords as they come it would change {wrong_sign_percent(False)} %.",
    ]
    plot = {"kind": "line", "x": list(range(1, codebook_size + 1)), "series": shares}
    plot |= {"x_label": "codeword, the most used first", "y_label": "frames, %"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    x, pair = moved(torch.tensor([10.0, 9.0]), device), moved(torch.tensor([[30.0, 0.0], [0.0, 10.0]]), device)
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, 8, 32), (3, 8), (3, 100, 8), (3, 32, 8), (3, 32), (2, 32, 200))
    drawn = [moved(torch.randn(shape, generator=generator, dtype=torch.float64), device) for shape in shapes]
    quantizer, latents = Quantizer(*drawn[:5]), 8 * drawn[5]
    codes = encode(latents, quantizer)
    larger = quantizer._replace(codebooks=quantizer.codebooks * 4, project_out=quantizer.project_out / 4)
    return [
        ("(10, 9) is nearest to (30, 0) by cosine", int(nearest_codeword(x, pair)) == 0),
        ("(10, 9) is nearest to (0, 10) by distance", int(nearest_codeword(x, pair, normalized=False)) == 1),
        ("encode_fast gives the codes of encode", torch.equal(encode_fast(latents, quantizer), codes)),
        (
            "the codes of two levels are the first two of three",
            torch.equal(encode(latents, quantizer, 2), codes[:, :2]),
        ),
        ("codewords four times as long change no code", torch.equal(encode(latents, larger), codes)),
        ("with transformers' wrong sign no code changes where codewords have norm 1", wrong_sign_percent(True) == 0),
        ("with it more than half would change where they have not", wrong_sign_percent(False) > 50),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Look-ups in many and in few dimensions.", demo, checks)


if __name__ == "__main__":
    main()
