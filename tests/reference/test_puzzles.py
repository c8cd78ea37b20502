"""The 24 game against hands worked out on paper, the known counts, and a brute force over expressions."""

import sys
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import puzzles

HANDS = st.lists(st.integers(0, 10), min_size=1, max_size=4)


def text_of(steps):
    return [str(step) for step in steps]


def test_two_numbers_have_a_sum_a_difference_a_product_and_two_quotients():
    steps = puzzles.next_steps(puzzles.begin((3, 2)))

    assert text_of(steps) == ["3 + 2 = 5", "3 - 2 = 1", "3 × 2 = 6", "3 ÷ 2 = 3/2", "2 ÷ 3 = 2/3"]


def test_nothing_is_divided_by_zero_and_equal_numbers_have_one_quotient():
    assert text_of(puzzles.next_steps(puzzles.begin((0, 2)))) == ["2 + 0 = 2", "2 - 0 = 2", "2 × 0 = 0", "0 ÷ 2 = 0"]
    assert text_of(puzzles.next_steps(puzzles.begin((3, 3)))) == ["3 + 3 = 6", "3 - 3 = 0", "3 × 3 = 9", "3 ÷ 3 = 1"]


def test_the_other_numbers_stay():
    steps = puzzles.next_steps(puzzles.begin((8, 4, 6)))

    assert "6, 12" in [puzzles.written(step.after) for step in steps if str(step) == "8 + 4 = 12"]
    assert all(len(step.after) == 2 for step in steps)


def test_of_the_715_hands_of_1_to_10_566_can_make_24():
    hands = list(combinations_with_replacement(range(1, 11), 4))

    assert len(hands) == 715
    assert sum(puzzles.solvable(puzzles.begin(hand)) for hand in hands) == 566


def makes_24(hand):
    """Try every order, every sign and every bracketing, negative numbers too."""
    a, b, c, d = "abcd"
    shapes = [((a, b), (c, d)), (((a, b), c), d), ((a, (b, c)), d), (a, ((b, c), d)), (a, (b, (c, d)))]

    def value(shape, numbers, signs):
        if isinstance(shape, str):
            return numbers[shape]
        left, right = (value(part, numbers, signs) for part in shape)
        sign = next(signs)
        if sign == "/":
            return left / right
        return left + right if sign == "+" else left - right if sign == "-" else left * right

    for order, signs, shape in product(set(permutations(hand)), product("+-*/", repeat=3), shapes):
        try:
            if value(shape, dict(zip("abcd", map(Fraction, order), strict=True)), iter(signs)) == 24:
                return True
        except ZeroDivisionError:
            pass
    return False


@pytest.mark.parametrize("hand", [(1, 1, 1, 8), (1, 2, 7, 7), (3, 3, 7, 7), (1, 1, 1, 1), (1, 1, 7, 7), (5, 5, 9, 9)])
def test_a_hand_can_make_24_if_some_expression_of_it_does(hand):
    assert puzzles.solvable(puzzles.begin(hand)) == makes_24(hand)


def test_two_numbers_have_five_endings_and_4_and_6_one_that_is_right():
    assert puzzles.solutions([4, 6]) == (5, 1)
    assert puzzles.solutions([24]) == (1, 1)
    assert puzzles.solutions([12, 12]) == (4, 1)


def test_an_answer_scores_only_when_finished_and_legal():
    numbers, state, steps = (3, 3, 8, 8), puzzles.begin((3, 3, 8, 8)), []
    for text in ("8 ÷ 3 = 8/3", "3 - 8/3 = 1/3", "8 ÷ 1/3 = 24"):
        steps.append(puzzles.read_step(state, text))
        state = steps[-1].after

    assert puzzles.score(numbers, steps) == 1
    assert puzzles.score(numbers, steps[:2]) == 0
    assert puzzles.score((3, 3, 8, 9), steps) == 0
    assert puzzles.score(numbers, [*steps[:2], steps[2]._replace(left=Fraction(9))]) == 0
    assert puzzles.score(numbers, steps[::-1]) == 0


