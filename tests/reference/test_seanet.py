"""SEANet against sums by hand, torch's own convolutions, EnCodec's layers with the same weights, and its own stream."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import seanet  # noqa: E402


def gaussian(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def with_weights(layer, *weights):
    layer.weight.data = torch.tensor(weights).reshape(layer.weight.shape)
    return layer


def without_lstm(module):
    """Return EnCodec's encoder or decoder as it is before its LSTM and its weight normalization are added."""
    module.layers = torch.nn.ModuleList(layer for layer in module.layers if "LSTM" not in type(layer).__name__)
    for inner in module.modules():
        if torch.nn.utils.parametrize.is_parametrized(inner, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(inner, "weight")
    return module


def test_a_causal_convolution_worked_by_hand():
    layer = with_weights(seanet.CausalConvolution(1, 1, 3, activated=False), 1.0, 2.0, 3.0)

    out = layer(torch.tensor([[[1.0, 2.0, 3.0]]]), {})

    # 3x1; 2x1 + 3x2; 1x1 + 2x2 + 3x3: the last weight is for now, before the first sample there is silence.
    assert out.tolist() == [[[3.0, 8.0, 14.0]]]


def test_a_strided_convolution_hears_its_own_block_and_the_one_before():
    layer = with_weights(seanet.CausalConvolution(1, 1, 4, 2, activated=False), 1.0, 10.0, 100.0, 1000.0)

    assert layer(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), {}).tolist() == [[[2100.0, 4321.0]]]


def test_an_upsampled_input_sounds_in_its_own_block_and_the_next():
    layer = with_weights(seanet.CausalUpsampling(1, 1, 2), 1.0, 10.0, 100.0, 1000.0)

    assert layer(torch.tensor([[[1.0, 2.0]]]), {}).tolist() == [[[1.0, 10.0, 102.0, 1020.0]]]


def test_a_residual_unit_adds_to_its_input_what_passed_two_elus():
    unit = seanet.ResidualUnit(2)
    with_weights(unit.narrow, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0)  # the sum of both channels, now
    with_weights(unit.wide, 1.0, -1.0)

    out = unit(torch.tensor([[[3.0], [-1.0]]]), {})

    middle = 3 + math.exp(-1) - 1  # ELU keeps 3 and makes exp(-1) - 1 of -1; the sum is above 0
    assert out.flatten().tolist() == pytest.approx([3 + middle, -1 - middle])


@settings(max_examples=30)
@given(
    stride=st.integers(1, 5),
    more=st.integers(0, 5),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    length=st.integers(1, 6),
    seed=st.integers(0, 2**32),
)
def test_layers_are_those_of_torch_with_the_padding_on_the_left(stride, more, inputs, outputs, length, seed):
    convolution = seanet.CausalConvolution(inputs, outputs, stride + more, stride)
    upsampling = seanet.CausalUpsampling(inputs, outputs, stride)
    for layer in (convolution, upsampling):
        layer.weight.data, layer.bias.data = gaussian(*layer.weight.shape, seed=seed), gaussian(outputs, seed=seed + 1)
    x, y = gaussian(2, inputs, length * stride, seed=seed + 2), gaussian(2, inputs, length, seed=seed + 3)

    plain = torch.nn.Conv1d(inputs, outputs, stride + more, stride)
    plain.weight, plain.bias = convolution.weight, convolution.bias
    expected = plain(torch.nn.functional.pad(torch.nn.functional.elu(x), (more, 0)))
    assert torch.allclose(convolution(x, {}), expected, atol=1e-5)
    plain = torch.nn.ConvTranspose1d(inputs, outputs, 2 * stride, stride)
    plain.weight, plain.bias = upsampling.weight, upsampling.bias
    expected = plain(torch.nn.functional.elu(y))[..., : length * stride]
    assert torch.allclose(upsampling(y, {}), expected, atol=1e-5)


