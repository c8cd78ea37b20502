"""The arithmetic behind what papers say of rates, windows, parameters and search: one small function a figure.

Long because there are many figures, each a few lines and on its own.
Source: named at each function. Left out: everything that needs a model or data; only the standard library is used.
Oracle: parameter counts equal those of the models transformers builds; rates equal the published ones.
Ties: halves are rounded as Python's round does it; floor and ceil are said where they happen.
Notation: n_q quantizers (levels of codes per frame), units at the end of a name: _hz, _bps, _ms.
"""

import math
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

HOURS_PER_YEAR = 8766  # 365.25 days


def bits_per_token(codebook_size: int) -> float:
    """Return log2 of the codebook's size: 4096 codewords -> 12 bits."""
    _at_least(1, codebook_size=codebook_size)
    return math.log2(codebook_size)


def hop_length(strides: list[int]) -> int:
    """Return the samples between two frames of an encoder: strides 8, 5, 4, 2 -> 320 (SEANet, arXiv:2009.02095)."""
    _each_at_least(1, strides=strides)
    return math.prod(strides)


def frame_rate_hz(sample_rate_hz: float, strides: list[int]) -> float:
    """Return frames a second: 16,000 Hz with strides 8, 5, 4, 2 -> 50 Hz."""
    _above(0, sample_rate_hz=sample_rate_hz)
    return sample_rate_hz / hop_length(strides)


def tokens_per_second(frame_rate_hz: float, n_q: int = 1) -> float:
    """Return codes a second: 11.72 Hz with 7 codes a frame -> 82.03 (SNAC, arXiv:2410.14411)."""
    _above(0, frame_rate_hz=frame_rate_hz)
    _at_least(1, n_q=n_q)
    return frame_rate_hz * n_q


def bit_rate_bps(frame_rate_hz: float, codebook_size: int, n_q: int = 1) -> float:
    """Return n_q x log2(codebook_size) x frame rate: 75 Hz, 1024, 8 -> 6,000 bit/s (EnCodec, arXiv:2210.13438)."""
    return tokens_per_second(frame_rate_hz, n_q) * bits_per_token(codebook_size)


def bit_rate_kbps(frame_rate_hz: float, codebook_size: int, n_q: int = 1) -> float:
    """Return bit_rate_bps in thousands of bits."""
    return bit_rate_bps(frame_rate_hz, codebook_size, n_q) / 1000


def implied_token_rate_hz(bit_rate_bps: float, bits_per_token: float) -> float:
    """Return tokens a second that a bit rate stands for: 150 bit/s at 36 bits a token -> 4.17."""
    _above(0, bit_rate_bps=bit_rate_bps, bits_per_token=bits_per_token)
    return bit_rate_bps / bits_per_token


def samples(seconds: float, sample_rate_hz: float) -> int:
    """Return how many samples a recording has: 60 s at 8,000 Hz -> 480,000."""
    _above(0, seconds=seconds, sample_rate_hz=sample_rate_hz)
    return round(seconds * sample_rate_hz)


def frames(seconds: float, frame_rate_hz: float) -> int:
    """Return whole frames in a recording: 30 s at 50 Hz -> 1,500."""
    _above(0, seconds=seconds, frame_rate_hz=frame_rate_hz)
    return math.floor(_whole_if_near(seconds * frame_rate_hz))


def duration_ms(count: float, rate_hz: float) -> float:
    """Return how long count samples, frames or tokens last: 10 tokens at 12.5 Hz -> 800 ms."""
    _at_least(0, count=count)
    _above(0, rate_hz=rate_hz)
    return 1000 * count / rate_hz


def chunk_ms(size_bytes: int, bytes_per_sample: int, sample_rate_hz: float) -> float:
    """Return how long a chunk of raw audio lasts: 2,048 bytes of float32 at 16 kHz -> 32 ms."""
    _at_least(0, size_bytes=size_bytes)
    _at_least(1, bytes_per_sample=bytes_per_sample)
    _above(0, sample_rate_hz=sample_rate_hz)
    return duration_ms(size_bytes / bytes_per_sample, sample_rate_hz)


def spacing_ms(hop_ms: float, factors: list[int]) -> float:
    """Return the time between two outputs of stacked subsampling: 10 ms, by 6 and by 2 -> 120 ms."""
    _above(0, hop_ms=hop_ms)
    _each_at_least(1, factors=factors)
    return hop_ms * math.prod(factors)


