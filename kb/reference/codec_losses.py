"""Codec training losses: each hears what the others miss, so their weighted sum trains (toy discriminator).

Long because the terms of one objective, and the toy discriminator they need, stand together.
Source: EnCodec, section 3.4, equations 1 to 4 (arXiv:2210.13438), which DM-Codec takes over (arXiv:2410.15017).
Left out: EnCodec's balancer, which weighs gradients instead of losses; the discriminators MSD, MPD and MS-STFT, for
    which a toy stands in. Where code differs: audiocraft (at bf70522) has L1 on mel spectrograms and squares on their
    log10, DM-Codec (at 25c742a) L1 on their log, where equation 1 has no log: here `logarithmic` chooses. DM-Codec
    trains with least squares instead of hinges. audiocraft's "hinge" of the generator is -mean(score), which never
    stops pulling, "hinge2" is the paper's; the mean |real| of equation 2 is computed there and not used.
Oracle: mel_filter_bank (transformers) and scipy.signal.ShortTimeFFT in float64, 1e-9; the rest by hand.
Ties: where two signals are equal, L1 and L2 have the gradient 0. Dtype: that of the signals, float32 or float64.
Notation: B batch, N samples, F frequency bins, M mel bands, T frames, D dimension, K discriminators or levels; x is
    the original, x_hat what the codec made of it, both [B, N] in -1..1.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds
from kb.reference._mel import triangles

WINDOWS = tuple(2**i for i in range(5, 12))  # samples: 32 to 2048, each hopped by a quarter (EnCodec, equation 1)
BANDS = 64
FLOOR = 1e-5  # a magnitude below it counts as it, so that silence has a logarithm
WEIGHTS = {  # DM-Codec's released configuration; its 45 is for the longest of four windows, the others have 1
    "time": 500.0,
    "log_mel": 45.0,
    "adversarial": 1.0,
    "feature_matching": 2.0,
    "commitment": 10.0,
    "distillation": 120.0,
}

SAMPLE_RATE_HZ = 16000  # of the demo
TOY_WINDOWS, TOY_CHANNELS, TOY_BATCH, TOY_CROP, TOY_RATE = (128, 512), 16, 4, 4096, 3e-3  # of its discriminator


def hz_to_mel(frequency_hz: float) -> float:
    """Return mels, 2595 log10(1 + f / 700), as HTK has them: 0 -> 0, 1000 Hz -> 999.99, 8000 Hz -> 2840.02."""
    if not 0 <= frequency_hz < math.inf:
        raise ValueError(f"a frequency is 0 Hz or more, got {frequency_hz}")
    return 2595 * math.log10(1 + frequency_hz / 700)


def mel_to_hz(mels: float) -> float:
    """Return the frequency of mels; the inverse of hz_to_mel."""
    return float(700 * (10 ** (mels / 2595) - 1))


def mel_filters(bands: int, window: int, sample_rate_hz: float) -> Tensor:
    """Return M triangles over frequency, [M, F], float64, F = window / 2 + 1; each has area 1 over hertz (Slaney).

    The corners are evenly spaced in mels, from 0 to half the sample rate. A window may be too short for a band to have
    any bin: it is always 0.
    """
    if bands < 1 or window < 2 or not 0 < sample_rate_hz < math.inf:
        raise ValueError(f"want bands >= 1, window >= 2, a sample rate > 0, got {bands}, {window}, {sample_rate_hz}")
    top = hz_to_mel(sample_rate_hz / 2)
    corners = torch.tensor([mel_to_hz(top * m / (bands + 1)) for m in range(bands + 2)], dtype=torch.float64)
    return triangles(corners, window, sample_rate_hz)


def magnitudes(signal: Tensor, window: int) -> Tensor:
    """Return short-time Fourier magnitudes, Hann window, hop a quarter of it: [B, N] -> [B, F, T].

    Divided by the window's norm, so that white noise has the same magnitudes whatever the window. Frame t is centred
    on sample t x hop; the ends are mirrored.
    """
    if signal.ndim != 2 or not signal.is_floating_point() or signal.shape[1] <= window // 2:
        raise ValueError(f"want a float signal [B, N] of more than {window // 2} samples, got {kinds(signal)}")
    hann = torch.hann_window(window, dtype=signal.dtype, device=signal.device)
    spectrum = torch.stft(signal, window, window // 4, window=hann / hann.norm(), return_complex=True)
    return spectrum.abs()


def time_loss(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the mean absolute difference of samples."""
    _check(x, x_hat)
    return (x - x_hat).abs().mean()


