"""Codec metrics against numbers by hand, torchmetrics, jiwer, transformers' mel filters, and a second, slow STOI."""

import json
import math
import sys

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import codec_metrics  # noqa: E402


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gliding(start_hz, end_hz, samples=16000, sample_rate_hz=16000):
    """Return a tone with five harmonics that glides, and its pitch at each sample."""
    pitch_hz = torch.linspace(start_hz, end_hz, samples, dtype=torch.float64)
    phase = 2 * math.pi * (pitch_hz / sample_rate_hz).cumsum(0)
    return sum(torch.sin(harmonic * phase) / harmonic for harmonic in range(1, 6)) / 3, pitch_hz


def test_si_sdr_worked_by_hand():
    reference, estimate = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([3.0, -1.0, 1.0, -3.0])

    # The estimate is 2 x the reference, power 16, and 1, 1, -1, -1, power 4.
    assert codec_metrics.si_sdr_db(reference, estimate) == pytest.approx(10 * math.log10(16 / 4))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32), loudness=st.floats(0.01, 100), offset=st.floats(-5, 5), sign=st.sampled_from([-1, 1])
)
def test_si_sdr_hears_neither_loudness_nor_polarity_nor_an_offset(seed, loudness, offset, sign):
    reference, noise = gaussian(2, 200, seed=seed)
    estimate = reference + 0.3 * noise

    moved = codec_metrics.si_sdr_db(reference, sign * loudness * estimate + offset)

    assert moved == pytest.approx(codec_metrics.si_sdr_db(reference, estimate), abs=1e-6)


def test_si_sdr_equals_that_of_torchmetrics():
    audio = pytest.importorskip("torchmetrics.functional.audio")
    reference = gaussian(8000, seed=0) + 0.5

    for loudness in (3.0, 0.3, 0.01):
        estimate = 0.7 * reference + loudness * gaussian(8000, seed=1) - 2
        theirs = audio.scale_invariant_signal_distortion_ratio(estimate, reference, zero_mean=True)
        assert codec_metrics.si_sdr_db(reference, estimate) == pytest.approx(float(theirs), abs=1e-4)


def test_an_exact_copy_is_infinitely_good_silence_infinitely_bad_and_a_silent_reference_an_error():
    reference = gaussian(100, seed=0)

    assert codec_metrics.si_sdr_db(reference, reference) == math.inf
    assert codec_metrics.si_sdr_db(reference, -3 * reference) == math.inf
    assert codec_metrics.si_sdr_db(reference, torch.zeros(100)) == -math.inf
    for metric in (codec_metrics.si_sdr_db, codec_metrics.stft_distance):
        with pytest.raises(ValueError, match=r"the reference is silent.*\[100\]"):
            metric(torch.full((100,), 0.1), reference)


def slow_stoi(clean, degraded):
    """Return STOI from the equations of Taal et al. (2011), section II, for lists of samples at 10 kHz."""
    numpy = pytest.importorskip("numpy")
    window = numpy.hanning(258)[1:-1]
    starts = range(0, len(clean) - 256 + 1, 128)
    energies = [
        20 * math.log10(float(numpy.linalg.norm(window * clean[start : start + 256])) + 1e-30) for start in starts
    ]
    loud = [start for start, energy in zip(starts, energies, strict=True) if energy > max(energies) - 40]
    spectra = []
    for signal in (clean, degraded):
        kept = numpy.zeros(128 * (len(loud) + 1))
        for place, start in enumerate(loud):  # the frames that are not silent, overlapped anew
            kept[128 * place : 128 * place + 256] += window * signal[start : start + 256]
        frames = [window * kept[start : start + 256] for start in range(0, len(kept) - 256 + 1, 128)]
        powers = [abs(numpy.fft.rfft(frame, 512)) ** 2 for frame in frames]
        bands = []
        for band in range(15):
            low, high = (round(150 * 2 ** ((2 * band + side) / 6) * 512 / 10000) for side in (-1, 1))
            bands.append([math.sqrt(sum(power[low:high])) for power in powers])
        spectra.append(numpy.array(bands))
    correlations = []
    for end in range(30, spectra[0].shape[1] + 1):
        for x, y in zip(spectra[0][:, end - 30 : end], spectra[1][:, end - 30 : end], strict=True):
            y = y * numpy.linalg.norm(x) / numpy.linalg.norm(y)
            y = numpy.minimum(y, x * (1 + 10 ** (15 / 20)))
            correlations.append(numpy.corrcoef(x, y)[0, 1])
    return sum(correlations) / len(correlations)


