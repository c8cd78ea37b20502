"""Style diffusion, a toy: a style is drawn from noise for a text, so no reference audio is needed to speak.

The toy: styles have 2 numbers, not 256, a text is one of 3 moods, and the styles of a mood are a mixture known exactly.
Long because the exact answer of the mixture stands beside what is trained and drawn.
Source: StyleTTS 2, section 3.2.2 (arXiv:2306.07691); its denoiser and noise levels: EDM, table 1 (arXiv:2206.00364);
    the noise levels from 3 to 0.0001 with rho 9, 5 steps, log noise of mean -3: the released configuration and demo.
Left out: text encoder and transformer, here a table and two layers; guidance; several speakers, which StyleTTS 2 tells
    apart by an embedding of a reference after all.
Oracle: the exact denoiser of the mixture in closed form, itself tested against the gradient of torch's log density.
Ties: there are none. Dtype: float32 in training. The seed draws weights, data and noise.
Notation: N styles, D = 2, s a style, sigma the deviation of the noise on it, D(x, sigma, text) the mean of s given x.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise, product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

SIGMA_MIN, SIGMA_MAX, RHO, STEPS = 1e-4, 3.0, 9.0, 5
LOG_MEAN, LOG_STD = -3.0, 1.0  # of ln sigma in training
SIGMA_DATA = 0.2  # the deviation of styles
MOODS = ("calm", "glad", "angry")
MEANS = [[[-0.3, 0.0], [-0.1, 0.2]], [[0.3, 0.1], [0.0, -0.3]], [[0.1, 0.3], [0.3, -0.2]]]  # [texts, modes, D]
SHARES = [[0.5, 0.5], [0.8, 0.2], [0.3, 0.7]]  # of the modes
SPREAD = 0.05  # of a mode
HIDDEN, BATCH, RATE, FIT_STEPS = 64, 512, 0.003, 1000

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]  # x [N, D], sigma [N], text [N] -> [N, D]


class Moments(NamedTuple):
    """What a cloud of styles looks like: mean [D] and covariance [D, D]."""

    mean: list[float]
    covariance: list[list[float]]


def noise_levels(steps: int, lowest: float = SIGMA_MIN, highest: float = SIGMA_MAX, rho: float = RHO) -> list[float]:
    """Return steps + 1 levels from the highest down to the lowest, evenly spaced in their rho-th root.

    Example: 2 steps from 4 to 0 with rho 2 -> 4, 1, 0.
    """
    if steps < 1 or not 0 <= lowest < highest or rho <= 0:
        raise ValueError(
            f"want 1 step or more, 0 <= lowest < highest, rho above 0, got {steps}, {lowest}, {highest}, {rho}"
        )
    first, last = highest ** (1 / rho), lowest ** (1 / rho)
    return [(first + step / steps * (last - first)) ** rho for step in range(steps + 1)]


def scalings(sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return c_skip, c_out, c_in for levels [N], each [N, 1]: so the net sees and answers numbers of size 1."""
    both = sigma.square() + SIGMA_DATA**2
    return (SIGMA_DATA**2 / both)[:, None], (sigma * SIGMA_DATA / both.sqrt())[:, None], both.rsqrt()[:, None]


def draw(text: Tensor, generator: torch.Generator) -> Tensor:
    """Return true styles [N, D] for texts [N]: what the style encoder would find in the recordings."""
    mode = torch.multinomial(torch.tensor(SHARES)[text.cpu()], 1, generator=generator).squeeze(1)
    noise = torch.randn(len(text), 2, generator=generator)
    return (torch.tensor(MEANS)[text.cpu(), mode] + SPREAD * noise).to(text.device)


