"""The sampler's steps by hand, against Bayes' rule, quadrature and closed forms for Gaussian data."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import ddim  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_step_worked_by_hand():
    x_t = ddim.add_noise(torch.tensor([2.0]), torch.tensor([1.0]), 0.36)

    assert x_t.item() == pytest.approx(0.6 * 2 + 0.8 * 1)
    # To a = 0.64 with the same noise: 0.8 * 2 + 0.6 * 1.
    assert ddim.step(x_t, torch.tensor([1.0]), 0.36, 0.64).item() == pytest.approx(2.2)
    # With noise predicted as 0.5 the data seem to be (2 - 0.4) / 0.6.
    assert ddim.step(x_t, torch.tensor([0.5]), 0.36, 1.0).item() == pytest.approx(1.6 / 0.6)


@given(a=st.floats(0.01, 0.9), share=st.floats(0, 1), data=st.floats(-3, 3), seed=st.integers(0, 99))
def test_where_the_noise_is_known_any_steps_end_where_adding_noise_would(a, share, data, seed):
    drawn, x = noise(5, seed=seed), torch.full((5,), data).double()
    earlier = a + share * (1 - a)

    found = ddim.step(ddim.add_noise(x, drawn, a), drawn, a, earlier)

    torch.testing.assert_close(found, ddim.add_noise(x, drawn, earlier))
    torch.testing.assert_close(ddim.remove_noise(ddim.add_noise(x, drawn, a), drawn, a), x)


@pytest.mark.parametrize(("a", "earlier"), [(0.3, 0.5), (0.01, 0.02), (0.9, 0.99)])
def test_with_eta_1_a_step_is_the_posterior_of_bayes_rule(a, earlier):
    data, x_t = torch.tensor(0.7).double(), torch.tensor(-0.4).double()
    # x_earlier ~ N(sqrt(earlier) data, 1 - earlier), then x_t ~ N(sqrt(r) x_earlier, 1 - r), r = a / earlier.
    ratio = a / earlier
    precision = 1 / (1 - earlier) + ratio / (1 - ratio)
    mean = (math.sqrt(earlier) * data / (1 - earlier) + math.sqrt(ratio) * x_t / (1 - ratio)) / precision
    predicted = (x_t - math.sqrt(a) * data) / math.sqrt(1 - a)

    without = ddim.step(x_t, predicted, a, earlier, torch.zeros(()), eta=1.0)
    one = ddim.step(x_t, predicted, a, earlier, torch.ones(()), eta=1.0)

    assert without.item() == pytest.approx(mean.item())
    assert (one - without).item() == pytest.approx(precision**-0.5)


@pytest.mark.parametrize("a", [0.05, 0.5, 0.95])
def test_the_best_prediction_is_the_noise_averaged_over_the_data_it_may_come_from(a):
    centres, width, shares = [-1.0, 2.0], 0.3, [0.25, 0.75]
    data = torch.linspace(-5, 6, 20001).double()
    density = sum(
        share * torch.exp(-((data - centre) ** 2) / (2 * width**2))
        for centre, share in zip(centres, shares, strict=True)
    )
    for x_t in (-2.0, 0.1, 1.5):
        weight = density * torch.exp(-((x_t - math.sqrt(a) * data) ** 2) / (2 * (1 - a)))
        expected = (weight * (x_t - math.sqrt(a) * data)).sum() / weight.sum() / math.sqrt(1 - a)

        found = ddim.best_prediction(torch.tensor([x_t]).double(), a, centres, width, shares)

        assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_of_gaussian_data_ddim_gives_each_sample_its_quantile_and_ddpm_the_moments():
    start = noise(4000)

    def predict(x_t, a):
        return ddim.best_prediction(x_t, a, [3.0], 0.5, [1.0])

    # The last a is not 0: data of mean 3 would by then have a mean of 3 sqrt(a), and noise alone has 0.
    last = ddim.alphas_bar()[-1]
    quantiles = (start - 3 * last.sqrt()) / (0.25 * last + 1 - last).sqrt()
    errors = [(ddim.sample(start[:500], predict, n) - 3 - 0.5 * quantiles[:500]).abs().max() for n in (100, 200, 1000)]
    assert errors[2].item() < 0.015
    assert 1.8 < (errors[0] / errors[1]).item() < 2.2  # of first order
    assert (3 * last.sqrt()).item() > 0.01
    drawn = ddim.sample(start, predict, 250, eta=1.0, generator=torch.Generator().manual_seed(1))
    assert (drawn.mean().item(), drawn.std().item()) == (pytest.approx(3, abs=0.03), pytest.approx(0.5, abs=0.03))
    assert abs(torch.corrcoef(torch.stack([start, drawn]))[0, 1]) < 0.1


def test_the_schedule_and_the_times():
    a = ddim.alphas_bar(3, 0.04, 0.16)

    assert a.tolist() == pytest.approx([0.96, 0.96 * 0.91, 0.96 * 0.91 * 0.84])
    assert ddim.times(4) == [999, 749, 499, 249]
    assert ddim.times(1000) == list(range(999, -1, -1))
    assert ddim.times(3, 5) == [4, 3, 1]


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"got 0\.5, 0\.4, \[2\] and \[2\]"):
        ddim.step(noise(2), noise(2), 0.5, 0.4)
    with pytest.raises(ValueError, match=r"\[2\] and \[3\]"):
        ddim.add_noise(noise(2), noise(3), 0.5)
    with pytest.raises(ValueError, match="got 0, 1"):
        ddim.remove_noise(noise(2), noise(2), 0)
    with pytest.raises(ValueError, match="noise if it is not 0, got 1"):
        ddim.step(noise(2), noise(2), 0.4, 0.5, eta=1)
    with pytest.raises(ValueError, match=r"1\.\.1000 steps, got 0"):
        ddim.times(0)
    with pytest.raises(ValueError, match=r"got 0, 0\.1 and 0\.2"):
        ddim.alphas_bar(0, 0.1, 0.2)
    with pytest.raises(ValueError, match="as many shares as centres"):
        ddim.best_prediction(noise(2), 0.5, [1.0], 1, [0.5, 0.5])
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        ddim.demo(device="abacus")
    with pytest.raises(ValueError, match="got 0 and"):
        ddim.demo(points=0)


def test_in_the_demo_more_steps_come_nearer_and_ddim_needs_fewer():
    shown = ddim.demo(counts=(1, 10, 50))

    assert json.loads(json.dumps(shown)) == shown
    one, ten, fifty = shown["rows"]
    assert one["ddim"] > ten["ddim"] > fifty["ddim"]
    assert ten["ddim"] < ten["ddpm"]
    assert "The same noise gives the same sample with DDIM: yes" in shown["remarks"][1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    here = ddim.step(noise(20), noise(20, seed=1), 0.3, 0.6, noise(20, seed=2), 1.0)
    there = ddim.step(noise(20).cuda(), noise(20, seed=1).cuda(), 0.3, 0.6, noise(20, seed=2).cuda(), 1.0)

    torch.testing.assert_close(there.cpu(), here)
