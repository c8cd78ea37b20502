"""How likely a paper is about what was asked: where a ranking stops being an answer.

A logistic curve over two things: how much of what was asked the paper says, of what papers here say of it at all, and
the cosine of its nearest passage. `python benchmarks/relevance.py` fits it: papers that judges found relevant against
the first hits of questions from other fields.
"""

from collections.abc import Iterable, Mapping, Set
from math import exp
from typing import NamedTuple

from kb.search.fusion import Scores

CUT = 0.5  # a hit is at least this likely; what is below is only the nearest there is
LEAST = 0.05  # what is less likely, and says no word of the query, is not worth a line


class Curve(NamedTuple):
    """The weights of one encoder."""

    said: float
    cosine: float
    base: float

    def likelihood(self, said: float, cosine: float) -> float:
        """Return how likely, in (0, 1), a paper is relevant that says so much of what was asked and lies so near."""
        return 1 / (1 + exp(-(self.said * said + self.cosine * cosine + self.base)))


WORDS_ALONE = Curve(11.0, 0.0, -3.44)
CURVES = {"minilm": Curve(9.46, 14.09, -7.92)}  # by encoder as kb.toml names it


def likelihoods(encoder: str, rankings: Mapping[str, Scores], possible: float, unread: Set[int]) -> Scores:
    """Return how likely each paper of rankings is relevant; one that is called as was asked is.

    possible is what a paper would score by words that says all. Words alone judge a paper that meaning knows nothing
    of, and all papers where the encoder is none that a curve was fitted for.
    """
    words, meaning = rankings["words"], rankings["meaning"]
    curve = CURVES.get(encoder) if meaning else None
    farthest = min(meaning.values(), default=0.0)
    found: Scores = {}
    for key in dict.fromkeys((*words, *meaning)):
        said = min(1.0, words.get(key, 0.0) / possible) if possible else 0.0
        if curve and key not in unread:
            found[key] = curve.likelihood(said, meaning.get(key, farthest))
        else:
            found[key] = WORDS_ALONE.likelihood(said, 0.0)
    return found | dict.fromkeys(rankings["name"], 1.0)


def in_order(named: Iterable[int], fused: Scores, words: Scores, likely: Scores, min_score: float) -> list[int]:
    """Return the papers called as was asked, then those of fused that are likely, then the less likely ones.

    What says no word of the query and is hardly likely is left out.
    """
    hits = [key for key in fused if likely[key] >= min_score]
    nearest = [key for key in fused if key in words or likely[key] >= LEAST]
    return list(dict.fromkeys((*named, *hits, *nearest)))
