"""Mixture of LoRAs, a toy: a gate decides at each position how much of which adapter to add.

Source: MoLE-LLaMA, "Get Large Language Models Ready to Speak" (arXiv:2410.20336): an adapter for text, one for speech,
    both trained alone and then frozen, and a mixture of experts over them.
Left out: the language model. Positions are drawn vectors, both tasks are matrices. How the paper's gate looks was not
    checked: here it is the common one, a softmax over a linear map of the position.
Oracle: none: no package has it. With a gate all on one side the layer equals lora.adapted with that adapter, and the
    gradients of the gate equal autograd's (to 1e-6).
Ties: there are none. Dtype: that of the weight. The seed draws positions, tasks and adapters.
Notation: N positions, D width, E adapters (experts), r rank, G [E, D + 1] gate with its bias.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference.lora import adapted, fit

WIDTH, RANK, TASK_RANK, POSITIONS, APART = 16, 4, 2, 600, 2.0  # of the toy; APART: text and speech, in deviations
GATE_STEP, GATE_STEPS = 1.0, 300  # of gradient descent
Adapter = tuple[Tensor, Tensor]  # A [r, D_in], B [D_out, r]


def gates(x: Tensor, gate: Tensor) -> Tensor:
    """Return the weight of each adapter at each position, [N, E]: positive, 1 in all; a gate of zeros is even.

    Args:
        x: [N, D].
        gate: [E, D + 1], its last column the bias.
    """
    if x.ndim != 2 or gate.ndim != 2 or gate.shape[1] != x.shape[1] + 1:
        raise ValueError(f"want x [N, D] and a gate [E, D + 1], got {list(x.shape)} and {list(gate.shape)}")
    return (x @ gate[:, :-1].T + gate[:, -1]).softmax(1)


def updates(x: Tensor, weight: Tensor, adapters: Sequence[Adapter], scaling: float) -> Tensor:
    """Return what each adapter alone would add, [N, E, D_out]."""
    frozen = x @ weight.T
    return torch.stack([adapted(x, weight, a, b, scaling) - frozen for a, b in adapters], dim=1)


def mixed(x: Tensor, weight: Tensor, adapters: Sequence[Adapter], gate: Tensor, scaling: float = 1.0) -> Tensor:
    """Return the layer's output [N, D_out]: W x, and of each adapter's update as much as the gate says.

    Raises: ValueError if there are not as many adapters as the gate has rows.
    Example: gates 0.75 and 0.25, updates 4 and -4, W x = 1 -> 1 + 3 - 1 = 3.
    """
    if len(adapters) != len(gate):
        raise ValueError(f"want as many adapters as rows of the gate, got {len(adapters)} and {list(gate.shape)}")
    shares = gates(x, gate)
    return x @ weight.T + (shares[:, :, None] * updates(x, weight, adapters, scaling)).sum(1)


def gate_gradient(x: Tensor, targets: Tensor, weight: Tensor, adapters: Sequence[Adapter], gate: Tensor) -> Tensor:
    """Return the gradient [E, D + 1] of half the mean squared error, by hand: only the gate learns."""
    shares, added = gates(x, gate), updates(x, weight, adapters, 1.0)
    error = (x @ weight.T + (shares[:, :, None] * added).sum(1) - targets) / len(x)  # [N, D_out]
    blame = (error[:, None] * added).sum(2)  # [N, E]: how much an adapter's share should go down
    by_logit = shares * (blame - (shares * blame).sum(1, keepdim=True))
    return by_logit.T @ torch.cat([x, x.new_ones(len(x), 1)], 1)


def fit_gate(x: Tensor, targets: Tensor, weight: Tensor, adapters: Sequence[Adapter]) -> Tensor:
    """Return the gate that has learnt on positions of all kinds; weight and adapters stay as they are."""
    gate = x.new_zeros(len(adapters), x.shape[1] + 1)
    for _ in range(GATE_STEPS):
        gate = gate - GATE_STEP * gate_gradient(x, targets, weight, adapters, gate)
    return gate


def trained_percent(inputs: int, outputs: int, rank: int, adapters: int = 2) -> float:
    """Return how many parameters adapters and gate have, in percent of the matrix they adapt.

    Example: two of rank 8 on a matrix of 4096 by 4096 -> 0.83.
    """
    if min(inputs, outputs, rank, adapters) < 1:
        raise ValueError(f"want numbers of 1 or more, got {inputs}, {outputs}, {rank} and {adapters}")
    return 100 * adapters * (rank * (inputs + outputs) + inputs + 1) / (inputs * outputs)


FIGURES = (trained_percent,)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, apart: float = APART) -> dict[str, Any]:
    """Train an adapter for toy text, one for toy speech, then a gate; compare it with adapters that have none.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws positions, weight and tasks.
        apart: how far positions of text and speech lie from the middle, in deviations; 0 makes them look alike.
    """
    weight, tasks, kinds, x = (moved(one, device) for one in _toy(seed, apart))
    held_x, held_kinds = x[POSITIONS:], kinds[POSITIONS:]
    x, kinds = x[:POSITIONS], kinds[:POSITIONS]
    with one_thread():
        text, speech = (fit(x[kinds == k], x[kinds == k] @ tasks[k].T, weight, RANK, 1.0, seed=k) for k in (0, 1))
        on_top = fit(x[kinds == 1], x[kinds == 1] @ tasks[1].T, weight + text[1] @ text[0], RANK, 1.0, seed=2)
        targets = torch.where(kinds[:, None] == 0, x @ tasks[0].T, x @ tasks[1].T)
        gate = fit_gate(x, targets, weight, (text, speech))
    base, added = held_x @ weight.T, updates(held_x, weight, (text, speech), 1.0)
    outputs = {
        "frozen": base,
        "adapter for text": base + added[:, 0],
        "adapter for speech": base + added[:, 1],
        "both, added": base + added.sum(1),
        "text, then speech on top": adapted(held_x, weight + text[1] @ text[0], *on_top, 1.0),
        "both, gated": mixed(held_x, weight, (text, speech), gate),
    }
    rows = []
    for name, output in outputs.items():
        row: dict[str, Any] = {"layer": name}
        for k, kind in enumerate(("text", "speech")):
            of = held_kinds == k
            wanted = held_x[of] @ tasks[k].T
            row[f"{kind}_error_percent"] = round(
                100 * float((output[of] - wanted).norm() / (base[of] - wanted).norm()), 1
            )
        rows.append(row)
    runs = torch.cat([held_x[held_kinds == k][:12] for k in (0, 1)] * 2)  # text, speech, text, speech
    trace = [round(share, 3) for share in gates(runs, gate)[:, 1].tolist()]
    drawing = "\n".join(
        ["gate   " + "".join(str(min(9, int(10 * share))) for share in trace), "kind   " + ("t" * 12 + "s" * 12) * 2]
    )
    remarks = [
        "The drawing: the gate's share of the speech adapter, in tenths, along text (t) and speech (s).",
        "Speech trained on top of text spoils text. Gated, both stay: neither adapter was touched again.",
        "Where a position does not tell what it belongs to, the gate mixes and both suffer; try apart=0.",
    ]
    plot = {
        "kind": "line",
        "x": list(range(len(trace))),
        "series": {"share of the speech adapter": trace},
        "x_label": "position: 12 of text, 12 of speech, and again",
        "y_label": "share",
    }
    return {"rows": rows, "drawing": drawing, "remarks": remarks, "plot": plot}


def _toy(seed: int, apart: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a weight [D, D], two tasks [2, D, D], the kinds of positions [2 N], and positions [2 N, D]."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(WIDTH, WIDTH, generator=generator) / WIDTH**0.5
    left, right = torch.randn(2, 2, WIDTH, TASK_RANK, generator=generator) / WIDTH**0.5
    kinds = torch.randint(2, (2 * POSITIONS,), generator=generator)
    x = torch.randn(2 * POSITIONS, WIDTH, generator=generator)
    x[:, 0] += apart * (2 * kinds - 1)
    return weight, weight + left @ right.transpose(1, 2), kinds, x


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    weight, tasks, _, x = (moved(one, device) for one in _toy(0, APART))
    adapters = [(task[:RANK], task[:, RANK : 2 * RANK]) for task in tasks]
    even, one_sided = torch.zeros(2, WIDTH + 1).to(x), torch.zeros(2, WIDTH + 1).to(x)
    one_sided[0, -1] = 100.0
    added = updates(x, weight, adapters, 1.0)
    alone, halves = adapted(x, weight, *adapters[0], 1.0), x @ weight.T + added.mean(1)
    return [
        ("All on one side it is that adapter alone.", torch.allclose(mixed(x, weight, adapters, one_sided), alone)),
        ("A gate of zeros adds half of both.", torch.allclose(mixed(x, weight, adapters, even), halves, atol=1e-5)),
        (
            "Two adapters of rank 8 and a gate are 0.83 % of 4096 by 4096.",
            round(trained_percent(4096, 4096, 8), 2) == 0.83,
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Two adapters and a gate, on a toy.", demo, checks)


if __name__ == "__main__":
    main()
