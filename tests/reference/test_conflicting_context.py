"""Ways to choose between conflicting contexts, by hand, against scikit-learn, and in worlds that were drawn."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import conflicting_context
from kb.reference.conflicting_context import (
    SIGNS,
    Example,
    Passage,
    World,
    answered,
    by_reasons,
    by_signs,
    by_source,
    conflicting,
    majority,
    measured,
    postings,
    retrieve,
)

CITES, RECENT, *NOTHING = SIGNS


def passage(answer, source=0, *signs, text=""):
    return Passage(text, answer, source, frozenset(signs))


def test_retrieval_by_hand():
    texts = ["the mayor of A", "the mayor of B", "the river of A", "the river of B", "the sea"]
    passages = [passage("", text=text) for text in texts]

    found = retrieve("the mayor of A", passages, postings(passages), 3)

    # "the" is everywhere and counts nothing; "of" is in four; "mayor" and "A" are in two each
    assert [one.text for one in found] == ["the mayor of A", "the mayor of B", "the river of A"]
    assert retrieve("the unheard", passages, postings(passages), 3) == []


@given(
    texts=st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=8),
    question=st.lists(st.sampled_from("abcdef"), max_size=4).map(" ".join),
    k=st.integers(1, 9),
)
def test_retrieval_is_that_of_a_plain_comparison_with_every_passage(texts, question, k):
    passages = [passage(str(at), text=text) for at, text in enumerate(texts)]

    found = retrieve(question, passages, postings(passages), k)

    def score(text):
        shared = set(text.split()) & set(question.split())
        return sum(math.log(len(texts) / sum(word in other.split() for other in texts)) for word in shared)

    expected = sorted((score(text) for text in texts if score(text) > 0), reverse=True)[:k]
    assert [score(one.text) for one in found] == pytest.approx(expected)
    assert len({one.answer for one in found}) == len(found)


def test_the_answer_is_the_one_whose_passages_weigh_most():
    contexts = [passage("a", 1), passage("b", 2), passage("b", 3)]

    assert answered(contexts, majority) == "b"
    assert answered(contexts, lambda one: 2.5 if one.source == 1 else 1.0) == "a"
    assert answered(contexts[:2], majority) == "a"  # a tie
    assert conflicting(contexts)
    assert not conflicting(contexts[1:])


def test_trust_in_sources_by_hand():
    examples = [Example([passage("a", 1), passage("b", 2)], "a"), Example([passage("c", 1), passage("d", 3)], "d")]

    weigh = by_source(examples)

    assert [weigh(passage("x", source)) for source in (1, 2, 3, 4)] == pytest.approx([1 / 2, 1 / 3, 2 / 3, 1 / 2])


def test_a_weight_by_hand():
    examples = [Example([passage("a", 0, CITES), passage("a", 0, CITES), passage("b")], "a")]

    weigh = by_signs(examples, [CITES])

    base = 3 / 2  # 2 right, 1 wrong, one more of each
    assert weigh(passage("x", 0, CITES)) == pytest.approx(math.log(base * (3 / 4) / (1 / 3)))
    assert weigh(passage("x", 0, RECENT)) == pytest.approx(math.log(base * (1 / 4) / (2 / 3)))


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_scikit_learns_naive_bayes(seed):
    bayes = pytest.importorskip("sklearn.naive_bayes")
    rng = Random(seed)
    seen = [passage(rng.choice("ab"), 0, *(sign for sign in SIGNS if rng.random() < 0.4)) for _ in range(60)]
    rows = [[sign in one.signs for sign in SIGNS] for one in seen]
    right = [one.answer == "a" for one in seen]
    prior = [right.count(False) + 1, right.count(True) + 1]

    model = bayes.BernoulliNB(alpha=1.0, class_prior=[one / sum(prior) for one in prior]).fit(rows, right)

    log_odds = [after - before for before, after in model.predict_joint_log_proba(rows)]
    weigh = by_signs([Example(seen, "a")])
    assert [weigh(one) for one in seen] == pytest.approx(log_odds, abs=1e-9)


def test_reasons_leave_out_signs_that_no_explanation_names():
    contexts = [passage("a", 0, CITES, NOTHING[0]), passage("b", 0, NOTHING[1])]
    slip = Example(contexts, "a", (NOTHING[2],))
    weigh = by_reasons([Example(contexts, "a", (CITES,))] * 12 + [slip])

    assert weigh(passage("x", 0, CITES)) == weigh(passage("x", 0, CITES, *NOTHING)) > 0 > weigh(passage("x"))
    assert by_reasons([])(passage("x", 0, CITES)) == 0


def test_a_world_is_drawn_as_its_rates_say():
    world = World(2000, seed=4)
    right = [one for one in world.passages if one.answer.endswith("-0")]
    wrong = [one for one in world.passages if not one.answer.endswith("-0")]

    for sign, shares in SIGNS.items():
        found = [sum(sign in one.signs for one in group) / len(group) for group in (right, wrong)]
        assert found == pytest.approx(shares, abs=0.03)
    assert len(right) / len(world.passages) == pytest.approx(sum(world.reliable) / 40, abs=0.02)
    assert sum(one.answer.endswith("-1") for one in wrong) / len(wrong) == pytest.approx(0.7, abs=0.02)


def test_who_knows_the_rates_weighs_by_hand():
    world = World(1)
    world.reliable[3] = 0.8

    base = world.knowing(passage("x", 3)) - world.knowing(passage("x", 3, CITES))

    assert world.knowing(passage("x", 3, CITES, RECENT)) == pytest.approx(math.log(4 * 0.7 / 0.2 * 0.7 / 0.4))
    assert base == pytest.approx(math.log(0.3 / 0.8 * 0.2 / 0.7))


def test_learned_weights_approach_those_of_the_world():
    weigh = by_signs(World(2000, seed=5).examples(), [CITES])

    apart = weigh(passage("x", 0, CITES)) - weigh(passage("x"))

    assert apart == pytest.approx(math.log(0.7 / 0.2) - math.log(0.3 / 0.8), abs=0.15)


@pytest.mark.parametrize("seed", [100, 200, 300])
def test_explanations_save_examples_and_nothing_beats_the_rates(seed):
    few, many = (measured(count, asked=150, worlds=6, slips=0.2, seed=seed) for count in (8, 64))
    answers, reasons, best = "by signs, answers only", "by reasons explained", "knowing the rates"

    assert max(few["majority"], few["by source"], few[answers]) + 0.02 < few[reasons] < few[best]
    assert many[answers] == pytest.approx(many[reasons], abs=0.03)
    assert few["majority"] < few[best] - 0.1


def test_explanations_that_name_anything_are_of_no_use():
    told, misled = (measured(8, asked=150, worlds=6, slips=slips, seed=1) for slips in (0.0, 1.0))

    assert misled["by reasons explained"] < told["by reasons explained"] - 0.1
    assert misled["by signs, answers only"] == pytest.approx(told["by signs, answers only"], abs=0.05)


def test_bad_input_is_said():
    with pytest.raises(ValueError, match="1 passage or more, got 0"):
        retrieve("x", [], {}, 0)
    with pytest.raises(ValueError, match="one context or more, got none"):
        answered([], majority)
    with pytest.raises(ValueError, match=r"got 6, 0, 5 and 0.2"):
        conflicting_context.demo(asked=0)
    with pytest.raises(ValueError, match="got none of 1: ask more"):
        measured(5, asked=1, worlds=50, slips=0.2, seed=0)
    with pytest.raises(ValueError, match=r"got 6, 9, 5 and 1.2"):
        conflicting_context.demo(asked=9, slips=1.2)


def test_the_demo_says_that_explanations_help_with_few_examples():
    shown = conflicting_context.demo(worlds=3)
    right = {row["way"]: row["right"] for row in shown["rows"]}
    curves = shown["plot"]["series"]

    assert max(right["majority"], right["by signs, answers only"]) < right["by reasons explained"]
    assert curves["by signs, answers only"][-1] > curves["by signs, answers only"][0] + 0.1
    assert all(len(curve) == len(shown["plot"]["x"]) for curve in curves.values())
    assert len(set(curves["majority"])) == 1  # the same questions at every count of examples
