"""SEANet: causal strided convolutions turn 320 samples into a frame and back, at once or chunk by chunk.

Each layer looks back only. So a stream needs, of every layer, no more than the last few inputs, and gives the output
that the whole waveform gives at once. Long because both directions, their beginning and the stream stand together.

Source: SoundStream, section III-A and B (arXiv:2107.03312); EnCodec, section 3.1 (arXiv:2210.13438), whose layers these
    are; after SEANet (arXiv:2009.02095). The strides are DM-Codec's (arXiv:2410.15017).
Left out: EnCodec's LSTM, its weight normalization and its mirrored edges: before the first sample there is silence.
    Added: the decoder begins as the encoder's mirror, see `begin_mirrored`.
Oracle: EncodecEncoder and EncodecDecoder (transformers) with the same weights and their LSTM taken out, 1e-5.
Dtype: that of the weights; float32 unless changed. A stream's rounding may differ in the last digits.
Notation: B batch, C channels, N samples, T frames, D dimension of a frame.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

SAMPLE_RATE_HZ = 16000
STRIDES = (2, 4, 5, 8)  # of the encoder, beginning at the waveform; the decoder goes 8, 5, 4, 2
EDGE_KERNEL, RESIDUAL_KERNEL = 7, 3  # of the first and last convolutions; of a residual unit
LATENT_GAIN = 20.0  # of speech, 0.1 large, it makes latents about 1 large: codewords move 0.003 a step
NOISE = 0.1  # weights begin at random with this share of the size that would keep a signal as large as it is

Past = dict[nn.Module, Tensor]  # of each layer the last inputs: all that a stream remembers


def hop_length(strides: Sequence[int] = STRIDES) -> int:
    """Return samples per frame. Example: 2, 4, 5, 8 -> 320."""
    if not strides or min(strides) < 1:
        raise ValueError(f"want strides of 1 or more, got {list(strides)}")
    return math.prod(strides)


def receptive_field(strides: Sequence[int] = STRIDES) -> int:
    """Return how many samples the encoder hears for one frame. Example: stride 2 alone -> 7 + 2 + 3 + 2 x 6 = 24."""
    hop_length(strides)  # says what is wrong with them
    samples, step = EDGE_KERNEL, 1
    for stride in strides:
        samples += (RESIDUAL_KERNEL - 1 + 2 * stride - 1) * step
        step *= stride
    return samples + (EDGE_KERNEL - 1) * step


FIGURES = (hop_length, receptive_field)  # what claims may run


class CausalConvolution(nn.Module):
    """A convolution whose output t hears inputs up to (t + 1) x stride - 1, after an ELU if activated."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, activated: bool = True) -> None:
        super().__init__()
        self.stride, self.activated, self.context = stride, activated, kernel - stride
        self.heard = inputs * kernel  # numbers that make an output
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """Return [B, outputs, T] for x [B, inputs, T x stride]."""
        x = functional.elu(x) if self.activated else x
        return functional.conv1d(_after_past(self, x, past), self.weight, self.bias, self.stride)


class CausalUpsampling(nn.Module):
    """A transposed convolution whose stride outputs for input t hear inputs t and t - 1, after an ELU."""

    context = 1

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.heard = inputs * 2
        self.weight = nn.Parameter(torch.empty(inputs, outputs, 2 * stride))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """Return [B, outputs, T x stride] for x [B, inputs, T]."""
        x = _after_past(self, functional.elu(x), past)
        # An input rings on for one stride. The first stride rings from before, the last one lacks what comes after.
        return functional.conv_transpose1d(x, self.weight, self.bias, self.stride)[..., self.stride : -self.stride]


