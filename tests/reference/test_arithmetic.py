"""The arithmetic of papers against models, tensors, configurations, enumerations, and the figures papers print."""

import inspect
import itertools
import json
import math
import random
import subprocess
import sys
import wave
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import get_type_hints

import numpy
import pytest

from kb.claims.arguments import arguments
from kb.reference import arithmetic

ROOT = Path(__file__).resolve().parents[2]

# Worked examples of the docstrings and figures that papers print; one that is rounded there stands as text.
EXAMPLES = [
    (arithmetic.bits_per_token, {"codebook_size": 4096}, 12),
    (arithmetic.hop_length, {"strides": [8, 5, 4, 2]}, 320),
    (arithmetic.frame_rate_hz, {"sample_rate_hz": 16000.0, "strides": [8, 5, 4, 2]}, 50),
    (arithmetic.tokens_per_second, {"frame_rate_hz": 11.71875, "n_q": 7}, 82.03125),
    (arithmetic.bit_rate_bps, {"frame_rate_hz": 75.0, "codebook_size": 1024, "n_q": 8}, 6000),
    (arithmetic.bit_rate_kbps, {"frame_rate_hz": 12.5, "codebook_size": 2048, "n_q": 8}, 1.1),  # Mimi
    (arithmetic.implied_token_rate_hz, {"bit_rate_bps": 150.0, "bits_per_token": 36.0}, "4.17"),
    (arithmetic.samples, {"seconds": 60.0, "sample_rate_hz": 8000.0}, 480_000),
    (arithmetic.frames, {"seconds": 30.0, "frame_rate_hz": 50.0}, 1500),
    (arithmetic.duration_ms, {"count": 10.0, "rate_hz": 12.5}, 800),
    (arithmetic.chunk_ms, {"size_bytes": 2048, "bytes_per_sample": 4, "sample_rate_hz": 16000.0}, 32),
    (arithmetic.spacing_ms, {"hop_ms": 10.0, "factors": [6, 2]}, 120),
    (arithmetic.subsampled, {"count": 3000, "factors": [2, 2]}, 750),
    (arithmetic.spectrogram_frames, {"seconds": 30.0, "window_ms": 25.0, "hop_ms": 10.0}, 2998),
    (arithmetic.patches, {"height": 2998, "width": 128, "patch_height": 16, "patch_width": 16}, 1496),
    (
        arithmetic.patches,
        {"height": 256, "width": 16, "patch_height": 4, "patch_width": 1, "overlap_height": 2, "overlap_width": 0},
        2032,
    ),
    (arithmetic.latent_values, {"frames": 1024, "bands": 64, "downsampling": 4, "channels": 8}, 32_768),
    (arithmetic.window_tokens, {"frames": 1500, "window": 17}, 89),
    (arithmetic.window_tokens, {"frames": 1500, "window": 17, "queries": 1, "last_window": "dropped"}, 88),
    (arithmetic.frames_left_over, {"frames": 1500, "window": 17}, 4),
    (arithmetic.linear_parameters, {"widths": [1024, 2048, 3584]}, 9_442_816),
    (arithmetic.norm_parameters, {"width": 1024, "count": 2}, 4096),  # SALMONN's two LayerNorms
    (arithmetic.whisper_encoder_parameters, {"layers": 32, "width": 1280}, 636_784_640),
    (
        arithmetic.decoder_parameters,
        {"layers": 40, "width": 5120, "feed_forward": 13_824, "vocabulary": 32_000},
        13_015_864_320,
    ),
    (arithmetic.qformer_parameters, {"layers": 2, "width": 768, "encoder_width": 2048}, 22_837_248),
    (arithmetic.lora_parameters, {"rank": 8, "layers": 40, "shapes": [[5120, 5120], [5120, 5120]]}, 6_553_600),
    (arithmetic.lora_scaling, {"alpha": 32.0, "rank": 8}, 4),
    (arithmetic.share_percent, {"part": 161_480_704.0, "whole": 7_615_616_512.0}, "2.12"),  # MooER
    (arithmetic.total, {"parts": [89.0, 6.0, 5.0]}, 100),
    (arithmetic.product, {"factors": [12_000.0, 5.0]}, 60_000),
    (arithmetic.mean, {"values": [4.0, 5.0, 9.0]}, 6),
    (arithmetic.place, {"value": 4.21, "others": [3.5, 5.0]}, 2),
    (arithmetic.drop_percent, {"before": 4.21, "after": 3.5}, "16.86"),
    (arithmetic.ratio, {"part": 5000.0, "whole": 38.0}, "131.58"),  # hours of speech in an hour of training: MooER
    (arithmetic.highest_baseline_percent, {"gain_points": 8.0, "gain_percent": 20.0}, 40),
    (arithmetic.last_level_nodes, {"branching": 3, "depth": 10}, 59_049),
    (arithmetic.tree_nodes, {"branching": 3, "depth": 10}, 88_572),
    (arithmetic.beam_nodes, {"branching": 3, "depth": 10, "beam": 3}, 84),
    (arithmetic.beam_nodes, {"branching": 3, "depth": 10, "beam": 5}, 132),
    (arithmetic.unordered_pairs, {"count": 3}, 3),
    (arithmetic.kept_candidates, {"share": 0.02, "vocabulary": 1024}, 21),
    (arithmetic.kept_candidates, {"share": 0.02, "vocabulary": 8192}, 164),  # MaskGCT
    (arithmetic.delayed_steps, {"frames": 1500, "codebooks": 4}, 1503),
    (arithmetic.layout_steps, {"frames": 375, "codebooks": 8, "layout": "moshi"}, (376, 2)),
    (arithmetic.interleaved_steps, {"audio_tokens": 10, "text_block": 13, "audio_block": 26}, 23),
    (arithmetic.interleaved_rate_hz, {"frame_rate_hz": 12.5, "text_block": 13, "audio_block": 26}, 18.75),
    (arithmetic.hours_of_speech, {"tokens": 15e12, "tokens_per_hour": 6000.0}, 2.5e9),
    (arithmetic.years_of_speech, {"tokens": 15e12, "tokens_per_hour": 6000.0}, "285193"),
    (arithmetic.tokens_per_second_of_speech, {"tokens": 6e9, "hours": 1e6}, "1.67"),
    (arithmetic.distillation_loss, {"cosine": 1.0}, "0.3133"),
    (arithmetic.distillation_loss, {"cosine": 0.0}, "0.6931"),
    (arithmetic.masked_share_percent, {"start_probability": 0.065, "span": 10}, "48.9"),
    (arithmetic.normal_share_percent, {"lower_sigmas": -1.0, "upper_sigmas": 1.0}, "68.27"),
    (arithmetic.amplitude_ratio_db, {"ratio": 2.0}, "6.02"),
    (arithmetic.edit_candidates, {"components": 3, "sentences": 2, "rephrasings": 4}, 20),
    (
        arithmetic.shifted_id,
        {"token": 0, "layer": 1, "text_vocabulary": 152_000, "layer_vocabulary": 4160},
        156_160,  # Mini-Omni
    ),
    (arithmetic.grid_points, {"first": 0.0, "last": 30.0, "step": 0.01}, 3001),
]

