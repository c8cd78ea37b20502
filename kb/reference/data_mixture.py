"""Training recipes as data: which share of what a model is shown, and two ways of drawing by those shares.

Source: Ichigo (arXiv:2410.15316), data of its second and third stage; SALMONN, section 4.1 and table 1
    (arXiv:2310.13289); Qwen-Audio, the tasks of its figure 1 and table 3 (arXiv:2311.07919), its hours as MooER tells.
Left out: the data themselves; hours by task of Qwen-Audio other than recognition and translation; weighting by loss.
    SALMONN's 2,800 h are taken for all three caption sets together; the sentence can be read otherwise.
Oracle: none: binomial bounds for the sampler, the exact distribution of it in the tests; for the schedule an order
    worked by hand, and that no source is ever one item or more away from its share (quota method, Balinski and Young).
Ties: in the schedule the source that comes first in the recipe goes first. The seed draws.
Notation: p_i the share of source i; n items so far, n_i of them from source i.
"""

from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from kb.reference._alone import run_alone


class Stage(NamedTuple):
    """One stage of a training: what is shown, what is updated."""

    unit: str  # of the amounts: percent, hours, samples; or tasks, each of them 1, where the paper tells no amount
    parts: dict[str, float]  # source or task -> amount
    updated: str  # what the gradients reach


_ADAPTER, _LLM, _ENCODER = "Q-Former and LoRA", "the language model", "the audio encoder"
_SALMONN_TASKS = ["ASR", "AST", "PR", "ER", "GR", "SV", "OSR", "AAC", "MC", "SQA", "AQA", "MQA"]
_QWEN_AUDIO_TASKS = ["ASR", "S2TT", "AAC", "ASC", "SER", "AQA", "VSC", "MNA", "SRWT"]  # tested; trained are over 30
STAGES = {
    "ichigo-instruction": Stage("percent", {"2 turns": 89, "4 turns": 6, "noise": 5}, _LLM),
    "ichigo-enhancement": Stage("percent", {"spoken": 70, "spoken, transcribed": 20, "text": 10}, _LLM),
    "salmonn-pretraining": Stage("hours", {"ASR LibriSpeech": 960, "ASR GigaSpeech M": 1000, "AAC": 2800}, _ADAPTER),
    "salmonn-instruction": Stage("tasks", dict.fromkeys(_SALMONN_TASKS, 1), _ADAPTER),
    "salmonn-activation": Stage("samples", {"stories": 12}, _ADAPTER),
    "qwen-audio-known-hours": Stage("hours", {"ASR": 53_000, "S2TT": 3_700}, _ENCODER),
    "qwen-audio-tested": Stage("tasks", dict.fromkeys(_QWEN_AUDIO_TASKS, 1), _ENCODER),
    "qwen-audio-chat": Stage("samples", {"dialogues": 20_000}, _LLM),
}


def sample(parts: dict[str, float], count: int, seed: int = 0) -> list[str]:
    """Return the source of each of count items, each drawn by the shares and knowing nothing of those before.

    Raises: ValueError if parts are none, negative or all 0, or count is negative.
    """
    _check(parts, count)
    return Random(seed).choices(list(parts), weights=list(parts.values()), k=count)  # noqa: S311


def schedule(parts: dict[str, float], count: int) -> list[str]:
    """Return the source of each of count items, interleaved so that after any n of them no share is one item off.

    Of the sources that have had fewer than n p_i the one goes next whose following item is due first, at (n_i + 1)/p_i.
    Example: 70, 20, 10 -> a a a b a a b a a c, and again. Raises: ValueError as `sample` does.
    """
    _check(parts, count)
    whole = sum(Fraction(amount) for amount in parts.values())  # fractions: no rounding can change who is next
    p = {name: Fraction(amount) / whole for name, amount in parts.items() if amount}
    had, order = dict.fromkeys(p, 0), []
    for n in range(1, count + 1):
        order.append(min((name for name in p if had[name] < n * p[name]), key=lambda name: (had[name] + 1) / p[name]))
        had[order[-1]] += 1
    return order


def epoch(items: dict[str, list[str]], seed: int = 0) -> list[tuple[str, str]]:
    """Return every item of every source once, (source, item), shuffled within a source, the sources interleaved.

    Without replacement: nothing is seen twice, and all sources end together. Raises: ValueError without items.
    """
    lengths = {source: float(len(of)) for source, of in items.items()}
    rng = Random(seed)  # noqa: S311
    rest = {source: rng.sample(of, len(of)) for source, of in items.items()}
    return [(source, rest[source].pop()) for source in schedule(lengths, sum(map(len, items.values())))]


class Bounds(NamedTuple):
    """Between what the count of a fair sampler lies, all but once in some 16,000 times."""

    low: float
    high: float


