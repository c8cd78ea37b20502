"""Reasoning tree, a toy: w next steps for every node, and only the K that a reward likes best are carried on.

The toy: the steps are those of the 24 game; policy and reward look the truth up and err on purpose.
Source: O1 Replication Journey, how to construct on-policy reasoning trees (arXiv:2410.18982): a policy is asked for one
    step at a time; math-shepherd (arXiv:2312.08935) gives real numbers to rank by, o1-mini says right or wrong.
Left out: the language models; texts of steps that say the same in other words.
Oracle: none: trees that never prune are compared with all steps of the game, and the counts of grown trees with
    generated_per_level, which is arithmetic.
Ties: equal rewards are kept in the order in which they were drawn.
Notation: w width, D depth, K beam. Needs kb.reference.puzzles, no tensors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kb.reference import puzzles
from kb.reference._alone import run_alone
from kb.reference.puzzles import Erring, ErringJudge, Policy, Reward, State, Step


@dataclass
class Node:
    """A state of the puzzle, the step that led to it, and what was generated from it."""

    state: State
    step: Step | None = None  # None at the root
    reward: float = 1.0
    children: list["Node"] = field(default_factory=list)


def keep(generated: Sequence[Node], beam: int | None, threshold: float = 0.0) -> list[Node]:
    """Return the nodes to carry on: the `beam` best of those with a reward of `threshold` or more, best first.

    With threshold 0 this is math-shepherd's way (the first K by score), with threshold 1 a judge's (K at most of those
    that it calls right). beam None keeps all of them.
    """
    return sorted((node for node in generated if node.reward >= threshold), key=lambda node: -node.reward)[:beam]


def grow(
    numbers: Sequence[int],
    policy: Policy,
    reward: Reward,
    *,
    width: int = 3,
    depth: int = 10,
    beam: int | None = None,
    threshold: float = 0.0,
    seed: int = 0,
) -> tuple[Node, list[int]]:
    """Return a tree below numbers, and how many nodes were generated on each level.

    Args:
        numbers: of the puzzle; n of them end after n - 1 steps.
        policy: proposes steps, `width` different ones for every node that is carried on, fewer if there are no more.
        reward: scores the state after a step.
        width: w, at least 1.
        depth: D, levels at most.
        beam: K, nodes carried on from a level; None prunes nothing.
        threshold: reward that a node needs to be carried on.
        seed: draws the steps.
    Returns: the root and [D] counts, up to the level where nothing is left to carry on.
    Raises: ValueError for a width, depth or beam below 1, or no numbers.
    """
    _at_least_one(width=width, depth=depth, beam=1 if beam is None else beam)
    root, rng, counts = Node(puzzles.begin(numbers)), Random(seed), []  # noqa: S311
    level = [root]
    for _ in range(depth):
        for node in level:
            steps = puzzles.candidates(policy, node.state, width, rng)
            node.children = [Node(step.after, step, reward(step.after)) for step in steps]
        generated = [child for node in level for child in node.children]
        if not generated:
            break
        counts.append(len(generated))
        level = keep(generated, beam, threshold)
    return root, counts


def right_paths(node: Node) -> Iterator[list[Node]]:
    """Yield the paths from node to each leaf that makes 24, node included; each of them is a shortcut."""
    if puzzles.solved(node.state):
        yield [node]
    for child in node.children:
        for path in right_paths(child):
            yield [node, *path]


def generated_per_level(branching: int, depth: int, beam: int) -> list[int]:
    """Return the steps generated on each level when `beam` of them are carried on: 3, 4, 5 -> 3, 9, 15, 15.

    Raises: ValueError for a number below 1.
    """
    _at_least_one(branching=branching, depth=depth, beam=beam)
    generated, kept = [], 1
    for _ in range(depth):
        generated.append(kept * branching)
        kept = min(beam, generated[-1])
    return generated


def indifferent(state: State) -> float:
    """Return the same reward for every state."""
    return 1.0


def draw(node: Node, level: int = 0) -> str:
    """Return a tree as text, a node a line: its step, what is left, its reward; "✓" makes 24, "✗" is a wrong end."""
    mark = " ✓" if puzzles.solved(node.state) else " ✗" if len(node.state) == 1 else ""
    line = f"{'   ' * level}{node.step or 'root'}   [{puzzles.written(node.state)}]  {node.reward:.2g}{mark}"
    return "\n".join([line, *(draw(child, level + 1) for child in node.children)])


def _at_least_one(**given: int) -> None:
    for name, value in given.items():
        if value < 1:
            raise ValueError(f"want a {name} of 1 or more, got {value}")


FIGURES = (generated_per_level,)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, width: int = 3, error_rate: float = 0.6, misjudged: float = 0.2
) -> dict[str, Any]:
    """Grow trees with beams of several sizes, and return what they cost and how many find the answer.

    Args:
        device: not used, there are no tensors.
        seed: draws the steps.
        width: steps generated from a node, w.
        error_rate: share of the policy's steps after which 24 is out of reach.
        misjudged: share of states that the erring judge takes for their opposite.
    """
    beams = [1, 2, 3, 5, 8, None]
    exact, erring = ErringJudge(), ErringJudge(misjudged, seed)
    ways: list[tuple[str, Reward, float]] = [("exact, judged right", exact, 1.0), ("erring, judged right", erring, 1.0)]
    ways += [("erring, best first", erring, 0.0), ("no judge", indifferent, 0.0)]
    runs = [(numbers, seed + number) for numbers in puzzles.PUZZLES for number in range(25)]
    rows: list[dict[str, Any]] = []
    for name, reward, threshold in ways:
        for beam in beams:
            limits: dict[str, Any] = {"width": width, "depth": 3, "beam": beam, "threshold": threshold}
            grown = [grow(one, Erring(error_rate), reward, seed=number, **limits) for one, number in runs]
            rows.append(
                {
                    "carried_on": name,
                    "beam": "all" if beam is None else str(beam),
                    "solved": round(sum(any(right_paths(root)) for root, _ in grown) / len(runs), 3),
                    "steps_generated": round(sum(sum(counts) for _, counts in grown) / len(runs), 1),
                }
            )
    _, counts = grow(range(1, 12), puzzles.blind, indifferent, width=3, depth=10, beam=5, seed=seed)
    remarks = [
        f"{len(runs)} trees a row; the policy errs in {error_rate:g} of its steps, the erring judge in {misjudged:g}.",
        "With an exact judge a narrow beam finds nearly what the whole tree does, for a part of the steps.",
        "judged right: K at most of those called right, as with o1-mini; a right branch once misjudged is lost.",
        "best first: the first K by score, as with math-shepherd; a wider beam brings it back, for more steps.",
        f"The paper's w = 3, D = 10, with K = 5, on eleven numbers: {counts}, {sum(counts)} steps in all;",
        f"nothing pruned, the last level alone would have 3^10 = {3**10:,}.",
    ]
    named = ["all" if beam is None else beam for beam in beams]
    series = {name: [row["solved"] for row in rows if row["carried_on"] == name] for name, _, _ in ways}
    plot = {"kind": "bar", "x": named, "series": series, "x_label": "beam K", "y_label": "share solved"}
    drawing = draw(grow((4, 7, 8, 8), Erring(), ErringJudge(), width=3, depth=3, beam=2, seed=seed)[0])
    return {"rows": rows, "drawing": drawing, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of trees, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    one, per_level = grow((4, 7, 8, 8), Erring(0.5), ErringJudge(), width=3, depth=3, beam=3)
    whole, all_counts = grow((4, 6, 1), puzzles.blind, puzzles.solvable, width=99)
    _, long = grow(range(1, 12), puzzles.blind, indifferent, width=3, depth=10, beam=3)
    judged, _ = grow((4, 7, 8, 8), Erring(0.5), ErringJudge(), width=3, depth=3, beam=1, threshold=1.0)
    carried = all(puzzles.solvable(child.state) for child in judged.children if child.children)
    return [
        ("A beam of 3 generates 84 steps of width 3 and depth 10.", sum(generated_per_level(3, 10, 3)) == 84),
        ("A beam of 5 generates 132.", sum(generated_per_level(3, 10, 5)) == 132),
        ("A beam that holds all prunes none: 88,572.", sum(generated_per_level(3, 10, 3**10)) == 88_572),
        ("A tree grown from eleven numbers has just these counts.", long == generated_per_level(3, 10, 3)),
        ("No level of a tree generates more than 3 K.", max(per_level) <= 9 and len(one.children) == 3),
        ("Wide enough, it holds every way of playing 1 4 6.", all_counts == [15, 5 * 15]),
        ("All of its right leaves make 24.", all(puzzles.solved(path[-1].state) for path in right_paths(whole))),
        ("Of steps judged, only those called right are carried on.", carried),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Trees of steps, pruned by a reward.", demo, checks)


if __name__ == "__main__":
    main()
