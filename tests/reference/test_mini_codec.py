"""The small codec: quantizing by hand, a short training that helps, a stream that equals the whole, recordings."""

import array
import json
import math
import wave

import pytest

torch = pytest.importorskip("torch")

from kb.reference import codec_metrics, mini_codec, rvq, seanet, synthetic_speech  # noqa: E402


@pytest.fixture(scope="module")
def speech():
    return synthetic_speech.utterances(10, 2.0, seed=1), synthetic_speech.utterances(2, 2.0, seed=2)


@pytest.fixture(scope="module")
def trained(speech):
    """A codec after a few seconds of training, and its errors: 20 seconds of speech instead of 120, 60 steps of 500."""
    with seanet.one_thread():
        return mini_codec.fit(speech[0], levels=4, codebook_size=64, steps=60)


@pytest.fixture
def write(tmp_path):
    def written(waveform, rate_hz=16000, channels=1):
        path = tmp_path / "recording.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
            samples = (waveform * 2**15).round().int()[:, None].expand(-1, channels).flatten().tolist()
            file.writeframes(array.array("h", samples).tobytes())
        return str(path)

    return written


def test_quantizing_with_its_losses_and_gradients_worked_by_hand():
    latents = torch.tensor([[[5.5]], [[5.5]]], requires_grad=True)
    codebooks = torch.tensor([[[0.0], [4.0]], [[-1.0], [1.0]]], requires_grad=True)

    quantized, commitment, following = mini_codec.quantize(latents, codebooks, kept=torch.tensor([2, 1]))

    # 5.5 is 4, with 1.5 left over, and 1, with 0.5 left over; the second item stops after the first level.
    assert quantized.flatten().tolist() == [5.0, 4.0]
    assert commitment.item() == following.item() == (1.5**2 + 1.5**2) / 2 + (0.5**2 + 0) / 2
    (through,) = torch.autograd.grad(quantized.sum(), latents, retain_graph=True)
    assert through.flatten().tolist() == [1.0, 1.0]
    # Of (5.5 - 4)^2 / 2 the gradient is 1.5, of (5.5 - 4 - 1)^2 / 2 it is 0.5.
    pull, follow = torch.autograd.grad(commitment, (latents, codebooks), retain_graph=True, allow_unused=True)
    assert (pull.flatten().tolist(), follow) == ([2.0, 1.5], None)
    # Codeword 4 is drawn to 5.5 by both, 1 to 1.5 by the first; latents are not drawn to codewords here.
    pull, follow = torch.autograd.grad(following, (latents, codebooks), allow_unused=True)
    assert (pull, follow.flatten().tolist()) == (None, [0.0, -3.0, 0.0, -0.5])


def test_in_training_the_decoder_gets_what_it_gets_later():
    generator = torch.Generator().manual_seed(0)
    latents, codebooks = torch.randn(3, 8, 20, generator=generator), torch.randn(4, 32, 8, generator=generator)

    quantized, _, _ = mini_codec.quantize(latents, codebooks, kept=torch.tensor([1, 3, 4]))

    for item, n_q in enumerate((1, 3, 4)):
        codes = rvq.encode(latents[item : item + 1], codebooks, n_q)
        assert torch.allclose(quantized[item : item + 1], rvq.decode(codes, codebooks), atol=1e-5)


def test_the_error_falls_and_every_level_helps_on_speech_not_heard(speech, trained):
    codec, errors = trained
    held_out = speech[1]

    codes = mini_codec.encode(codec, held_out)
    copies = [mini_codec.decode(codec, codes[:, :n_q]) for n_q in (1, 2, 3, 4)]

    quality = [codec_metrics.si_sdr_db(held_out.flatten(), copy.flatten()) for copy in copies]
    assert codes.shape == (2, 4, 100)
    assert sum(errors[-5:]) < 0.85 * sum(errors[:5])
    assert len(errors) == 60
    assert quality == sorted(quality)
    assert quality[-1] > quality[0] + 2