def test_a_second_goes_down_to_50_frames_and_back():
    rows = seanet.trace(seanet.Seanet(channels=2, dimension=3), gaussian(1, 16000))

    lengths = [row["length"] for row in rows if row["layer"] == "convolution"]
    assert lengths == [16000, 8000, 2000, 400, 50, 50, 50, 400, 2000, 8000, 16000, 16000]
    assert [row["channels"] for row in rows if row["layer"] == "convolution"] == [
        2,
        4,
        8,
        16,
        32,
        3,
        32,
        16,
        8,
        4,
        2,
        1,
    ]
    assert [row["stride"] for row in rows if row["stride"] != "1"] == ["2", "4", "5", "8", "1/8", "1/5", "1/4", "1/2"]


def test_encoder_and_decoder_equal_encodecs_layers_with_the_same_weights():
    encodec = pytest.importorskip("transformers.models.encodec.modeling_encodec")
    from transformers import EncodecConfig

    config = EncodecConfig(
        upsampling_ratios=[8, 5, 4, 2],
        num_filters=8,
        hidden_size=64,
        norm_type="weight_norm",
        pad_mode="constant",
        use_conv_shortcut=False,
    )
    net = seanet.Seanet()
    theirs = without_lstm(encodec.EncodecEncoder(config)), without_lstm(encodec.EncodecDecoder(config))
    for ours, other in zip((net.encoder, net.decoder), theirs, strict=True):
        weights = [(name, weight) for name, weight in ours.named_parameters() if name.endswith("weight")]
        convolutions = [one for one in other.modules() if isinstance(one, (torch.nn.Conv1d, torch.nn.ConvTranspose1d))]
        for number, ((name, weight), convolution) in enumerate(zip(weights, convolutions, strict=True)):
            bias = ours.get_parameter(name.replace("weight", "bias"))
            bias.data = gaussian(*bias.shape, seed=number) * 0.1
            weight.data = gaussian(*weight.shape, seed=number) / math.sqrt(weight[0].numel())
            convolution.weight.data, convolution.bias.data = weight.data, bias.data
    waveform, latents = gaussian(2, 6400), gaussian(2, 64, 20)

    with torch.no_grad():
        encoded, decoded = theirs[0](waveform[:, None]), theirs[1](latents)[:, 0]
        assert torch.allclose(net.encode(waveform), encoded, rtol=0, atol=1e-5)
        assert torch.allclose(net.decode(latents), decoded, rtol=0, atol=1e-5)
        assert encoded.std() > 0.05
        assert decoded.std() > 0.05


@pytest.mark.parametrize("frames", [1, 7, 50])
def test_there_are_as_many_frames_as_encodec_has(frames):
    pytest.importorskip("transformers")
    from transformers import EncodecConfig, EncodecModel

    # The number of levels follows from the largest bandwidth: kbps over 50 Hz and (always) 10 bits a code.
    config = EncodecConfig(
        sampling_rate=16000,
        upsampling_ratios=[8, 5, 4, 2],
        num_filters=2,
        hidden_size=4,
        codebook_size=8,
        codebook_dim=4,
        target_bandwidths=[0.5],
        normalize=False,
    )
    waveform = gaussian(1, frames * 320)

    codes = EncodecModel(config).eval().encode(waveform[:, None]).audio_codes

    assert seanet.Seanet(channels=2, dimension=4).encode(waveform).shape[2] == codes.shape[-1] == frames


