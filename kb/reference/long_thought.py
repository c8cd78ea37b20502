"""Long thought, a toy: a tree told depth first, with K wrong branches before each right step, and "Wait".

The toy: the tree is one of the 24 game, the sentences are templates; the paper lets GPT-4o rewrite its drafts.
Long because the tree, its telling and its templates stand together.
Source: O1 Replication Journey, from reasoning tree to long thought (arXiv:2410.18982): shortcut, traversal, stitching.
Left out: the rewriting, and training on the result. The report leaves K open; explained as one path that errs and one
    that is right, it is K = 1 here, where only tries that err are counted.
Oracle: none: every walk there can be of a small tree, enumerated by brute force; texts are read back by arithmetic.
Ties: wrong branches are drawn without putting back, so a branch is entered once at most from its node.
Notation: K trials at a node of the right path, D depth. Needs reasoning_tree and puzzles, no tensors.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from kb.reference import puzzles
from kb.reference._alone import run_alone
from kb.reference.puzzles import Erring, State
from kb.reference.reasoning_tree import Node, grow, indifferent, right_paths

RIGHT, WRONG, BACK = "right", "wrong", "back"
_STEP = re.compile(r"(?:Alternatively, |Then )?(?P<step>\S+ [-+×÷] \S+ = \S+)\.")
_BACK = re.compile(r"Wait, .+; back to (?P<state>.+)\.")


class Move(NamedTuple):
    """One move of a walk through a tree."""

    kind: str  # RIGHT or WRONG: a step to node; BACK: to node, which was left before
    node: Node


def walk(shortcut: Sequence[Node], trials: int, rng: Random) -> list[Move]:
    """Return the moves of a long thought along a shortcut, from right_paths.

    On the right path up to K = `trials` of the wrong children are entered first. Off it nothing branches: one child is
    drawn after the other down to a leaf, and from there it goes back to the right path.
    Raises: ValueError for a number of trials below 0, or a path that does not end with 24.
    Example: a root with a wrong child a that has b, and a right child c; 1 trial -> a, b, back to root, c.
    """
    if trials < 0 or not shortcut or not puzzles.solved(shortcut[-1].state):
        raise ValueError(f"want 0 trials or more and a path to 24, got {trials} and {len(shortcut)} nodes")
    moves = []
    for node, right in pairwise(shortcut):
        wrong = [child for child in node.children if not any(right_paths(child))]  # on no shortcut
        for child in rng.sample(wrong, min(trials, len(wrong))):
            tried = [child]
            while tried[-1].children:
                tried.append(rng.choice(tried[-1].children))
            moves += [Move(WRONG, one) for one in tried] + [Move(BACK, node)]
        moves.append(Move(RIGHT, right))
    return moves


def write(root: Node, moves: Sequence[Move]) -> str:
    """Return a walk as a text, one sentence a line: "Wait" where it turns back, "Alternatively" where it goes on."""
    lines, here, before = [f"Make 24 from {puzzles.written(root.state)}."], root, ""
    for kind, node in moves:
        if kind == BACK:
            left = puzzles.written(here.state)
            found = f"{left} is not 24" if len(here.state) == 1 else f"I see no way from {left} to 24"
            lines.append(f"Wait, {found}; back to {puzzles.written(node.state)}.")
        else:
            lines.append(f"{'Alternatively, ' if before == BACK else 'Then ' if before else ''}{node.step}.")
        here, before = node, kind
    return "\n".join([*lines, "Therefore the answer is 24."] if puzzles.solved(here.state) else lines)


class Told(NamedTuple):
    """What a text tells, by arithmetic alone. More waits than errors: the tree had no answer below a sound step."""

    steps: int  # in all
    errors: int  # steps after which 24 was out of reach, though it was not before
    mended: int  # of them, those that were taken back
    waits: int
    solved: bool  # the steps that were not taken back make 24 of the numbers


def read(text: str) -> Told:
    """Return what a text of write tells: every step is played, every "back to" undoes steps.

    Raises: ValueError for a step that is not possible where it stands, or a way back to where the text never was.
    """
    first, *lines = text.split("\n")
    numbers = [int(number) for number in re.findall(r"\d+", first.partition(" from ")[2])]
    path: list[tuple[State, bool]] = [(puzzles.begin(numbers), False)]  # states, and whether an error led there
    steps = errors = mended = waits = 0
    for line in lines:
        if step := _STEP.fullmatch(line):
            state = path[-1][0]
            after = puzzles.read_step(state, step["step"]).after
            path.append((after, puzzles.solvable(state) and not puzzles.solvable(after)))
            steps, errors = steps + 1, errors + path[-1][1]
        elif back := _BACK.fullmatch(line):
            waits += 1
            while path and puzzles.written(path[-1][0]) != back["state"]:
                mended += path.pop()[1]
            if not path:
                raise ValueError(f"want a way back to where the text was before, got {line!r}")
        elif not line.startswith("Therefore"):
            raise ValueError(f'want a step, "Wait" or "Therefore", got {line!r}')
    return Told(steps, errors, mended, waits, puzzles.solved(path[-1][0]))


def longest(depth: int, trials: int) -> int:
    """Return the most steps a walk can tell: D on the right path, and K times D, D - 1, .. 1 off it. 3, 1 -> 3 + 6.

    Raises: ValueError for a depth or trials below 0.
    """
    if depth < 0 or trials < 0:
        raise ValueError(f"want depth and trials of 0 or more, got {depth} and {trials}")
    return depth + trials * depth * (depth + 1) // 2


FIGURES = (longest,)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, width: int = 4, error_rate: float = 0.6, most_trials: int = 3
) -> dict[str, Any]:
    """Make shortcuts and long thoughts of the same trees, and return how many errors they hold, and how many mended.

    Args:
        device: not used, there are no tensors.
        seed: draws trees and walks.
        width: steps generated from a node of a tree.
        error_rate: share of the policy's steps after which 24 is out of reach.
        most_trials: K is 1 up to this.
    """
    if most_trials < 1:
        raise ValueError(f"want most_trials of 1 or more, got {most_trials}")
    rng, policy, shortcuts, attempts = Random(seed), Erring(error_rate), [], []  # noqa: S311
    for numbers in puzzles.PUZZLES:
        for number in range(8):
            root, _ = grow(numbers, policy, indifferent, width=width, depth=3, seed=seed + number)
            for path in right_paths(root):
                shortcuts.append(path)
                steps = puzzles.attempt(policy, root.state, rng)
                attempts.append(write(root, [Move(RIGHT, Node(step.after, step)) for step in steps]))
    if not shortcuts:
        raise ValueError(f"want trees with a right answer, got none of width {width} at error_rate {error_rate:g}")
    texts = {"attempts as they come": attempts}
    for trials in range(most_trials + 1):
        name = f"journey, K = {trials}" if trials else "shortcut"
        texts[name] = [write(path[0], walk(path, trials, rng)) for path in shortcuts]
    rows = []
    for name, some in texts.items():
        told = [read(text) for text in some]
        means = [round(sum(column) / len(some), 2) for column in zip(*told, strict=True)]
        rows.append({"data": name, "texts": len(some), **dict(zip(Told._fields, means, strict=True))})
        rows[-1]["longest"] = max(one.steps for one in told)
    remarks = [
        "steps, errors, mended and waits are means; all are read from the texts, by arithmetic.",
        "Shortcuts hold no error, so nothing in them shows how one is mended; attempts hold errors that stay.",
        "Every error of a long thought is taken back, and it still ends with 24: that is what a journey adds.",
        f"Of depth 3 no text can have more steps than {[longest(3, trials) for trials in range(most_trials + 1)]}.",
    ]
    series = {name: [row[name] for row in rows[1:]] for name in ("steps", "errors", "mended")}
    plot = {
        "kind": "line",
        "x": [*range(most_trials + 1)],
        "series": series,
        "x_label": "trials K",
        "y_label": "a text",
    }
    return {"rows": rows, "drawing": texts["journey, K = 1"][0], "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of long thoughts, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    root, _ = grow((4, 7, 8, 8), Erring(0.3), indifferent, width=4, depth=3)
    paths, rng = list(right_paths(root)), Random(0)  # noqa: S311
    walks = [(path, trials, walk(path, trials, rng)) for path in paths for trials in (0, 1, 2) for _ in range(10)]
    rights = [[move.node for move in moves if move.kind == RIGHT] == path[1:] for path, _, moves in walks]
    backs = [(node, trials, moves) for path, trials, moves in walks for node in path]
    few = [sum(kind == BACK and to is node for kind, to in moves) <= trials for node, trials, moves in backs]
    told = [(read(write(root, moves)), trials) for _, trials, moves in walks]
    return [
        ("Every text tells all of its shortcut, in order.", len(rights) > 0 and all(rights)),
        ("At no node are there more than K tries that err.", all(few)),
        ("Read by arithmetic, every text ends with 24.", all(one.solved for one, _ in told)),
        ("Shortcuts hold no error.", all(one.errors == 0 for one, trials in told if not trials)),
        ("Journeys hold errors.", all(one.errors > 0 for one, trials in told if trials)),
        ("All of them are mended.", all(one.errors == one.mended for one, _ in told)),
        ("None is longer than can be.", all(one.steps <= longest(3, trials) for one, trials in told)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Shortcuts and long thoughts from trees of steps.", demo, checks)


if __name__ == "__main__":
    main()