# What a function cannot take, put in the place of one value of its first example.
NONSENSE = [
    (arithmetic.bits_per_token, "codebook_size", 0),
    (arithmetic.hop_length, "strides", [8, 0]),
    (arithmetic.hop_length, "strides", []),
    (arithmetic.frame_rate_hz, "sample_rate_hz", 0.0),
    (arithmetic.frame_rate_hz, "sample_rate_hz", math.nan),
    (arithmetic.frame_rate_hz, "strides", [-2]),
    (arithmetic.tokens_per_second, "frame_rate_hz", -1.0),
    (arithmetic.tokens_per_second, "n_q", 0),
    (arithmetic.bit_rate_bps, "frame_rate_hz", math.inf),
    (arithmetic.bit_rate_bps, "codebook_size", 0),
    (arithmetic.bit_rate_bps, "n_q", 0),
    (arithmetic.bit_rate_kbps, "frame_rate_hz", 0.0),
    (arithmetic.bit_rate_kbps, "codebook_size", -4),
    (arithmetic.bit_rate_kbps, "n_q", -1),
    (arithmetic.implied_token_rate_hz, "bit_rate_bps", 0.0),
    (arithmetic.implied_token_rate_hz, "bits_per_token", 0.0),
    (arithmetic.samples, "seconds", -1.0),
    (arithmetic.samples, "sample_rate_hz", 0.0),
    (arithmetic.frames, "seconds", 0.0),
    (arithmetic.frames, "frame_rate_hz", math.nan),
    (arithmetic.duration_ms, "count", -1.0),
    (arithmetic.duration_ms, "count", math.nan),
    (arithmetic.duration_ms, "rate_hz", 0.0),
    (arithmetic.chunk_ms, "size_bytes", -1),
    (arithmetic.chunk_ms, "bytes_per_sample", 0),
    (arithmetic.chunk_ms, "sample_rate_hz", 0.0),
    (arithmetic.spacing_ms, "hop_ms", 0.0),
    (arithmetic.spacing_ms, "factors", [6, 0]),
    (arithmetic.subsampled, "count", -1),
    (arithmetic.subsampled, "factors", [2, 0]),
    (arithmetic.spectrogram_frames, "seconds", 0.0),
    (arithmetic.spectrogram_frames, "window_ms", 0.0),
    (arithmetic.spectrogram_frames, "hop_ms", 0.0),
    (arithmetic.patches, "height", -16),
    (arithmetic.patches, "width", -16),
    (arithmetic.patches, "patch_height", 0),
    (arithmetic.patches, "patch_width", 0),
    (arithmetic.patches, "overlap_height", -1),
    (arithmetic.patches, "overlap_width", -1),
    (arithmetic.latent_values, "frames", -1),
    (arithmetic.latent_values, "bands", -1),
    (arithmetic.latent_values, "downsampling", 0),
    (arithmetic.latent_values, "channels", 0),
    (arithmetic.window_tokens, "frames", -1),
    (arithmetic.window_tokens, "window", 0),
    (arithmetic.window_tokens, "queries", 0),
    (arithmetic.window_tokens, "last_window", "shortened"),
    (arithmetic.frames_left_over, "frames", -1),
    (arithmetic.frames_left_over, "window", 0),
    (arithmetic.linear_parameters, "widths", [1024]),
    (arithmetic.linear_parameters, "widths", [1024, 0]),
    (arithmetic.norm_parameters, "width", 0),
    (arithmetic.norm_parameters, "count", -1),
    (arithmetic.whisper_encoder_parameters, "layers", 0),
    (arithmetic.whisper_encoder_parameters, "width", 0),
    (arithmetic.whisper_encoder_parameters, "mel_bands", 0),
    (arithmetic.whisper_encoder_parameters, "positions", 0),
    (arithmetic.decoder_parameters, "layers", 0),
    (arithmetic.decoder_parameters, "width", 0),
    (arithmetic.decoder_parameters, "feed_forward", 0),
    (arithmetic.decoder_parameters, "vocabulary", 0),
    (arithmetic.decoder_parameters, "kv_width", -1),
    (arithmetic.qformer_parameters, "layers", 0),
    (arithmetic.qformer_parameters, "width", 0),
    (arithmetic.qformer_parameters, "encoder_width", 0),
    (arithmetic.lora_parameters, "rank", 0),
    (arithmetic.lora_parameters, "layers", 0),
    (arithmetic.lora_parameters, "shapes", []),
    (arithmetic.lora_parameters, "shapes", [[5120]]),
    (arithmetic.lora_parameters, "shapes", [[5120, 0]]),
    (arithmetic.lora_scaling, "alpha", 0.0),
    (arithmetic.lora_scaling, "rank", 0),
    (arithmetic.share_percent, "whole", 0.0),
    (arithmetic.total, "parts", []),
    (arithmetic.total, "parts", [1.0, math.nan]),
    (arithmetic.product, "factors", []),
    (arithmetic.mean, "values", []),
    (arithmetic.place, "value", math.nan),
    (arithmetic.place, "others", []),
    (arithmetic.drop_percent, "before", 0.0),
    (arithmetic.ratio, "whole", 0.0),
    (arithmetic.highest_baseline_percent, "gain_points", 0.0),
    (arithmetic.highest_baseline_percent, "gain_percent", 0.0),
    (arithmetic.last_level_nodes, "branching", 0),
    (arithmetic.last_level_nodes, "depth", -1),
    (arithmetic.tree_nodes, "branching", 0),
    (arithmetic.tree_nodes, "depth", -1),
    (arithmetic.beam_nodes, "branching", 0),
    (arithmetic.beam_nodes, "depth", -1),
    (arithmetic.beam_nodes, "beam", 0),
    (arithmetic.unordered_pairs, "count", -1),
    (arithmetic.kept_candidates, "share", 0.0),
    (arithmetic.kept_candidates, "share", 1.01),
    (arithmetic.kept_candidates, "vocabulary", 0),
    (arithmetic.delayed_steps, "frames", 0),
    (arithmetic.delayed_steps, "codebooks", 0),
    (arithmetic.layout_steps, "frames", 0),
    (arithmetic.layout_steps, "codebooks", 0),
    (arithmetic.layout_steps, "layout", "delayed"),
    (arithmetic.interleaved_steps, "audio_tokens", 0),
    (arithmetic.interleaved_steps, "text_block", -1),
    (arithmetic.interleaved_steps, "audio_block", 0),
    (arithmetic.interleaved_rate_hz, "frame_rate_hz", 0.0),
    (arithmetic.interleaved_rate_hz, "text_block", -1),
    (arithmetic.interleaved_rate_hz, "audio_block", 0),
    (arithmetic.hours_of_speech, "tokens", -1.0),
    (arithmetic.hours_of_speech, "tokens_per_hour", 0.0),
    (arithmetic.years_of_speech, "tokens", -1.0),
    (arithmetic.years_of_speech, "tokens_per_hour", 0.0),
    (arithmetic.tokens_per_second_of_speech, "tokens", -1.0),
    (arithmetic.tokens_per_second_of_speech, "hours", 0.0),
    (arithmetic.distillation_loss, "cosine", 1.01),
    (arithmetic.distillation_loss, "cosine", -1.01),
    (arithmetic.distillation_loss, "cosine", math.nan),
    (arithmetic.masked_share_percent, "start_probability", 1.01),
    (arithmetic.masked_share_percent, "span", -1),
    (arithmetic.normal_share_percent, "upper_sigmas", -2.0),
    (arithmetic.normal_share_percent, "upper_sigmas", math.nan),
    (arithmetic.amplitude_ratio_db, "ratio", 0.0),
    (arithmetic.edit_candidates, "components", -1),
    (arithmetic.edit_candidates, "sentences", -1),
    (arithmetic.edit_candidates, "rephrasings", -1),
    (arithmetic.shifted_id, "token", -1),
    (arithmetic.shifted_id, "token", 4160),  # the first of the next layer
    (arithmetic.shifted_id, "layer", -1),
    (arithmetic.shifted_id, "text_vocabulary", -1),
    (arithmetic.shifted_id, "layer_vocabulary", 0),
    (arithmetic.grid_points, "first", math.nan),
    (arithmetic.grid_points, "last", -1.0),
    (arithmetic.grid_points, "last", math.inf),
    (arithmetic.grid_points, "step", 0.0),
    (arithmetic.grid_points, "step", 0.35),  # 30 is not reached
]


