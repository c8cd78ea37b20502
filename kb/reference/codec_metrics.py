"""Codec metrics: no single number tells what a codec loses, so several are measured, on a toy voice.

Long because each measure is a page of its own, and the toy voice and recogniser that they are shown on stand below.
Source: Codec-SUPERB (arXiv:2402.13071), the measures of sound: spectral and mel distance, STOI, F0 correlation, word
    error rate; DASB (arXiv:2406.14294), probes on tokens. SI-SDR: "half-baked or well done?" (arXiv:1811.02508).
Left out: error rates of words, see error_rate; PESQ, an ITU standard with code of its own (PyPI: pesq); resampling;
    recognisers and tasks, for which a toy stands in. Codec-SUPERB's code (at 033a4e7) bends pitch curves onto each
    other before it correlates them, which forgives timing, and answers 0 where STOI or the correlation cannot be had;
    here that is an error or NaN.
Oracle: torchmetrics (SI-SDR, 1e-4 dB), a second STOI from the paper's equations (1e-4), mel_filter_bank (transformers,
    1e-9), a pitch that is known.
Ties: of two pitches that fit equally the higher wins. Dtype: computed in float64.
Notation: N samples, F frequency bins, M mel bands, T frames, K codebooks, V codebook size.
"""

import math
import warnings
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._mel import slaney_filters
from kb.reference.error_rate import character_error_rate, word_error_rate

ROUNDING = 1e-24  # of a power: less is what float64 rounds away
WINDOWS = (2048, 512)  # samples, of the STFT distance
FLOOR = 1e-5  # a magnitude below it counts as it, so that silence has a logarithm
LOWEST_HZ, HIGHEST_HZ, PITCH_FRAMES_PER_SECOND = 60, 400, 100  # of the pitch
VOICED_SIMILARITY, VOICED_POWER = 0.8, 0.02  # of one period with the next; of a frame beside the loudest

SAMPLE_RATE_HZ, SEGMENT = 16000, 2048  # of the toy voice; samples of a vowel or a pause
LETTERS = " aeiou"
FORMANTS_HZ = ((500, 1500), (730, 1090), (530, 1840), (270, 2290), (570, 840), (300, 870))  # of its letters
TOKEN_WINDOW, TOKEN_BANDS, TOKENS = 512, 40, 32  # of its tokens: a codebook of 32 log mel frames
SHORTEST_RUN = 4  # frames of one letter that its recogniser writes down
PLOTTED_SNR_DB = (-10, 0, 5, 10, 15, 20, 30)


def si_sdr_db(reference: Tensor, estimate: Tensor) -> float:
    """Return the scale-invariant signal-to-distortion ratio of two signals [N], in dB; the more the better.

    What of the estimate is a multiple of the reference is signal, the rest distortion. inf for an exact copy, however
    loud; -inf if nothing of the reference is left. Means are taken away first.
    Example: reference 1, -1, 1, -1 and estimate 3, -1, 1, -3 -> signal 2, -2, 2, -2, distortion 1, 1, -1, -1: 6.02 dB.
    """
    reference, estimate = _checked(reference, estimate)
    reference, estimate = reference - reference.mean(), estimate - estimate.mean()
    signal = reference * (estimate @ reference) / (reference @ reference)
    power, distortion = float(signal.square().sum()), float((estimate - signal).square().sum())
    if not power:
        return -math.inf
    return 10 * math.log10(power / distortion) if distortion > ROUNDING * power else math.inf