def exact(x: Tensor, sigma: Tensor, text: Tensor) -> Tensor:
    """Return the mean of s given x = s + sigma noise: each mode's, weighted by how likely x came from it."""
    means, shares = x.new_tensor(MEANS)[text], x.new_tensor(SHARES)[text]  # [N, modes, D], [N, modes]
    variance = (SPREAD**2 + sigma.square())[:, None]
    likely = (shares.log() - (x[:, None] - means).square().sum(-1) / (2 * variance)).softmax(-1)
    pull = (SPREAD**2 / variance)[:, None]
    return (likely[..., None] * (means + pull * (x[:, None] - means))).sum(1)


def denoise(weights: list[Tensor], x: Tensor, sigma: Tensor, text: Tensor) -> Tensor:
    """Return the trained denoiser's answer: c_skip x + c_out F(c_in x, ln sigma / 4, text)."""
    skip, out, into = scalings(sigma)
    hidden = torch.cat([into * x, sigma.log()[:, None] / 4, torch.nn.functional.one_hot(text, len(MOODS))], 1)
    for index, matrix in enumerate(weights):
        hidden = torch.nn.functional.silu(hidden) if index else hidden
        hidden = torch.cat([hidden, hidden.new_ones(len(hidden), 1)], 1) @ matrix
    return skip * x + out * hidden


