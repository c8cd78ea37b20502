"""CLAP: sounds and captions that belong together are pulled together; a threshold cleans data (toy encoders).

Source: CLAP, section 2 (arXiv:2206.04769), whose loss is CLIP's (arXiv:2103.00020). AudioLDM conditions on it
    (arXiv:2301.12503); OpenMusic (QA-MDT) drops captions whose score is below a threshold (arXiv:2405.15863).
Left out: both encoders. A toy stands for them: pairs of vectors made of one meaning and noise, and two linear maps.
Oracle: torch's cross_entropy, forward and backward, equal to 1e-6; where all embeddings are alike, log N.
Ties: of captions with equal scores, the first counts as retrieved. Dtype: that of the embeddings.
Notation: N pairs, D dimension, S [N, N] similarities, row i a sound, column j a caption; 1 / temperature multiplies S.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

TEMPERATURE = 0.07  # where CLIP and CLAP begin; they learn it, here it stays
INPUTS, DIMENSION, MEANINGS, NOISE = 24, 8, 6, 1.5  # of the toy
BATCH, STEP, STEPS = 64, 0.5, 150


def similarities(sounds: Tensor, captions: Tensor) -> Tensor:
    """Return cosines [N, M] of sounds [N, D] and captions [M, D]."""
    if sounds.ndim != 2 or captions.ndim != 2 or sounds.shape[1] != captions.shape[1]:
        raise ValueError(f"want sounds [N, D] and captions [M, D], got {list(sounds.shape)} and {list(captions.shape)}")
    return unit(sounds) @ unit(captions).T


def unit(vectors: Tensor) -> Tensor:
    """Return vectors [N, D] of length 1. Raises: ValueError for one of length 0, which has no direction."""
    lengths = vectors.norm(dim=1, keepdim=True)
    if not (lengths > 0).all():
        raise ValueError("want vectors with a direction, got one that is all zeros, or no number")
    directions: Tensor = vectors / lengths
    return directions


def contrastive_loss(sounds: Tensor, captions: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Return how hard it is, in nats, to find the caption of each sound and the sound of each caption.

    Args:
        sounds: [N, D].
        captions: [N, D]; caption i belongs to sound i.
        temperature: above 0; small ones look at the hardest captions only.
    Raises: ValueError for shapes that differ, no pairs, or a temperature that is not above 0.
    Example: N pairs that are all alike -> log N: one in N is guessed.
    """
    if sounds.shape != captions.shape or not len(sounds) or not temperature > 0:
        got = f"{list(sounds.shape)}, {list(captions.shape)} and {temperature}"
        raise ValueError(f"want as many captions as sounds and a temperature above 0, got {got}")
    logits = similarities(sounds, captions) / temperature
    right = logits.diagonal()
    of_sounds = logits.logsumexp(1) - right  # of all captions, which is this sound's?
    of_captions = logits.logsumexp(0) - right  # of all sounds, which is this caption's?
    return (of_sounds.mean() + of_captions.mean()) / 2


def recall_percent(sounds: Tensor, captions: Tensor) -> float:
    """Return for how many sounds, in percent, their own caption is the nearest."""
    nearest = similarities(sounds, captions).argmax(1)
    return 100 * float((nearest == torch.arange(len(sounds), device=sounds.device)).double().mean())


class Kept(NamedTuple):
    """What a threshold leaves of captioned sounds."""

    kept_percent: float  # of all pairs
    precision_percent: float  # of the pairs kept, those that are right
    recall_percent: float  # of the right pairs, those that are kept


def threshold_filter(scores: list[float], right: list[bool], threshold: float) -> Kept:
    """Return what is left of pairs that score at least the threshold.

    Example: scores .9 .4 .6 .1, right yes yes no no, threshold .5 -> half kept, half of them right, half of the right.
    Precision of nothing kept is 100 %: nothing wrong is left.
    """
    if len(scores) != len(right) or not any(right):
        raise ValueError(f"want a score for each pair and one that is right, got {len(scores)} and {len(right)}")
    kept = [one for score, one in zip(scores, right, strict=True) if score >= threshold]
    precision = 100 * sum(kept) / len(kept) if kept else 100.0
    return Kept(100 * len(kept) / len(scores), precision, 100 * sum(kept) / sum(right))


def uniform_loss(pairs: int) -> float:
    """Return the loss of pairs that are all alike, log N nats: 64 pairs -> 4.16."""
    if pairs < 1:
        raise ValueError(f"want 1 pair or more, got {pairs}")
    return math.log(pairs)


