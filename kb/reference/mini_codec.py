"""A toy neural codec: SEANet and residual quantization, trained in half a minute, streaming, at eight bit rates.

Its 0.6 million weights have heard two minutes of one kind of sound. It shows how the parts work together and
what each level of codes adds, not how good such codecs are: it learns the vowels, not the hiss.

Long because training, streaming and measuring one codec stand together.

Source: SoundStream (arXiv:2107.03312) and EnCodec (arXiv:2210.13438), whose parts stand in files of their own that
    this one is built of: seanet, rvq, codec_losses, codec_metrics, synthetic_speech.
Left out: discriminators, with them all that sounds better than it measures; entropy coding; the balancer of losses.
    Otherwise than there: the waveform loss is the error's share of the waveform, which brings SI-SDR sooner than L1;
    codebooks follow by gradient, as in VQ-VAE (arXiv:1711.00937) and DAC, and begin after a fifth of the training.
Oracle: none for the whole. The parts have theirs; here, streaming equals offline to 1e-5, every level helps.
Ties: as in rvq. A latent just between two codewords may fall otherwise in a stream, whose rounding is another.
Dtype: float32. A seed repeats a training on the same machine, not on another: the sums round differently.
Notation: B batch, K codebooks (levels), T frames, D dimension, V codebook size, N samples.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference import codec_losses, codec_metrics, rvq, seanet, synthetic_speech
from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

SAMPLE_RATE_HZ = synthetic_speech.SAMPLE_RATE_HZ
PIECE_SECONDS, PIECES, HELD_OUT_PIECES = 2, 60, 12  # of speech to train on and to judge by
BATCH, CROP = 4, 25  # crops, and frames in one: half a second
PLAIN = 0.2  # share of the steps before there are codebooks: k-means wants latents that have settled
LEARNING_RATE, LAST_SHARE, WARM_UP, BETAS = 3e-3, 0.05, 20, (0.8, 0.9)  # a cosine after 20 steps; AdamW
WINDOWS = (256, 1024)  # samples, of the log mel loss
SPECTRAL, COMMITMENT = 0.1, 0.25  # weights of losses; those of waveform and codebooks are 1
CUT_SHORT = 0.5  # share of the items that quantizer dropout takes levels from
SILENCE = 0.1  # the norm of a batch counts as this or more; speech has about 25


class Codec(NamedTuple):
    """What is trained."""

    net: seanet.Seanet
    codebooks: Tensor  # [K, V, D]


def encode(codec: Codec, waveform: Tensor, n_q: int | None = None, past: seanet.Past | None = None) -> Tensor:
    """Return codes [B, n_q, T] for a waveform [B, N] of whole frames; with past, for the next chunk of a stream."""
    with torch.no_grad():
        return rvq.encode(codec.net.encode(waveform, past), codec.codebooks, n_q)


def decode(codec: Codec, codes: Tensor, past: seanet.Past | None = None) -> Tensor:
    """Return the waveform [B, N] for codes [B, n_q, T]; the fewer levels, the coarser."""
    with torch.no_grad():
        return codec.net.decode(rvq.decode(codes, codec.codebooks), past)


def quantize(latents: Tensor, codebooks: Tensor, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return latents as the decoder gets them in training, the commitment loss, and the loss of the codebooks.

    Codewords are constants to the latents: the commitment of every level reaches the encoder, and around all levels
    the decoder's gradient goes straight through. Latents are constants to the codebooks, which follow them.

    Args:
        latents: [B, D, T].
        codebooks: [K, V, D].
        kept: [B], levels that count of each item (quantizer dropout).
    """
    residual = latents.transpose(1, 2)
    total, commitment, following = torch.zeros_like(residual), latents.new_zeros(()), latents.new_zeros(())
    for k, codebook in enumerate(codebooks):
        counts = (k < kept)[:, None, None]
        words = codebook[rvq.nearest_codeword(residual.detach(), codebook.detach())]
        commitment = commitment + (counts * (residual - words.detach()).square()).mean()
        following = following + (counts * (residual.detach() - words).square()).mean()
        total = total + counts * words.detach()
        residual = residual - words.detach()
    return latents + (total.transpose(1, 2) - latents).detach(), commitment, following


