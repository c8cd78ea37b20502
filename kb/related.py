"""Papers that are called alike: they share words of titles and keywords, and a rare word says more."""

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING

from kb.store.reader import PaperRow, Reader
from kb.terms import Phrase, alternatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SHARE = 0.15
TELLING = 0.1  # a word that more than this share of all papers are called by says nothing, once there are enough papers
FEW_PAPERS = 20


def related(
    reader: Reader, papers: Sequence[PaperRow], limit: int, before: str | None = None
) -> dict[int, list[tuple[PaperRow, float]]]:
    """Return for the key of each of papers the others closest to it with their score, best first.

    The score, in (0, 1], is how much of what a paper is called another one is called too, each word weighing
    log(1 + N / papers called by it). before, a month like "2024-10", leaves only earlier papers.
    """
    import numpy as np

    size = reader.largest_key() + 1
    paper_count = reader.paper_count()
    most = max(FEW_PAPERS, TELLING * paper_count)
    others = np.ones(size, dtype=bool)
    if before:
        others[:] = False
        others[reader.keys_before(before)] = True
    postings: dict[Phrase, NDArray[np.int64]] = {}
    found: dict[int, list[tuple[int, float]]] = {}
    for paper in papers:
        shares = np.zeros(size)
        total = 0.0
        for word in _words(paper):
            if word not in postings:
                postings[word] = np.array(reader.called(word), dtype=np.int64)
            called = postings[word]
            if len(called):
                weight = log(1 + paper_count / len(called))
                total += weight
                if len(called) <= most:
                    shares[called] += weight
        shares[paper.key] = 0
        close = np.flatnonzero((shares >= max(LEAST_SHARE * total, 1e-9)) & others)
        best = close[np.lexsort((-close, -shares[close]))][:limit]  # of equals the one read last
        found[paper.key] = [(int(key), float(shares[key] / total)) for key in best]
    rows = {row.key: row for row in reader.rows([key for pairs in found.values() for key, _ in pairs])}
    return {paper: [(rows[key], share) for key, share in pairs] for paper, pairs in found.items()}


def _words(paper: PaperRow) -> list[Phrase]:
    names = f"{paper.title} {paper.short_name or ''} {paper.keywords}".split()
    return list(dict.fromkeys(phrase for name in names for phrase in alternatives(name)))
