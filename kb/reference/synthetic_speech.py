"""Toy speech by formula: a gliding pitch, moving formants, hiss and pauses; or speech from a wav file.

What a reference implementation is tried on where no recording may be downloaded. A toy: it has vowels and hiss in
random order and says nothing, yet it changes as fast as speech does and its pitch and formants are known. Long
because a mouth, a recording's reader and the score that the demo shows stand together.

Source: source and filter: Fant, Acoustic Theory of Speech Production (1960); formants of American men: Peterson and
    Barney (1952), table II. A voice shifts them and has a pitch and a melody of its own.
Left out: all consonants but a hiss; voice above 4 kHz; how a larynx sounds beyond an even slope.
Oracle: scipy.signal.freqs for the formants, 1e-4; scipy.signal.resample, 1e-5; codec_metrics.f0_hz for the pitch.
Dtype: float32, the phase in float64. Drawn on the CPU, so that a seed gives one sound on every device.
Notation: B utterances, N samples, C control frames of 10 ms, H harmonics.
"""

import math
import wave
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from kb.reference._alone import run_alone
from kb.reference._devices import moved

SAMPLE_RATE_HZ = 16000
CONTROL = 160  # samples of a control frame: 10 ms
VOWELS_HZ = {  # the first three formants of heed, head, hod, hawed, who'd
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
BANDWIDTHS_HZ = (80, 100, 140)  # of the formants
VOICED_BELOW_HZ = 4000
PEAK, HISS, ROOM = 0.6, 0.02, 0.001  # amplitudes: the loudest vowel, a hiss, the noise that is always there
BLEND = 9  # control frames: nothing in a mouth moves at once


class Segment(NamedTuple):
    """A sound that is one thing from begin to end."""

    kind: str  # "pause", "hiss" or a vowel
    frames: int  # how long, in frames of 10 ms
    loudness: float  # 0..1


class Voice(NamedTuple):
    """Who speaks."""

    pitch_hz: float  # around which the melody goes up and down
    formant_scale: float  # a shorter throat has higher formants
    melody: float  # where the melody begins, in radians


def compose(frames: int, generator: torch.Generator) -> list[Segment]:
    """Return segments of at least that many frames: syllables, two in five with a hiss before the vowel, and pauses."""
    segments = [Segment("pause", _between(1, 15, generator), 0.0)]
    while sum(segment.frames for segment in segments) < frames:
        if _uniform(0, 1, generator) < 0.2:
            segments.append(Segment("pause", _between(8, 30, generator), 0.0))
            continue
        if _uniform(0, 1, generator) < 0.4:
            segments.append(Segment("hiss", _between(5, 10, generator), _uniform(0.3, 1, generator)))
        vowel = list(VOWELS_HZ)[_between(0, len(VOWELS_HZ), generator)]
        segments.append(Segment(vowel, _between(9, 22, generator), _uniform(0.5, 1, generator)))
    return segments


def pitch_hz(voice: Voice, frames: int) -> Tensor:
    """Return the melody, [C]: the voice's pitch, at most 18 % up and down, slowly and a little faster."""
    seconds = torch.arange(frames) * CONTROL / SAMPLE_RATE_HZ
    slow = torch.sin(2 * math.pi * 0.7 * seconds + voice.melody)
    fast = torch.sin(2 * math.pi * 2.3 * seconds + 2 * voice.melody)
    return voice.pitch_hz * (1 + 0.12 * slow + 0.06 * fast)


def formant_gain(frequency_hz: Tensor, formants_hz: Tensor) -> Tensor:
    """Return what a throat does to a frequency, complex: how much louder it leaves, and how far turned.

    Three resonances in a row, each F^2 / (F^2 - f^2 + j f B). The gain is 1 at 0 Hz; one alone has F / B at its F.

    Args:
        frequency_hz: [H, C].
        formants_hz: [3, C].
    """
    gain = torch.ones_like(frequency_hz, dtype=torch.complex64)
    for formant_hz, bandwidth_hz in zip(formants_hz, BANDWIDTHS_HZ, strict=True):
        gain = gain / torch.complex(1 - (frequency_hz / formant_hz) ** 2, frequency_hz * bandwidth_hz / formant_hz**2)
    return gain


def render(segments: list[Segment], voice: Voice, generator: torch.Generator) -> Tensor:
    """Return the segments as the voice says them, [N], N = 160 samples for each of their frames."""
    # A mouth takes the shape of a vowel before it makes a sound, and after the last keeps it.
    mouth = next((segment.kind for segment in reversed(segments) if segment.kind in VOWELS_HZ), "a")
    positions = []
    for kind, frames, loud in reversed(segments):
        mouth = kind if kind in VOWELS_HZ else mouth
        position = [*VOWELS_HZ[mouth], loud if kind in VOWELS_HZ else 0.0, loud if kind == "hiss" else 0.0]
        positions += [position] * frames
    stepped = torch.tensor(positions).flip(0).T[:, None]  # [5, 1, C]
    bell = torch.hann_window(BLEND + 2, periodic=False)[1:-1]
    padded = functional.pad(stepped, (BLEND // 2, BLEND // 2), mode="replicate")
    smooth = functional.conv1d(padded, (bell / bell.sum())[None, None])[:, 0]
    formants_hz, loudness, hiss = smooth[:3] * voice.formant_scale, smooth[3], smooth[4]
    pitch = pitch_hz(voice, len(loudness))
    harmonics = torch.arange(1, math.ceil(VOICED_BELOW_HZ / float(pitch.min())) + 1)[:, None]
    frequency_hz = harmonics * pitch  # [H, C]
    # A larynx gives harmonic h about 1 / h; the throat shapes what it gives.
    gain = formant_gain(frequency_hz, formants_hz) * loudness / harmonics * (frequency_hz < VOICED_BELOW_HZ)
    phase = 2 * math.pi * torch.cumsum(_upsampled(pitch[None])[0].double() / SAMPLE_RATE_HZ, 0)
    angle = (harmonics * phase).remainder(2 * math.pi).float()  # [H, N]
    voiced = (_upsampled(gain.real) * angle.cos() - _upsampled(gain.imag) * angle.sin()).sum(0)
    noise = torch.randn(2, len(voiced) + 1, generator=generator)
    hissed = (noise[0, 1:] - 0.9 * noise[0, :-1]) * _upsampled(hiss[None])[0]  # the highs of white noise
    return voiced * (PEAK / voiced.abs().max().clamp_min(1e-6)) + HISS * hissed + ROOM * noise[1, 1:]


def utterances(count: int, seconds: float, *, seed: int = 0) -> Tensor:
    """Return that many utterances, each of another voice: [B, N] in about -0.7..0.7, at 16 kHz.

    Raises: ValueError if count is less than 1, or seconds not in 0.1..60.
    """
    if count < 1 or not 0.1 <= seconds <= 60:
        raise ValueError(f"want one utterance or more of 0.1..60 seconds, got {count} of {seconds}")
    generator, samples = torch.Generator().manual_seed(seed), round(seconds * SAMPLE_RATE_HZ)
    spoken = []
    for _ in range(count):
        segments = compose(math.ceil(samples / CONTROL), generator)
        spoken.append(render(segments, draw_voice(generator), generator)[:samples])
    return torch.stack(spoken)


def draw_voice(generator: torch.Generator) -> Voice:
    """Return a voice between a low man's and a high woman's."""
    pitch, scale = _uniform(90, 220, generator), _uniform(0.9, 1.15, generator)
    return Voice(pitch, scale, _uniform(0, 2 * math.pi, generator))


def read_wav(path: str) -> Tensor:
    """Return a recording as one channel at 16 kHz, [N] in -1..1: channels are averaged, other rates resampled.

    Raises: ValueError if there is no such file, it is no wav of 16-bit PCM, or it holds no sound.
    """
    try:
        with wave.open(path, "rb") as file:
            channels, width, rate_hz, samples = file.getparams()[:4]
            data = file.readframes(samples)
    except (OSError, EOFError, wave.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error) or "it ends too early"
        raise ValueError(f"{path}: want a wav file of 16-bit PCM: {reason}") from error
    if width != 2 or rate_hz < 1:
        raise ValueError(f"{path}: want 16-bit PCM, got {8 * width} bits at {rate_hz} Hz")
    whole = len(data) - len(data) % (2 * channels)
    if not whole:
        raise ValueError(f"{path}: it holds no sound, {samples} samples of {channels} channels")
    pcm = torch.frombuffer(bytearray(data[:whole]), dtype=torch.int16)  # little-endian, as in a wav file
    return resample(pcm.view(-1, channels).float().mean(1) / 2**15, rate_hz, SAMPLE_RATE_HZ)


def resample(waveform: Tensor, from_hz: int, to_hz: int) -> Tensor:
    """Return the waveform [N] at another rate: its spectrum, cut off or filled up with zeros at half the new rate.

    Exact for what is periodic in N; elsewhere the end rings into the beginning, a few samples long.
    """
    if waveform.ndim != 1 or not len(waveform) or from_hz < 1 or to_hz < 1:
        raise ValueError(f"want samples [N] and rates above 0, got {list(waveform.shape)}, {from_hz} and {to_hz}")
    if from_hz == to_hz:
        return waveform
    samples = max(1, round(len(waveform) * to_hz / from_hz))
    spectrum = torch.fft.rfft(waveform)
    bins = samples // 2 + 1
    spectrum = functional.pad(spectrum, (0, max(0, bins - len(spectrum))))[:bins]
    resampled: Tensor = torch.fft.irfft(spectrum, samples)
    return resampled * (samples / len(waveform))


def _upsampled(track: Tensor) -> Tensor:
    return functional.interpolate(track[None], scale_factor=CONTROL, mode="linear")[0]


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _between(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high, (), generator=generator))


def demo(*, device: str = "cpu", seed: int = 0, seconds: float = 3.0, recording: str = "") -> dict[str, Any]:
    """Speak, and return which sounds were made and when; or read a recording.

    Args:
        device: taken for the sake of all references; the sound is made on the CPU.
        seed: draws the voice and what it says.
        seconds: how long it speaks, 0.1..60.
        recording: a wav file to read instead, 16-bit PCM of any rate.
    """
    moved(torch.zeros(()), device)
    if recording:
        waveform = read_wav(recording)
        length, loudest = len(waveform) / SAMPLE_RATE_HZ, float(waveform.abs().max())
        rows: list[dict[str, Any]] = [
            {"seconds": round(length, 3), "samples": len(waveform), "peak": round(loudest, 3)}
        ]
        remarks = [
            "Channels are averaged, other rates resampled to 16 kHz by the spectrum, which rings a little at the ends."
        ]
        return {"rows": rows, "remarks": remarks, "audio": _audio({"recording": waveform})}
    if not 0.1 <= seconds <= 60:
        raise ValueError(f"want 0.1..60 seconds, got {seconds}")
    generator = torch.Generator().manual_seed(seed)
    segments, voice = compose(math.ceil(seconds * 100), generator), draw_voice(generator)
    waveform = render(segments, voice, generator)[: round(seconds * SAMPLE_RATE_HZ)]
    melody_hz, rows, begin = pitch_hz(voice, len(waveform) // CONTROL + 1), [], 0
    for segment in segments:
        vowel = segment.kind in VOWELS_HZ
        pitch = round(float(melody_hz[begin]), 1) if vowel and begin < len(melody_hz) else None
        rows.append(
            {
                "begin_seconds": begin / 100,
                "seconds": segment.frames / 100,
                "sound": segment.kind,
                "loudness": round(segment.loudness, 2),
                "pitch_hz": pitch,
                "formants_hz": " ".join(f"{hz * voice.formant_scale:.0f}" for hz in VOWELS_HZ.get(segment.kind, ())),
            }
        )
        begin += segment.frames
    remarks = [
        "A toy: sounds in random order that mean nothing. Neighbours blend over 90 ms.",
        f"The voice: {voice.pitch_hz:.0f} Hz, formants {voice.formant_scale:.2f} times those of a man.",
    ]
    plot = {
        "kind": "line",
        "x": [frame / 100 for frame in range(len(melody_hz))],
        "series": {"pitch": [round(float(hz), 2) for hz in melody_hz]},
        "x_label": "time (s)",
        "y_label": "pitch (Hz)",
    }
    return {"rows": rows, "remarks": remarks, "plot": plot, "audio": _audio({"synthetic": waveform})}


def _audio(tracks: dict[str, Tensor]) -> dict[str, Any]:
    return {"sample_rate_hz": SAMPLE_RATE_HZ, "tracks": {name: one.tolist() for name, one in tracks.items()}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    moved(torch.zeros(()), device)
    spoken, again, other = (utterances(2, 1.0, seed=seed) for seed in (0, 0, 1))
    formants_hz = torch.tensor([[500.0, 500.0], [1e6, 1e6], [1e6, 1e6]])
    gain = formant_gain(torch.tensor([[0.0, 500.0]]), formants_hz).abs()[0]
    seconds = torch.arange(22050) / 44100
    tone = torch.sin(2 * math.pi * 440 * seconds)
    slower = torch.sin(2 * math.pi * 440 * torch.arange(8000) / 16000)
    pause = render([Segment("pause", 50, 0.0)], Voice(120, 1.0, 0.0), torch.Generator().manual_seed(0))
    return [
        (
            "A seed says the same again, and another seed something else.",
            torch.equal(spoken, again) and not torch.equal(spoken, other),
        ),
        ("Nothing is louder than a wav file can hold.", float(spoken.abs().max()) < 1),
        (
            "A formant of 500 Hz, 80 Hz wide, is 6.25 times as loud there.",
            bool(((gain - torch.tensor([1, 6.25])).abs() < 1e-2).all()),
        ),
        ("In a pause there is the room alone.", abs(float(pause.std()) / ROOM - 1) < 0.1),
        (
            "A tone of 44.1 kHz is the same tone at 16 kHz.",
            torch.allclose(resample(tone, 44100, 16000), slower, atol=1e-3),
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Speech-like sound by formula.", demo, checks)


if __name__ == "__main__":
    main()