def fit(
    waveforms: Tensor, levels: int, codebook_size: int, *, steps: int = 500, seed: int = 0
) -> tuple[Codec, list[float]]:
    """Return a codec trained on waveforms [B, N], and of every step the error as a share of the waveform.

    seed draws the first weights, the crops and how many levels each keeps, all on the CPU.
    Raises: ValueError if the waveforms are silent, shorter than a crop, or hold fewer frames than a codebook has words.
    """
    net = seanet.Seanet(seed=seed).to(waveforms.device)
    crop = CROP * net.hop_length
    long_enough = waveforms.ndim == 2 and waveforms.shape[1] >= crop and steps >= 1
    if not long_enough or waveforms.numel() < codebook_size * net.hop_length or not waveforms.any():
        wanted = f"waveforms [B, N], N >= {crop}, not silent, {codebook_size} frames or more, and a step"
        raise ValueError(f"want {wanted}; got {list(waveforms.shape)} and {steps} steps")
    generator = torch.Generator().manual_seed(seed)
    kept = rvq.quantizer_dropout(steps * BATCH, levels, CUT_SHORT, seed=seed).view(steps, BATCH).to(waveforms.device)
    optimizer = torch.optim.AdamW(net.parameters(), betas=BETAS, weight_decay=0.0)
    codebooks, errors = torch.empty(0), []
    for step in range(steps):
        if step == round(PLAIN * steps):
            with torch.no_grad():
                settled = net.encode(waveforms[:PIECES])
            codebooks = nn.Parameter(rvq.fit(settled, levels, codebook_size, iterations=0, seed=seed))
            optimizer.add_param_group({"params": [codebooks]})
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        x = _crops(waveforms, crop, generator)
        latents, quantizing = net.encode(x), x.new_zeros(())
        if len(codebooks):
            latents, commitment, following = quantize(latents, codebooks, kept[step])
            quantizing = COMMITMENT * commitment + following
        x_hat = net.decode(latents)
        error = torch.linalg.vector_norm(x_hat - x) / torch.linalg.vector_norm(x).clamp_min(SILENCE)
        spectral = codec_losses.spectral_loss(x, x_hat, SAMPLE_RATE_HZ, WINDOWS, logarithmic=True)
        optimizer.zero_grad()
        torch.autograd.backward(error + SPECTRAL * spectral + quantizing)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        errors.append(float(error.detach()))
    return Codec(net, codebooks.detach()), errors


def learning_rate(step: int, steps: int) -> float:
    """Return the learning rate of a step: up to 0.003 in 20 steps, then down to a twentieth along a cosine."""
    share = LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * step / steps)) / 2
    return LEARNING_RATE * min(1, (step + 1) / WARM_UP) * share


def _crops(waveforms: Tensor, length: int, generator: torch.Generator) -> Tensor:
    rows = torch.randint(len(waveforms), (BATCH,), generator=generator).tolist()
    starts = torch.randint(waveforms.shape[1] - length + 1, (BATCH,), generator=generator).tolist()
    return torch.stack([waveforms[row, start : start + length] for row, start in zip(rows, starts, strict=True)])


