"""Quality tokens: how good a training clip sounds becomes a token, so that sampling can ask for the best.

Long because the paper has four parts, all of them small: levels, token, masking, and patches that overlap.
Source: QA-MDT (arXiv:2405.15863): pseudo-MOS in levels whose bounds are mean + k deviations; quality prefix (coarse)
    and quality token (fine); masked training; patches that overlap in time.
Left out: the network that scores, the diffusion transformer, the text. The paper's multiples of the deviation could not
    be found; five levels with bounds at -2, -1, 1 and 2 are assumed here (the published script asks for level 5).
Oracle: torch.nn.functional.unfold for patches and their number, torch.bucketize for levels; shares of a normal.
Ties: a score on a bound belongs to the level above. Dtype: the input's.
Notation: N clips; levels from 1 (worst) to L; a latent [C, H, W], H in time; P patches.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved

MULTIPLES = (-2.0, -1.0, 1.0, 2.0)
PREFIXES = ("low quality", "medium quality", "high quality")


def bounds(scores: Tensor, multiples: Sequence[float] = MULTIPLES) -> Tensor:
    """Return the bounds between levels: mean + k deviations of the training set's scores [N], for each k.

    Example: scores 1, 2, 3, 4, 5 (mean 3, deviation sqrt 2) and k = -1, 1 -> 1.59, 4.41.
    """
    if scores.ndim != 1 or not len(scores) or not scores.isfinite().all() or list(multiples) != sorted(set(multiples)):
        raise ValueError(f"want finite scores [N] and rising multiples, got {list(scores.shape)} and {list(multiples)}")
    return scores.mean() + scores.std(correction=0) * scores.new_tensor(multiples)


def quality_levels(scores: Tensor, level_bounds: Tensor) -> Tensor:
    """Return the level 1..L of each score: one more than the bounds it has reached.

    Raises: ValueError if a score is not a number.
    Example: scores 1, 3, 5 and bounds 1.59, 4.41 -> 1, 2, 3.
    """
    if scores.isnan().any():
        raise ValueError("want scores that are numbers, got NaN")
    return 1 + (scores[..., None] >= level_bounds).sum(-1)


def prefix(level: int, count: int) -> str:
    """Return the words put before a clip's description: of five levels 1 and 2 are low, 3 medium, 4 and 5 high."""
    if not 1 <= level <= count:
        raise ValueError(f"want a level in 1..{count}, got {level}")
    middle = (count + 1) / 2
    return PREFIXES[1 + (level > middle) - (level < middle)]


def level_shares(multiples: list[float]) -> list[float]:
    """Return the percentage of clips in each level, if scores are normal. Example: -1, 1 -> 15.87, 68.27, 15.87."""
    if not multiples or multiples != sorted(set(multiples)):
        raise ValueError(f"want rising multiples of the deviation, got {multiples}")
    below = [0.0, *((1 + math.erf(k / math.sqrt(2))) / 2 for k in multiples), 1.0]
    return [100 * (high - low) for low, high in itertools.pairwise(below)]


def patchify(latent: Tensor, height: int, width: int, overlap: int = 0) -> Tensor:
    """Return patches [P, C * height * width] of a latent [C, H, W], those of one moment in time after each other.

    Args:
        latent: [C, H, W]; QA-MDT's is 8 x 256 x 16.
        height: of a patch, in time.
        width: of a patch, in frequency.
        overlap: rows that a patch shares with the next one in time.
    Raises: ValueError if patches do not fill the latent.
    Example: 8 x 256 x 16, patches 4 x 1 -> 1024; with an overlap of 2 -> 2032.
    """
    stride = height - overlap
    if latent.ndim != 3 or min(height, width) < 1 or not 0 <= overlap < height:
        got = f"{list(latent.shape)}, {height} x {width} and {overlap}"
        raise ValueError(f"want a latent [C, H, W], and an overlap in 0..height - 1, got {got}")
    if latent.shape[1] < height or (latent.shape[1] - height) % stride or latent.shape[2] % width:
        raise ValueError(f"{height} x {width} patches, {stride} apart, do not fill {list(latent.shape)}")
    rows = latent.unfold(1, height, stride).unfold(2, width, width)  # [C, H', W', height, width]
    return rows.permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1)


