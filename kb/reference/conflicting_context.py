"""Conflicting contexts, a toy: which answer to believe, by majority, by source, or by reasons in explanations.

The toy: a drawn world of passages that disagree. No language model: an explanation is the name of a sign (the passage
cites evidence), and learning is counting. That signs tell right from wrong is built in; how many examples it takes to
see it, with and without explanations, is measured. Long because the world is drawn here too.
Source: Open Domain Question Answering with Conflicting Contexts (arXiv:2410.12311): models fine-tuned to explain their
    answers get better where contexts disagree.
Left out: fine-tuning, reading the answer out of a passage.
Oracle: scikit-learn's BernoulliNB, equal in every weight to 1e-9; one who knows the world's rates, beaten by none.
Ties: of answers with equal weight the one retrieved first. Randomness: one seeded random.Random.
Notation: contexts are the k passages retrieved for a question; a weight is log odds that a passage is right.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import Any, NamedTuple, TypeAlias

from kb.reference._alone import run_alone

SIGNS = {"cites evidence": (0.7, 0.2), "is recent": (0.7, 0.4)}  # share of right passages, and of wrong, that show it
SIGNS |= {f"tells nothing {number}": (0.5, 0.5) for number in range(10)}
USEFUL = ("cites evidence", "is recent")
RELIABLE = (0.3, 0.8)  # sources are right as often as a number drawn between these
CONTEXTS = 5  # passages retrieved for a question
RUMOUR = 0.7  # of wrong passages tell the same


class Passage(NamedTuple):
    """A sentence found somewhere."""

    text: str
    answer: str  # that it gives
    source: int
    signs: frozenset[str]  # that it shows


class Example(NamedTuple):
    """A question with its contexts and its answer; an explanation names signs, or is empty."""

    contexts: list[Passage]
    answer: str
    explanation: tuple[str, ...] = ()


Weigher: TypeAlias = Callable[[Passage], float]  # whatever says how far to believe a passage


def postings(passages: Sequence[Passage]) -> dict[str, list[int]]:
    """Return for each word the places of the passages it is in."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, passage in enumerate(passages):
        for word in dict.fromkeys(passage.text.split()):
            places[word].append(at)
    return places


def retrieve(question: str, passages: Sequence[Passage], places: dict[str, list[int]], k: int) -> list[Passage]:
    """Return the k passages that share most with a question, best first: a word in n of N passages counts log N / n."""
    if k < 1:
        raise ValueError(f"want 1 passage or more, got {k}")
    scores: dict[int, float] = defaultdict(float)
    for word in dict.fromkeys(question.split()):
        found = places.get(word, [])
        for at in found if len(found) < len(passages) else []:
            scores[at] += math.log(len(passages) / len(found))
    return [passages[at] for at in sorted(scores, key=lambda at: (-scores[at], at))[:k]]


def conflicting(contexts: Sequence[Passage]) -> bool:
    """Return whether contexts give more than one answer."""
    return len({passage.answer for passage in contexts}) > 1


def answered(contexts: Sequence[Passage], weigh: Weigher) -> str:
    """Return the answer whose passages weigh most together. Raises: ValueError for no contexts."""
    if not contexts:
        raise ValueError("want one context or more, got none")
    weights: dict[str, float] = defaultdict(float)
    for passage in contexts:
        weights[passage.answer] += weigh(passage)
    return max(weights, key=weights.__getitem__)


def majority(passage: Passage) -> float:
    """Return 1: every passage has one vote."""
    return 1.0


def by_source(examples: Sequence[Example]) -> Weigher:
    """Return what gives a source as much of a vote as it was right: (right + 1) / (seen + 2), half a vote if new."""
    right, wrong = _split(examples)
    trusted, seen = (Counter(passage.source for passage in some) for some in (right, right + wrong))
    return lambda passage: (trusted[passage.source] + 1) / (seen[passage.source] + 2)


def by_signs(examples: Sequence[Example], signs: Sequence[str] = tuple(SIGNS)) -> Weigher:
    """Return what believes a passage by its signs: naive Bayes, all counts one up.

    log odds = log (R + 1) / (W + 1), and of each sign that of showing it, or not, given right and given wrong.
    """
    right, wrong = _split(examples)
    base = math.log((len(right) + 1) / (len(wrong) + 1))
    odds = {}
    for sign in signs:
        p, q = ((sum(sign in one.signs for one in group) + 1) / (len(group) + 2) for group in (right, wrong))
        odds[sign] = math.log((1 - p) / (1 - q)), math.log(p / q)
    return lambda passage: base + sum(pair[sign in passage.signs] for sign, pair in odds.items())


def by_reasons(examples: Sequence[Example]) -> Weigher:
    """Return by_signs of those signs alone that explanations name more often than chance has it."""
    named = Counter(sign for example in examples for sign in example.explanation)
    return by_signs(examples, [sign for sign in SIGNS if named[sign] * len(SIGNS) > named.total()])


def _split(examples: Sequence[Example]) -> tuple[list[Passage], list[Passage]]:
    given = [(passage.answer == example.answer, passage) for example in examples for passage in example.contexts]
    return [one for right, one in given if right], [one for right, one in given if not right]


