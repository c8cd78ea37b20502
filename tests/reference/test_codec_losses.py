"""Codec losses against numbers by hand, transformers' mel filters, scipy's transform, and what each can hear."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import codec_losses  # noqa: E402


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tone(frequency_hz, samples=4000):
    return torch.sin(2 * math.pi * frequency_hz / 16000 * torch.arange(samples, dtype=torch.float64))[None]


def test_the_time_loss_worked_by_hand():
    x, x_hat = torch.tensor([[0.0, 0.5, -1.0], [0.25, 0.0, 0.0]]), torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])

    assert float(codec_losses.time_loss(x, x_hat)) == pytest.approx((0.5 + 0 + 1 + 0.25) / 6)


@pytest.mark.parametrize(("frequency_hz", "mels"), [(0, 0.0), (700, 781.17), (1000, 999.99), (8000, 2840.02)])
def test_mels_are_those_of_htk(frequency_hz, mels):
    assert codec_losses.hz_to_mel(frequency_hz) == pytest.approx(mels, abs=5e-3)


@given(frequency_hz=st.floats(0, 48000))
def test_a_frequency_survives_its_way_to_mels_and_back(frequency_hz):
    assert codec_losses.mel_to_hz(codec_losses.hz_to_mel(frequency_hz)) == pytest.approx(frequency_hz, abs=1e-6)


@pytest.mark.parametrize(("bands", "window", "sample_rate_hz"), [(64, 2048, 24000), (80, 1024, 16000), (5, 64, 8000)])
def test_mel_filters_equal_those_of_transformers(bands, window, sample_rate_hz):
    audio = pytest.importorskip("transformers.audio_utils")

    theirs = audio.mel_filter_bank(
        window // 2 + 1, bands, 0, sample_rate_hz / 2, sample_rate_hz, norm="slaney", mel_scale="htk"
    )

    ours = codec_losses.mel_filters(bands, window, sample_rate_hz)
    assert torch.allclose(ours, torch.from_numpy(theirs).T, rtol=0, atol=1e-9)


@pytest.mark.parametrize("window", [32, 256, 2048])
def test_magnitudes_equal_those_of_scipy(window):
    scipy_signal = pytest.importorskip("scipy.signal")
    signal = gaussian(3000, seed=0)
    mirrored = torch.cat([signal[1 : window // 2 + 1].flip(0), signal, signal[-window // 2 - 1 : -1].flip(0)])
    hann = scipy_signal.windows.hann(window, sym=False)
    transform = scipy_signal.ShortTimeFFT(hann, hop=window // 4, fs=1)

    # Its slice p is centred on sample p x hop of what it is given, here window / 2 samples before ours.
    frames = 3000 // (window // 4) + 1
    theirs = transform.stft(mirrored.numpy(), p0=2, p1=2 + frames)

    ours = codec_losses.magnitudes(signal[None], window)
    assert ours.shape == (1, window // 2 + 1, frames)
    norm = math.sqrt(sum(value**2 for value in hann))
    assert torch.allclose(ours[0], torch.from_numpy(abs(theirs)) / norm, rtol=0, atol=1e-9)


def test_a_bin_of_a_tone_is_the_windows_sum_over_its_norm():
    # A tone of amplitude 1 in the middle of bin 32: half of it is at the positive frequency. The Hann window's sum is
    # 256 / 2, its norm sqrt(3 / 8 x 256).
    middle = codec_losses.magnitudes(tone(32 * 16000 / 256), 256)[0, 32, 20]

    assert float(middle) == pytest.approx(64 / math.sqrt(96))


def test_the_spectral_loss_worked_by_hand_for_a_copy_that_is_too_loud():
    x = gaussian(2, 600, seed=0)
    spectrum = codec_losses.magnitudes(x, 64)
    l1, l2 = float(spectrum.mean()), float(spectrum.square().mean().sqrt())

    assert float(codec_losses.spectral_loss(x, 3 * x, windows=[64])) == pytest.approx(2 * (l1 + l2))
    # A logarithm turns a factor into a sum: every cell differs by log 3, in L1 and in L2.
    assert float(codec_losses.spectral_loss(x, 3 * x, windows=[64, 128], logarithmic=True)) == pytest.approx(
        2 * math.log(3)
    )


def test_mel_bands_weigh_the_bins_by_their_triangles():
    x, x_hat = gaussian(2, 1, 600, seed=0)
    filters = codec_losses.mel_filters(4, 64, 16000)
    mels = [[filters[m] @ codec_losses.magnitudes(signal, 64)[0] for m in range(4)] for signal in (x, x_hat)]
    differences = [float(a - b) for ours, theirs in zip(*mels, strict=True) for a, b in zip(ours, theirs, strict=True)]

    loss = codec_losses.spectral_loss(x, x_hat, 16000, windows=[64], bands=4)

    l1 = sum(map(abs, differences)) / len(differences)
    assert float(loss) == pytest.approx(l1 + math.hypot(*differences) / math.sqrt(len(differences)))


def test_spectrograms_do_not_hear_polarity_and_hardly_a_delay_while_time_hears_both():
    x = tone(500)
    late = torch.roll(x, 16, 1)  # half a period
    silence = torch.zeros_like(x)

    assert float(codec_losses.spectral_loss(x, -x, 16000)) == pytest.approx(0, abs=1e-12)
    assert float(codec_losses.time_loss(x, -x) / codec_losses.time_loss(x, silence)) == pytest.approx(2)
    assert float(codec_losses.time_loss(x, late) / codec_losses.time_loss(x, silence)) > 1.9
    spectral, worst = codec_losses.spectral_loss(x, late, 16000), codec_losses.spectral_loss(x, silence, 16000)
    assert float(spectral / worst) < 0.1


def test_only_logarithms_hear_faint_noise_where_it_was_silent():
    x = torch.cat([tone(500), torch.zeros(1, 4000, dtype=torch.float64)], 1)
    x_hat = x + 1e-3 * gaussian(*x.shape, seed=0)
    silence = torch.zeros_like(x)

    plain, logarithmic = (
        float(codec_losses.spectral_loss(x, x_hat, 16000, logarithmic=log))
        / float(codec_losses.spectral_loss(x, silence, 16000, logarithmic=log))
        for log in (False, True)
    )

    assert plain < 0.02
    assert logarithmic > 0.4


def test_between_equal_signals_no_loss_pulls_or_turns_into_nan():
    x = gaussian(1, 3000, seed=0)
    x_hat = x.clone().requires_grad_()

    (codec_losses.time_loss(x, x_hat) + codec_losses.spectral_loss(x, x_hat, 16000)).backward()

    assert x_hat.grad.tolist() == torch.zeros(1, 3000).tolist()


def test_hinges_worked_by_hand_for_two_discriminators():
    real = [torch.tensor([2.0, 0.0]), torch.tensor([[0.5]])]
    fake = [torch.tensor([-3.0, 0.0]), torch.tensor([[-0.5]])]

    # First: (0 + 1) / 2 + (0 + 1) / 2. Second: 0.5 + 0.5.
    assert float(codec_losses.discriminator_loss(real, fake)) == 1.0
    # First: (4 + 1) / 2. Second: 1.5.
    assert float(codec_losses.adversarial_loss(fake)) == 2.0


def test_a_copy_that_passes_pulls_no_more_and_one_that_does_not_is_pulled_up():
    scores = torch.tensor([1.5, -2.0], requires_grad=True)

    codec_losses.adversarial_loss([scores]).backward()

    assert scores.grad.tolist() == [0.0, -0.5]


def test_features_are_compared_relative_to_how_large_the_originals_are():
    real = [[torch.tensor([1.0, -3.0]), torch.tensor([10.0])], [torch.tensor([[2.0]])]]
    fake = [[torch.tensor([2.0, -3.0]), torch.tensor([5.0])], [torch.tensor([[2.0]])]]

    # 0.5 / 2, 5 / 10 and 0 / 2.
    assert float(codec_losses.feature_matching_loss(real, fake)) == pytest.approx((0.25 + 0.5 + 0) / 3)


def test_commitment_adds_up_over_levels_and_moves_the_encoder_alone():
    residuals = [torch.tensor([[[1.0, 2.0]]], requires_grad=True), torch.tensor([[[0.5, 0.0]]], requires_grad=True)]
    codewords = [torch.tensor([[[0.0, 2.0]]], requires_grad=True), torch.tensor([[[0.5, 1.0]]], requires_grad=True)]

    loss = codec_losses.commitment_loss(residuals, codewords)
    loss.backward()

    assert loss.item() == 1 / 2 + 1 / 2
    assert [residual.grad.tolist() for residual in residuals] == [[[[1.0, 0.0]]], [[[0.0, -1.0]]]]
    assert [codeword.grad for codeword in codewords] == [None, None]


def test_the_generator_adds_all_losses_up_with_dm_codecs_weights():
    names = ("time", "log_mel", "adversarial", "feature_matching", "commitment", "distillation")
    losses = {name: torch.tensor(float(10**-place)) for place, name in enumerate(names)}

    # 500 + 4.5 + 0.01 + 0.002 + 0.001 + 0.0012
    assert float(codec_losses.generator_loss(losses)) == pytest.approx(504.5142)
    assert float(codec_losses.generator_loss({"time": losses["time"]}, {"time": 2})) == 2.0


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), step=st.floats(1e-4, 1e-3))
def test_a_step_against_the_gradient_lowers_the_spectral_loss(seed, step):
    x, start = gaussian(2, 1, 400, seed=seed)
    x_hat = start.clone().requires_grad_()
    loss = codec_losses.spectral_loss(x, x_hat, 16000, windows=[64, 256], bands=8)
    loss.backward()

    after = codec_losses.spectral_loss(x, start - step * x_hat.grad, 16000, windows=[64, 256], bands=8)

    assert after < loss


def test_a_mistake_is_told_with_both_shapes():
    x = torch.zeros(1, 3000)

    with pytest.raises(ValueError, match=r"\[1, 3000\] torch\.float32 and \[1, 2999\] torch\.float32"):
        codec_losses.time_loss(x, x[:, 1:])
    with pytest.raises(ValueError, match=r"\[2, 1, 3000\] torch\.float32"):  # stereo
        codec_losses.time_loss(torch.zeros(2, 1, 3000), torch.zeros(2, 1, 3000))
    with pytest.raises(ValueError, match=r"\[1, 3000\] torch\.int16"):
        codec_losses.spectral_loss(x.to(torch.int16), x.to(torch.int16))
    with pytest.raises(ValueError, match="not empty"):
        codec_losses.time_loss(x[:, :0], x[:, :0])
    with pytest.raises(ValueError, match=r"NaN or infinity among \[1, 3000\]"):
        codec_losses.spectral_loss(x, x / 0)
    with pytest.raises(ValueError, match=r"more than 1024 samples, got \[1, 1024\]"):
        codec_losses.spectral_loss(x[:, :1024], x[:, :1024])
    with pytest.raises(ValueError, match=r"\[\[2\]\] and \[\[3\]\]"):
        codec_losses.discriminator_loss([torch.zeros(2)], [torch.zeros(3)])
    with pytest.raises(ValueError, match=r"\[\]"):
        codec_losses.adversarial_loss([])
    with pytest.raises(ValueError, match=r"a loss for each of time, .*, got time"):
        codec_losses.generator_loss({"time": torch.zeros(())})
    with pytest.raises(ValueError, match="bands >= 1, window >= 2, a sample rate > 0, got 0, 64, 16000"):
        codec_losses.mel_filters(0, 64, 16000)
    with pytest.raises(ValueError, match="0 Hz or more, got -1"):
        codec_losses.hz_to_mel(-1)


def test_in_the_demo_each_loss_hears_another_damage():
    shown = codec_losses.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["copy"]: row for row in shown["rows"]}
    assert list(rows) == [
        "exact copy",
        "half as loud",
        "polarity flipped",
        "1 ms late",
        "noise, 20 dB",
        "dull, 2000 Hz",
        "silence",
    ]
    names = ("time", "mel", "log_mel", "feature_matching")
    assert [rows["exact copy"][name] for name in names] == [0, 0, 0, 0]
    assert [rows["polarity flipped"][name] for name in names[1:]] == [0, 0, 0]
    assert rows["1 ms late"]["time"] > rows["silence"]["time"] > 5 * rows["noise, 20 dB"]["time"]
    assert rows["1 ms late"]["log_mel"] < rows["noise, 20 dB"]["log_mel"] / 4
    # The toy discriminator has learnt what it was shown.
    assert rows["exact copy"]["adversarial"] < 0.5
    assert min(rows[name]["adversarial"] for name in ("noise, 20 dB", "dull, 2000 Hz")) > 1.5


def test_the_plot_of_the_demo_starts_at_0_and_says_when_time_would_rather_have_silence():
    shown = codec_losses.demo(seconds=0.3, delay_ms=0.5, discriminator_steps=1)

    series = shown["plot"]["series"]
    assert shown["plot"]["x"][0] == 0
    assert shown["plot"]["x"][-1] == 1.0
    assert all(values[0] == 0 for values in series.values())
    assert series["time"][-1] > 1 > 10 * series["log_mel"][-1] / 2
    assert shown["remarks"][-1].endswith("the loss in time would rather have silence than the copy.")


def test_a_seed_repeats_the_demo_and_another_does_not():
    first, again, other = (codec_losses.demo(seconds=0.1, discriminator_steps=1, seed=seed) for seed in (0, 0, 1))

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seconds": 0.05}, r"0\.1\.\.30 seconds, .* got 0\.05, 1\.0 and 40"),
        ({"seconds": math.nan}, r"0\.1\.\.30 seconds"),
        ({"delay_ms": 0.0}, "delay_ms up to a quarter"),
        ({"discriminator_steps": 0}, "a step or more"),
        ({"lowpass_hz": 9000.0}, r"lowpass_hz in 100\.\.8000, .* got 9000\.0, 20\.0"),
        ({"snr_db": 100.0}, r"snr_db in -60\.\.60"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        codec_losses.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_lose_alike():
    x, x_hat = gaussian(2, 2, 4000, seed=0)

    for options in ({}, {"sample_rate_hz": 16000}, {"sample_rate_hz": 16000, "logarithmic": True}):
        on_gpu = codec_losses.spectral_loss(x.cuda(), x_hat.cuda(), **options)
        assert on_gpu.is_cuda
        assert float(on_gpu) == pytest.approx(float(codec_losses.spectral_loss(x, x_hat, **options)), rel=1e-9)
    assert float(codec_losses.time_loss(x.cuda(), x_hat.cuda())) == pytest.approx(float((x - x_hat).abs().mean()))
    assert all(holds for _, holds in codec_losses.checks(device="cuda"))