@settings(max_examples=20)
@given(
    strides=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_a_stream_gives_what_the_whole_gives_however_it_is_cut(strides, lengths, seed):
    net = seanet.Seanet(2, 3, strides, seed=seed).double()
    waveform = gaussian(2, sum(lengths) * net.hop_length, seed=seed, dtype=torch.float64)

    latents = net.encode(waveform)
    past, parts = {}, []
    for chunk in waveform.split([length * net.hop_length for length in lengths], 1):
        parts.append(net.encode(chunk, past))
    assert torch.allclose(torch.cat(parts, 2), latents, rtol=0, atol=1e-12)

    past, sounds = {}, []
    for part in parts:
        sounds.append(net.decode(part, past))
    assert torch.allclose(torch.cat(sounds, 1), net.decode(latents), rtol=0, atol=1e-12)


def test_a_stream_in_single_precision_is_within_1e5_of_the_whole():
    net, waveform = seanet.Seanet(), gaussian(1, 50 * 320) * 0.1

    with torch.no_grad():
        latents = net.encode(waveform)
        streamed = seanet.in_chunks(net.encode, waveform, 320)
        assert torch.allclose(streamed, latents, rtol=0, atol=1e-5)
        assert torch.allclose(seanet.in_chunks(net.decode, streamed, 1), net.decode(latents), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("strides", "samples"), [((2,), 24), ((3, 2), 65), ((2, 4), 78), ((2, 4, 5, 8), 2718)])
def test_a_frame_hears_as_far_back_as_is_said_and_nothing_ahead(strides, samples):
    net = seanet.Seanet(2, 3, strides).double()
    frames = math.ceil(samples / net.hop_length) + 2
    waveform = gaussian(1, frames * net.hop_length, dtype=torch.float64).requires_grad_()

    (heard,) = torch.autograd.grad(net.encode(waveform)[..., -2].sum(), waveform)

    places = heard[0].nonzero()[:, 0].tolist()
    last = (frames - 1) * net.hop_length - 1
    assert (places[0], places[-1]) == (last - samples + 1, last)
    assert seanet.receptive_field(strides) == samples


def test_untrained_the_decoder_gives_back_something_that_resembles_the_waveform():
    waveform = gaussian(8, 16000) * 0.1
    for seed in range(3):
        with torch.no_grad():
            net = seanet.Seanet(seed=seed)
            latents = net.encode(waveform)
            copy = net.decode(latents)

        # 64 of 320 directions are kept: a share of 0.2, and so is the square of the correlation.
        correlation = float((copy * waveform).sum() / copy.norm() / waveform.norm())
        assert 0.3 < correlation < 0.6
        assert 0.2 < float(latents.std()) < 5


def test_a_seed_repeats_the_weights_and_another_seed_does_not():
    first, again, other = (
        torch.cat([weight.flatten() for weight in seanet.Seanet(seed=seed).parameters()]) for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_mistake_is_told_with_the_shape():
    net = seanet.Seanet(2, 3)

    with pytest.raises(ValueError, match=r"a multiple of 320, got \[1, 321\] torch\.float32"):
        net.encode(torch.zeros(1, 321))
    with pytest.raises(ValueError, match=r"got \[1, 0\]"):
        net.encode(torch.zeros(1, 0))
    with pytest.raises(ValueError, match=r"got \[1, 1, 320\]"):
        net.encode(torch.zeros(1, 1, 320))
    with pytest.raises(ValueError, match=r"got \[1, 320\] torch\.int16"):
        net.encode(torch.zeros(1, 320, dtype=torch.int16))
    with pytest.raises(ValueError, match=r"\[B, 3, T\], T of 1 or more, got \[1, 4, 5\]"):
        net.decode(torch.zeros(1, 4, 5))
    with pytest.raises(ValueError, match=r"strides of 1 or more, got \[2, 0\]"):
        seanet.hop_length([2, 0])
    with pytest.raises(ValueError, match="even number of channels and a dimension, got 3 and 4"):
        seanet.Seanet(3, 4)


def test_the_demo_shows_the_shapes_and_that_only_a_stream_with_a_past_agrees():
    shown = seanet.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert [row["length"] for row in shown["rows"]][::19] == [16000, 16000]
    assert "2 x 4 x 5 x 8 = 320 samples a frame: 50 frames a second at 16 kHz" in shown["remarks"][0]
    assert "2,718 samples" in shown["remarks"][1]
    assert shown["plot"]["x"] == [1, 2, 5, 10, 25]
    assert min(shown["plot"]["series"]["past kept"]) > 100
    assert max(shown["plot"]["series"]["past forgotten"]) < 50


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": 7}, "even number of channels"),
        ({"dimension": 0}, "got 8 and 0"),
        ({"strides": ()}, r"strides of 1 or more, got \[\]"),
        ({"frames": 1}, r"2\.\.1000 frames, got 1"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        seanet.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_encode_and_decode_alike():
    net, waveform = seanet.Seanet().double(), gaussian(2, 3200, dtype=torch.float64)
    latents = net.encode(waveform)
    copy = net.decode(latents)

    net = net.cuda()

    assert net.encode(waveform.cuda()).is_cuda
    assert torch.allclose(net.encode(waveform.cuda()).cpu(), latents, atol=1e-9)
    assert torch.allclose(net.decode(latents.cuda()).cpu(), copy, atol=1e-9)
