"""How likely a paper is about what was asked: where a ranking stops being an answer.

A logistic curve over two things: how much of what was asked the paper says, each concept by its weight, and the cosine
of its nearest passage. `python benchmarks/relevance.py` fits it: papers that judges found relevant against
the first hits of questions from other fields.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from math import exp
from typing import NamedTuple

from kb.search.fusion import Scores

CUT = 0.7  # hits end with the last one that is so likely; what comes after is only the nearest there is
LEAST = 0.005  # what is less likely, and says no word of the query, is not worth a line


class Curve(NamedTuple):
    """The weights of one encoder."""

    said: float
    cosine: float
    base: float

    def likelihood(self, said: float, cosine: float) -> float:
        """Return how likely, in (0, 1), a paper is relevant that says so much of what was asked and lies so near."""
        return 1 / (1 + exp(-(self.said * said + self.cosine * cosine + self.base)))


WORDS_ALONE = Curve(14.14, 0.0, -4.16)
CURVES = {  # by encoder as kb.toml names it
    "minilm": Curve(12.9, 13.17, -8.41),
    "e5": Curve(14.8, 15.81, -17.15),
    "minilm+e5": Curve(12.44, 26.92, -23.26),
}


def likelihoods(encoder: str, rankings: Mapping[str, Scores], said: Mapping[int, float], unread: Set[int]) -> Scores:
    """Return how likely each paper of rankings is relevant; one that is called as was asked is.

    said is how much of what was asked each paper says. It alone judges a paper that meaning knows nothing of, and all
    papers where the encoder is none that a curve was fitted for.
    """
    words, meaning = rankings["words"], rankings["meaning"]
    curve = CURVES.get(encoder) if meaning else None
    farthest = min(meaning.values(), default=0.0)
    found: Scores = {}
    for key in dict.fromkeys((*words, *meaning)):
        share = said.get(key, 0.0)
        if curve and key not in unread:
            found[key] = curve.likelihood(share, meaning.get(key, farthest))
        else:
            found[key] = WORDS_ALONE.likelihood(share, 0.0)
    return found | dict.fromkeys(rankings["name"], 1.0)


def in_order(named: Iterable[int], fused: Scores, words: Scores, likely: Scores) -> list[int]:
    """Return the papers called as was asked, then those of fused without what is not worth a line."""
    worth = (key for key in fused if key in words or likely[key] >= LEAST)
    return list(dict.fromkeys((*named, *worth)))


def hits_end(order: Sequence[int], likely: Scores, cut: float) -> int:
    """Return how many of a ranking are hits: all up to the last one that is as likely as the cut asks."""
    return max((place for place, key in enumerate(order, 1) if likely[key] >= cut), default=0)
