"""Layer probes: which layer holds what, read by linear probes and by a learned weighted sum of layers.

Long because the stack that is probed has to be made first, with what it holds known.
Source: SUPERB (arXiv:2105.01051), for frozen layers summed with learned weights; Alain and Bengio
    (arXiv:1610.01644) for linear probes; the finding that early layers are general and later ones task-specific is
    that of "What Do Speech Foundation Models Not Learn About Speech?" (arXiv:2410.12948).
Left out: a speech model. The stack is made up, with a known strength of each kind of information in each layer, so
    that one sees whether probes and weights find it. Probes here read one vector per utterance.
Oracle: LogisticRegression(C=1 / l2) and Ridge(alpha=l2) of scikit-learn in float64: weights to 1e-5.
Ties: of classes with equal scores the lowest wins.
Dtype: layers and real-valued targets share one, float32 or float64; labels int64. Random numbers are drawn on the CPU.
Notation: L layers, N utterances, D dimension, C classes (1 for a real-valued target).
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

STEPS = 300  # of L-BFGS, at most; it stops where the gradient vanishes
SPEAKERS, WORDS = 8, 20  # chance is 1 / 8 and 1 / 20
KINDS = ("speaker", "pitch", "word")  # pitch is a real value, the others are labels


class Probe(NamedTuple):
    """A linear map of a weighted sum of layers."""

    shares: Tensor  # [L], each above 0, together 1
    weight: Tensor  # [D, C]
    bias: Tensor  # [C]


def standardize(layers: Tensor, training: Tensor) -> Tensor:
    """Return layers [L, N, D], shifted and scaled so that each dimension has mean 0 and deviation 1 in training.

    Without this the shares of a weighted sum would tell how large layers are as well as what they hold.
    """
    return (layers - training.mean(1, keepdim=True)) / training.std(1, keepdim=True)


def train(layers: Tensor, targets: Tensor, *, l2: float = 1.0) -> Probe:
    """Return the probe that reads targets best from a weighted sum of layers; of a single layer the share is 1.

    Labels are read by logistic regression, whose loss is their cross-entropy; real values by ridge regression, whose
    loss is half the squared error. Added up over utterances, to this comes l2 / 2 times the squared weight. The shares
    are the softmax of numbers that begin at 0, all layers alike, and are learned together with the rest.

    Args:
        layers: [L, N, D], better standardized.
        targets: [N], int64 labels from 0 on, or real values of the layers' dtype.
        l2: how strongly large weights are held back.
    Raises: ValueError if shapes or dtypes are others, a value is not finite, or l2 is not above 0.
    """
    if layers.ndim != 3 or targets.shape != layers.shape[1:2] or not layers.numel():
        raise ValueError(f"want layers [L, N, D] and targets [N], got {list(layers.shape)} and {list(targets.shape)}")
    labels = not targets.is_floating_point()
    if not layers.is_floating_point() or (labels and (targets.dtype != torch.int64 or int(targets.min()) < 0)):
        got = f"{layers.dtype} and {targets.dtype} from {targets.min()} on"
        raise ValueError(f"want floating-point layers, and as targets such values or int64 labels from 0 on, got {got}")
    if not layers.isfinite().all() or not targets.isfinite().all() or not 0 < l2 < math.inf:
        raise ValueError(f"want finite layers and targets, and l2 above 0, got {l2} for l2")
    classes = int(targets.max()) + 1 if labels else 1
    free = layers.new_zeros(len(layers), requires_grad=True)
    weight = layers.new_zeros(layers.shape[2], classes, requires_grad=True)
    bias = layers.new_zeros(classes, requires_grad=True)
    optimizer: Any = torch.optim.LBFGS(
        [free, weight, bias],
        max_iter=STEPS,
        tolerance_grad=1e-11,
        tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        read = scores(Probe(free.softmax(0), weight, bias), layers)
        if labels:
            error = torch.nn.functional.cross_entropy(read, targets, reduction="sum")
        else:
            error = (read[:, 0] - targets).square().sum() / 2
        mean = (error + l2 / 2 * weight.square().sum()) / len(targets)
        torch.autograd.backward(mean)
        return mean

    optimizer.step(loss)
    return Probe(free.softmax(0).detach(), weight.detach(), bias.detach())


def scores(probe: Probe, layers: Tensor) -> Tensor:
    """Return scores [N, C] for layers [L, N, D]: of each class, or the value itself where C is 1."""
    return torch.einsum("l,lnd->nd", probe.shares, layers) @ probe.weight + probe.bias


def quality(probe: Probe, layers: Tensor, targets: Tensor) -> float:
    """Return the share of labels [N] that are read right, or for real values R^2, the share of variance explained."""
    read = scores(probe, layers)
    if not targets.is_floating_point():
        return float((read.argmax(1) == targets).double().mean())
    return 1 - float((read[:, 0] - targets).square().sum() / (targets - targets.mean()).square().sum())


def strengths(layers: int) -> Tensor:
    """Return [L, 3]: how strongly each layer of the made-up stack holds speaker, pitch and word; the noise has 1.

    Speaker and pitch are general: the one is strongest at a fifth of the depth, the other at the start, and both fade.
    Words belong to the task and come in the second half.
    """
    depth = torch.linspace(0, 1, layers)
    speaker = 2.5 * torch.exp(-((depth - 0.2) / 0.3).square())
    return torch.stack([speaker, 1.5 * (1 - depth), 3 * torch.sigmoid((depth - 0.65) / 0.1)], 1)


def make(strength: Tensor, utterances: int, dimension: int, *, seed: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a stack of layers [L, N, D], and the targets [N] that are in it, with strength [L, 3].

    Each kind of information has its own directions, the same in all layers, as in a residual network; each layer adds
    noise of its own.
    """
    generator = torch.Generator().manual_seed(seed)
    speakers = torch.nn.functional.normalize(torch.randn(SPEAKERS, dimension, generator=generator))
    pitches = torch.nn.functional.normalize(torch.randn(1, dimension, generator=generator))
    words = torch.nn.functional.normalize(torch.randn(WORDS, dimension, generator=generator))
    speaker = torch.randint(SPEAKERS, (utterances,), generator=generator)
    pitch = torch.randn(utterances, generator=generator)
    word = torch.randint(WORDS, (utterances,), generator=generator)
    held = torch.stack([speakers[speaker], pitch[:, None] * pitches, words[word]])  # [3, N, D]
    noise = torch.randn(len(strength), utterances, dimension, generator=generator)
    return torch.einsum("lk,knd->lnd", strength, held) + noise, dict(zip(KINDS, (speaker, pitch, word), strict=True))


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    layers: int = 12,
    utterances: int = 2000,
    dimension: int = 32,
    l2: float = 1.0,
) -> dict[str, Any]:
    """Probe each layer of a made-up stack and their weighted sum, and return what they read of utterances held out.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the stack.
        layers: layers of the stack, L.
        utterances: utterances to train probes on; half as many are held out.
        dimension: values of a layer for each utterance, D.
        l2: how strongly large weights of probes are held back.
    """
    if min(layers, dimension) < 1 or utterances < 100:
        got = f"{layers}, {dimension} and {utterances}"
        raise ValueError(f"want layers and dimension of 1 or more, utterances of 100 or more, got {got}")
    stack, targets = make(strengths(layers), utterances + utterances // 2, dimension, seed=seed)
    stack = moved(stack, device)
    training = standardize(stack[:, :utterances], stack[:, :utterances])
    held_out = standardize(stack[:, utterances:], stack[:, :utterances])
    columns: dict[str, list[float]] = {}
    remarks = []
    with one_thread():
        for kind in KINDS:
            known, asked = targets[kind].to(device)[:utterances], targets[kind].to(device)[utterances:]
            read = []
            for layer in range(layers):
                probe = train(training[layer : layer + 1], known, l2=l2)
                read.append(quality(probe, held_out[layer : layer + 1], asked))
            probe = train(training, known, l2=l2)
            together, shares = quality(probe, held_out, asked), probe.shares.tolist()
            columns[kind] = [*read, together]
            columns[f"{kind}_share"] = [*shares, sum(shares)]
            best, heaviest = read.index(max(read)) + 1, shares.index(max(shares)) + 1
            remarks.append(
                f"{kind}: best read from layer {best} ({max(read):.2f}), from the weighted sum {together:.2f};"
                f" the largest share has layer {heaviest}, the last layer alone gives {read[-1]:.2f}."
            )
    remarks += [
        f"speaker and word: the share read right, by chance {1 / SPEAKERS:g} and {1 / WORDS:g}. pitch: R^2.",
        "The stack was made so: that early layers are general and late ones know the task was put in, the probes had to"
        " find it. The sum is better than any layer because here each layer has noise of its own.",
    ]
    names = [*(str(layer) for layer in range(1, layers + 1)), "sum"]
    rows = [
        {"layer": name, **{column: round(values[i], 3) for column, values in columns.items()}}
        for i, name in enumerate(names)
    ]
    series = {kind: columns[kind][:-1] for kind in KINDS}
    plot = {"kind": "line", "x": list(range(1, layers + 1)), "series": series}
    plot |= {"x_label": "layer", "y_label": "read by a linear probe (pitch: R^2)"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of probes and weighted sums, each with whether it did."""
    strength = torch.tensor([[0.0, 0, 0], [0, 0, 3], [0, 0, 3]])  # two layers hold the word, and alike
    stack, targets = make(strength, 600, 16)
    stack, word = moved(stack, device), moved(targets["word"], device)
    larger = stack * torch.tensor([1.0, 1.0, 10.0], device=stack.device)[:, None, None]
    with one_thread():
        alone = [train(stack[layer : layer + 1, :400], word[:400]) for layer in (0, 1)]
        empty, full = (quality(probe, stack[i : i + 1, 400:], word[400:]) for i, probe in enumerate(alone))
        plain, scaled, as_it_is = (
            train(one, word).shares.tolist() for one in (standardize(stack, stack), standardize(larger, larger), larger)
        )
    return [
        ("a layer without the word gives chance", empty < 3 / WORDS),
        ("a layer that has it gives far more", full > 10 / WORDS),
        ("a weighted sum leaves out the layer without", plain[0] < 0.01),
        ("it takes half of each of two layers that have it", abs(plain[1] - 0.5) < 0.05),
        ("standardized, a layer made ten times larger keeps its share", abs(scaled[2] - plain[2]) < 0.01),
        ("not standardized, it does not", abs(as_it_is[2] - plain[2]) > 0.1),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Linear probes of the layers of a made-up stack.", demo, checks)


if __name__ == "__main__":
    main()
