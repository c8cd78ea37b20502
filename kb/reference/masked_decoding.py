"""Masked decoding: all tokens begin masked; each pass keeps the surest ones of a toy model.

Long for its toy model, which has to know the exact answer, and for the demo.
Source: MaskGIT, section 3.2 (arXiv:2202.04200); SoundStorm, section 3.3, for layers (arXiv:2305.09636); MaskGCT,
    sections 3.2 and 3.3 (arXiv:2409.00750), whose public code has the schedule as sin(pi t / 2), t from 1 down to 0.
Left out: the network. The models here are toys whose exact answer is known: a chain, and layers that follow it. Also
    top-k filtering and guidance, which stand in sampling and guidance, and training by random masks.
Oracle: none installed. The two forms of the schedule agree; the chain's answers equal those of counting all sequences.
Ties: a mask share on the verge of a whole number of tokens counts as it (1e-9); equally sure tokens: topk decides.
Dtype: codes are int64; the models give float64 log-probabilities. Random numbers are drawn on the CPU.
Notation: B batch, K layers, T frames, V codebook size; MASK = -1 stands where no code is known.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference.sampling import gumbel

MASK = -1
MASKGCT_STEPS = (25, 10, *[1] * 10)  # passes for each of 12 acoustic layers
FRAME_RATE_HZ = 50.0  # of MaskGCT's tokens
Model = Callable[[Tensor], Tensor]  # codes [B, T], MASK where unknown -> log-probabilities [B, T, V]
LayerModel = Callable[[Tensor, int], Tensor]  # codes [B, K, T] and the layer asked for -> the same of that layer


def masked_share(progress: float) -> float:
    """Return the share of tokens still masked after a share of the passes: cos(pi u / 2), so 1 first and 0 at last."""
    return math.cos(math.pi * progress / 2)


def revealed_per_step(tokens: int, steps: int) -> list[int]:
    """Return how many tokens each step settles; what stays masked is rounded down. Sums to tokens.

    MaskGIT's own code settles at least one token a step and leaves one to the last; MaskGCT's does not, nor does this.
    Example: 10 tokens in 4 steps: 9, 7, 3 and 0 stay masked -> 1, 2, 4, 3.
    """
    if tokens < 0 or steps < 1:
        raise ValueError(f"want 0 tokens or more in 1 step or more, got {tokens} and {steps}")
    masked = [tokens, *(math.floor(tokens * masked_share(step / steps) + 1e-9) for step in range(1, steps + 1))]
    return [masked[step] - masked[step + 1] for step in range(steps)]


def idle_steps(tokens: int, steps: int) -> int:
    """Return how many steps settle no token. Example: 500 tokens in 50 steps -> 1, the second."""
    return revealed_per_step(tokens, steps).count(0)


def decode(model: Model, codes: Tensor, steps: int, *, annealing: float = 0.0, seed: int = 0) -> Tensor:
    """Return codes [B, T] with every MASK replaced, in so many passes of the model. What was given stays.

    Args:
        model: gives log-probabilities [B, T, V] for codes with masks.
        codes: [B, T], int64; every row has the same number of masks. Codes that are known are the prompt.
        steps: passes.
        annealing: how much Gumbel noise is added to a token's log-probability before the surest are kept; it falls
            to 0 towards the last pass. 0 trusts the model from the start.
        seed: draws tokens and noise.
    Raises: ValueError for shapes that do not fit or rows that differ in the number of masks.
    """
    if codes.ndim != 2 or codes.dtype != torch.int64 or len(set((codes == MASK).sum(1).tolist())) > 1:
        raise ValueError(f"want int64 codes [B, T], as many masks in each row, got {list(codes.shape)} {codes.dtype}")
    generator = torch.Generator().manual_seed(seed)
    revealed = revealed_per_step(int((codes == MASK).sum()) // max(1, len(codes)), steps)
    for step, count in enumerate(revealed):
        log_probabilities = model(codes)
        if log_probabilities.shape[:2] != codes.shape:
            raise ValueError(f"the model gave {list(log_probabilities.shape)} for codes {list(codes.shape)}")
        drawn = (log_probabilities + gumbel(log_probabilities, generator)).argmax(2)  # one sample a frame
        sureness = log_probabilities.gather(2, drawn[..., None])[..., 0]
        sureness = sureness + annealing * (1 - (step + 1) / steps) * gumbel(sureness, generator)
        kept = sureness.masked_fill(codes != MASK, -math.inf).topk(count, dim=1).indices  # [B, count]
        codes = codes.scatter(1, kept, drawn.gather(1, kept))
    return codes


def decode_layers(
    model: LayerModel, codes: Tensor, steps: Sequence[int], *, annealing: float = 0.0, seed: int = 0
) -> Tensor:
    """Return codes [B, K, T] with every MASK replaced, coarse layers first; layer k takes steps[k] passes."""
    if codes.ndim != 3 or codes.shape[1] != len(steps):
        raise ValueError(f"want codes [B, K, T] and K numbers of steps, got {list(codes.shape)} and {list(steps)}")
    codes = codes.clone()
    for k, layer_steps in enumerate(steps):

        def layer_model(layer: Tensor, k: int = k) -> Tensor:
            return model(torch.cat([codes[:, :k], layer[:, None], codes[:, k + 1 :]], dim=1), k)

        codes[:, k] = decode(layer_model, codes[:, k], layer_steps, annealing=annealing, seed=seed + k)
    return codes


def summed_embeddings(codes: Tensor, embeddings: Tensor, layer: int) -> Tensor:
    """Return what SoundStorm's network reads, [B, T, D]: embeddings of layers 0..layer, added frame by frame.

    embeddings is [K, V + 1, D]: row V of each layer is the mask's. Finer layers are not read: they are still unknown.
    """
    if codes.ndim != 3 or embeddings.ndim != 3 or not 0 <= layer < codes.shape[1] <= len(embeddings):
        shapes = f"{list(codes.shape)}, {list(embeddings.shape)} and {layer}"
        raise ValueError(f"want codes [B, K, T], embeddings [K, V + 1, D] and a layer in 0..K-1, got {shapes}")
    rows = torch.where(codes == MASK, embeddings.shape[1] - 1, codes)
    return torch.stack([embeddings[k][rows[:, k]] for k in range(layer + 1)]).sum(0)


def ring_model(codebook_size: int) -> LayerModel:
    """Return a toy model that knows the exact answer.

    Layer 0 is a chain: a frame's code is the code before it, or one more, with even chances, on a ring of V codes.
    Each finer layer is the layer above it, or one more, with even chances, frame by frame.
    """
    moves = torch.eye(codebook_size, dtype=torch.float64)
    moves = (moves + moves.roll(1, 1)) / 2  # moves[v, w]: the chance of w after v

    def model(codes: Tensor, layer: int) -> Tensor:
        chances = moves.to(codes.device)
        if layer > 0:
            return chances[codes[:, layer - 1]].log()
        known, frames = codes[:, 0] != MASK, codes.shape[2]
        certain = torch.nn.functional.one_hot(codes[:, 0].clamp(min=0), codebook_size).double()
        left, right = [certain.new_ones(certain[:, 0].shape)], [certain.new_ones(certain[:, 0].shape)]
        for t in range(frames - 1):  # what the frames before t + 1, and those after frames - 2 - t, say of it
            left.append(torch.where(known[:, t, None], certain[:, t], left[-1]) @ chances)
            last = frames - 1 - t
            right.append(torch.where(known[:, last, None], certain[:, last], right[-1]) @ chances.T)
        before, after = torch.stack(left, 1), torch.stack(right[::-1], 1)
        fits = (before * after).sum(2, keepdim=True) > 0
        both = torch.where(fits, before * after, before)  # codes that contradict each other: go by those before
        return (both / both.sum(2, keepdim=True)).log()

    return model


def broken_share(codes: Tensor, codebook_size: int) -> float:
    """Return the share of neighbours in codes [B, T] that the ring does not allow: neither equal nor one more."""
    step = (codes[:, 1:] - codes[:, :-1]) % codebook_size
    return float((step > 1).double().mean())


FIGURES = (revealed_per_step, idle_steps)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    frames: int = 64,
    codebook_size: int = 8,
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    annealing: float = 4.0,
    batch: int = 64,
) -> dict[str, Any]:
    """Decode a toy chain in more and more passes; count the neighbours that do not fit. Then passes against length.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws tokens and noise.
        frames: tokens in a sequence, T.
        codebook_size: codes on the ring, V.
        steps: numbers of passes to try.
        annealing: Gumbel noise on a token's sureness in the first pass.
        batch: sequences for each number.
    """
    if min(frames, codebook_size - 2, batch, *steps) < 1 or not 0 <= annealing < math.inf:
        got = f"{frames}, {codebook_size}, {batch}, {list(steps)} and {annealing}"
        raise ValueError(f"want frames, batch and steps of 1, codebook_size of 3, annealing of 0 or more, got {got}")
    codes, layers = _masks((batch, 1, frames), device), _masks((batch, 3, frames), device)
    model, rows = ring_model(codebook_size), []
    for count in steps:
        sure = decode_layers(model, codes, [count], seed=seed)[:, 0]
        spread = decode_layers(model, codes, [count], annealing=annealing, seed=seed)[:, 0]
        row: dict[str, Any] = {"passes": count, "idle_steps": idle_steps(frames, count)}
        row["largest_step"] = max(revealed_per_step(frames, count))
        row["broken_without_noise"] = round(broken_share(sure, codebook_size), 3)
        row["broken_with_noise"] = round(broken_share(spread, codebook_size), 3)
        rows.append(row)
    filled = decode_layers(model, layers, [max(steps), 1, 1], annealing=annealing, seed=seed)
    wrong = [broken_share(filled[:, k : k + 2].mT.flatten(0, 1), codebook_size) for k in range(2)]
    passes = sum(MASKGCT_STEPS)
    remarks = [
        "A toy: its model is exact, so what breaks is broken by settling tokens together that depend on each other.",
        "Without noise the surest tokens lie next to those settled before, and are settled side by side.",
        f"Finer layers took one pass each and broke {max(wrong):.0%}: given the layer above, frames are independent.",
        f"MaskGCT's 12 layers take {passes} passes at any length, twice that with guidance; one token a pass would"
        f" take {len(MASKGCT_STEPS) * FRAME_RATE_HZ:.0f} a second.",
    ]
    seconds = [quarter / 4 for quarter in range(9)]
    one_by_one = [len(MASKGCT_STEPS) * FRAME_RATE_HZ * second for second in seconds]
    series = {"masked decoding": [passes] * len(seconds), "one token a pass": one_by_one}
    plot = {"kind": "line", "x": seconds, "series": series, "x_label": "seconds of audio", "y_label": "passes"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of schedule and decoding, each with whether it did."""
    model, codes = ring_model(8), _masks((16, 1, 24), device)
    prompt = codes[:, 0].clone()
    prompt[:, :3] = torch.tensor([5, 6, 6], device=prompt.device)
    continued = decode(lambda known: model(known[:, None], 0), prompt, 21)
    shares = [(masked_share(1 - t / 40), math.sin(math.pi * t / 80)) for t in range(41)]
    one_pass, many = (decode_layers(model, codes, [steps], annealing=4.0)[:, 0] for steps in (1, 24))
    return [
        ("10 tokens in 4 steps are settled 1, 2, 4, 3 at a time", revealed_per_step(10, 4) == [1, 2, 4, 3]),
        ("sin(pi t / 2) from t = 1 down is the cosine schedule", all(math.isclose(*pair) for pair in shares[1:])),
        ("500 tokens in 50 steps leave the second step idle", revealed_per_step(500, 50)[:3] == [1, 0, 2]),
        ("no mask is left", not bool((many == MASK).any())),
        ("the prompt stays", torch.equal(continued[:, :3], prompt[:, :3])),
        ("more passes break fewer neighbours", broken_share(many, 8) < broken_share(one_pass, 8) / 4),
    ]


def _masks(shape: tuple[int, ...], device: str) -> Tensor:
    return moved(torch.full(shape, MASK), device)


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Masked decoding of a toy chain in more and more passes.", demo, checks)


if __name__ == "__main__":
    main()