def test_codebooks_begin_as_kmeans_after_a_fifth_of_the_training_and_then_learn(speech, monkeypatch):
    fit, begun, quantize, quantized = rvq.fit, [], mini_codec.quantize, []
    monkeypatch.setattr(rvq, "fit", lambda *given, **named: begun.append(fit(*given, **named)) or begun[0].clone())
    monkeypatch.setattr(mini_codec, "quantize", lambda *given: quantized.append(given[2]) or quantize(*given))

    codec, errors = mini_codec.fit(speech[0], 3, 32, steps=10)

    assert (len(begun), len(quantized), len(errors)) == (1, 8, 10)
    # Of 32 items half keep all of the 3 levels, the others 1, 2 or 3.
    assert set(torch.cat(quantized).tolist()) == {1, 2, 3}
    assert 1e-3 < float((codec.codebooks - begun[0]).abs().max()) < 1e-1


def test_a_stream_equals_the_whole(speech, trained):
    codec, waveform = trained[0], speech[1]
    codes = mini_codec.encode(codec, waveform)

    for length in (1, 7):
        streamed = seanet.in_chunks(lambda x, past: mini_codec.encode(codec, x, past=past), waveform, 320 * length)
        played = seanet.in_chunks(lambda x, past: mini_codec.decode(codec, x, past), streamed, length)
        assert torch.equal(streamed, codes)
        assert torch.allclose(played, mini_codec.decode(codec, codes), rtol=0, atol=1e-5)


def test_a_seed_repeats_a_training_and_another_seed_does_not(speech):
    first, again, other = (mini_codec.fit(speech[0], 2, 16, steps=3, seed=seed) for seed in (0, 0, 1))

    assert first[1] == again[1]
    assert torch.equal(first[0].codebooks, again[0].codebooks)
    assert first[1] != other[1]


def test_the_learning_rate_rises_for_20_steps_and_ends_at_a_twentieth():
    rates = [mini_codec.learning_rate(step, 600) for step in range(600)]

    assert rates[0] == pytest.approx(3e-3 / 20)
    assert max(rates) == rates[19] == pytest.approx(3e-3, rel=0.01)
    assert rates[19:] == sorted(rates[19:], reverse=True)
    assert rates[300] == pytest.approx(3e-3 * 0.525)
    assert rates[-1] == pytest.approx(3e-3 / 20, rel=0.01)


def test_digital_silence_in_a_crop_does_not_break_the_training(speech):
    half_silent = torch.cat([speech[0][:1], torch.zeros(20, 32000)])

    codec, errors = mini_codec.fit(half_silent, 1, 4, steps=3)

    assert all(math.isfinite(error) for error in errors)
    assert codec.codebooks.isfinite().all()


def test_a_mistake_is_told_with_the_shape(trained):
    codec = trained[0]

    with pytest.raises(ValueError, match=r"n_q in 0\.\.4 codebooks; n_q is 5"):
        mini_codec.encode(codec, torch.zeros(1, 320), n_q=5)
    with pytest.raises(ValueError, match=r"a multiple of 320, got \[1, 441\]"):
        mini_codec.encode(codec, torch.zeros(1, 441))
    with pytest.raises(ValueError, match=r"got \[1, 0\]"):
        mini_codec.encode(codec, torch.zeros(1, 0))
    with pytest.raises(ValueError, match=r"\[1, 320\] torch\.int16"):
        mini_codec.encode(codec, torch.zeros(1, 320, dtype=torch.int16))
    with pytest.raises(ValueError, match="finite"):
        mini_codec.encode(codec, torch.full((1, 320), math.nan))
    with pytest.raises(ValueError, match=r"\[1, 5, 10\].*\[4, 64, 64\]"):
        mini_codec.decode(codec, torch.zeros(1, 5, 10, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"N >= 8000, .* got \[1, 7999\] and 1 steps"):
        mini_codec.fit(torch.ones(1, 7999), 1, 4, steps=1)
    with pytest.raises(ValueError, match=r"not silent, .* got \[1, 8000\]"):
        mini_codec.fit(torch.zeros(1, 8000), 1, 4, steps=1)
    with pytest.raises(ValueError, match=r"26 frames or more, .* got \[1, 8000\]"):
        mini_codec.fit(torch.ones(1, 8000), 1, 26, steps=1)


def test_the_last_quarter_of_a_recording_is_kept_to_judge_by(write):
    recording = torch.cat([torch.full((32000,), 0.1 * (piece + 1)) for piece in range(9)])

    training, held_out = mini_codec.pieces_of(write(recording[:-1]))  # eight whole pieces, and most of a ninth

    assert training.shape == (6, 32000)
    assert held_out.shape == (2, 32000)
    # The loudest of what is trained on, 0.6, becomes as loud as synthetic speech is, 0.6.
    assert training[:, 0].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], abs=1e-3)
    assert held_out[:, 0].tolist() == pytest.approx([0.7, 0.8], abs=1e-3)