def fit(device: str, generator: torch.Generator, steps: int = FIT_STEPS) -> list[Tensor]:
    """Return weights trained to take noise of log-normal strength off true styles, errors weighed by 1 / c_out^2."""
    sizes = ((2 + 1 + len(MOODS), HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2))  # in go x, the noise level and the text
    drawn = [torch.randn(rows + 1, columns, generator=generator) / (rows + 1) ** 0.5 for rows, columns in sizes]
    weights = [moved(one, device).requires_grad_() for one in drawn]
    optimizer = torch.optim.Adam(weights, RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        text = torch.randint(len(MOODS), (BATCH,), generator=generator).to(device)
        sigma = (LOG_MEAN + LOG_STD * torch.randn(BATCH, generator=generator)).exp().to(device)
        style, noise = draw(text, generator), torch.randn(BATCH, 2, generator=generator).to(device)
        error = denoise(weights, style + sigma[:, None] * noise, sigma, text) - style
        optimizer.zero_grad()
        torch.autograd.backward((error / scalings(sigma)[1]).square().mean())
        optimizer.step()
    return [one.detach() for one in weights]


def sample(denoiser: Denoiser, text: Tensor, levels: list[float], generator: torch.Generator) -> Tensor:
    """Return styles [N, D] for texts [N], from noise alone: second-order steps, each of which adds new noise.

    From level a to b: go down below b, to `down`, by the slope found half the way, then noise brings it back up to b.
    As in StyleTTS 2's released sampler. Raises: ValueError if texts are not integers [N] that there are.
    """
    if text.ndim != 1 or not len(text) or text.is_floating_point() or not set(text.tolist()) <= {0, 1, 2}:
        raise ValueError(f"want texts [N] from 0 to {len(MOODS) - 1}, got {list(text.shape)} of {text.dtype}")
    one = torch.ones(len(text), device=text.device)
    x = levels[0] * torch.randn(len(text), 2, generator=generator).to(text.device)
    for a, b in pairwise(levels):
        up = b * (1 - (b / a) ** 2) ** 0.5
        down = (b**2 - up**2) ** 0.5
        middle = (a + down) / 2
        half = x + (middle - a) * (x - denoiser(x, a * one, text)) / a
        x = x + (down - a) * (half - denoiser(half, middle * one, text)) / middle
        x = x + up * torch.randn(len(text), 2, generator=generator).to(x)
    return x


def true_moments(text: int) -> Moments:
    """Return mean and covariance of the styles of a text, 0 to 2, by the mixture's formula."""
    if not 0 <= text < len(MOODS):
        raise ValueError(f"want a text from 0 to {len(MOODS) - 1}, got {text}")
    means, shares = torch.tensor(MEANS[text]).double(), torch.tensor(SHARES[text]).double()
    mean = shares @ means
    between = (means - mean).T @ (shares[:, None] * (means - mean))
    return Moments(mean.tolist(), (between + SPREAD**2 * torch.eye(2).double()).tolist())


def distance(styles: Tensor, text: int) -> tuple[float, float]:
    """Return how far mean and covariance of styles [N, D] are from the text's: in deviations, in percent."""
    mean, covariance = (torch.tensor(one).to(styles) for one in true_moments(text))
    off_mean = (styles.mean(0) - mean).norm() / covariance.trace().sqrt()
    return float(off_mean), float(100 * (styles.T.cov() - covariance).norm() / covariance.norm())


FIGURES = (noise_levels, true_moments)  # what claims may run


@one_thread()
def demo(*, device: str = "cpu", seed: int = 0, steps: int = STEPS, count: int = 2000) -> dict[str, Any]:
    """Train a small denoiser and draw styles for each text: are they those of the text, in all their variety?

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws weights, data and noise.
        steps: of the sampler; a step asks the denoiser twice.
        count: styles drawn for each text, 2 or more.
    """
    if count < 2:
        raise ValueError(f"want 2 styles a text or more, got {count}")
    levels, weights = noise_levels(steps), fit(device, torch.Generator().manual_seed(seed))

    def far(denoiser: Denoiser, text: int, levels: list[float]) -> tuple[float, float]:
        texts = moved(torch.full((count,), text), device)
        return distance(sample(denoiser, texts, levels, torch.Generator().manual_seed(seed + 1)), text)

    denoisers: dict[str, Denoiser] = {"exact": exact, "trained": partial(denoise, weights)}
    rows = []
    for text, name in product(range(len(MOODS)), denoisers):
        off_mean, off_covariance = far(denoisers[name], text, levels)
        off = {"mean_off_deviations": round(off_mean, 3), "covariance_off_percent": round(off_covariance, 1)}
        rows.append({"text": MOODS[text], "denoiser": name, **off})
    counts = [2, 3, 5, 8, 12, 20]
    series = {
        name: [round(sum(far(denoiser, text, noise_levels(n))[1] for text in range(3)) / 3, 1) for n in counts]
        for name, denoiser in denoisers.items()
    }
    remarks = [
        "What goes in is a text and noise, no recording: a mood gets its own styles, and another one at each draw.",
        f"Off is what {count} draws are off the true mixture, in its deviations and in percent of its covariance.",
        "What the exact denoiser is off is the sampler's doing; the rest is training's, whose noise is seldom as "
        "strong as that at which sampling begins: that moves the means.",
    ]
    plot = {"kind": "line", "x": counts, "series": series, "x_label": "steps", "y_label": "covariance off, percent"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


@one_thread()
def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    generator = torch.Generator().manual_seed(0)
    text = moved(torch.full((4000,), 1), device)
    off_mean, off_covariance = distance(sample(exact, text, noise_levels(30), generator), 1)
    seeds = [sample(exact, text[:5], noise_levels(STEPS), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    styles = draw(text, generator)
    still, sure = torch.full((4000,), 1e-4).to(styles), torch.full((4000,), 100.0).to(styles)
    mean = torch.tensor(true_moments(1).mean).to(styles)
    return [
        ("2 steps from 4 to 0 with rho 2 are 4, 1, 0.", noise_levels(2, 0, 4, 2) == [4, 1, 0]),
        ("Styles sampled have the mean of the text's.", off_mean < 0.1),
        ("Styles sampled have the covariance of the text's.", off_covariance < 10),
        (
            "With hardly any noise the denoiser gives back what it got.",
            torch.allclose(exact(styles, still, text), styles, atol=1e-3),
        ),
        (
            "In nothing but noise it sees the mean.",
            torch.allclose(exact(styles, sure, text), mean.expand(4000, 2), atol=1e-2),
        ),
        ("A seed repeats a style, another gives another.", seeds[0].equal(seeds[1]) and not seeds[0].equal(seeds[2])),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Styles drawn from noise for a text, by a toy diffusion model.", demo, checks)


if __name__ == "__main__":
    main()
