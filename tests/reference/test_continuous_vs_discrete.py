"""Heads that answer where two answers are right: against numbers by hand, scikit-learn, and the flow's formula."""

import json
import math
import warnings

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import continuous_vs_discrete as heads  # noqa: E402


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_mse_of_minus_one_and_one_is_least_at_zero():
    assert float(heads.mse_head(numbers(-1, 1))) == 0.0
    assert float(heads.mse_head(numbers(-1, 1, 1, 1))) == 0.5


@settings(max_examples=50)
@given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=20), other=st.floats(-6, 6))
def test_no_other_number_has_a_smaller_squared_error(values, other):
    answers = numbers(*values)
    best = heads.mse_head(answers)

    assert float((answers - best).square().sum()) <= float((answers - other).square().sum()) + 1e-9


def test_tokens_are_counted_and_come_back_as_the_middles_of_their_bins():
    probabilities = heads.categorical_head(numbers(-1.5, 1.0, 1.9, 7.0), 4)  # bins begin at -2, -1, 0, 1

    assert probabilities.tolist() == [0.25, 0.0, 0.0, 0.75]
    drawn = heads.draw_categorical(probabilities, 4000)
    assert set(drawn.tolist()) == {-1.5, 1.5}
    assert float((drawn > 0).double().mean()) == pytest.approx(0.75, abs=0.03)


def test_one_gaussian_has_the_average_and_the_variance():
    fitted = heads.mixture_head(numbers(-1, 1, 1, 3), heads.Mixture(*(numbers(v) for v in (1.0, 0.3, 5.0))))

    assert [float(part) for part in fitted] == pytest.approx([1.0, 1.0, 2.0])


def test_a_mixture_equals_that_of_scikit_learn_step_for_step():
    sklearn_mixture = pytest.importorskip("sklearn.mixture")
    answers = heads.make(500, 0.4, seed=1)
    start = heads.Mixture(numbers(0.3, 0.3, 0.4), numbers(-0.5, 0.1, 0.5), numbers(1.0, 0.5, 2.0))
    for iterations in (1, 2, 20):
        theirs = sklearn_mixture.GaussianMixture(
            3,
            tol=0,
            reg_covar=0,
            max_iter=iterations,
            weights_init=start.shares.numpy(),
            means_init=start.means.numpy()[:, None],
            precisions_init=1 / start.variances.numpy()[:, None, None],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it has not converged: meant
            theirs.fit(answers.numpy()[:, None])

        ours = heads.mixture_head(answers, start, iterations)

        assert ours.shares.tolist() == pytest.approx(theirs.weights_.tolist(), abs=1e-9)
        assert ours.means.tolist() == pytest.approx(theirs.means_[:, 0].tolist(), abs=1e-9)
        assert ours.variances.tolist() == pytest.approx(theirs.covariances_[:, 0, 0].tolist(), abs=1e-9)


def test_a_drawn_mixture_has_its_shares_means_and_variances():
    drawn = heads.draw_mixture(heads.Mixture(numbers(0.2, 0.8), numbers(-5, 5), numbers(0.25, 1.0)), 20000)

    low, high = drawn[drawn < 0], drawn[drawn > 0]
    assert len(low) / 20000 == pytest.approx(0.2, abs=0.02)
    assert [float(low.mean()), float(high.mean())] == pytest.approx([-5, 5], abs=0.05)
    assert [float(low.std()), float(high.std())] == pytest.approx([0.5, 1.0], abs=0.03)


@pytest.mark.parametrize("time", [0.0, 0.3, 0.8])
def test_the_flow_to_two_points_has_a_formula(time):
    for x in (-1.3, 0.0, 0.2, 2.0):
        towards = math.tanh(x * time / (1 - time) ** 2)  # the average of -1 and 1 after x was seen

        velocity = float(heads.flow_velocity(numbers(x), time, numbers(-1, 1)))

        assert velocity == pytest.approx((towards - x) / (1 - time), abs=1e-12)


def test_the_flows_velocity_is_what_mse_learns():
    generator = torch.Generator().manual_seed(0)
    answers, time = numbers(-1, 0.5, 1), 0.6
    noise = torch.randn(2_000_000, generator=generator, dtype=torch.float64)
    ends = answers[torch.randint(3, noise.shape, generator=generator)]
    x = (1 - time) * noise + time * ends
    for place in (-0.4, 0.1, 0.7):
        here = (x - place).abs() < 0.02  # the least squared error has the average of what passes by

        average = float((ends - noise)[here].mean())

        assert float(heads.flow_velocity(numbers(place), time, answers)) == pytest.approx(average, abs=0.05)


def test_one_step_of_the_flow_is_the_average_and_many_are_the_answers():
    answers = numbers(-1, 1, 1, 1)

    assert heads.draw_flow(answers, 5, 1).tolist() == pytest.approx([0.5] * 5)
    many = heads.draw_flow(answers, 2000, 200)
    assert float(((many.abs() - 1).abs() < 0.01).double().mean()) > 0.99
    assert float((many > 0).double().mean()) == pytest.approx(0.75, abs=0.03)


def test_a_mistake_is_told_with_what_came():
    answers = numbers(-1, 1)

    with pytest.raises(ValueError, match=r"got \[2, 1\] torch.float64"):
        heads.mse_head(answers[:, None])
    with pytest.raises(ValueError, match=r"got \[1\] torch.float32"):
        heads.categorical_head(torch.zeros(1), 4)
    with pytest.raises(ValueError, match="1 bin or more, got 0"):
        heads.categorical_head(answers, 0)
    with pytest.raises(ValueError, match="finite"):
        heads.mse_head(answers / 0)
    with pytest.raises(ValueError, match=r"got \[1, 2, 1\], 50"):
        heads.mixture_head(answers, heads.Mixture(numbers(1), numbers(0, 1), numbers(1)))
    with pytest.raises(ValueError, match=r"time in 0\.\.1, 1 left out, got 1"):
        heads.flow_velocity(answers, 1.0, answers)
    with pytest.raises(ValueError, match="1 step or more, got 0"):
        heads.draw_flow(answers, 1, 0)
    with pytest.raises(ValueError, match=r"got 1 and 0\.1"):
        heads.demo(size=1)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        heads.demo(device="abacus")


def test_the_demo_finds_nobody_where_mse_points():
    shown = heads.demo(size=400, seed=5)

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["head"]: row for row in shown["rows"]}
    assert abs(rows["MSE"]["mean"]) < 0.1
    assert rows["answers seen"]["near_the_middle"] == 0
    assert rows["one Gaussian"]["near_the_middle"] > 0.15
    for head in ("categorical", "mixture of two", "flow, 30 steps"):
        assert rows[head]["near_an_answer"] > 0.97
        assert rows[head]["error"] < 0.2 < 0.9 < rows["MSE"]["error"]
        assert 0.4 < rows[head]["above_0"] < 0.6
    assert rows["flow, 1 step"]["near_an_answer"] == 0
    assert sum(shown["plot"]["series"]["categorical"]) == pytest.approx(1, abs=1e-2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_draw_alike():
    answers = heads.make(200, 0.1)

    assert torch.allclose(heads.draw_flow(answers.cuda(), 100, 10).cpu(), heads.draw_flow(answers, 100, 10))
