"""Whisper's front end against transformers' extractor and encoders, and numbers by hand."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import whisper_frontend as wf  # noqa: E402


def sound(seconds, batch=1, seed=0):
    """Noise that swells, with a tone in it: loud and quiet bands, loud and quiet frames."""
    samples = round(seconds * 16_000)
    noise = torch.randn(batch, samples, generator=torch.Generator().manual_seed(seed))
    time = torch.arange(samples) / 16_000
    return noise * torch.linspace(0.001, 0.2, samples) + 0.3 * torch.sin(2 * math.pi * 440 * time)


@pytest.mark.parametrize("bands", [80, 128])
def test_the_picture_is_the_one_the_published_extractor_makes(bands):
    pytest.importorskip("transformers")
    from transformers import WhisperFeatureExtractor

    waveform = sound(3.37)
    theirs = WhisperFeatureExtractor(feature_size=bands)(
        waveform[0].numpy(), sampling_rate=16_000, return_tensors="pt"
    ).input_features

    ours = wf.log_mel(wf.pad_or_trim(waveform), bands)

    assert ours.shape == theirs.shape == (1, bands, 3000)
    assert (ours - theirs).abs().max() < 1e-4
    assert theirs.std() > 0.1


def test_the_mel_filters_are_those_of_transformers():
    audio_utils = pytest.importorskip("transformers.audio_utils")

    theirs = audio_utils.mel_filter_bank(201, 80, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")

    assert (wf.mel_filters() - torch.from_numpy(theirs).T).abs().max() < 1e-12


def test_a_tone_is_loudest_in_the_band_it_belongs_to_and_1000_hz_are_15_mel():
    assert wf.hz_to_mel(torch.tensor([0.0, 200.0, 1000.0, 6400.0])).tolist() == pytest.approx([0, 3, 15, 42])
    time = torch.arange(16_000) / 16_000
    tops = wf.mel_filters().argmax(1) * 40  # Hz: 201 frequencies up to 8000

    for hz in (440, 1000, 3000):
        picture = wf.log_mel(torch.sin(2 * math.pi * hz * time)[None])
        band = int(picture[0, :, 50].argmax())
        assert abs(int(tops[band]) - hz) <= 0.05 * hz + 40


def test_silence_is_minus_one_and_a_half_and_loudness_adds_up_in_logarithms():
    assert wf.log_mel(torch.zeros(2, 1600)).unique().tolist() == [-1.5]
    quiet = wf.log_mel(sound(0.5))
    assert torch.allclose(wf.log_mel(100 * sound(0.5)), quiet + 1, atol=1e-4)


def test_frame_t_looks_at_the_400_samples_around_sample_160_t():
    click = torch.zeros(1, 16_000)
    click[0, 8000] = 1.0

    heard = (wf.log_mel(click)[0].amax(0) > wf.log_mel(click).min() + 1e-3).nonzero().flatten().tolist()

    assert heard == [49, 50, 51]  # frame 49 covers samples 7640 to 8040, frame 51 7960 to 8360


def test_3000_frames_become_1500_then_750_and_the_language_model_sees_752():
    assert wf.whisper_frontend()._asdict() == {
        "mel": 3000,
        "after_convolutions": 1500,
        "after_pooling": 750,
        "positions": 752,
        "spacing_ms": 40,
    }
    assert wf.whisper_frontend(first_stride=2).after_convolutions == 750
    assert wf.whisper_frontend(30, 2, 2).spacing_ms == 80
    torch.manual_seed(0)
    frames = wf.Stem(80, 4)(torch.zeros(1, 80, 3000))
    assert frames.shape == (1, 1500, 4)
    assert wf.pool(frames).shape == (1, 750, 4)


def test_lengths_are_those_transformers_computes_for_qwens_encoder():
    pytest.importorskip("transformers")
    from transformers.models.qwen2_audio.modeling_qwen2_audio import Qwen2AudioEncoder

    for mel in range(2, 60):
        ours = wf.whisper_frontend(mel / 100)
        theirs = Qwen2AudioEncoder._get_feat_extract_output_lengths(None, torch.tensor(mel))
        assert (ours.after_convolutions, ours.after_pooling) == (int(theirs[0]), int(theirs[1]))


def test_convolutions_and_pooling_are_those_of_transformers():
    pytest.importorskip("transformers")
    from transformers import Qwen2AudioEncoderConfig
    from transformers.models.qwen2_audio.modeling_qwen2_audio import Qwen2AudioEncoder

    config = Qwen2AudioEncoderConfig(
        num_mel_bins=80, d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16
    )
    theirs = Qwen2AudioEncoder(config).eval()
    stem = wf.Stem(80, 16)
    stem.first, stem.second = theirs.conv1, theirs.conv2
    picture = torch.randn(2, 80, 3000, generator=torch.Generator().manual_seed(0))
    # With its only layer taken out, what is left of their encoder is: convolutions, positions, pooling, norm.
    theirs.layers = torch.nn.ModuleList()

    with torch.no_grad():
        expected = theirs(picture).last_hidden_state
        ours = theirs.layer_norm(wf.pool(stem(picture) + theirs.embed_positions.weight))

    assert expected.shape == (2, 750, 16)
    assert torch.allclose(ours, expected, atol=1e-5)


@settings(max_examples=50)
@given(length=st.integers(0, 30), width=st.integers(1, 3))
def test_pooling_is_the_mean_of_two_neighbours(length, width):
    frames = torch.arange(2.0 * length * width).view(2, length, width)

    theirs = [(frames[:, t] + frames[:, t + 1]) / 2 for t in range(0, length - 1, 2)]

    assert wf.pool(frames).shape == (2, length // 2, width)
    assert all(torch.equal(wf.pool(frames)[:, index], mean) for index, mean in enumerate(theirs))


def test_a_recording_is_padded_with_zeros_or_cut_to_30_seconds():
    assert wf.pad_or_trim(torch.ones(2, 5), 10 / 16_000).tolist() == [[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]] * 2
    assert wf.pad_or_trim(torch.ones(1, 500_000)).shape == (1, 480_000)


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"got \[1, 200\]"):
        wf.log_mel(torch.zeros(1, 200))
    with pytest.raises(ValueError, match=r"\[1, 999\] torch.int16"):
        wf.log_mel(torch.zeros(1, 999, dtype=torch.int16))
    with pytest.raises(ValueError, match="not"):
        wf.log_mel(torch.full((1, 999), math.nan))
    with pytest.raises(ValueError, match=r"\[999\] torch.float32"):
        wf.pad_or_trim(torch.zeros(999))
    with pytest.raises(ValueError, match="1 band or more, got 0"):
        wf.mel_filters(0)
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        wf.pool(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="got -1, 1 and 2"):
        wf.whisper_frontend(-1)
    with pytest.raises(ValueError, match=r"0\.1 to 30, got 31"):
        wf.demo(seconds=31.0)


def test_the_demo_counts_the_stages_and_shows_the_tone_rising():
    shown = wf.demo(seconds=1.0)

    assert json.loads(json.dumps(shown)) == shown
    assert [(row["note"], row["here"], row["spacing_ms"]) for row in shown["rows"][1:]] == [
        (3000, 3000, 10),
        (1500, 1500, 20),
        (750, 750, 40),
    ]
    darkness = [[wf.SHADES.index(shade) for shade in line] for line in shown["drawing"].split("\n")]
    loudest = [column.index(max(column)) for column in zip(*darkness, strict=True)]
    assert loudest[0] == 19  # at the bottom
    assert loudest[-1] == 0
    assert loudest == sorted(loudest, reverse=True)
    assert len(shown["audio"]["tracks"]["rising tone"]) == 16_000


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        wf.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_see_the_same_picture():
    waveform = sound(1.0)

    picture = wf.log_mel(waveform.cuda())

    assert picture.is_cuda
    assert torch.allclose(picture.cpu(), wf.log_mel(waveform), atol=1e-4)
