"""Sampling: temperature, top-k and nucleus decide which tokens may come; Gumbel noise draws one of them.

Source: nucleus: Holtzman et al., section 3.1 (arXiv:1904.09751); top-k: Fan et al. (arXiv:1805.04833); the
    Gumbel-max trick: Gumbel 1954, as told by Maddison et al. (arXiv:1411.0030), section 1.
Left out: beam search, penalties for repetition, min-p and typical sampling.
Oracle: TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper (transformers): identical logits. (transformers
    adds up from the least likely token, in the dtype of the logits: where a sum meets p to a rounding it may differ.)
Ties: top-k keeps all that are as likely as the k-th; the nucleus takes of equally likely tokens the lower index first.
    A sum that meets p to 1e-12 (float64; 1e-6 in float32) has met it.
Dtype: logits are float32 or float64. Random numbers are drawn on the CPU.
Notation: V vocabulary size, p nucleus mass; logits [.., V]; a token that may not come has logit -inf.
"""

import math
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved
from kb.reference.entropy import entropy_bits

PLOTTED = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def with_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Return logits / temperature: below 1 likely tokens get likelier, above 1 all get alike. Example: 2, 4 -> 1, 2."""
    if not 0 < temperature < math.inf:
        raise ValueError(f"want a temperature above 0, got {temperature}; for the likeliest token take argmax")
    return _checked(logits) / temperature


def top_k(logits: Tensor, k: int) -> Tensor:
    """Return logits with only the k likeliest tokens left; of tied ones all. Example: 3, 1, 2 with k 2 -> 3, -inf, 2.

    Raises: ValueError if k is below 1. A k above V keeps everything, as everywhere.
    """
    if k < 1:
        raise ValueError(f"want k of 1 or more, got {k}")
    least = _checked(logits).topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -math.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Return logits with only the nucleus left: the likeliest tokens, as few as together have probability p or more.

    One token stays whatever p is.
    Example: probabilities 0.5, 0.3, 0.2 with p 0.7 -> the first two; with p 0.5 -> the first alone.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"want p in 0..1, got {p}")
    ranked, order = _checked(logits).softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = ranked.cumsum(-1) - ranked  # what the likelier tokens have together
    slack = 1e-12 if logits.dtype == torch.float64 else 1e-6
    outside = before >= p - slack if p < 1 else torch.zeros_like(before, dtype=torch.bool)
    outside[..., 0] = False
    return logits.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), -math.inf)


def nucleus(probabilities: list[float], p: float) -> list[int]:
    """Return the tokens that nucleus sampling keeps, likeliest or not, by index. Example: 0.5, 0, 0.5 at 0.9 -> 0, 2.

    A token of probability 0 is never kept. Raises: ValueError unless probabilities are 0 or more and sum to 1.
    """
    if not probabilities or min(probabilities) < 0 or not math.isclose(sum(probabilities), 1, abs_tol=1e-9):
        raise ValueError(f"want probabilities of 0 or more that sum to 1, got {probabilities}")
    kept = top_p(torch.tensor(probabilities, dtype=torch.float64).log(), p)
    return [index for index, logit in enumerate(kept.tolist()) if logit > -math.inf]


def draw(logits: Tensor, *, seed: int = 0) -> Tensor:
    """Return one token for each of logits [.., V] -> [..], with the probabilities softmax gives, by Gumbel noise.

    The largest of logit + noise is token v with probability softmax(logits)[v]; no probability is computed.
    """
    return (_checked(logits) + gumbel(logits, torch.Generator().manual_seed(seed))).argmax(-1)


def gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return Gumbel noise of a tensor's shape, dtype and device: -log -log u, u even in 0..1 and drawn on the CPU."""
    uniform = torch.rand(like.shape, generator=generator, dtype=torch.float64).clamp(min=1e-300)
    return -(-uniform.log()).log().to(like)