def stoi(reference: Tensor, estimate: Tensor, sample_rate_hz: int) -> float:
    """Return the short-time objective intelligibility of two signals [N], about 0..1 (pystoi).

    It correlates the loudness of 15 third-octave bands over stretches of 384 ms. Where the reference is silent it does
    not look.
    Raises: ValueError if less than that is left of the reference; ModuleNotFoundError without the package pystoi.
    """
    from pystoi import stoi as pystoi_stoi

    reference, estimate = _checked(reference, estimate)
    seconds = len(reference) / sample_rate_hz
    if seconds < 0.5:
        raise ValueError(f"STOI wants half a second or more, got {seconds:g} s: {list(reference.shape)}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # it would answer 1e-5
        try:
            return float(pystoi_stoi(reference.cpu().numpy(), estimate.cpu().numpy(), sample_rate_hz))
        except RuntimeWarning:
            raise ValueError("STOI wants 384 ms of a reference that is not silent") from None


def mel_filters(bands: int, window: int, sample_rate_hz: float) -> Tensor:
    """Return M triangles of area 1 over hertz, [M, F], even in Slaney's mels: linear to 1 kHz, logarithmic above."""
    if bands < 1 or window < 2 or not 2000 <= sample_rate_hz < math.inf:
        raise ValueError(f"want bands >= 1, window >= 2, 2000 Hz or more, got {bands}, {window}, {sample_rate_hz}")
    return slaney_filters(bands, window, sample_rate_hz)


def magnitudes(signal: Tensor, window: int) -> Tensor:
    """Return short-time Fourier magnitudes, Hann window, hop a quarter of it, ends mirrored: [N] -> [F, T]."""
    if len(signal) <= window // 2:
        raise ValueError(f"a window of {window} wants more than {window // 2} samples, got {list(signal.shape)}")
    hann = torch.hann_window(window, dtype=signal.dtype, device=signal.device)
    return torch.stft(signal, window, window // 4, window=hann, return_complex=True).abs()


def stft_distance(reference: Tensor, estimate: Tensor) -> float:
    """Return how far two signals [N] are apart in magnitudes and in log10 of power, summed over windows; 0 is equal."""
    reference, estimate = _checked(reference, estimate)
    return sum(_apart(magnitudes(reference, window), magnitudes(estimate, window)) for window in WINDOWS)


def mel_distance(
    reference: Tensor,
    estimate: Tensor,
    sample_rate_hz: float,
    scales: Sequence[tuple[int, int]] = ((2048, 150), (512, 80)),
) -> float:
    """Return the same of mel spectrograms; scales are pairs of window and bands, as Codec-SUPERB has them."""
    reference, estimate = _checked(reference, estimate)
    distance = 0.0
    for window, bands in scales:
        filters = mel_filters(bands, window, sample_rate_hz).to(reference)
        distance += _apart(filters @ magnitudes(reference, window), filters @ magnitudes(estimate, window))
    return distance


def _apart(one: Tensor, other: Tensor) -> float:
    logarithms = one.clamp_min(FLOOR).log10() - other.clamp_min(FLOOR).log10()
    return float((one - other).abs().mean() + 2 * logarithms.abs().mean())


def f0_hz(signal: Tensor, sample_rate_hz: int) -> Tensor:
    """Return the pitch of [N] in 100 frames a second, 0 where there is none.

    A frame is two of the longest periods. Its first half is compared with what comes each lag later; the lag where
    they are most alike is the period.
    """
    longest, hop = sample_rate_hz // LOWEST_HZ, sample_rate_hz // PITCH_FRAMES_PER_SECOND
    shortest = sample_rate_hz // HIGHEST_HZ
    if signal.ndim != 1 or len(signal) < 2 * longest + 2:
        raise ValueError(f"want a signal [N] of {2 * longest + 2} samples or more, got {list(signal.shape)}")
    frames = (signal.double() - signal.double().mean()).unfold(0, 2 * longest + 2, hop)  # [T, 2 longest + 2]
    start = frames[:, :longest]
    power = start.square().sum(1)
    similarities = []
    for lag in range(shortest - 1, longest + 2):
        later = frames[:, lag : lag + longest]
        similarities.append((start * later).sum(1) / (power * later.square().sum(1)).sqrt().clamp_min(1e-12))
    similarity = torch.stack(similarities, 1)  # [T, lags]
    # Two periods later a tone is as alike as after one: shorter lags get a little more.
    head_start = torch.linspace(0.1, 0, len(similarities), dtype=torch.float64, device=signal.device)
    best = (similarity + head_start)[:, 1:-1].argmax(1, keepdim=True) + 1
    # The top of the parabola through three lags is a finer period than a whole number of samples.
    before, peak, after = (similarity.gather(1, best + step)[:, 0] for step in (-1, 0, 1))
    top = ((before - after) / (2 * (before - 2 * peak + after).clamp_max(-1e-12))).clamp(-0.5, 0.5)
    voiced = (peak > VOICED_SIMILARITY) & (power > VOICED_POWER * power.max())
    return torch.where(voiced, sample_rate_hz / (shortest - 1 + best[:, 0] + top), 0)


def f0_correlation(reference: Tensor, estimate: Tensor, sample_rate_hz: int) -> float:
    """Return the correlation of the pitch of two signals [N], -1..1, over frames where both have one; NaN if undefined.

    Undefined it is with less than three such frames, or where a pitch does not move.
    """
    reference, estimate = _checked(reference, estimate)
    one, other = f0_hz(reference, sample_rate_hz), f0_hz(estimate, sample_rate_hz)
    both = (one > 0) & (other > 0)
    if int(both.sum()) < 3:
        return math.nan
    moves = [pitch[both] - pitch[both].mean() for pitch in (one, other)]
    sizes = [float(move.norm()) for move in moves]
    return float(moves[0] @ moves[1]) / (sizes[0] * sizes[1]) if min(sizes) > 1e-9 else math.nan


def probe_tokens(codes: Tensor, labels: Tensor, new_codes: Tensor, codebook_size: int) -> Tensor:
    """Return the labels that a linear probe, trained on codes and labels, gives to new codes: [K, T'] -> [T'].

    What a probe that is only linear can tell stands plainly in the tokens (scikit-learn's LogisticRegression).

    Args:
        codes: [K, T], in [0, V).
        labels: [T], whole numbers.
        new_codes: [K, T'].
        codebook_size: V; the probe sees each code as V zeros and ones.
    """
    from sklearn.linear_model import LogisticRegression

    for tensor in (codes, new_codes):
        if tensor.ndim != 2 or not tensor.numel() or not 0 <= int(tensor.min()) <= int(tensor.max()) < codebook_size:
            raise ValueError(f"want codes [K, T] in 0..{codebook_size - 1}, not empty, got {list(tensor.shape)}")
    if labels.shape != codes.shape[1:] or len(codes) != len(new_codes):
        got = f"{list(codes.shape)}, {list(labels.shape)} and {list(new_codes.shape)}"
        raise ValueError(f"want codes [K, T], labels [T] and new codes [K, T'], got {got}")
    seen, new = (functional.one_hot(tensor.T, codebook_size).flatten(1).cpu().numpy() for tensor in (codes, new_codes))
    probe = LogisticRegression(max_iter=1000).fit(seen, labels.cpu().numpy())
    return torch.from_numpy(probe.predict(new)).to(labels)


def _checked(reference: Tensor, estimate: Tensor) -> tuple[Tensor, Tensor]:
    """Return both in float64 if they can be compared."""
    if reference.ndim != 1 or reference.shape != estimate.shape or not len(reference):
        raise ValueError(
            f"want two signals [N] of one length, not empty, got {list(reference.shape)} and {list(estimate.shape)}"
        )
    if not reference.is_floating_point() or not estimate.is_floating_point():
        raise ValueError(
            f"want float signals in -1..1, got {reference.dtype} and {estimate.dtype} {list(estimate.shape)}"
        )
    if not reference.isfinite().all() or not estimate.isfinite().all():
        raise ValueError(f"want finite signals, got NaN or infinity among {list(reference.shape)}")
    if float(reference.max()) == float(reference.min()):
        raise ValueError(f"the reference is silent: there is nothing to compare with, {list(reference.shape)}")
    return reference.double(), estimate.double()


def speak(text: str, melody_hz: float, seed: int) -> Tensor:
    """Return a voice that says vowels, [N], on the CPU: 130 Hz high, and a slow melody up and down."""
    generator = torch.Generator().manual_seed(seed)
    letters = torch.tensor([LETTERS.index(letter) for letter in text]).repeat_interleave(SEGMENT)
    shape = torch.cat([torch.tensor(FORMANTS_HZ).T[:, letters], (letters > 0)[None]])  # two formants and loudness
    first_hz, second_hz, loudness = functional.avg_pool1d(shape[None].float(), 321, 1, 160, count_include_pad=False)[0]
    time = torch.arange(len(letters)) / SAMPLE_RATE_HZ
    pitch_hz = 130 + melody_hz * torch.sin(2 * math.pi * 0.7 * time)
    phase = 2 * math.pi * (pitch_hz / SAMPLE_RATE_HZ).cumsum(0)
    signal: Tensor = torch.randn(len(letters), generator=generator) * 0.001
    for harmonic in range(1, 40):
        away = [(harmonic * pitch_hz - hz) / width_hz for hz, width_hz in ((first_hz, 60), (second_hz, 90))]
        peaks = 1 / (1 + away[0] ** 2) + 0.5 / (1 + away[1] ** 2)
        signal += loudness * peaks * torch.sin(harmonic * phase)
    return signal.div(2 * signal.abs().max())


def listen(signals: Sequence[Tensor], seed: int) -> list[Tensor]:
    """Return the letters a toy recogniser hears, as places in LETTERS, [T] for each [N].

    Tokens are the nearest of 32 log mel frames (k-means), which a linear probe turns into letters. Both have learnt
    from one clean voice that says words drawn by the seed.
    """
    from sklearn.cluster import KMeans

    drawn = torch.randint(len(LETTERS), (100,), generator=torch.Generator().manual_seed(seed)).tolist()
    words = "".join(LETTERS[letter] for letter, _ in groupby(drawn))
    filters = mel_filters(TOKEN_BANDS, TOKEN_WINDOW, SAMPLE_RATE_HZ).float()
    frames = []
    for signal in (speak(words, 30, seed), *signals):
        log_mel = (filters @ magnitudes(signal, TOKEN_WINDOW)).T.clamp_min(FLOOR).log()
        frames.append(log_mel - log_mel.mean())  # so that loudness is out
    tokenizer = KMeans(TOKENS, n_init=1, random_state=seed).fit(frames[0].numpy())
    codes = [torch.from_numpy(tokenizer.predict(frame.numpy())).long()[None] for frame in frames]
    heard = probe_tokens(codes[0], letters_of(words, len(frames[0])), torch.cat(codes[1:], 1), TOKENS)
    return list(torch.split(heard, [len(frame) for frame in frames[1:]]))


def letters_of(text: str, frames: int) -> Tensor:
    """Return the letter that is said in each frame of a text, as its place in LETTERS: [T]."""
    segments = torch.arange(frames) * (TOKEN_WINDOW // 4) // SEGMENT
    return torch.tensor([LETTERS.index(letter) for letter in text])[segments.clamp_max(len(text) - 1)]


def text_of(letters: Tensor) -> str:
    """Return the text of letters [T]: one for each run of SHORTEST_RUN frames or more."""
    runs = [(letter, len(list(run))) for letter, run in groupby(letters.tolist())]
    return "".join(LETTERS[letter] for letter, length in runs if length >= SHORTEST_RUN)


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    text: str = "aio ue oia eu iao uei ou",
    snr_db: float = 10.0,
    lowpass_hz: float = 2000.0,
    delay_ms: float = 5.0,
) -> dict[str, Any]:
    """Damage a synthetic voice in several ways and return what each metric says of each copy.

    Args:
        device: where signals are compared, "cpu" or "cuda"; STOI and tokens are computed on the CPU.
        seed: draws the noise, the words that tokens and probe are trained on, and the first tokens.
        text: words of the vowels a e i o u, with no letter twice in a row.
        snr_db: how far below the voice the noise of the noisy copy is.
        lowpass_hz: where the dull copy ends.
        delay_ms: how late the late copy is.
    """
    letters = [letter for letter, _ in groupby(text)]
    if not 5 <= len(letters) <= 100 or text != "".join(letters).strip() or not set(text) <= set(LETTERS):
        raise ValueError(f"want a text of 5..100 letters of {LETTERS!r}, none twice in a row, got {text!r}")
    if not abs(snr_db) <= 60 or not 100 <= lowpass_hz <= SAMPLE_RATE_HZ / 2 or not 0 <= delay_ms <= 100:
        got = f"{snr_db}, {lowpass_hz} and {delay_ms}"
        raise ValueError(f"want snr_db in -60..60, lowpass_hz in 100..8000, delay_ms in 0..100, got {got}")
    original = speak(text, 30, seed)
    moved(original, device)
    noise = torch.randn(len(original), generator=torch.Generator().manual_seed(seed)) * original.square().mean().sqrt()
    spectrum = torch.fft.rfft(original)
    spectrum[math.ceil(lowpass_hz * len(original) / SAMPLE_RATE_HZ) :] = 0
    copies = {
        "exact copy": original,
        "half as loud": original / 2,
        "polarity flipped": -original,
        f"{delay_ms:g} ms late": torch.roll(original, round(delay_ms * SAMPLE_RATE_HZ / 1000)),
        f"noise, {snr_db:g} dB": original + noise * 10 ** (-snr_db / 20),
        f"dull, {lowpass_hz:g} Hz": torch.fft.irfft(spectrum, len(original)),
        "melody upside down": speak(text, -30, seed),
        "other vowels": speak(text.translate(str.maketrans("aeiou", "eioua")), 30, seed),
        "silence": torch.zeros_like(original),
    }
    noisier = [original + noise * 10 ** (-level_db / 20) for level_db in PLOTTED_SNR_DB]
    with one_thread():
        heard = listen([*copies.values(), *noisier], seed)
        rows = [_row(original.to(device), copy.to(device)) for copy in copies.values()]
        intelligible = [stoi(original, copy, SAMPLE_RATE_HZ) for copy in noisier]
    said = letters_of(text, len(heard[0]))
    accuracies = [_rounded(float((letters == said).double().mean())) for letters in heard]
    texts = [text_of(letters) for letters in heard]
    for row, accuracy, hypothesis in zip(rows, accuracies, texts, strict=False):
        row["token_accuracy"] = accuracy
        row["wer"] = _rounded(word_error_rate(text, hypothesis))
        row["cer"] = _rounded(character_error_rate(text, hypothesis))
    plot = {
        "kind": "line",
        "x": list(PLOTTED_SNR_DB),
        "series": {
            "stoi": [_rounded(share) for share in intelligible],
            "token_accuracy": accuracies[len(copies) :],
            "1 - cer": [_rounded(1 - character_error_rate(text, hypothesis)) for hypothesis in texts[len(copies) :]],
        },
        "x_label": "signal-to-noise ratio (dB)",
        "y_label": "share",
    }
    remarks = [
        "A toy: a synthetic voice of vowels, and a recogniser that has heard that voice alone, without noise.",
        "si_sdr_db is empty where it is infinite: an exact copy, however loud, has no distortion, silence nothing but.",
        "A copy that is late is another sound to SI-SDR, a quieter one is damaged to mel and STFT distance.",
        "A melody upside down is noise to SI-SDR and nearly nothing to STOI; the F0 correlation tells what happened. "
        "Of other vowels it hears nothing, STOI does.",
        "token_accuracy: in how many frames a linear probe on the copy's tokens tells the vowel that is said.",
    ]
    tracks = {name: copy.clamp(-1, 1).tolist() for name, copy in copies.items()}
    audio = {"sample_rate_hz": SAMPLE_RATE_HZ, "tracks": tracks}
    named = [{"copy": name, **row} for name, row in zip(copies, rows, strict=True)]
    return {"rows": named, "remarks": remarks, "plot": plot, "audio": audio}


def _row(reference: Tensor, estimate: Tensor) -> dict[str, float | None]:
    return {
        "si_sdr_db": _rounded(si_sdr_db(reference, estimate)),
        "stoi": _rounded(stoi(reference, estimate, SAMPLE_RATE_HZ)),
        "mel_distance": _rounded(mel_distance(reference, estimate, SAMPLE_RATE_HZ)),
        "stft_distance": _rounded(stft_distance(reference, estimate)),
        "f0_correlation": _rounded(f0_correlation(reference, estimate, SAMPLE_RATE_HZ)),
    }


def _rounded(figure: float) -> float | None:
    return round(figure, 3) if math.isfinite(figure) else None  # JSON has neither infinity nor NaN


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the metrics: sentences, and whether each did."""
    generator = torch.Generator().manual_seed(0)
    voice = moved(speak("aio ue", 30, 0), device)
    noise = torch.randn(len(voice), generator=generator).to(device) * 0.01
    short, other = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([3.0, -1.0, 1.0, -3.0])
    tone = torch.sin(2 * math.pi * 220 / SAMPLE_RATE_HZ * torch.arange(8000, device=device))
    pitch = f0_hz(tone, SAMPLE_RATE_HZ)
    louder = si_sdr_db(voice, 7 * (voice + noise) + 0.1)
    return [
        ("Reference 1, -1, 1, -1 and estimate 3, -1, 1, -3 have 6.02 dB.", round(si_sdr_db(short, other), 2) == 6.02),
        ("SI-SDR hears neither loudness nor an offset.", abs(louder - si_sdr_db(voice, voice + noise)) < 1e-3),
        (
            "An exact copy has no distortion, silence nothing but.",
            (si_sdr_db(voice, voice / 2), si_sdr_db(voice, 0 * voice)) == (math.inf, -math.inf),
        ),
        ("STOI of a copy is 1.", round(stoi(voice, voice, SAMPLE_RATE_HZ), 4) == 1),
        ("The pitch of 220 Hz is found within 0.1 %.", bool(((pitch / 220 - 1).abs() < 1e-3).all())),
        (
            "Silence has no pitch, so it correlates with none.",
            math.isnan(f0_correlation(voice, 0 * voice, SAMPLE_RATE_HZ)),
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("What codec metrics say of a voice damaged in several ways.", demo, checks)


if __name__ == "__main__":
    main()
