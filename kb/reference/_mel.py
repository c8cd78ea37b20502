"""Mel filters: triangles over the frequencies of a spectrum, and the scale of mels that most code takes from Slaney.

Source: Slaney, Auditory Toolbox (1998). Oracle: mel_filter_bank (transformers), in the tests of those that use it.
Notation: F = window / 2 + 1 frequency bins, M mel bands. All is computed in float64.
"""

import math

import torch
from torch import Tensor

LINEAR_HZ, LINEAR_MELS = 1000, 15  # up to here mels follow hertz, above it their logarithm
STEPS, FACTOR = 27, 6.4  # so many mels for every such factor


def hz_to_mel(hz: Tensor) -> Tensor:
    """Return mels, of the shape of hz: 1000 Hz -> 15, 6400 Hz -> 42."""
    above = STEPS * torch.log(hz.clamp(min=LINEAR_HZ) / LINEAR_HZ) / math.log(FACTOR)
    return torch.where(hz < LINEAR_HZ, hz * LINEAR_MELS / LINEAR_HZ, LINEAR_MELS + above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Return Hz for mels, the inverse."""
    above = LINEAR_HZ * FACTOR ** ((mel - LINEAR_MELS) / STEPS)
    return torch.where(mel < LINEAR_MELS, mel * LINEAR_HZ / LINEAR_MELS, above)


def slaney_filters(bands: int, window: int, sample_rate_hz: float) -> Tensor:
    """Return M triangles [M, F] whose corners are evenly spaced in mels, from 0 to half the sample rate."""
    top = float(hz_to_mel(torch.tensor(sample_rate_hz / 2, dtype=torch.float64)))
    return triangles(mel_to_hz(torch.linspace(0, top, bands + 2, dtype=torch.float64)), window, sample_rate_hz)


def triangles(corners_hz: Tensor, window: int, sample_rate_hz: float) -> Tensor:
    """Return M triangles [M, F] with M + 2 corners in Hz: each has its top where the one before it ends.

    All have area 1 over hertz, so that broad bands do not sound louder. Where a window is so short that no bin falls
    into a triangle, that band is always 0.
    """
    low, top, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    bins = torch.arange(window // 2 + 1, dtype=torch.float64) * (sample_rate_hz / window)
    rising, falling = (bins - low) / (top - low), (high - bins) / (high - top)
    return torch.minimum(rising, falling).clamp(min=0) * 2 / (high - low)
