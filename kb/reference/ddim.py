"""DDPM and DDIM: noise is added in one step and taken away in many, at random or without any chance.

Long because data whose best prediction is known come with the sampler, in place of a network.
Source: DDPM, Algorithms 1 and 2 (arXiv:2006.11239); DDIM, equations 12 and 16 (arXiv:2010.02502), which AudioLDM,
    VoiceLDM and QA-MDT sample with.
Left out: the network and its training. The data are a mixture of Gaussians, whose best prediction of the noise has a
    closed form: what is seen is the sampler's error alone. Guidance is in guidance.
Oracle: closed forms: for Gaussian data a step of DDIM keeps each quantile, and of DDPM the moments; the posterior of
    Bayes' rule for a DDPM step; quadrature for the prediction. (diffusers is not among the tests' packages.)
Dtype: float64 in the demo, else the input's. Ties: none. Seeds: noise is drawn on the CPU, the same on every device.
Notation: x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise, a_t the papers' alpha-bar, from near 1 down to near 0; t from 0 on;
    a step goes from time t to an earlier one, whose a is given (1 for the data themselves).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

BETAS = (0.0015, 0.0195)  # AudioLDM's first and last, between which sqrt(beta) is linear
STEPS = 1000
CENTRES, WIDTH, SHARES = (-1.5, 0.5, 2.0), 0.15, (0.3, 0.5, 0.2)  # of the demo's data


def alphas_bar(steps: int = STEPS, first: float = BETAS[0], last: float = BETAS[1]) -> Tensor:
    """Return a_0 .. a_{steps - 1}: the product of 1 - beta up to each step, float64."""
    if steps < 1 or not 0 < first <= last < 1:
        raise ValueError(f"want one step or more and 0 < first <= last < 1, got {steps}, {first} and {last}")
    betas = torch.linspace(math.sqrt(first), math.sqrt(last), steps, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0)


def add_noise(x: Tensor, noise: Tensor, a: float) -> Tensor:
    """Return x_t for data x: sqrt(a) x + sqrt(1 - a) noise. Example: x 2, noise 1, a 0.36 -> 1.2 + 0.8 = 2."""
    _check(a, 1.0, x, noise)
    return math.sqrt(a) * x + math.sqrt(1 - a) * noise


def remove_noise(x_t: Tensor, noise: Tensor, a: float) -> Tensor:
    """Return the data that x_t comes from, if this was the noise: the inverse of add_noise."""
    _check(a, 1.0, x_t, noise)
    return (x_t - math.sqrt(1 - a) * noise) / math.sqrt(a)


def step(
    x_t: Tensor, predicted: Tensor, a: float, a_earlier: float, noise: Tensor | None = None, eta: float = 0.0
) -> Tensor:
    """Return x at an earlier time: the data as predicted, with their noise made smaller.

    Args:
        x_t: where the step begins.
        predicted: the noise in it, as the model sees it.
        a: of x_t, above 0.
        a_earlier: of what is returned, a or more; 1 gives the data.
        noise: fresh noise, standard normal; not needed where eta is 0.
        eta: how much of it: 0 is DDIM, 1 is DDPM.
    Raises: ValueError if shapes, a, a_earlier or eta do not fit, or eta wants noise.
    Example: x_t 2, predicted 1, a 0.36, a_earlier 1 -> 2, which add_noise began with.
    """
    _check(a, a_earlier, x_t, predicted)
    if eta < 0 or (eta and noise is None):
        raise ValueError(f"want an eta of 0 or more, and noise if it is not 0, got {eta}")
    sigma = eta * math.sqrt((1 - a_earlier) / (1 - a) * (1 - a / a_earlier)) if a < 1 else 0.0  # equation 16
    kept = math.sqrt(max(0.0, 1 - a_earlier - sigma**2))  # of the predicted noise: the direction to x_t
    x = math.sqrt(a_earlier) * remove_noise(x_t, predicted, a) + kept * predicted
    return x if noise is None or not sigma else x + sigma * noise


def times(count: int, steps: int = STEPS) -> list[int]:
    """Return the times of a sampler that takes only so many steps, late ones first: 4 of 1000 -> 999, 749, 499, 249."""
    if not 1 <= count <= steps:
        raise ValueError(f"want 1..{steps} steps, got {count}")
    return [steps - 1 - steps * place // count for place in range(count)]


def sample(
    x: Tensor,
    predict: Callable[[Tensor, float], Tensor],
    count: int,
    *,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return data for noise x, in so many steps; predict(x_t, a) is the model."""
    a = alphas_bar().tolist()
    chosen = times(count)
    for t, earlier in zip(chosen, [*chosen[1:], None], strict=True):
        fresh = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x) if eta else None
        x = step(x, predict(x, a[t]), a[t], 1.0 if earlier is None else a[earlier], fresh, eta)
    return x


