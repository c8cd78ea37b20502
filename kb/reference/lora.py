"""LoRA: a frozen matrix W is trained as W + s BA, and s can be turned down afterwards (shown on a toy matrix).

Source: LoRA, section 4.1 (arXiv:2106.09685); SALMONN's figure 3 turns s from 4.0 to 2.0 (arXiv:2310.13289).
Left out: dropout, many layers; a language model. What is trained here is one toy matrix, so that of SALMONN's finding
    only the mechanics can be seen: what s does to a layer, and what it need not do to a network.
Oracle: the best matrix of rank r, by singular values (Eckart and Young), which training has to reach; and the closed
    form of one layer, whose output is a straight line in s.
Ties: there are none. Dtype: that of the weight, float32 or float64. The seed draws A; B starts as zeros.
Notation: D_in inputs, D_out outputs, r rank, W [D_out, D_in], A [r, D_in], B [D_out, r], s = alpha / r.
"""

from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference._kinds import kinds

SALMONN_ALPHA, SALMONN_RANK = 32.0, 8  # s = 4.0
STEP, MOMENTUM, STEPS = 0.05, 0.9, 1000  # of gradient descent
WIDTH, SAMPLES, TASK_RANK = 16, 256, 4  # of the toy


def scaling(alpha: float, rank: int) -> float:
    """Return s, what the update is multiplied by: SALMONN's alpha 32 and rank 8 -> 4.0."""
    if rank < 1:
        raise ValueError(f"want a rank of 1 or more, got {rank}")
    return alpha / rank


