"""The VAE's parts against torch.distributions, drawn averages and the published shapes; and what training shows."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import mel_vae  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_shapes_of_audioldm_and_others():
    assert mel_vae.latent_shape(1024, 64, 4, 8) == [8, 256, 16]
    assert mel_vae.latent_shape(8, 8, 1, 2) == [2, 8, 8]
    for downsampling, shape in ((1, [2, 5, 16, 8]), (2, [2, 5, 8, 4]), (8, [2, 5, 2, 1])):
        vae = mel_vae.MelVAE(downsampling, channels=5, width=4)
        mean, log_variance = vae.encode(noise(2, 1, 16, 8))
        assert list(mean.shape) == list(log_variance.shape) == shape
        assert list(vae.decode(mean).shape) == [2, 1, 16, 8]


def test_a_latent_worked_by_hand():
    latent = mel_vae.reparameterize(torch.tensor([1.0]), torch.tensor([math.log(4)]), torch.tensor([3.0]))

    assert latent.item() == pytest.approx(7)
    assert mel_vae.kl(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])).tolist() == [0.5, 0.0]
    assert mel_vae.kl(torch.tensor([0.0]), torch.tensor([1.0])).item() == pytest.approx((math.e - 2) / 2)


@given(mean=st.floats(-5, 5), log_variance=st.floats(-6, 4))
def test_the_divergence_is_torchs_and_never_below_zero(mean, log_variance):
    m, v = torch.tensor(mean).double(), torch.tensor(log_variance).double()
    theirs = torch.distributions.kl_divergence(
        torch.distributions.Normal(m, torch.exp(v / 2)), torch.distributions.Normal(m * 0, m * 0 + 1)
    )

    assert mel_vae.kl(m, v).item() == pytest.approx(theirs.item(), abs=1e-9)
    assert mel_vae.kl(m, v).item() >= -1e-12


def test_the_divergence_is_the_average_over_drawn_latents():
    mean, log_variance = torch.tensor(0.7).double(), torch.tensor(-0.8).double()
    drawn = mel_vae.reparameterize(mean.expand(200_000), log_variance.expand(200_000), noise(200_000).double())
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    standard = torch.distributions.Normal(mean * 0, mean * 0 + 1)

    average = (posterior.log_prob(drawn) - standard.log_prob(drawn)).mean()

    assert average.item() == pytest.approx(mel_vae.kl(mean, log_variance).item(), abs=0.01)
    assert drawn.mean().item() == pytest.approx(0.7, abs=0.01)
    assert drawn.std().item() == pytest.approx(math.exp(-0.4), abs=0.01)


def test_log_variances_are_held_where_the_exponential_is_finite():
    vae = mel_vae.MelVAE(width=4)
    torch.nn.init.constant_(vae.encoder[-1].bias, 1e4)

    assert vae.encode(noise(1, 1, 8, 8))[1].max().item() == 20


def test_fitting_is_the_same_for_a_seed_and_leaves_torchs_generator_alone():
    mels = mel_vae.glides(16, 8, 8, torch.Generator().manual_seed(0))
    before = torch.random.get_rng_state()

    one, same, other = (mel_vae.fit(mels, 0.1, channels=2, steps=2, seed=seed) for seed in (1, 1, 2))

    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.encode(mels)[0], same.encode(mels)[0])
    assert not torch.equal(one.encode(mels)[0], other.encode(mels)[0])
    assert mels.shape == (16, 1, 8, 8)
    assert -1 <= mels.min() < mels.max() <= 1


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match="downsampling 3"):
        mel_vae.latent_shape(9, 9, 3, 8)
    with pytest.raises(ValueError, match="1023 frames"):
        mel_vae.latent_shape(1023, 64, 4, 8)
    with pytest.raises(ValueError, match="divides 66 bands, got 4"):
        mel_vae.latent_shape(1024, 66, 4, 8)
    with pytest.raises(ValueError, match="downsampling 0"):
        mel_vae.latent_shape(1024, 64, 0, 8)
    with pytest.raises(ValueError, match=r"got \[2, 16, 8\]"):
        mel_vae.MelVAE().encode(noise(2, 16, 8))
    with pytest.raises(ValueError, match=r"\[2\] and \[2\] and \[3\]"):
        mel_vae.reparameterize(noise(2), noise(2), noise(3))
    with pytest.raises(ValueError, match=r"got \[2\] and \[3\]"):
        mel_vae.kl(noise(2), noise(3))
    with pytest.raises(ValueError, match="got -1 and 5"):
        mel_vae.fit(noise(4, 1, 8, 8), -1, channels=2, steps=5)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        mel_vae.demo(device="abacus")


def test_the_demo_shows_what_the_divergence_costs_and_gives():
    shown = mel_vae.demo(kl_weights=(0.0, 1.0), steps=60)

    assert json.loads(json.dumps(shown)) == shown
    free, held = shown["rows"]
    assert free["error"] < held["error"]
    assert held["kl_nats"] < free["kl_nats"] / 5
    assert abs(held["latent_std"] - 1) < 0.2 < abs(free["latent_std"] - 1)
    assert free["noise_std"] < held["noise_std"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    mean, log_variance, drawn = noise(3, 2, 4), noise(3, 2, 4, seed=1), noise(3, 2, 4, seed=2)

    there = mel_vae.reparameterize(mean.cuda(), log_variance.cuda(), drawn.cuda())

    torch.testing.assert_close(there.cpu(), mel_vae.reparameterize(mean, log_variance, drawn))
