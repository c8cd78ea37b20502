"""DPO: right and wrong answers of a toy policy to one question, in pairs, move it without a reward model.

The toy: the policy has seven weights, and its answers are ways of playing the 24 game with three numbers. Long because
that policy comes with the loss, so that there is something to train.
Source: Direct Preference Optimization, equation 7 (arXiv:2305.18290); the pairs as in O1 Replication Journey, training
    (arXiv:2410.18982): 20 answers a question, 5 right and 5 wrong ones drawn from them, 5 pairs.
Left out: nucleus sampling (the paper's top_p 0.95, temperature 0.7), label smoothing, the language model.
Oracle: torch.nn.functional.logsigmoid, as libraries write the loss, within 1e-6; its gradient, from the paper.
Ties: dtype and device are those of the log-probabilities; answers and pairs are drawn by a random.Random.
Notation: N pairs, S steps of an answer, C steps possible at each, F features.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference import puzzles
from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference.puzzles import State, Step

RATE = 1.0  # of learning, by beta, as gradients are as small as that
PLOTTED = [0, 5, 10, 20, 40, 80]  # gradient steps
FEATURES = ("+", "-", "×", "÷", "whole", "divides 24", "zero")


def preference_pairs(samples: int, correct: int, per_side: int) -> int:
    """Return how many pairs a question gives. Example: 20, 5, 5 -> 5; 20, 18, 5 -> 2, as only 2 are wrong.

    Raises: ValueError for more correct ones than samples, or numbers below 0.
    """
    if not 0 <= correct <= samples or per_side < 0:
        got = f"{correct}, {samples} and {per_side}"
        raise ValueError(f"want 0 <= correct <= samples and per_side of 0 or more, got {got}")
    return min(correct, samples - correct, per_side)


def loss(margin: float, beta: float) -> float:
    """Return -log sigmoid(beta margin). Example: margin 0, where every training begins -> log 2 = 0.693.

    Args:
        margin: how much more the policy prefers the chosen answer than the reference does, in nats.
        beta: how fast a margin is enough, above 0; the paper's 0.1.
    """
    _check_beta(beta)
    x = -beta * margin
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))  # log(1 + e^x), whatever x is


def dpo_loss(
    policy_chosen: Tensor, policy_rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """Return the loss of each pair: low where the policy prefers the chosen answer more than the reference does.

    Args:
        policy_chosen: [N] log-probabilities of the chosen answers, all tokens (or steps) summed; so are the others.
        policy_rejected: [N], of the rejected ones.
        reference_chosen: [N], of the chosen ones in the frozen policy where training began.
        reference_rejected: [N].
        beta: how fast a margin is enough, above 0.
    Returns: [N].
    Raises: ValueError if the shapes differ or beta is not above 0.
    """
    _check_beta(beta)
    shapes = [list(one.shape) for one in (policy_chosen, policy_rejected, reference_chosen, reference_rejected)]
    if policy_chosen.ndim != 1 or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"want four tensors [N] of log-probabilities, got {shapes}")
    margin = (policy_chosen - reference_chosen) - (policy_rejected - reference_rejected)
    return torch.logaddexp(torch.zeros_like(margin), -beta * margin)


def _check_beta(beta: float) -> None:
    if not 0 < beta < math.inf:
        raise ValueError(f"want a beta above 0, got {beta}")


class Answer(NamedTuple):
    """A way of playing."""

    state: State  # where it begins
    steps: Sequence[Step]


def pair_up(answers: Sequence[Answer], per_side: int, rng: Random) -> list[tuple[Answer, Answer]]:
    """Return pairs of a right and a wrong answer: as many as preference_pairs says, no answer in two of them."""
    right, wrong = ([one for one in answers if puzzles.solved(one.steps[-1].after) == side] for side in (True, False))
    pairs = preference_pairs(len(answers), len(right), per_side)
    return list(zip(rng.sample(right, pairs), rng.sample(wrong, pairs), strict=True))


@cache
def features(step: Step) -> tuple[float, ...]:
    """Return what the toy policy sees of a step [F]: its sign, and what kind of number it makes."""
    made = step.result
    kinds = [made.denominator == 1, made != 0 and (24 / made).denominator == 1, made == 0]
    return tuple(float(one) for one in (*(step.sign == sign for sign in FEATURES[:4]), *kinds))


@dataclass(frozen=True)
class Linear:
    """A toy policy: the softmax of a weighted sum of features. With weights of 0 it draws any step."""

    weights: tuple[float, ...]

    def __call__(self, state: State, steps: Sequence[Step]) -> Sequence[float]:
        """Return a weight for each of steps."""
        return [math.exp(sum(w * x for w, x in zip(self.weights, features(step), strict=True))) for step in steps]


def as_tensors(answers: Sequence[Answer]) -> Tensor:
    """Return [N, S, C, F]: the features of the steps possible at each of the S steps of N answers.

    The step that was taken stands first; where fewer than C are possible, NaN stands for the rest.
    Raises: ValueError for no answers, or answers of different lengths.
    """
    lengths = {len(answer.steps) for answer in answers}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"want answers of one number of steps, got {sorted(lengths)}")
    found = []
    for state, steps in answers:
        for taken in steps:
            others = [step for step in puzzles.next_steps(state) if step != taken]
            found.append(torch.tensor([features(step) for step in (taken, *others)]))
            state = taken.after
    padded = torch.nn.utils.rnn.pad_sequence(found, batch_first=True, padding_value=math.nan)
    return padded.reshape(len(answers), -1, *padded.shape[1:])


def log_probability(weights: Tensor, answers: Tensor) -> Tensor:
    """Return [N] log-probabilities of answers [N, S, C, F] under weights [F]: the logs of all S steps summed."""
    logits = (answers.nan_to_num() @ weights).masked_fill(answers.isnan().any(-1), -math.inf)
    taken: Tensor = logits.log_softmax(-1)[..., 0]
    return taken.sum(-1)


def train(weights: Tensor, reference: Tensor, chosen: Tensor, rejected: Tensor, beta: float, steps: int) -> Tensor:
    """Return weights [F] after steps of gradient descent, on all pairs at once.

    Args:
        weights: [F], where training begins.
        reference: [F], what margins are measured from; it stays as it is.
        chosen: [N, S, C, F], the better answer of each pair.
        rejected: [N, S, C, F], the worse one.
        beta: of the loss.
        steps: of gradient descent.
    """
    frozen = log_probability(reference, chosen), log_probability(reference, rejected)
    for _ in range(steps):
        weights = weights.detach().requires_grad_()
        losses = dpo_loss(log_probability(weights, chosen), log_probability(weights, rejected), *frozen, beta)
        (gradient,) = torch.autograd.grad(losses.mean(), weights)
        weights = weights - RATE / beta * gradient
    return weights.detach()


def _weights(device: str) -> Tensor:
    return moved(torch.zeros(len(FEATURES)), device)


FIGURES = (preference_pairs, loss)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, samples: int = 20, per_side: int = 5, beta: float = 0.1
) -> dict[str, Any]:
    """Let a policy that draws any step answer, train it on pairs of its answers, and return how often it solves then.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws answers, pairs, and which puzzles are held out.
        samples: answers to each puzzle.
        per_side: right, and wrong, ones of them that go into pairs at most.
        beta: of the loss.
    """
    rng, reference, pairs, counts = Random(seed), _weights(device), [], []  # noqa: S311
    hands = [hand for hand in combinations_with_replacement(range(1, 14), 3) if puzzles.solvable(puzzles.begin(hand))]
    states = [puzzles.begin(hand) for hand in rng.sample(hands, len(hands))]
    trained, held_out = states[::2], states[1::2]
    for state in trained:
        answers = [Answer(state, puzzles.attempt(puzzles.blind, state, rng)) for _ in range(samples)]
        some = pair_up(answers, per_side, rng)
        counts.append(len(some))
        pairs += some
    if not pairs:
        raise ValueError(f"want a pair or more to train on, got none from {samples} answers, {per_side} a side")
    chosen, rejected = (as_tensors([pair[side] for pair in pairs]).to(reference) for side in (0, 1))
    rows, weights, before = [], reference, 0
    for steps in PLOTTED:
        with one_thread():
            weights = train(weights, reference, chosen, rejected, beta, steps - before)
            gains = [log_probability(weights, some) - log_probability(reference, some) for some in (chosen, rejected)]
        margins, before = (gains[0] - gains[1]).tolist(), steps
        row = {"steps": steps, "loss": sum(loss(margin, beta) for margin in margins) / len(pairs)}
        row |= {"pairs_in_order": sum(margin > 0 for margin in margins) / len(pairs)}
        row |= {"solved": _solved(weights, trained), "solved_held_out": _solved(weights, held_out)}
        rows.append({name: round(value, 3) for name, value in row.items()})
    learned = zip(FEATURES, weights.tolist(), strict=True)
    remarks = [
        f"{len(pairs)} pairs from {samples} answers to each of {len(trained)} puzzles. {counts.count(0)} gave none:",
        f"no answer was right; {counts.count(per_side)} gave all {per_side}. What is too hard teaches nothing.",
        "solved, solved_held_out: the exact chance on the puzzles trained on, and on those that were not.",
        f"The weights learned: {', '.join(f'{name} {weight:.1f}' for name, weight in learned)}.",
    ]
    series = {name: [row[name] for row in rows] for name in ("solved", "solved_held_out")}
    plot = {"kind": "line", "x": PLOTTED, "series": series, "x_label": "gradient steps", "y_label": "chance to solve"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _solved(weights: Tensor, states: Sequence[State]) -> float:
    policy = Linear(tuple(weights.tolist()))
    return sum(puzzles.chance(policy, state) for state in states) / len(states)


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of pairs and loss, each with whether it did."""
    reference, rng, state = _weights(device), Random(0), puzzles.begin((2, 3, 4))  # noqa: S311
    answers = [Answer(state, puzzles.attempt(puzzles.blind, state, rng)) for _ in range(60)]
    pairs = pair_up(answers, 5, rng)
    chosen, rejected = (as_tensors([pair[side] for pair in pairs]).to(reference) for side in (0, 1))
    with one_thread():
        at_start = log_probability(reference, chosen), log_probability(reference, rejected)
        learned = train(reference, reference, chosen, rejected, 0.1, 20)
        now = log_probability(learned, chosen), log_probability(learned, rejected)
        begun, ended = (dpo_loss(*some, *at_start, 0.1).mean().item() for some in (at_start, now))
    choices = [len(puzzles.next_steps(here)) for here in (state, pairs[0][0].steps[0].after)]
    return [
        ("20 answers, 5 of them right, give 5 pairs.", preference_pairs(20, 5, 5) == 5),
        ("18 right ones leave 2 wrong ones: 2 pairs.", preference_pairs(20, 18, 5) == 2),
        ("Training begins with a loss of log 2.", abs(begun - math.log(2)) < 1e-6),
        ("It falls.", ended < begun),
        ("Weights of 0 draw any step.", abs(at_start[0][0].item() + math.log(math.prod(choices))) < 1e-5),
        ("What was trained solves its puzzle more often.", _solved(learned, [state]) > _solved(reference, [state])),
        ("A margin large either way makes no overflow.", loss(1e6, 1.0) == 0 and loss(-1e6, 1.0) == 1e6),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Preference pairs from a policy's own answers, and DPO on them.", demo, checks)


if __name__ == "__main__":
    main()
