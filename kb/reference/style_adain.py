"""AdaIN: take away each channel's mean and deviation over time, and give it those of a style.

Source: StyleTTS, section 2 (arXiv:2205.15439): AdaIN(x, s) = L_sigma(s) (x - mu(x)) / sigma(x) + L_mu(s); the idea is
    Huang and Belongie's (arXiv:1703.06868), whose style is the moments of another sample.
Left out: the encoder that finds the style vector s, and all of the synthesizer around the layer.
Oracle: torch.nn.functional.instance_norm, equal within 1e-6 in float32; a style's own moments give the sample back.
Dtype: the input's. The deviation is that of the population (divided by T), and EPSILON keeps 0 out of it.
Ties: none. A channel that does not change in time becomes the style's mean: it has nothing else to say.
Notation: B batch, C channels, T frames; x [B, C, T]; D dimension of a style vector; mean and deviation [B, C].
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved

EPSILON = 1e-5  # added to the variance, as torch's instance norm does


class Style(NamedTuple):
    """What AdaIN gives to each channel: mean and deviation, [B, C]."""

    mean: Tensor
    std: Tensor


def style_of(x: Tensor) -> Style:
    """Return the mean and deviation of each channel over time: x [B, C, T] -> [B, C] and [B, C].

    Example: 1, 2, 6, 11 -> mean 5, deviation sqrt(15.5) = 3.94.
    """
    if x.ndim != 3 or not x.shape[2] or not x.is_floating_point():
        raise ValueError(f"want x [B, C, T] of one frame or more, floating point, got {list(x.shape)} {x.dtype}")
    mean = x.mean(2)
    return Style(mean, ((x - mean[..., None]).square().mean(2) + EPSILON).sqrt())


def normalize(x: Tensor) -> Tensor:
    """Return x [B, C, T] with mean 0 and deviation 1 in each channel: what is left is how it moves."""
    own = style_of(x)
    return (x - own.mean[..., None]) / own.std[..., None]


def adain(x: Tensor, style: Style) -> Tensor:
    """Return x [B, C, T] with the moments of the style, whatever its own were.

    Raises: ValueError if the style is not [B, C], with both shapes.
    Example: 1, 2, 6, 11 with mean 5 and deviation 2 -> 2.97, 3.48, 5.51, 8.05.
    """
    normalized = normalize(x)
    for given in style:
        if given.shape != x.shape[:2]:
            raise ValueError(f"want a style {list(x.shape[:2])} for x {list(x.shape)}, got {list(given.shape)}")
    return style.std[..., None] * normalized + style.mean[..., None]


class AdaptiveNorm(nn.Module):
    """The layer: a linear map makes mean and deviation from a style vector, [B, D].

    As in the published code the map gives deviation - 1, so that a layer whose map is zero only normalizes.
    """

    def __init__(self, channels: int, dimension: int) -> None:
        super().__init__()
        self.moments = nn.Linear(dimension, 2 * channels)

    def forward(self, x: Tensor, style_vector: Tensor) -> Tensor:
        """Return x [B, C, T] in the style of style_vector [B, D]."""
        std_less_1, mean = self.moments(style_vector).chunk(2, dim=1)
        return adain(x, Style(mean, 1 + std_less_1))


class Moments(NamedTuple):
    """Of one channel."""

    mean: float
    std: float


def moments(x: list[float], style_mean: float, style_std: float) -> Moments:
    """Return the measured moments of one channel after AdaIN: those of the style. Example: 1, 2, 6, 11 and 5, 2."""
    wanted = Style(torch.tensor([[style_mean]]).double(), torch.tensor([[style_std]]).double())
    out = adain(torch.tensor(x).double().view(1, 1, -1), wanted)
    return Moments(float(out.mean()), float(out.std(correction=0)))


FIGURES = (moments,)  # what claims may run

CALM, LIVELY = (110.0, 8.0), (190.0, 35.0)  # mean and deviation of a voice's pitch, in Hz: a toy's two styles


def contours(frames: int) -> Tensor:
    """Return two toy sentences [2, 1, T] as pitch that moves between -1 and 1: one falls, one rises at the end."""
    t = torch.linspace(0, 1, frames)
    waves = torch.sin(12 * t)
    return torch.stack([0.7 * (1 - 2 * t) + 0.3 * waves, 0.3 * waves + 1.4 * t**4 - 0.5])[:, None]


def demo(*, device: str = "cpu", seed: int = 0, frames: int = 100) -> dict[str, Any]:
    """Say two sentences in two styles, and return whose shape, and whose level and range, the pitch has.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws how far each speaker strays from its style.
        frames: length of a sentence, T.
    """
    if frames < 2:
        raise ValueError(f"frames must be at least 2, got {frames}")
    sentences = moved(contours(frames), device)
    generator = torch.Generator().manual_seed(seed)
    levels = torch.tensor([CALM, LIVELY]) * (1 + 0.05 * torch.randn(2, 2, generator=generator))
    levels = levels.to(sentences.device)
    spoken = levels[:, :1, None] + levels[:, 1:, None] * normalize(sentences)  # falling calmly, rising lively
    styles = style_of(spoken)
    rows, series = [], {}
    for c, content in enumerate(("falling", "rising")):
        for s, style in enumerate(("calm", "lively")):
            one = adain(spoken[c : c + 1], Style(styles.mean[s : s + 1], styles.std[s : s + 1]))
            got = style_of(one)
            both = torch.stack([one.flatten(), spoken[c].flatten()])
            rows.append(
                {
                    "sentence": content,
                    "style": style,
                    "recorded": "yes" if c == s else "no",
                    "mean_hz": round(float(got.mean), 1),
                    "std_hz": round(float(got.std), 1),
                    "style_mean_hz": round(float(styles.mean[s]), 1),
                    "style_std_hz": round(float(styles.std[s]), 1),
                    "correlation": round(float(torch.corrcoef(both)[0, 1]), 4),
                }
            )
            series[f"{content}, {style}"] = [round(value, 2) for value in one.flatten().tolist()]
    remarks = [
        "correlation is that with the sentence as it was recorded: AdaIN changes level and range, and not the shape.",
        "A toy: one channel, pitch. In StyleTTS the channels are hidden features, and the style comes from a network.",
    ]
    plot = {"kind": "line", "x": list(range(frames)), "series": series, "x_label": "frame", "y_label": "pitch in Hz"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of AdaIN, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    a, b = moved(torch.randn(2, 3, 4, 50, generator=torch.Generator().manual_seed(0)), device)
    styled = adain(a, style_of(b))
    got, wanted = style_of(styled), style_of(b)
    flat = torch.full_like(a, 7.0)
    return [
        ("1, 2, 6, 11 with mean 5 and deviation 2 has mean 5 and deviation 2.", _near(moments([1, 2, 6, 11], 5, 2))),
        ("Each channel has the style's moments.", _same(got.mean, wanted.mean) and _same(got.std, wanted.std)),
        ("Its own style gives a sample back.", _same(adain(a, style_of(a)), a)),
        ("And so does its own style after another one.", _same(adain(styled, style_of(a)), a)),
        ("Louder, higher input makes no difference.", _same(adain(3 * a + 9, style_of(b)), styled)),
        ("A channel that does not move becomes the style's mean.", _same(adain(flat, wanted)[..., 0], wanted.mean)),
    ]


def _near(found: Moments) -> bool:
    return abs(found.mean - 5) < 1e-4 and abs(found.std - 2) < 1e-4


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, atol=1e-4)


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Two sentences in two styles, by AdaIN.", demo, checks)


if __name__ == "__main__":
    main()