def best_prediction(x_t: Tensor, a: float, centres: Sequence[float], width: float, shares: Sequence[float]) -> Tensor:
    """Return the expected noise in x_t if the data are a mixture of Gaussians: what a perfect model says.

    Of one Gaussian, mean m and deviation w: sqrt(1 - a) (x_t - sqrt(a) m) / (a w^2 + 1 - a); of several, the average
    over which of them x_t comes from.
    """
    _check(a, 1.0, x_t, x_t)
    if len(centres) != len(shares) or width <= 0:
        raise ValueError(f"want as many shares as centres and a width above 0, got {shares}, {centres} and {width}")
    away = x_t[..., None] - math.sqrt(a) * x_t.new_tensor(centres)
    variance = a * width**2 + 1 - a
    comes_from = (x_t.new_tensor(shares).log() - away.square() / (2 * variance)).softmax(-1)
    return math.sqrt(1 - a) * (comes_from * away).sum(-1) / variance


def _check(a: float, a_earlier: float, *tensors: Tensor) -> None:
    if not 0 < a <= a_earlier <= 1 or len({one.shape for one in tensors}) != 1:
        shapes = " and ".join(str(list(one.shape)) for one in tensors)
        raise ValueError(f"want 0 < a <= a_earlier <= 1 and one shape, got {a:g}, {a_earlier:g}, {shapes}")


def distance(one: Tensor, other: Tensor) -> float:
    """Return how far two samples [N] of one size are apart: the mean distance of their quantiles (Wasserstein)."""
    return float((one.sort().values - other.sort().values).abs().mean())


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    counts: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 200, 1000),
    points: int = 4000,
) -> dict[str, Any]:
    """Sample a mixture of three Gaussians with ever more steps, and return how far the samples are from the data.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws data and noise.
        counts: steps to take.
        points: samples to draw.
    """
    if points < 1 or not counts:
        raise ValueError(f"want one point or more and counts of steps, got {points} and {list(counts)}")
    generator = torch.Generator().manual_seed(seed)
    noise = moved(torch.randn(points, generator=generator, dtype=torch.float64), device)
    data, again = (_data(points, generator).to(noise) for _ in range(2))
    rows = []
    for count in counts:
        ddim, ddpm = (sample(noise, _predict, count, eta=eta, generator=generator) for eta in (0.0, 1.0))
        rows.append({"steps": count, "ddim": round(distance(ddim, data), 4), "ddpm": round(distance(ddpm, data), 4)})
    same = torch.equal(sample(noise, _predict, 5), sample(noise, _predict, 5))
    remarks = [
        "ddim and ddpm: mean distance between quantiles of samples and data, which have a deviation of"
        f" {float(data.std()):.2f}; two draws of the data are {distance(again, data):.4f} apart.",
        f"The same noise gives the same sample with DDIM: {'yes' if same else 'NO'}; with DDPM it does not.",
        f"The last a is {float(alphas_bar()[-1]):.1g} and not 0: noise alone is not quite where the data are by then.",
        "A toy in one dimension, with the best prediction that there is: no network is trained.",
    ]
    series = {name: [row[name] for row in rows] for name in ("ddim", "ddpm")}
    plot = {"kind": "line", "x": [str(count) for count in counts], "series": series}
    return {"rows": rows, "remarks": remarks, "plot": {**plot, "x_label": "steps", "y_label": "distance from the data"}}


def _predict(x_t: Tensor, a: float) -> Tensor:
    return best_prediction(x_t, a, CENTRES, WIDTH, SHARES)


def _data(points: int, generator: torch.Generator) -> Tensor:
    chosen = torch.multinomial(torch.tensor(SHARES), points, replacement=True, generator=generator)
    return torch.tensor(CENTRES).double()[chosen] + WIDTH * torch.randn(points, generator=generator).double()


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the steps, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    x, noise = moved(torch.randn(2, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    x_t, a = add_noise(x, noise, 0.36), alphas_bar()
    halfway = step(step(x_t, noise, 0.36, 0.7), noise, 0.7, 0.9)
    gaussian = sample(noise, lambda x_t, a: best_prediction(x_t, a, [3.0], 0.5, [1.0]), 400)
    last = float(a[-1])
    quantiles = (noise - 3 * math.sqrt(last)) / math.sqrt(0.25 * last + 1 - last)
    by_hand = add_noise(x.new_tensor([2.0]), x.new_tensor([1.0]), 0.36)
    return [
        ("Data 2 and noise 1 at a = 0.36 make 2.", abs(float(by_hand) - 2) < 1e-12),
        ("If the noise is known, one step gives the data back.", torch.allclose(step(x_t, noise, 0.36, 1.0), x)),
        ("Two steps then end where one does.", torch.allclose(halfway, step(x_t, noise, 0.36, 0.9))),
        ("The schedule begins near 1 and ends near 0.", bool(a[0] > 0.99 and a[-1] < 0.01)),
        (
            "For Gaussian data every sample is its own quantile.",
            torch.allclose(gaussian, 3 + 0.5 * quantiles, atol=0.05),
        ),
        ("4 of 1000 steps are 999, 749, 499 and 249.", times(4) == [999, 749, 499, 249]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Sampling a mixture of Gaussians in few and many steps.", demo, checks)


if __name__ == "__main__":
    main()
