"""SPRIG's edits worked by hand, its search against brute force, and what it finds in a toy that knows its optimum."""

import math
from collections import Counter
from itertools import pairwise, product
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import arithmetic, sprig
from kb.reference.sprig import Toy, added, candidates, deleted, highest_bounds, rephrased, search, spreads, swapped


def silent(sentence):
    return []


def test_the_four_edits_by_hand():
    prompt = ("a", "b", "c")

    assert added(prompt, ["x"]) == [("x", *prompt), ("a", "x", "b", "c"), ("a", "b", "x", "c"), (*prompt, "x")]
    assert rephrased(("a", "b"), lambda one: [one + "1", one + "2"]) == [
        ("a1", "b"),
        ("a2", "b"),
        ("a", "b1"),
        ("a", "b2"),
    ]
    assert swapped(prompt) == [("b", "a", "c"), ("c", "b", "a"), ("a", "c", "b")]
    assert deleted(prompt) == [("b", "c"), ("a", "c"), ("a", "b")]


def test_with_5_sentences_a_round_offers_the_425_prompts_of_the_note():
    assert candidates(60, 5, 10) == 425


@given(components=st.integers(0, 20), sentences=st.integers(0, 8), rephrasings=st.integers(0, 6))
def test_the_prompts_made_are_as_many_as_the_formula_says(components, sentences, rephrasings):
    made = candidates(components, sentences, rephrasings)

    assert made == arithmetic.edit_candidates(components, sentences, rephrasings)


@settings(max_examples=30)
@given(table=st.lists(st.integers(-99, 99), min_size=40, max_size=40))
def test_a_beam_that_drops_nothing_finds_the_best_of_all_prompts_whatever_the_scorer(table):
    prompts = [prompt for size in range(4) for prompt in product("abc", repeat=size)]
    scores = dict(zip(prompts, table, strict=True))

    found = search("abc", lambda prompt: float(scores[prompt]), silent, rounds=3, beam=100)

    assert found[-1].best == max(table)
    assert scores[found[-1].beam[0]] == max(table)
    assert found[-1].scored == 40


@pytest.mark.parametrize("last", [("B", "a"), ("B",)], ids=["swap", "delete"])
def test_it_rephrases_swaps_and_deletes_where_adding_alone_does_not_get_there(last):
    path = [("a",), ("a", "b"), ("a", "B"), last]  # each scores more than the one before
    scores = {prompt: float(place) for place, prompt in enumerate(path, 1)}

    found = search(["a", "b"], lambda prompt: scores.get(prompt, 0.0), lambda one: [one.upper()], rounds=4, beam=1)

    assert [one.beam[0] for one in found] == path


def test_a_round_is_never_worse_than_the_one_before_and_no_prompt_is_scored_twice():
    toy, asked = Toy(3), Counter()

    def counted(prompt):
        asked[prompt] += 1
        return toy(prompt)

    found = search(toy.components, counted, toy.rephrase, rounds=5, beam=4, wanted=5)

    assert all(after.best >= before.best for before, after in pairwise(found))
    assert set(asked.values()) == {1}
    assert found[-1].scored == asked.total()
    assert all(len(one.beam) == 4 and len(one.tried) == 5 for one in found)


def test_bounds_by_hand():
    gains = {"often": [1.0] * 8, "once": [0.5], "never": []}

    assert highest_bounds(gains, 3, 0.0) == ["never", "often", "once"]
    # ln 9 = 2.197: often 1 + 0.741 x, once 0.5 + 2.096 x; they meet at x = 0.369
    assert highest_bounds(gains, 3, 0.36) == ["never", "often", "once"]
    assert highest_bounds(gains, 3, 0.38) == ["never", "once", "often"]
    assert highest_bounds({"a": [], "b": []}, 1, 1.0) == ["a"]


def test_every_component_is_tried_before_one_is_tried_again():
    toy = Toy(1)

    found = search(toy.components, toy, toy.rephrase, rounds=4, beam=2, wanted=7)

    assert sorted(one for round_ in found for one in round_.tried) == sorted(toy.components)


def test_components_that_gained_make_better_prompts_than_all_in_turn():
    toys = [Toy(seed) for seed in range(6)]

    def reached(exploration):
        runs = [search(t.components, t, t.rephrase, wanted=10, beam=5, exploration=exploration)[-1] for t in toys]
        return fmean(run.best / toy.optimum() for run, toy in zip(runs, toys, strict=True))

    assert reached(0.01) > reached(1e9)


