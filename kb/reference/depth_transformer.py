"""Depth transformer, toy-sized: a big step gives a frame's state; small steps in depth give its codes in turn.

Long because it holds both transformers, two ways to run them, and a training that shows what for.
Source: Moshi, section 3.4.1 to 3.4.3 (arXiv:2410.00037), after RQ-Transformer, section 3.2 (arXiv:2203.01941).
Left out: rotary positions and windows of the temporal transformer, pre-training, the user's stream. Models here are
    toys: small, with random weights or trained for seconds on made-up codes.
Oracle: MoshiDepthDecoder (transformers) with the same weights: logits to 1e-5, parameters of the default
    configuration counted on the meta device; teacher forcing against step by step: logits to 1e-5.
Ties: the likeliest code with the lowest index. Dtype: float32; codes int64. Random numbers are drawn on the CPU.
Notation: B batch, K codebooks, S steps (delayed frames, see delay), D width, V codebook size; V stands for "no code".
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference import delay
from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference.sampling import gumbel

Cache = list[tuple[Tensor, Tensor]]  # keys and values [B, heads, S, D / heads] of each layer so far


class Linear(nn.Module):
    """Matrices without bias: one for every position, or one shared by all."""

    def __init__(self, inputs: int, outputs: int, positions: int | None):
        super().__init__()
        self.shared = positions is None
        self.weight = nn.Parameter(torch.randn(positions or 1, outputs, inputs) / inputs**0.5)

    def forward(self, x: Tensor, start: int) -> Tensor:
        """Return [B, S, outputs] for x [B, S, inputs] whose first position is start."""
        if self.shared:
            return nn.functional.linear(x, self.weight[0])
        return torch.einsum("bsi, soi -> bso", x, self.weight[start : start + x.shape[1]])


class Layer(nn.Module):
    """Causal attention and a gated feed-forward part, each behind a norm and added to what came in."""

    def __init__(self, width: int, heads: int, ffn: int, positions: int | None):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (Linear(width, width, positions) for _ in range(4))
        self.up, self.down = Linear(width, ffn, positions), Linear(ffn // 2, width, positions)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-8) for _ in range(2))

    def forward(
        self, x: Tensor, start: int, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return x [B, S, D] one layer on, and the keys and values of all positions up to its last."""
        inside = self.norms[0](x)
        q, k, v = (
            part(inside, start).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        if past:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        places = torch.arange(k.shape[2], device=x.device)
        seen = places <= places[-q.shape[2] :, None]  # [S, positions so far]: nothing that comes later
        scores = (q @ k.mT / q.shape[3] ** 0.5).masked_fill(~seen, -torch.inf)
        x = x + self.o((scores.softmax(3) @ v).transpose(1, 2).flatten(2), start)
        gate, up = self.up(self.norms[1](x), start).chunk(2, dim=2)
        return x + self.down(nn.functional.silu(gate) * up, start), (k, v)


def run_layers(layers: nn.ModuleList, x: Tensor, start: int, cache: Cache | None) -> Tensor:
    """Return x after all layers. A cache, if given, holds what positions before start left, and is extended."""
    for index, layer in enumerate(layers):
        x, now = layer(x, start, cache[index] if cache and len(cache) > index else None)
        if cache is not None:
            cache[index : index + 1] = [now]
    return x


class Depth(nn.Module):
    """Codes of one frame, one after the other; every matrix has a set of weights for each codebook."""

    def __init__(
        self, codebooks: int, size: int, texts: int, inputs: int, width: int, heads: int, ffn: int, layers: int
    ):
        super().__init__()
        self.text = nn.Embedding(texts + 1, width)
        self.codes = nn.ModuleList(nn.Embedding(size + 1, width) for _ in range(codebooks - 1))  # the last is not read
        self.project = Linear(inputs, width, codebooks)
        self.layers = nn.ModuleList(Layer(width, heads, ffn, codebooks) for _ in range(layers))
        self.head = Linear(width, size, codebooks)

    def forward(self, state: Tensor, given: Tensor, start: int = 0, cache: Cache | None = None) -> Tensor:
        """Return logits [N, k, V] of codebooks start, start + 1, .. for given [N, k], k tokens.

        state is [N, inputs], of the temporal transformer. Codebook 0 is given the text, each other the code before it.
        """
        if (
            given.ndim != 2
            or state.shape[:1] != given.shape[:1]
            or not 0 < start + given.shape[1] <= 1 + len(self.codes)
        ):
            raise ValueError(f"want a state [N, D] and k tokens [N, k], got {list(state.shape)}, {list(given.shape)}")
        tables = [self.text, *self.codes][start : start + given.shape[1]]
        tokens = torch.stack([table(given[:, k]) for k, table in enumerate(tables)], dim=1)
        x = tokens + self.project(state[:, None].expand(-1, given.shape[1], -1), start)
        logits: Tensor = self.head(run_layers(self.layers, x, start, cache), start)
        return logits


class Logits(NamedTuple):
    """What is said of each step."""

    text: Tensor  # [B, S, texts]
    codes: Tensor  # [B, S, K, V]


class Model(nn.Module):
    """A temporal transformer over steps, with a depth transformer, or as many heads side by side, within a step."""

    def __init__(self, codebooks: int, size: int, texts: int, width: int = 32, layers: int = 2, *, deep: bool = True):
        super().__init__()
        self.codebooks, self.size, self.texts = codebooks, size, texts
        self.text_in = nn.Embedding(texts + 1, width)
        self.codes_in = nn.ModuleList(nn.Embedding(size + 1, width) for _ in range(codebooks))
        self.layers = nn.ModuleList(Layer(width, 4, 4 * width, None) for _ in range(layers))
        self.text_out = Linear(width, texts, None)
        self.heads = None if deep else Linear(width, size, codebooks)
        self.depth = Depth(codebooks, size, texts, width, width, 4, 4 * width, layers) if deep else None

    def states(self, text: Tensor, codes: Tensor, cache: Cache | None = None, start: int = 0) -> Tensor:
        """Return states [B, S, D] for what the steps before said: text [B, S] and codes [B, K, S], one step late."""
        x = self.text_in(text) + torch.stack([table(codes[:, k]) for k, table in enumerate(self.codes_in)]).sum(0)
        return run_layers(self.layers, x, start, cache)

    def forward(self, text: Tensor, codes: Tensor) -> Logits:
        """Return logits for all steps at once, given the right text [B, S] and delayed codes [B, K, S]: training."""
        if codes.ndim != 3 or codes.shape[1] != self.codebooks or text.shape != codes[:, 0].shape:
            raise ValueError(f"want text [B, S], codes [B, K, S], got {list(text.shape)} and {list(codes.shape)}")
        late = (
            nn.functional.pad(text[:, :-1], (1, 0), value=self.texts),
            nn.functional.pad(codes[..., :-1], (1, 0), value=self.size),
        )
        states = self.states(*late)
        if self.depth is None:
            heads: Linear = self.heads  # type: ignore[assignment]
            side_by_side = heads(states.flatten(0, 1)[:, None].expand(-1, self.codebooks, -1), 0)
            return Logits(self.text_out(states, 0), side_by_side.unflatten(0, text.shape))
        given = torch.cat([text[:, None], codes[:, :-1]], 1)  # text, then all codes but the last: [B, K, S]
        logits = self.depth(states.flatten(0, 1), given.transpose(1, 2).flatten(0, 1))
        return Logits(self.text_out(states, 0), logits.unflatten(0, text.shape))

    @torch.no_grad()
    def generate(self, steps: int, delays: list[int], batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor, Logits]:
        """Return text [B, S], delayed codes [B, K, S] and the logits they come from, step by step, code by code."""
        if len(delays) != self.codebooks or min(delays) < 0 or min(steps, batch) < 1:
            raise ValueError(f"want one delay for each of {self.codebooks} codebooks, got {delays}; {steps}, {batch}")
        generator, device = torch.Generator().manual_seed(seed), self.text_in.weight.device
        text = torch.full((batch, steps + 1), self.texts, device=device)  # column 0 is what was before the first step
        codes = torch.full((batch, self.codebooks, steps + 1), self.size, device=device)
        cache, text_logits, code_logits = Cache(), [], []
        for s in range(steps):
            state = self.states(text[:, s : s + 1], codes[:, :, s : s + 1], cache, s)[:, 0]
            text_logits.append(self.text_out(state[:, None], 0)[:, 0])
            text[:, s + 1] = (text_logits[-1] + gumbel(text_logits[-1], generator)).argmax(-1)
            within, row = Cache(), []
            for k in range(self.codebooks):
                before = text[:, s + 1, None] if k == 0 else codes[:, k - 1, s + 1, None]
                if self.depth is None:
                    row.append(self.heads(state[:, None], k)[:, 0])  # type: ignore[misc]
                else:
                    row.append(self.depth(state, before, k, within)[:, 0])
                if s >= delays[k]:  # before that, the codebook has no frame to speak of
                    codes[:, k, s + 1] = (row[-1] + gumbel(row[-1], generator)).argmax(-1)
            code_logits.append(torch.stack(row, 1))
        return text[:, 1:], codes[:, :, 1:], Logits(torch.stack(text_logits, 1), torch.stack(code_logits, 1))


def depth_parameters(
    codebooks: int = 8,
    size: int = 2048,
    texts: int = 32000,
    inputs: int = 4096,
    width: int = 1024,
    heads: int = 16,
    ffn: int = 5632,
    layers: int = 6,
) -> int:
    """Return the parameters of a depth transformer; as it stands, Moshi's in transformers: 714,362,880.

    Nothing is allocated: the model is built of shapes alone.
    """
    if min(codebooks, size, texts, inputs, width, heads, ffn, layers) < 1 or width % heads or ffn % 2:
        raise ValueError(
            f"want sizes of 1 or more, a width {heads} heads can share and an even ffn, got {width}, {ffn}"
        )
    with torch.device("meta"):
        model = Depth(codebooks, size, texts, inputs, width, heads, ffn, layers)
    return sum(parameter.numel() for parameter in model.parameters())


def make(batch: int, frames: int, codebooks: int, size: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return made-up text [B, T] and codes [B, K, T]: text stays or goes one up, and says what all its codes are."""
    generator = torch.Generator().manual_seed(seed)
    moves = torch.randint(2, (batch, frames), generator=generator)
    moves[:, 0] = torch.randint(size, (batch,), generator=generator)
    text = moves.cumsum(1) % size
    return text, (text[:, None] + torch.arange(1, codebooks + 1)[:, None]) % size


def whole_share(text: Tensor, codes: Tensor, size: int) -> float:
    """Return the share of frames in which every code is what the frame's text says."""
    wanted = (text[:, None] + torch.arange(1, codes.shape[1] + 1, device=codes.device)[:, None]) % size
    return float((codes == wanted).all(1).double().mean())


def train(model: Model, delays: list[int], steps: int, frames: int, *, seed: int = 0) -> float:
    """Train model by teacher forcing on fresh batches of made-up codes, delayed; return the last loss."""
    device, size, loss = model.text_in.weight.device, model.size, torch.zeros(())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(steps):
        text, codes = (part.to(device) for part in make(32, frames, model.codebooks, size, seed=seed + step))
        delayed = delay.apply(codes, delays, size)
        text = nn.functional.pad(text, (0, max(delays)), value=model.texts)
        logits = model(text, delayed)
        loss = nn.functional.cross_entropy(logits.text.flatten(0, 1), text.flatten(), ignore_index=model.texts)
        wanted = delayed.transpose(1, 2).flatten()
        loss = loss + nn.functional.cross_entropy(logits.codes.flatten(0, 2), wanted, ignore_index=size)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss.detach())


FIGURES = (depth_parameters,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebooks: int = 4,
    codebook_size: int = 8,
    frames: int = 8,
    steps: int = 100,
) -> dict[str, Any]:
    """Train toys whose codes of a step come side by side, the same but delayed, or in depth; count whole frames.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws weights, training batches and what is generated.
        codebooks: K.
        codebook_size: V; the made-up text has as many tokens.
        frames: frames of a sequence, T.
        steps: training batches for each toy.
    """
    if min(codebooks, frames, steps) < 1 or codebook_size < 2:
        got = f"{codebooks}, {frames}, {steps} and {codebook_size}"
        raise ValueError(f"want codebooks, frames and steps of 1 or more and codebook_size of 2, got {got}")
    rows = []
    for name, deep, delays in (
        ("side by side", False, [0] * codebooks),
        ("side by side, delayed", False, list(range(1, codebooks + 1))),
        ("in depth", True, [0] * codebooks),
        ("in depth, delayed as Moshi", True, [0, *[1] * (codebooks - 1)]),
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = moved(Model(codebooks, codebook_size, codebook_size, deep=deep), device)
        with one_thread():
            loss = train(model, delays, steps, frames, seed=seed)
            text, delayed, _ = model.generate(frames + max(delays), delays, batch=64, seed=seed + 1)
        codes = delay.revert(delayed, delays)
        rows.append(
            {
                "codes": name,
                "temporal_steps": frames + max(delays),
                "depth_steps": delayed.shape[2] * codebooks if deep else 0,
                "loss": round(loss, 3),
                "whole_frames": round(whole_share(text[:, :frames], codes, codebook_size), 3),
            }
        )
    remarks = [
        "Toys, trained for seconds. A frame is whole if all its codes agree with its text, which has a bit to choose.",
        f"Side by side, text and codes choose without each other: {2 / 2 ** (codebooks + 1):.3f} of frames can be whole"
        " after the first. A delay lets a step see what it must agree with; depth does so within the step.",
        f"Moshi's depth transformer as transformers has it: {depth_parameters() / 1e6:.1f} M parameters.",
    ]
    shares = {"whole": [row["whole_frames"] for row in rows]}
    plot = {"kind": "bar", "x": [row["codes"] for row in rows], "series": shares, "x_label": "codes"}
    return {"rows": rows, "remarks": remarks, "plot": plot | {"y_label": "share of whole frames"}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the two transformers, each with whether it did."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = moved(Model(3, 8, 10), device)
    text, codes, drawn = model.generate(6, [0, 1, 1], batch=2)
    with torch.no_grad():
        forced = model(text, codes)
        changed = codes.clone()
        changed[:, 1, 3] = (changed[:, 1, 3] + 1) % 8
        after = model(text, changed).codes != forced.codes
    return [
        ("step by step gives the text logits of teacher forcing", torch.allclose(drawn.text, forced.text, atol=1e-5)),
        ("and the codes' logits", torch.allclose(drawn.codes, forced.codes, atol=1e-5)),
        ("a code changes nothing before it", not bool(after[:, :3].any() or after[:, 3, :2].any())),
        ("it changes the next code of its step, and the next step", bool(after[:, 3, 2].any() and after[:, 4].any())),
        ("a codebook is silent for its delay", codes[:, :, 0].tolist()[0][1:] == [8, 8]),
        ("Moshi's depth transformer has 714.4 M parameters", round(depth_parameters() / 1e5) == 7144),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Codes of a frame side by side, delayed, or in depth.", demo, checks)


if __name__ == "__main__":
    main()
