"""Tone lost in units: k-means spends its centres on what is far apart, so close tones share units first.

Long because latents, probe and a task-aware variant stand together.
Source: Osakuade and King, "Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?"
    (arXiv:2410.19935), which finds less tone in k-means units than in latents; arXiv:2604.07467 finds it of other
    quantizers too. Here latents are made up: a segment, far from the others, plus a tone, close to the others, plus
    a speaker, plus noise.
Left out: SSL models and speech; time: a probe reads one latent or one unit.
Oracle: RidgeClassifier of scikit-learn for the probe: equal predictions, weights to 1e-9 in float64.
Ties: of centres equally near, and of classes with equal scores, the lowest index wins.
Dtype: latents are float32 or float64; units and labels int64. Random numbers are drawn on the CPU.
Notation: N latents, D dimension, V codebook size (number of units), C classes.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference import ssl_units
from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

SEGMENTS, TONES = 20, 4
DIMENSION = 64
SEGMENT_SPREAD, TONE_SPREAD = 3.0, 0.6  # standard deviation in each dimension, where the noise has 1
SPEAKER_DIRECTIONS = 6  # speakers differ in these few directions
SIZE = 8000  # latents to train on, and as many to test


class Latents(NamedTuple):
    """Made-up latents with the labels that a probe is to read from them."""

    x: Tensor  # [N, D]
    segment: Tensor  # [N], int64 in 0..SEGMENTS-1
    tone: Tensor  # [N], int64 in 0..TONES-1


class Kept(NamedTuple):
    """The share of test latents whose label a linear probe reads right."""

    segment: float
    tone: float


def make(speaker_spread: float, *, seed: int = 0) -> tuple[Latents, Latents]:
    """Return latents to train on and latents to test, of the same segments and tones.

    speaker_spread is the standard deviation of what speakers add in each of their directions; 0 for one speaker.
    """
    generator = torch.Generator().manual_seed(seed)
    segments = SEGMENT_SPREAD * torch.randn(SEGMENTS, DIMENSION, generator=generator)
    tones = TONE_SPREAD * torch.randn(TONES, DIMENSION, generator=generator)
    directions = torch.linalg.qr(torch.randn(DIMENSION, SPEAKER_DIRECTIONS, generator=generator)).Q.T
    parts = []
    for _ in range(2):
        segment = torch.randint(SEGMENTS, (SIZE,), generator=generator)
        tone = torch.randint(TONES, (SIZE,), generator=generator)
        speaker = speaker_spread * torch.randn(SIZE, SPEAKER_DIRECTIONS, generator=generator) @ directions
        noise = torch.randn(SIZE, DIMENSION, generator=generator)
        parts.append(Latents(segments[segment] + tones[tone] + speaker + noise, segment, tone))
    return parts[0], parts[1]


def emphasize(x: Tensor, training: Latents, factor: float) -> Tensor:
    """Return x [N, D] with its part that tells tones apart multiplied by factor: one way to make units task-aware.

    That part lies in the directions in which the means of the training latents differ from tone to tone.
    Example: tones differ in the first three of four dimensions, factor 3 -> (1, 2, 3, 5) becomes (3, 6, 9, 5).
    """
    means = torch.stack([training.x[training.tone == tone].mean(0) for tone in range(TONES)])
    directions: Tensor = torch.linalg.qr((means[1:] - means[0]).T).Q  # [D, TONES - 1]
    return x + (factor - 1) * (x @ directions) @ directions.T


class Probe(NamedTuple):
    """A linear map from features to a score for each class."""

    weight: Tensor  # [D, C]
    bias: Tensor  # [C]


def train_probe(x: Tensor, labels: Tensor, *, ridge: float = 1.0) -> Probe:
    """Return the linear probe whose scores for x [N, D] are nearest to 1 for the label's class and to 0 for the others.

    Nearest in squared error, to which ridge times the squared weights is added. Of units, that is of vectors with a
    single 1, such a probe reads the label that is most frequent among the latents of a unit.
    """
    if x.ndim != 2 or labels.shape != x.shape[:1] or not len(x) or not x.isfinite().all():
        raise ValueError(f"want finite x [N, D] and labels [N], got {list(x.shape)} and {list(labels.shape)}")
    if not x.is_floating_point() or labels.dtype != torch.int64 or int(labels.min()) < 0:
        got = f"{x.dtype} and {labels.dtype} from {labels.min()} on"
        raise ValueError(f"want floating-point x and int64 labels from 0 on, got {got}")
    wanted = torch.nn.functional.one_hot(labels).to(x.dtype)
    x_mean, wanted_mean = x.mean(0), wanted.mean(0)
    gram = (x - x_mean).T @ (x - x_mean) + ridge * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weight = torch.linalg.solve(gram, (x - x_mean).T @ (wanted - wanted_mean))
    return Probe(weight, wanted_mean - x_mean @ weight)


def predict(probe: Probe, x: Tensor) -> Tensor:
    """Return for each of x [N, D] the class with the highest score, [N]."""
    return (x @ probe.weight + probe.bias).argmax(1)


def kept(training: Latents, test: Latents) -> Kept:
    """Return how much of segment and tone probes of the training latents read from the test latents."""
    segment, tone = train_probe(training.x, training.segment), train_probe(training.x, training.tone)
    right = predict(segment, test.x) == test.segment, predict(tone, test.x) == test.tone
    return Kept(float(right[0].double().mean()), float(right[1].double().mean()))


def as_units(
    training: Latents, test: Latents, codebook_size: int, emphasis: float, seed: int
) -> tuple[Latents, Latents]:
    """Return both with x replaced by units, as vectors [N, V] with a single 1; k-means sees the training latents."""
    centres = ssl_units.fit(emphasize(training.x, training, emphasis), codebook_size, seed=seed)

    def quantized(part: Latents) -> Latents:
        units = ssl_units.nearest(emphasize(part.x, training, emphasis), centres)
        return part._replace(x=torch.nn.functional.one_hot(units, codebook_size).to(part.x.dtype))

    return quantized(training), quantized(test)


def kept_by_latents(speaker_spread: float = 0.0, seed: int = 0) -> Kept:
    """Return how much of segment and tone a probe reads from the latents themselves."""
    with one_thread():
        return kept(*make(speaker_spread, seed=seed))


def kept_by_units(codebook_size: int, emphasis: float = 1.0, speaker_spread: float = 0.0, seed: int = 0) -> Kept:
    """Return how much of segment and tone a probe reads from units; an emphasis above 1 makes them task-aware."""
    with one_thread():
        return kept(*as_units(*make(speaker_spread, seed=seed), codebook_size, emphasis, seed))


def _on(device: str, latents: Latents) -> Latents:
    return Latents(*(moved(tensor, device) for tensor in latents))


FIGURES = (kept_by_latents, kept_by_units)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebook_sizes: tuple[int, ...] = (20, 50, 100, 200),
    emphasis: float = 3.0,
    speaker_spread: float = 3.0,
) -> dict[str, Any]:
    """Read segment and tone from latents, from units, and from units that know of tone, as codebooks grow.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the latents and the first centres.
        codebook_sizes: numbers of units to try, V.
        emphasis: by which task-aware units stretch what tells tones apart; 1 leaves it as it is.
        speaker_spread: how much speakers differ where there are many of them; the noise has 1.
    """
    if min(codebook_sizes, default=0) < 1 or not 0 <= speaker_spread < math.inf or not 0 < emphasis < math.inf:
        got = f"{list(codebook_sizes)}, {speaker_spread} and {emphasis}"
        raise ValueError(f"want codebook_sizes of 1 or more, speaker_spread of 0 or more, emphasis above 0, got {got}")
    made = [make(spread, seed=seed) for spread in (0.0, speaker_spread)]
    one_speaker, speakers = ((_on(device, training), _on(device, test)) for training, test in made)
    with one_thread():
        read: list[tuple[str, int | None, Kept, Kept]] = [("latents", None, kept(*one_speaker), kept(*speakers))]
        for name, factor in (("units", 1.0), ("task-aware units", emphasis)):
            for size in codebook_sizes:
                one, many = (kept(*as_units(*parts, size, factor, seed)) for parts in (one_speaker, speakers))
                read.append((name, size, one, many))
    rows = [
        {
            "read_from": name,
            "codebook_size": size,
            "bits": None if size is None else round(math.log2(size), 2),
            "segment": round(one.segment, 2),
            "tone": round(one.tone, 2),
            "segment_many_speakers": round(many.segment, 2),
            "tone_many_speakers": round(many.tone, 2),
        }
        for name, size, one, many in read
    ]
    remarks = [
        f"Chance is {1 / SEGMENTS:g} for the segment and {1 / TONES:g} for the tone."
        f" To tell both takes {math.log2(SEGMENTS * TONES):.2f} bits.",
        "The latents hold the tone. k-means lowers its error most by telling segments apart; centres reach for tones"
        " only after that, and where speakers differ more than tones do, for speakers first.",
        f"Task-aware units: k-means after what tells tones apart was stretched by {emphasis:g}. They get no more bits"
        " for it: stretched further, small codebooks lose segments.",
    ]
    plain, aware = ([row for row in rows if row["read_from"] == name] for name in ("units", "task-aware units"))
    series = {
        "segment": [row["segment"] for row in plain],
        "tone": [row["tone"] for row in plain],
        "tone, many speakers": [row["tone_many_speakers"] for row in plain],
        "tone, many speakers, task-aware": [row["tone_many_speakers"] for row in aware],
        "tone from the latents": [rows[0]["tone"] for _ in plain],
        "tone by chance": [1 / TONES for _ in plain],
    }
    plot = {"kind": "line", "x": list(codebook_sizes), "series": series}
    plot |= {"x_label": "units in the codebook", "y_label": "share read right"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of probes and units, each with whether it did."""
    training, test = (_on(device, part) for part in make(0.0))
    with one_thread():
        latents, few = kept(training, test), kept(*as_units(training, test, SEGMENTS, 1.0, 0))
        one = kept(*as_units(training, test, 1, 1.0, 0))
        shuffled = torch.randperm(SIZE, generator=torch.Generator().manual_seed(0)).to(device)
        unrelated = kept(training._replace(tone=training.tone[shuffled]), test)
    return [
        ("segment and tone can both be read from the latents", latents.segment > 0.98 and latents.tone > 0.98),
        ("as many units as segments keep most segments", few.segment > 0.75),
        ("they keep hardly any tone", few.tone < 0.35),
        ("a single unit keeps nothing: chance", abs(one.tone - 1 / TONES) < 0.03 and one.segment < 0.1),
        ("a probe trained on shuffled tones is at chance", abs(unrelated.tone - 1 / TONES) < 0.03),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Segment and tone, read from latents and from k-means units.", demo, checks)


if __name__ == "__main__":
    main()
