"""Labels by roll-outs against exact values, the binomial law and figures by hand."""

import math
import sys
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import puzzles, step_reward
from kb.reference.step_reward import hard_label, missed, roll_out, rollouts_for, soft_label, standard_error, value


def test_labels_by_hand():
    assert soft_label([True, False, False, False]) == 0.25
    assert hard_label([True, False, False, False]) is True
    assert soft_label([False] * 8) == 0
    assert hard_label([False] * 8) is False


@pytest.mark.parametrize(
    ("probability", "rollouts", "error"), [(0.5, 8, 0.1768), (0.5, 1, 0.5), (0.1, 9, 0.1), (0, 3, 0), (1, 3, 0)]
)
def test_the_standard_error_by_hand(probability, rollouts, error):
    assert standard_error(probability, rollouts) == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("rollouts", [1, 2, 5, 8])
def test_error_and_misses_are_those_of_all_outcomes_there_can_be(probability, rollouts):
    mean = square = nothing = 0.0
    for ended in product([False, True], repeat=rollouts):
        weight = math.prod(probability if one else 1 - probability for one in ended)
        mean += weight * soft_label(ended)
        square += weight * (soft_label(ended) - probability) ** 2
        nothing += weight * (not hard_label(ended))

    assert mean == pytest.approx(probability)
    assert standard_error(probability, rollouts) == pytest.approx(math.sqrt(square))
    assert missed(probability, rollouts) == pytest.approx(nothing)


@given(probability=st.floats(0, 1), error=st.floats(0.01, 1))
def test_so_many_rollouts_are_enough_and_one_less_is_not(probability, error):
    rollouts = rollouts_for(probability, error)

    assert standard_error(probability, rollouts) <= error * (1 + 1e-6)
    assert rollouts == 1 or standard_error(probability, rollouts - 1) > error * (1 - 1e-6)


def every_completion(policy, state):
    """All ways to complete a state, each with its probability, one by one."""
    steps = puzzles.next_steps(state)
    if not steps:
        yield 1.0, state
    weights = policy(state, steps)
    for step, weight in zip(steps, weights, strict=True):
        for probability, end in every_completion(policy, step.after):
            yield weight / sum(weights) * probability, end


@pytest.mark.parametrize("policy", [puzzles.blind, puzzles.Erring(0.5), puzzles.Erring(0.9)])
@pytest.mark.parametrize("hand", [(2, 3, 4), (1, 5, 6), (2, 2, 6), (1, 1, 1)])
def test_the_value_of_a_step_is_the_sum_over_every_completion(policy, hand):
    state = puzzles.begin(hand)
    completions = list(every_completion(policy, state))

    assert sum(probability for probability, _ in completions) == pytest.approx(1)
    right = sum(probability for probability, end in completions if end == (24,))
    assert value(policy, state) == pytest.approx(right)


def test_soft_labels_are_right_on_average_and_spread_as_the_formula_says():
    state, policy, rng = puzzles.begin((1, 4, 6)), puzzles.Erring(0.5), Random(0)
    exact = value(policy, state)

    labels = [soft_label(roll_out(policy, state, 4, rng)) for _ in range(1000)]

    assert 0.1 < exact < 0.9
    assert sum(labels) / 1000 == pytest.approx(exact, abs=0.03)
    spread = math.sqrt(sum((label - exact) ** 2 for label in labels) / 1000)
    assert spread == pytest.approx(standard_error(exact, 4), rel=0.1)


def test_a_finished_state_is_its_own_completion():
    assert roll_out(puzzles.blind, puzzles.begin((24,)), 3, Random(0)) == [True, True, True]
    assert roll_out(puzzles.blind, puzzles.begin((23,)), 2, Random(0)) == [False, False]


def test_bad_input_is_refused():
    for call, told in [
        (lambda: roll_out(puzzles.blind, puzzles.begin((1, 2)), 0, Random(0)), "1 roll-out or more .* got 0"),
        (lambda: standard_error(0.5, 0), "got 0 and 0.5"),
        (lambda: standard_error(1.5, 8), "got 8 and 1.5"),
        (lambda: missed(-0.5, 8), "got 8 and -0.5"),
        (lambda: rollouts_for(0.5, 0.0), "above 0, got 0.0"),
        (lambda: rollouts_for(math.nan, 0.1), "got 1 and nan"),
        (lambda: step_reward.demo(repeats=0), "got 0"),
        (lambda: step_reward.demo(error_rates=()), "got none"),
    ]:
        with pytest.raises(ValueError, match=told):
            call()


@pytest.fixture(scope="module")
def shown():
    return step_reward.demo()


def test_the_demo_measures_what_the_formulas_say_and_that_a_poor_policy_misses_more(shown):
    rows = shown["rows"]
    by_rate = {rate: {row["rollouts"]: row for row in rows if row["policy_errs"] == rate} for rate in (0.5, 0.8)}

    for row in rows:
        assert row["measured"] == pytest.approx(row["standard_error"], rel=0.25)
        assert row["hard_label_misses"] == pytest.approx(row["expected"], abs=0.1)
    assert by_rate[0.8][8]["hard_label_misses"] > 0.5 > by_rate[0.5][8]["hard_label_misses"]


def test_run_alone_it_prints_its_table(shown, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["step_reward"])
    monkeypatch.setattr(step_reward, "demo", lambda *, device, seed: shown)

    step_reward.main()

    assert "hard_label_misses" in capsys.readouterr().out
