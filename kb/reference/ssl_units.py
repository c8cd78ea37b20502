"""Speech units: k-means of SSL features gives one unit a frame, and deduplicating keeps one of each run.

Long because k-means is written out, its start and its steps.
Source: HuBERT, section II-A (arXiv:2106.07447), for k-means units; GSLM (arXiv:2102.01192), for units without
    repeats; k-means++, section 2.2 (Arthur and Vassilvitskii, 2007).
Left out: the SSL model that makes the features; mini-batches, which k-means takes for hours of speech; merging units
    into longer tokens, which is unit-bpe.
Oracle: KMeans(init=centres, n_init=1, algorithm="lloyd", tol=0) of scikit-learn: equal units, centres to 1e-12.
Ties: of centres equally near the lowest index wins. How near ties fall depends on a device's rounding.
Dtype: features and centres share one, float32 or float64; units are int64. Random numbers are drawn on the CPU.
Notation: N frames, D dimension, V codebook size (number of centres).
"""

import math
from itertools import groupby, pairwise
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds
from kb.reference.unit_bpe import deduplicate

FRAME_RATE_HZ = 50.0  # HuBERT and wav2vec 2.0: a frame is 320 samples at 16 kHz
OCCURRENCE, NOISE = 0.5, 0.1  # of made-up speech: between a phone's occurrences, and from frame to frame
DRAWN_FRAMES = 20  # a longer drawing does not fit a terminal
SCORES_AT_ONCE = 2**24  # frames are compared with the centres in parts, so that hours of them fit into memory