def _checked(logits: Tensor) -> Tensor:
    if not logits.is_floating_point() or not logits.ndim or not logits.numel():
        raise ValueError(f"want floating-point logits [.., V], got {list(logits.shape)} {logits.dtype}")
    if logits.isnan().any() or (logits == math.inf).any() or not logits.isfinite().any(-1).all():
        raise ValueError("want logits that are finite or -inf, and one at least that is finite")
    return logits


def zipf(vocabulary: int) -> Tensor:
    """Return logits [V], float64, of tokens whose probability falls as 1, 1/2, 1/3, .., as that of words does."""
    if vocabulary < 1:
        raise ValueError(f"want a vocabulary of 1 or more, got {vocabulary}")
    return -torch.arange(1, vocabulary + 1, dtype=torch.float64).log()


FIGURES = (nucleus,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    vocabulary: int = 1000,
    temperature: float = 0.7,
    p: float = 0.95,
    k: int = 50,
    draws: int = 20000,
) -> dict[str, Any]:
    """Draw from a toy distribution, 1/rank, under each rule; show what is kept and what was drawn.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the noise.
        vocabulary: tokens, V.
        temperature: divides the logits.
        p: mass of the nucleus.
        k: tokens kept by top-k.
        draws: tokens drawn for each rule.
    """
    if draws < 1:
        raise ValueError(f"want 1 draw or more, got {draws}")
    logits = moved(zipf(vocabulary), device)
    cool = with_temperature(logits, temperature)
    rules = {
        "nothing": logits,
        f"temperature {temperature:g}": cool,
        f"top-k {k}": top_k(logits, k),
        f"nucleus {p:g}": top_p(logits, p),
        f"temperature {temperature:g}, nucleus {p:g}": top_p(cool, p),
    }
    rows = []
    for rule, left in rules.items():
        drawn = draw(left.expand(draws, -1), seed=seed)
        kept, probabilities = left > -math.inf, left.softmax(-1)
        rows.append(
            {
                "rule": rule,
                "tokens_kept": int(kept.sum()),
                "mass_kept": round(float((logits.softmax(-1) * kept).sum()), 4),
                "bits": round(float(entropy_bits(probabilities)), 2),
                "likeliest": round(float(probabilities.max()), 4),
                "likeliest_drawn": round(float((drawn == probabilities.argmax()).double().mean()), 4),
            }
        )
    remarks = [
        "A toy distribution: the token of rank r has a probability in proportion to 1 / r.",
        "likeliest_drawn should be likeliest: Gumbel noise draws with the probabilities of softmax.",
        f"Temperature comes first: at {temperature:g} a nucleus of {p:g} holds {rows[-1]['tokens_kept']} tokens,"
        f" at 1 it holds {rows[-2]['tokens_kept']}.",
    ]
    series = {
        f"temperature {warmth:g}": [int((top_p(logits / warmth, mass) > -math.inf).sum()) for mass in PLOTTED]
        for warmth in dict.fromkeys((1.0, temperature))
    }
    plot = {"kind": "line", "x": list(PLOTTED), "series": series, "x_label": "p", "y_label": "tokens in the nucleus"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the rules, each with whether it did."""
    logits = moved(torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log(), device)
    drawn = draw(logits.expand(20000, -1)).bincount(minlength=3) / 20000
    cool = with_temperature(logits, 0.5).softmax(-1) - logits.new_tensor([0.25, 0.09, 0.04]) / 0.38
    return [
        ("of 0.5, 0, 0.5 a nucleus of 0.9 keeps the first and the last", nucleus([0.5, 0.0, 0.5], 0.9) == [0, 2]),
        ("a nucleus holds p or more, and without its last token less", nucleus([0.2, 0.5, 0.3], 0.7) == [1, 2]),
        ("top-k keeps k", (top_k(logits, 2) > -math.inf).tolist() == [True, True, False]),
        ("a temperature of a half squares the odds", bool((cool.abs() < 1e-12).all())),
        ("Gumbel noise draws as softmax says", bool(((drawn - logits.exp()).abs() < 0.015).all())),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Temperature, top-k and nucleus on a toy distribution.", demo, checks)


if __name__ == "__main__":
    main()
