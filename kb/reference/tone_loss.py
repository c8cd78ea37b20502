"""Tone lost in units: k-means spends its centres on what is far apart, so close tones share units first.

Source: Osakuade and King, "Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?"
    (arXiv:2410.19935): vowel and tone are read from latents and from k-means units of them. Its finding is shown on
    made-up latents: a segment, far from the others, plus a tone, close to the others, plus a speaker, plus noise.
Left out: SSL models and speech; the sequences of units that the paper's classifiers read, here it is one unit.
Oracle: RidgeClassifier of scikit-learn for the probe: equal predictions, weights to 1e-9 in float64.
Ties: of centres equally near, and of classes with equal scores, the lowest index wins.
Dtype: latents are float32 or float64; units and labels int64. Random numbers are drawn on the CPU.
Notation: N latents, D dimension, V codebook size (number of units), C classes.
"""

import argparse
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

SEGMENTS, TONES = 20, 4
DIMENSION = 64
SEGMENT_SPREAD, TONE_SPREAD = 3.0, 0.7  # standard deviation in each dimension, where the noise has 1
SPEAKER_DIRECTIONS = 6  # speakers differ in these few directions
SIZE = 8000  # latents to train on, and as many to test
EMPHASIS = 3.0  # by which task-aware units stretch the directions that tell tones apart


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


def nearest(x: Tensor, centres: Tensor) -> Tensor:
    """Return units [N]: for each of x [N, D] the index of the nearest of the centres [V, D]."""
    return torch.addmm(centres.square().sum(1) / 2, x, centres.T, alpha=-1).argmin(1)


def kmeans(x: Tensor, codebook_size: int, *, seed: int = 0, iterations: int = 100) -> Tensor:
    """Return centres [V, D] of x [N, D]: begun by k-means++, then each the mean of what is nearest to it.

    ssl-units explains both steps. Here a centre without latents stays where it is.
    """
    if x.ndim != 2 or not 1 <= codebook_size <= len(x) or not x.isfinite().all():
        raise ValueError(f"{codebook_size} centres want as many finite latents [N, D] or more, got {list(x.shape)}")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(codebook_size, generator=generator, dtype=torch.float64).to(x.device)
    centres, distances = x.new_empty(codebook_size, x.shape[1]), x.new_ones(len(x))
    for v in range(codebook_size):
        reached = distances.double().cumsum(0)
        centres[v] = x[torch.searchsorted(reached, drawn[v] * reached[-1], right=True).clamp(max=len(x) - 1)]
        squared = (x - centres[v]).square().sum(1)
        distances = squared if v == 0 else torch.minimum(distances, squared)
    units = None
    for _ in range(iterations):
        before, units = units, nearest(x, centres)
        if before is not None and torch.equal(units, before):
            break
        counts = torch.bincount(units, minlength=codebook_size)[:, None]
        centres = torch.where(counts > 0, torch.zeros_like(centres).index_add_(0, units, x) / counts, centres)
    return centres


def emphasize(x: Tensor, training: Tensor, labels: Tensor, factor: float) -> Tensor:
    """Return x [N, D] with what tells labels apart multiplied by factor: one way to make units task-aware.

    That is the part of x in the directions in which the means of the training latents differ from label to label.
    Example: labels differ in the first of two dimensions only, factor 3 -> (1, 5) becomes (3, 5).
    """
    classes = int(labels.max()) + 1
    means = torch.stack([training[labels == label].mean(0) for label in range(classes)])
    directions = torch.linalg.svd(means - means.mean(0), full_matrices=False).Vh[: classes - 1]  # [C - 1, D]
    return x + (factor - 1) * (x @ directions.T) @ directions


class Probe(NamedTuple):
    """A linear map from features to a score for each class."""

    weight: Tensor  # [D, C]
    bias: Tensor  # [C]


def train_probe(x: Tensor, labels: Tensor, classes: int, *, ridge: float = 1.0) -> Probe:
    """Return the linear probe whose scores are nearest to 1 for the class of each of x [N, D] and 0 for the others.

    Nearest in squared error, plus ridge times the squared weights (not the bias). Example: of units, that is of
    vectors with a single 1, it reads the most frequent label of each unit.
    """
    ...


def accuracy(probe: Probe, x: Tensor, labels: Tensor) -> float:
    """Return the share of x [N, D] whose class, the one with the highest score, is the label [N]."""
    return float(((x @ probe.weight + probe.bias).argmax(1) == labels).double().mean())
