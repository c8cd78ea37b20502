"""The four actions against a search worked by hand, exhaustive ones, and the exact chance of a policy."""

import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import propose_critique, puzzles
from kb.reference.propose_critique import (
    ALLOWED,
    BACKTRACK,
    CONTINUE,
    REFLECT,
    START,
    TERMINATE,
    Rules,
    Search,
    act,
    search,
)

EXACT = puzzles.ErringJudge()


def first(state, steps):
    """A policy that proposes the steps in their order."""
    return [1.0 if step is steps[0] else 0.0 for step in steps]


def in_order(state, steps):
    return [10.0**-place for place in range(0, 100 * len(steps), 100)]


def test_a_search_by_hand():
    trace = search((4, 6), in_order, EXACT, Rules())

    assert trace.said == [
        "6 + 4 = 10.",
        "Wait, can 10 make 24? No.",
        "Back to 4, 6, without 6 + 4 = 10.",
        "6 - 4 = 2.",
        "Wait, can 2 make 24? No.",
        "Back to 4, 6, without 6 - 4 = 2.",
        "6 × 4 = 24.",
        "24 it is.",
    ]
    assert trace.actions == [*[CONTINUE, REFLECT, BACKTRACK] * 2, CONTINUE, TERMINATE]
    assert trace.solved
    assert [str(step) for step in trace.steps] == ["6 × 4 = 24"]


def test_who_never_reflects_ends_at_the_first_wrong_end():
    trace = search((4, 6), in_order, EXACT, Rules(gives_up=True))

    assert trace.said == ["6 + 4 = 10.", "I give up."]
    assert not trace.solved


def test_who_always_reflects_turns_back_before_the_end():
    trace = search((4, 6, 1), in_order, EXACT, Rules(1.0))

    assert trace.said[:3] == ["4 + 1 = 5.", "Wait, can 5, 6 make 24? No.", "Back to 1, 4, 6, without 4 + 1 = 5."]
    assert trace.said[3] == "Wait, can 1, 4, 6 make 24? Yes."
    assert trace.solved


@given(
    hand=st.lists(st.integers(0, 13), min_size=1, max_size=4),
    reflects=st.sampled_from([0.0, 0.5, 1.0]),
    misjudged=st.sampled_from([0.0, 0.3, 1.0]),
    most=st.integers(1, 80),
    seed=st.integers(0, 999),
)
def test_whatever_happens_actions_are_allowed_and_what_is_left_is_a_legal_solution(
    hand, reflects, misjudged, most, seed
):
    critic = puzzles.ErringJudge(misjudged)

    trace = search(hand, puzzles.Erring(0.5), critic, Rules(reflects), most_actions=most, seed=seed)

    assert all(action in ALLOWED[last] for last, action in zip([START, *trace.actions], trace.actions, strict=False))
    assert len(trace.said) == len(trace.actions) <= most
    assert trace.actions.index(TERMINATE) == len(trace.actions) - 1
    assert trace.actions.count(CONTINUE) - trace.actions.count(BACKTRACK) == len(trace.steps)
    state = puzzles.begin(hand)
    for step in trace.steps:
        assert step in puzzles.next_steps(state)
        state = step.after
    assert trace.solved == (state == (24,))


@pytest.mark.parametrize("hand", [(2, 3, 4), (1, 1, 1), (3, 8, 11), (2, 2, 2), (5, 5, 1), (1, 11, 13), (7, 7, 7)])
def test_given_time_wrong_ends_are_enough_to_solve_what_can_be_solved_and_to_give_up_on_the_rest(hand):
    trace = search(hand, puzzles.blind, EXACT, Rules(), most_actions=10_000, seed=1)

    assert trace.solved == puzzles.solvable(puzzles.begin(hand))
    assert len(trace.actions) < 10_000
    if not trace.solved:  # every way of playing was walked to its end, once
        ends = [line for line in trace.said if line.startswith("Wait, can ") and "," not in line[5:]]
        assert len(ends) == puzzles.solutions(list(hand)).finished


def test_a_policy_of_few_steps_is_helped_out_when_those_were_tried():
    assert search((4, 6), first, EXACT, Rules()).solved


def test_who_never_reflects_solves_as_often_as_chance_says():
    hand, policy = (1, 5, 5, 5), puzzles.Erring(0.4)

    solved = sum(search(hand, policy, EXACT, Rules(gives_up=True), seed=seed).solved for seed in range(500))

    assert solved / 500 == pytest.approx(0.216, abs=0.06)


def test_a_critic_that_is_always_wrong_turns_right_steps_back():
    trace = search((2, 3, 4), puzzles.Erring(0.0), puzzles.ErringJudge(1.0), Rules(1.0), most_actions=4)

    assert trace.actions[:3] == [CONTINUE, REFLECT, BACKTRACK]


def test_a_chooser_of_ones_own_may_do_what_is_allowed_and_nothing_else():
    def stubborn(search, rng):
        return BACKTRACK if len(search.path) > 1 else CONTINUE

    with pytest.raises(ValueError, match=r"\['continue', 'reflect', 'terminate'\] after continue, got 'backtrack'"):
        search((4, 6), puzzles.blind, EXACT, stubborn)


def test_no_way_back_from_the_beginning_and_no_step_from_the_end():
    stands = Search([puzzles.begin((4, 6))])
    act(stands, REFLECT, puzzles.blind, EXACT, Random(0))
    with pytest.raises(ValueError, match="take back"):
        act(stands, BACKTRACK, puzzles.blind, EXACT, Random(0))

    ended = Search([puzzles.begin((23,))])
    with pytest.raises(ValueError, match="step from 23"):
        act(ended, CONTINUE, puzzles.blind, EXACT, Random(0))

    with pytest.raises(ValueError, match="1 action or more, got 0"):
        search((4, 6), puzzles.blind, EXACT, Rules(), most_actions=0)
    act(ended, TERMINATE, puzzles.blind, EXACT, Random(0))
    with pytest.raises(ValueError, match="after terminate, got 'continue'"):
        act(ended, CONTINUE, puzzles.blind, EXACT, Random(0))


@pytest.fixture(scope="module")
def shown():
    return propose_critique.demo()


def test_the_demo_says_that_reflecting_sooner_solves_more_and_that_a_bad_critic_costs_it(shown):
    rows = shown["rows"]
    never, ends, half, always, erring = (row["solved"] for row in rows)

    assert never < ends < half < always == 1
    assert erring < always / 2
    assert rows[0]["reflect"] == rows[0]["backtrack"] == 0
    assert rows[3]["continue"] < rows[1]["continue"] / 2


def test_run_alone_it_prints_a_trace(shown, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["propose_critique"])
    monkeypatch.setattr(propose_critique, "demo", lambda *, device, seed: shown)

    propose_critique.main()

    assert "24 it is." in capsys.readouterr().out