class World:
    """Passages of sources that are right more or less often, about things that have one answer each."""

    def __init__(self, things: int, *, sources: int = 40, each: int = 5, seed: int = 0) -> None:
        self.rng = rng = Random(seed)  # noqa: S311
        self.reliable = [rng.uniform(*RELIABLE) for _ in range(sources)]
        self.questions = [f"what is the name{at % 7} of place{at // 7}" for at in range(things)]
        self.passages: list[Passage] = []
        for at, question in enumerate(self.questions):
            for source in rng.sample(range(sources), each):
                right = rng.random() < self.reliable[source]
                other = 1 if rng.random() < RUMOUR else rng.randrange(2, 5)
                signs = frozenset(sign for sign, shares in SIGNS.items() if rng.random() < shares[not right])
                answer = f"{at}-{0 if right else other}"
                self.passages.append(Passage(f"{question[8:]} is {answer}", answer, source, signs))

    def examples(self, slips: float = 0.2) -> list[Example]:
        """Return an example for each question; a share of the explanations names any sign instead of a useful one."""
        examples, places = [], postings(self.passages)
        for at, question in enumerate(self.questions):
            contexts = retrieve(question, self.passages, places, CONTEXTS)
            shown = [sign for one in contexts if one.answer == f"{at}-0" for sign in USEFUL if sign in one.signs]
            why = self.rng.choice(shown if shown and self.rng.random() >= slips else list(SIGNS))
            examples.append(Example(contexts, f"{at}-0", (why,)))
        return examples

    def knowing(self, passage: Passage) -> float:
        """Return the log odds of one who knows how the world was drawn."""
        pairs = ((p, q) if sign in passage.signs else (1 - p, 1 - q) for sign, (p, q) in SIGNS.items())
        reliable = self.reliable[passage.source]
        return math.log(reliable / (1 - reliable)) + sum(math.log(p / q) for p, q in pairs)


LEARNERS = {"by source": by_source, "by signs, answers only": by_signs, "by reasons explained": by_reasons}


def measured(examples: int, *, asked: int, worlds: int, slips: float, seed: int) -> dict[str, float]:
    """Return for each way the share right of questions with conflicting contexts, a mean over worlds."""
    shares: dict[str, list[float]] = defaultdict(list)
    for number in range(worlds):
        world = World(examples + asked, seed=seed + number)
        drawn = world.examples(slips=slips)
        shown, rest = drawn[asked:], drawn[:asked]  # so that all counts of examples are asked the same
        hard = [example for example in rest if conflicting(example.contexts)]
        if not hard:
            raise ValueError(f"want a question whose contexts conflict, got none of {len(rest)}: ask more")
        ways = {"majority": majority} | {name: learn(shown) for name, learn in LEARNERS.items()}
        for name, weigh in (ways | {"knowing the rates": world.knowing}).items():
            shares[name].append(fmean(answered(example.contexts, weigh) == example.answer for example in hard))
        shares["conflicting"].append(len(hard) / len(rest))
    return {name: fmean(some) for name, some in shares.items()}


def demo(
    *, device: str = "cpu", seed: int = 0, examples: int = 6, asked: int = 200, worlds: int = 5, slips: float = 0.2
) -> dict[str, Any]:
    """Answer questions whose contexts conflict and return how often each way of choosing is right.

    Args:
        device: not used, there are no tensors.
        seed: draws the worlds.
        examples: questions with answer and explanation to learn from.
        asked: questions in a world, those that conflict or not.
        worlds: to take the mean of.
        slips: share of explanations that name any sign.
    """
    if min(examples, asked, worlds) < 1 or not 0 <= slips <= 1:
        raise ValueError(f"want 1 or more, and slips 0 .. 1, got {examples}, {asked}, {worlds} and {slips}")
    counts = sorted({2, 4, 8, 16, 32, 64, examples})
    found = {count: measured(count, asked=asked, worlds=worlds, slips=slips, seed=seed) for count in counts}
    share = found[examples].pop("conflicting")
    rows = [{"way": name, "examples": examples, "right": round(right, 3)} for name, right in found[examples].items()]
    remarks = [
        f"A toy: of its questions {share:.0%} have contexts that conflict (a quarter in the paper); those are counted.",
        "Who is told the answers alone has to find two useful signs of twelve; an explanation names them.",
        "With many examples answers are enough: what explanations save is examples. With two, the majority is better.",
    ]
    series = {name: [found[count][name] for count in counts] for name in found[examples]}
    plot = {"kind": "line", "x": counts, "series": series, "x_label": "examples", "y_label": "share right"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of answers from conflicting contexts, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    rumour = [Passage(f"x is {answer}", answer, source, frozenset()) for source, answer in enumerate("bba")]
    past = [Example([one], "a") for one in rumour] * 4
    few, many = (measured(count, asked=200, worlds=4, slips=0.2, seed=0) for count in (6, 64))
    answers, reasons = list(LEARNERS)[1:]
    world = World(50)
    recalled = [one.answer.startswith(f"{at}-") for at, found in enumerate(world.examples()) for one in found.contexts]
    return [
        ("Two that spread a rumour win by majority.", answered(rumour, majority) == "b"),
        ("And lose to one whose source was always right.", answered(rumour, by_source(past)) == "a"),
        ("The five passages about a question are retrieved before others.", all(recalled)),
        ("With 6 examples explanations are right more often.", few[reasons] > few[answers] + 0.02),
        ("With 64 it makes little difference.", abs(many[reasons] - many[answers]) < 0.03),
        (
            "None is right more often than who knows the rates.",
            max(list(few.values())[:-1]) == few["knowing the rates"],
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Answers where contexts conflict, by majority, source and reasons.", demo, checks)


if __name__ == "__main__":
    main()
