"""Style diffusion against levels by hand, Tweedie's formula with torch's densities, and a mixture's own moments."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import style_diffusion  # noqa: E402


@pytest.fixture(scope="module")
def shown():
    return style_diffusion.demo()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_levels_worked_by_hand():
    assert style_diffusion.noise_levels(2, 0, 4, 2) == [4, 1, 0]
    assert style_diffusion.noise_levels(4, 0, 1, 1) == [1, 0.75, 0.5, 0.25, 0]
    assert style_diffusion.noise_levels(1) == pytest.approx([3, 1e-4])


@settings(max_examples=30)
@given(steps=st.integers(1, 60), lowest=st.floats(1e-5, 0.5), highest=st.floats(1, 50), rho=st.floats(1, 12))
def test_levels_fall_from_the_highest_to_the_lowest(steps, lowest, highest, rho):
    levels = style_diffusion.noise_levels(steps, lowest, highest, rho)

    assert len(levels) == steps + 1
    assert levels == sorted(levels, reverse=True)
    assert [levels[0], levels[-1]] == pytest.approx([highest, lowest])


@pytest.mark.parametrize("text", [0, 1, 2])
def test_the_exact_denoiser_is_tweedies_formula_on_the_noisy_density(text):
    x = (0.5 * torch.randn(40, 2, generator=generator())).double().requires_grad_()
    for sigma in (0.01, 0.1, 0.7, 3.0):
        spread = torch.full((2, 2), (0.05**2 + sigma**2) ** 0.5).double()
        modes = torch.distributions.Normal(torch.tensor(style_diffusion.MEANS[text]).double(), spread)
        noisy = torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(torch.tensor(style_diffusion.SHARES[text]).double()),
            torch.distributions.Independent(modes, 1),
        )
        (slope,) = torch.autograd.grad(noisy.log_prob(x).sum(), x)

        denoised = style_diffusion.exact(x, torch.full((40,), sigma).double(), torch.full((40,), text))

        assert torch.allclose(denoised, x + sigma**2 * slope, atol=1e-6)


def test_the_preconditioning_worked_by_hand():
    skip, out, into = style_diffusion.scalings(torch.tensor([0.2, 0.0, 0.15]))

    assert skip[:, 0].tolist() == pytest.approx([0.5, 1, 0.64])  # 0.04 / 0.08, 1, 0.04 / 0.0625
    assert out[:, 0].tolist() == pytest.approx([0.2 / 2**0.5, 0, 0.12])  # 0.15 * 0.2 / 0.25
    assert into[:, 0].tolist() == pytest.approx([5 / 2**0.5, 5, 4])


def test_moments_worked_by_hand():
    mean, covariance = style_diffusion.true_moments(0)  # halves at (-0.3 0) and (-0.1 0.2)

    assert mean == pytest.approx([-0.2, 0.1])
    assert covariance[0] == pytest.approx([0.0125, 0.01])
    assert covariance[1] == pytest.approx([0.01, 0.0125])


@pytest.mark.parametrize("text", [0, 1, 2])
def test_true_styles_have_the_moments_of_the_formula(text):
    off_mean, off_covariance = style_diffusion.distance(
        style_diffusion.draw(torch.full((20_000,), text), generator()), text
    )

    assert off_mean < 0.02
    assert off_covariance < 3


@pytest.mark.parametrize("text", [0, 1, 2])
def test_sampling_with_the_exact_denoiser_gives_the_true_mixture(text):
    texts = torch.full((8000,), text)
    styles = style_diffusion.sample(style_diffusion.exact, texts, style_diffusion.noise_levels(40), generator())

    off_mean, off_covariance = style_diffusion.distance(styles, text)
    nearest = (styles[:, None] - torch.tensor(style_diffusion.MEANS[text])).norm(dim=2).min(1)

    assert off_mean < 0.04
    assert off_covariance < 4
    assert (nearest.indices == 0).float().mean().item() == pytest.approx(style_diffusion.SHARES[text][0], abs=0.03)
    assert nearest.values.square().mean().item() == pytest.approx(2 * 0.05**2, rel=0.1)  # no smear between the modes


def test_with_a_denoiser_that_knows_one_style_sampling_ends_at_it():
    style = torch.tensor([0.4, -0.7])

    styles = style_diffusion.sample(
        lambda x, sigma, text: style.expand_as(x), torch.zeros(50).long(), style_diffusion.noise_levels(5), generator()
    )

    assert torch.allclose(styles, style.expand(50, 2), atol=1e-3)


def test_nothing_but_text_and_noise_goes_in_and_a_seed_repeats_it():
    text, levels = torch.tensor([0, 1, 2]), style_diffusion.noise_levels(5)
    one, same, another = (
        style_diffusion.sample(style_diffusion.exact, text, levels, generator(seed)) for seed in (1, 1, 2)
    )

    assert torch.equal(one, same)
    assert not torch.isclose(one, another, atol=1e-3).any()


def test_the_trained_denoiser_comes_near_the_exact_one_and_training_did_it():
    text = torch.arange(3).repeat(300)
    sigma = torch.full((900,), 0.1)
    style = style_diffusion.draw(text, generator(5))
    x = style + 0.1 * torch.randn(900, 2, generator=generator(6))
    best = style_diffusion.exact(x, sigma, text)

    def off(steps):
        weights = style_diffusion.fit("cpu", generator(), steps)
        return float((style_diffusion.denoise(weights, x, sigma, text) - best).square().mean().sqrt())

    assert off(400) < 0.03 < 0.05 < off(0)


def test_the_demo_is_near_the_truth_and_more_steps_bring_the_exact_denoiser_nearer(shown):
    assert json.loads(json.dumps(shown)) == shown
    assert [row["text"] for row in shown["rows"]] == ["calm", "calm", "glad", "glad", "angry", "angry"]
    assert all(row["mean_off_deviations"] < 0.25 for row in shown["rows"])
    assert all(row["covariance_off_percent"] < 25 for row in shown["rows"])
    exact = shown["plot"]["series"]["exact"]
    assert exact[0] > 40 > 10 > exact[2] > exact[-1]


def test_another_text_has_other_styles():
    levels = style_diffusion.noise_levels(5)
    styles = style_diffusion.sample(style_diffusion.exact, torch.full((500,), 0), levels, generator())

    assert style_diffusion.distance(styles, 0)[0] < 0.2
    assert style_diffusion.distance(styles, 1)[0] > 1


def test_a_mistake_is_told():
    with pytest.raises(ValueError, match=r"got 0, 0\.0001, 3\.0, 9\.0"):
        style_diffusion.noise_levels(0)
    with pytest.raises(ValueError, match="got 2, 3, 1, 9"):
        style_diffusion.noise_levels(2, 3, 1)
    for text in (torch.tensor([3]), torch.tensor([-1]), torch.tensor([[0]]), torch.tensor([0.0]), torch.tensor([])):
        with pytest.raises(ValueError, match="want texts"):
            style_diffusion.sample(style_diffusion.exact, text, [1.0, 0.5], generator())
    with pytest.raises(ValueError, match="from 0 to 2, got 3"):
        style_diffusion.true_moments(3)
    with pytest.raises(ValueError, match="2 styles a text or more, got 1"):
        style_diffusion.demo(count=1)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        style_diffusion.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_sample_alike():
    text, levels = torch.arange(3).repeat(20), style_diffusion.noise_levels(5)

    styles = style_diffusion.sample(style_diffusion.exact, text.cuda(), levels, generator())

    assert styles.is_cuda
    assert torch.allclose(
        styles.cpu(), style_diffusion.sample(style_diffusion.exact, text, levels, generator()), atol=1e-3
    )
