"""CTC generator: text states repeated, speech units read off with blanks between, all ways summed.

Source: CTC: Graves et al. 2006, section 4.1 (ICML, "Connectionist Temporal Classification"); the speech decoder:
    LLaMA-Omni, section 2.4 (arXiv:2409.06666), whose upsampling factor is called lambda there.
Left out: the two Transformer layers between upsampling and the output layer: here a table of logits stands for them.
Oracle: torch.nn.functional.ctc_loss in float64: loss and gradient to 1e-10; and the sum over all paths, counted.
Ties: of equally likely units in a frame the lowest index wins. Dtype: float64 or float32 logits; units are int64.
Notation: N text states, T = factor N frames, V units and one blank, U units to say, D dimension.
"""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, TypeVar

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

UNITS, FACTOR = 1000, 25  # LLaMA-Omni's speech units; the paper's factor, where its public code has 1
Unit = TypeVar("Unit", int, str)


def upsample(states: Tensor, factor: int) -> Tensor:
    """Return each of states [N, D] factor times in a row: [factor N, D]. Example: a, b by 3 -> a, a, a, b, b, b."""
    if states.ndim != 2 or factor < 1:
        raise ValueError(f"want states [N, D] and a factor of 1 or more, got {list(states.shape)} and {factor}")
    return states[torch.arange(len(states) * factor, device=states.device) // factor]


def collapsed(path: Sequence[Unit], blank: Unit) -> list[Unit]:
    """Return what a path says: runs become one, then blanks go. Two equal units in a row need a blank between them."""
    return [unit for unit, _ in groupby(path) if unit != blank]


def collapse(path: list[str], blank: str) -> list[str]:
    """Return collapsed of units with names. Example: a a ε b ε b with blank ε -> a b b."""
    return collapsed(path, blank)


def frames_needed(units: list[int]) -> int:
    """Return the shortest path that says units: one frame each, and a blank between equals. Example: 7 7 3 -> 4."""
    return len(units) + sum(one == other for one, other in pairwise(units))


def greedy(logits: Tensor, blank: int) -> list[int]:
    """Return the units that the likeliest path of logits [T, V + 1] says. Another answer may have more paths."""
    if logits.ndim != 2 or not 0 <= blank < logits.shape[1]:
        raise ValueError(f"want logits [T, V + 1] and a blank among them, got {list(logits.shape)} and {blank}")
    return collapsed(logits.argmax(1).tolist(), blank)


def loss(log_probabilities: Tensor, units: Sequence[int], blank: int) -> Tensor:
    """Return -log of the probability that the frames say units: the sum over all paths that collapse to them.

    Args:
        log_probabilities: [T, V + 1], of each frame.
        units: the U units to say; none is fine, then every frame has to be blank.
        blank: index of the blank.
    Returns: a scalar, inf if T frames are too few.
    Raises: ValueError for a shape or an index that does not fit, or a blank among units.
    Example: 2 frames, chances of blank and unit 0.4 and 0.6, to say the unit once: 0.6 x 0.6 + 2 x 0.4 x 0.6 = 0.84.
    Source: Graves et al., equations 5 to 8, with logarithms in place of products.
    """
    if log_probabilities.ndim != 2 or not len(log_probabilities) or not log_probabilities.is_floating_point():
        got = f"{list(log_probabilities.shape)} {log_probabilities.dtype}"
        raise ValueError(f"want floating-point log_probabilities [T, V + 1], T of 1 or more, got {got}")
    if blank in units or not all(0 <= unit < log_probabilities.shape[1] for unit in (*units, blank)):
        raise ValueError(
            f"want units and another blank in 0..{log_probabilities.shape[1] - 1}, got {units} and {blank}"
        )
    device = log_probabilities.device
    # The extended labels: blank, unit, blank, .., unit, blank. A path walks along them and may not turn back.
    labels = torch.full((2 * len(units) + 1,), blank, device=device)
    labels[1::2] = torch.tensor(list(units), dtype=torch.int64, device=device)
    emitted = log_probabilities[:, labels]  # [T, 2 U + 1]
    # A walk may skip the blank between two different units, never the one between equals, and never a unit.
    skips = torch.zeros_like(labels, dtype=torch.bool)
    skips[3::2] = labels[3::2] != labels[1:-2:2]
    never = emitted.new_full((1,), -1e300 if emitted.dtype == torch.float64 else -1e30)  # -inf has no gradient here
    forward = torch.cat([emitted[0, :2], never.expand(max(0, len(labels) - 2))])  # starts at label 0 or 1
    for frame in emitted[1:]:
        stay, step = forward, torch.cat([never, forward[:-1]])
        skip = torch.cat([never, never, forward])[: len(labels)]
        forward = torch.stack([stay, step, torch.where(skips, skip, never)]).logsumexp(0) + frame
    total = forward[-2:].logsumexp(0)  # ends at the last unit or the blank after it
    return torch.where(total > never[0] / 2, -total, math.inf)


FIGURES = (collapse, frames_needed)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    states: int = 4,
    factors: tuple[int, ...] = (1, 2, 3, 5, 25),
    units: int = 9,
    vocabulary: int = 4,
    steps: int = 40,
) -> dict[str, Any]:
    """Train a table of logits by CTC to say units; try factors, and see which leave frames enough.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the units.
        states: text states, N.
        factors: frames for each text state to try.
        units: speech units to say, U.
        vocabulary: speech units there are, V.
        steps: of gradient descent.
    """
    if min(states, units, vocabulary, steps, *factors) < 1:
        got = f"{states}, {units}, {vocabulary}, {steps} and {list(factors)}"
        raise ValueError(f"want states, units, vocabulary, steps and factors of 1 or more, got {got}")
    wanted = torch.randint(vocabulary, (units,), generator=torch.Generator().manual_seed(seed)).tolist()
    rows, curves, path = [], {}, ""
    for factor in factors:
        # Every copy of a state is trained on its own: in the paper attention tells the copies apart.
        logits = upsample(moved(torch.zeros(states, vocabulary + 1, dtype=torch.float64), device), factor)
        logits.requires_grad_()
        if len(logits) < frames_needed(wanted):
            said, final = None, None
        else:
            optimizer, losses = torch.optim.Adam([logits], lr=1.0), []
            for _ in range(steps):
                optimizer.zero_grad()
                value = loss(logits.log_softmax(1), wanted, vocabulary)
                value.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses.append(round(float(value.detach()), 4))
            said, final, curves[f"factor {factor}"] = greedy(logits.detach(), vocabulary), losses[-1], losses
            path = " ".join("ε" if unit == vocabulary else str(unit) for unit in logits.detach().argmax(1).tolist())
        row: dict[str, Any] = {"factor": factor, "frames": len(logits), "units_to_say": units}
        rows.append(row | {"frames_needed": frames_needed(wanted), "loss": final, "said_right": said == wanted})
    remarks = [
        "A toy: the frames' logits are trained directly, one set for one answer. No text is read.",
        f"To say: {' '.join(map(str, wanted))}. Fewer frames than needed cannot say it: the loss is infinite.",
        f"LLaMA-Omni has {UNITS} units; with the paper's factor {FACTOR} a text token says {FACTOR} of them at most.",
    ]
    shown: dict[str, Any] = {"rows": rows, "remarks": remarks}
    if curves:
        shown["drawing"] = path if len(path) <= 100 else f"{path[:97]}..."
        shown["plot"] = {"kind": "line", "x": list(range(steps)), "series": curves}
        shown["plot"] |= {"x_label": "step of training", "y_label": "CTC loss"}
    return shown


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of collapse and loss, each with whether it did."""
    chances = moved(torch.tensor([[0.6, 0.4], [0.6, 0.4]], dtype=torch.float64), device).log()
    noise = moved(torch.randn(12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    ours = loss(noise.log_softmax(1), [1, 1, 4, 0], 5)
    length, target = torch.tensor([4]), torch.tensor([[1, 1, 4, 0]], device=noise.device)
    torchs = torch.nn.functional.ctc_loss(noise.log_softmax(1)[:, None], target, torch.tensor([12]), length, 5, "sum")
    return [
        ("a a ε b ε b says a b b", collapse(list("aaεbεb"), "ε") == list("abb")),
        ("two frames say one unit with 0.84", math.isclose(loss(chances, [0], 1).exp().item(), 1 / 0.84)),
        ("two frames cannot say a unit twice", loss(chances, [0, 0], 1).item() == math.inf),
        ("the loss is torch's", math.isclose(ours.item(), torchs.item(), rel_tol=1e-12)),
        ("a state is repeated in place", upsample(noise[:2], 2)[:, 0].tolist() == noise[[0, 0, 1, 1], 0].tolist()),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Speech units by CTC from upsampled text states.", demo, checks)


if __name__ == "__main__":
    main()
