"""Trees of steps against all ways of playing, beams against counts by hand."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import puzzles, reasoning_tree
from kb.reference.reasoning_tree import Node, grow, keep, right_paths


def levels_of(root):
    level, levels = root.children, []
    while level:
        levels.append(level)
        level = [child for node in level for child in node.children]
    return levels


def test_the_best_are_kept_and_the_earlier_of_equals():
    nodes = [Node((), reward=reward) for reward in (0.2, 0.9, 0.4, 0.9, 0.4)]

    assert [id(node) for node in keep(nodes, 3)] == [id(nodes[1]), id(nodes[3]), id(nodes[2])]


def test_of_those_called_right_k_at_most_are_kept():
    nodes = [Node((), reward=verdict) for verdict in (False, True, False, True, True)]

    assert [node.reward for node in keep(nodes, 2, threshold=1.0)] == [True, True]
    assert [node.reward for node in keep(nodes[:3], 2, threshold=1.0)] == [True]
    assert keep(nodes[:1], 2, threshold=1.0) == []


def test_a_beam_of_5_generates_3_9_and_then_15_steps_a_level():
    assert reasoning_tree.generated_per_level(3, 10, 5) == [3, 9, 15, 15, 15, 15, 15, 15, 15, 15]
    assert reasoning_tree.generated_per_level(2, 3, 100) == [2, 4, 8]
    assert reasoning_tree.generated_per_level(1, 3, 1) == [1, 1, 1]


@pytest.mark.parametrize(("beam", "total"), [(1, 30), (3, 84), (5, 132)])
def test_eleven_numbers_ten_steps_deep_generate_what_the_note_counts(beam, total):
    _, counts = grow(range(1, 12), puzzles.blind, reasoning_tree.indifferent, width=3, depth=10, beam=beam)

    assert sum(counts) == total
    assert counts == reasoning_tree.generated_per_level(3, 10, beam)


def test_a_tree_that_prunes_nothing_holds_every_way_of_playing():
    root, counts = grow((4, 7, 8, 8), puzzles.blind, puzzles.solvable, width=99)

    finished, right = puzzles.solutions([4, 7, 8, 8])
    assert counts[-1] == len(levels_of(root)[-1]) == finished
    assert len(list(right_paths(root))) == right == 6


@given(seed=st.integers(0, 999), width=st.integers(1, 4), beam=st.integers(1, 5), misjudged=st.sampled_from([0.0, 0.3]))
def test_no_level_generates_more_than_beam_times_width_and_what_is_generated_is_possible(seed, width, beam, misjudged):
    judge = puzzles.ErringJudge(misjudged)
    numbers = (2, 3, 5, 12)

    root, counts = grow(numbers, puzzles.Erring(0.5), judge, width=width, depth=3, beam=beam, seed=seed)

    levels = levels_of(root)
    assert counts == [len(level) for level in levels]
    assert all(count <= limit for count, limit in zip(counts, (width, beam * width, beam * width), strict=True))
    assert all(sum(bool(node.children) for node in level) <= beam for level in levels)
    for path in right_paths(root):
        assert puzzles.score(numbers, [node.step for node in path[1:]]) == 1
    assert all(child.step in puzzles.next_steps(root.state) for child in root.children)


def test_the_beam_carries_on_the_highest_rewards():
    root, _ = grow((1, 2, 3, 4), puzzles.blind, lambda state: float(max(state)), width=6, depth=2, beam=2)

    expanded = sorted((node.reward for node in root.children if node.children), reverse=True)

    assert expanded == sorted((node.reward for node in root.children), reverse=True)[:2]


def test_a_tree_ends_where_the_numbers_or_the_right_steps_end():
    _, counts = grow((4, 6), puzzles.blind, puzzles.solvable, width=9)
    _, hopeless = grow((1, 1, 1, 1), puzzles.blind, puzzles.solvable, width=2, threshold=1.0)
    _, none = grow((24,), puzzles.blind, puzzles.solvable)

    assert (counts, hopeless, none) == ([5], [2], [])


def test_a_seed_grows_the_same_tree_again_and_another_a_different_one():
    def drawn(seed):
        return reasoning_tree.draw(grow((4, 7, 8, 8), puzzles.blind, puzzles.solvable, depth=2, seed=seed)[0])

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_drawing_marks_right_and_wrong_ends():
    root, _ = grow((4, 6), puzzles.blind, puzzles.solvable, width=9)

    lines = reasoning_tree.draw(root).split("\n")

    assert lines[0] == "root   [4, 6]  1"
    assert [line for line in lines[1:] if not line.endswith("]  0 ✗")] == ["   6 × 4 = 24   [24]  1 ✓"]
    assert len(lines) == 6


@pytest.mark.parametrize("name", ["width", "depth", "beam"])
def test_nothing_below_one_is_taken(name):
    with pytest.raises(ValueError, match=f"{name} of 1 or more, got 0"):
        grow((4, 6), puzzles.blind, puzzles.solvable, **{name: 0})
    with pytest.raises(ValueError, match="beam of 1 or more, got -1"):
        reasoning_tree.generated_per_level(3, 3, -1)


@pytest.fixture(scope="module")
def shown():
    return reasoning_tree.demo()


def test_the_demo_says_that_a_judge_saves_steps_and_that_its_errors_cost_answers(shown):
    rows = {(row["carried_on"], row["beam"]): row for row in shown["rows"]}
    exact, whole = rows["exact, judged right", "3"], rows["no judge", "all"]

    assert exact["solved"] > 0.8 * whole["solved"]
    assert exact["steps_generated"] < whole["steps_generated"] / 3
    assert rows["erring, judged right", "all"]["solved"] < rows["erring, best first", "all"]["solved"]
    assert rows["no judge", "1"]["solved"] < rows["no judge", "3"]["solved"] < rows["no judge", "8"]["solved"]
    assert "132 steps" in " ".join(shown["remarks"])


def test_a_policy_of_ones_own_decides_what_is_generated():
    def last(state, steps):
        return [float(step is steps[-1]) for step in steps]

    root, counts = grow((2, 3, 4), last, puzzles.solvable, width=3)

    assert counts == [1, 1]
    assert root.children[0].step == puzzles.next_steps(root.state)[-1]


def test_run_alone_it_prints_its_table(shown, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reasoning_tree"])
    monkeypatch.setattr(reasoning_tree, "demo", lambda *, device, seed: shown)

    reasoning_tree.main()

    assert "steps_generated" in capsys.readouterr().out
