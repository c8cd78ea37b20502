"""Sampling against examples by hand, transformers' warpers, and counts of what is drawn."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import sampling  # noqa: E402

INF = math.inf


def gaussian(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 3


def left(logits):
    return (logits > -INF).tolist()


def test_rules_worked_by_hand():
    logits = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()

    assert sampling.with_temperature(torch.tensor([2.0, 4.0]), 2).tolist() == [1.0, 2.0]
    assert sampling.top_k(torch.tensor([3.0, 1.0, 2.0]), 2).tolist() == [3.0, -INF, 2.0]
    assert left(sampling.top_p(logits, 0.79)) == [False, True, True]
    assert left(sampling.top_p(logits, 0.81)) == [True, True, True]
    assert left(sampling.top_p(logits, 0.5)) == [False, True, False]
    assert left(sampling.top_p(logits, 0.0)) == [False, True, False]
    assert left(sampling.top_p(logits, 1.0)) == [True, True, True]


def test_the_nucleus_of_two_answers_leaves_out_what_lies_between_them():
    assert sampling.nucleus([0.5, 0.0, 0.5], 0.9) == [0, 2]
    assert sampling.nucleus([0.5, 0.0, 0.5], 1.0) == [0, 2]
    assert sampling.nucleus([0.25, 0.25, 0.25, 0.25], 0.5) == [0, 1]  # ties: the lower index first
    assert sampling.nucleus([0.1] * 10, 0.8) == list(range(8))  # eight times 0.1 is not quite 0.8 in floats


def test_top_k_keeps_all_that_tie_with_the_last():
    assert left(sampling.top_k(torch.tensor([1.0, 2.0, 1.0, 0.0]), 2)) == [True, True, True, False]
    assert left(sampling.top_k(torch.tensor([1.0, 2.0]), 9)) == [True, True]


@settings(max_examples=100)
@given(size=st.integers(1, 40), p=st.floats(0.01, 0.999), seed=st.integers(0, 2**32))
def test_a_nucleus_is_the_smallest_set_that_holds_p(size, p, seed):
    logits = gaussian(size, seed=seed, dtype=torch.float64)
    probabilities = logits.softmax(0)

    kept = sampling.top_p(logits, p) > -INF

    mass, least = float(probabilities[kept].sum()), float(probabilities[kept].min())
    assert mass >= p - 1e-9
    assert mass - least < p or int(kept.sum()) == 1
    assert not (~kept).any() or float(probabilities[~kept].max()) <= least


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logits_equal_those_of_transformers(seed):
    pytest.importorskip("transformers")
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = gaussian(8, 500, seed=seed)
    for temperature in (0.3, 0.7, 2.0):
        theirs = TemperatureLogitsWarper(temperature)(None, logits)
        assert torch.equal(sampling.with_temperature(logits, temperature), theirs)
    for k in (1, 7, 499, 500, 1000):
        assert torch.equal(sampling.top_k(logits, k), TopKLogitsWarper(k)(None, logits))
    for p in (0.01, 0.3, 0.8, 0.9, 0.95, 0.99):
        assert torch.equal(sampling.top_p(logits, p), TopPLogitsWarper(p)(None, logits))
    chained = TopPLogitsWarper(0.9)(None, TopKLogitsWarper(50)(None, logits))
    assert torch.equal(sampling.top_p(sampling.top_k(logits, 50), 0.9), chained)


def test_tokens_are_drawn_as_softmax_says():
    scipy_stats = pytest.importorskip("scipy.stats")
    logits = torch.tensor([1.0, 0.0, -1.0, -INF, 2.0])

    counts = sampling.draw(logits.expand(50000, -1), seed=1).bincount(minlength=5)

    assert counts[3] == 0
    possible = [0, 1, 2, 4]
    expected = logits[possible].double().softmax(0) * 50000
    assert scipy_stats.chisquare(counts[possible].tolist(), expected.tolist()).pvalue > 0.001


def test_a_seed_repeats_a_draw_and_leading_axes_stay():
    logits = gaussian(2, 3, 50)

    assert sampling.draw(logits, seed=4).shape == (2, 3)
    assert torch.equal(sampling.draw(logits, seed=4), sampling.draw(logits, seed=4))
    assert not torch.equal(sampling.draw(logits, seed=4), sampling.draw(logits, seed=5))


def test_a_mistake_is_told_with_what_came():
    logits = torch.zeros(3)

    with pytest.raises(ValueError, match="temperature above 0, got 0"):
        sampling.with_temperature(logits, 0)
    with pytest.raises(ValueError, match="k of 1 or more, got 0"):
        sampling.top_k(logits, 0)
    with pytest.raises(ValueError, match=r"p in 0\.\.1, got nan"):
        sampling.top_p(logits, math.nan)
    with pytest.raises(ValueError, match=r"got \[2\] torch.int64"):
        sampling.draw(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"got \[2, 0\] torch.float32"):
        sampling.top_k(torch.zeros(2, 0), 1)
    for bad in ([-INF, -INF], [0.0, math.nan], [0.0, INF]):
        with pytest.raises(ValueError, match="finite or -inf"):
            sampling.draw(torch.tensor(bad))
    for bad in ([0.5, 0.4], [1.5, -0.5], []):
        with pytest.raises(ValueError, match="sum to 1"):
            sampling.nucleus(bad, 0.9)
    with pytest.raises(ValueError, match="1 draw or more"):
        sampling.demo(draws=0)
    with pytest.raises(ValueError, match="vocabulary of 1"):
        sampling.demo(vocabulary=0)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        sampling.demo(device="abacus")


def test_the_demo_keeps_p_of_the_mass_and_draws_what_is_likely():
    shown = sampling.demo(vocabulary=200, k=10, p=0.9, draws=5000)

    assert json.loads(json.dumps(shown)) == shown
    nothing, cool, ten, nucleus, both = shown["rows"]
    assert (nothing["tokens_kept"], nothing["mass_kept"], ten["tokens_kept"]) == (200, 1.0, 10)
    assert nucleus["mass_kept"] >= 0.9
    assert both["tokens_kept"] < nucleus["tokens_kept"]
    assert cool["bits"] < nothing["bits"]
    for row in shown["rows"]:
        assert row["likeliest_drawn"] == pytest.approx(row["likeliest"], abs=0.025)
    assert shown["plot"]["series"]["temperature 1"][-1] == 200


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_keep_and_draw_alike():
    logits = gaussian(16, 200, dtype=torch.float64)

    for rule in (lambda x: sampling.top_p(x, 0.9), lambda x: sampling.top_k(x, 9), sampling.draw):
        assert torch.equal(rule(logits.cuda()).cpu(), rule(logits))