def unpatchify(patches: Tensor, shape: Sequence[int], height: int, width: int, overlap: int = 0) -> Tensor:
    """Return the latent [C, H, W] of patches; where they overlap, their average."""
    channels, rows, columns = shape
    template = patchify(patches.new_zeros(channels, rows, columns), height, width, overlap)
    if template.shape != patches.shape:
        raise ValueError(f"want patches {list(template.shape)} for {list(shape)}, got {list(patches.shape)}")
    stride = height - overlap
    parts = patches.view(-1, columns // width, channels, height, width)
    total, count = patches.new_zeros(channels, rows, columns), patches.new_zeros(rows, 1)
    for number, part in enumerate(parts):  # [W', C, height, width]: all patches of one moment
        here = slice(number * stride, number * stride + height)
        total[:, here] += part.permute(1, 2, 0, 3).reshape(channels, height, columns)
        count[here] += 1
    return total / count


def patch_tokens(rows: int, columns: int, height: int, width: int, overlap: int) -> int:
    """Return the number of patches, counted. Example: 256, 16, 4, 1, 2 -> 2032."""
    return len(patchify(torch.zeros(1, rows, columns), height, width, overlap))


def kept(patches: int, mask_ratio: float, generator: torch.Generator) -> Tensor:
    """Return the numbers of the patches that the encoder sees in training, in order: all but mask_ratio of them."""
    if patches < 1 or not 0 <= mask_ratio < 1:
        raise ValueError(f"want patches and a mask_ratio in 0..1, got {patches} and {mask_ratio}")
    count = max(1, round(patches * (1 - mask_ratio)))
    return torch.randperm(patches, generator=generator)[:count].sort().values


class QualityToken(nn.Module):
    """A table with a vector for each level, put before the patches as one more token."""

    def __init__(self, levels: int, dimension: int) -> None:
        super().__init__()
        self.table = nn.Embedding(levels, dimension)

    def forward(self, tokens: Tensor, levels: Tensor) -> Tensor:
        """Return [B, 1 + P, D] for tokens [B, P, D] and levels [B], from 1 on."""
        if tokens.ndim != 3 or levels.shape != tokens.shape[:1]:
            raise ValueError(f"want tokens [B, P, D] and levels [B], got {list(tokens.shape)}, {list(levels.shape)}")
        return torch.cat([self.table(levels - 1)[:, None], tokens], dim=1)


FIGURES = (level_shares, patch_tokens)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, clips: int = 20_000, mask_ratio: float = 0.3, overlap: int = 2
) -> dict[str, Any]:
    """Put made-up clips into levels, and return what each level holds, and what asking for it gives.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the clips' quality and what is masked.
        clips: N.
        mask_ratio: patches that training hides.
        overlap: rows that patches of 4 share in the second count.
    """
    if clips < 2:
        raise ValueError(f"want two clips or more, got {clips}")
    generator = torch.Generator().manual_seed(seed)
    quality, error = torch.randn(2, clips, generator=generator)
    quality = moved(quality, device)
    scores = 3 + 0.6 * (quality + 0.4 * error.to(quality))  # pseudo-MOS: a network's guess, and not the truth
    levels = quality_levels(scores, bounds(scores))
    count = len(MULTIPLES) + 1
    rows = [
        {
            "level": level,
            "prefix": prefix(level, count),
            "share_percent": round(100 * float((levels == level).double().mean()), 2),
            "normal_percent": round(level_shares(list(MULTIPLES))[level - 1], 2),
            "mean_score": round(float(scores[levels == level].mean()), 2) if (levels == level).any() else None,
            "true_quality": round(float(quality[levels == level].mean()), 2) if (levels == level).any() else None,
        }
        for level in range(1, count + 1)
    ]
    plain, overlapped = patch_tokens(256, 16, 4, 1, 0), patch_tokens(256, 16, 4, 1, overlap)
    seen = len(kept(plain, mask_ratio, generator))
    remarks = [
        "true_quality, in deviations, is what a perfect model conditioned on the level would give: the average over all"
        " training clips is 0, and the best level is far above though few clips are in it.",
        f"A latent of 8 x 256 x 16 in patches of 4 x 1 is {plain} tokens; with {overlap} rows shared, {overlapped}.",
        f"With {mask_ratio:g} of them masked the encoder sees {seen}, and attention costs {(seen / plain) ** 2:.0%}.",
        "The bounds are assumed, and the clips are numbers that were drawn.",
    ]
    series = {name: [row[name] for row in rows] for name in ("share_percent", "normal_percent")}
    x = [str(row["level"]) for row in rows]
    plot = {"kind": "bar", "x": x, "series": series, "x_label": "quality level", "y_label": "percent of clips"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of levels and patches, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    scores = moved(torch.tensor([1.0, 2, 3, 4, 5]), device)
    latent = torch.arange(8.0 * 256 * 16, device=scores.device).view(8, 256, 16)
    back = [unpatchify(patchify(latent, 4, 1, overlap), latent.shape, 4, 1, overlap) for overlap in (0, 2)]
    seen = kept(1024, 0.3, torch.Generator().manual_seed(0))
    level_bounds = bounds(scores, [-1.0, 1.0])
    return [
        (
            "Scores 1 .. 5 with bounds a deviation from the mean are levels 1 2 2 2 3.",
            quality_levels(scores, level_bounds).tolist() == [1, 2, 2, 2, 3],
        ),
        (
            "8 x 256 x 16 in patches of 4 x 1 is 1024 tokens, and 2032 with an overlap of 2.",
            [patch_tokens(256, 16, 4, 1, n) for n in (0, 2)] == [1024, 2032],
        ),
        ("Patches give the latent back, overlapping or not.", all(torch.equal(one, latent) for one in back)),
        ("Of a normal, 68.27 % are within a deviation.", round(level_shares([-1, 1])[1], 2) == 68.27),
        ("Training sees 70 % of the patches, each once.", len(seen) == len(set(seen.tolist())) == 717),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Clips in levels of quality.", demo, checks)


if __name__ == "__main__":
    main()