@pytest.mark.parametrize("snr_db", [20, 10, 0, -5])
def test_stoi_equals_a_second_one_written_from_the_paper(snr_db):
    pytest.importorskip("pystoi")
    clean = torch.cat([codec_metrics.speak("aio ue ia", 30, 0).double(), torch.zeros(4000, dtype=torch.float64)])
    noise = gaussian(len(clean), seed=0) * clean.square().mean().sqrt() * 10 ** (-snr_db / 20)

    score = codec_metrics.stoi(clean, clean + noise, 10000)  # as if it had been recorded at 10 kHz: no resampling

    assert score == pytest.approx(slow_stoi(clean.numpy(), (clean + noise).numpy()), abs=1e-4)


def test_stoi_is_1_for_a_copy_however_loud_and_falls_with_noise():
    pytest.importorskip("pystoi")
    voice = codec_metrics.speak("aio ue", 30, 0).double()
    noise = gaussian(len(voice), seed=0)

    scores = [codec_metrics.stoi(voice, 3 * (voice + level * noise), 16000) for level in (0, 0.02, 0.1, 0.5)]

    assert scores[0] == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.6


def test_stoi_says_when_it_has_too_little_to_go_by_where_pystoi_answers_0_00001():
    pytest.importorskip("pystoi")
    voice = codec_metrics.speak("aio ue", 30, 0)
    click = torch.zeros(16000)
    click[8000:8100] = 1

    with pytest.raises(ValueError, match=r"half a second or more, got 0\.4375 s: \[7000\]"):
        codec_metrics.stoi(voice[:7000], voice[:7000], 16000)
    with pytest.raises(ValueError, match="384 ms of a reference that is not silent"):
        codec_metrics.stoi(click, click, 16000)


def test_without_pystoi_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pystoi", None)

    with pytest.raises(ModuleNotFoundError, match="pystoi"):
        codec_metrics.stoi(gaussian(16000, seed=0), gaussian(16000, seed=0), 16000)


@pytest.mark.parametrize(
    ("bands", "window", "sample_rate_hz"), [(150, 2048, 16000), (80, 2048, 44100), (20, 512, 16000)]
)
def test_mel_filters_equal_those_of_transformers(bands, window, sample_rate_hz):
    audio = pytest.importorskip("transformers.audio_utils")

    theirs = audio.mel_filter_bank(
        window // 2 + 1, bands, 0, sample_rate_hz / 2, sample_rate_hz, norm="slaney", mel_scale="slaney"
    )

    ours = codec_metrics.mel_filters(bands, window, sample_rate_hz)
    assert torch.allclose(ours, torch.from_numpy(theirs).T, rtol=0, atol=1e-9)


def test_the_stft_distance_of_a_quieter_copy_worked_by_hand():
    reference = gaussian(4000, seed=0)
    means = [float(codec_metrics.magnitudes(reference, window).mean()) for window in (2048, 512)]

    # A tenth of every magnitude, a hundredth of every power: 0.9 of the mean, and 2 in log10, in each of two windows.
    expected = 0.9 * sum(means) + 2 * 2
    assert codec_metrics.stft_distance(reference, reference / 10) == pytest.approx(expected)


def test_the_mel_distance_of_a_quieter_copy_worked_by_hand():
    reference = gaussian(4000, seed=0)
    mels = codec_metrics.mel_filters(10, 512, 16000) @ codec_metrics.magnitudes(reference, 512)

    distance = codec_metrics.mel_distance(reference, reference / 10, 16000, scales=[(512, 10)])

    assert distance == pytest.approx(0.9 * float(mels.mean()) + 2)


def test_distances_are_0_for_equal_signals_alike_both_ways_and_deaf_to_polarity():
    one, other = gaussian(2, 4000, seed=0)

    for distance in (codec_metrics.stft_distance, lambda x, y: codec_metrics.mel_distance(x, y, 16000)):
        assert distance(one, one) == 0
        assert distance(one, -one) == pytest.approx(0, abs=1e-9)
        assert distance(one, other) == pytest.approx(distance(other, one))
        assert math.isfinite(distance(one, torch.zeros(4000)))