@given(hand=HANDS, seed=st.integers(0, 99))
def test_an_attempt_reads_back_from_its_text_and_its_score_is_whether_24_is_left(hand, seed):
    state = puzzles.begin(hand)
    steps = puzzles.attempt(puzzles.blind, state, Random(seed))

    for step in steps:
        assert puzzles.read_step(state, str(step)) == step
        state = step.after
    assert len(steps) == len(hand) - 1
    assert puzzles.score(hand, steps) == (state == (24,))


@given(hand=HANDS, seed=st.integers(0, 99))
def test_no_attempt_solves_a_hand_that_cannot_make_24(hand, seed):
    steps = puzzles.attempt(puzzles.blind, puzzles.begin(hand), Random(seed))

    assert puzzles.solvable(puzzles.begin(hand)) or not puzzles.score(hand, steps)


def test_candidates_differ_and_a_step_of_no_weight_is_none():
    state = puzzles.begin((2, 3))

    assert len(set(puzzles.candidates(puzzles.blind, state, 9, Random(0)))) == 5
    assert text_of(puzzles.candidates(lambda state, steps: [0, 0, 1, 0, 0], state, 9, Random(0))) == ["3 × 2 = 6"]
    assert puzzles.candidates(puzzles.blind, puzzles.begin((24,)), 3, Random(0)) == []


def test_a_policy_that_errs_in_a_fifth_of_three_steps_solves_512_of_1000():
    state = puzzles.begin((1, 5, 5, 5))
    policy = puzzles.Erring(0.2)
    rng = Random(1)

    assert puzzles.chance(policy, state) == pytest.approx(0.512)
    solved = sum(puzzles.score((1, 5, 5, 5), puzzles.attempt(policy, state, rng)) for _ in range(1000))
    assert solved == pytest.approx(512, abs=60)


def test_drawing_blindly_makes_24_of_4_and_6_in_a_fifth_of_all_cases():
    assert puzzles.chance(puzzles.blind, puzzles.begin((4, 6))) == pytest.approx(0.2)
    assert puzzles.chance(puzzles.blind, puzzles.begin((24,))) == 1
    assert puzzles.chance(puzzles.blind, puzzles.begin((23,))) == 0


def test_a_judge_misjudges_a_share_of_states_always_the_same_and_never_one_number():
    states = {step.after for numbers in puzzles.PUZZLES for step in puzzles.next_steps(puzzles.begin(numbers))}
    judge = puzzles.ErringJudge(0.25, seed=3)

    wrong = [judge(state) != puzzles.solvable(state) for state in states]

    assert sum(wrong) / len(wrong) == pytest.approx(0.25, abs=0.1)
    assert wrong == [judge(state) != puzzles.solvable(state) for state in states]
    assert puzzles.ErringJudge(1.0)((Fraction(24),)) is True
    assert puzzles.ErringJudge(1.0)((Fraction(23),)) is False


def test_what_cannot_be_played_is_refused():
    state = puzzles.begin((2, 3))

    for call, told in [
        (lambda: puzzles.begin(()), r"one number or more.*\[\]"),
        (lambda: puzzles.begin((1, -2)), r"none below 0.*\[1, -2\]"),
        (lambda: puzzles.read_step(state, "2 × 4 = 8"), "2, 3.*2 × 4 = 8"),
        (lambda: puzzles.Erring(1.5), "0 .. 1, got 1.5"),
        (lambda: puzzles.ErringJudge(-0.5), "0 .. 1, got -0.5"),
        (lambda: puzzles.candidates(puzzles.blind, state, 0, Random(0)), "1 or more, got 0"),
        (lambda: puzzles.demo(attempts=0), "1 attempt or more, got 0"),
    ]:
        with pytest.raises(ValueError, match=told):
            call()


@pytest.fixture(scope="module")
def shown():
    return puzzles.demo()


def test_the_demo_counts_about_what_the_exact_chance_says(shown):
    rows = shown["rows"]

    assert [row["right"] > 0 for row in rows] == [True] * 6 + [False]
    assert all(row["solved"] == pytest.approx(row["chance"], abs=0.1) for row in rows)
    assert all(row["blind"] < row["chance"] for row in rows[:6])


def test_run_alone_it_prints_its_table(shown, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["puzzles"])
    monkeypatch.setattr(puzzles, "demo", lambda *, device, seed: shown)

    puzzles.main()

    assert "1 5 5 5" in capsys.readouterr().out
