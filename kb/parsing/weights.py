"""How much each piece of evidence says that a candidate is about a paper, and which candidates are entries.

docs/parsing.md argues the weights. benchmarks/evidence.py finds them, and reads each corpus with weights that were
found without it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import exp

from kb.parsing.candidates import Candidate

FEW = 3  # neighbours: more of them say all that the rest of the file could say
HELD = 0.5  # share of a list, table or section that are entries, from which on what holds them needs an identity
IDENTITY = frozenset(
    ("link", "link first", "link below", "note", "label", "title label", "parts", "front", "guillemets")
)  # says which paper it is
SURE = IDENTITY | {"calls itself", "chapters", "authors", "year"}
WEIGHTS = {
    "calls itself": 4.74,
    "@guillemets": 4.01,
    "near": 3.67,
    "file": 3.54,
    "link first": 3.38,
    "front": 3.29,
    "link": 3.25,
    "title label": 3.24,
    "local": 3.13,
    "linked": 3.04,
    "guillemets": 3.03,
    "parts": 3.02,
    "label": 3.0,
    "authors": 2.96,
    "note": 2.61,
    "@page": 2.6,
    "details": 2.26,
    "year": 2.13,
    "chapters": 1.98,
    "venue": 1.77,
    "column": 1.74,
    "scholarly": 1.73,
    "name": 1.66,
    "named": 1.63,
    "labels": 1.56,
    "on research": 1.43,
    "link below": 1.42,
    "bold": 1.38,
    "capitals": 1.11,
    "research": 1.09,
    "code": 0.87,
    "web": 0.73,
    "definition": 0.51,
    "numbered": 0.34,
    "@row": -0.25,
    "@nested": -0.34,
    "@heading": -0.82,
    "@item": -0.9,
    "short": -1.07,
    "@paragraph": -1.53,
    "prose": -1.57,
    "cites": -1.93,
    "mention": -2.01,
    "collection": -3.04,
    "sentence": -3.08,
    "holds": -4.77,
    "inside": -5.8,
    "bias": -6.22,
}


def entries_among(candidates: Sequence[Candidate], weights: Mapping[str, float] = WEIGHTS) -> list[Candidate]:
    """Return the candidates that are entries, in their order; they are sorted, a wider one before what it holds.

    An entry has a positive score. Of two that lie in one another the one that does not say which paper it is gives way:
    the outer one to a list, table or sections of entries, the inner one to an outer one that does.
    """
    scores = [score(found, weights) for found in in_context(candidates, weights)]
    holders = _holders(candidates)
    held = _held([float(one > 0) for one in scores], candidates, holders)
    found: list[Candidate] = []
    taken: set[int] = set()
    for number, one in enumerate(candidates):
        if scores[number] <= 0:
            continue
        if one.evidence.isdisjoint(IDENTITY):
            holder = _taken_holder(number, holders, taken)
            if held[number] > HELD or (holder is not None and not candidates[holder].evidence.isdisjoint(SURE)):
                continue
        taken.add(number)
        found.append(one)
    return found


def _taken_holder(number: int, holders: Sequence[int | None], taken: set[int]) -> int | None:
    """Return the number of the innermost entry that a candidate lies in."""
    holder = holders[number]
    while holder is not None and holder not in taken:
        holder = holders[holder]
    return holder


def score(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the log-odds that a candidate with these features is an entry."""
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in features.items())


def in_context(candidates: Sequence[Candidate], weights: Mapping[str, float]) -> list[dict[str, float]]:
    """Return the features of each candidate: its evidence, and four things that the others say.

    "near" is how likely its neighbours are entries, "file" how likely those of its kind in the file, both by their own
    evidence; "inside" how likely what holds it is one, "holds" how likely the lists, tables or sections in it are.
    """
    features = [dict.fromkeys((*one.evidence, f"@{one.place}"), 1.0) for one in candidates]
    alone = [_probability(score(one, weights)) for one in features]
    near = _of_others(alone, [one.neighbours for one in candidates])
    alike = _of_others(alone, [(one.place, one.level) for one in candidates])
    sizes = Counter(one.neighbours for one in candidates)
    for number, one in enumerate(candidates):
        if one.place == "page":
            near[number] = alike[number] = 0.0
        elif sizes[one.neighbours] > FEW:
            alike[number] = near[number]
    holders = _holders(candidates)
    holds = _held(alone, candidates, holders)
    inside = [0.0] * len(candidates)
    for number, holder in enumerate(holders):
        is_apart = (
            holder is not None and candidates[holder].place == "guillemets" and "link" in candidates[number].evidence
        )
        if holder is not None and not is_apart:  # what has its own link is never swallowed by a neighbour's text
            inside[number] = max(inside[holder], alone[holder])
    for number, said in enumerate(features):
        said |= {"near": near[number], "file": alike[number], "inside": inside[number], "holds": holds[number]}
    return features


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, log_odds))))


def _of_others(values: Sequence[float], groups: Sequence[tuple[object, ...]]) -> list[float]:
    """Return for each value the mean of the others in its group; one that is alone speaks for itself."""
    sums: dict[tuple[object, ...], float] = defaultdict(float)
    counts: dict[tuple[object, ...], int] = defaultdict(int)
    for value, group in zip(values, groups, strict=True):
        sums[group] += value
        counts[group] += 1
    return [
        (sums[group] - value) / (counts[group] - 1) if counts[group] > 1 else value
        for value, group in zip(values, groups, strict=True)
    ]


def _holders(candidates: Sequence[Candidate]) -> list[int | None]:
    """Return the number of the innermost candidate that each one lies in."""
    found: list[int | None] = []
    open_ones: list[int] = []
    for number, one in enumerate(candidates):
        while open_ones and candidates[open_ones[-1]].end <= one.line:
            open_ones.pop()
        found.append(open_ones[-1] if open_ones else None)
        open_ones.append(number)
    return found


def _held(values: Sequence[float], candidates: Sequence[Candidate], holders: Sequence[int | None]) -> list[float]:
    """Return for each candidate how likely the likeliest group of two or more in it is."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, one in enumerate(candidates):
        groups[one.neighbours].append(number)
    found = [0.0] * len(candidates)
    for members in groups.values():
        if len(members) < 2:
            continue
        mean = sum(values[number] for number in members) / len(members)
        holder = holders[members[0]]
        while holder is not None:
            found[holder] = max(found[holder], mean)
            holder = holders[holder]
    return found
