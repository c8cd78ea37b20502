"""Mel-VAE, a toy: a mel spectrogram as a small image of means and deviations, held near a normal distribution.

Long because it trains the toy that it measures.
Source: AudioLDM, section 3.2 (arXiv:2301.12503), whose VAE takes 1024 x 64 to 8 x 256 x 16; Kingma and Welling
    (arXiv:1312.6114), appendix B for the divergence; the latent is scaled as in latent diffusion (arXiv:2112.10752).
Left out: residual blocks, attention, the adversarial and perceptual losses, the vocoder. The network here is a toy: a
    convolution per halving, trained for seconds on glides of pitch that are made up.
Oracle: torch.distributions.kl_divergence, within 1e-5, and an average over drawn latents; shapes of the figure.
Dtype: float32 unless the input has another. Ties: none. Seeds: weights and noise are drawn on the CPU.
Notation: B batch, T frames, F mel bands, C channels of the latent, d downsampling; mel [B, 1, T, F], latent
    [B, C, T / d, F / d]; log_variance = 2 log(deviation).
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

LOG_VARIANCE_LIMITS = (-30.0, 20.0)  # as in latent diffusion: the exponential stays finite


def latent_shape(frames: int, mel_bands: int, downsampling: int, channels: int) -> list[int]:
    """Return the shape [C, T / d, F / d] of a latent. Example: 1024, 64, 4, 8 -> 8, 256, 16, half as many values.

    Raises: ValueError if frames or bands do not divide, or the downsampling is no power of two.
    """
    halvings = int(math.log2(downsampling)) if downsampling > 0 else -1
    if 2**halvings != downsampling or min(frames, mel_bands, channels) < 1 or frames % downsampling:
        got = f"{frames} frames, {mel_bands} bands, downsampling {downsampling}, {channels} channels"
        raise ValueError(f"want a downsampling that is a power of two and divides frames and bands, got {got}")
    if mel_bands % downsampling:
        raise ValueError(f"want a downsampling that divides {mel_bands} bands, got {downsampling}")
    return [channels, frames // downsampling, mel_bands // downsampling]


class MelVAE(nn.Module):
    """Encoder and decoder, a convolution for every halving of time and frequency."""

    def __init__(self, downsampling: int = 4, channels: int = 8, width: int = 12) -> None:
        super().__init__()
        latent_shape(downsampling, downsampling, downsampling, channels)  # a power of two, or an error
        halvings = round(math.log2(downsampling))
        down: list[nn.Module] = []
        up: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1)]
        for level in range(halvings):
            down += [nn.Conv2d(width if level else 1, width, 4, stride=2, padding=1), nn.SiLU()]
            up += [nn.SiLU(), nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)]
        self.downsampling = downsampling
        self.encoder = nn.Sequential(*down, nn.Conv2d(width if halvings else 1, 2 * channels, 3, padding=1))
        self.decoder = nn.Sequential(*up, nn.SiLU(), nn.Conv2d(width, 1, 3, padding=1))

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log_variance of the latent, each [B, C, T / d, F / d], for mel [B, 1, T, F]."""
        if mel.ndim != 4 or mel.shape[1] != 1:
            raise ValueError(f"want mel [B, 1, T, F], got {list(mel.shape)}")
        latent_shape(mel.shape[2], mel.shape[3], self.downsampling, 1)
        mean, log_variance = self.encoder(mel).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE_LIMITS)

    def decode(self, latent: Tensor) -> Tensor:
        """Return mel [B, 1, T, F] for a latent [B, C, T / d, F / d]."""
        mel: Tensor = self.decoder(latent)
        return mel


def reparameterize(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Return a latent drawn as mean + deviation * noise: so that the gradient reaches both.

    Example: mean 1, log_variance log 4, noise 3 -> 7.
    """
    if not mean.shape == log_variance.shape == noise.shape:
        shapes = " and ".join(str(list(one.shape)) for one in (mean, log_variance, noise))
        raise ValueError(f"want mean, log_variance and noise of one shape, got {shapes}")
    return mean + (log_variance / 2).exp() * noise


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the divergence from the standard normal, in nats, of each value: (m^2 + s^2 - 1 - log s^2) / 2.

    Example: mean 1, log_variance 0 -> 0.5; mean 0, log_variance 0 -> 0.
    """
    if mean.shape != log_variance.shape:
        raise ValueError(f"want two of one shape, got {list(mean.shape)} and {list(log_variance.shape)}")
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2


def glides(count: int, frames: int, bands: int, generator: torch.Generator) -> Tensor:
    """Return toy log-mel spectrograms [N, 1, T, F] between -1 and 1: a tone that glides, and one above it."""
    drawn = torch.rand(3, count, 1, 1, generator=generator)
    t, f = torch.linspace(0, 1, frames)[:, None], torch.arange(bands)
    pitch = bands * (0.1 + 0.5 * (drawn[0] * (1 - t) + drawn[1] * t) + 0.05 * torch.sin(20 * drawn[2] * t))
    tones = [torch.exp(-(((f - pitch * harmonic) / 1.5) ** 2)) for harmonic in (1, 1.6)]
    return (2 * torch.maximum(*tones) - 1)[:, None]


def fit(mels: Tensor, kl_weight: float, *, channels: int, steps: int, seed: int = 0) -> MelVAE:
    """Return a VAE trained on mels [N, 1, T, F], 16 a step: squared error + kl_weight * kl, both summed over a mel."""
    if kl_weight < 0 or steps < 1:
        raise ValueError(f"want a kl_weight of 0 or more and one step or more, got {kl_weight} and {steps}")
    generator = torch.Generator().manual_seed(seed)
    with one_thread():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # weights
            vae = MelVAE(channels=channels).to(mels)
        optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
        for _ in range(steps):
            batch = mels[torch.randint(len(mels), (16,), generator=generator).to(mels.device)]
            mean, log_variance = vae.encode(batch)
            noise = torch.randn(mean.shape, generator=generator).to(mean)
            rebuilt = vae.decode(reparameterize(mean, log_variance, noise))
            loss = (rebuilt - batch).square().sum() + kl_weight * kl(mean, log_variance).sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss / len(batch))
            optimizer.step()
    return vae