def test_a_recording_that_is_too_short_or_silent_is_told(write):
    with pytest.raises(ValueError, match=r"recording\.wav: want 8 seconds or more, got 7\.50"):
        mini_codec.demo(recording=write(torch.ones(120000) / 2))
    with pytest.raises(ValueError, match="the last quarter of it is silent"):
        mini_codec.demo(recording=write(torch.cat([torch.ones(96000) / 2, torch.zeros(32000)])))
    with pytest.raises(ValueError, match="the beginning of it is silent"):
        mini_codec.demo(recording=write(torch.cat([torch.zeros(96000), torch.ones(32000) / 2])))
    with pytest.raises(ValueError, match=r"nowhere\.wav: want a wav file of 16-bit PCM: No such file"):
        mini_codec.demo(recording="nowhere.wav")


def test_the_demo_trains_on_44100_hz_in_stereo(write):
    recording = synthetic_speech.resample(synthetic_speech.utterances(1, 8.0)[0], 16000, 44100)

    shown = mini_codec.demo(recording=write(recording, 44100, 2), steps=5, levels=2, codebook_size=16)

    assert "5 steps on 6 s of your recording, judged by 2 s" in shown["remarks"][0]
    assert len(shown["audio"]["tracks"]["original"]) == 32000


def test_the_demo_tells_bit_rate_and_quality_of_every_level_and_plays_them(monkeypatch):
    monkeypatch.setattr(mini_codec, "PIECES", 10)
    monkeypatch.setattr(mini_codec, "HELD_OUT_PIECES", 2)

    shown = mini_codec.demo(steps=10, levels=3, codebook_size=64)

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert [row["levels"] for row in rows] == [1, 2, 3]
    assert [row["bitrate_bps"] for row in rows] == [300.0, 600.0, 900.0]  # 50 frames of 6 bits
    assert rows[0]["si_sdr_db"] < rows[1]["si_sdr_db"] < rows[2]["si_sdr_db"]
    assert all(1 < row["codewords_used"] <= 64 for row in rows)
    assert shown["plot"]["x"] == [0.3, 0.6, 0.9]
    assert shown["plot"]["series"]["SI-SDR"] == [row["si_sdr_db"] for row in rows]
    assert list(shown["audio"]["tracks"]) == ["original", "1 level", "3 levels"]
    assert {len(track) for track in shown["audio"]["tracks"].values()} == {64000}
    assert "the codes are the same and the waveform is within 1e-5: yes" in shown["remarks"][-1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": 0}, "1..32 levels of 2..4096 codewords, one step or more, got 0, 256 and 500"),
        ({"levels": 33}, "got 33, 256 and 500"),
        ({"codebook_size": 1}, "got 8, 1 and 500"),
        ({"steps": 0}, "got 8, 256 and 0"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        mini_codec.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_codec_trains_on_a_gpu_and_its_codes_decode_alike_on_both(speech):
    codec, errors = mini_codec.fit(speech[0].cuda(), levels=2, codebook_size=32, steps=20)

    codes = mini_codec.encode(codec, speech[1].cuda())
    on_gpu = mini_codec.decode(codec, codes)
    moved = mini_codec.Codec(codec.net.cpu(), codec.codebooks.cpu())

    assert on_gpu.is_cuda
    assert errors[-1] < errors[0]
    # TF32 rounds to 10 bits.
    assert torch.allclose(on_gpu.cpu(), mini_codec.decode(moved, codes.cpu()), atol=1e-2)
