"""A single codebook after pooling, as in supervised speech tokenizers: moving averages, commitment, restarts.

Long because codebook, update and restarts stand beside the small recognizer that shows what codes tell.
Source: VQ-VAE, section 3 and appendix A.1 (arXiv:1711.00937); GLM-4-Voice (arXiv:2412.02612), which puts pooling
    and such a codebook into Whisper's encoder and trains on for speech recognition: 12.5 tokens a second of 14 bits.
    WhisperVQ, which Ichigo reads (arXiv:2410.15316), has one codebook too.
Left out: Whisper. The encoder of the demo is one matrix, the recognizer another, on made-up frames.
    The last window of `pool` is the mean of the frames there are; the released GLM-4-Voice fills it up with zeros.
Oracle: VectorQuantize (vector-quantize-pytorch): codes, moving averages and commitment of several steps, to 1e-6.
Ties: of codewords with equal scores the lowest index wins. Dtype: floats share one; codes are int64.
Notation: B batch, T frames, D dimension, V codebook size, N vectors.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds

POOLING = 4  # frames of 20 ms to a token of 80 ms
DECAY, COMMITMENT = 0.9, 2.5  # GLM-4-Voice: 0.99, for a longer training, and 10 x 0.25
RESTART_EVERY = 20  # steps; GLM-4-Voice: 100
LAPLACE = 1e-5  # added to every count: no division by zero for a codeword without vectors
LEARNING_RATE, BATCH = 3e-3, 64


class Codebook(NamedTuple):
    """A codebook and the moving averages that it is the quotient of."""

    codewords: Tensor  # [V, D]
    counts: Tensor  # [V], vectors a step
    sums: Tensor  # [V, D], of those vectors


def pool(frames: Tensor, pooling: int = POOLING) -> Tensor:
    """Return the mean of every `pooling` frames: [B, D, T] -> [B, D, ceil(T / pooling)]. 1500 frames -> 375."""
    if frames.ndim != 3 or not frames.shape[2] or not frames.is_floating_point() or pooling < 1:
        raise ValueError(f"want frames [B, D, T], pooling of 1 or more, got {kinds(frames)} and {pooling}")
    return F.avg_pool1d(frames, pooling, ceil_mode=True)


def encode(latents: Tensor, codewords: Tensor) -> Tensor:
    """Return the index of the nearest codeword for each frame: latents [B, D, T] -> codes [B, T], int64.

    Example: codewords 0, 4, 8, latents 5, -1, 6.5 -> 1, 0, 2.
    """
    if latents.ndim != 3 or codewords.ndim != 2 or latents.shape[1] != codewords.shape[1]:
        raise ValueError(f"want latents [B, D, T], codewords [V, D], got {kinds(latents, codewords)}")
    if latents.dtype != codewords.dtype or not latents.isfinite().all():
        raise ValueError(f"want finite latents of the codewords' dtype, got {kinds(latents, codewords)}")
    return (latents.transpose(1, 2) @ codewords.T - codewords.square().sum(1) / 2).argmax(-1)


def decode(codes: Tensor, codewords: Tensor) -> Tensor:
    """Return latents [B, D, T] for codes [B, T]: the codewords themselves."""
    if codes.ndim != 2 or codes.is_floating_point():
        raise ValueError(f"want whole codes [B, T], codewords [V, D], got {kinds(codes, codewords)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < len(codewords):
        raise ValueError(f"want codes in 0..{len(codewords) - 1}, got {codes.min()}..{codes.max()}")
    return codewords[codes].transpose(1, 2)


def straight_through(latents: Tensor, decoded: Tensor) -> Tensor:
    """Return decoded, with the gradient of latents: rounding to a codeword has none of its own."""
    return latents + (decoded - latents).detach()


def commitment_loss(latents: Tensor, decoded: Tensor) -> Tensor:
    """Return the mean squared distance to the codewords, which draws the latents and leaves the codewords alone."""
    return F.mse_loss(latents, decoded.detach())


def begin(codewords: Tensor) -> Codebook:
    """Return a codebook whose averages are one vector a codeword, the codeword itself."""
    return Codebook(codewords, torch.ones_like(codewords[:, 0]), codewords)


def update(codebook: Codebook, latents: Tensor, codes: Tensor, decay: float = DECAY) -> Codebook:
    """Return the codebook after latents [B, D, T] were encoded as codes [B, T] (VQ-VAE, appendix A.1)."""
    vectors = latents.detach().transpose(1, 2).flatten(0, 1)
    uses = torch.bincount(codes.flatten(), minlength=len(codebook.codewords)).to(vectors.dtype)
    counts = decay * codebook.counts + (1 - decay) * uses
    sums = torch.zeros_like(codebook.sums).index_add_(0, codes.flatten(), vectors)
    sums = decay * codebook.sums + (1 - decay) * sums
    smoothed = (counts + LAPLACE) / (counts.sum() + len(counts) * LAPLACE) * counts.sum()
    return Codebook(sums / smoothed[:, None], counts, sums)


def restart(codebook: Codebook, latents: Tensor, least: float, generator: torch.Generator) -> Codebook:
    """Return the codebook with a random one of latents [B, D, T] for each codeword that has a count below least.

    GLM-4-Voice does this every 100 steps with 0.99 ** 100, which is what is left of a count of 1 without any use.
    """
    vectors = latents.detach().transpose(1, 2).flatten(0, 1)
    dead = codebook.counts < least
    drawn = torch.randint(len(vectors), (int(dead.sum()),), generator=generator).to(vectors.device)
    codewords, counts, sums = (tensor.clone() for tensor in codebook)
    codewords[dead], counts[dead], sums[dead] = vectors[drawn], 1.0, vectors[drawn]
    return Codebook(codewords, counts, sums)


def tokens(seconds: float, frame_rate_hz: float = 50.0, pooling: int = POOLING) -> int:
    """Return the tokens of a recording, a started window counting: 30 s -> 1500 frames -> 375."""
    if not 0 < seconds < math.inf or not 0 < frame_rate_hz < math.inf or pooling < 1:
        raise ValueError(f"want positive seconds, frame_rate_hz and pooling, got {seconds}, {frame_rate_hz}, {pooling}")
    return -(-math.floor(seconds * frame_rate_hz + 1e-9) // pooling)


def perplexity(uses: list[float]) -> float:
    """Return how many codewords, used evenly, would tell as much as these: 2 ** entropy. Uses 5, 5, 0, 0 -> 2.0."""
    total = math.fsum(uses)
    if not uses or min(uses) < 0 or not 0 < total < math.inf:
        raise ValueError(f"want numbers of uses, 0 or more and not all 0, got {uses[:9]}")
    return 2 ** -math.fsum(use / total * math.log2(use / total) for use in uses if use)


class Step(NamedTuple):
    """What a codebook told at a moment of its training."""

    step: int
    uses: list[float]
    phone_percent: float  # of held-out tokens whose phone is the most frequent one of their codeword
    speaker_percent: float


def fit(
    frames: Tensor, phones: Tensor, speakers: Tensor, codebook_size: int, *, restarts: bool, steps: int, seed: int
) -> list[Step]:
    """Train encoder matrix, codebook and recognizer on half of the utterances, and return how the codebook did.

    frames [B, D, T]; phones [B, ceil(T / 4)], one a token; speakers [B], which the training does not know.
    """
    if not len(frames) // 2 or phones.shape != (len(frames), pool(frames).shape[2]) or len(speakers) != len(frames):
        raise ValueError(f"want [B, D, T], [B, T / 4], [B], got {kinds(frames, phones, speakers)}")
    generator, dimension, half = torch.Generator().manual_seed(seed), frames.shape[1], len(frames) // 2
    matrix = (torch.eye(dimension) / 2).to(frames).requires_grad_()
    recognizer = torch.zeros(int(phones.max()) + 1, dimension).to(frames).requires_grad_()
    optimizer = torch.optim.Adam([matrix, recognizer], lr=LEARNING_RATE)
    codebook = begin(0.02 * torch.randn(codebook_size, dimension, generator=generator).to(frames))
    told = []
    for step in range(steps + 1):
        if step in (0, steps) or step in (4, 8, 16, 32, 64, 128, 256, 512):
            codes = encode(pool(matrix.detach() @ frames[half:]), codebook.codewords)
            who = speakers[half:, None].expand_as(codes)
            uses = torch.bincount(codes.flatten(), minlength=codebook_size).tolist()
            told.append(Step(step, uses, _told_percent(codes, phones[half:]), _told_percent(codes, who)))
        chosen = torch.randint(half, (BATCH,), generator=generator).to(frames.device)
        latents = pool(matrix @ frames[chosen])
        codes = encode(latents.detach(), codebook.codewords)
        decoded = decode(codes, codebook.codewords)
        scores = recognizer @ straight_through(latents, decoded)
        loss = F.cross_entropy(scores, phones[chosen]) + COMMITMENT * commitment_loss(latents, decoded)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        codebook = update(codebook, latents, codes)
        if restarts and step % RESTART_EVERY == RESTART_EVERY - 1:
            codebook = restart(codebook, latents, DECAY**RESTART_EVERY, generator)
    return told


def _told_percent(codes: Tensor, labels: Tensor) -> float:
    table = torch.zeros(int(codes.max()) + 1, int(labels.max()) + 1, device=codes.device)
    table.index_put_((codes.flatten(), labels.flatten()), torch.ones_like(table[0, :1]), accumulate=True)
    return round(100 * float(table.amax(1).sum()) / codes.numel(), 1)


FIGURES = (perplexity, tokens)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebook_size: int = 256,
    phones: int = 32,
    speakers: int = 8,
    steps: int = 256,
) -> dict[str, Any]:
    """Train a codebook to tell phones apart, with restarts and without, and return what its tokens tell, step by step.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the made-up speech, the start of the codebook and the training batches.
        codebook_size: codewords, V.
        phones: different phones, each of them 8 frames (2 tokens) long.
        speakers: different voices; every frame of an utterance is moved by its speaker's.
        steps: training steps.
    """
    least = {"codebook_size": codebook_size, "phones": phones, "speakers": speakers, "steps": steps + 1}
    if min(least.values()) < 1:
        raise ValueError(f"codebook_size, phones, speakers should be 1 or more, steps 0 or more, got {least}")
    generator = torch.Generator().manual_seed(seed)
    phone, speaker = (torch.randint(n, (512, m), generator=generator) for n, m in ((phones, 12), (speakers, 1)))
    sounds, voices = (torch.randn(n, 24, generator=generator) for n in (phones, speakers))
    frames = sounds[phone.repeat_interleave(8, dim=1)] + voices[speaker]
    frames = (frames + torch.randn(frames.shape, generator=generator)).transpose(1, 2)
    frames, phone, speaker = moved(frames, device), moved(phone.repeat_interleave(2, dim=1), device), speaker[:, 0]
    rows, series = [], {}
    with one_thread():
        for restarts in (False, True):
            found = fit(frames, phone, moved(speaker, device), codebook_size, restarts=restarts, steps=steps, seed=seed)
            rows += [
                {
                    "restarts": restarts,
                    "step": one.step,
                    "codewords_used": sum(use > 0 for use in one.uses),
                    "perplexity": round(perplexity(one.uses), 1),
                    "phone_percent": one.phone_percent,
                    "speaker_percent": one.speaker_percent,
                }
                for one in found
            ]
            series["with restarts" if restarts else "without"] = [round(perplexity(one.uses), 1) for one in found]
    remarks = [
        f"Of {codebook_size} codewords, on utterances not trained on. phone_percent: tokens whose phone is the most "
        f"frequent one of their codeword; speaker_percent likewise: nobody asked for it, 1 of {speakers} is chance.",
        f"30 s are {tokens(30)} tokens, {tokens(30) / 30:g} a second; with GLM-4-Voice's 16384 codewords "
        f"{tokens(30) / 30 * math.log2(16384):g} bit/s.",
    ]
    plot = {"kind": "line", "x": [row["step"] for row in rows if row["restarts"]], "series": series}
    plot |= {"x_label": "training step", "y_label": f"perplexity, of {codebook_size}"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what must hold, each with whether it did."""
    line = moved(torch.tensor([[0.0], [4.0], [8.0]]), device)
    latents = moved(torch.tensor([[[5.0, -1.0, 6.5, 7.0]]]), device).requires_grad_()
    codes = encode(latents, line)
    decoded = decode(codes, line)
    (gradient,) = torch.autograd.grad(straight_through(latents, decoded).square().sum(), latents)
    averaged, means = begin(line), line.new_tensor([[-1.0], [5.0], [6.75]])
    for _ in range(300):
        averaged = update(averaged, latents, codes)
    again = restart(update(begin(line), latents, codes * 0), latents, 0.95, torch.Generator().manual_seed(0))
    return [
        ("5, -1, 6.5, 7 are nearest to 4, 0, 8, 8", codes.tolist() == [[1, 0, 2, 2]]),
        ("codewords encode to themselves", torch.equal(encode(decoded, line), codes)),
        ("the gradient of the sum of squares, 2 x, passes the codebook", gradient.tolist() == [[[8, 0, 16, 16]]]),
        ("moving averages end at the means -1, 5, 6.75", torch.allclose(averaged.codewords, means)),
        (
            "a codeword that nobody uses restarts on a vector of the batch",
            bool((again.codewords[1:] != line[1:]).all()),
        ),
        ("30 s at 50 Hz are 375 tokens", pool(torch.zeros(1, 1, 1500)).shape[2] == tokens(30) == 375),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("What a codebook of made-up speech tells while it learns phones.", demo, checks)


if __name__ == "__main__":
    main()