# The least, or the most, that still means something.
EDGES = [
    (arithmetic.bits_per_token, (1,), 0),
    (arithmetic.hop_length, ([1],), 1),
    (arithmetic.frame_rate_hz, (0.5, [1]), 0.5),
    (arithmetic.tokens_per_second, (0.5, 1), 0.5),
    (arithmetic.tokens_per_second, (0.5,), 0.5),
    (arithmetic.bit_rate_bps, (0.5, 4), 1),
    (arithmetic.bit_rate_kbps, (500.0, 4), 1),
    (arithmetic.implied_token_rate_hz, (0.5, 0.25), 2),
    (arithmetic.samples, (0.5, 0.5), 0),
    (arithmetic.frames, (0.5, 0.5), 0),
    (arithmetic.duration_ms, (0.0, 0.5), 0),
    (arithmetic.chunk_ms, (0, 1, 0.5), 0),
    (arithmetic.spacing_ms, (0.5, [1]), 0.5),
    (arithmetic.subsampled, (0, [1]), 0),
    (arithmetic.spectrogram_frames, (0.0005, 0.5, 0.5), 1),
    (arithmetic.patches, (0, 0, 1, 1), 0),
    (arithmetic.patches, (2, 3, 1, 1), 6),
    (arithmetic.patches, (1, 1, 16, 16, 8, 8), 0),
    (arithmetic.patches, (128, 0, 16, 16, 0, 15), 0),
    (arithmetic.patches, (0, 128, 16, 16, 15, 0), 0),
    (arithmetic.latent_values, (0, 0, 1, 1), 0),
    (arithmetic.latent_values, (2, 3, 1, 1), 6),
    (arithmetic.window_tokens, (0, 1), 0),
    (arithmetic.frames_left_over, (0, 1), 0),
    (arithmetic.linear_parameters, ([1, 1],), 2),
    (arithmetic.norm_parameters, (1,), 2),
    (arithmetic.whisper_encoder_parameters, (1, 1, 1, 1), 35),
    (arithmetic.decoder_parameters, (1, 1, 1, 1), 12),
    (arithmetic.qformer_parameters, (1, 1, 1), 37),
    (arithmetic.lora_parameters, (1, 1, [[1, 1]]), 2),
    (arithmetic.lora_scaling, (0.5, 1), 0.5),
    (arithmetic.share_percent, (0.25, 0.5), 50),
    (arithmetic.total, ([-1.0],), -1),
    (arithmetic.product, ([0.0],), 0),
    (arithmetic.mean, ([-1.0],), -1),
    (arithmetic.place, (0.0, [1.0]), 1),
    (arithmetic.drop_percent, (0.5, 0.5), 0),
    (arithmetic.ratio, (0.25, 0.5), 0.5),
    (arithmetic.highest_baseline_percent, (0.25, 0.5), 50),
    (arithmetic.last_level_nodes, (1, 0), 1),
    (arithmetic.tree_nodes, (1, 0), 0),
    (arithmetic.beam_nodes, (1, 0, 1), 0),
    (arithmetic.unordered_pairs, (0,), 0),
    (arithmetic.kept_candidates, (1.0, 1), 1),
    (arithmetic.delayed_steps, (1, 1), 1),
    (arithmetic.layout_steps, (1, 1, "delay"), (1, 1)),
    (arithmetic.interleaved_steps, (1, 0, 1), 1),
    (arithmetic.interleaved_rate_hz, (0.5, 0, 1), 0.5),
    (arithmetic.hours_of_speech, (0.0, 0.5), 0),
    (arithmetic.years_of_speech, (0.0, 0.5), 0),
    (arithmetic.tokens_per_second_of_speech, (0.0, 0.5), 0),
    (arithmetic.distillation_loss, (-1.0,), pytest.approx(1.3133, abs=1e-4)),
    (arithmetic.masked_share_percent, (1.0, 1), 100),
    (arithmetic.masked_share_percent, (0.0, 1), 0),
    (arithmetic.masked_share_percent, (0.5, 0), 0),
    (arithmetic.normal_share_percent, (0.0, 0.0), 0),
    (arithmetic.normal_share_percent, (-math.inf, math.inf), 100),
    (arithmetic.amplitude_ratio_db, (0.1,), -20),
    (arithmetic.edit_candidates, (0, 0, 0), 0),
    (arithmetic.shifted_id, (0, 0, 0, 1), 0),
    (arithmetic.grid_points, (0.0, 0.0, 0.5), 1),
]


@pytest.fixture(scope="module")
def torch():
    """Only what is compared with tensors and models needs torch; the functions do not."""
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def transformers(torch):
    return pytest.importorskip("transformers")


