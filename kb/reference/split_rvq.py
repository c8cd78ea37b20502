"""Split quantization: one codebook for what is said, beside a residual quantizer for how it sounds, summed.

Long because two branches, their fitting, and the plain layouts they are compared with stand together.
Source: Moshi, section 3.3 on its codec Mimi (arXiv:2410.00037): a semantic code that imitates a teacher, and seven
    acoustic ones that see the same latents instead of what the semantic code left over.
Left out: encoder, decoder, and training by gradient. `fit` finds the projections by least squares, the semantic one
    towards the teacher's features, the output ones for every number of levels, as quantizer dropout would train them.
Oracle: MimiSplitResidualVectorQuantizer (transformers), identical codes and equal decoding.
Ties: of codewords with equal scores the lowest index wins. Dtype: latents and branches share one; codes are int64.
Notation: B batch, K levels, T frames, D dimension of the latents, L of a branch, V codebook size, N vectors.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds
from kb.reference.rvq import nearest_codeword

KMEANS_ITERATIONS = 15


class Branch(NamedTuple):
    """A residual quantizer between two projections. Mimi: D 512, L 256, V 2048, K 1 semantic and 7 acoustic."""

    project_in: Tensor  # [L, D]
    codebooks: Tensor  # [K, V, L]
    project_out: Tensor  # [D, L]


def encode_branch(latents: Tensor, branch: Branch, n_q: int | None = None) -> Tensor:
    """Return codes [B, n_q, T] for latents [B, D, T]: within a branch, each level quantizes what is left over."""
    n_q = len(branch.codebooks) if n_q is None else n_q
    _check(latents, branch, n_q)
    codes = torch.empty((len(latents), n_q, latents.shape[2]), dtype=torch.int64, device=latents.device)
    residual = latents.transpose(1, 2) @ branch.project_in.T  # [B, T, L]
    for k in range(n_q):
        codes[:, k] = nearest_codeword(residual, branch.codebooks[k])
        residual = residual - branch.codebooks[k][codes[:, k]]
    return codes


def decode_branch(codes: Tensor, branch: Branch) -> Tensor:
    """Return latents [B, D, T] for codes [B, n_q, T]: one codeword of each level, summed, projected up."""
    levels, size, width = branch.codebooks.shape
    if codes.ndim != 3 or codes.shape[1] > levels or codes.is_floating_point():
        raise ValueError(f"want whole codes [B, n_q, T], codebooks [K, V, L], got {kinds(codes, branch.codebooks)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"want codes in 0..{size - 1}, got {codes.min()}..{codes.max()}")
    chosen = branch.codebooks.new_zeros(codes.shape[0], codes.shape[2], width)
    for k in range(codes.shape[1]):
        chosen = chosen + branch.codebooks[k][codes[:, k]]
    return (chosen @ branch.project_out.T).transpose(1, 2)


def encode(
    latents: Tensor, semantic: Branch, acoustic: Branch, n_q: int | None = None, *, split: bool = True
) -> Tensor:
    """Return codes for latents, the semantic ones first.

    Args:
        latents: [B, D, T], one vector per frame.
        semantic: the branch of the first codes; all its levels are always used.
        acoustic: the branch of the others.
        n_q: levels to use in both together; None means all.
        split: False quantizes in the acoustic branch what the semantic one left over, as a single RVQ does.
    Returns: codes [B, n_q, T], int64 in [0, V).
    Raises: ValueError if shapes or dtypes disagree, there are not that many levels, or a latent is not finite.
    """
    first = len(semantic.codebooks)
    n_q = first + len(acoustic.codebooks) if n_q is None else n_q
    if n_q < first:
        raise ValueError(f"want n_q of {first} or more, the number of semantic levels, got {n_q}")
    codes = encode_branch(latents, semantic)
    rest = latents if split else latents - decode_branch(codes, semantic)
    return torch.cat([codes, encode_branch(rest, acoustic, n_q - first)], dim=1)


def decode(codes: Tensor, semantic: Branch, acoustic: Branch) -> Tensor:
    """Return latents [B, D, T] for codes [B, n_q, T]: the sum of what both branches say."""
    first = len(semantic.codebooks)
    if codes.ndim != 3 or codes.shape[1] < first:
        raise ValueError(f"want codes [B, n_q, T] with {first} semantic levels or more, got {kinds(codes)}")
    return decode_branch(codes[:, :first], semantic) + decode_branch(codes[:, first:], acoustic)


def fit(
    latents: Tensor, teacher: Tensor, levels: int, codebook_size: int, *, split: bool = True, seed: int = 0
) -> tuple[Branch, Branch]:
    """Return a semantic branch of one level and an acoustic one of levels - 1, for latents [N, D].

    teacher [N, L]: what the semantic branch is to keep, such as features of a self-supervised model.
    """
    if latents.ndim != 2 or teacher.ndim != 2 or len(latents) != len(teacher) or levels < 2:
        raise ValueError(f"want latents [N, D], teacher [N, L], 2 levels, got {kinds(latents, teacher)}, {levels}")
    down = _least_squares(latents, teacher)
    codebook = _fit_levels(latents @ down, 1, codebook_size, seed)
    said = codebook[0][nearest_codeword(latents @ down, codebook[0])]
    semantic = Branch(down.T, codebook, _least_squares(said, latents).T)
    rest = latents if split else latents - said @ semantic.project_out.T
    same = torch.eye(latents.shape[1], dtype=latents.dtype, device=latents.device)
    acoustic = Branch(same, _fit_levels(rest, levels - 1, codebook_size, seed), same)
    if not split:
        return semantic, acoustic
    codes = encode_branch(latents.T[None], acoustic)
    heard = [decode_branch(codes[:, :k], acoustic)[0].T for k in range(levels)]
    both = torch.cat([torch.cat([said, one], dim=1) for one in heard])
    up = _least_squares(both, latents.repeat(levels, 1))
    return semantic._replace(project_out=up[: said.shape[1]].T), acoustic._replace(project_out=up[said.shape[1] :].T)


def _least_squares(x: Tensor, y: Tensor) -> Tensor:
    """Return the matrix that brings x nearest to y. In float64, because LAPACK does not repeat its last bits."""
    solution: Tensor = torch.linalg.lstsq(x.double(), y.double()).solution
    return solution.to(x.dtype)


def _fit_levels(x: Tensor, levels: int, codebook_size: int, seed: int) -> Tensor:
    """Return codebooks [K, V, L]: k-means of x [N, L], then of what the levels before left over."""
    if not 1 <= codebook_size <= len(x) or not x.isfinite().all():
        raise ValueError(f"{codebook_size} codewords want as many finite vectors, got {kinds(x)}")
    generator = torch.Generator().manual_seed(seed)
    codebooks = x.new_empty(levels, codebook_size, x.shape[1])
    for codebook in codebooks:
        codebook.copy_(x[torch.randperm(len(x), generator=generator)[:codebook_size].to(x.device)])
        for _ in range(KMEANS_ITERATIONS):
            index = nearest_codeword(x, codebook)
            uses = torch.bincount(index, minlength=codebook_size)[:, None]
            means = torch.zeros_like(codebook).index_add_(0, index, x) / uses.clamp(min=1)
            codebook.copy_(torch.where(uses > 0, means, codebook))  # a codeword without vectors stays
        x = x - codebook[nearest_codeword(x, codebook)]
    return codebooks


def changed_codes_percent(split: bool, levels: int = 8, codebook_size: int = 256, seed: int = 0) -> float:
    """Return how many of the codes after the first change when another first codebook is taken, all of them random.

    Example: split -> 0.0, for the first code is not in the way of the others; not split -> nearly all.
    """
    if levels < 2 or codebook_size < 1:
        raise ValueError(f"want levels of 2 or more, codebook_size of 1 or more, got {levels} and {codebook_size}")
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(1, 16, 1000, generator=generator)
    codebooks = torch.randn(levels + 1, codebook_size, 16, generator=generator)
    same = torch.eye(16)
    acoustic = Branch(same, codebooks[2:] / 2, same)
    codes, others = (
        encode(latents, Branch(same, codebooks[one : one + 1], same), acoustic, split=split)[:, 1:] for one in (0, 1)
    )
    return round(100 * float((codes != others).double().mean()), 2)


def _check(latents: Tensor, branch: Branch, n_q: int) -> None:
    (width, dimension), levels = branch.project_in.shape, len(branch.codebooks)
    fits = latents.ndim == 3 and latents.shape[1] == dimension and latents.dtype == branch.codebooks.dtype
    if not fits or branch.codebooks.shape[2] != width or branch.project_out.shape != (dimension, width):
        raise ValueError(f"want latents [B, D, T] and a branch of that D and dtype, got {kinds(latents, *branch)}")
    if not 0 <= n_q <= levels or not latents.isfinite().all():
        raise ValueError(f"want finite latents and 0..{levels} levels of a branch, got {n_q}")


FIGURES = (changed_codes_percent,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    levels: int = 8,
    codebook_size: int = 32,
    phones: int = 32,
    frames: int = 8192,
) -> dict[str, Any]:
    """Quantize made-up frames, a phone and a sound added up, in three ways, and return what the first code tells.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws phones, sounds and the start of the training.
        levels: codes per frame, the first of them semantic.
        codebook_size: codewords of a level, V.
        phones: how many different things are said; the teacher's features tell them apart.
        frames: frames to train on; as many again are held out to measure on.
    """
    if levels < 2 or phones < 1 or not 1 <= codebook_size <= frames:
        got = f"{levels}, {phones}, {codebook_size}, {frames}"
        raise ValueError(f"levels, phones, codebook_size, frames: want 2, 1, 1, codebook_size or more, got {got}")
    generator = torch.Generator().manual_seed(seed)
    contents = torch.randn(phones, 16, generator=generator)
    phone = torch.randint(phones, (2 * frames,), generator=generator)
    sound = torch.randn(2 * frames, 8, generator=generator) @ torch.randn(8, 16, generator=generator) / math.sqrt(8)
    noise = 0.1 * torch.randn(2 * frames, 16, generator=generator)
    training, held_out = torch.split(moved(contents[phone] / 2 + sound + noise, device), frames)
    teacher = moved(contents[phone[:frames]], device)
    with one_thread():
        layouts = {
            "RVQ": fit(training, training, levels, codebook_size, split=False, seed=seed),
            "semantic RVQ": fit(training, teacher, levels, codebook_size, split=False, seed=seed),
            "split": fit(training, teacher, levels, codebook_size, seed=seed),
        }
        rows, series, inputs = [], {}, held_out.T[None]
        for name, (semantic, acoustic) in layouts.items():
            split = name == "split"
            codes = encode(inputs, semantic, acoustic, split=split)
            other = semantic._replace(
                codebooks=_fit_levels(training @ semantic.project_in.T, 1, codebook_size, seed + 1)
            )
            changed = encode(inputs, other, acoustic, split=split)[:, 1:] != codes[:, 1:]
            told = torch.zeros(codebook_size, phones).index_put_(
                (codes[0, 0].cpu(), phone[frames:]), torch.ones(frames), accumulate=True
            )
            errors = [inputs - decode(codes[:, : k + 1], semantic, acoustic) for k in range(levels)]
            series[name] = [round(float(10 * torch.log10(inputs.square().sum() / e.square().sum())), 2) for e in errors]
            row = {
                "quantization": name,
                "phone_from_first_code_percent": round(100 * float(told.amax(1).sum()) / frames, 1),
                "snr_db": series[name][-1],
                "other_codes_changed_percent": round(100 * float(changed.double().mean()), 1),
            }
            rows.append(row)
    remarks = [
        "other_codes_changed_percent: after the first codebook was trained again from another start.",
        "Here the split costs decibels, for the other codes cannot build on the first. Mimi pays that because to teach "
        "the first level of an RVQ made its learned encoder sound worse.",
    ]
    plot = {"kind": "line", "x": list(range(1, levels + 1)), "series": series}
    plot |= {"x_label": "levels decoded", "y_label": "signal-to-noise ratio, dB"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    one, two = moved(torch.eye(1), device), moved(torch.tensor([[[0.0], [4.0]], [[-1.0], [1.0]]]), device)
    semantic, acoustic = Branch(one, two[:1], one), Branch(one, two, one)
    latents = moved(torch.tensor([[[5.0, 1.0]]]), device)
    codes = encode(latents, semantic, acoustic)
    residual = encode(latents, semantic, acoustic, split=False)
    return [
        (
            "5 and 1 are 4 and 0 to one branch, 4 + 1 and 0 + 1 to the other",
            codes.tolist() == [[[1, 0], [1, 0], [1, 1]]],
        ),
        ("decoded, the branches are summed: 9 and 1", decode(codes, semantic, acoustic).tolist() == [[[9.0, 1.0]]]),
        ("an RVQ gives its second level only 1 and 1", residual.tolist() == [[[1, 0], [0, 0], [1, 1]]]),
        ("codes 1 to 7 do not depend on code 0", changed_codes_percent(split=True) == 0),
        ("in an RVQ they do, nearly all", changed_codes_percent(split=False) > 90),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Split quantization of made-up frames.", demo, checks)


if __name__ == "__main__":
    main()