def pieces_of(recording: str) -> tuple[Tensor, Tensor]:
    """Return pieces of two seconds of a wav file, as loud as synthetic speech: those to train on, those to judge by.

    The last quarter is judged by, at most 24 seconds of it, and never trained on.
    Raises: ValueError if the file cannot be read, is shorter than 8 seconds, or silent in one of the parts.
    """
    waveform = synthetic_speech.read_wav(recording)
    samples = PIECE_SECONDS * SAMPLE_RATE_HZ
    count = len(waveform) // samples
    if count < 4:
        seconds = len(waveform) / SAMPLE_RATE_HZ
        raise ValueError(f"{recording}: want {4 * PIECE_SECONDS} seconds or more, got {seconds:.2f}")
    pieces = waveform[: count * samples].view(count, samples)
    training, held_out = pieces[: -(count // 4)], pieces[-(count // 4) :][:HELD_OUT_PIECES]
    if not training.any() or not held_out.any():
        raise ValueError(f"{recording}: the {'last quarter' if training.any() else 'beginning'} of it is silent")
    gain = synthetic_speech.PEAK / training.abs().max()
    return training * gain, held_out * gain


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    recording: str = "",
    steps: int = 500,
    levels: int = 8,
    codebook_size: int = 256,
) -> dict[str, Any]:
    """Train a codec, and return what each level of codes costs and adds on speech it has not heard.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws weights, crops and synthetic speech.
        recording: a wav file to train on instead, 16-bit PCM, 8 seconds or more; its last quarter is judged by.
        steps: of training, two seconds of speech each.
        levels: codebooks, K, 1..32.
        codebook_size: codewords in each, V, 2..4096.
    """
    if not 1 <= levels <= 32 or not 2 <= codebook_size <= 4096 or steps < 1:
        got = f"{levels}, {codebook_size} and {steps}"
        raise ValueError(f"want 1..32 levels of 2..4096 codewords, one step or more, got {got}")
    if recording:
        training, held_out = pieces_of(recording)
    else:
        training = synthetic_speech.utterances(PIECES, PIECE_SECONDS, seed=2 * seed + 1)
        held_out = synthetic_speech.utterances(HELD_OUT_PIECES, PIECE_SECONDS, seed=2 * seed)
    training, held_out = moved(training, device), moved(held_out, device)
    with one_thread():
        codec, errors = fit(training, levels, codebook_size, steps=steps, seed=seed)
        codes = encode(codec, held_out)
        copies = [decode(codec, codes[:, : k + 1]) for k in range(levels)]
        streamed = seanet.in_chunks(lambda x, past: encode(codec, x, past=past), held_out[:1], codec.net.hop_length)
        played = seanet.in_chunks(lambda x, past: decode(codec, x, past), streamed, 1)
        with torch.no_grad():
            unquantized = codec.net.decode(codec.net.encode(held_out))
    original, frame_rate_hz = held_out.flatten(), SAMPLE_RATE_HZ / codec.net.hop_length
    rows = [
        {
            "levels": k + 1,
            "bitrate_bps": rvq.bitrate_bps(k + 1, codebook_size, frame_rate_hz),
            "si_sdr_db": round(codec_metrics.si_sdr_db(original, copy.flatten()), 2),
            "mel_distance": round(codec_metrics.mel_distance(original, copy.flatten(), SAMPLE_RATE_HZ), 3),
            "codewords_used": len(torch.unique(codes[:, k])),
        }
        for k, copy in enumerate(copies)
    ]
    same_codes, apart = torch.equal(streamed, codes[:1]), float((played - copies[-1][:1]).abs().max())
    window = max(1, min(WARM_UP, steps // 4))
    first, last = (sum(some) / window for some in (errors[:window], errors[-window:]))
    remarks = [
        f"A toy: trained for {steps} steps on {training.numel() / SAMPLE_RATE_HZ:g} s of "
        f"{'your recording' if recording else 'synthetic speech'}, judged by {len(original) / SAMPLE_RATE_HZ:g} s "
        "that it has not heard.",
        f"The waveform's error fell from {first:.2f} to {last:.2f} of the waveform; crops keep fewer levels half of "
        "the time.",
        f"Without quantizer the nets reach {codec_metrics.si_sdr_db(original, unquantized.flatten()):.2f} dB: the "
        "rest is what the codes cost.",
        f"Streamed, {1000 / frame_rate_hz:g} ms at a time, the codes are {'the same' if same_codes else 'DIFFERENT'} "
        f"and the waveform is within 1e-5: {'yes' if apart < 1e-5 else 'NO'}.",
    ]
    plot = {
        "kind": "line",
        "x": [row["bitrate_bps"] / 1000 for row in rows],
        "series": {"SI-SDR": [row["si_sdr_db"] for row in rows]},
        "x_label": "bit rate (kbit/s)",
        "y_label": "SI-SDR on speech held out (dB)",
    }
    names = ["original", "1 level", *([f"{levels} levels"] if levels > 1 else [])]
    heard = [held_out[:3], copies[0][:3], *([copies[-1][:3]] if levels > 1 else [])]
    tracks = {name: one.flatten().clamp(-1, 1).tolist() for name, one in zip(names, heard, strict=True)}
    audio = {"sample_rate_hz": SAMPLE_RATE_HZ, "tracks": tracks}
    return {"rows": rows, "remarks": remarks, "plot": plot, "audio": audio}


@one_thread()
def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises of a codec that is not trained, and whether it holds."""
    speech = moved(synthetic_speech.utterances(2, 1.6, seed=0), device)
    net = seanet.Seanet().to(speech.device)
    with torch.no_grad():
        latents = net.encode(speech)
    codec = Codec(net, rvq.fit(latents, 4, 32, iterations=0))
    codes = encode(codec, speech)
    waveform = decode(codec, codes)
    streamed = seanet.in_chunks(lambda x, past: encode(codec, x, past=past), speech, 320)
    played = seanet.in_chunks(lambda x, past: decode(codec, x, past), codes, 1)
    leaf, kept = latents.clone().requires_grad_(), torch.tensor([4, 1], device=speech.device)
    output, commitment, _ = quantize(leaf, codec.codebooks, kept)
    (through,) = torch.autograd.grad(output.sum(), leaf, retain_graph=True)
    (pull,) = torch.autograd.grad(commitment, leaf)
    first_level = rvq.decode(codes[1:, :1], codec.codebooks)
    shares = [float((decode(codec, codes[:, :k]) - speech).square().mean()) for k in (1, 4)]
    return [
        ("A second and 600 ms are 80 frames of 4 codes.", codes.shape == (2, 4, 80)),
        ("Streamed, 20 ms at a time, the codes are the same.", torch.equal(streamed, codes)),
        ("So is the waveform, to 1e-5.", torch.allclose(played, waveform, atol=1e-5)),
        ("Fewer levels are the first codes of more.", torch.equal(encode(codec, speech, 2), codes[:, :2])),
        ("The decoder's gradient goes straight through, once.", bool((through == 1).all())),
        ("The commitment pulls every latent.", bool((pull != 0).any(1).all())),
        ("An item that keeps one level is decoded from that one.", torch.allclose(output[1:], first_level, atol=1e-5)),
        ("Four levels are nearer than one before anything is learnt.", shares[1] < shares[0]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Train a small neural codec and measure it at each bit rate.", demo, checks)


if __name__ == "__main__":
    main()