def spectral_loss(
    x: Tensor,
    x_hat: Tensor,
    sample_rate_hz: float | None = None,
    windows: Sequence[int] = WINDOWS,
    bands: int = BANDS,
    logarithmic: bool = False,
) -> Tensor:
    """Return the mean over windows of L1 + L2 between spectrograms (equation 1, with every alpha 1).

    L1 is the mean absolute difference, L2 the root of the mean square. Short windows tell when a sound begins, long
    ones at which pitch it is. With sample_rate_hz the spectrograms are mel, of so many bands; without, all frequency
    bins are compared. Logarithmic ones count quiet bands as much as loud ones.
    """
    _check(x, x_hat)
    losses = []
    for window in windows:
        spectra = [magnitudes(signal, window) for signal in (x, x_hat)]
        if sample_rate_hz is not None:
            filters = mel_filters(bands, window, sample_rate_hz).to(x)
            spectra = [filters @ spectrum for spectrum in spectra]
        if logarithmic:
            spectra = [spectrum.clamp_min(FLOOR).log() for spectrum in spectra]
        difference = (spectra[0] - spectra[1]).flatten()
        root_mean_square = torch.linalg.vector_norm(difference) / math.sqrt(len(difference))
        losses.append(difference.abs().mean() + root_mean_square)
    return torch.stack(losses).mean()


def discriminator_loss(real_scores: Sequence[Tensor], fake_scores: Sequence[Tensor]) -> Tensor:
    """Return the hinge loss of K discriminators: the mean of max(0, 1 - real) + max(0, 1 + fake).

    Example: scores 2 and 0 for originals, -3 and 0 for copies -> (0 + 1) / 2 + (0 + 1) / 2 = 1.
    """
    _check_lists(real_scores, fake_scores)
    pairs = zip(real_scores, fake_scores, strict=True)
    return torch.stack([(1 - real).relu().mean() + (1 + fake).relu().mean() for real, fake in pairs]).mean()


def adversarial_loss(fake_scores: Sequence[Tensor]) -> Tensor:
    """Return the generator's hinge loss: the mean of max(0, 1 - fake), 0 once every copy passes for an original."""
    _check_lists(fake_scores)
    return torch.stack([(1 - fake).relu().mean() for fake in fake_scores]).mean()


