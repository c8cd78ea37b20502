"""SPRIG: search for a system prompt by edits, kept in a beam, components by UCB (on a toy objective).

The objective is a toy that knows its optimum: the findings are built in, and shown is that the search finds them.
Source: Sprig (arXiv:2410.14826); beam 10 and 60 components a round, as in the script its authors published.
Long because the toy and its optimum stand beside the search.
Left out: the language models that answer and rephrase, the reward model in place of 47 tasks.
Oracle: brute force: a beam that drops nothing finds the best of all prompts, whatever the scorer; the toy's optimum,
    worked out from its parts; the number of edits by the formula of kb.reference.arithmetic.
Ties: what was found first stays first, among components too. Randomness: the toy is drawn by seed.
Notation: a prompt is a tuple of n sentences; what a component gains is what adding it to a prompt brought.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, product
from random import Random
from statistics import fmean, pstdev
from typing import Any, NamedTuple, Protocol, TypeAlias

from kb.reference._alone import run_alone

Prompt: TypeAlias = tuple[str, ...]

KINDS = {"cot": 0.06, "behavior": 0.03, "style": 0.012, "emotion": 0.006, "role": 0.0, "good": 0.0, "safety": -0.01}
TOGETHER = {("cot", "role"): 0.016, ("behavior", "role"): 0.016, ("style", "emotion"): 0.008}  # all of it the toy's
COST, LAST, EACH, WORDINGS = 0.01, 0.002, 4, 3


class Scorer(Protocol):
    """Whatever says how good a prompt is; a language model's mean accuracy on many tasks in the paper."""

    def __call__(self, prompt: Prompt) -> float:
        """Return a score, more is better."""


Rephraser: TypeAlias = Callable[[str], Sequence[str]]  # other wordings of a sentence, a paraphrasing model in the paper


def added(prompt: Prompt, components: Sequence[str]) -> list[Prompt]:
    """Return the prompts with one more component: components x (n + 1). Example: (a), [b] -> (b, a), (a, b)."""
    return [(*prompt[:at], one, *prompt[at:]) for one in components for at in range(len(prompt) + 1)]


def rephrased(prompt: Prompt, rephrase: Rephraser) -> list[Prompt]:
    """Return the prompts with one sentence in other words: n x rephrasings."""
    return [(*prompt[:at], other, *prompt[at + 1 :]) for at, one in enumerate(prompt) for other in rephrase(one)]


def swapped(prompt: Prompt) -> list[Prompt]:
    """Return the prompts with two sentences in each other's place: n (n - 1) / 2."""
    pairs = combinations(range(len(prompt)), 2)
    return [(*prompt[:i], prompt[j], *prompt[i + 1 : j], prompt[i], *prompt[j + 1 :]) for i, j in pairs]


def deleted(prompt: Prompt) -> list[Prompt]:
    """Return the prompts without one sentence: n."""
    return [prompt[:at] + prompt[at + 1 :] for at in range(len(prompt))]


def candidates(components: int, sentences: int, rephrasings: int) -> int:
    """Return how many prompts one round offers, by making them. Example: 60, 5, 10 -> 425."""
    if min(components, sentences, rephrasings) < 0:
        raise ValueError(f"want numbers of 0 or more, got {[components, sentences, rephrasings]}")
    prompt = tuple(f"s{one}" for one in range(sentences))
    offers = [f"c{one}" for one in range(components)]
    edits = added(prompt, offers), rephrased(prompt, lambda one: [f"{one}'{other}" for other in range(rephrasings)])
    return sum(map(len, (*edits, swapped(prompt), deleted(prompt))))


def highest_bounds(gains: dict[str, list[float]], wanted: int, exploration: float) -> list[str]:
    """Return the components to try: those with the highest mean gain + exploration x sqrt(2 ln N / n).

    Args:
        gains: of each component, what it brought each of the n times it was added; N is the number of all times.
        wanted: how many to return.
        exploration: how much doubt counts; 0 trusts the means. A component never added comes before all others.
    """
    doubt = 2 * math.log(max(1, sum(map(len, gains.values()))))
    bound = {one: fmean(got) + exploration * math.sqrt(doubt / len(got)) for one, got in gains.items() if got}
    return sorted(gains, key=lambda one: -bound.get(one, math.inf))[:wanted]