def nearest(features: Tensor, centres: Tensor) -> Tensor:
    """Return units [N] for features [N, D]: the index of the nearest of the centres [V, D]."""
    _check(features)
    if centres.ndim != 2 or not len(centres) or centres.shape[1] != features.shape[1]:
        raise ValueError(f"want features [N, D] and centres [V, D], got {kinds(features, centres)}")
    if centres.dtype != features.dtype:
        raise ValueError(f"want features and centres of one dtype, got {kinds(features, centres)}")
    half_norms = centres.square().sum(1) / 2  # |x|^2 is the same for every centre, so it may be left out
    parts = torch.split(features, max(1, SCORES_AT_ONCE // len(centres)))
    return torch.cat([torch.addmm(half_norms, part, centres.T, alpha=-1).argmin(1) for part in parts])


def start(features: Tensor, codebook_size: int, *, seed: int = 0) -> Tensor:
    """Return centres [V, D] drawn from features [N, D] by k-means++.

    The first is any frame; each further one is a frame drawn with a probability that grows with its squared distance
    to the nearest centre so far. Example: frames 0, 3 and 4, the first centre 0 -> 4 with probability 16 / (9 + 16).
    """
    _check(features)
    if not 1 <= codebook_size <= len(features):
        raise ValueError(f"{codebook_size} centres want as many frames or more, got {kinds(features)}")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(codebook_size, generator=generator, dtype=torch.float64).to(features.device)
    centres = features.new_empty(codebook_size, features.shape[1])
    distances = features.new_ones(len(features))  # squared; all alike, so that the first centre is any frame
    for v in range(codebook_size):
        reached = distances.double().cumsum(0)
        index = torch.searchsorted(reached, drawn[v] * reached[-1], right=True)
        centres[v] = features[index.clamp(max=len(features) - 1)]  # beyond the end only if all distances are 0
        to_this = (features - centres[v]).square().sum(1)
        distances = to_this if v == 0 else torch.minimum(distances, to_this)
    return centres


def lloyd(features: Tensor, centres: Tensor, *, iterations: int = 100) -> Tensor:
    """Return centres [V, D] after k-means: each becomes the mean of the features nearest to it, until no unit changes.

    A centre without features takes, as in scikit-learn, the feature that is farthest from its own centre.
    Example: features 0, 2, 10, 12 and centres 0, 2 -> 1 and 11.
    """
    if len(centres) > len(features):
        raise ValueError(f"{len(centres)} centres want as many frames or more, got {kinds(features)}")
    units = None
    for _ in range(iterations):
        before, units = units, nearest(features, centres)
        if before is not None and torch.equal(units, before):
            break
        assigned = units
        empty = (torch.bincount(units, minlength=len(centres)) == 0).nonzero().squeeze(1)
        if len(empty):
            farthest = (features - centres[units]).square().sum(1).topk(len(empty)).indices
            assigned = units.index_put((farthest,), empty)
        counts = torch.bincount(assigned, minlength=len(centres))[:, None]
        sums = torch.zeros_like(centres).index_add_(0, assigned, features)
        centres = torch.where(counts > 0, sums / counts, centres)
    return centres


def fit(features: Tensor, codebook_size: int, *, iterations: int = 100, seed: int = 0) -> Tensor:
    """Return the centres [V, D] of k-means on features [N, D], begun by k-means++."""
    return lloyd(features, start(features, codebook_size, seed=seed), iterations=iterations)


def squared_error(features: Tensor, centres: Tensor) -> float:
    """Return the mean squared distance of features [N, D] to their nearest of the centres [V, D]."""
    return float((features - centres[nearest(features, centres)]).square().sum(1).double().mean())


def durations(units: list[int]) -> list[int]:
    """Return the frames of each run, which is all that deduplicate loses: 7, 7, 7, 3, 3, 9 -> 3, 2, 1."""
    return [len(list(run)) for _, run in groupby(units)]


def repeat(units: list[int], durations: list[int]) -> list[int]:
    """Return each unit for as many frames as it lasts, the inverse of deduplicate: 7, 3, 9 for 3, 2, 1."""
    if len(units) != len(durations) or min(durations, default=1) < 1:
        raise ValueError(f"want a duration of 1 or more for each of {len(units)} units, got {durations}")
    return [unit for unit, frames in zip(units, durations, strict=True) for _ in range(frames)]


def speech(phones: Tensor, *, tempo: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return made-up features [N, D] of phones said one after the other, and the number [N] of the phone of each frame.

    Args:
        phones: [P, D], the place in feature space of each phone to say.
        tempo: 1 gives a phone 2 to 8 frames, 0.5 twice as many.
        generator: draws how long each phone lasts, and how it differs from others of its kind (by more) and from
            frame to frame (by less). A frame is averaged with its neighbours: phones run into one another.
    """
    lengths = torch.randint(2, 9, (len(phones),), generator=generator).div(tempo).round().long()
    number = torch.arange(len(phones)).repeat_interleave(lengths)
    said = phones + OCCURRENCE * torch.randn(phones.shape, generator=generator)
    path = torch.cat([said[:1], said[number], said[-1:]]).unfold(0, 3, 1).mean(2)
    return path + NOISE * torch.randn(path.shape, generator=generator), number


def draw(units: list[int]) -> str:
    """Return three lines of text: units, what deduplicating keeps of them, and for how many frames each lasts."""
    lasting, gaps = durations(units), [[""] * (frames - 1) for frames in durations(units)]
    kept = [cell for unit, gap in zip(deduplicate(units), gaps, strict=True) for cell in (unit, *gap)]
    lasts = [cell for frames, gap in zip(lasting, gaps, strict=True) for cell in (frames, *gap)]
    width = max(len(str(unit)) for unit in units) + 1
    lines = [["units    ", *units], ["kept     ", *kept], ["durations", *lasts]]
    return "\n".join("".join(f"{cell!s:>{width}}" for cell in line).rstrip() for line in lines)


def _check(features: Tensor) -> None:
    if features.ndim != 2 or not features.numel() or not features.is_floating_point() or not features.isfinite().all():
        raise ValueError(f"want finite floating-point features [N, D], got {kinds(features)}")


FIGURES = (deduplicate, durations, repeat)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebook_sizes: tuple[int, ...] = (20, 40, 100, 200, 500),
    phones: int = 40,
    dimension: int = 16,
    spoken: int = 2000,
) -> dict[str, Any]:
    """Cluster made-up features of phones that follow one another, and return the rates of units as codebooks grow.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the phones, how they are said, and the first centres.
        codebook_sizes: numbers of centres to try, V.
        phones: different phones there are; they differ by 1 (standard deviation) in each dimension.
        dimension: values per frame, D.
        spoken: phones said to train on, about 5 frames each; as many again are held out, and the table is of these.
    """
    if min(phones, dimension, spoken, *codebook_sizes, len(codebook_sizes)) < 1:
        got = f"{phones}, {dimension}, {spoken} and {list(codebook_sizes)}"
        raise ValueError(f"phones, dimension, spoken and codebook_sizes must be at least 1, got {got}")
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(phones, dimension, generator=generator)
    to_train_on, to_say = torch.randint(phones, (2, spoken), generator=generator)
    training, _ = speech(places[to_train_on], tempo=1.0, generator=generator)
    held_out, number = speech(places[to_say], tempo=1.0, generator=generator)
    slow, _ = speech(places[to_say], tempo=0.5, generator=generator)
    training, held_out, slow, phone = (moved(one, device) for one in (training, held_out, slow, to_say[number]))
    rows = []
    with one_thread():
        for size in codebook_sizes:
            centres = fit(training, size, seed=seed)
            index = nearest(held_out, centres)
            units, kept = index.tolist(), deduplicate(index.tolist())
            rate_hz, bits = FRAME_RATE_HZ * len(kept) / len(units), math.log2(size)
            together = torch.bincount(index * phones + phone, minlength=size * phones).view(size, phones)
            row = {
                "units": size,
                "error": round(squared_error(held_out, centres) / float(held_out.var(0).sum()), 3),
                "phone_purity": round(int(together.max(1).values.sum()) / len(units), 3),
                "bps": round(FRAME_RATE_HZ * bits, 1),
                "deduplicated_hz": round(rate_hz, 1),
                "deduplicated_bps": round(rate_hz * bits, 1),
                "slow_over_fast": round(len(deduplicate(nearest(slow, centres).tolist())) / len(kept), 2),
            }
            rows.append(row)
    phones_hz = round(FRAME_RATE_HZ * spoken / len(units), 1)
    restored = repeat(kept, durations(units)) == units
    remarks = [
        f"There are {FRAME_RATE_HZ:g} units a second before deduplicating, and {phones_hz} phones.",
        "error: the share of the variance that units leave out. phone_purity: the share of frames whose phone is the"
        " most frequent one of their unit.",
        f"slow_over_fast: the same phones at half the tempo have {len(slow) / len(units):.2f} times the units. Where it"
        " is near 1, deduplicating has removed the tempo.",
        f"With their durations beside them the units come back: {'yes' if restored else 'NO'}.",
    ]
    series = {
        "before deduplicating": [FRAME_RATE_HZ for _ in rows],
        "after": [row["deduplicated_hz"] for row in rows],
        "phones": [phones_hz for _ in rows],
    }
    plot = {"kind": "line", "x": list(codebook_sizes), "series": series}
    plot |= {"x_label": "units in the codebook", "y_label": "tokens a second"}
    return {"rows": rows, "remarks": remarks, "drawing": draw(units[:DRAWN_FRAMES]), "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of units, each with whether it did."""
    features = moved(torch.randn(400, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    line = moved(torch.tensor([[0.0], [2.0], [10.0], [12.0]]), device)
    first = start(features, 8)
    errors = [squared_error(features, lloyd(features, first, iterations=n)) for n in range(12)]
    centres = lloyd(features, first)
    units = nearest(features, centres)
    means = torch.stack([features[units == v].mean(0) for v in range(8)])
    said, by_hand = [7, 7, 7, 3, 3, 9, 9, 7], lloyd(line, line[:2]).tolist()
    return [
        ("features 0, 2, 10, 12 and centres 0, 2 give the centres 1, 11", by_hand == [[1], [11]]),
        ("no step of k-means makes the error larger", all(a >= b for a, b in pairwise(errors))),
        ("at the end each centre is the mean of its features", torch.allclose(means, centres)),
        ("7 7 7 3 3 9 9 7 deduplicates to 7 3 9 7", deduplicate(said) == [7, 3, 9, 7]),
        ("with their durations the units come back", repeat(deduplicate(said), durations(said)) == said),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Units of made-up speech, before and after deduplicating.", demo, checks)


if __name__ == "__main__":
    main()
