"""Two rankings -> one: papers found by words and papers found by meaning."""

from operator import itemgetter

Scores = dict[int, float]  # by paper key, best first

DEPTH = 200  # how deep each ranking is looked at
MEANING_WEIGHT = 0.55  # of the two
LEAST_COSINE = 0.2  # a paper found by meaning alone is at least this near


def fuse(words: Scores, meaning: Scores) -> Scores:
    """Return both rankings as one, by the weighted sum of their standard scores, best first.

    A standard score says how many deviations a hit stands above its field of DEPTH; whoever is not in a ranking stands
    where its field ends. So a single hit of a rare word outweighs a crowd that is all equally near.
    """
    fused: Scores = {}
    farthest = min(meaning.values(), default=0.0)
    for ranking, floor, weight in ((words, 0.0, 1 - MEANING_WEIGHT), (meaning, farthest, MEANING_WEIGHT)):
        field = list(ranking.values())[:DEPTH]
        field += [floor] * (DEPTH - len(field))
        mean = sum(field) / DEPTH
        deviation = (sum((score - mean) ** 2 for score in field) / DEPTH) ** 0.5 or 1.0
        for key, score in ranking.items():
            fused[key] = fused.get(key, 0.0) + weight * (score - floor) / deviation
    too_far = [key for key, cosine in meaning.items() if cosine < LEAST_COSINE and key not in words]
    for key in too_far:
        del fused[key]
    return dict(sorted(fused.items(), key=itemgetter(1), reverse=True))
