"""Guidance against numbers by hand, transformers' processor, Bayes' rule, and its own algebra."""

import json
import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import guidance  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def row(*values):
    return torch.tensor([values])


def test_numbers_by_hand():
    assert guidance.guided(row(3.0), row(1.0), 2.5).tolist() == [[8.0]]
    assert guidance.guided(row(3.0), row(1.0), -1.0).tolist() == [[1.0]]
    assert guidance.rescaled(row(0.0, 8.0), row(0.0, 2.0), 0.75).tolist() == [[0.0, 3.5]]
    assert guidance.rescaled(row(0.0, 8.0), row(0.0, 2.0), 1.0).tolist() == [[0.0, 2.0]]


def test_two_conditions_that_add_up_are_each_lengthened_by_one_more_than_the_weight():
    assert guidance.dual(4, 3, 2, 1, 7, 7) == 25
    assert guidance.dual(4, 3, 2, 1, 0, 0) == 4
    assert guidance.dual(4, 3, 2, 1, 7, 0) == 18  # 4 + 7 x 2
    assert guidance.dual(10, 3, 2, 1, 7, 7) == 31  # they do not add up here: 10 is more than 1 + 2 + 1


@pytest.mark.parametrize("scale", [1.5, 3.0, 8.0])
def test_logits_equal_those_of_transformers_whose_scale_is_one_more(scale):
    pytest.importorskip("transformers")
    from transformers import ClassifierFreeGuidanceLogitsProcessor

    g, u = gaussian(4, 100, seed=1), gaussian(4, 100, seed=2)

    theirs = ClassifierFreeGuidanceLogitsProcessor(scale)(torch.zeros(4, 1), torch.cat([g, u]))

    assert torch.allclose(guidance.guided(g, u, scale - 1), theirs, rtol=0, atol=1e-12)


@settings(max_examples=60)
@given(
    shape=st.lists(st.integers(2, 4), min_size=2, max_size=4),
    weight=st.floats(0, 10),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_rescaling_puts_the_deviation_between_that_of_guided_and_that_of_the_condition(shape, weight, share, seed):
    g, u = gaussian(*shape, seed=seed), gaussian(*shape, seed=seed + 1)
    guided = guidance.guided(g, u, weight)

    back = guidance.rescaled(guided, g, share)

    for item in range(shape[0]):
        wanted = share * float(g[item].std()) + (1 - share) * float(guided[item].std())
        assert float(back[item].std()) == pytest.approx(wanted, rel=1e-9)
        direction = guided[item] / guided[item].norm()
        assert float((back[item] * direction).sum()) == pytest.approx(float(back[item].norm()), rel=1e-9)


def test_items_of_a_batch_are_scaled_each_on_its_own():
    g, guided = torch.tensor([[0.0, 1.0], [0.0, 4.0]]), torch.tensor([[0.0, 8.0], [0.0, 8.0]])

    assert guidance.rescaled(guided, g, 1.0).tolist() == [[0.0, 1.0], [0.0, 4.0]]


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5, 10.0])
def test_guided_log_probabilities_are_bayes_rule_with_a_power(weight):
    def normal(place, mean):
        return math.exp(-((place - mean) ** 2) / 2)

    g, u = guidance.toy()
    places = [-4 + token / 10 for token in range(81)]
    share = [normal(x, 1) / (normal(x, 1) + normal(x, -1)) for x in places]
    product = [normal(x, 1) * s**weight for x, s in zip(places, share, strict=True)]

    chances = guidance.guided(g, u, weight).softmax(-1)[0].tolist()

    assert chances == pytest.approx([p / sum(product) for p in product], abs=1e-9)


def test_a_mistake_is_told_with_both_shapes():
    g = torch.zeros(2, 3)

    with pytest.raises(ValueError, match=r"\[2, 3\] torch.float32 and \[3, 2\] torch.float32"):
        guidance.guided(g, g.T, 1.0)
    with pytest.raises(ValueError, match=r"torch.float32 and \[2, 3\] torch.float64"):
        guidance.rescaled(g, g.double(), 1.0)
    with pytest.raises(ValueError, match=r"\[2, 3\] torch.float32 and \[3, 2\]"):
        guidance.dual_guided(g, g, g, g.T, 1.0, 1.0)
    with pytest.raises(ValueError, match="finite weight, got nan"):
        guidance.guided(g, g, math.nan)
    with pytest.raises(ValueError, match=r"share in 0\.\.1, got 1\.5"):
        guidance.rescaled(g, g, 1.5)
    with pytest.raises(ValueError, match="vary"):
        guidance.rescaled(g, g, 1.0)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        guidance.demo(device="abacus")


def test_the_demo_gains_class_and_loses_variety_and_rescaling_gives_some_of_it_back():
    shown = guidance.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    for before, after in pairwise(rows):
        assert before["right_class"] < after["right_class"]
        assert before["bits"] > after["bits"]
        assert after["bits_rescaled"] > after["bits"]
    assert rows[0]["std"] == rows[0]["std_rescaled"]
    assert sum(shown["plot"]["series"]["weight 2.5"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_guide_alike():
    g, u = gaussian(4, 50, seed=1), gaussian(4, 50, seed=2)

    on_gpu = guidance.rescaled(guidance.guided(g.cuda(), u.cuda(), 2.5), g.cuda(), 0.75)

    assert torch.allclose(on_gpu.cpu(), guidance.rescaled(guidance.guided(g, u, 2.5), g, 0.75))
