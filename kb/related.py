"""Papers that are called alike: they share words of titles and keywords, and a rare word says more."""

from collections import defaultdict
from collections.abc import Sequence
from math import log

from kb.store.reader import PaperRow, Reader
from kb.terms import Phrase, alternatives

LEAST_SHARE = 0.2
TELLING = (
    0.25  # a word that more than this share of all papers are called by says nothing, once there are enough papers
)
FEW_PAPERS = 20


def related(
    reader: Reader, papers: Sequence[PaperRow], limit: int, before: str | None = None
) -> dict[int, list[tuple[PaperRow, float]]]:
    """Return for the key of each of papers the others closest to it with their score, best first.

    The score, in (0, 1], is how much of what a paper is called another one is called too, each word weighing
    log(1 + N / papers called by it). before, a month like "2024-10", leaves only earlier papers.
    """
    paper_count = reader.paper_count()
    most = max(FEW_PAPERS, TELLING * paper_count)
    earlier = reader.keys_before(before) if before else None
    called: dict[Phrase, set[int]] = {}
    found: dict[int, list[tuple[int, float]]] = {}
    for paper in papers:
        weights: dict[Phrase, float] = {}
        names = f"{paper.title} {paper.short_name or ''} {paper.keywords}".split()
        for word in dict.fromkeys(phrase for name in names for phrase in alternatives(name)):
            if word not in called:
                called[word] = reader.called(word)
            if called[word]:
                weights[word] = log(1 + paper_count / len(called[word]))
        shares: defaultdict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            if len(called[word]) <= most:
                for key in called[word] if earlier is None else called[word] & earlier:
                    shares[key] += weight
        shares.pop(paper.key, None)
        total = sum(weights.values())
        close = [(key, share / total) for key, share in shares.items() if share >= LEAST_SHARE * total]
        found[paper.key] = sorted(close, key=lambda pair: (-pair[1], -pair[0]))[:limit]
    rows = {row.key: row for row in reader.rows([key for pairs in found.values() for key, _ in pairs])}
    return {paper: [(rows[key], share) for key, share in pairs] for paper, pairs in found.items()}