@pytest.mark.parametrize(("start_hz", "end_hz"), [(100, 200), (300, 150), (70, 70), (380, 360)])
def test_a_gliding_pitch_is_found_within_one_percent(start_hz, end_hz):
    signal, pitch_hz = gliding(start_hz, end_hz)

    found = codec_metrics.f0_hz(signal, 16000)

    # A frame compares 267 samples from its start with as many one period later: the pitch is that half-way between.
    middle = (torch.arange(len(found)) * 160 + 133 + (8000 / pitch_hz[::160][: len(found)]).long()).clamp_max(15999)
    assert float((found / pitch_hz[middle] - 1).abs().max()) < 0.01


def test_noise_and_silence_have_no_pitch():
    assert codec_metrics.f0_hz(gaussian(8000, seed=0), 16000).tolist() == [0.0] * 47
    assert codec_metrics.f0_hz(torch.zeros(8000), 16000).tolist() == [0.0] * 47


def test_the_f0_correlation_follows_the_melody_whatever_its_height_and_loudness():
    rising, falling, higher = gliding(100, 200)[0], gliding(200, 100)[0], gliding(200, 300)[0]

    assert codec_metrics.f0_correlation(rising, 0.1 * higher, 16000) == pytest.approx(1, abs=1e-3)
    assert codec_metrics.f0_correlation(rising, falling, 16000) == pytest.approx(-1, abs=1e-3)


def test_the_f0_correlation_equals_numpys_over_frames_where_both_have_a_pitch():
    numpy = pytest.importorskip("numpy")
    rising, other = gliding(100, 200)[0], gliding(150, 140)[0]
    other[4000:8000] = 0
    one, two = codec_metrics.f0_hz(rising, 16000), codec_metrics.f0_hz(other, 16000)
    both = (one > 0) & (two > 0)

    assert 40 < int(both.sum()) < 80
    expected = numpy.corrcoef(one[both], two[both])[0, 1]
    assert codec_metrics.f0_correlation(rising, other, 16000) == pytest.approx(expected)


def test_the_f0_correlation_is_nan_where_it_is_not_defined():
    rising = gliding(100, 200)[0]

    assert math.isnan(codec_metrics.f0_correlation(rising, torch.zeros(16000), 16000))
    assert math.isnan(codec_metrics.f0_correlation(gaussian(16000, seed=0), rising, 16000))


def test_a_probe_reads_labels_off_whichever_codebook_tells_them():
    pytest.importorskip("sklearn")
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(4, (3, 400), generator=generator)
    labels = torch.tensor([7, 7, 9, 5])[codes[1]]

    told = codec_metrics.probe_tokens(codes[:, :200], labels[:200], codes[:, 200:], 4)

    assert torch.equal(told, labels[200:])


def test_a_linear_probe_cannot_read_what_only_two_codebooks_together_tell():
    pytest.importorskip("sklearn")
    codes = torch.randint(2, (2, 4000), generator=torch.Generator().manual_seed(0))
    labels = codes[0] ^ codes[1]

    told = codec_metrics.probe_tokens(codes[:, :2000], labels[:2000], codes[:, 2000:], 2)

    assert float((told == labels[2000:]).double().mean()) < 0.78  # a plane has at most three of the four cases right


def test_a_mistake_is_told_with_both_shapes():
    voice = gaussian(4000, seed=0)

    with pytest.raises(ValueError, match=r"\[4000\] and \[3999\]"):
        codec_metrics.si_sdr_db(voice, voice[1:])
    with pytest.raises(ValueError, match=r"\[2, 4000\] and \[2, 4000\]"):  # stereo
        codec_metrics.stft_distance(voice.expand(2, 4000), voice.expand(2, 4000))
    with pytest.raises(ValueError, match=r"\[0\] and \[0\]"):
        codec_metrics.si_sdr_db(voice[:0], voice[:0])
    with pytest.raises(ValueError, match=r"torch\.float64 and torch\.int16 \[4000\]"):
        codec_metrics.si_sdr_db(voice, (1000 * voice).to(torch.int16))
    with pytest.raises(ValueError, match=r"NaN or infinity among \[4000\]"):
        codec_metrics.f0_correlation(voice, voice / 0, 16000)
    with pytest.raises(ValueError, match=r"a window of 2048 wants more than 1024 samples, got \[1024\]"):
        codec_metrics.stft_distance(voice[:1024], voice[:1024])
    with pytest.raises(ValueError, match=r"534 samples or more, got \[533\]"):
        codec_metrics.f0_hz(voice[:533], 16000)
    with pytest.raises(ValueError, match="2000 Hz or more, got 150, 2048, 1000"):
        codec_metrics.mel_distance(voice, voice, 1000)
    codes = torch.zeros(2, 5, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"\[2, 5\], \[4\] and \[2, 5\]"):
        codec_metrics.probe_tokens(codes, torch.zeros(4), codes, 3)
    with pytest.raises(ValueError, match=r"in 0\.\.2, not empty, got \[2, 5\]"):
        codec_metrics.probe_tokens(codes + 3, torch.zeros(5), codes, 3)


