"""Layer probes: which layer of a model holds what, read by linear probes and by a learned weighted sum of layers.

Source: SUPERB, section 3 (arXiv:2105.01051), for frozen layers summed with learned weights; Alain and Bengio
    (arXiv:1610.01644) for linear probes; the finding that early layers are general and later ones task-specific is
    that of "What Do Speech Foundation Models Not Learn About Speech?" (arXiv:2410.12948).
Left out: a speech model. The stack is made up, with a known strength of each kind of information in each layer, so
    that one sees whether probes and weights find it. Probes here read one vector per utterance.
Oracle: LogisticRegression(C=1 / l2) and Ridge(alpha=l2) of scikit-learn in float64: weights to 1e-5.
Ties: of classes with equal scores the lowest wins.
Dtype: layers and real-valued targets share one, float32 or float64; labels are int64. Drawn on the CPU.
Notation: L layers, N utterances, D dimension, C classes (1 for a real-valued target).
"""

import argparse
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

STEPS = 300  # of L-BFGS, at most; it stops where the gradient vanishes


class Probe(NamedTuple):
    """A linear map of a weighted sum of layers."""

    shares: Tensor  # [L], above 0, together 1
    weight: Tensor  # [D, C]
    bias: Tensor  # [C]


def standardize(layers: Tensor, training: Tensor) -> Tensor:
    """Return layers [L, N, D] with the mean 0 and deviation 1 that each dimension of each layer has in training.

    Without it the shares of a weighted sum tell how large layers are, and not what they hold.
    """
    return (layers - training.mean(1, keepdim=True)) / training.std(1, keepdim=True)


def scores(probe: Probe, layers: Tensor) -> Tensor:
    """Return scores [N, C] for layers [L, N, D]: those of classes, or the predicted value where C is 1."""
    return torch.einsum("l,lnd->nd", probe.shares, layers) @ probe.weight + probe.bias


def train(layers: Tensor, targets: Tensor, *, l2: float = 1.0) -> Probe:
    """Return the probe that reads targets [N] best from a weighted sum of layers [L, N, D]; L may be 1.

    Labels (int64) are read by logistic regression: the loss is their cross-entropy. Real values are read by ridge
    regression: the loss is half the squared error. To the sum over utterances comes half of l2 times the squared weight.
    The shares are the softmax of free parameters, begin alike and are learned with the rest; for L = 1 the share is 1
    and the loss is convex.
    """
    ...