class ResidualUnit(nn.Module):
    """Two convolutions, through half the channels, whose output is added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = CausalConvolution(channels, channels // 2, RESIDUAL_KERNEL)
        self.wide = CausalConvolution(channels // 2, channels, 1)

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """Return [B, channels, T] for x of that shape."""
        change: Tensor = self.wide(self.narrow(x, past), past)
        return x + change


def _after_past(layer: CausalConvolution | CausalUpsampling, x: Tensor, past: Past) -> Tensor:
    """Return x after the last inputs of the layer, silence before the first, and remember the last of now."""
    before = past.get(layer)
    x = torch.cat([x.new_zeros(*x.shape[:2], layer.context) if before is None else before, x], 2)
    past[layer] = x[..., x.shape[2] - layer.context :]
    return x


class Seanet(nn.Module):
    """Encoder and decoder. The channels double with each stride of the encoder and halve with each of the decoder."""

    def __init__(
        self, channels: int = 8, dimension: int = 64, strides: Sequence[int] = STRIDES, *, seed: int = 0
    ) -> None:
        super().__init__()
        if channels < 2 or channels % 2 or dimension < 1:
            raise ValueError(f"want an even number of channels and a dimension, got {channels} and {dimension}")
        self.hop_length, self.dimension, self.strides = hop_length(strides), dimension, tuple(strides)
        deepest = channels * 2 ** len(strides)
        down: list[nn.Module] = [CausalConvolution(1, channels, EDGE_KERNEL, activated=False)]
        up: list[nn.Module] = [CausalConvolution(channels, 1, EDGE_KERNEL)]  # from its end to its beginning
        for stride in strides:
            down += [ResidualUnit(channels), CausalConvolution(channels, 2 * channels, 2 * stride, stride)]
            up += [ResidualUnit(channels), CausalUpsampling(2 * channels, channels, stride)]
            channels *= 2
        down += [CausalConvolution(deepest, dimension, EDGE_KERNEL)]
        up += [CausalConvolution(dimension, deepest, EDGE_KERNEL, activated=False)]
        self.encoder, self.decoder = nn.ModuleList(down), nn.ModuleList(reversed(up))
        begin_mirrored(down, up, torch.Generator().manual_seed(seed))

    def encode(self, waveform: Tensor, past: Past | None = None) -> Tensor:
        """Return latents [B, D, T] for a waveform [B, N], N = T x hop_length; past goes on where a stream stopped.

        Raises: ValueError if the waveform is no float [B, N] of whole frames, one or more.
        """
        frames, rest = divmod(waveform.shape[-1], self.hop_length) if waveform.ndim == 2 else (0, 0)
        if not frames or rest or not waveform.is_floating_point():
            wanted = f"a float waveform [B, N], N a multiple of {self.hop_length}"
            raise ValueError(f"want {wanted}, got {list(waveform.shape)} {waveform.dtype}")
        return _through(self.encoder, waveform[:, None], past)

    def decode(self, latents: Tensor, past: Past | None = None) -> Tensor:
        """Return the waveform [B, T x hop_length] for latents [B, D, T]; past goes on where a stream stopped."""
        if latents.ndim != 3 or latents.shape[1] != self.dimension or not latents.shape[2]:
            raise ValueError(f"want latents [B, {self.dimension}, T], T of 1 or more, got {list(latents.shape)}")
        return _through(self.decoder, latents, past)[:, 0]


def _through(layers: nn.ModuleList, x: Tensor, past: Past | None) -> Tensor:
    past = {} if past is None else past
    for layer in layers:
        x = layer(x, past)
    return x


def begin_mirrored(down: Sequence[nn.Module], up: Sequence[nn.Module], generator: torch.Generator) -> None:
    """Set the weights that training begins with: of each pair of layers, the decoder's mirrors the encoder's.

    Not in the papers. Of what an input block of a layer holds, the layer keeps a random projection, and its mirror in
    the decoder puts that back where it was. So decoding what was encoded resembles the waveform before anything is
    learnt; a decoder begun on its own first has to find out that there is a waveform.
    """
    for layer in nn.ModuleList((*down, *up)).modules():
        if isinstance(layer, (CausalConvolution, CausalUpsampling)):
            nn.init.normal_(layer.weight, std=NOISE / math.sqrt(layer.heard), generator=generator)
    with torch.no_grad():
        for layer, mirror in zip(down, up, strict=True):
            if isinstance(layer, CausalConvolution):
                block = torch.empty(layer.weight.shape[0], layer.weight.shape[1] * layer.stride)
                block = nn.init.orthogonal_(block, generator=generator).view(*layer.weight.shape[:2], layer.stride)
                layer.weight[..., -layer.stride :] += block  # the inputs that came last
                if isinstance(mirror, CausalUpsampling):
                    mirror.weight[..., : layer.stride] += block  # the outputs that leave first
                elif isinstance(mirror, CausalConvolution):
                    mirror.weight[..., -1] += block[..., 0].T
        for edge, gain in ((down[-1], LATENT_GAIN), (up[-1], 1 / LATENT_GAIN)):
            edge.get_parameter("weight").mul_(gain)


def in_chunks(coder: Callable[[Tensor, Past], Tensor], x: Tensor, length: int) -> Tensor:
    """Return what the coder makes of x [.., N], fed that many samples (or frames) at a time, as a stream would be."""
    past: Past = {}
    return torch.cat([coder(chunk, past) for chunk in torch.split(x, length, -1)], -1)


def trace(net: Seanet, waveform: Tensor) -> list[dict[str, Any]]:
    """Return what each layer of net makes of a waveform [B, N]: its stride, and the channels and length after it."""
    rows: list[dict[str, Any]] = []
    x, past = waveform[:, None], Past()
    for part, layers in (("encoder", net.encoder), ("decoder", net.decoder)):
        for layer in layers:
            x = layer(x, past)
            step = getattr(layer, "stride", 1)
            rows.append(
                {
                    "part": part,
                    "layer": "residual unit" if isinstance(layer, ResidualUnit) else "convolution",
                    "stride": f"1/{step}" if isinstance(layer, CausalUpsampling) else str(step),
                    "channels": x.shape[1],
                    "length": x.shape[2],
                }
            )
    return rows


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    channels: int = 8,
    dimension: int = 64,
    strides: tuple[int, ...] = (2, 4, 5, 8),
    frames: int = 50,
) -> dict[str, Any]:
    """Send noise through encoder and decoder, and return its shape after every layer.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the weights and the noise.
        channels: after the first convolution; they double with each stride.
        dimension: values per frame, D.
        strides: of the encoder, beginning at the waveform.
        frames: how long the noise is, 2..1000.
    """
    if not 2 <= frames <= 1000:
        raise ValueError(f"want 2..1000 frames, got {frames}")
    net = moved(Seanet(channels, dimension, strides, seed=seed), device)
    noise = torch.randn(1, frames * net.hop_length, generator=torch.Generator().manual_seed(seed)) * 0.1
    waveform = noise.to(next(net.parameters()).device)
    with one_thread(), torch.no_grad():
        rows = trace(net, waveform)
        whole = net.decode(net.encode(waveform))
        lengths = [length for length in (1, 2, 5, 10, 25, 50) if length < frames]
        kept, forgotten = [], []
        for length in lengths:
            latents = in_chunks(net.encode, waveform, length * net.hop_length)
            kept.append(_agreement_db(whole, in_chunks(net.decode, latents, length)))
            latents = in_chunks(lambda x, _: net.encode(x), waveform, length * net.hop_length)
            forgotten.append(_agreement_db(whole, in_chunks(lambda x, _: net.decode(x), latents, length)))
    parameters = sum(weights.numel() for weights in net.parameters())
    remarks = [
        f"{' x '.join(map(str, strides))} = {net.hop_length} samples a frame: "
        f"{SAMPLE_RATE_HZ / net.hop_length:g} frames a second at 16 kHz. {parameters:,} weights, not trained.",
        f"A frame hears {receptive_field(strides):,} samples, the last of them its own last: a stream waits for one "
        f"frame, {1000 * net.hop_length / SAMPLE_RATE_HZ:g} ms.",
        f"Chunk by chunk the waveform comes out as at once (to {min(kept):.0f} dB, which is rounding) if each layer "
        f"keeps its last inputs; frame by frame it is {forgotten[0]:.0f} dB if they are forgotten.",
    ]
    series = {"past kept": kept, "past forgotten": forgotten}
    plot = {
        "kind": "bar",
        "x": lengths,
        "series": series,
        "x_label": "frames in a chunk",
        "y_label": "agreement with all at once (dB)",
    }
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _agreement_db(whole: Tensor, other: Tensor) -> float:
    share = float((whole - other).double().square().sum() / whole.double().square().sum())
    return round(-10 * math.log10(max(share, 1e-20)), 1)


@one_thread()
def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    net = moved(Seanet(), device).double()
    drawn = torch.randn(1, 3840, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.1
    waveform = drawn.to(next(net.parameters()).device)
    past = torch.zeros_like(waveform).requires_grad_()
    (heard,) = torch.autograd.grad(net.encode(waveform + past)[..., 9].sum(), past)
    places = heard[0].nonzero()[:, 0].tolist()
    with torch.no_grad():
        latents = net.encode(waveform)
        whole = net.decode(latents)
        parts = in_chunks(net.encode, waveform, 640)
        later = net.decode(torch.cat([latents[..., :6], -latents[..., 6:]], 2))
        lengths = [row["length"] for row in trace(net, waveform) if row["layer"] == "convolution"]
    return [
        ("3,840 samples become 12 frames by 2, 4, 5 and 8.", lengths[:6] == [3840, 1920, 480, 96, 12, 12]),
        ("They come back by 8, 5, 4 and 2.", lengths[6:] == [12, 96, 480, 1920, 3840, 3840]),
        ("Frame 9 hears nothing after its own last sample.", places[-1] == 10 * 320 - 1),
        ("It hears as far back as the strides say.", places[0] == 10 * 320 - receptive_field()),
        ("Nothing that comes out is changed by a later frame.", torch.equal(whole[:, :1920], later[:, :1920])),
        ("What follows is.", not torch.allclose(whole[:, 1920:], later[:, 1920:])),
        ("Encoded in chunks of two frames, the latents are the same.", torch.allclose(parts, latents, atol=1e-12)),
        ("Decoded frame by frame, so is the waveform.", torch.allclose(in_chunks(net.decode, parts, 1), whole)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The shapes of a waveform on its way through SEANet and back.", demo, checks)


if __name__ == "__main__":
    main()
