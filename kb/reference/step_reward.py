"""Step reward, a toy: how often roll-outs from a step end right, against a judge who says right or wrong.

The toy: steps are those of the 24 game, roll-outs those of a policy that errs on purpose.
Source: Math-Shepherd, section 3.3 (arXiv:2312.08935): N completions of a step; its soft label is the share that reach
    the answer, its hard label whether one does. O1 Replication Journey (arXiv:2410.18982) takes o1-mini as the judge.
Left out: the reward model that learns these labels.
Oracle: the exact value of a step, summed over every completion there is; the binomial law for how estimates spread.
Ties: none; roll-outs are drawn by a seeded random.Random.
Notation: n roll-outs, p the probability that one ends right. Needs kb.reference.puzzles, no tensors.
"""

import math
from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Any

from kb.reference import puzzles
from kb.reference._alone import run_alone
from kb.reference.puzzles import Erring, ErringJudge, Policy, State

ROLLOUTS = [1, 2, 4, 8, 16, 32]


def roll_out(policy: Policy, state: State, rollouts: int, rng: Random) -> list[bool]:
    """Return of `rollouts` completions of state whether each makes 24. Raises: ValueError for less than 1."""
    _check(rollouts)
    ended = [puzzles.attempt(policy, state, rng) for _ in range(rollouts)]
    return [puzzles.solved(steps[-1].after if steps else state) for steps in ended]


def soft_label(ended: Sequence[bool]) -> float:
    """Return the share of roll-outs that end right, an estimate of p without bias. Example: yes, no, no, no -> 0.25."""
    return fmean(ended)


def hard_label(ended: Sequence[bool]) -> bool:
    """Return whether one roll-out ends right: never wrong when it says yes. Example: yes, no, no, no -> yes."""
    return any(ended)


def value(policy: Policy, state: State) -> float:
    """Return p, what soft labels estimate: the probability that a completion of state makes 24, exact."""
    return puzzles.chance(policy, state)


def standard_error(probability: float, rollouts: int) -> float:
    """Return by how much a soft label strays from p, sqrt(p (1 - p) / n). Example: 0.5, 8 -> 0.177.

    Raises: ValueError for a probability outside of 0 .. 1, or less than 1 roll-out.
    """
    _check(rollouts, probability)
    return math.sqrt(probability * (1 - probability) / rollouts)


def missed(probability: float, rollouts: int) -> float:
    """Return how likely a hard label calls a step wrong that has value p: (1 - p)^n. Example: 0.1, 8 -> 0.43.

    Raises: ValueError for a probability outside of 0 .. 1, or less than 1 roll-out.
    """
    _check(rollouts, probability)
    return (1 - probability) ** rollouts


def rollouts_for(probability: float, error: float) -> int:
    """Return the least n with a standard error of `error` or below. Example: 0.5, 0.05 -> 100.

    Raises: ValueError for a probability outside of 0 .. 1, or an error of 0 or below.
    """
    _check(1, probability)
    if not error > 0:
        raise ValueError(f"want an error above 0, got {error}")
    return max(1, math.ceil(round(probability * (1 - probability) / error**2, 9)))


def _check(rollouts: int, probability: float = 0.0) -> None:
    if rollouts < 1 or not 0 <= probability <= 1:
        raise ValueError(f"want 1 roll-out or more and a probability in 0 .. 1, got {rollouts} and {probability}")


