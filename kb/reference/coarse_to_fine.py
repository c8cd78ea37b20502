"""Coarse to fine: the first layer token by token, finer ones a pass each or token by token (a toy, no network).

Long for its toy, whose distribution is written down.
Source: VALL-E, section 4.2: autoregressive, then not (arXiv:2301.02111); AudioLM, section III-C: semantic, coarse
    and fine stages, each autoregressive (arXiv:2209.03143).
Left out: networks, text, prompts. A toy stands for them, whose distribution is known: layer 0 walks on a ring; a finer
    layer is the layer above it plus a bit, and its bits may depend on the bit of the frame before.
Oracle: none installed. Frequencies of all sequences against their probabilities; bits against a formula.
Ties: the likeliest code with the lowest index. Dtype: float64; codes int64. Random numbers are drawn on the CPU.
Notation: B batch, K layers, T frames, V codebook size; q the chance of a 1 among bits, coupling from 0 to 1.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

WAYS = ("token by token", "one pass, drawn", "one pass, likeliest")  # how a layer may be made; VALL-E takes the last


class Toy(NamedTuple):
    """A distribution of codes [K, T] that can be written down."""

    codebook_size: int  # V
    stay: float = 0.5  # chance that layer 0 repeats its code; else it goes one up
    q: float = 0.3  # chance that a finer layer is one above the layer before it
    coupling: float = 0.0  # with this chance a bit copies the bit before it, else it is drawn anew

    def next_code(self, codes: Tensor, k: int, t: int) -> Tensor:
        """Return chances [B, V] of code t of layer k; coarser layers and earlier frames of codes [B, K, T] are read."""
        if k == 0:
            here = codes[:, 0, t - 1]
            up = codes.new_full(here.shape, 1 - self.stay, dtype=torch.float64)
            return self._one_up(here, up) if t else torch.full_like(self._one_up(here, up), 1 / self.codebook_size)
        up = torch.full_like(codes[:, k, t], self.q, dtype=torch.float64)
        if t:
            before = (codes[:, k, t - 1] - codes[:, k - 1, t - 1]) % self.codebook_size
            up = self.coupling * before.clamp(max=1) + (1 - self.coupling) * up  # no bit is above 1 but in a wrong code
        return self._one_up(codes[:, k - 1, t], up)

    def layer(self, codes: Tensor, k: int) -> Tensor:
        """Return the chances [B, T, V] of all codes of layer k >= 1, given coarser layers only: frames do not meet."""
        return self._one_up(codes[:, k - 1], torch.full_like(codes[:, k], self.q, dtype=torch.float64))

    def _one_up(self, here: Tensor, up: Tensor) -> Tensor:
        one_hot = torch.nn.functional.one_hot(here, self.codebook_size).double()
        return one_hot * (1 - up[..., None]) + one_hot.roll(1, -1) * up[..., None]


def generate(
    toy: Toy, layers: int, frames: int, way: str, *, batch: int = 1, seed: int = 0, device: str = "cpu"
) -> Tensor:
    """Return codes [B, K, T]: layer 0 token by token, finer layers in the given way, coarse to fine."""
    if min(layers, frames, batch) < 1 or way not in WAYS:
        got = f"{layers}, {frames}, {batch} and {way!r}"
        raise ValueError(f"want layers, frames and batch of 1 or more and a way of {', '.join(WAYS)}, got {got}")
    generator = torch.Generator().manual_seed(seed)
    codes = moved(torch.zeros(batch, layers, frames, dtype=torch.int64), device)
    for k in range(layers):
        if k == 0 or way == "token by token":
            for t in range(frames):
                codes[:, k, t] = _draw(toy.next_code(codes, k, t), generator)
        elif way == "one pass, drawn":
            codes[:, k] = _draw(toy.layer(codes, k), generator)
        else:
            codes[:, k] = toy.layer(codes, k).argmax(-1)
    return codes


def bits(toy: Toy, codes: Tensor) -> Tensor:
    """Return for each of codes [B, K, T] how improbable it is: -log2 of its probability, [B]; inf if it is 0."""
    if codes.ndim != 3 or not codes.numel() or not 0 <= int(codes.min()) <= int(codes.max()) < toy.codebook_size:
        raise ValueError(f"want codes [B, K, T] in 0..{toy.codebook_size - 1}, got {list(codes.shape)}")
    total = codes.new_zeros(len(codes), dtype=torch.float64)
    for k in range(codes.shape[1]):
        for t in range(codes.shape[2]):
            total = total - toy.next_code(codes, k, t).gather(1, codes[:, k, t, None])[:, 0].log2()
    return total


def expected_bits(toy: Toy, layers: int, frames: int) -> float:
    """Return the entropy of toy, in bits: what `bits` is on average of codes that are drawn right."""
    after = {bit: toy.coupling * bit + (1 - toy.coupling) * toy.q for bit in (0, 1)}  # the chance of a 1 after bit
    a_frame = toy.q * _entropy(after[1]) + (1 - toy.q) * _entropy(after[0])
    coarse = math.log2(toy.codebook_size) + (frames - 1) * _entropy(toy.stay)
    return coarse + (layers - 1) * (_entropy(toy.q) + (frames - 1) * a_frame)


def passes(frames: int, token_by_token: int, one_pass: int) -> int:
    """Return the passes for layers of each way. Example: 375 frames, 1 and 7 layers -> 382; 8 and 0 -> 3,000."""
    if min(frames, token_by_token, one_pass) < 0:
        raise ValueError(f"want 0 frames, layers or more, got {frames}, {token_by_token} and {one_pass}")
    return frames * token_by_token + one_pass


def first_frame_pass(frames: int, token_by_token: int, one_pass: int) -> int:
    """Return the pass after which frame 0 has all its codes: in the last layer. Example: 375; 8, 0 -> 2,626."""
    if frames < 1 or token_by_token + one_pass < 1:
        raise ValueError(f"want 1 frame and 1 layer or more, got {frames}, {token_by_token} and {one_pass}")
    last = 0 if one_pass else frames - 1
    return passes(frames, token_by_token, one_pass) - last


def _draw(chances: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand((*chances.shape[:-1], 1), generator=generator, dtype=torch.float64).to(chances)
    reached = chances.cumsum(-1)
    return (reached <= uniform * reached[..., -1:]).sum(-1)


def _entropy(chance: float) -> float:
    return -sum(p * math.log2(p) for p in (chance, 1 - chance) if p > 0)


FIGURES = (passes, first_frame_pass)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    layers: int = 4,
    frames: int = 40,
    codebook_size: int = 16,
    couplings: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75),
    batch: int = 200,
) -> dict[str, Any]:
    """Make codes in each way from toys whose frames are more and more coupled; compare bits with what they should be.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the codes.
        layers: K.
        frames: T.
        codebook_size: V.
        couplings: how much a finer layer's frames depend on each other; 0 is not at all, 1 wholly (left out).
        batch: sequences for each.
    """
    if codebook_size < 3 or not couplings or not 0 <= min(couplings) <= max(couplings) < 1:
        raise ValueError(f"want a codebook_size of 3 or more, couplings in 0..1, got {codebook_size}, {couplings}")
    rows = []
    for coupling in couplings:
        toy = Toy(codebook_size, coupling=coupling)
        for way in WAYS:
            codes = generate(toy, layers, frames, way, batch=batch, seed=seed, device=device)
            by_token = layers if way == WAYS[0] else 1
            per_code = float(bits(toy, codes).mean()) / (layers * frames)
            rows.append(
                {
                    "coupling": coupling,
                    "finer_layers": way,
                    "passes": passes(frames, by_token, layers - by_token),
                    "first_frame_after": first_frame_pass(frames, by_token, layers - by_token),
                    "bits_per_code": round(per_code, 3),
                    "should_be": round(expected_bits(toy, layers, frames) / (layers * frames), 3),
                }
            )
    remarks = [
        "A toy whose distribution is known. More bits than there should be: codes come together that do not belong"
        " together. Fewer: what is made is too typical.",
        "One pass is right where a finer layer's frames do not depend on each other, given the layers above.",
        f"At VALL-E's 8 layers and 375 frames (5 s): {passes(375, 1, 7)} passes, and all of them before the first frame"
        f" is complete; token by token {passes(375, 8, 0):,}.",
    ]
    series = {way: [row["bits_per_code"] for row in rows if row["finer_layers"] == way] for way in WAYS}
    series["should be"] = [row["should_be"] for row in rows if row["finer_layers"] == WAYS[0]]
    plot = {"kind": "line", "x": list(couplings), "series": series}
    plot |= {"x_label": "coupling of frames in a finer layer", "y_label": "bits per code"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the ways, each with whether it did."""
    found = {}
    for coupling in (0.0, 0.75):
        toy = Toy(8, coupling=coupling)
        for way in WAYS:
            codes = generate(toy, 3, 20, way, batch=500, device=device)
            found[coupling, way] = float(bits(toy, codes).mean()) / expected_bits(toy, 3, 20)
    by_token, drawn, likeliest = WAYS
    return [
        ("VALL-E's 8 layers of 375 frames take 382 passes", passes(375, 1, 7) == 382),
        ("the first frame is complete after the last of them", first_frame_pass(375, 1, 7) == 382),
        ("token by token is right", all(abs(found[c, by_token] - 1) < 0.03 for c in (0.0, 0.75))),
        ("one pass is right where frames do not depend on each other", abs(found[0.0, drawn] - 1) < 0.03),
        ("where they do, one pass makes improbable codes", found[0.75, drawn] > 1.2),
        ("the likeliest codes are too typical", found[0.0, likeliest] < 0.9),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Codes coarse to fine, token by token or a layer in one pass.", demo, checks)


if __name__ == "__main__":
    main()