class Round(NamedTuple):
    """Where a search stands after a round."""

    beam: list[Prompt]  # best first
    best: float  # score of the first
    scored: int  # prompts scored so far
    tried: list[str]  # components that this round added


def search(
    components: Sequence[str],
    scorer: Scorer,
    rephrase: Rephraser,
    *,
    rounds: int = 10,
    beam: int = 10,
    wanted: int = 60,
    exploration: float = 0.01,
) -> list[Round]:
    """Return the rounds of a search that starts from the empty prompt.

    Args:
        components: sentences that may be added.
        scorer: of prompts, asked once for each.
        rephrase: gives other wordings.
        rounds: edits in a row.
        beam: prompts kept after a round; those of the round before stay if they are as good.
        wanted: components added in a round, chosen by highest_bounds.
        exploration: see there; in the unit of the score. Of little use where scores have no noise, as the toy's.
    Raises: ValueError for components that are none or twice there, or a number below 1 (exploration: below 0).
    """
    if not components or len(set(components)) < len(components):
        raise ValueError(f"want different components, one or more, got {list(components)}")
    if min(rounds, beam, wanted) < 1 or not exploration >= 0:
        got = f"{rounds}, {beam}, {wanted} and {exploration}"
        raise ValueError(f"want rounds, beam and wanted of 1 or more, and exploration of 0 or more, got {got}")
    scores: dict[Prompt, float] = {(): scorer(())}
    gains: dict[str, list[float]] = {one: [] for one in components}
    kept: list[Prompt] = [()]
    found: list[Round] = []
    for _ in range(rounds):
        tried = highest_bounds(gains, wanted, exploration)
        pool = dict.fromkeys(kept)
        for prompt in kept:
            longer = [(one, child) for one in tried for child in added(prompt, [one])]
            others = rephrased(prompt, rephrase) + swapped(prompt) + deleted(prompt)
            for child in (*(child for _, child in longer), *others):
                scores[child] = scores[child] if child in scores else scorer(child)
                pool[child] = None
            for one, child in longer:
                gains[one].append(scores[child] - scores[prompt])
        kept = sorted(pool, key=lambda one: -scores[one])[:beam]
        found.append(Round(kept, scores[kept[0]], len(scores), tried))
    return found


class Toy:
    """A scorer that knows its best prompt. In "cot 3 0" the kind is "cot", and 0 the wording.

    A prompt scores the best sentence of each kind in it, a bonus for each pair of kinds in TOGETHER, and a little for
    the kind that stands last; each sentence costs. Sentences that praise the model ("good") are worth nothing, and
    roles nothing alone.
    """

    def __init__(self, seed: int = 0) -> None:
        rng = Random(seed)  # noqa: S311
        self.components = [f"{kind} {number} 0" for kind in KINDS for number in range(EACH)]
        self.last = {kind: rng.uniform(0, LAST) for kind in KINDS}
        self.worth: dict[str, float] = {}
        for one in self.components:
            worth = KINDS[one.split()[0]] + rng.uniform(-0.004, 0.004)
            self.worth |= {wording: worth + rng.uniform(-0.001, 0.001) for wording in (one, *self.rephrase(one))}
        rng.shuffle(self.components)  # else those that help would be tried first

    def __call__(self, prompt: Prompt) -> float:
        """Return the score of a prompt; 0 for the empty one."""
        best: dict[str, float] = {}
        for sentence in prompt:
            kind = sentence.split()[0]
            best[kind] = max(best.get(kind, -math.inf), self.worth[sentence])
        bonus = sum(more for pair, more in TOGETHER.items() if set(pair) <= set(best))
        return sum(best.values()) + bonus + self.last.get(kind, 0) - COST * len(prompt) if prompt else 0.0

    def rephrase(self, sentence: str) -> list[str]:
        """Return the other wordings of a sentence."""
        return [other for word in range(WORDINGS) if (other := f"{sentence[:-1]}{word}") != sentence]

    def optimum(self) -> float:
        """Return the best score there is: that of the best sentence of each kind, over all sets of kinds."""
        top = [max((self.worth[one], one) for one in self.worth if one.startswith(kind))[1] for kind in KINDS]
        sets = [kinds for size in range(len(top) + 1) for kinds in combinations(top, size)]
        return max(self((*kinds[:at], *kinds[at + 1 :], *kinds[at : at + 1])) for kinds in sets for at in range(7))