FIGURES = (latent_shape,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    kl_weights: tuple[float, ...] = (0.0, 0.01, 0.1, 1.0),
    channels: int = 8,
    steps: int = 150,
) -> dict[str, Any]:
    """Train a small VAE with several weights of the divergence, and return what each gives and costs.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws spectrograms, weights and noise.
        kl_weights: of the divergence against the squared error.
        channels: of the latent, C.
        steps: training steps of each, 16 spectrograms a step.
    """
    frames, bands = 32, 16
    shape = latent_shape(frames, bands, 4, channels)
    generator = torch.Generator().manual_seed(seed)
    mels = moved(glides(256, frames, bands, generator), device)
    held_out = glides(64, frames, bands, generator).to(mels)
    rows = []
    for kl_weight in kl_weights:
        vae = fit(mels, kl_weight, channels=channels, steps=steps, seed=seed)
        with torch.no_grad():
            mean, log_variance = vae.encode(held_out)
            noise = torch.randn(mean.shape, generator=generator).to(mean)
            latent = reparameterize(mean, log_variance, noise)
            rows.append(
                {
                    "kl_weight": kl_weight,
                    "error": round(float((vae.decode(latent) - held_out).square().mean()), 4),
                    "kl_nats": round(float(kl(mean, log_variance).mean()), 3),
                    "mean_std": round(float(mean.std()), 3),
                    "noise_std": round(float((log_variance / 2).exp().mean()), 3),
                    "latent_std": round(float(latent.std()), 3),
                    "scale": round(1 / float(latent.std()), 3),
                }
            )
    flat = float((held_out - mels.mean(0)).square().mean())
    remarks = [
        f"Spectrograms {frames} x {bands} become latents {shape}; error is that of those held out, kl_nats per value.",
        f"The average spectrogram, whatever comes, has an error of {flat:.4f}: a VAE that collapsed does no better.",
        "scale is what makes the latent's deviation 1, so that a diffusion model begins from noise of its own size.",
        "A toy: glides of pitch and two small convolutions.",
    ]
    series = {name: [row[name] for row in rows] for name in ("error", "kl_nats", "latent_std")}
    x = [str(weight) for weight in kl_weights]
    return {
        "rows": rows,
        "remarks": remarks,
        "plot": {"kind": "bar", "x": x, "series": series, "x_label": "weight of the divergence", "y_label": ""},
    }


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the VAE's parts, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    mean = moved(torch.tensor([0.0, 1.0, -2.0, 0.5]), device).double().requires_grad_()
    log_variance = mean.new_tensor([0.0, 0.0, math.log(4), -1.0]).requires_grad_()
    noise = mean.new_tensor([0.3, -1.0, 3.0, 0.1])
    latent = reparameterize(mean, log_variance, noise)
    to_mean, to_log = torch.autograd.grad(latent.sum(), (mean, log_variance))
    mean, log_variance, latent = mean.detach(), log_variance.detach(), latent.detach()
    normal, standard = torch.distributions.Normal(mean, (log_variance / 2).exp()), torch.distributions.Normal(0, 1)
    vae, mel = MelVAE(channels=3).to(mean.device), torch.zeros(2, 1, 24, 16, device=mean.device)
    encoded, divergence = vae.encode(mel)[0], kl(mean, log_variance)
    return [
        ("1024 x 64 becomes 8 x 256 x 16.", latent_shape(1024, 64, 4, 8) == [8, 256, 16]),
        ("The network's latents have the shape that is promised.", list(encoded.shape) == [2, 3, 6, 4]),
        ("They decode to a spectrogram of the first size.", vae.decode(encoded).shape == mel.shape),
        ("Mean -2, deviation 2 and noise 3 make 4.", round(float(latent[2]), 9) == 4),
        ("The gradient to the mean is 1.", torch.equal(to_mean, torch.ones_like(mean))),
        ("That to log_variance is half of what the noise added.", torch.allclose(to_log, (latent - mean) / 2)),
        ("The divergence is 0 for the standard normal, and 0.5 for mean 1.", divergence[:2].tolist() == [0, 0.5]),
        ("It is torch's.", torch.allclose(divergence, torch.distributions.kl_divergence(normal, standard))),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A small VAE of spectrograms, by the weight of its divergence.", demo, checks)


if __name__ == "__main__":
    main()