def test_where_gains_are_noisy_bounds_find_the_best_component_and_the_mean_alone_may_not():
    chances = {"a": 0.4, "b": 0.5, "c": 0.7}

    def share_of_the_best(exploration, seed):
        rng, gains = Random(seed), {one: [] for one in chances}
        for _ in range(400):
            (one,) = highest_bounds(gains, 1, exploration)
            gains[one].append(float(rng.random() < chances[one]))
        return len(gains["c"]) / 400

    assert min(share_of_the_best(0.5, seed) for seed in range(10)) > 0.6
    assert min(share_of_the_best(0.0, seed) for seed in range(10)) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_search_that_tries_all_gets_near_the_optimum_and_never_above_it(seed):
    toy = Toy(seed)

    best = search(toy.components, toy, toy.rephrase, rounds=12, wanted=28)[-1].best

    assert 0.98 * toy.optimum() < best < toy.optimum() + 1e-12


def test_the_optimum_is_that_of_brute_force(monkeypatch):
    kinds = {"cot": 0.06, "role": 0.0, "good": 0.0}
    monkeypatch.setattr(sprig, "KINDS", kinds)
    monkeypatch.setattr(sprig, "EACH", 2)
    toy = Toy(7)

    best = max(toy(prompt) for size in range(4) for prompt in product(toy.worth, repeat=size))

    assert len(toy.worth) == 18
    assert toy.optimum() == pytest.approx(best, abs=1e-12)


def test_a_prompt_of_the_toy_scores_by_hand():
    toy = Toy()
    toy.worth = {"cot 0 0": 0.06, "cot 1 0": 0.05, "role 0 0": 0.001}
    toy.last = {"cot": 0.0, "role": 0.002}

    assert toy(()) == 0
    assert toy(("cot 0 0",)) == pytest.approx(0.05)
    assert toy(("cot 0 0", "cot 1 0")) == pytest.approx(0.04)
    assert toy(("cot 0 0", "role 0 0")) == pytest.approx(0.06 + 0.001 + 0.016 + 0.002 - 0.02)
    assert toy.rephrase("cot 3 1") == ["cot 3 0", "cot 3 2"]


def test_the_spread_over_orders_is_none_where_order_does_not_matter():
    def length(prompt):
        return float(sum(map(len, prompt)))

    order, combination = spreads(length, ("a", "bb"), ["a", "bb", "cccc"])

    assert order == 0
    assert combination == pytest.approx(math.sqrt(14 / 9), rel=0.1)  # sums 3, 5 and 6


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"components": []}, r"one or more, got \[\]"),
        ({"components": ["a", "a"]}, r"different components, .*\['a', 'a'\]"),
        ({"rounds": 0}, "got 0, 10, 60 and 0.01"),
        ({"beam": 0}, "got 10, 0, 60"),
        ({"wanted": 0}, "got 10, 10, 0"),
        ({"exploration": -1.0}, "and -1.0"),
        ({"exploration": math.nan}, "and nan"),
    ],
)
def test_what_cannot_be_searched_is_said(given_, message):
    with pytest.raises(ValueError, match=message):
        search(**{"components": ["a"], "scorer": len, "rephrase": silent, **given_})


def test_other_wrong_numbers_are_said():
    with pytest.raises(ValueError, match=r"0 or more, got \[60, -1, 10\]"):
        candidates(60, -1, 10)
    with pytest.raises(ValueError, match="1 search or more, got 0"):
        sprig.demo(searches=0)


def test_the_demo_says_what_the_note_says():
    shown = sprig.demo()
    rows = {row["kind"]: row for row in shown["rows"]}

    assert rows["cot"]["chosen"] == max(row["chosen"] for row in rows.values())  # dominates
    assert rows["good"]["chosen"] < 0.5  # 1 is chance
    assert rows["good"]["joins_best_in_round"] == rows["safety"]["joins_best_in_round"] == "never"
    assert rows["role"]["joins_best_in_round"] > max(rows[one]["joins_best_in_round"] for one in ("cot", "behavior"))
    assert shown["plot"]["series"]["role"][-1] > 1
    assert len(shown["plot"]["x"]) == 12