def feature_matching_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return the mean over K discriminators and their layers of mean |real - fake| / mean |real| (equation 2)."""
    real_layers, fake_layers = ([layer for layers in features for layer in layers] for features in (real, fake))
    _check_lists(real_layers, fake_layers)
    pairs = zip(real_layers, fake_layers, strict=True)
    return torch.stack([(one - other).abs().mean() / one.abs().mean() for one, other in pairs]).mean()


def commitment_loss(residuals: Sequence[Tensor], codewords: Sequence[Tensor]) -> Tensor:
    """Return the sum over K levels of the mean square of residual - codeword (equation 3).

    residuals are what each level was given, codewords what it chose, [B, D, T] each. Codewords get no gradient: the
    encoder comes to them.
    """
    _check_lists(residuals, codewords)
    pairs = zip(residuals, codewords, strict=True)
    return torch.stack([(residual - codeword.detach()).square().mean() for residual, codeword in pairs]).sum()


def generator_loss(losses: Mapping[str, Tensor], weights: Mapping[str, float] = WEIGHTS) -> Tensor:
    """Return the weighted sum that a codec is trained on (equation 4); every loss has to have its weight."""
    if not losses or set(losses) != set(weights):
        raise ValueError(f"want a loss for each of {', '.join(weights)}, got {', '.join(losses) or 'none'}")
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


def _check(x: Tensor, x_hat: Tensor) -> None:
    if x.ndim != 2 or x.shape != x_hat.shape or not x.numel() or not x.is_floating_point() or x.dtype != x_hat.dtype:
        raise ValueError(f"want two float signals [B, N] of one shape and dtype, not empty, got {kinds(x, x_hat)}")
    if not x.isfinite().all() or not x_hat.isfinite().all():
        raise ValueError(f"want finite signals, got NaN or infinity among {list(x.shape)}")


def _check_lists(*lists: Sequence[Tensor]) -> None:
    shapes = [[list(tensor.shape) for tensor in tensors] for tensors in lists]
    if not shapes[0] or any(other != shapes[0] for other in shapes):
        raise ValueError(f"want tensors of the same shapes, one or more, got {' and '.join(map(str, shapes))}")


FIGURES = (hz_to_mel, mel_to_hz)  # what claims may run


def discriminate(signal: Tensor, toy: Sequence[Sequence[Tensor]]) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Return scores and layers of the toy discriminator, which looks at log magnitudes of [B, N] in two windows."""
    scores, features = [], []
    for window, (first, second, last) in zip(TOY_WINDOWS, toy, strict=True):
        spectrum = magnitudes(signal, window).clamp_min(FLOOR).log() / 4 + 1.5  # about -1..1
        low = functional.leaky_relu(functional.conv1d(spectrum, first), 0.2)
        high = functional.leaky_relu(functional.conv1d(low, second), 0.2)
        scores.append(functional.conv1d(high, last))
        features.append([low, high])
    return scores, features