FIGURES = (uniform_loss, threshold_filter)  # what claims may run


def pairs(count: int, generator: torch.Generator, mixing: Tensor) -> tuple[Tensor, Tensor]:
    """Return toy sounds and captions [N, 24]: one meaning, seen through two matrices [2, 6, 24], and noise on each."""
    meaning = torch.randn(count, MEANINGS, generator=generator)
    noise = NOISE * torch.randn(2, count, INPUTS, generator=generator)
    return meaning @ mixing[0] + noise[0], meaning @ mixing[1] + noise[1]


def fit(mixing: Tensor, generator: torch.Generator, device: str) -> tuple[Tensor, Tensor, list[float]]:
    """Return linear encoders [24, 8] of sounds and of captions, trained on fresh batches, and the loss of each step."""
    encoders = torch.randn(2, INPUTS, DIMENSION, generator=generator) / INPUTS**0.5
    encoders = moved(encoders, device).requires_grad_()
    losses = []
    for _ in range(STEPS):
        sounds, captions = (moved(one, device) for one in pairs(BATCH, generator, mixing))
        loss = contrastive_loss(sounds @ encoders[0], captions @ encoders[1])
        (gradient,) = torch.autograd.grad(loss, encoders)
        encoders = (encoders - STEP * gradient).detach().requires_grad_()
        losses.append(float(loss.detach()))
    return encoders[0].detach(), encoders[1].detach(), losses


def demo(*, device: str = "cpu", seed: int = 0, wrong: float = 0.4, count: int = 1000) -> dict[str, Any]:
    """Train toy encoders, then clean a data set whose captions are partly wrong with thresholds on their scores.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the toy: how it sounds, pairs, weights, and which captions are wrong.
        wrong: share of captions that were taken from another sound, from 0 to below 1.
        count: pairs to clean, 2 or more.
    """
    if not 0 <= wrong < 1 or count < 2:
        raise ValueError(f"want a wrong share from 0 to below 1 and a count of 2 or more, got {wrong} and {count}")
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(2, MEANINGS, INPUTS, generator=generator)
    with one_thread():
        for_sounds, for_captions, losses = fit(mixing, generator, device)
    sounds, captions = pairs(count, generator, mixing)
    right = torch.arange(count) >= int(wrong * count)
    captions = torch.where(right[:, None], captions, captions.roll(1, 0))
    sounds, captions = moved(sounds, device) @ for_sounds, moved(captions, device) @ for_captions
    scores = (unit(sounds) * unit(captions)).sum(1).tolist()
    rows = []
    for threshold in (-1.0, 0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = threshold_filter(scores, right.tolist(), threshold)
        rows.append({"threshold": threshold, **{name: round(value, 1) for name, value in kept._asdict().items()}})
    found = recall_percent(sounds[right][:BATCH], captions[right][:BATCH])
    remarks = [
        f"The loss fell from {losses[0]:.2f} to {losses[-1]:.2f}; "
        f"to guess one of {BATCH} costs {uniform_loss(BATCH):.2f}.",
        "It began above that: at a low temperature random encoders are sure, and wrong.",
        f"Of {min(BATCH, int(right.sum()))} right pairs {found:.0f} % of the sounds find their own caption first.",
        "A higher threshold leaves cleaner captions and fewer: the price is what was right and scored low.",
    ]
    x, series = [row["threshold"] for row in rows], {name: [row[name] for row in rows] for name in Kept._fields}
    plot = {"kind": "line", "x": x, "series": series, "x_label": "threshold on the score", "y_label": "percent"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    alike = moved(torch.ones(8, 3, dtype=torch.float64), device)
    apart = moved(torch.eye(8, dtype=torch.float64), device)
    by_hand = threshold_filter([0.9, 0.4, 0.6, 0.1], [True, True, False, False], 0.5)
    forwards, backwards = contrastive_loss(apart, apart.flip(0)), contrastive_loss(apart.flip(0), apart)
    return [
        ("Embeddings that are all alike cost log N.", abs(float(contrastive_loss(alike, alike)) - math.log(8)) < 1e-9),
        ("Pairs unlike all others cost next to nothing.", float(contrastive_loss(apart, apart)) < 1e-5),
        ("Sounds and captions may change places.", torch.allclose(forwards, backwards)),
        ("A threshold keeps half, half right, half of the right.", by_hand == (50, 50, 50)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A contrastive loss and a threshold filter, on a toy.", demo, checks)


if __name__ == "__main__":
    main()
