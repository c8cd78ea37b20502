"""Guidance: go from the answer without a condition to the one with it, and beyond; rescale (toy distributions).

Source: classifier-free guidance: Ho and Salimans, equation 6 (arXiv:2207.12598); rescale: Lin et al., section 3.4
    (arXiv:2305.08891); MaskGCT's public code has weight 2.5 and rescale 0.75 (arXiv:2409.00750); two conditions:
    VoiceLDM (arXiv:2309.13664), as its public code has them.
Left out: models, and how they learn to do without a condition (it is dropped from some training examples).
Oracle: ClassifierFreeGuidanceLogitsProcessor (transformers), whose scale is 1 + weight: to 1e-12. Rescale and
    dual: their algebra; guided log-probabilities equal Bayes' rule on a toy that can be counted.
Ties: none. Dtype: float32 or float64, that of the input.
Notation: g with the condition, u without it, w weight; B batch. Standard deviations are of one batch item.
"""

import math
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference._kinds import kinds
from kb.reference.entropy import entropy_bits

TOKENS = 81  # of the toy: places from -4 to 4


def guided(g: Tensor, u: Tensor, weight: float) -> Tensor:
    """Return g + weight (g - u): weight 0 is g; -1 is u. Others write u + scale (g - u), with scale = 1 + weight.

    Args:
        g: what the model says with the condition: logits, noise or velocity, [B, ..].
        u: what it says without, of the same shape.
        weight: how far to go beyond g, in steps of g - u.
    Raises: ValueError for shapes or dtypes that differ, or a weight that is not finite.
    Example: g 3, u 1, weight 2.5 -> 3 + 2.5 x 2 = 8.
    """
    _check(g, u)
    if not math.isfinite(weight):
        raise ValueError(f"want a finite weight, got {weight}")
    return g + weight * (g - u)


def rescaled(guided: Tensor, g: Tensor, share: float) -> Tensor:
    """Return guided [B, ..] with its standard deviation brought back to that of g: wholly at share 1, not at all at 0.

    Each batch item is scaled on its own. (MaskGCT's code takes one standard deviation of the whole batch: the same
    for a batch of one.)
    Raises: ValueError for shapes or dtypes that differ, a share outside 0..1, or items that do not vary.
    Example: guided 0, 8 and g 0, 2, share 0.75 -> 0.75 x (0, 2) + 0.25 x (0, 8) = 0, 3.5.
    """
    _check(guided, g)
    if not 0 <= share <= 1:
        raise ValueError(f"want a share in 0..1, got {share}")
    wanted, found = (_std(x) for x in (g, guided))
    if not (found > 0).all():
        raise ValueError("want guided to vary within each batch item: nothing scales a constant to vary")
    return share * (guided * (wanted / found)) + (1 - share) * guided


def dual_guided(
    both: Tensor,
    description: Tensor,
    content: Tensor,
    neither: Tensor,
    description_weight: float,
    content_weight: float,
) -> Tensor:
    """Return both + w_d (description - neither) + w_c (content - neither): a weight for each of two conditions.

    The four are [B, ..], what the model says with both conditions, with one alone, and with none.
    """
    for other in (description, content, neither):
        _check(both, other)
    return both + description_weight * (description - neither) + content_weight * (content - neither)


def dual(
    both: float, description: float, content: float, neither: float, description_weight: float, content_weight: float
) -> float:
    """Return dual_guided of plain numbers. Example: 4, 3, 2, 1 with weights 7 and 7 -> 4 + 7 x 2 + 7 x 1 = 25.

    There the conditions add up, 2 and 1, so 25 = 1 + 8 x 2 + 8 x 1: a weight of 7 makes a direction 8 times as long.
    """
    four = torch.tensor([[both], [description], [content], [neither]], dtype=torch.float64)
    return dual_guided(four[0], four[1], four[2], four[3], description_weight, content_weight).item()