FIGURES = (standard_error, missed, rollouts_for)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    error_rates: tuple[float, ...] = (0.5, 0.8),
    misjudged: float = 0.1,
    repeats: int = 20,
) -> dict[str, Any]:
    """Label first steps by roll-outs, more and more of them, and return how exact that is, beside a judge.

    Args:
        device: not used, there are no tensors.
        seed: draws the roll-outs.
        error_rates: of the policies that complete steps; share of steps after which 24 is out of reach.
        misjudged: share of steps that the judge takes for their opposite.
        repeats: labels of each step, to see how they spread.
    """
    _check(repeats)
    if not error_rates:
        raise ValueError("want one error rate or more, got none")
    rng, judge = Random(seed), ErringJudge(misjudged, seed)  # noqa: S311
    first = [step.after for numbers in puzzles.PUZZLES for step in puzzles.next_steps(puzzles.begin(numbers))]
    right = [state for state in first if puzzles.solvable(state)]
    rows: list[dict[str, Any]] = []
    for error_rate in error_rates:
        policy = Erring(error_rate)
        values = [value(policy, state) for state in right]
        for rollouts in ROLLOUTS:
            tried = [(state, p) for state, p in zip(right, values, strict=True) for _ in range(repeats)]
            ended = [(roll_out(policy, state, rollouts, rng), p) for state, p in tried]
            rows.append(
                {
                    "policy_errs": error_rate,
                    "rollouts": rollouts,
                    "mean_value": round(fmean(values), 3),
                    "mean_label": round(fmean(soft_label(one) for one, _ in ended), 3),
                    "standard_error": round(fmean(standard_error(p, rollouts) for p in values), 3),
                    "measured": round(math.sqrt(fmean((soft_label(one) - p) ** 2 for one, p in ended)), 3),
                    "hard_label_misses": round(fmean(not hard_label(one) for one, _ in ended), 3),
                    "expected": round(fmean(missed(p, rollouts) for p in values), 3),
                }
            )
    wrong = [state for state in first if not puzzles.solvable(state)]
    unseen, unfounded = fmean(not judge(state) for state in right), fmean(judge(state) for state in wrong)
    remarks = [
        f"{len(right)} first steps that are right, {repeats} labels each. measured: how far soft labels are from the",
        "exact value, root mean square; standard_error: what the formula says. Four times the roll-outs halve it.",
        "A hard label is never wrong about a wrong step, but misses right ones where the policy is poor: their value",
        "is near 0. So hard problems are labelled badly, by few roll-outs; and each of them is a whole completion.",
        f"A judge is one call a step and errs both ways: this one misses {unseen:.0%} of the right steps and takes",
        f"{unfounded:.0%} of the wrong ones for right. It does not say how hard the rest is for the policy.",
    ]
    series = {
        f"{column}, policy errs in {rate:g}": [row[column] for row in rows if row["policy_errs"] == rate]
        for rate in error_rates
        for column in ("standard_error", "measured")
    }
    plot = {
        "kind": "line",
        "x": ROLLOUTS,
        "series": series,
        "x_label": "roll-outs n",
        "y_label": "error of a soft label",
    }
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of labels, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    policy, rng = Erring(0.5), Random(0)  # noqa: S311
    state, hopeless = puzzles.begin((3, 8)), puzzles.begin((1, 1, 1))
    labels = [soft_label(roll_out(policy, state, 8, rng)) for _ in range(500)]
    spread = math.sqrt(fmean((label - 0.5) ** 2 for label in labels))
    wrong = [hard_label(roll_out(puzzles.blind, hopeless, 8, rng)) for _ in range(50)]
    sure = [hard_label(roll_out(Erring(0.0), state, 1, rng)) for _ in range(50)]
    return [
        ("p = 0.5 and 8 roll-outs have a standard error of 0.18.", round(standard_error(0.5, 8), 2) == 0.18),
        ("500 labels of such a step spread as much.", abs(spread - standard_error(0.5, 8)) < 0.02),
        ("Their mean is the exact value, 0.5.", value(policy, state) == 0.5 and abs(fmean(labels) - 0.5) < 0.03),
        ("Four times the roll-outs halve it.", standard_error(0.3, 32) == standard_error(0.3, 8) / 2),
        ("A hard label never calls a wrong step right.", not any(wrong)),
        ("It finds every right one if the policy does not err.", all(sure)),
        ("8 roll-outs miss a step of value 0.1 in 43 of 100 cases.", round(missed(0.1, 8), 2) == 0.43),
        ("An error of 0.05 takes 100 roll-outs at p = 0.5.", rollouts_for(0.5, 0.05) == 100),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The value of a step by roll-outs, beside a judge.", demo, checks)


if __name__ == "__main__":
    main()
