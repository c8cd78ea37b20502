"""The 24 game, a toy world for reasoning: steps that can be checked, answers scored without a model.

Four numbers, each used once, have to make 24; a step replaces two of them by their sum, difference, product or
quotient. Policy and judge are toys too: they look up which steps are right and err on purpose.
Long because the files on reasoning share it: the game, the two toys, and how such a file is run alone.
Source: the game is folklore; as a test of search over thoughts: Tree of Thoughts, section 4.1 (arXiv:2305.10601).
Left out: language. A step is a line such as "4 × 6 = 24", no sentence leads to it.
Oracle: an independent brute force over all expressions, and the known count: 566 of the 715 hands of numbers 1 .. 10
    can make 24. Negative numbers are not needed: whatever an expression makes, its steps can be turned round to make
    the absolute value, so only the smaller number is taken from the larger.
Ties: numbers are exact fractions; steps stand in one fixed order, so that a seed always draws the same.
Notation: a state is the numbers left, ascending; a step knows the state after it; rng is a random.Random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations
from random import Random
from typing import Any, NamedTuple, Protocol, TypeAlias

from kb.reference._alone import run_alone

State: TypeAlias = tuple[Fraction, ...]

TARGET = Fraction(24)
PUZZLES = ((2, 3, 5, 12), (4, 7, 8, 8), (4, 4, 10, 10), (1, 3, 4, 6), (3, 3, 8, 8), (1, 5, 5, 5))  # ever harder
HOPELESS = (1, 1, 1, 1)


class Step(NamedTuple):
    """One line of a solution. Its text is "4 × 6 = 24"."""

    left: Fraction
    sign: str
    right: Fraction
    result: Fraction
    after: State  # the numbers left after it

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right} = {self.result}"


class Policy(Protocol):
    """Whatever proposes steps; a language model in the papers."""

    def __call__(self, state: State, steps: Sequence[Step]) -> Sequence[float]:
        """Return a weight of 0 or more for each of steps, those that are possible in state."""


class Reward(Protocol):
    """Whatever scores the state that a step led to, 0 .. 1; one that says only True or False is a judge."""

    def __call__(self, state: State) -> float:
        """Return how good state is."""


def begin(numbers: Sequence[int]) -> State:
    """Return the state before the first step. Raises: ValueError for no numbers or negative ones."""
    if not numbers or min(numbers) < 0:
        raise ValueError(f"want one number or more, none below 0, got {list(numbers)}")
    return tuple(sorted(Fraction(number) for number in numbers))


@lru_cache(maxsize=200_000)
def next_steps(state: State) -> tuple[Step, ...]:
    """Return all steps that are possible. Example: 2, 3 -> 3 + 2 = 5, 3 - 2 = 1, 3 × 2 = 6, 3 ÷ 2 = 3/2 ..."""
    found: dict[tuple[Fraction, str, Fraction], Step] = {}
    for i, j in combinations(range(len(state)), 2):
        low, high = state[i], state[j]
        others = state[:i] + state[i + 1 : j] + state[j + 1 :]
        possible = [(high, "+", low, high + low), (high, "-", low, high - low), (high, "×", low, high * low)]
        possible += [(one, "÷", other, one / other) for one, other in ((high, low), (low, high)) if other]
        for left, sign, right, result in possible:
            found[left, sign, right] = Step(left, sign, right, result, tuple(sorted((*others, result))))
    return tuple(found.values())


def read_step(state: State, text: str) -> Step:
    """Return the step of state that text writes. Raises: ValueError if it is not possible there."""
    for step in next_steps(state):
        if str(step) == text:
            return step
    raise ValueError(f"want a step from {written(state)}, got {text!r}")


def written(state: State) -> str:
    """Return a state as text. Example: "1/5, 5, 5"."""
    return ", ".join(map(str, state))


def solved(state: State) -> bool:
    """Whether 24, and nothing else, is left."""
    return state == (TARGET,)


@lru_cache(maxsize=200_000)
def solvable(state: State) -> bool:
    """Whether 24 can still be reached: the exact judge of a step, found by trying everything."""
    return solved(state) or any(solvable(step.after) for step in next_steps(state))


def score(numbers: Sequence[int], steps: Sequence[Step]) -> float:
    """Return 1 for a finished solution that uses each number once and makes 24, else 0."""
    state = begin(numbers)
    for step in steps:
        if step not in next_steps(state):
            return 0.0
        state = step.after
    return float(solved(state))


def blind(state: State, steps: Sequence[Step]) -> Sequence[float]:
    """Return the weights of a policy that draws any step: all alike."""
    return [1.0] * len(steps)


@dataclass(frozen=True)
class Erring:
    """A toy policy: with probability `rate` a step after which 24 is out of reach, else one of the right ones."""

    rate: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"want a rate of errors in 0 .. 1, got {self.rate}")

    def __call__(self, state: State, steps: Sequence[Step]) -> Sequence[float]:
        """Return weights; equal ones where all steps are right or all are wrong."""
        right = [solvable(step.after) for step in steps]
        count = sum(right)
        if count in (0, len(steps)):
            return blind(state, steps)
        return [(1 - self.rate) / count if good else self.rate / (len(steps) - count) for good in right]


@dataclass(frozen=True)
class ErringJudge:
    """A toy judge: says whether 24 can be reached, and of a share `rate` of states the opposite, always of the same."""

    rate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"want a rate of errors in 0 .. 1, got {self.rate}")

    def __call__(self, state: State) -> bool:
        """Return the verdict. One number is read off and never misjudged."""
        wrong = len(state) > 1 and Random(f"{self.seed}: {written(state)}").random() < self.rate  # noqa: S311
        return solvable(state) != wrong


def candidates(policy: Policy, state: State, width: int, rng: Random) -> list[Step]:
    """Return `width` different steps drawn from policy, one after the other; fewer if there are no more."""
    if width < 1:
        raise ValueError(f"want a width of 1 or more, got {width}")
    steps = list(next_steps(state))
    weights = list(policy(state, steps)) if steps else []
    drawn: list[Step] = []
    while len(drawn) < width and sum(weights) > 0:
        (index,) = rng.choices(range(len(steps)), weights)
        drawn.append(steps.pop(index))
        weights.pop(index)
    return drawn


def attempt(policy: Policy, state: State, rng: Random) -> list[Step]:
    """Return the steps of policy from state to the last number."""
    steps: list[Step] = []
    while len(state) > 1:
        steps += candidates(policy, state, 1, rng)
        state = steps[-1].after
    return steps


def chance(policy: Policy, state: State) -> float:
    """Return the probability that an attempt from state makes 24, exact: the sum over all attempts."""
    known: dict[State, float] = {}

    def value(state: State) -> float:
        if len(state) == 1:
            return float(solved(state))
        if state not in known:
            steps = next_steps(state)
            weights = policy(state, steps)
            weighted = (weight * value(step.after) for step, weight in zip(steps, weights, strict=True) if weight)
            known[state] = math.fsum(weighted) / math.fsum(weights)
        return known[state]

    return value(state)


class Solutions(NamedTuple):
    """How many ways of playing there are."""

    finished: int  # lists of steps down to one number
    right: int  # of them, those that end with 24


def solutions(numbers: list[int]) -> Solutions:
    """Return how many finished solutions there are, and how many are right. Example: 4, 6 -> 5 and 1."""

    @cache
    def count(state: State) -> Solutions:
        if len(state) == 1:
            return Solutions(1, solved(state))
        counted = [count(step.after) for step in next_steps(state)]
        return Solutions(sum(one.finished for one in counted), sum(one.right for one in counted))

    return count(begin(numbers))


FIGURES = (solutions,)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, error_rate: float = 0.3, attempts: int = 300) -> dict[str, Any]:
    """Count the ways of playing each puzzle, and return how often a policy that errs solves it.

    Args:
        device: not used, there are no tensors.
        seed: draws the attempts.
        error_rate: share of steps, where both kinds are possible, after which 24 is out of reach.
        attempts: to count for each puzzle, beside the exact chance.
    """
    if attempts < 1:
        raise ValueError(f"want 1 attempt or more, got {attempts}")
    rng, policy, rows = Random(seed), Erring(error_rate), []  # noqa: S311
    for numbers in (*PUZZLES, HOPELESS):
        counted, tried = solutions(list(numbers)), [attempt(policy, begin(numbers), rng) for _ in range(attempts)]
        right = [steps for steps in tried if score(numbers, steps)]
        rows.append(
            {
                "numbers": " ".join(map(str, numbers)),
                "finished": counted.finished,
                "right": counted.right,
                "blind": round(chance(blind, begin(numbers)), 4),
                "chance": round(chance(policy, begin(numbers)), 3),
                "solved": round(len(right) / attempts, 3),
                "a_solution": "; ".join(map(str, right[0])) if right else "",
            }
        )
    remarks = [
        "finished: lists of steps down to one number; right: those that end with 24.",
        "blind: the chance that steps drawn from all alike make 24.",
        f"chance: that of a policy that errs in {error_rate:g} of its steps, exact; solved: counted.",
        "It is the same for puzzles with as many wrong turns: a toy knows no hard ones, only the rate of its errors.",
    ]
    return {"rows": rows, "remarks": remarks}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the game, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    state, answer = begin((1, 5, 5, 5)), []
    for text in ("1 ÷ 5 = 1/5", "5 - 1/5 = 24/5", "5 × 24/5 = 24"):
        answer.append(read_step(state, text))
        state = answer[-1].after
    policy, rng = Erring(0.3), Random(0)  # noqa: S311
    tried = [attempt(policy, begin((4, 7, 8, 8)), rng) for _ in range(400)]
    share = sum(score((4, 7, 8, 8), steps) for steps in tried) / 400
    exact = chance(policy, begin((4, 7, 8, 8)))
    sure = [chance(Erring(0.0), begin(numbers)) for numbers in PUZZLES]
    return [
        ("(5 - 1 ÷ 5) × 5 makes 24.", score((1, 5, 5, 5), answer) == 1),
        ("Two of its three lines do not.", score((1, 5, 5, 5), answer[:2]) == 0),
        ("Every puzzle of the list has a solution.", all(solvable(begin(numbers)) for numbers in PUZZLES)),
        ("1 1 1 1 has none.", not solvable(begin(HOPELESS)) and solutions(list(HOPELESS)).right == 0),
        ("A policy without errors always solves.", all(math.isclose(one, 1) for one in sure)),
        ("A policy that only errs never does.", chance(Erring(1.0), begin((1, 5, 5, 5))) == 0),
        ("400 attempts solve about as many as the exact chance says.", abs(share - exact) < 0.1),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The 24 game and a policy that errs.", demo, checks)


if __name__ == "__main__":
    main()