def toy(*, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Return log-probabilities [1, V], float64, of a token with its class known, and without.

    Two classes, as likely; a token is a place on a line. Class 0 is a Gaussian around 1, class 1 one around -1, both
    with standard deviation 1. What a guided model should then say can be counted: see `by_bayes`.
    """
    places = moved(torch.linspace(-4, 4, TOKENS, dtype=torch.float64)[None], device)
    classes = torch.stack([-(places - mean).square() / 2 for mean in (1.0, -1.0)]).log_softmax(-1)
    return classes[0], classes.logsumexp(0) - math.log(2)


def by_bayes(weight: float, *, device: str = "cpu") -> Tensor:
    """Return the probabilities [1, V] that guidance stands for: p(token | class) p(class | token)^weight, scaled."""
    with_class, without = (log.exp() for log in toy(device=device))
    product = with_class * (with_class / (2 * without)) ** weight
    return product / product.sum(-1, keepdim=True)


def _std(x: Tensor) -> Tensor:
    return x.flatten(1).std(1).view(-1, *[1] * (x.ndim - 1))


def _check(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape or one.dtype != other.dtype or not one.is_floating_point() or not one.ndim:
        raise ValueError(f"want two floating-point tensors [B, ..] of one shape and dtype, got {kinds(one, other)}")


FIGURES = (dual,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.5, 5.0, 10.0),
    rescale: float = 0.75,
) -> dict[str, Any]:
    """Guide a toy model with two classes by growing weights: what is gained in class is lost in variety.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: nothing is drawn; the same for every seed.
        weights: how far to go beyond the model's answer with the condition.
        rescale: share of the way back to the standard deviation that the logits had.
    """
    with_class, without = toy(device=device)
    right = with_class.exp() / (2 * without.exp())  # p(class | token)
    rows, curves = [], {}
    for weight in weights:
        logits = guided(with_class, without, weight)
        row: dict[str, Any] = {"weight": weight, "std": round(float(_std(logits)), 2)}
        back = rescaled(logits, with_class, rescale)
        row["std_rescaled"] = round(float(_std(back)), 2)
        for name, these in (("", logits), ("_rescaled", back)):
            chances = these.softmax(-1)
            row[f"right_class{name}"] = round(float((chances * right).sum()), 3)
            row[f"bits{name}"] = round(float(entropy_bits(chances)), 2)
        rows.append(row)
        curves[f"weight {weight:g}"] = [round(chance, 5) for chance in logits.softmax(-1)[0].tolist()]
    remarks = [
        "A toy: two Gaussian classes. right_class: how sure one can be of the class from a token drawn; bits: variety.",
        f"Rescaled by {rescale:g}, logits keep nearer to the spread they had; weight {weights[-1]:g} then leaves"
        f" {rows[-1]['bits_rescaled']:g} bits, and without {rows[-1]['bits']:g}.",
        f"Two conditions that add up, 1 + 2 + 1, with weights of 7: {dual(4, 3, 2, 1, 7, 7):g} = 1 + 8 x 2 + 8 x 1.",
        "A pass with and a pass without the condition: guidance doubles the forward passes; two conditions take four.",
    ]
    places = [round(-4 + 8 * token / (TOKENS - 1), 3) for token in range(TOKENS)]
    plot = {"kind": "line", "x": places, "series": curves, "x_label": "token's place", "y_label": "probability"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of guidance, each with whether it did."""
    g, u = toy(device=device)
    logits = guided(g, u, 2.5)
    bayes = all(
        bool((guided(g, u, w).softmax(-1) - by_bayes(w, device=device)).abs().max() < 1e-12) for w in (0.5, 2.5)
    )
    std_kept = float((_std(rescaled(logits, g, 1.0)) - _std(g)).abs())
    one = dual_guided(g, g, u, u, 2.5, 7.0)
    return [
        ("weight 0 changes nothing", torch.equal(guided(g, u, 0.0), g)),
        ("guided log-probabilities are p(token | class) p(class | token)^weight", bayes),
        ("rescale 1 keeps the standard deviation", std_kept < 1e-12),
        ("rescale 0 changes nothing", torch.equal(rescaled(logits, g, 0.0), logits)),
        ("4, 3, 2, 1 with weights 7 and 7 are 25", dual(4, 3, 2, 1, 7, 7) == 25),
        ("where the content says nothing, dual guidance is plain guidance", bool((one - logits).abs().max() < 1e-12)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Classifier-free guidance of a toy with two classes.", demo, checks)


if __name__ == "__main__":
    main()
