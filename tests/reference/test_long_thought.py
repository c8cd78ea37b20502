"""Long thoughts against every walk there can be of a small tree, and texts against what they were made of."""

import sys
from itertools import chain, pairwise, permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import long_thought, puzzles
from kb.reference.long_thought import BACK, RIGHT, WRONG, longest, read, walk, write
from kb.reference.reasoning_tree import Node, grow, indifferent, right_paths

GOOD = puzzles.begin((24,))


def node(name, *children, good=False):
    return Node(GOOD if good else (name,), children=list(children))


def named(moves):
    return [(kind, "24" if to.state == GOOD else str(to.state[0])) for kind, to in moves]


def test_one_wrong_branch_is_walked_to_its_end_before_the_right_step():
    wrong = node("a", node("b"))
    right = node("c", good=True)
    root = node("root", wrong, right)

    assert named(walk([root, right], 1, Random(0))) == [(WRONG, "a"), (WRONG, "b"), (BACK, "root"), (RIGHT, "24")]
    assert named(walk([root, right], 0, Random(0))) == [(RIGHT, "24")]


def test_another_right_branch_is_no_trial():
    right, other = node("c", good=True), node("d", good=True)
    root = node("root", other, right)

    assert named(walk([root, right], 5, Random(0))) == [(RIGHT, "24")]
    assert len(list(right_paths(root))) == 2


def every_descent(top):
    if not top.children:
        return [[top]]
    return [[top, *rest] for child in top.children for rest in every_descent(child)]


def every_walk(path, trials):
    """All there can be, by brute force: at each node every order of every choice of wrong children, every way down."""
    at_nodes = []
    for here, right in pairwise(path):
        wrong = [child for child in here.children if not list(right_paths(child))]
        ways = []
        for chosen in permutations(wrong, min(trials, len(wrong))):
            for descents in product(*(every_descent(child) for child in chosen)):
                moves = []
                for descent in descents:
                    moves += [(WRONG, one) for one in descent] + [(BACK, here)]
                ways.append([*moves, (RIGHT, right)])
        at_nodes.append(ways)
    return {tuple(named(chain(*parts))) for parts in product(*at_nodes)}


@pytest.mark.parametrize(("trials", "walks"), [(0, 1), (1, 3 * 2), (2, 4 * 2), (3, 4 * 2)])
def test_the_walks_drawn_are_all_there_can_be_and_no_others(trials, walks):
    # Below the root: a with two ends, b an end itself, and c on the way to 24, with two wrong ends beside it.
    end = node("end", good=True)
    c = node("c", node("x"), end, node("y"))
    root = node("root", node("a", node("a1"), node("a2")), node("b"), c)
    path = [root, c, end]

    drawn = {tuple(named(walk(path, trials, Random(seed)))) for seed in range(300)}

    assert drawn == every_walk(path, trials)
    assert len(drawn) == walks


@given(seed=st.integers(0, 999), trials=st.integers(0, 4), beam=st.sampled_from([None, 2, 4]))
def test_the_right_path_is_always_told_and_no_node_has_more_than_k_tries(seed, trials, beam):
    root, _ = grow((4, 7, 8, 8), puzzles.Erring(0.4), indifferent, width=3, depth=3, beam=beam, seed=seed)
    for path in right_paths(root):
        moves = walk(path, trials, Random(seed))

        assert [id(to) for kind, to in moves if kind == RIGHT] == [id(one) for one in path[1:]]
        for one in path:
            entered = [id(to) for kind, to in moves if kind == WRONG and any(to is child for child in one.children)]
            assert len(entered) == len(set(entered)) <= trials
        assert sum(kind != BACK for kind, _ in moves) <= longest(3, trials)
        told = read(write(root, moves))
        assert told.solved
        assert told.steps == sum(kind != BACK for kind, _ in moves)
        assert told.waits == sum(kind == BACK for kind, _ in moves)
        assert told.errors == told.mended


