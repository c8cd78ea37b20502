"""A small autoencoder with a quantizer between its halves: what the demos of fsq and lfq train on made-up frames.

Notation: B batch, D dimension of a frame, C channels between the halves, T frames, V codebook size.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kb.reference import rvq

WIDTH, BATCH, LEARNING_RATE, COMMITMENT = 64, 512, 3e-3, 0.25
FRAMES, DIMENSION, FREE = 32768, 16, 6  # six free dimensions of sixteen, and a little noise
COMPARED = 1024  # frames at once: the scores of all would take gigabytes


class Quantizer(NamedTuple):
    """What stands between the halves."""

    passed: Callable[[Tensor], tuple[Tensor, Tensor]]  # latents [B, C, T] -> what the decoder gets, and its own loss
    encode: Callable[[Tensor], Tensor]  # latents [B, C, T] -> codes [B, T]
    decode: Callable[[Tensor], Tensor]  # codes [B, T] -> [B, C, T]
    learned: tuple[Tensor, ...] = ()


def make(seed: int) -> tuple[Tensor, Tensor]:
    """Return frames [1, D, T] to train on, and as many that are held out."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(DIMENSION, FREE, generator=generator) / math.sqrt(FREE)
    frames = mixing @ torch.randn(2, 1, FREE, FRAMES, generator=generator)
    training, held_out = frames + 0.1 * torch.randn(frames.shape, generator=generator)
    return training, held_out


def vectors(size: int, channels: int, device: torch.device) -> Quantizer:
    """Return V vectors that learn by gradient, as in VQ-VAE (arXiv:1711.00937); torch's own generator draws them."""
    codebook = torch.randn(size, channels).to(device).requires_grad_()

    def encode(latents: Tensor) -> Tensor:
        chunks = torch.split(latents.transpose(1, 2), COMPARED, dim=1)
        return torch.cat([rvq.nearest_codeword(chunk, codebook) for chunk in chunks], dim=1)

    def decode(codes: Tensor) -> Tensor:
        return codebook[codes].transpose(1, 2)

    def passed(latents: Tensor) -> tuple[Tensor, Tensor]:
        chosen = decode(encode(latents.detach()))
        following = nn.functional.mse_loss(chosen, latents.detach())
        commitment = nn.functional.mse_loss(latents, chosen.detach())
        return latents + (chosen - latents).detach(), following + COMMITMENT * commitment

    return Quantizer(passed, encode, decode, (codebook,))


def fit(
    frames: Tensor, held_out: Tensor, channels: int, quantizer: Callable[[], Quantizer], *, steps: int, seed: int
) -> tuple[Tensor, float]:
    """Train on frames [1, D, T]; return the codes [T] of those held out, and their signal-to-noise ratio in dB.

    quantizer is made after the halves, from the same seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = _half(frames.shape[1], channels).to(frames), _half(channels, frames.shape[1]).to(frames)
        between = quantizer()
    learned = [*encoder.parameters(), *decoder.parameters(), *between.learned]
    optimizer = torch.optim.Adam(learned, lr=LEARNING_RATE)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        batch = frames[..., torch.randint(frames.shape[2], (BATCH,), generator=generator).to(frames.device)]
        passed, loss = between.passed(encoder(batch))
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.mse_loss(decoder(passed), batch) + loss)
        optimizer.step()
    with torch.no_grad():
        codes = between.encode(encoder(held_out))
        noise = (held_out - decoder(between.decode(codes))).square().sum()
    return codes[0], float(10 * torch.log10(held_out.square().sum() / noise))


def _half(inputs: int, outputs: int) -> nn.Module:
    """Return a network [B, inputs, T] -> [B, outputs, T] that sees each frame by itself."""
    return nn.Sequential(nn.Conv1d(inputs, WIDTH, 1), nn.GELU(), nn.Conv1d(WIDTH, outputs, 1))