def subsampled(count: int, factors: list[int]) -> int:
    """Return what is left of count frames after each factor in turn, a started group counting: 3000 by 2, 2 -> 750."""
    _at_least(0, count=count)
    _each_at_least(1, factors=factors)
    for factor in factors:
        count = math.ceil(count / factor)
    return count


def spectrogram_frames(seconds: float, window_ms: float, hop_ms: float) -> int:
    """Return the windows that fit without padding: 30 s, 25 ms, 10 ms -> 2,998 (Kaldi's fbank, snip_edges)."""
    _above(0, seconds=seconds, window_ms=window_ms, hop_ms=hop_ms)
    return max(0, math.floor(_whole_if_near((1000 * seconds - window_ms) / hop_ms)) + 1)


def patches(
    height: int, width: int, patch_height: int, patch_width: int, overlap_height: int = 0, overlap_width: int = 0
) -> int:
    """Return the whole patches of a spectrogram: 2,998 x 128 by 16 x 16 -> 187 x 8 = 1,496 (BEATs, arXiv:2212.09058).

    Neighbours may overlap: 256 x 16 by 4 x 1, two rows in common -> 2,032 (QA-MDT, arXiv:2405.15863).
    """
    _at_least(0, height=height, width=width, overlap_height=overlap_height, overlap_width=overlap_width)
    _at_least(overlap_height + 1, patch_height=patch_height)
    _at_least(overlap_width + 1, patch_width=patch_width)
    rows = max(0, height - overlap_height) // (patch_height - overlap_height)
    return rows * (max(0, width - overlap_width) // (patch_width - overlap_width))


def latent_values(frames: int, bands: int, downsampling: int, channels: int) -> int:
    """Return the numbers a spectrogram's latent holds: 1,024 x 64 by 4 with 8 channels -> 32,768.

    AudioLDM's variational autoencoder makes both sides shorter (arXiv:2301.12503).
    """
    _at_least(0, frames=frames, bands=bands)
    _at_least(1, downsampling=downsampling, channels=channels)
    return channels * (frames // downsampling) * (bands // downsampling)


def window_tokens(frames: int, window: int, queries: int = 1, last_window: str = "padded") -> int:
    """Return the tokens of a window-level Q-Former (SALMONN, section 3.1, arXiv:2310.13289).

    last_window "padded" counts a started window, ceil(frames / window) x queries: 1,500 by 17 -> 89;
    "dropped" does not, floor(frames / window) x queries -> 88.
    """
    _at_least(0, frames=frames)
    _at_least(1, window=window, queries=queries)
    if last_window not in ("padded", "dropped"):
        raise ValueError(f"last_window should be 'padded' or 'dropped', got {last_window!r}")
    whole, rest = divmod(frames, window)
    return (whole + (last_window == "padded" and rest > 0)) * queries


def frames_left_over(frames: int, window: int) -> int:
    """Return the frames after the last whole window: 1,500 by 17 -> 4."""
    _at_least(0, frames=frames)
    _at_least(1, window=window)
    return frames % window


def linear_parameters(widths: list[int], bias: bool = True) -> int:
    """Return the parameters of linear layers in a row: widths 1024, 2048, 3584 -> 9,442,816."""
    _each_at_least(1, length=2, widths=widths)
    return sum(before * after + (after if bias else 0) for before, after in pairwise(widths))


def norm_parameters(width: int, count: int = 1) -> int:
    """Return scale and shift of count LayerNorms."""
    _at_least(1, width=width, count=count)
    return 2 * width * count


def whisper_encoder_parameters(layers: int, width: int, mel_bands: int = 80, positions: int = 1500) -> int:
    """Return the parameters of Whisper's encoder (arXiv:2212.04356): 32 layers of 1280 -> 636,784,640.

    Two convolutions of width 3, the table of positions, and layers whose keys alone have no bias.
    """
    _at_least(1, layers=layers, width=width, mel_bands=mel_bands, positions=positions)
    convolutions = (3 * mel_bands + 1) * width + (3 * width + 1) * width
    attention = linear_parameters([width, width]) * 4 - width
    feed_forward = linear_parameters([width, 4 * width, width])
    layer = attention + feed_forward + norm_parameters(width, 2)
    return convolutions + positions * width + layers * layer + norm_parameters(width)


def decoder_parameters(
    layers: int, width: int, feed_forward: int, vocabulary: int, kv_width: int = 0, qkv_bias: bool = False
) -> int:
    """Return the parameters of a LLaMA-like language model with its own output matrix (arXiv:2302.13971).

    40 layers of 5120, 13,824 and 32,000 words -> 13,015,864,320 (LLaMA and Vicuna 13B). kv_width is that of keys and
    values where queries share them, 0 for width; Qwen has qkv_bias.
    """
    _at_least(1, layers=layers, width=width, feed_forward=feed_forward, vocabulary=vocabulary)
    _at_least(0, kv_width=kv_width)
    kv_width = kv_width or width
    queries, output = linear_parameters([width, width], qkv_bias), linear_parameters([width, width], False)
    keys_and_values = 2 * linear_parameters([width, kv_width], qkv_bias)
    gated = 3 * width * feed_forward
    layer = queries + keys_and_values + output + gated + 2 * width
    return 2 * vocabulary * width + layers * layer + width


def qformer_parameters(layers: int, width: int, encoder_width: int) -> int:
    """Return the parameters of a Q-Former with cross-attention in every layer and no word embeddings.

    2 layers of 768 over an encoder of 2048 -> 22,837,248 (SALMONN; Q-Former: BLIP-2, arXiv:2301.12597).
    """
    _at_least(1, layers=layers, width=width, encoder_width=encoder_width)
    self_attention = 4 * linear_parameters([width, width]) + norm_parameters(width)
    cross_attention = (
        2 * linear_parameters([width, width]) + 2 * linear_parameters([encoder_width, width]) + norm_parameters(width)
    )
    feed_forward = linear_parameters([width, 4 * width, width]) + norm_parameters(width)
    return layers * (self_attention + cross_attention + feed_forward) + norm_parameters(width)


def lora_parameters(rank: int, layers: int, shapes: list[list[int]]) -> int:
    """Return rank x (inputs + outputs) over the adapted matrices [inputs, outputs] of each layer (arXiv:2106.09685).

    Rank 8 on queries and values of 40 layers of 5120 -> 6,553,600.
    """
    _at_least(1, rank=rank, layers=layers)
    if not shapes or any(len(shape) != 2 or min(shape) < 1 for shape in shapes):
        raise ValueError(f"shapes should be pairs [inputs, outputs] of 1 or more, got {shapes}")
    return rank * layers * sum(inputs + outputs for inputs, outputs in shapes)


def lora_scaling(alpha: float, rank: int) -> float:
    """Return what a LoRA update is multiplied by: alpha 32, rank 8 -> 4."""
    _above(0, alpha=alpha)
    _at_least(1, rank=rank)
    return alpha / rank


def share_percent(part: float, whole: float) -> float:
    """Return part in percent of whole."""
    _above(0, whole=whole)
    return 100 * part / whole


def total(parts: list[float]) -> float:
    """Return the sum of the parts of a mixture, of passes, of parameters: 89, 6, 5 -> 100."""
    _numbers(parts=parts)
    return sum(parts)


def product(factors: list[float]) -> float:
    """Return the factors multiplied: 12,000 questions with 5 pairs each -> 60,000."""
    _numbers(factors=factors)
    return math.prod(factors)


def mean(values: list[float]) -> float:
    """Return the arithmetic mean, as of an error rate over test sets."""
    _numbers(values=values)
    return fmean(values)


def place(value: float, others: list[float]) -> int:
    """Return the place of an error rate among others, the lowest first: 4.21 among 3.5, 5.0 -> 2."""
    _numbers(value=[value], others=others)
    return 1 + sum(other < value for other in others)


def drop_percent(before: float, after: float) -> float:
    """Return by how much of itself a number fell: 4.21, 3.50 -> 16.86."""
    _above(0, before=before)
    return share_percent(before - after, before)


def ratio(part: float, whole: float) -> float:
    """Return part / whole: 5,000 h of speech in 38 h -> 131.6 times real time."""
    _above(0, whole=whole)
    return part / whole


def highest_baseline_percent(gain_points: float, gain_percent: float) -> float:
    """Return the most a baseline can have if gain_points are at least gain_percent of it: 8 points, 20 % -> 40."""
    _above(0, gain_points=gain_points, gain_percent=gain_percent)
    return 100 * gain_points / gain_percent


def last_level_nodes(branching: int, depth: int) -> int:
    """Return branching ** depth: 3 steps each, depth 10 -> 59,049."""
    _at_least(1, branching=branching)
    _at_least(0, depth=depth)
    return int(branching**depth)


def tree_nodes(branching: int, depth: int) -> int:
    """Return the nodes of all levels below the root: 3, 10 -> 88,572."""
    _at_least(0, depth=depth)
    return sum(last_level_nodes(branching, level) for level in range(1, depth + 1))


def beam_nodes(branching: int, depth: int, beam: int) -> int:
    """Return the steps generated when only the best `beam` of a level are carried on: 3, 10, 3 -> 84."""
    _at_least(1, branching=branching, beam=beam)
    _at_least(0, depth=depth)
    generated, kept = 0, 1
    for _ in range(depth):
        generated += kept * branching
        kept = min(beam, kept * branching)
    return generated


def unordered_pairs(count: int) -> int:
    """Return how many pairs count things form: 3 -> 3."""
    _at_least(0, count=count)
    return math.comb(count, 2)


def kept_candidates(share: float, vocabulary: int) -> int:
    """Return how many words a sampler that keeps a share of them leaves, a started one counting: 0.02, 1024 -> 21."""
    _above(0, share=share)
    _between(0, 1, share=share)
    _at_least(1, vocabulary=vocabulary)
    return math.ceil(_whole_if_near(share * vocabulary))


def delayed_steps(frames: int, codebooks: int) -> int:
    """Return the steps of frames whose codebooks are each one step later: 1,500 with 4 -> 1,503.

    MusicGen, section 2.2 (arXiv:2306.05284): frames + codebooks - 1.
    """
    _at_least(1, frames=frames, codebooks=codebooks)
    return frames + codebooks - 1


class LayoutSteps(NamedTuple):
    """How long a token stream is, and when its first frame is complete."""

    steps: int
    first_frame: int  # step, counted from 1


def layout_steps(frames: int, codebooks: int, layout: str) -> LayoutSteps:
    """Return the steps of T frames of K codes in a layout of MusicGen, section 2.2 (arXiv:2306.05284), and others.

    "flattened", all codes of a frame one after the other; "coarse_first", a whole level after the other; "parallel",
    a frame a step; "delay", level k after k steps; "valle", level 0 step by step, each further level in one pass
    (arXiv:2301.02111); "moshi", all levels but the first after one step (arXiv:2410.00037).
    """
    _at_least(1, frames=frames, codebooks=codebooks)
    later = codebooks - 1
    known = {
        "flattened": LayoutSteps(frames * codebooks, codebooks),
        "coarse_first": LayoutSteps(frames * codebooks, frames * later + 1),
        "parallel": LayoutSteps(frames, 1),
        "delay": LayoutSteps(frames + later, codebooks),
        "valle": LayoutSteps(frames + later, frames + later if later else 1),
        "moshi": LayoutSteps(frames + min(1, later), 1 + min(1, later)),
    }
    if layout not in known:
        raise ValueError(f"layout should be one of {', '.join(known)}, got {layout!r}")
    return known[layout]


def interleaved_steps(audio_tokens: int, text_block: int, audio_block: int) -> int:
    """Return the steps until audio_tokens stand in a stream of text and audio blocks in turn, text first.

    10 audio tokens with blocks of 13 and 26 (GLM-4-Voice's released demo) -> 23.
    """
    _at_least(1, audio_tokens=audio_tokens, audio_block=audio_block)
    _at_least(0, text_block=text_block)
    return audio_tokens + text_block * math.ceil(audio_tokens / audio_block)


def interleaved_rate_hz(frame_rate_hz: float, text_block: int, audio_block: int) -> float:
    """Return the tokens a second a model must write so that interleaved speech keeps up: 12.5 Hz, 13, 26 -> 18.75."""
    _above(0, frame_rate_hz=frame_rate_hz)
    _at_least(0, text_block=text_block)
    _at_least(1, audio_block=audio_block)
    return frame_rate_hz * (text_block + audio_block) / audio_block


def hours_of_speech(tokens: float, tokens_per_hour: float) -> float:
    """Return how much speech a number of tokens stands for: 15e12 at 6,000 an hour -> 2.5e9 hours."""
    _at_least(0, tokens=tokens)
    _above(0, tokens_per_hour=tokens_per_hour)
    return tokens / tokens_per_hour


def years_of_speech(tokens: float, tokens_per_hour: float) -> float:
    """Return hours_of_speech in years of 365.25 days: 15e12 at 6,000 an hour -> 285,193."""
    return hours_of_speech(tokens, tokens_per_hour) / HOURS_PER_YEAR


def tokens_per_second_of_speech(tokens: float, hours: float) -> float:
    """Return tokens / seconds: 6e9 tokens over 1e6 hours -> 1.67."""
    _at_least(0, tokens=tokens)
    _above(0, hours=hours)
    return tokens / (hours * 3600)


def distillation_loss(cosine: float) -> float:
    """Return -log(sigmoid(cosine)), the loss of SpeechTokenizer and DM-Codec: 1 -> 0.3133, 0 -> 0.6931."""
    _between(-1, 1, cosine=cosine)
    return math.log1p(math.exp(-cosine))


def masked_share_percent(start_probability: float, span: int) -> float:
    """Return the frames covered by spans that begin anywhere with a probability: 1 - (1 - p)^span, in percent.

    wav2vec 2.0 (arXiv:2006.11477): 0.065 and 10 -> 48.9, the paper's "approximately 49 %".
    """
    _between(0, 1, start_probability=start_probability)
    _at_least(0, span=span)
    return 100 * (1 - (1 - start_probability) ** span)


def normal_share_percent(lower_sigmas: float, upper_sigmas: float) -> float:
    """Return how much of a normal distribution lies between two multiples of its deviation: -1, 1 -> 68.27."""
    _at_least(lower_sigmas, upper_sigmas=upper_sigmas)
    return 100 * (NormalDist().cdf(upper_sigmas) - NormalDist().cdf(lower_sigmas))


def amplitude_ratio_db(ratio: float) -> float:
    """Return an amplitude ratio in decibels: 2, one bit more in each dimension -> 6.02."""
    _above(0, ratio=ratio)
    return 20 * math.log10(ratio)


def edit_candidates(components: int, sentences: int, rephrasings: int) -> int:
    """Return the prompts one round of SPRIG's edits offers (arXiv:2410.14826), for n sentences.

    Adding any component at any place, rephrasing, swapping two and deleting one:
    components x (n + 1) + rephrasings x n + n (n - 1) / 2 + n.
    """
    _at_least(0, components=components, sentences=sentences, rephrasings=rephrasings)
    add, rephrase = components * (sentences + 1), rephrasings * sentences
    return add + rephrase + unordered_pairs(sentences) + sentences


def shifted_id(token: int, layer: int, text_vocabulary: int, layer_vocabulary: int) -> int:
    """Return a code's place in one vocabulary behind the text: 0 of layer 1 after 152,000 with 4,160 -> 156,160."""
    _at_least(0, layer=layer, text_vocabulary=text_vocabulary)
    _at_least(1, layer_vocabulary=layer_vocabulary)
    _between(0, layer_vocabulary - 1, token=token)
    return text_vocabulary + layer * layer_vocabulary + token


def grid_points(first: float, last: float, step: float) -> int:
    """Return how many values a grid has, both ends included: 0 to 30 by 0.01 -> 3,001."""
    _above(-math.inf, first=first, last=last)
    _above(0, step=step)
    _at_least(first, last=last)
    steps = _whole_if_near((last - first) / step)
    if steps != round(steps):
        raise ValueError(f"step should lead from first {first} to last {last}, got {step}")
    return round(steps) + 1


def _whole_if_near(value: float) -> float:
    """Return value, or the whole number that rounding has kept it from being: 0.07 x 100 -> 7."""
    nearest = round(value)
    return nearest if math.isclose(value, nearest, rel_tol=1e-12, abs_tol=1e-9) else value


def _at_least(least: float, **values: float) -> None:
    for name, value in values.items():
        if not value >= least:  # nor a NaN
            raise ValueError(f"{name} should be {least} or more, got {value}")


def _above(bound: float, **values: float) -> None:
    for name, value in values.items():
        if not bound < value < math.inf:
            raise ValueError(f"{name} should be above {bound}, got {value}")


def _between(least: float, most: float, **values: float) -> None:
    for name, value in values.items():
        if not least <= value <= most:
            raise ValueError(f"{name} should be from {least} to {most}, got {value}")


def _each_at_least(least: int, length: int = 1, **lists: list[int]) -> None:
    for name, values in lists.items():
        if len(values) < length or min(values) < least:
            raise ValueError(f"{name} should be {length} or more numbers from {least} up, got {values}")


def _numbers(**lists: list[float]) -> None:
    for name, values in lists.items():
        if not values or not all(map(math.isfinite, values)):
            raise ValueError(f"{name} should be one or more finite numbers, got {values}")


PUBLISHED = (  # codec, frame rate in Hz, codebook size, levels, bit rate in kbps as its authors print it
    ("EnCodec 24 kHz", 75.0, 1024, 2, "1.5"),  # arXiv:2210.13438
    ("EnCodec 24 kHz", 75.0, 1024, 8, "6"),
    ("EnCodec 24 kHz", 75.0, 1024, 32, "24"),
    ("Mimi", 12.5, 2048, 8, "1.1"),  # arXiv:2410.00037
    ("DAC 44.1 kHz", 44_100 / 512, 1024, 9, "8"),  # arXiv:2306.06546
    ("SNAC 24 kHz", 24_000 / 2048, 4096, 7, "0.98"),  # model card of hubertsiuzdak/snac_24khz
    ("MusicGen's EnCodec", 50.0, 2048, 4, "2.2"),  # configuration of facebook/encodec_32khz
    ("SpeechTokenizer", 50.0, 1024, 8, "4"),  # README of Moshi
    ("GLM-4-Voice", 12.5, 16_384, 1, "0.175"),  # arXiv:2412.02612, as 175 bps
)

FIGURES = (
    bits_per_token,
    hop_length,
    frame_rate_hz,
    tokens_per_second,
    bit_rate_bps,
    bit_rate_kbps,
    implied_token_rate_hz,
    samples,
    frames,
    duration_ms,
    chunk_ms,
    spacing_ms,
    subsampled,
    spectrogram_frames,
    patches,
    latent_values,
    window_tokens,
    frames_left_over,
    linear_parameters,
    norm_parameters,
    whisper_encoder_parameters,
    decoder_parameters,
    qformer_parameters,
    lora_parameters,
    lora_scaling,
    share_percent,
    total,
    product,
    mean,
    place,
    drop_percent,
    ratio,
    highest_baseline_percent,
    last_level_nodes,
    tree_nodes,
    beam_nodes,
    unordered_pairs,
    kept_candidates,
    delayed_steps,
    layout_steps,
    interleaved_steps,
    interleaved_rate_hz,
    hours_of_speech,
    years_of_speech,
    tokens_per_second_of_speech,
    distillation_loss,
    masked_share_percent,
    normal_share_percent,
    amplitude_ratio_db,
    edit_candidates,
    shifted_id,
    grid_points,
)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0) -> dict[str, Any]:
    """Compute the bit rates of published codecs and put them beside the figures their authors give.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
    """
    rows = [
        {
            "codec": codec,
            "frame_rate_hz": round(rate_hz, 3),
            "codebook_size": size,
            "n_q": n_q,
            "tokens_per_second": round(tokens_per_second(rate_hz, n_q), 2),
            "kbps": round(bit_rate_kbps(rate_hz, size, n_q), 3),
            "published_kbps": float(published),
        }
        for codec, rate_hz, size, n_q, published in PUBLISHED
    ]
    equal = sum(
        f"{row['kbps']:.{len(published.partition('.')[2])}f}" == published
        for row, (*_, published) in zip(rows, PUBLISHED, strict=True)
    )
    return {"rows": rows, "remarks": [f"{equal} of {len(rows)} bit rates, so rounded, are the published ones."]}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds; device is not used."""
    levels = sum(last_level_nodes(3, depth) for depth in range(1, 11))
    layouts = {layout: layout_steps(375, 8, layout).steps for layout in ("flattened", "parallel", "delay")}
    return [
        ("EnCodec's 8 codebooks at 75 Hz are 6 kbps.", bit_rate_kbps(75, 1024, 8) == 6),
        ("1,500 frames in windows of 17 are 89 with the last one padded.", window_tokens(1500, 17) == 89),
        ("They are 88 with it dropped.", window_tokens(1500, 17, last_window="dropped") == 88),
        ("A tree has the nodes of its levels.", tree_nodes(3, 10) == levels),
        ("A beam that holds every node prunes none.", beam_nodes(3, 6, 3**6) == tree_nodes(3, 6)),
        ("A delay is a step a level.", layouts == {"flattened": 3000, "parallel": 375, "delay": 382}),
        ("Whisper's large encoder has 636,784,640 parameters.", whisper_encoder_parameters(32, 1280) == 636_784_640),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The bit rates of published codecs.", demo, checks)


if __name__ == "__main__":
    main()