def spreads(scorer: Scorer, prompt: Prompt, components: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """Return the standard deviation of the score: over orders of a prompt, and over prompts of as many components."""
    rng, size = Random(seed), len(prompt)  # noqa: S311
    return (
        pstdev(scorer(tuple(rng.sample(prompt, size))) for _ in range(500)),
        pstdev(scorer(tuple(rng.sample(list(components), size))) for _ in range(500)),
    )


FIGURES = (candidates,)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, searches: int = 6, rounds: int = 12, beam: int = 10, wanted: int = 10
) -> dict[str, Any]:
    """Search prompts of several toys and return which kinds of sentences get into the beam, and when.

    Args:
        device: not used, there are no tensors.
        seed: draws the toys.
        searches: toys, a search each.
        rounds: of a search.
        beam: prompts kept after a round.
        wanted: components tried in a round, of 28.
    """
    if searches < 1:
        raise ValueError(f"want 1 search or more, got {searches}")
    toys = [Toy(seed + number) for number in range(searches)]
    runs = [search(toy.components, toy, toy.rephrase, rounds=rounds, beam=beam, wanted=wanted) for toy in toys]
    shares = []  # of each kind among the sentences of all beams of a round; 1 is chance
    for at in range(rounds):
        count = Counter(one.split()[0] for run in runs for prompt in run[at].beam for one in prompt)
        shares.append({kind: count[kind] / max(1, count.total()) * len(KINDS) for kind in KINDS})
    rows: list[dict[str, Any]] = []
    for kind, worth in KINDS.items():
        best = [[kind in " ".join(found.beam[0]) for found in run] for run in runs]
        first = [1 + one.index(True) for one in best if True in one]
        joins = round(fmean(first), 1) if first else "never"
        chosen = round(fmean(share[kind] for share in shares), 2)
        rows.append({"kind": kind, "worth": worth, "joins_best_in_round": joins, "chosen": chosen})
    reached = fmean(run[-1].best / toy.optimum() for run, toy in zip(runs, toys, strict=True))
    order, combination = spreads(toys[0], runs[0][-1].beam[0], toys[0].components, seed)
    remarks = [
        "A toy: what helps was written into its scorer. chosen: a kind's share of the beam, a mean; 1 is chance.",
        f"The best prompts found score {reached:.1%} of the optimum; a search scored {runs[0][-1].scored:,}.",
        "Praise of the model is worth nothing and falls below chance; a role pays once there are others to add to.",
        f"The score spreads by {order:.4f} over orders of one prompt, by {combination:.4f} over combinations.",
    ]
    series = {kind: [share[kind] for share in shares] for kind in KINDS}
    x = list(range(1, rounds + 1))
    plot = {"kind": "line", "x": x, "series": series, "x_label": "rounds", "y_label": "share of the beam (1 = chance)"}
    return {"rows": rows, "drawing": "\n".join(runs[0][-1].beam[0]), "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of edits and searches, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    toy = Toy()
    few = toy.components[:4]
    whole = search(few, toy, lambda sentence: [], rounds=4, beam=1_000)[-1]
    best = max(toy(prompt) for size in range(5) for prompt in product(few, repeat=size))
    narrow, wide = (search(toy.components, toy, toy.rephrase, rounds=12, wanted=wanted)[-1] for wanted in (6, 28))
    order, combination = spreads(toy, wide.beam[0], toy.components)
    return [
        ("60 components, 5 sentences, 10 rephrasings: 425 prompts a round.", candidates(60, 5, 10) == 425),
        ("A beam that drops nothing finds what brute force finds.", whole.best == best),
        ("Trying all gets within a tenth of the optimum, not above.", 0.9 < wide.best / toy.optimum() < 1.000001),
        ("Six components a round of 28, chosen by UCB, cost half the prompts.", narrow.scored < wide.scored / 2),
        ("And lose at most a tenth.", narrow.best > 0.9 * wide.best),
        ("Order matters less than the combination.", order < combination / 5),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A search for a system prompt, and what gets into it.", demo, checks)


if __name__ == "__main__":
    main()
