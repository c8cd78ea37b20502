"""Synthetic speech against its own score, resonances by hand and scipy's; recordings against samples by hand."""

import array
import json
import math
import wave

import pytest

torch = pytest.importorskip("torch")

from kb.reference import codec_metrics, synthetic_speech  # noqa: E402
from kb.reference.synthetic_speech import Segment, Voice  # noqa: E402


@pytest.fixture
def write(tmp_path):
    def written(samples, rate_hz=16000, channels=1):
        path = tmp_path / "recording.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
            file.writeframes(array.array("h", samples).tobytes())
        return str(path)

    return written


def spoken(*segments, pitch_hz=120.0, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    return synthetic_speech.render([Segment(*one) for one in segments], Voice(pitch_hz, scale, 0.0), generator)


def spectrum(signal):
    """Return the power in each band of 100 Hz, up to 8 kHz."""
    power = torch.fft.rfft(signal * torch.hann_window(len(signal))).abs().square()
    return power[1 : 1 + 80 * (len(power) // 80)].view(80, -1).sum(1)


def tone(frequency_hz, rate_hz, seconds=1.0):
    return torch.sin(2 * math.pi * frequency_hz / rate_hz * torch.arange(round(seconds * rate_hz)).double()).float()


def test_a_formant_by_hand():
    far = torch.tensor([[1e9], [1e9]])
    gain = synthetic_speech.formant_gain(torch.tensor([[0.0], [500.0], [1000.0]]), torch.cat([far[:1] * 0 + 500, far]))

    # 500 Hz, 80 Hz wide: 1 at 0 Hz; F / B = 6.25 and a quarter turn behind at 500; at 1000 1 / (1 - 4 + 0.32j).
    assert gain[:, 0].tolist() == pytest.approx([1, -6.25j, 1 / (-3 + 0.32j)], rel=1e-5)


def test_formants_equal_scipys_analogue_filters():
    scipy_signal = pytest.importorskip("scipy.signal")
    frequencies_hz, formants_hz = torch.linspace(1, 4000, 200), torch.tensor([[730.0], [1090.0], [2440.0]])

    theirs = 1
    for formant_hz, bandwidth_hz in zip(formants_hz.flatten().tolist(), (80, 100, 140), strict=True):
        resonance = [formant_hz**2], [1, bandwidth_hz * 2 * math.pi, (formant_hz * 2 * math.pi) ** 2]
        theirs = theirs * scipy_signal.freqs(*resonance, worN=frequencies_hz.numpy() * 2 * math.pi)[1]

    ours = synthetic_speech.formant_gain(frequencies_hz[:, None], formants_hz)[:, 0]
    assert torch.allclose(ours, torch.from_numpy(theirs * (2 * math.pi) ** 6).to(ours), rtol=1e-4)


@pytest.mark.parametrize("pitch_hz", [95.0, 130.0, 210.0])
def test_the_pitch_is_the_melody(pitch_hz):
    signal = spoken(("a", 100, 1.0), pitch_hz=pitch_hz)

    found = codec_metrics.f0_hz(signal, 16000)

    wanted = synthetic_speech.pitch_hz(Voice(pitch_hz, 1.0, 0.0), 100)
    assert len(signal) == 16000
    assert (found > 0).all()
    # A frame of the pitch finder is centred on the first half of 534 samples.
    assert (found / wanted[1 : len(found) + 1] - 1).abs().max() < 0.03
    assert wanted.max() / wanted.min() > 1.2


@pytest.mark.parametrize("vowel", ["i", "e", "a", "o", "u"])
def test_a_vowel_is_loudest_near_its_formants(vowel):
    power = spectrum(spoken((vowel, 100, 1.0)))

    first, second, third = (round(hz / 100) for hz in synthetic_speech.VOWELS_HZ[vowel])
    assert power[first - 2 : first + 2].sum() > 10 * power[third - 2 : third + 2].sum()
    for formant in (second, third):
        assert power[formant - 2 : formant + 2].sum() > 3 * power[50:54].sum()  # around 5 kHz is the room alone
    beyond = third + 4
    assert power[third - 2 : third + 2].sum() > 2 * power[beyond - 2 : beyond + 2].sum()


def test_vowels_follow_each_other_and_the_mouth_is_ready_before_the_sound():
    signal = spoken(("e", 60, 1.0), ("pause", 20, 0.0), ("i", 60, 1.0))

    second_formants = [int(spectrum(part)[12:28].argmax()) + 12 for part in (signal[:8000], signal[81 * 160 : -1600])]
    assert second_formants == pytest.approx([18.4, 22.9], abs=1.5)


def test_another_throat_moves_the_formants():
    low, high = (spectrum(spoken(("i", 100, 1.0), scale=scale))[15:35].argmax() for scale in (0.9, 1.15))

    assert abs(int(low) + 15 - 0.9 * 22.9) <= 2
    assert abs(int(high) + 15 - 1.15 * 22.9) <= 2


def test_a_pause_is_the_room_a_hiss_is_high_and_both_are_where_they_should_be():
    signal = spoken(("a", 20, 1.0), ("pause", 40, 0.0), ("hiss", 40, 1.0))

    pause, hiss = signal[25 * 160 : 55 * 160], signal[70 * 160 : 90 * 160]
    assert len(signal) == 100 * 160
    assert float(pause.std()) == pytest.approx(0.001, rel=0.05)
    assert float(hiss.std()) == pytest.approx(0.02 * math.sqrt(1.81), rel=0.05)  # 1 - 0.9 z: a variance of 1 + 0.81
    assert spectrum(hiss)[40:].sum() > 3 * spectrum(hiss)[:40].sum()
    assert float(signal[: 15 * 160].abs().max()) > 0.5


def test_speech_is_composed_until_it_is_long_enough_of_sounds_as_long_as_speech_has_them():
    segments = synthetic_speech.compose(2000, torch.Generator().manual_seed(0))

    kinds = {segment.kind for segment in segments}
    frames = [segment.frames for segment in segments]
    assert kinds == {"pause", "hiss", "i", "e", "a", "o", "u"}
    assert 2000 <= sum(frames) < 2030
    assert all(9 <= segment.frames < 22 for segment in segments if len(segment.kind) == 1)


def test_utterances_are_of_different_voices_and_a_seed_repeats_them():
    first, again, other = (synthetic_speech.utterances(3, 1.01, seed=seed) for seed in (0, 0, 1))

    assert first.shape == (3, 16160)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.allclose(first[0], first[1])
    assert first.isfinite().all()
    assert first.abs().max() < 1


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (8000, 16000), (48000, 16000), (16000, 11025)])
def test_resampling_equals_scipys_and_keeps_a_tone(from_hz, to_hz):
    scipy_signal = pytest.importorskip("scipy.signal")
    signal = tone(440, from_hz) + 0.5 * tone(2999, from_hz)

    ours = synthetic_speech.resample(signal, from_hz, to_hz)

    assert torch.allclose(ours, torch.from_numpy(scipy_signal.resample(signal.numpy(), to_hz)), atol=1e-5)
    assert torch.allclose(ours, tone(440, to_hz) + 0.5 * tone(2999, to_hz), atol=1e-3)


def test_what_is_above_half_the_new_rate_goes_away_instead_of_coming_back_as_another_tone():
    assert synthetic_speech.resample(tone(10000, 44100), 44100, 16000).abs().max() < 1e-3


def test_a_recording_is_read_with_its_channels_averaged(write):
    path = write([16384, 0, -16384, -32768, 0, 8192], channels=2)

    assert synthetic_speech.read_wav(path).tolist() == [0.25, -0.75, 0.125]


def test_44100_hz_in_stereo_becomes_one_channel_at_16_khz(write):
    left = (tone(440, 44100) * 20000).round().int().tolist()
    path = write([value for sample in left for value in (sample, 0)], 44100, 2)

    waveform = synthetic_speech.read_wav(path)

    assert torch.allclose(waveform, tone(440, 16000) * 20000 / 2**16, atol=1e-3)


def test_a_recording_that_cannot_be_read_is_told_by_its_name(tmp_path, write):
    missing, text, empty = tmp_path / "missing.wav", tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no sound at all", encoding="utf-8")
    empty.write_bytes(b"")
    eight_bits = tmp_path / "eight.wav"
    with wave.open(str(eight_bits), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes(100))

    for path, message in [
        (missing, "missing.wav: want a wav file of 16-bit PCM: No such file"),
        (tmp_path, "want a wav file of 16-bit PCM: Is a directory"),
        (text, "text.wav: want a wav file of 16-bit PCM: file does not start with RIFF id"),
        (empty, "empty.wav: want a wav file of 16-bit PCM: it ends too early"),
        (eight_bits, "eight.wav: want 16-bit PCM, got 8 bits at 8000 Hz"),
        (write([]), "recording.wav: it holds no sound, 0 samples of 1 channels"),
    ]:
        with pytest.raises(ValueError, match=message):
            synthetic_speech.read_wav(str(path))


def test_a_mistake_is_told():
    with pytest.raises(ValueError, match=r"got \[2, 3\], 1 and 2"):
        synthetic_speech.resample(torch.zeros(2, 3), 1, 2)
    with pytest.raises(ValueError, match=r"got \[0\], 44100 and 16000"):
        synthetic_speech.resample(torch.zeros(0), 44100, 16000)
    with pytest.raises(ValueError, match=r"one utterance or more of 0\.1\.\.60 seconds, got 0 of 1"):
        synthetic_speech.utterances(0, 1)
    with pytest.raises(ValueError, match="got 1 of nan"):
        synthetic_speech.utterances(1, math.nan)


def test_the_demo_tells_every_sound_and_plays_it():
    shown = synthetic_speech.demo(seconds=2.0)

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert [row["begin_seconds"] for row in rows[1:]] == pytest.approx(
        [row["begin_seconds"] + row["seconds"] for row in rows[:-1]]
    )
    assert {row["sound"] for row in rows if row["pitch_hz"]} <= set("ieaou")
    assert shown["audio"]["sample_rate_hz"] == 16000
    assert len(shown["audio"]["tracks"]["synthetic"]) == 32000
    assert 90 < min(shown["plot"]["series"]["pitch"]) < max(shown["plot"]["series"]["pitch"]) < 270


def test_the_demo_reads_a_recording(write):
    shown = synthetic_speech.demo(recording=write([0, 16384], 8000))

    assert shown["rows"] == [{"seconds": 0.0, "samples": 4, "peak": shown["rows"][0]["peak"]}]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seconds": 0.0}, r"0\.1\.\.60 seconds, got 0"),
        ({"recording": "nowhere.wav"}, "nowhere.wav: want a wav file"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        synthetic_speech.demo(**wrong)
