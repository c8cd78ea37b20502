"""Whisper's front end: a waveform as log-mel, halved by convolutions, and once more by Qwen-Audio's pooling.

Source: Whisper, section 2.2 (arXiv:2212.04356); Qwen-Audio, section 3.1 (arXiv:2311.07919), and what both released.
Left out: the Transformer between convolutions and pooling, which keeps the number of frames; SpecAugment has its file.
Oracle: WhisperFeatureExtractor (transformers), equal to 1e-4 for 80 and 128 bands; lengths and pooling as in its
    WhisperEncoder and Qwen2AudioEncoder.
Stride: of the two convolutions the second alone halves. The released encoder adds a vector in front and one behind.
Ties: there are none. Dtype: that of the waveform, float32 or float64; the mel filters are made in float64.
Notation: B batch, S samples, T frames, M mel bands, D width.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference._mel import hz_to_mel, mel_to_hz, slaney_filters

SAMPLE_RATE_HZ, SECONDS = 16_000, 30
WINDOW, HOP_LENGTH = 400, 160  # samples: 25 ms every 10 ms
KERNEL, STRIDES = 3, (1, 2)  # of the two convolutions, with one frame of zeros at either end
POOL = 2  # Qwen-Audio: the mean of two frames
ADDED = 2  # vectors that the released Qwen-Audio learns, before and behind the frames
LEAST, RANGE = 1e-10, 8.0  # power below which nothing is told apart; orders of magnitude below the loudest that stay
SHADES = " .:-=+*#%@"


def mel_filters(bands: int = 80) -> Tensor:
    """Return triangles [M, 201] over the frequencies of a spectrum, float64; see _mel.py.

    Whisper-large-v3 has 128 bands, the others 80.
    """
    if bands < 1:
        raise ValueError(f"want 1 band or more, got {bands}")
    return slaney_filters(bands, WINDOW, SAMPLE_RATE_HZ)


def pad_or_trim(waveform: Tensor, seconds: float = SECONDS) -> Tensor:
    """Return a waveform [B, S] of exactly so many seconds: zeros behind it, or what comes later cut off."""
    if waveform.ndim != 2 or not waveform.is_floating_point():
        raise ValueError(f"want a waveform [B, S] of floats, got {list(waveform.shape)} {waveform.dtype}")
    samples = round(seconds * SAMPLE_RATE_HZ)
    return nn.functional.pad(waveform[:, :samples], (0, max(0, samples - waveform.shape[1])))


def log_mel(waveform: Tensor, bands: int = 80) -> Tensor:
    """Return the log-mel picture [B, M, S // 160] of a waveform [B, S].

    Args:
        waveform: [B, S], 16,000 samples a second in [-1, 1], more than 200 of them.
        bands: mel bands, M.
    Raises: ValueError for another shape, too few samples, or samples that are no finite floats.
    Example: silence -> -1.5 everywhere: (log10(1e-10) + 4) / 4.
    """
    if waveform.ndim != 2 or waveform.shape[1] <= WINDOW // 2 or not waveform.is_floating_point():
        got = f"{list(waveform.shape)} {waveform.dtype}"
        raise ValueError(f"want a waveform [B, S] of floats, more than {WINDOW // 2} samples, got {got}")
    if not waveform.isfinite().all():
        raise ValueError("want finite samples, got some that are not")
    centered = nn.functional.pad(waveform, (WINDOW // 2, WINDOW // 2), mode="reflect")  # frame t is about sample 160 t
    frames = centered.unfold(1, WINDOW, HOP_LENGTH)[:, :-1]  # [B, T, 400]; Whisper drops the last
    spectrum = torch.fft.rfft(frames * torch.hann_window(WINDOW).to(waveform))
    power = spectrum.abs().square() @ mel_filters(bands).to(waveform).T
    logs = power.clamp(min=LEAST).log10().transpose(1, 2)
    loudest = logs.amax(dim=(1, 2), keepdim=True)  # of the whole recording, so that this is no streaming front end
    return (torch.maximum(logs, loudest - RANGE) + 4) / 4


class Stem(nn.Module):
    """The two convolutions: neighbouring frames are mixed, and every second one kept."""

    def __init__(self, bands: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(bands, width, KERNEL, stride=STRIDES[0], padding=1)
        self.second = nn.Conv1d(width, width, KERNEL, stride=STRIDES[1], padding=1)

    def forward(self, mel: Tensor) -> Tensor:
        """Return frames [B, ceil(T / 2), D] for a picture [B, M, T]."""
        mixed = nn.functional.gelu(self.first(mel))
        return nn.functional.gelu(self.second(mixed)).transpose(1, 2)


def pool(frames: Tensor) -> Tensor:
    """Return the means of pairs [B, T // 2, D] of frames [B, T, D]; a last one without partner is dropped."""
    if frames.ndim != 3:
        raise ValueError(f"want frames [B, T, D], got {list(frames.shape)}")
    pairs = frames.shape[1] // POOL
    return frames[:, : pairs * POOL].reshape(len(frames), pairs, POOL, frames.shape[2]).mean(2)


class Frames(NamedTuple):
    """How many frames there are, stage by stage, and what the language model sees of them."""

    mel: int
    after_convolutions: int
    after_pooling: int
    positions: int
    spacing_ms: float


def whisper_frontend(
    seconds: float = SECONDS, first_stride: int = STRIDES[0], second_stride: int = STRIDES[1]
) -> Frames:
    """Return how many frames there are: of 30 s 3000, 1500, 750, and 752 positions, a frame every 40 ms.

    The strides are those of the two convolutions: 1 and 2 in Whisper; 2 and 2 would make 80 ms.
    """
    if not 0 <= seconds < math.inf or min(first_stride, second_stride) < 1:
        got = f"{seconds}, {first_stride} and {second_stride}"
        raise ValueError(f"want seconds of 0 or more and strides of 1 or more, got {got}")
    mel = round(seconds * SAMPLE_RATE_HZ) // HOP_LENGTH
    frames = -(-mel // first_stride)  # kernel 3 with a zero at either end: none is lost
    frames = -(-frames // second_stride)
    spacing_ms = 1000 * HOP_LENGTH / SAMPLE_RATE_HZ * first_stride * second_stride * POOL
    return Frames(mel, frames, frames // POOL, frames // POOL + ADDED, spacing_ms)


FIGURES = (whisper_frontend,)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, seconds: float = 2.0, bands: int = 80) -> dict[str, Any]:
    """Send a rising tone, padded to 30 s, through every stage; draw its log-mel picture.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the weights of the convolutions; no trained model is in here.
        seconds: of the tone, up to 30.
        bands: mel bands, M.
    """
    if not 0.1 <= seconds <= SECONDS:
        raise ValueError(f"want seconds from 0.1 to {SECONDS}, got {seconds}")
    tone = rising_tone(seconds)
    mel = log_mel(pad_or_trim(moved(tone[None], device)), bands)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stem = Stem(bands, 64).requires_grad_(False).to(mel.device)
    frames = stem(mel)
    stages = (
        ("samples", None, SAMPLE_RATE_HZ * SECONDS),
        ("log-mel", 3000, mel.shape[2]),
        ("convolutions", 1500, frames.shape[1]),
        ("pooling", 750, pool(frames).shape[1]),
    )
    rows = [{"stage": stage, "note": note, "here": n, "spacing_ms": 1000 * SECONDS / n} for stage, note, n in stages]
    shown = nn.functional.adaptive_avg_pool2d(mel[:, :, : round(100 * seconds)], (20, 60))[0].flip(0)
    shades = ((shown - shown.min()) / (shown.max() - shown.min()) * (len(SHADES) - 1)).round().int().tolist()
    remarks = [
        "The released model adds a learned vector at either end: its language model sees 752 positions.",
        f"The drawing: {seconds:g} s of a tone from 100 to 7000 Hz, low bands at the bottom.",
        "Mel bands follow the ear: below 1000 Hz evenly, above it by ratios. So the tone bends.",
        "A recording's loudest frame sets the floor, so a picture of a part differs from that part of the picture.",
    ]
    top = mel_to_hz(torch.linspace(0, float(hz_to_mel(torch.tensor(8000.0))), bands + 2))[1:-1].round().int().tolist()
    plot = {
        "kind": "line",
        "x": list(range(bands)),
        "series": {"Hz at the top of the band": top},
        "x_label": "mel band",
        "y_label": "Hz",
    }
    audio = {"sample_rate_hz": SAMPLE_RATE_HZ, "tracks": {"rising tone": tone.tolist()}}
    drawing = "\n".join("".join(SHADES[shade] for shade in row) for row in shades)
    return {"rows": rows, "drawing": drawing, "remarks": remarks, "plot": plot, "audio": audio}


def rising_tone(seconds: float) -> Tensor:
    """Return a tone [S] that rises evenly from 100 to 7000 Hz."""
    time = torch.arange(round(seconds * SAMPLE_RATE_HZ), dtype=torch.float64) / SAMPLE_RATE_HZ
    return (0.5 * torch.sin(2 * math.pi * (100 * time + 3450 * time**2 / seconds))).float()


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    silence = log_mel(moved(torch.zeros(1, 16_000), device))
    tone = log_mel(moved(rising_tone(1.0)[None], device))
    louder = log_mel(moved(10 * rising_tone(1.0)[None], device))
    hz = torch.tensor([0.0, 500.0, 1000.0, 4000.0])
    return [
        ("30 s are 3000 frames, 1500, 750, and 752 positions.", whisper_frontend() == (3000, 1500, 750, 752, 40.0)),
        ("Were both strides 2, a frame would be 80 ms.", whisper_frontend(30, 2, 2).spacing_ms == 80),
        ("Silence is -1.5 everywhere.", bool((silence + 1.5).abs().max() < 1e-6)),
        ("Ten times as loud is half a unit more: log10(100) / 4.", torch.allclose(louder, tone + 0.5, atol=1e-4)),
        ("A picture spans 2 units, 80 dB, at most.", bool(tone.max() - tone.min() <= 2 + 1e-6)),
        ("Mels and Hz are each other's inverse.", torch.allclose(mel_to_hz(hz_to_mel(hz)), hz)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Whisper's front end and Qwen-Audio's pooling, stage by stage.", demo, checks)


if __name__ == "__main__":
    main()