def test_depth_three_with_one_trial_a_node_has_nine_steps_at_most():
    assert longest(3, 1) == 9
    assert longest(3, 0) == 3
    assert longest(10, 2) == 120


JOURNEY = """Make 24 from 4, 6, 8.
8 ÷ 4 = 2.
Then 6 × 2 = 12.
Wait, 12 is not 24; back to 4, 6, 8.
Alternatively, 8 + 4 = 12.
Wait, I see no way from 6, 12 to 24; back to 4, 6, 8.
Alternatively, 8 - 4 = 4.
Then 6 × 4 = 24.
Therefore the answer is 24."""


def test_a_walk_is_written_with_its_waits():
    state = puzzles.begin((4, 6, 8))

    def child_of(parent, text):
        step = puzzles.read_step(parent.state, text)
        parent.children.append(Node(step.after, step))
        return parent.children[-1]

    root = Node(state)
    child_of(child_of(root, "8 ÷ 4 = 2"), "6 × 2 = 12")
    child_of(root, "8 + 4 = 12")
    right = child_of(root, "8 - 4 = 4")
    path = [root, right, child_of(right, "6 × 4 = 24")]

    texts = {write(root, walk(path, 2, Random(seed))) for seed in range(20)}

    assert JOURNEY in texts
    assert len(texts) == 2


def test_a_text_is_read_by_arithmetic():
    assert read(JOURNEY) == (5, 2, 2, 2, True)
    assert read(JOURNEY.replace("\nTherefore the answer is 24.", "")).solved
    assert read("Make 24 from 4, 6, 8.\n8 ÷ 4 = 2.\nThen 6 × 2 = 12.") == (2, 1, 0, 0, False)
    assert read("Make 24 from 4, 6, 8.\n8 - 4 = 4.\nThen 6 × 4 = 24.\nTherefore the answer is 24.") == (
        2,
        0,
        0,
        0,
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("6 × 2 = 12.", "6 × 2 = 24.", "6 × 2 = 24"),
        ("6 × 2 = 12.", "6 × 8 = 48.", "6 × 8 = 48"),
        ("back to 4, 6, 8.", "back to 4, 6, 9.", "back to 4, 6, 9"),
        ("Wait, 12", "Hm, 12", "Hm, 12"),
    ],
)
def test_a_text_that_does_not_add_up_is_refused(old, new, told):
    with pytest.raises(ValueError, match=told):
        read(JOURNEY.replace(old, new))


def test_no_walk_without_a_right_path_or_with_less_than_no_trial():
    root = node("root", node("c", good=True))

    for call in (
        lambda: walk([root], 1, Random(0)),
        lambda: walk([], 1, Random(0)),
        lambda: walk([root, root.children[0]], -1, Random(0)),
        lambda: longest(3, -1),
        lambda: long_thought.demo(most_trials=0),
        lambda: long_thought.demo(error_rate=1.0),
    ):
        with pytest.raises(ValueError, match="want"):
            call()


def test_the_demo_shows_errors_and_their_mending_in_journeys_and_none_in_shortcuts():
    shown = long_thought.demo()
    rows = {row["data"]: row for row in shown["rows"]}
    shortcut, attempts = rows["shortcut"], rows["attempts as they come"]

    assert (shortcut["errors"], shortcut["waits"], shortcut["solved"]) == (0, 0, 1)
    assert attempts["errors"] > 0.5
    assert attempts["mended"] == 0
    for trials in (1, 2, 3):
        journey = rows[f"journey, K = {trials}"]
        assert journey["errors"] == journey["mended"] > 0
        assert journey["solved"] == 1
        assert journey["steps"] > shortcut["steps"]
    assert "Wait, " in shown["drawing"]


def test_run_alone_it_prints_a_long_thought(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["long_thought"])

    long_thought.main()

    assert "Wait, " in capsys.readouterr().out