def binomial_bounds(count: int, percent: float) -> Bounds:
    """Return np ± 4 sqrt(np(1 - p)): where the count of a source of that share lies among count items.

    Example: 1000 items of 70 percent -> 642.03 to 757.97.
    """
    if count < 0 or not 0 <= percent <= 100:
        raise ValueError(f"want a count of 0 or more and a percentage from 0 to 100, got {count} and {percent}")
    mean, reach = count * percent / 100, 4 * (count * percent * (100 - percent)) ** 0.5 / 100
    return Bounds(round(mean - reach, 2), round(mean + reach, 2))


def total(recipe: str) -> float:
    """Return the amounts of a recipe, a key of STAGES, added up in its unit: "salmonn-pretraining" -> 4760 hours."""
    return sum(_stage(recipe).parts.values())


def percent_of(recipe: str, part: str) -> float:
    """Return the share of one part to two decimals: "salmonn-pretraining", "AAC" -> 58.82 percent."""
    parts = _stage(recipe).parts
    if part not in parts:
        raise ValueError(f"{recipe} has no part {part!r}, it has {', '.join(parts)}")
    return round(100 * parts[part] / total(recipe), 2)


def tasks(recipe: str) -> int:
    """Return how many parts a recipe has: "salmonn-instruction" -> 12 tasks."""
    return len(_stage(recipe).parts)


def sampled_count(recipe: str, part: str, count: int, seed: int = 0) -> int:
    """Return how often the sampler drew that part among count items."""
    percent_of(recipe, part)
    return sample(_stage(recipe).parts, count, seed).count(part)


def _stage(recipe: str) -> Stage:
    if recipe not in STAGES:
        raise ValueError(f"no recipe {recipe!r}, there are {', '.join(STAGES)}")
    return STAGES[recipe]


def _check(parts: dict[str, float], count: int) -> None:
    if not parts or min(parts.values()) < 0 or not 0 < sum(parts.values()) < float("inf") or count < 0:
        raise ValueError(f"want amounts of 0 or more, not all 0, and a count of 0 or more, got {parts} and {count}")


FIGURES = (total, percent_of, tasks, binomial_bounds, sampled_count)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, recipe: str = "ichigo-enhancement", count: int = 1000
) -> dict[str, Any]:
    """Draw items by a recipe in both ways: how far from the shares does each get?

    Args:
        device: only checked, there are no tensors here.
        seed: of the sampler.
        recipe: a key of STAGES, such as ichigo-instruction or salmonn-pretraining.
        count: items to draw.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device {device!r} cannot be used: want cpu or cuda")
    stage, percents = _stage(recipe), {part: percent_of(recipe, part) for part in _stage(recipe).parts}
    sampled, scheduled = sample(stage.parts, count, seed), schedule(stage.parts, count)
    rows = [
        {"part": part, stage.unit: amount, "percent": percents[part], "sampled": sampled.count(part)}
        | {**binomial_bounds(count, percents[part])._asdict(), "scheduled": scheduled.count(part)}
        for part, amount in stage.parts.items()
    ]
    points = [count * step // 20 for step in range(1, 21)]
    drift = {
        name: [max(abs(Counter(order[:n])[part] - n * percents[part] / 100) for part in percents) for n in points]
        for name, order in (("sampled", sampled), ("scheduled", scheduled))
    }
    remark = "Drawn at random a share is met up to the root of the number of items; by schedule it is never one off."
    plot = {"kind": "line", "x": points, "series": drift, "x_label": "items", "y_label": "items off the worst share"}
    return {"rows": rows, "remarks": [f"What {recipe} updates is {stage.updated}.", remark], "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    of_100 = Counter(schedule({"a": 70, "b": 20, "c": 10}, 100))
    once = epoch({"a": ["1", "2", "3"], "b": ["4"]})
    bounds, drawn = binomial_bounds(10_000, 70), sampled_count("ichigo-enhancement", "spoken", 10_000)
    mixes = [total(name) for name, stage in STAGES.items() if stage.unit == "percent"]
    return [
        ("Shares given in percent add up to 100.", mixes == [100, 100]),
        ("SALMONN is pre-trained on 4,760 h.", total("salmonn-pretraining") == 4760),
        ("100 items by schedule are 70, 20 and 10.", of_100 == {"a": 70, "b": 20, "c": 10}),
        ("10,000 drawn items keep within the binomial bounds.", bounds.low < drawn < bounds.high),
        ("An epoch has every item once.", sorted(item for _, item in once) == ["1", "2", "3", "4"]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Training recipes as data, and two ways of drawing by them.", demo, checks)


if __name__ == "__main__":
    main()
