"""Propose and critique, a toy: a search that itself chooses to continue, reflect, backtrack or terminate.

The toy: proposer and critic play the 24 game and err on purpose; the one who chooses is a few rules, not a model.
Long because who chooses, what is allowed, and what an action does are kept apart.
Source: O1 Replication Journey, constructing long thoughts, attempt 2 (arXiv:2410.18982): four actions, chosen
    freely; where no right answer was reached, that is told back, so that it reflects.
Left out: the language model that chooses, the debate of two models (attempt 3).
Oracle: none: a chooser that reflects on wrong ends only must solve whatever can be solved and give up on the rest, and
    one that never reflects must solve as often as the exact chance of its policy.
Ties: a step once taken back is not proposed again where it was, so a search ends. Randomness: one seeded random.Random.
Notation: a state as in kb.reference.puzzles, which this needs; no tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, Protocol

from kb.reference import puzzles
from kb.reference._alone import run_alone
from kb.reference.puzzles import Erring, ErringJudge, Policy, Reward, State, Step

CONTINUE, REFLECT, BACKTRACK, TERMINATE = "continue", "reflect", "backtrack", "terminate"
START = "start"
ALLOWED = {  # which action may come after which
    START: {CONTINUE, REFLECT, TERMINATE},
    CONTINUE: {CONTINUE, REFLECT, TERMINATE},
    REFLECT: {CONTINUE, BACKTRACK, TERMINATE},
    BACKTRACK: {CONTINUE, REFLECT, TERMINATE},
}


@dataclass
class Search:
    """Where a search stands. What a chooser sees of it is all but the truth."""

    path: list[State]  # from the puzzle to where it stands
    steps: list[Step] = field(default_factory=list)  # between them
    tried: dict[State, set[Step]] = field(default_factory=dict)  # steps taken from a state of the path
    last: str = START  # action
    doubts: bool = False  # what the last "reflect" came to: no way to 24 from here

    @property
    def stuck(self) -> bool:
        """Whether nothing is left to propose: all was tried, or one number is left that is not 24."""
        here = self.path[-1]
        return not puzzles.solved(here) and len(self.tried.get(here, ())) == len(puzzles.next_steps(here))


class Chooser(Protocol):
    """Whoever chooses the next action; a language model in the paper."""

    def __call__(self, search: Search, rng: Random) -> str:
        """Return one of the actions that ALLOWED has after search.last."""


@dataclass(frozen=True)
class Rules:
    """A toy chooser: ends when 24 is made, reflects when told that it was not, and now and then before that."""

    reflects: float = 0.0  # probability to reflect after a step, or a way back, that is no end
    gives_up: bool = False  # at the first wrong end, as one who never reflects

    def __call__(self, search: Search, rng: Random) -> str:
        """Return an action."""
        if puzzles.solved(search.path[-1]) or (search.stuck and (self.gives_up or len(search.path) == 1)):
            return TERMINATE
        if search.last == REFLECT:
            return BACKTRACK if search.doubts and len(search.path) > 1 else CONTINUE
        if search.stuck or (search.last != START and rng.random() < self.reflects):
            return REFLECT
        return CONTINUE


def act(search: Search, action: str, policy: Policy, critic: Reward, rng: Random) -> str:
    """Take one action, and return it as a sentence.

    Raises: ValueError for an action that ALLOWED has not here, a step where all were tried, a way back from the start.
    """
    here = search.path[-1]
    if action not in ALLOWED.get(search.last, ()):
        raise ValueError(f"want one of {sorted(ALLOWED.get(search.last, ()))} after {search.last}, got {action!r}")
    if action == CONTINUE:
        steps, tried = puzzles.next_steps(here), search.tried.setdefault(here, set())
        if len(tried) == len(steps):
            raise ValueError(f"want a step from {puzzles.written(here)}, but all were tried")
        fresh = {step: weight for step, weight in zip(steps, policy(here, steps), strict=True) if step not in tried}
        (step,) = rng.choices(list(fresh), list(fresh.values()) if sum(fresh.values()) > 0 else None)
        tried.add(step)
        search.steps, search.path = [*search.steps, step], [*search.path, step.after]
        said = f"{step}."
    elif action == REFLECT:
        search.doubts = search.stuck or not critic(here)
        said = f"Wait, can {puzzles.written(here)} make 24? {'No' if search.doubts else 'Yes'}."
    elif action == BACKTRACK:
        if len(search.path) == 1:
            raise ValueError("want a step to take back, this is the beginning")
        search.tried.pop(search.path.pop(), None)
        said = f"Back to {puzzles.written(search.path[-1])}, without {search.steps.pop()}."
    else:
        said = "24 it is." if puzzles.solved(here) else "I give up."
    search.last = action
    return said


class Trace(NamedTuple):
    """What a search did."""

    actions: list[str]
    said: list[str]  # a sentence for each action
    steps: list[Step]  # those that were not taken back
    solved: bool


def search(
    numbers: Sequence[int], policy: Policy, critic: Reward, chooser: Chooser, *, most_actions: int = 100, seed: int = 0
) -> Trace:
    """Return what came of a puzzle: the chooser acts until it terminates, or has had its last action.

    Args:
        numbers: of the puzzle.
        policy: proposes the steps of "continue".
        critic: asked by "reflect" whether a state has hope; anything but 0 is yes.
        chooser: of the actions.
        most_actions: the last of them is to terminate, whatever the chooser says.
        seed: draws what policy and chooser leave to chance.
    Raises: ValueError for most_actions below 1, or an action that is not allowed.
    """
    if most_actions < 1:
        raise ValueError(f"want 1 action or more, got {most_actions}")
    stands, rng, trace = Search([puzzles.begin(numbers)]), Random(seed), Trace([], [], [], False)  # noqa: S311
    while stands.last != TERMINATE:
        trace.actions.append(chooser(stands, rng) if len(trace.actions) < most_actions - 1 else TERMINATE)
        trace.said.append(act(stands, trace.actions[-1], policy, critic, rng))
    return trace._replace(steps=stands.steps, solved=puzzles.score(numbers, stands.steps) == 1)


def demo(
    *, device: str = "cpu", seed: int = 0, error_rate: float = 0.5, misjudged: float = 0.2, most_actions: int = 60
) -> dict[str, Any]:
    """Search with choosers that reflect never, at wrong ends, or sooner, and return what they solve and what it takes.

    Args:
        device: not used, there are no tensors.
        seed: draws the searches.
        error_rate: share of steps proposed after which 24 is out of reach.
        misjudged: share of states that the erring critic takes for their opposite.
        most_actions: after them a search is ended.
    """
    critics = {"exact": ErringJudge(), "erring": ErringJudge(misjudged, seed)}
    every = Rules(1.0)
    ways = [("never", Rules(gives_up=True), "exact"), ("at wrong ends", Rules(), "exact")]
    ways += [("half the time", Rules(0.5), "exact"), ("always", every, "exact"), ("always", every, "erring")]
    budgets = [round(most_actions * part / 12) for part in range(1, 13)]
    searches = [(one, seed + number) for one in puzzles.PUZZLES for number in range(25)]
    rows: list[dict[str, Any]] = []
    series = {}
    for name, chooser, critic in ways:
        given = Erring(error_rate), critics[critic], chooser
        runs = [search(one, *given, most_actions=most_actions, seed=number) for one, number in searches]
        needed = [len(run.actions) for run in runs if run.solved]
        rows.append({"reflects": name, "critic": critic, "solved": round(len(needed) / len(runs), 3)})
        for action in (CONTINUE, REFLECT, BACKTRACK):
            rows[-1][action] = round(sum(run.actions.count(action) for run in runs) / len(runs), 2)
        series[f"{name}, {critic}"] = [sum(count <= most for count in needed) / len(runs) for most in budgets]
    exact = puzzles.chance(Erring(error_rate), puzzles.begin(puzzles.PUZZLES[0]))
    remarks = [
        f"continue, reflect, backtrack: actions of each kind a search, a mean; it ends after {most_actions}.",
        f"Who never reflects solves as often as three steps in a row are right: by chance {exact:.3f}.",
        "Who reflects at wrong ends gets there, but walks every wrong branch to its end; who always asks",
        "turns back at once. A critic that errs turns it back from right steps too, and they are not tried again.",
    ]
    plot = {"kind": "line", "x": budgets, "series": series, "x_label": "actions", "y_label": "share solved by then"}
    return {
        "rows": rows,
        "drawing": "\n".join(search((4, 7, 8, 8), Erring(), ErringJudge(), every, seed=seed).said),
        "remarks": remarks,
        "plot": plot,
    }


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of searches, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    seeds, exact, policy = range(100), ErringJudge(), Erring(0.5)
    rules = (Rules(gives_up=True), Rules(), Rules(0.5), Rules(1.0))
    runs = [search((4, 7, 8, 8), policy, exact, rule, seed=seed) for rule in rules for seed in seeds]
    follows = [pair for run in runs for pair in zip([START, *run.actions], run.actions, strict=False)]
    kept = [sum(run.actions.count(action) * by for action, by in ((CONTINUE, 1), (BACKTRACK, -1))) for run in runs]
    whole = [search(one, policy, exact, Rules(), most_actions=99_999) for one in ((2, 3, 4), (1, 1, 1))]
    share = sum(run.solved for run in runs[:100]) / 100
    asked = [run for run in runs[300:] if run.solved]
    return [
        ("No action comes after one that it may not follow.", all(action in ALLOWED[last] for last, action in follows)),
        ("Every search ends with terminate.", all(run.actions[-1] == TERMINATE for run in runs)),
        ("The steps left are those taken less those taken back.", kept == [len(run.steps) for run in runs]),
        ("Given time, wrong ends are enough to solve 2 3 4.", whole[0].solved),
        ("And to give up on 1 1 1 when all was tried.", not whole[1].solved and len(whole[1].actions) < 99_999),
        ("Who never reflects solves about one in eight, errors being half.", abs(share - 0.125) < 0.1),
        ("Asking an exact critic after every step always solves it.", len(asked) == 100),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Continue, reflect, backtrack, terminate: searches that choose for themselves.", demo, checks)


if __name__ == "__main__":
    main()
