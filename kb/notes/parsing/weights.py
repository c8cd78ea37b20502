"""How much each piece of evidence says that a candidate is about a paper, and which candidates are entries.

docs/parsing.md argues the weights. benchmarks/evidence.py finds them, and reads each corpus with weights that were
found without it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import exp

from kb.notes.parsing.candidates import Candidate

CLEAR = 2.5  # score from which on a candidate is an entry whatever it lies in or holds
FEW = 3  # neighbours: more of them say all that the rest of the file could say
HELD = 0.5  # share of a list, table or section that are entries, from which on what holds them needs an identity
IDENTITY = frozenset(
    ("link", "link first", "link below", "note", "label", "title label", "parts", "front", "guillemets")
)  # says which paper it is
SAYS_LITTLE = frozenset(  # of a paper: what only names, forms and the rest of the file say
    ("scholarly", "on research", "short", "program", "web", "code", "sentence", "prose", "numbered", "described")
) | {"collection", "figures", "mention", "cites"}
SAYS_LITTLE_IN_SENTENCES = SAYS_LITTLE | {"research", "bold", "name", "capitals"}
SURE = IDENTITY | {"calls itself", "chapters", "authors", "year"}
WEIGHTS = {
    "calls itself": 5.14,
    "title label": 4.49,
    "label": 4.23,
    "@guillemets": 4.21,
    "link": 3.94,
    "guillemets": 3.88,
    "front": 3.68,
    "parts": 3.63,
    "file": 3.16,
    "year": 3.13,
    "linked": 3.1,
    "near": 3.06,
    "details": 3.05,
    "note": 3.05,
    "authors": 2.88,
    "local": 2.73,
    "@page": 2.64,
    "scholarly": 2.46,
    "number": 2.28,
    "button": 2.16,
    "link first": 2.12,
    "link below": 1.93,
    "named": 1.93,
    "set apart": 1.79,
    "chapters": 1.78,
    "definition": 1.74,
    "capitals": 1.53,
    "whole": 1.47,
    "name": 1.45,
    "bold": 1.44,
    "labels": 1.31,
    "venue": 1.29,
    "on research": 1.05,
    "code": 0.88,
    "research": 0.77,
    "column": 0.69,
    "@heading": -0.15,
    "@nested": -0.43,
    "@item": -0.55,
    "numbered": -1.01,
    "web": -1.03,
    "@row": -1.29,
    "cites": -1.68,
    "mention": -1.74,
    "prose": -1.89,
    "described": -1.92,
    "short": -1.95,
    "inside": -1.99,
    "@paragraph": -2.39,
    "sentence": -2.52,
    "program": -2.62,
    "collection": -3.43,
    "holds": -4.18,
    "figures": -4.22,
    "bias": -6.97,
}


def entries_among(candidates: Sequence[Candidate], weights: Mapping[str, float] = WEIGHTS) -> list[Candidate]:
    """Return the candidates that are entries, in their order; they are sorted, a wider one before what it holds.

    An entry has a positive score, and something of its own: no list makes a paper of each line. Of two that lie in one
    another the one that is not clear and does not say which paper it is gives way: the outer one to a list, table or
    sections of entries, the inner one to an outer one that does.
    """
    features = in_context(candidates, weights)
    scores = [score(found, weights) for found in features]
    holders = _holders(candidates)
    held = _held([float(one > 0) for one in scores], candidates, holders)
    found: list[Candidate] = []
    taken: set[int] = set()
    for number, one in enumerate(candidates):
        if scores[number] <= 0 or _says_little(one):
            continue
        if scores[number] < CLEAR and one.evidence.isdisjoint(IDENTITY) and not _is_named(one):
            holder = _taken_holder(number, holders, taken)
            is_text = holder is not None and not candidates[holder].evidence.isdisjoint(SURE)
            is_of_list = one.place != "heading" and features[number]["near"] > HELD
            if held[number] > HELD or (is_text and not is_of_list):
                continue
        taken.add(number)
        found.append(one)
    return found


def _says_little(one: Candidate) -> bool:
    """Whether nothing of its own says that a candidate is about a paper: neither its form nor what stands there."""
    little = SAYS_LITTLE_IN_SENTENCES if "sentence" in one.evidence else SAYS_LITTLE
    return one.evidence <= little and not one.head.lstrip("*_ ").startswith("《")


def _is_named(one: Candidate) -> bool:
    """Whether a heading calls itself a note of a paper, or has a year, and authors below it."""
    return one.place == "heading" and ("calls itself" in one.evidence or {"authors", "year"} <= one.evidence)


def _taken_holder(number: int, holders: Sequence[int | None], taken: set[int]) -> int | None:
    """Return the number of the innermost entry that a candidate lies in."""
    holder = holders[number]
    while holder is not None and holder not in taken:
        holder = holders[holder]
    return holder


def score(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the log-odds that a candidate with these features is an entry."""
    found = weights.get("bias", 0.0)
    for name, value in features.items():
        if value:
            found += weights.get(name, 0.0) * value
    return found


def in_context(candidates: Sequence[Candidate], weights: Mapping[str, float]) -> list[dict[str, float]]:
    """Return the features of each candidate: its evidence, and four things that the others say.

    "inside" is how likely what holds it is an entry, "holds" how likely the lists, tables or sections in it are, both
    by their own evidence; with these two, "near" is how likely its neighbours are entries, "file" those of its kind.
    """
    features = [dict.fromkeys((*one.evidence, f"@{one.place}"), 1.0) for one in candidates]
    alone = [_probability(score(one, weights)) for one in features]
    holders = _holders(candidates)
    holds = _held(alone, candidates, holders)
    inside = [0.0] * len(candidates)
    for number, holder in enumerate(holders):
        while holder is not None and _is_twin(candidates[holder], candidates[number]):
            holder = holders[holder]
        is_apart = (
            holder is not None and candidates[holder].place == "guillemets" and "link" in candidates[number].evidence
        )
        if holder is not None and not is_apart:  # what has its own link is never swallowed by a neighbour's text
            inside[number] = max(inside[holder], alone[holder])
    for number, said in enumerate(features):
        said |= {"inside": inside[number], "holds": holds[number]}
    likely = [_probability(score(one, weights)) for one in features]
    near = _of_others(likely, [one.neighbours for one in candidates])
    alike = _of_others(likely, [(one.place, one.level) for one in candidates])
    sizes = Counter(one.neighbours for one in candidates)
    for number, (one, said) in enumerate(zip(candidates, features, strict=True)):
        if one.place == "page":
            said |= {"near": 0.0, "file": 0.0}
        else:
            said |= {"near": near[number], "file": near[number] if sizes[one.neighbours] > FEW else alike[number]}
    return features


def _is_twin(outer: Candidate, inner: Candidate) -> bool:
    """Whether two candidates name one paper: a page and the heading that speaks for it, or two with one title."""
    return outer.heading == inner.line or outer.found.title == inner.found.title


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
