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


class Likelihoods(Scores):
    """How likely each paper of rankings is relevant, reckoned when it is asked for; one called as was asked is.

    said is how much of what was asked each paper says. It alone judges a paper that meaning knows nothing of, and all
    papers where the encoder is none that a curve was fitted for.
    """

    def __init__(
        self, encoder: str, rankings: Mapping[str, Scores], said: Mapping[int, float], unread: Set[int]
    ) -> None:
        super().__init__(dict.fromkeys(rankings["name"], 1.0))
        self._meaning = rankings["meaning"]
        self._curve = CURVES.get(encoder) if self._meaning else None
        self._farthest = min(self._meaning.values(), default=0.0)
        self._said = said
        self._unread = unread

    def __missing__(self, key: int) -> float:
        """Return how likely a paper is relevant."""
        share = self._said.get(key, 0.0)
        if self._curve and key not in self._unread:
            self[key] = self._curve.likelihood(share, self._meaning.get(key, self._farthest))
        else:
            self[key] = WORDS_ALONE.likelihood(share, 0.0)
        return self[key]


def in_order(named: Iterable[int], fused: Scores, words: Scores, likely: Scores) -> list[int]:
    """Return the papers called as was asked, then those of fused without what is not worth a line."""
    worth = (key for key in fused if key in words or likely[key] >= LEAST)
    return list(dict.fromkeys((*named, *worth)))


def hits_end(order: Sequence[int], likely: Scores, cut: float) -> int:
    """Return how many of a ranking are hits: all up to the last one that is as likely as the cut asks."""
    return next((place for place in range(len(order), 0, -1) if likely[order[place - 1]] >= cut), 0)