def parameters_of(torch, build):
    """Return how many parameters a model has, without its weights."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build().parameters())


def test_figures_lists_every_public_function_once():
    own = [
        name
        for name, function in inspect.getmembers(arithmetic, inspect.isfunction)
        if function.__module__ == arithmetic.__name__ and not name.startswith("_")
    ]

    listed = Counter(function.__name__ for function in arithmetic.FIGURES)

    assert listed == Counter(set(own) - {"demo", "checks", "main"})


def test_every_figure_has_an_example_edges_and_nonsense():
    listed = {function.__name__ for function in arithmetic.FIGURES}

    assert {function.__name__ for function, _, _ in EXAMPLES} == listed
    assert {function.__name__ for function, _, _ in EDGES} == listed
    assert {function.__name__ for function, _, _ in NONSENSE} == listed


@pytest.mark.parametrize("function", arithmetic.FIGURES, ids=lambda function: function.__name__)
def test_parameters_are_plain_enough_to_be_written_in_a_note(function):
    hints = get_type_hints(function)

    assert hints.pop("return") in (int, float, arithmetic.LayoutSteps)
    assert set(hints) == set(inspect.signature(function).parameters)
    assert all(hint in (int, float, bool, str, list[int], list[float], list[list[int]]) for hint in hints.values())


@pytest.mark.parametrize(("function", "values", "figure"), EXAMPLES, ids=lambda one: getattr(one, "__name__", ""))
def test_an_example_comes_out_as_printed(function, values, figure):
    found = function(**arguments(function.__name__, function, {name: written(one) for name, one in values.items()}))

    if isinstance(figure, str):
        assert f"{found:.{len(figure.partition('.')[2])}f}" == figure
    else:
        assert found == pytest.approx(figure, rel=1e-12)
        assert isinstance(found, get_type_hints(function)["return"])


def written(value):
    """Return a value as the text, or list of texts, that a claim block holds."""
    return [written(one) for one in value] if isinstance(value, list) else str(value)


@pytest.mark.parametrize(("function", "values", "figure"), EDGES)
def test_what_is_small_but_means_something_is_taken(function, values, figure):
    assert function(*values) == figure


@pytest.mark.parametrize(("function", "name", "value"), NONSENSE)
def test_nonsense_is_refused_by_the_name_of_the_parameter(function, name, value):
    values = next(values for example, values, _ in EXAMPLES if example is function)

    with pytest.raises(ValueError, match=rf"^{name} should "):
        function(**values | {name: value})


@pytest.mark.parametrize("module", ["arithmetic", "qwen_audio_tags"])
def test_importing_needs_the_standard_library_alone(module):
    code = f"import sys; import kb.reference.{module}; print(*sys.modules, sep=chr(10))"

    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"torch", "numpy"}.isdisjoint(loaded)
    assert loaded - sys.stdlib_module_names == {"__main__", "kb"}


# Rates of codecs


def test_bits_count_the_digits_of_the_largest_index_and_the_entropy_of_equally_likely_codewords(torch):
    for size in (2**bits for bits in range(20)):
        assert arithmetic.bits_per_token(size) == (size - 1).bit_length()
    for size in (3, 500, 1000, 6561):
        likely = torch.distributions.Categorical(probs=torch.ones(size, dtype=torch.float64))
        assert arithmetic.bits_per_token(size) == pytest.approx(float(likely.entropy()) / math.log(2))


def test_hops_and_frame_rates_are_those_of_the_configurations_of_codecs(transformers):
    encodec, mimi = transformers.EncodecConfig(), transformers.MimiConfig()
    dac, hubert = transformers.DacConfig(), transformers.HubertConfig()

    assert arithmetic.hop_length(list(encodec.upsampling_ratios)) == encodec.hop_length == 320
    assert arithmetic.hop_length([*mimi.upsampling_ratios, 2]) == mimi.frame_size == 1920  # 2: a last convolution
    assert arithmetic.hop_length(list(dac.downsampling_ratios)) == dac.hop_length == 512
    assert arithmetic.hop_length(list(hubert.conv_stride)) == hubert.inputs_to_logits_ratio == 320
    assert arithmetic.frame_rate_hz(encodec.sampling_rate, [8, 5, 4, 2]) == encodec.frame_rate == 75
    assert arithmetic.frame_rate_hz(mimi.sampling_rate, [8, 6, 5, 4, 2]) == mimi.frame_rate == 12.5
    assert math.ceil(arithmetic.frame_rate_hz(dac.sampling_rate, [2, 4, 8, 8])) == dac.frame_rate == 32


def test_a_hop_is_what_strided_convolutions_leave_of_the_samples(torch):
    for strides in ([8, 5, 4, 2], [3, 2], [7]):
        waveform = torch.zeros(1, 1, 33_600, device="meta")
        for stride in strides:
            waveform = torch.nn.Conv1d(1, 1, stride, stride=stride, device="meta")(waveform)
        assert waveform.shape[-1] * arithmetic.hop_length(strides) == 33_600
        assert arithmetic.frame_rate_hz(33_600.0, strides) == waveform.shape[-1]


def test_encodec_has_as_many_levels_as_each_of_its_published_bandwidths_needs(torch, transformers):
    from transformers.models.encodec.modeling_encodec import EncodecResidualVectorQuantizer

    config = transformers.EncodecConfig()
    with torch.device("meta"):
        quantizer = EncodecResidualVectorQuantizer(config)

    assert tuple(config.target_bandwidths) == (1.5, 3.0, 6.0, 12.0, 24.0)
    for kbps in config.target_bandwidths:
        n_q = quantizer.get_num_quantizers_for_bandwidth(kbps)
        assert arithmetic.bit_rate_kbps(config.frame_rate, config.codebook_size, n_q) == kbps
        assert arithmetic.bit_rate_bps(config.frame_rate, config.codebook_size, n_q) == 1000 * kbps


def test_mimi_prints_1100_bits_a_second(transformers):
    mimi = transformers.MimiConfig()

    assert arithmetic.bit_rate_bps(mimi.frame_rate, mimi.codebook_size, 8) == 1100  # arXiv:2410.00037
    assert arithmetic.implied_token_rate_hz(1100.0, 8 * 11.0) == mimi.frame_rate
    assert arithmetic.duration_ms(mimi.frame_size, mimi.sampling_rate) == 80


def test_seven_tokens_a_frame_of_snac_are_its_three_levels_each_at_its_own_rate():
    rates = [24_000 / hop for hop in (2048, 1024, 512)]

    assert [round(rate) for rate in rates] == [12, 23, 47]  # model card of hubertsiuzdak/snac_24khz
    assert arithmetic.tokens_per_second(24_000 / 2048, 7) == sum(rates)
    assert round(arithmetic.bit_rate_kbps(24_000 / 2048, 4096, 7), 2) == 0.98


@pytest.mark.parametrize(
    ("codec", "frame_rate_hz", "codebook_size", "n_q", "kbps", "digits"),
    [
        ("DAC 44.1 kHz, arXiv:2306.06546", 44_100 / 512, 1024, 9, 8, 0),
        ("MusicGen's EnCodec, configuration of facebook/encodec_32khz", 50.0, 2048, 4, 2.2, 3),
        ("SpeechTokenizer, README of Moshi", 50.0, 1024, 8, 4, 3),
        ("GLM-4-Voice, arXiv:2412.02612", 12.5, 16_384, 1, 0.175, 3),
    ],
)
def test_bit_rates_are_those_the_papers_print(codec, frame_rate_hz, codebook_size, n_q, kbps, digits):
    assert round(arithmetic.bit_rate_kbps(frame_rate_hz, codebook_size, n_q), digits) == kbps


# Samples, frames and windows


def test_samples_of_a_recording_are_those_feature_extractors_cut_to(transformers):
    whisper = transformers.WhisperFeatureExtractor()
    encodec = transformers.EncodecConfig(chunk_length_s=1.5)

    assert arithmetic.samples(whisper.chunk_length, whisper.sampling_rate) == whisper.n_samples == 480_000
    assert arithmetic.samples(1.5, encodec.sampling_rate) == encodec.chunk_length == 36_000
    assert arithmetic.samples(0.29, 100.0) == 29  # 28.999999999999996 in binary
    assert arithmetic.duration_ms(whisper.n_samples, whisper.sampling_rate) == 30_000
    assert arithmetic.duration_ms(whisper.hop_length, whisper.sampling_rate) == 10


def test_whole_frames_are_the_hops_that_fit_a_tensor(torch):
    for seconds, sample_rate_hz, hop in [
        (30, 16_000, 320),
        (30, 44_100, 512),
        (1, 24_000, 1920),
        (0.29, 16_000, 160),  # 28.999999999999996 hops in binary
        (0.57, 16_000, 160),
        (0.019, 16_000, 320),
        (3600, 44_100, 512),
    ]:
        waveform = torch.zeros(round(seconds * sample_rate_hz), device="meta")
        fitting = waveform.unfold(0, hop, hop).shape[0] if len(waveform) >= hop else 0
        assert arithmetic.frames(seconds, sample_rate_hz / hop) == fitting, (seconds, hop)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_chunk_lasts_as_long_as_a_wave_file_of_its_bytes(width):
    file = BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(width)
        writing.setframerate(16_000)
        writing.writeframes(bytes(3072))
    file.seek(0)

    with wave.open(file) as reading:
        lasts_ms = 1000 * reading.getnframes() / reading.getframerate()

    assert arithmetic.chunk_ms(3072, width, 16_000.0) == pytest.approx(lasts_ms)


def test_stacked_subsampling_keeps_every_sixth_then_every_second_frame():
    for factors in ([6, 2], [2], [2, 2, 2], [5, 3]):
        times = [10.0 * number for number in range(3000)]
        for factor in factors:
            times = times[::factor]
        assert arithmetic.spacing_ms(10.0, factors) == times[1] - times[0]
        assert arithmetic.subsampled(3000, factors) == len(times)


def test_what_subsampling_leaves_is_what_strided_convolutions_give(torch):
    for count, stride in itertools.product(range(1, 60), (1, 2, 3, 4)):
        convolution = torch.nn.Conv1d(1, 1, 3, stride=stride, padding=1, device="meta")
        assert arithmetic.subsampled(count, [stride]) == convolution(torch.zeros(1, count, device="meta")).shape[-1]
    assert arithmetic.subsampled(0, [2, 2]) == 0


def test_half_a_minute_makes_3000_mel_frames_1500_of_whisper_and_750_of_qwen_audio(torch, transformers):
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    silence = numpy.zeros(480_000, dtype=numpy.float32)
    mel = transformers.WhisperFeatureExtractor()(silence, sampling_rate=16_000)["input_features"][0].shape[-1]
    with torch.device("meta"):
        encoder = WhisperEncoder(
            transformers.WhisperConfig(d_model=8, encoder_layers=1, encoder_attention_heads=1, encoder_ffn_dim=8)
        )
        whisper = encoder(torch.zeros(1, 80, mel)).last_hidden_state
        pooled = torch.nn.AvgPool1d(2)(whisper.transpose(1, 2))

    assert arithmetic.frames(30.0, 100.0) == mel
    assert arithmetic.subsampled(mel, [2]) == whisper.shape[1]
    assert arithmetic.subsampled(mel, [2, 2]) == pooled.shape[-1]


@pytest.mark.parametrize("seconds", [30, 1, 0.6, 0.025, 0.0399, 0.04, 2.0149, 2.015])
def test_windows_without_padding_are_those_of_a_feature_extractor_that_follows_kaldi(transformers, seconds):
    noise = numpy.random.default_rng(0).normal(size=round(seconds * 16_000)).astype(numpy.float32)
    extractor = transformers.SeamlessM4TFeatureExtractor(stride=1)

    features = extractor(
        noise, sampling_rate=16_000, padding=False, do_normalize_per_mel_bins=False, return_tensors="np"
    )

    assert arithmetic.spectrogram_frames(seconds, 25.0, 10.0) == features["input_features"].shape[1]


def test_windows_without_padding_are_those_that_fit_a_tensor(torch):
    for milliseconds, window, hop in itertools.product(range(20, 400, 7), (20, 25, 32), (8, 10, 12.5)):
        # Eight samples a millisecond, so that every length is a whole number of them.
        waveform = torch.zeros(8 * milliseconds, device="meta")
        fits = len(waveform) >= 8 * window
        fitting = waveform.unfold(0, 8 * window, int(8 * hop)).shape[0] if fits else 0
        assert arithmetic.spectrogram_frames(milliseconds / 1000, window, hop) == fitting, (milliseconds, window, hop)


def test_patches_are_those_a_tensor_unfolds_to(torch):
    for height, width, patch, across, overlap, sideways in [
        (2998, 128, 16, 16, 0, 0),
        (1024, 128, 16, 16, 6, 6),
        (256, 16, 4, 1, 2, 0),
        (17, 33, 5, 7, 0, 3),
        (5, 7, 5, 7, 4, 6),
    ]:
        grid = torch.zeros(height, width, device="meta")
        unfolded = grid.unfold(0, patch, patch - overlap).unfold(1, across, across - sideways)
        found = arithmetic.patches(height, width, patch, across, overlap, sideways)
        assert found == unfolded.shape[0] * unfolded.shape[1]


def test_the_spectrogram_transformer_has_a_position_for_every_overlapping_patch(torch, transformers):
    config = transformers.ASTConfig(num_hidden_layers=1)
    with torch.device("meta"):
        embeddings = transformers.ASTModel(config).embeddings
    overlap = config.patch_size - config.time_stride

    patches = arithmetic.patches(config.max_length, config.num_mel_bins, 16, 16, overlap, overlap)

    assert patches == 1212  # arXiv:2104.01778: 12 x 101
    assert patches + 2 == embeddings.position_embeddings.shape[1]  # a class and a distillation token


def test_a_latent_has_the_shape_two_strided_convolutions_give(torch):
    # AudioLDM's downsampling: one zero at the end of each side, width 3, stride 2.
    halve = torch.nn.Conv2d(8, 8, 3, stride=2, device="meta")
    for frames, bands in [(1024, 64), (1000, 80), (1023, 63), (6, 5)]:
        spectrogram = torch.zeros(1, 8, frames, bands, device="meta")
        latent = halve(torch.nn.functional.pad(spectrogram, (0, 1, 0, 1)))
        latent = halve(torch.nn.functional.pad(latent, (0, 1, 0, 1)))
        assert arithmetic.latent_values(frames, bands, 4, 8) == latent.numel()


def test_windows_are_dropped_as_unfold_does_and_padded_as_split_leaves_them(torch):
    for frames, window, queries in [
        (1500, 17, 1),
        (1500, 17, 2),
        (1496, 17, 1),
        (17, 17, 3),
        (18, 17, 1),
        (16, 17, 1),
        (5, 1, 1),
    ]:
        row = torch.arange(1, frames + 1, dtype=torch.float32)
        fits = frames >= window
        whole = torch.nn.functional.unfold(row[None, None, None], (1, window), stride=(1, window)) if fits else row[:0]
        started = row.split(window)

        assert arithmetic.window_tokens(frames, window, queries, "dropped") == queries * whole.shape[-1]
        assert arithmetic.window_tokens(frames, window, queries, "padded") == queries * len(started)
        assert arithmetic.frames_left_over(frames, window) == frames - whole.numel()
    assert arithmetic.window_tokens(0, 17) == 0


# Parameters


def test_linear_layers_and_norms_have_the_parameters_torch_gives_them(torch):
    nn = torch.nn
    for widths, bias in [([1024, 2048, 3584], True), ([768, 5120], True), ([3, 4, 5, 6], False)]:
        layers = [(before, after, bias) for before, after in itertools.pairwise(widths)]
        built = parameters_of(torch, lambda layers=layers: nn.Sequential(*(nn.Linear(*layer) for layer in layers)))
        assert arithmetic.linear_parameters(widths, bias) == built
    assert arithmetic.norm_parameters(768) == parameters_of(torch, lambda: nn.LayerNorm(768))
    assert arithmetic.norm_parameters(8, 3) == parameters_of(
        torch, lambda: nn.Sequential(*(nn.LayerNorm(8) for _ in "123"))
    )


@pytest.mark.parametrize(
    ("layers", "width", "mel_bands", "positions"), [(32, 1280, 80, 1500), (32, 1280, 128, 1500), (4, 384, 80, 750)]
)
def test_whispers_encoder_has_the_parameters_transformers_gives_it(
    torch, transformers, layers, width, mel_bands, positions
):
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = transformers.WhisperConfig(
        d_model=width,
        encoder_layers=layers,
        encoder_attention_heads=width // 64,
        encoder_ffn_dim=4 * width,
        num_mel_bins=mel_bands,
        max_source_positions=positions,
    )
    built = parameters_of(torch, lambda: WhisperEncoder(config))

    assert arithmetic.whisper_encoder_parameters(layers, width, mel_bands, positions) == built


def test_llama_has_the_parameters_transformers_gives_it(torch, transformers):
    llama_13b = transformers.LlamaConfig(
        hidden_size=5120,
        num_hidden_layers=40,
        num_attention_heads=40,
        intermediate_size=13_824,
        vocab_size=32_000,
        tie_word_embeddings=False,
    )
    shared = transformers.LlamaConfig(
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=8,
        num_key_value_heads=2,
        intermediate_size=96,
        vocab_size=100,
        tie_word_embeddings=False,
    )

    built = parameters_of(torch, lambda: transformers.LlamaForCausalLM(llama_13b))
    assert arithmetic.decoder_parameters(40, 5120, 13_824, 32_000) == built
    built = parameters_of(torch, lambda: transformers.LlamaForCausalLM(shared))
    assert arithmetic.decoder_parameters(3, 64, 96, 100, kv_width=16) == built


@pytest.mark.parametrize(
    ("layers", "width", "heads", "kv_heads", "feed_forward", "vocabulary", "figure"),
    [
        (28, 3584, 28, 4, 18_944, 152_064, 7_615_616_512),  # Qwen2-7B, which MooER adapts
        (32, 4096, 32, 32, 11_008, 151_936, 7_721_324_544),  # Qwen-7B
        (32, 4096, 32, 32, 11_008, 155_947, 7_754_182_656),  # with the vocabulary of Qwen-Audio
    ],
)
def test_qwen_has_the_parameters_transformers_gives_it(
    torch, transformers, layers, width, heads, kv_heads, feed_forward, vocabulary, figure
):
    config = transformers.Qwen2Config(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=feed_forward,
        vocab_size=vocabulary,
        tie_word_embeddings=False,
    )
    built = parameters_of(torch, lambda: transformers.Qwen2ForCausalLM(config))
    kv_width = 0 if kv_heads == heads else width // heads * kv_heads

    assert arithmetic.decoder_parameters(layers, width, feed_forward, vocabulary, kv_width, True) == built == figure


@pytest.mark.parametrize(("layers", "width", "encoder_width"), [(2, 768, 2048), (1, 768, 1408), (3, 24, 40)])
def test_a_qformer_has_the_parameters_transformers_gives_it(torch, transformers, layers, width, encoder_width):
    config = transformers.Blip2QFormerConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=12,
        intermediate_size=4 * width,
        cross_attention_frequency=1,
        encoder_hidden_size=encoder_width,
        use_qformer_text_input=False,  # no word embeddings
    )
    built = parameters_of(torch, lambda: transformers.Blip2QFormerModel(config))

    assert arithmetic.qformer_parameters(layers, width, encoder_width) == built


def test_lora_has_two_thin_matrices_beside_every_adapted_one(torch, transformers):
    qwen2_7b = transformers.Qwen2Config(
        hidden_size=3584,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        intermediate_size=18_944,
        vocab_size=10,
    )

    def adapters(rank, suffixes):
        model = transformers.Qwen2Model(qwen2_7b)
        adapted = [one for name, one in model.named_modules() if name.endswith(suffixes)]
        return torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(one.in_features, rank, bias=False), torch.nn.Linear(rank, one.out_features, bias=False)
            )
            for one in adapted
        )

    attention = [[3584, 3584], [3584, 512], [3584, 512], [3584, 3584]]
    feed_forward = [[3584, 18_944], [3584, 18_944], [18_944, 3584]]

    built = parameters_of(torch, lambda: adapters(64, ("_proj",)))
    assert arithmetic.lora_parameters(64, 28, attention + feed_forward) == built == 161_480_704  # MooER
    built = parameters_of(torch, lambda: adapters(8, ("q_proj", "v_proj")))
    assert arithmetic.lora_parameters(8, 28, [[3584, 3584], [3584, 512]]) == built


def test_the_parts_of_salmonn_make_up_the_33_million_it_trains():
    # arXiv:2310.13289: "~33 million trainable parameters, ~0.24% of the parameters of the entire model"
    trained = arithmetic.total(
        [
            arithmetic.qformer_parameters(2, 768, 1280 + 768),
            arithmetic.lora_parameters(8, 40, [[5120, 5120], [5120, 5120]]),
            arithmetic.linear_parameters([768, 5120]),
            768,  # the one query
            arithmetic.norm_parameters(1280) + arithmetic.norm_parameters(768),
        ]
    )
    beats = 90_000_000
    whole = arithmetic.total(
        [
            trained,
            arithmetic.decoder_parameters(40, 5120, 13_824, 32_000),
            arithmetic.whisper_encoder_parameters(32, 1280),
            beats,
        ]
    )

    assert round(trained / 1e6) == 33
    assert round(arithmetic.share_percent(trained, whole), 2) == 0.24


# Shares, sums and places


def test_sums_products_and_means_count_what_is_there():
    assert arithmetic.total([2, 3, 4]) == len([*range(2), *range(3), *range(4)])
    assert arithmetic.product([2, 3, 4]) == len(list(itertools.product(range(2), range(3), range(4))))
    values = [4.21, 3.5, 17.98, 12.46]
    assert arithmetic.total(values) == pytest.approx(math.fsum(values))
    assert arithmetic.mean(values) == pytest.approx(float(numpy.mean(values)))


def test_a_place_is_the_one_in_a_sorted_list_and_a_tie_shares_the_better_one():
    others = [22.70, 12.46, 13.02, 12.46, 14.64]
    for value in (17.98, 12.46, 1.0, 30.0):
        assert arithmetic.place(value, others) == sorted([value, *others]).index(value) + 1


def test_shares_falls_and_ratios_lead_back_to_what_they_were_taken_of():
    for part, whole in [(3.0, 4.0), (585.0, 45_000.0), (5.0, 4.0)]:
        assert whole / 100 * arithmetic.share_percent(part, whole) == pytest.approx(part)
        assert whole * arithmetic.ratio(part, whole) == pytest.approx(part)
        fall = whole / 100 * arithmetic.drop_percent(whole, part)
        assert whole - fall == pytest.approx(part)
    assert arithmetic.drop_percent(4.0, 5.0) < 0  # a rise


@pytest.mark.parametrize(("points", "percent"), [(8, 20), (8, 25), (3, 10), (5, 200)])
def test_no_baseline_above_the_highest_gains_as_much(points, percent):
    tenths = range(1, 1001)

    highest = max(tenth for tenth in tenths if Fraction(points, 1) / Fraction(tenth, 10) >= Fraction(percent, 100))

    assert arithmetic.highest_baseline_percent(points, percent) == highest / 10


# Trees, pairs and choices


def test_nodes_of_trees_are_those_that_can_be_listed():
    for branching, depth in itertools.product((1, 2, 3, 4), range(6)):
        levels = [list(itertools.product(range(branching), repeat=level)) for level in range(depth + 1)]
        assert arithmetic.last_level_nodes(branching, depth) == len(levels[-1])
        assert arithmetic.tree_nodes(branching, depth) == sum(map(len, levels[1:]))


def test_a_beam_generates_what_a_search_that_writes_its_steps_down_does():
    draw = random.Random(0)
    for branching, depth, beam in itertools.product((1, 2, 3, 5), (0, 1, 2, 5), (1, 2, 3, 7)):
        written_down, carried_on = [], [()]
        for _ in range(depth):
            children = [(*path, step) for path in carried_on for step in range(branching)]
            written_down += children
            carried_on = sorted(children, key=lambda _: draw.random())[:beam]
        assert arithmetic.beam_nodes(branching, depth, beam) == len(written_down)


def test_pairs_are_those_that_can_be_listed():
    for count in range(9):
        assert arithmetic.unordered_pairs(count) == len(list(itertools.combinations(range(count), 2)))


def test_candidates_kept_are_the_fewest_that_make_up_the_share():
    for percent, vocabulary in itertools.product((1, 2, 7, 14, 28, 50, 99, 100), (1, 10, 100, 1000, 1024, 8192)):
        fewest = next(kept for kept in range(vocabulary + 1) if Fraction(kept, vocabulary) * 100 >= percent)
        assert arithmetic.kept_candidates(percent / 100, vocabulary) == fewest, (percent, vocabulary)


def test_edits_of_a_prompt_are_those_that_can_be_made():
    for components, sentences, rephrasings in itertools.product((0, 1, 3), (0, 1, 2, 4), (0, 1, 2)):
        prompt = [f"sentence {number}" for number in range(sentences)]
        made = set()
        for place, component in itertools.product(range(sentences + 1), range(components)):
            made.add((*prompt[:place], f"component {component}", *prompt[place:]))
        for place in range(sentences):
            made.add((*prompt[:place], *prompt[place + 1 :]))
            for number in range(rephrasings):
                made.add((*prompt[:place], f"{prompt[place]}, rephrased {number}", *prompt[place + 1 :]))
            for other in range(sentences):
                swapped = list(prompt)
                swapped[place], swapped[other] = swapped[other], swapped[place]
                made.add(tuple(swapped))
        made.discard(tuple(prompt))
        assert arithmetic.edit_candidates(components, sentences, rephrasings) == len(made)


# Streams of tokens


def emitted(layout, frames, codebooks):
    """Return what each step of a layout holds, as (frame, level)."""

    def late(delays):
        waiting = {(frame + delay, frame, level) for level, delay in enumerate(delays) for frame in range(frames)}
        last = max(step for step, _, _ in waiting)
        return [{(t, k) for at, t, k in waiting if at == step} for step in range(last + 1)]

    times, levels = range(frames), range(codebooks)
    return {
        "flattened": lambda: [{(t, k)} for t in times for k in levels],
        "coarse_first": lambda: [{(t, k)} for k in levels for t in times],
        "parallel": lambda: [{(t, k) for k in levels} for t in times],
        "delay": lambda: late(levels),
        "valle": lambda: [{(t, 0)} for t in times] + [{(t, k) for t in times} for k in levels[1:]],
        "moshi": lambda: late([0] + [1] * (codebooks - 1)),
    }[layout]()


@pytest.mark.parametrize("layout", ["flattened", "coarse_first", "parallel", "delay", "valle", "moshi"])
def test_a_layout_takes_the_steps_of_a_stream_written_out(layout):
    for frames, codebooks in itertools.product((1, 2, 3, 7), (1, 2, 3, 5)):
        steps = emitted(layout, frames, codebooks)
        codes = list(itertools.chain(*steps))
        assert sorted(codes) == list(itertools.product(range(frames), range(codebooks)))
        complete = max(step for step, held in enumerate(steps, 1) if any(frame == 0 for frame, _ in held))

        found = arithmetic.layout_steps(frames, codebooks, layout)

        assert found == (len(steps), complete), (frames, codebooks)
        if layout == "delay":
            assert arithmetic.delayed_steps(frames, codebooks) == len(steps)


def test_interleaved_audio_stands_where_a_stream_written_out_has_it():
    for text_block, audio_block in [(13, 26), (0, 5), (1, 1), (4, 3)]:
        blocks = itertools.cycle(["text"] * text_block + ["audio"] * audio_block)
        heard = 0
        for step, kind in enumerate(itertools.islice(blocks, 300), 1):
            if kind == "audio":
                heard += 1
                assert arithmetic.interleaved_steps(heard, text_block, audio_block) == step


def test_glm_4_voice_has_heard_tokens_only_after_its_text():
    # web_demo.py of THUDM/GLM-4-Voice: 13 text tokens, 26 audio tokens, decoding begins at 25
    assert arithmetic.interleaved_steps(25, 13, 26) == 38
    assert arithmetic.interleaved_steps(27, 13, 26) == 53


@pytest.mark.parametrize(("frame_rate_hz", "text_block", "audio_block"), [(12.5, 13, 26), (50.0, 0, 7), (25.0, 5, 3)])
def test_a_stream_at_the_interleaved_rate_writes_as_fast_as_it_is_heard(frame_rate_hz, text_block, audio_block):
    stream = (["text"] * text_block + ["audio"] * audio_block) * 100
    heard_seconds = stream.count("audio") / frame_rate_hz

    rate_hz = arithmetic.interleaved_rate_hz(frame_rate_hz, text_block, audio_block)

    assert len(stream) / rate_hz == pytest.approx(heard_seconds)


def test_codes_behind_a_text_vocabulary_stand_where_one_long_vocabulary_has_them():
    vocabulary = [f"word {number}" for number in range(11)]
    vocabulary += [f"layer {layer}, code {code}" for layer in range(3) for code in range(5)]

    for layer, code in itertools.product(range(3), range(5)):
        assert arithmetic.shifted_id(code, layer, 11, 5) == vocabulary.index(f"layer {layer}, code {code}")


def test_amounts_of_speech_are_what_the_calendar_says():
    hours = arithmetic.hours_of_speech(15e12, 6000.0)
    year = timedelta(days=365, hours=6)

    assert hours * 6000 == 15e12
    assert arithmetic.years_of_speech(15e12, 6000.0) == pytest.approx(timedelta(hours=hours) / year)
    spoken = timedelta(hours=1e6).total_seconds()
    assert arithmetic.tokens_per_second_of_speech(6e9, 1e6) * spoken == pytest.approx(6e9)


# Functions of one number


def test_the_distillation_loss_is_minus_the_log_of_a_sigmoid(torch):
    for cosine in (-1.0, -0.3, 0.0, 0.25, 1.0):
        logsigmoid = torch.nn.functional.logsigmoid(torch.tensor(cosine, dtype=torch.float64))
        assert arithmetic.distillation_loss(cosine) == pytest.approx(-float(logsigmoid))


@pytest.mark.parametrize(("probability", "span"), [(0.065, 10), (0.08, 10), (0.3, 2), (0.5, 1), (0.2, 0)])
def test_as_many_frames_are_masked_as_when_spans_are_drawn(torch, probability, span):
    starts = torch.rand(2_000_000, generator=torch.Generator().manual_seed(0)) < probability
    covered = torch.zeros_like(starts)
    for later in range(span):
        covered |= starts.roll(later)

    # Where spans are longest, the share of covered frames deviates by about 0.1 points.
    drawn = 100 * float(covered.double().mean())
    assert arithmetic.masked_share_percent(probability, span) == pytest.approx(drawn, abs=0.4)


def test_shares_of_a_normal_distribution_are_those_of_torch(torch):
    for lower, upper in [(-1, 1), (-2, 2), (-3, 3), (1, 2), (2, 40), (0.5, 0.5), (-math.inf, 0)]:
        below = torch.special.ndtr(torch.tensor([lower, upper], dtype=torch.float64))
        assert arithmetic.normal_share_percent(lower, upper) == pytest.approx(100 * float(below.diff()), abs=1e-9)


def test_decibels_are_those_of_transformers(transformers):
    from transformers.audio_utils import amplitude_to_db

    for ratio in (2.0, 0.1, 1.0, 1000.0):
        assert arithmetic.amplitude_ratio_db(ratio) == pytest.approx(float(amplitude_to_db(numpy.array([ratio]))[0]))


@pytest.mark.parametrize(
    ("first", "last", "step"),
    [("0", "30", "0.01"), ("0", "1", "0.1"), ("0.1", "0.7", "0.3"), ("-1", "1", "0.5"), ("5", "5", "2")],
)
def test_a_grid_has_the_points_one_meets_on_the_way(first, last, step):
    points, point = 0, Decimal(first)
    while point <= Decimal(last):
        points, point = points + 1, point + Decimal(step)

    assert arithmetic.grid_points(float(first), float(last), float(step)) == points


# The demonstration


def test_the_demo_meets_every_bit_rate_to_the_digits_its_authors_print():
    shown = arithmetic.demo()

    assert json.loads(json.dumps(shown)) == shown
    printed = {
        ("EnCodec 24 kHz", 2): "1.5",
        ("EnCodec 24 kHz", 8): "6",
        ("EnCodec 24 kHz", 32): "24",
        ("Mimi", 8): "1.1",
        ("DAC 44.1 kHz", 9): "8",
        ("SNAC 24 kHz", 7): "0.98",
        ("MusicGen's EnCodec", 4): "2.2",
        ("SpeechTokenizer", 8): "4",
        ("GLM-4-Voice", 1): "0.175",
    }
    assert {(row["codec"], row["n_q"]) for row in shown["rows"]} == set(printed)
    for row in shown["rows"]:
        figure = printed[row["codec"], row["n_q"]]
        assert row["published_kbps"] == float(figure)
        assert f"{row['kbps']:.{max(0, -Decimal(figure).as_tuple().exponent)}f}" == figure
    assert next(row for row in shown["rows"] if row["n_q"] == 9) == {
        "codec": "DAC 44.1 kHz",
        "frame_rate_hz": 86.133,
        "codebook_size": 1024,
        "n_q": 9,
        "tokens_per_second": 775.2,
        "kbps": 7.752,
        "published_kbps": 8.0,
    }
    assert shown["remarks"] == ["9 of 9 bit rates, so rounded, are the published ones."]


def test_the_demo_says_so_when_a_bit_rate_is_not_the_published_one(monkeypatch):
    monkeypatch.setattr(arithmetic, "PUBLISHED", [("true", 50.0, 1024, 8, "4"), ("false", 50.0, 1024, 8, "4.1")])

    assert arithmetic.demo()["remarks"] == ["1 of 2 bit rates, so rounded, are the published ones."]