@pytest.fixture(scope="module")
def shown():
    for package in ("pystoi", "sklearn"):
        pytest.importorskip(package)
    return codec_metrics.demo()


def test_in_the_demo_no_metric_tells_everything(shown):
    assert json.loads(json.dumps(shown)) == shown
    rows = {row["copy"]: row for row in shown["rows"]}
    exact, late, upside_down, other = (
        rows[name] for name in ("exact copy", "5 ms late", "melody upside down", "other vowels")
    )
    assert (exact["stoi"], exact["mel_distance"], exact["f0_correlation"], exact["wer"]) == (1, 0, 1, 0)
    assert exact["token_accuracy"] > 0.85
    assert late["si_sdr_db"] < 0  # and yet
    assert late["stoi"] > 0.9
    assert (late["wer"], late["f0_correlation"]) == (0, 1)
    assert rows["half as loud"]["mel_distance"] > 1  # and yet
    assert rows["half as loud"]["stoi"] == 1
    assert upside_down["f0_correlation"] < -0.99  # and yet
    assert upside_down["stoi"] > 0.9
    assert upside_down["wer"] == 0
    assert other["f0_correlation"] > 0.99  # and yet
    assert other["stoi"] < 0.2
    assert other["wer"] == 1
    assert rows["silence"]["si_sdr_db"] is None
    assert rows["silence"]["f0_correlation"] is None


def test_the_plot_of_the_demo_rises_with_the_signal(shown):
    series = shown["plot"]["series"]

    assert shown["plot"]["x"] == [-10, 0, 5, 10, 15, 20, 30]
    assert series["stoi"] == sorted(series["stoi"])
    assert series["token_accuracy"][0] < 0.5 < 0.9 < series["token_accuracy"][-1]
    assert series["1 - cer"][-1] == 1


def test_the_copies_of_the_demo_can_be_listened_to(shown):
    tracks = shown["audio"]["tracks"]

    assert shown["audio"]["sample_rate_hz"] == 16000
    assert list(tracks) == [row["copy"] for row in shown["rows"]]
    assert {len(track) for track in tracks.values()} == {24 * 2048}
    assert all(-1 <= sample <= 1 for track in tracks.values() for sample in track)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"text": "hello"}, "of ' aeiou', none twice in a row, got 'hello'"),
        ({"text": "aae io"}, "none twice in a row"),
        ({"text": "aio"}, r"5\.\.100 letters"),
        ({"text": " aio ue"}, "got ' aio ue'"),
        ({"snr_db": math.nan}, r"snr_db in -60\.\.60, .* got nan, 2000\.0 and 5\.0"),
        ({"lowpass_hz": 50.0}, r"lowpass_hz in 100\.\.8000"),
        ({"delay_ms": -1.0}, r"delay_ms in 0\.\.100"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    pytest.importorskip("sklearn")
    with pytest.raises(ValueError, match=message):
        codec_metrics.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_measure_alike():
    reference, estimate = gliding(100, 200)[0], gliding(100, 200)[0] + 0.05 * gaussian(16000, seed=0)

    for metric in (
        codec_metrics.si_sdr_db,
        codec_metrics.stft_distance,
        lambda x, y: codec_metrics.mel_distance(x, y, 16000),
        lambda x, y: codec_metrics.f0_correlation(x, y, 16000),
    ):
        assert metric(reference.cuda(), estimate.cuda()) == pytest.approx(metric(reference, estimate), rel=1e-6)
    assert all(holds for _, holds in codec_metrics.checks(device="cuda"))
