"""Two rankings -> one: papers found by words and papers found by meaning."""

from collections.abc import Set
from operator import itemgetter

Scores = dict[int, float]  # by paper key, best first

DEPTH = 200  # how deep each ranking is looked at
MEANING_WEIGHT = 0.5  # of the two
COMPARED = 10  # of the first by words: what meaning says of them stands for what it would say of a paper unread


def fuse(words: Scores, meaning: Scores, unread: Set[int] = frozenset()) -> Scores:
    """Return both rankings as one, by the weighted sum of their standard scores, best first.

    A standard score says how many deviations a hit stands above its field of DEPTH; whoever is not in a ranking stands
    where its field ends. So a single hit of a rare word outweighs a crowd that is all equally near. unread are papers
    that the encoder has read nothing of: meaning says nothing against them, it is taken to say what it says of others
    that stand as high by words, or what words say where it knows few of those.
    """
    by_words = _standard(words, 0.0)
    by_meaning = _standard(meaning, min(meaning.values(), default=0.0))
    if unread and by_words:
        best, nearest = max(by_words.values()), max(by_meaning.values(), default=0.0)
        first = list(by_words)[:COMPARED]
        read = [by_meaning.get(key, 0.0) for key in by_words if key not in unread][:COMPARED]
        share = sum(key not in unread for key in first) / len(first)
        usual = sum(read) / max(1, len(read))
        for key in by_words.keys() & unread:
            standing = by_words[key]
            by_meaning[key] = share * usual * standing / best + (1 - share) * min(standing, nearest)
    fused = {key: (1 - MEANING_WEIGHT) * score for key, score in by_words.items()}
    for key, score in by_meaning.items():
        fused[key] = fused.get(key, 0.0) + MEANING_WEIGHT * score
    return dict(sorted(fused.items(), key=itemgetter(1), reverse=True))


def _standard(ranking: Scores, floor: float) -> Scores:
    """Return how many deviations of its field each paper of a ranking stands above floor."""
    field = list(ranking.values())[:DEPTH]
    field += [floor] * (DEPTH - len(field))
    mean = sum(field) / DEPTH
    deviation = (sum((score - mean) ** 2 for score in field) / DEPTH) ** 0.5 or 1.0
    return {key: (score - floor) / deviation for key, score in ranking.items()}