def train_discriminator(snr_db: float, lowpass_hz: float, steps: int, seed: int, device: str) -> list[list[Tensor]]:
    """Return the weights of a toy discriminator that was shown voices, and noisy and dull copies of them, in turn."""
    generator = torch.Generator().manual_seed(seed)
    toy = []
    for window in TOY_WINDOWS:
        sizes = ((TOY_CHANNELS, window // 2 + 1), (TOY_CHANNELS, TOY_CHANNELS), (1, TOY_CHANNELS))
        drawn = [torch.randn(*size, 3, generator=generator) / math.sqrt(1.5 * size[1]) for size in sizes]
        toy.append([weights.to(device).requires_grad_() for weights in drawn])
    optimizer = torch.optim.Adam([weights for layers in toy for weights in layers], lr=TOY_RATE)
    for step in range(steps):
        real = voices(TOY_BATCH, TOY_CROP, generator)
        fake = noisy(real, snr_db, generator) if step % 2 else dull(real, lowpass_hz)
        scores = [discriminate(signal.to(device), toy)[0] for signal in (real, fake)]
        optimizer.zero_grad()
        torch.autograd.backward(discriminator_loss(*scores))
        optimizer.step()
    return toy


def voices(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Return gliding harmonics under three formants, with a breath of noise: [B, N], on the CPU, at most 0.5 loud."""
    time = torch.arange(samples) / SAMPLE_RATE_HZ
    turns = torch.tensor([2.0, 3.0, 2.3, 4.0])[:, None, None] * time + torch.rand(4, batch, 1, generator=generator)
    pitch, first, second, loudness = torch.sin(2 * math.pi * turns)  # each [B, N], in -1..1
    pitch_hz = 120 + 80 * torch.rand(batch, 1, generator=generator) + 30 * pitch
    phase = 2 * math.pi * (pitch_hz / SAMPLE_RATE_HZ).cumsum(1)
    signal: Tensor = torch.randn(batch, samples, generator=generator) * 0.002
    formants = ((500 + 250 * first, 90, 1.0), (1500 + 700 * second, 130, 0.5), (3500, 300, 0.05))
    for harmonic in range(1, 30):  # up to 6.9 kHz
        peaks = [height / (1 + ((harmonic * pitch_hz - hz) / width_hz) ** 2) for hz, width_hz, height in formants]
        signal += torch.stack(peaks).sum(0) * torch.sin(harmonic * phase)
    signal *= 0.55 + 0.45 * loudness
    return signal.div(2 * signal.abs().amax(1, keepdim=True))


def noisy(signal: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Return the signal [B, N], on the CPU, with white noise snr_db below it."""
    noise = torch.randn(signal.shape, generator=generator) * 10 ** (-snr_db / 20)
    return signal + noise * signal.square().mean(1, keepdim=True).sqrt()


def dull(signal: Tensor, lowpass_hz: float) -> Tensor:
    """Return the signal [B, N] without what is above lowpass_hz."""
    spectrum = torch.fft.rfft(signal)
    spectrum[:, math.ceil(lowpass_hz * signal.shape[1] / SAMPLE_RATE_HZ) :] = 0
    copy: Tensor = torch.fft.irfft(spectrum, signal.shape[1])
    return copy


def late(signal: Tensor, samples: int) -> Tensor:
    """Return the signal [B, N] that many samples late, with silence first."""
    return functional.pad(signal, (samples, 0))[:, : signal.shape[1]]


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    seconds: float = 1.0,
    snr_db: float = 20.0,
    lowpass_hz: float = 2000.0,
    delay_ms: float = 1.0,
    discriminator_steps: int = 40,
) -> dict[str, Any]:
    """Damage a voice in several ways and return what each loss says of each copy.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the voices, the noise and the discriminator's first weights.
        seconds: how long the voice is.
        snr_db: how far below the voice the noise of the noisy copy is.
        lowpass_hz: where the dull copy ends.
        delay_ms: how late the late copy is; the plot goes twice as far.
        discriminator_steps: of training of the toy discriminator, before it judges.
    """
    if not 0.1 <= seconds <= 30 or not 0.1 <= delay_ms <= 250 * seconds or discriminator_steps < 1:
        got = f"{seconds}, {delay_ms} and {discriminator_steps}"
        raise ValueError(f"want 0.1..30 seconds, delay_ms up to a quarter of it, a step or more, got {got}")
    if not 100 <= lowpass_hz <= SAMPLE_RATE_HZ / 2 or not abs(snr_db) <= 60:
        raise ValueError(
            f"want lowpass_hz in 100..{SAMPLE_RATE_HZ // 2}, snr_db in -60..60, got {lowpass_hz}, {snr_db}"
        )
    generator = torch.Generator().manual_seed(seed)
    original = voices(1, round(seconds * SAMPLE_RATE_HZ), generator)
    delay = round(delay_ms * SAMPLE_RATE_HZ / 1000)
    copies = {
        "exact copy": original,
        "half as loud": original / 2,
        "polarity flipped": -original,
        f"{delay_ms:g} ms late": late(original, delay),
        f"noise, {snr_db:g} dB": noisy(original, snr_db, generator),
        f"dull, {lowpass_hz:g} Hz": dull(original, lowpass_hz),
        "silence": torch.zeros_like(original),
    }
    x = moved(original, device)
    offsets = sorted({round(2 * delay * (step / 10) ** 2) for step in range(11)})
    with one_thread():
        toy = train_discriminator(snr_db, lowpass_hz, discriminator_steps, seed, device)
        judged = {name: _losses(x, copy.to(device), toy) for name, copy in copies.items()}
        later = [_losses(x, late(x, offset), toy) for offset in offsets]
    delays_ms = [round(1000 * offset / SAMPLE_RATE_HZ, 4) for offset in offsets]
    names = ("time", "mel", "log_mel", "feature_matching")
    shares = {name: [round(row[name] / judged["silence"][name], 4) for row in later] for name in names}
    plot = {
        "kind": "line",
        "x": delays_ms,
        "series": shares,
        "x_label": "delay of an otherwise exact copy (ms)",
        "y_label": "loss, 1 = that of silence",
    }
    worse = [delay_ms for delay_ms, share in zip(delays_ms, shares["time"], strict=True) if share > 1]
    remarks = [
        "A toy: a synthetic voice, and a discriminator of two small nets that saw only noisy and dull copies. "
        "What it says of other damage is chance.",
        "weighted_sum has DM-Codec's weights; commitment and distillation, which no signal alone has, are not in it.",
        "Mel spectrograms cannot hear a flipped polarity, and hardly a delay; log_mel hears noise where it was quiet.",
    ]
    if worse:
        remarks.append(
            f"From a delay of {min(worse):g} ms on, the loss in time would rather have silence than the copy."
        )
    rows = [{"copy": name, **losses} for name, losses in judged.items()]
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _losses(x: Tensor, x_hat: Tensor, toy: list[list[Tensor]]) -> dict[str, float]:
    with torch.no_grad():
        (_, real), (scores, fake) = discriminate(x, toy), discriminate(x_hat, toy)
        losses = {
            "time": time_loss(x, x_hat),
            "mel": spectral_loss(x, x_hat, SAMPLE_RATE_HZ),
            "log_mel": spectral_loss(x, x_hat, SAMPLE_RATE_HZ, logarithmic=True),
            "adversarial": adversarial_loss(scores),
            "feature_matching": feature_matching_loss(real, fake),
        }
        summed = {name: loss for name, loss in losses.items() if name in WEIGHTS}
        losses["weighted_sum"] = generator_loss(summed, {name: WEIGHTS[name] for name in summed})
    return {name: float(f"{float(loss):.4g}") for name, loss in losses.items()}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the losses: sentences, and whether each did."""
    noise = moved(torch.randn(4, 8000, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    sine = torch.sin(2 * math.pi * 500 / SAMPLE_RATE_HZ * torch.arange(4000, device=device, dtype=torch.float64))[None]
    short, long = (float(magnitudes(noise, window).mean()) for window in (64, 1024))
    copy = noise.clone().requires_grad_()
    torch.autograd.backward(time_loss(noise, copy) + spectral_loss(noise, copy, SAMPLE_RATE_HZ, logarithmic=True))
    hinge = discriminator_loss([noise.new_tensor([2.0, 0.0])], [noise.new_tensor([-3.0, 0.0])])
    area = mel_filters(8, 2048, SAMPLE_RATE_HZ).sum(1) * SAMPLE_RATE_HZ / 2048
    flipped, halfway, silence = time_loss(sine, -sine), time_loss(sine, late(sine, 16)), time_loss(sine, 0 * sine)
    return [
        ("A mel triangle has area 1 over hertz.", torch.allclose(area, torch.ones_like(area), rtol=1e-3)),
        ("White noise is as large in a window of 64 samples as in one of 1024.", abs(short / long - 1) < 0.02),
        ("Between equal signals no loss pulls.", copy.grad is not None and not copy.grad.any()),
        ("Scores 2, 0 of originals and -3, 0 of copies lose 1.", float(hinge) == 1),
        ("Spectrograms do not hear a flipped polarity.", float(spectral_loss(sine, -sine)) < 1e-9),
        ("In time it costs twice what silence does.", math.isclose(flipped, 2 * silence)),
        ("So, nearly, does a tone that is half a period late.", 1.98 < float(halfway / silence) < 2),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("What a codec's training losses say of a voice damaged in several ways.", demo, checks)


if __name__ == "__main__":
    main()
