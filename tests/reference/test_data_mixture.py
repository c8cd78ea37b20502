"""Recipes against the notes' figures, the sampler against exact binomial odds, the schedule against quotas."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import data_mixture

AMOUNTS = st.lists(st.integers(1, 1000), min_size=1, max_size=8)


def test_the_recipes_have_the_amounts_of_the_papers():
    assert data_mixture.total("ichigo-instruction") == 89 + 6 + 5
    assert data_mixture.total("ichigo-enhancement") == 70 + 20 + 10
    assert data_mixture.total("salmonn-pretraining") == 4760
    assert data_mixture.percent_of("salmonn-pretraining", "AAC") == 58.82
    assert data_mixture.percent_of("ichigo-enhancement", "text") == 10
    assert data_mixture.tasks("salmonn-instruction") == 12
    assert data_mixture.total("salmonn-activation") == 12
    assert data_mixture.total("qwen-audio-known-hours") == 56_700


def test_a_schedule_worked_by_hand():
    assert "".join(data_mixture.schedule({"a": 70, "b": 20, "c": 10}, 12)) == "aaabaabaacaa"
    assert "".join(data_mixture.schedule({"a": 1, "b": 1}, 4)) == "abab"
    assert "".join(data_mixture.schedule({"a": 0, "b": 0.5}, 3)) == "bbb"
    assert data_mixture.schedule({"a": 1}, 0) == []


@settings(max_examples=60)
@given(amounts=AMOUNTS, count=st.integers(0, 120))
def test_after_any_number_of_items_no_source_is_one_item_from_its_share(amounts, count):
    order = data_mixture.schedule({str(name): amount for name, amount in enumerate(amounts)}, count)

    assert len(order) == count
    for n in range(1, count + 1):
        had = Counter(order[:n])
        # in whole numbers: |n_i - n a / sum| < 1
        assert all(abs(had[str(i)] * sum(amounts) - n * amount) < sum(amounts) for i, amount in enumerate(amounts))


@settings(max_examples=40)
@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=5).filter(any), seed=st.integers(0, 99))
def test_an_epoch_has_every_item_once_and_mixes_the_sources(lengths, seed):
    items = {f"source {i}": [f"{i}:{item}" for item in range(length)] for i, length in enumerate(lengths)}

    seen = data_mixture.epoch(items, seed)

    assert sorted(seen) == sorted((source, item) for source, of in items.items() for item in of)
    assert [source for source, _ in seen] == data_mixture.schedule({s: len(of) for s, of in items.items()}, len(seen))
    assert all(len(of) == lengths[i] for i, of in enumerate(items.values()))  # what was given is left alone


def test_an_epoch_is_shuffled_and_a_seed_repeats_it():
    items = {"a": [str(item) for item in range(30)]}

    first = data_mixture.epoch(items, 1)

    assert first == data_mixture.epoch(items, 1)
    assert first != data_mixture.epoch(items, 2)
    assert [item for _, item in first] != items["a"]


def test_the_counts_of_the_sampler_have_the_odds_of_a_binomial():
    stats = pytest.importorskip("scipy.stats")
    parts = data_mixture.STAGES["ichigo-enhancement"].parts
    counts = [data_mixture.sample(parts, 50, seed).count("spoken") for seed in range(400)]
    cuts = [0, 32, 34, 36, 38, 51]
    seen = [sum(low <= count < high for count in counts) for low, high in pairwise(cuts)]
    odds = [stats.binom.cdf(high - 1, 50, 0.7) - stats.binom.cdf(low - 1, 50, 0.7) for low, high in pairwise(cuts)]

    assert stats.chisquare(seen, [400 * odd for odd in odds]).pvalue > 0.01


@pytest.mark.parametrize("recipe", data_mixture.STAGES)
def test_every_part_of_every_recipe_keeps_within_its_bounds(recipe):
    for part in data_mixture.STAGES[recipe].parts:
        low, high = data_mixture.binomial_bounds(2000, data_mixture.percent_of(recipe, part))
        assert low <= data_mixture.sampled_count(recipe, part, 2000, seed=3) <= high


def test_the_bounds_are_four_deviations_of_a_binomial():
    assert data_mixture.binomial_bounds(1000, 70) == (642.03, 757.97)
    assert data_mixture.binomial_bounds(100, 100) == (100, 100)


def test_a_mistake_is_told():
    with pytest.raises(ValueError, match="no recipe 'gpt', there are ichigo-instruction"):
        data_mixture.total("gpt")
    with pytest.raises(ValueError, match="has no part 'songs', it has spoken"):
        data_mixture.sampled_count("ichigo-enhancement", "songs", 10)
    for parts in ({}, {"a": 0}, {"a": -1, "b": 2}, {"a": float("nan")}, {"a": float("inf")}):
        with pytest.raises(ValueError, match="want amounts of 0 or more"):
            data_mixture.schedule(parts, 3)
        with pytest.raises(ValueError, match="want amounts of 0 or more"):
            data_mixture.sample(parts, 3)
    with pytest.raises(ValueError, match="got 10 and 101"):
        data_mixture.binomial_bounds(10, 101)
    with pytest.raises(ValueError, match="count of 0 or more"):
        data_mixture.demo(count=-1)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        data_mixture.demo(device="abacus")


def test_the_demo_shows_chance_between_its_bounds_and_the_schedule_on_its_share():
    shown = data_mixture.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert [row["scheduled"] for row in shown["rows"]] == [700, 200, 100]
    assert all(row["low"] < row["sampled"] < row["high"] for row in shown["rows"])
    assert max(shown["plot"]["series"]["scheduled"]) < 1 < max(shown["plot"]["series"]["sampled"])