def start(weight: Tensor, rank: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return A, drawn, and B, zeros, for a weight: so the adapted layer begins as the frozen one."""
    if weight.ndim != 2 or not 1 <= rank <= min(weight.shape):
        raise ValueError(f"want a weight [D_out, D_in] and a rank from 1 to the smaller, got {kinds(weight)}, {rank}")
    drawn = torch.randn(rank, weight.shape[1], generator=torch.Generator().manual_seed(seed)) / weight.shape[1] ** 0.5
    return drawn.to(weight), weight.new_zeros(weight.shape[0], rank)


def adapted(x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scaling: float) -> Tensor:
    """Return the adapted layer's output [.., D_out]: W x + s B (A x), without ever making BA.

    Args:
        x: [.., D_in].
        weight: W [D_out, D_in], frozen.
        a: A [r, D_in].
        b: B [D_out, r].
        scaling: s, alpha / r in training, any number afterwards.
    Raises: ValueError if the shapes do not fit together.
    Example: x = (1 2), W the identity, A = (1 1), B = (1 2)', s = 2 -> (1 2) + 2 * 3 * (1 2) = (7 14).
    """
    _check(weight, a, b)
    if x.shape[-1:] != a.shape[1:]:
        raise ValueError(f"want x [.., D_in] and W [D_out, D_in], got {kinds(x, weight)}")
    return x @ weight.T + scaling * ((x @ a.T) @ b.T)


def merge(weight: Tensor, a: Tensor, b: Tensor, scaling: float) -> Tensor:
    """Return one matrix that does the same, W + s BA: so a merged model is as fast as the frozen one was."""
    _check(weight, a, b)
    return weight + scaling * (b @ a)


def unmerge(merged: Tensor, a: Tensor, b: Tensor, scaling: float) -> Tensor:
    """Return W again: from here s can be chosen anew."""
    return merge(merged, a, b, -scaling)


def fit(
    x: Tensor, targets: Tensor, weight: Tensor, rank: int, scaling: float, *, steps: int = STEPS, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return A and B for which the adapted layer is nearest to targets [N, D_out] on x [N, D_in]; W stays.

    Gradient descent with momentum on the squared error, for so many steps; the gradients are written out.
    """
    if len(x) != len(targets) or not len(x) or scaling <= 0:
        raise ValueError(f"want as many x as targets, a scaling above 0, got {kinds(x, targets)} and {scaling}")
    step = STEP / (scaling * max(1, scaling))  # the gradients grow with the scaling, at first with its square
    a, b = start(weight, rank, seed)
    push_a, push_b = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(steps):
        error = (adapted(x, weight, a, b, scaling) - targets) / len(x)  # [N, D_out]
        push_a = MOMENTUM * push_a - scaling * b.T @ error.T @ x
        push_b = MOMENTUM * push_b - scaling * error.T @ x @ a.T
        a, b = a + step * push_a, b + step * push_b
    return a, b


def adapted_output(
    x: list[float], weight: list[list[float]], a: list[list[float]], b: list[list[float]], scaling: float
) -> list[float]:
    """Return the adapted layer's output for one x.

    Example: x 1, 2, weight [[1, 0], [0, 1]], a [[1, 1]], b [[1], [2]], scaling 2.0 -> 7, 14.
    """
    for name, rows in {"weight": weight, "a": a, "b": b}.items():
        if not rows or any(len(row) != len(rows[0]) for row in rows):
            raise ValueError(f"{name} should be rows of one length, got {rows}")
    tensor_x, w, tensor_a, tensor_b = (torch.tensor(rows, dtype=torch.float64) for rows in (x, weight, a, b))
    output: list[float] = adapted(tensor_x, w, tensor_a, tensor_b, scaling).tolist()
    return output


def _check(weight: Tensor, a: Tensor, b: Tensor) -> None:
    fits = weight.ndim == a.ndim == b.ndim == 2 and weight.shape == (b.shape[0], a.shape[1]) and len(a) == b.shape[1]
    if not fits:
        raise ValueError(f"want W [D_out, D_in], A [r, D_in], B [D_out, r], got {kinds(weight, a, b)}")


FIGURES = (scaling, adapted_output)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, alpha: float = SALMONN_ALPHA, rank: int = SALMONN_RANK
) -> dict[str, Any]:
    """Train a toy layer on a new task, then turn s from 0 to what it was trained with: what becomes of both tasks?

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the weight, the task and A.
        alpha: of the scaling alpha / rank.
        rank: r, from 1 to 16; the new task differs from the old by a matrix of rank 4.
    """
    trained, generator = scaling(alpha, rank), torch.Generator().manual_seed(seed)
    if trained <= 0:
        raise ValueError(f"want an alpha above 0, got {alpha}")
    weight, second, first, last = (torch.randn(WIDTH, WIDTH, generator=generator) / WIDTH**0.5 for _ in range(4))
    task = weight + first[:, :TASK_RANK] @ last[:TASK_RANK]
    x = torch.randn(SAMPLES, WIDTH, generator=generator)
    weight, second, task, x = (moved(one, device) for one in (weight, second, task, x))
    with one_thread():
        a, b = fit(x, x @ task.T, weight, rank, trained, seed=seed)

    def network(s: float) -> Tensor:
        return torch.tanh(2 * adapted(x, weight, a, b, s)) @ second.T

    frozen, full = network(0.0), network(trained)
    rows = []
    for share in (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0):
        output = adapted(x, weight, a, b, share * trained)
        rows.append(
            {
                "scaling": share * trained,
                "layer_moved_percent": _percent(
                    output - x @ weight.T, adapted(x, weight, a, b, trained) - x @ weight.T
                ),
                "network_moved_percent": _percent(network(share * trained) - frozen, full - frozen),
                "off_the_line_percent": _percent(
                    network(share * trained) - (1 - share) * frozen - share * full, full - frozen
                ),
                "new_task_error_percent": _percent(output - x @ task.T, x @ (task - weight).T),
            }
        )
    remarks = [
        f"Trained with a scaling of {trained:g}. At half of it the layer has moved half the way, exactly.",
        "The network behind it (a tanh and one more matrix) has not: it leaves the straight line between its ends.",
        "SALMONN finds untrained abilities back at 2.0, half of 4.0, at the cost of trained ones; this toy has neither "
        "language nor abilities, it shows what a scaling can and cannot do.",
    ]
    series = {name: [row[name] for row in rows] for name in rows[0] if name != "scaling"}
    x_axis = [row["scaling"] for row in rows]
    plot = {"kind": "line", "x": x_axis, "series": series, "x_label": "scaling at test time", "y_label": "percent"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _percent(part: Tensor, whole: Tensor) -> float:
    return round(100 * float(part.norm() / whole.norm()), 2)


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((5, 6), (4, 6), (2, 6), (4, 2))
    x, weight, a, b = (moved(torch.randn(*shape, generator=generator).double(), device) for shape in shapes)
    none, half, full = (adapted(x, weight, a, b, s) for s in (0.0, 2.0, 4.0))
    merged = merge(weight, a, b, 4.0)
    fresh = adapted(x, weight, *start(weight, 2), 4.0)
    by_hand = [adapted_output([1, 2], [[1, 0], [0, 1]], [[1, 1]], [[1], [2]], s) for s in (0.0, 2.0, 4.0)]
    return [
        ("SALMONN's alpha 32 and rank 8 are a scaling of 4.0.", scaling(32, 8) == 4.0),
        ("By hand: 1 2 at scaling 0, 7 14 at 2, 13 26 at 4.", by_hand == [[1, 2], [7, 14], [13, 26]]),
        ("At 2.0 the layer's output is the mean of those at 0 and 4.0.", torch.allclose(half, (none + full) / 2)),
        ("Merged, the layer gives the same.", torch.allclose(x @ merged.T, full)),
        ("Unmerged, the weight is back.", torch.allclose(unmerge(merged, a, b, 4.0), weight)),
        ("A fresh adapter changes nothing.", torch.equal(fresh, none)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("LoRA on a toy layer, its scaling turned down after training.", demo, checks)


if __name__ == "__main__":
    main()
