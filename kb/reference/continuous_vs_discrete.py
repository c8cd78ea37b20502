"""Continuous or discrete output: of two right answers an MSE head gives the average, heads that draw one.

Long because it holds four heads, fitted and drawn from.
Source: mixture density head: Bishop 1994, "Mixture Density Networks" (Aston NCRG/94/004); flow head: Lipman et al.,
    section 4 (arXiv:2210.02747), straight paths from noise to data. A speech model with an MSE head: Continuous
    Speech Tokenizer (arXiv:2410.17081).
Left out: the input. Each head answers one and the same question, and is fitted as well as it can be: the networks
    would add their own errors.
Oracle: GaussianMixture (scikit-learn), step for step to 1e-9; the flow of two points has a formula (tanh): to 1e-12.
Ties: an answer on the edge of two bins belongs to the upper one. Dtype: float64. Random numbers are drawn on the CPU.
Notation: N answers seen, M answers drawn, C components, V bins.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

NEAR = 0.3  # what counts as near an answer, or near the middle
EDGE = 2.0  # histograms and tokens reach from -2 to 2


class Mixture(NamedTuple):
    """Gaussians, each with a share."""

    shares: Tensor  # [C]
    means: Tensor  # [C]
    variances: Tensor  # [C]


def make(size: int, spread: float, *, seed: int = 0) -> Tensor:
    """Return right answers [N]: -1 or 1 with even chances, plus a little noise."""
    if size < 2 or not 0 < spread < math.inf:
        raise ValueError(f"want 2 answers or more and a spread above 0, got {size} and {spread}")
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (size,), generator=generator) * 2.0 - 1
    return signs.double() + spread * torch.randn(size, generator=generator, dtype=torch.float64)


def mse_head(answers: Tensor) -> Tensor:
    """Return the one number whose squared error to answers [N] is least: their average. Example: -1, 1 -> 0."""
    return _checked(answers).mean()


def categorical_head(answers: Tensor, bins: int) -> Tensor:
    """Return the probabilities [V] that cross-entropy is least with: how often answers fall into equal bins."""
    if bins < 1:
        raise ValueError(f"want 1 bin or more, got {bins}")
    index = ((_checked(answers) + EDGE) / (2 * EDGE) * bins).floor().long().clamp(0, bins - 1)
    return torch.bincount(index, minlength=bins).double() / len(answers)


def draw_categorical(probabilities: Tensor, drawn: int, *, seed: int = 0) -> Tensor:
    """Return answers [M]: the middles of bins drawn with probabilities [V]."""
    uniform = torch.rand(drawn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(probabilities)
    reached = probabilities.cumsum(0)
    index = torch.searchsorted(reached, uniform * reached[-1], right=True).clamp(max=len(probabilities) - 1)
    return (index.to(probabilities) + 0.5) * (2 * EDGE / len(probabilities)) - EDGE


def mixture_head(answers: Tensor, start: Mixture, iterations: int = 50) -> Mixture:
    """Return the mixture that makes answers [N] likely, by expectation and maximization from start.

    With one component this is a Gaussian head: MSE that knows its own variance.
    """
    _checked(answers)
    if iterations < 1 or len({len(part) for part in start}) > 1 or not (start.variances > 0).all():
        sizes = [len(part) for part in start]
        raise ValueError(f"want C shares, means, variances above 0, 1 iteration or more, got {sizes}, {iterations}")
    mixture = start
    for _ in range(iterations):
        distances = (answers[:, None] - mixture.means).square()  # [N, C]
        log_density = mixture.shares.log() - mixture.variances.log() / 2 - distances / (2 * mixture.variances)
        belongs = log_density.softmax(1)  # expectation: the share of each answer that a component explains
        counts = belongs.sum(0)  # maximization: shares, means and variances, weighted by it
        means = belongs.T @ answers / counts
        variances = (belongs * (answers[:, None] - means).square()).sum(0) / counts
        mixture = Mixture(counts / len(answers), means, variances)
    return mixture


def draw_mixture(mixture: Mixture, drawn: int, *, seed: int = 0) -> Tensor:
    """Return answers [M]: a component drawn by its share, then a value from it."""
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(drawn, generator=generator, dtype=torch.float64).to(mixture.means)
    noise = torch.randn(drawn, generator=generator, dtype=torch.float64).to(mixture.means)
    which = torch.searchsorted(mixture.shares.cumsum(0), uniform, right=True).clamp(max=len(mixture.means) - 1)
    return mixture.means[which] + mixture.variances[which].sqrt() * noise


def flow_velocity(x: Tensor, time: float, answers: Tensor) -> Tensor:
    """Return the velocity [M] at x [M] that flow matching learns, with nothing but MSE, from answers [N].

    On a straight path x = (1 - time) noise + time answer the velocity is answer - noise. Its average over the answers
    that may lead through x is what MSE gives. The average again, but not the answer's: by the end x has chosen one.
    """
    if not 0 <= time < 1:
        raise ValueError(f"want a time in 0..1, 1 left out, got {time}")
    closeness = -(x[:, None] - time * _checked(answers)).square() / (2 * (1 - time) ** 2)  # the noise is Gaussian
    return (closeness.softmax(1) @ answers - x) / (1 - time)


def draw_flow(answers: Tensor, drawn: int, steps: int, *, seed: int = 0) -> Tensor:
    """Return answers [M]: noise that follows the velocity in so many Euler steps. One step is the average again."""
    if steps < 1:
        raise ValueError(f"want 1 step or more, got {steps}")
    x = torch.randn(drawn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(answers)
    for step in range(steps):
        x = x + flow_velocity(x, step / steps, answers) / steps
    return x


def _checked(answers: Tensor) -> Tensor:
    if answers.ndim != 1 or not len(answers) or answers.dtype != torch.float64 or not answers.isfinite().all():
        raise ValueError(f"want finite float64 answers [N], got {list(answers.shape)} {answers.dtype}")
    return answers


def demo(
    *, device: str = "cpu", seed: int = 0, size: int = 1000, spread: float = 0.1, bins: int = 40, steps: int = 30
) -> dict[str, Any]:
    """Fit heads to answers around -1 and 1, draw from each, and count what lies near an answer and what between.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the answers and all noise.
        size: answers to fit to, and to draw, N = M.
        spread: standard deviation of the answers around -1 and around 1.
        bins: tokens of the categorical head, V, and bars of the histogram.
        steps: Euler steps of the flow.
    """
    answers = moved(make(size, spread, seed=seed), device)
    one, two = (Mixture(*answers.new_tensor([[1 / c] * c, [-0.5, 0.5][:c], [1.0] * c])) for c in (1, 2))
    drawn = {
        "answers seen": answers,
        "MSE": mse_head(answers).expand(size),
        "one Gaussian": draw_mixture(mixture_head(answers, one), size, seed=seed + 1),
        "categorical": draw_categorical(categorical_head(answers, bins), size, seed=seed + 1),
        "mixture of two": draw_mixture(mixture_head(answers, two), size, seed=seed + 1),
        "flow, 1 step": draw_flow(answers, size, 1, seed=seed + 1),
        f"flow, {steps} steps": draw_flow(answers, size, steps, seed=seed + 1),
    }
    rows = [
        {
            "head": head,
            "mean": round(float(x.mean()), 3),
            "near_an_answer": round(float(((x.abs() - 1).abs() < NEAR).double().mean()), 3),
            "near_the_middle": round(float((x.abs() < NEAR).double().mean()), 3),
            "above_0": round(float((x > 0).double().mean()), 3),
            "error": round(float((x.sort().values - answers.sort().values).abs().mean()), 3),
        }
        for head, x in drawn.items()
    ]
    remarks = [
        f"A toy: near is within {NEAR:g}; error is how far what is drawn must be moved to become the answers (W1).",
        f"MSE says {rows[1]['mean']:g}, where {rows[0]['near_the_middle']:.0%} of the answers lie.",
        "One Gaussian draws, and still draws from the middle: what helps is a shape that can have two peaks.",
        "The flow is trained with MSE too, but of a velocity: many small steps choose, one step gives the average.",
    ]
    series = {head: [round(share, 4) for share in categorical_head(x, bins).tolist()] for head, x in drawn.items()}
    middles = [round((index + 0.5) * 2 * EDGE / bins - EDGE, 4) for index in range(bins)]
    plot = {"kind": "bar", "x": middles, "series": series, "x_label": "answer", "y_label": "share"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the heads, each with whether it did."""
    rows = {row["head"]: row for row in demo(device=device, size=500)["rows"]}
    return [
        ("the best answer by MSE is near the middle of the two", abs(rows["MSE"]["mean"]) < 0.1),
        ("no answer lies there", rows["answers seen"]["near_the_middle"] == 0),
        ("one Gaussian draws from the middle", rows["one Gaussian"]["near_the_middle"] > 0.15),
        ("tokens do not", rows["categorical"]["near_the_middle"] == 0 and rows["categorical"]["near_an_answer"] > 0.97),
        ("a mixture of two does not", rows["mixture of two"]["near_an_answer"] > 0.97),
        ("a flow of many steps does not", rows["flow, 30 steps"]["near_an_answer"] > 0.97),
        ("a flow of one step is MSE again", abs(rows["flow, 1 step"]["mean"] - rows["MSE"]["mean"]) < 1e-3),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Heads that answer where two answers are right.", demo, checks)


if __name__ == "__main__":
    main()
