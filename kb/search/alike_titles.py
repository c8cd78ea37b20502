"""Papers that are called alike: they share terms of titles and keywords, and a rare term says more."""

from collections.abc import Sequence
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING

from kb.index.sqlite.papers import Name, PaperRow
from kb.index.sqlite.reader import Reader
from kb.terms import FUNCTION_WORDS, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_SHARE = 0.15
TELLING = 0.1  # a term that more than this share of all papers are called by says nothing, once there are enough papers
FEW_PAPERS = 20
_IN_ALL_TITLES = (
    "as based can do does how into its large less more new not over their through toward towards under using via what"
    " when which without"
)
_SAYING_NOTHING = FUNCTION_WORDS.union(_IN_ALL_TITLES.split())


def related(
    reader: Reader, papers: Sequence[PaperRow], limit: int, before: str | None = None
) -> dict[int, list[tuple[PaperRow, float]]]:
    """Return for the key of each of papers the others closest to it with their score, best first.

    The score, in (0, 1], is how much of what a paper is called another one is called too, each term weighing
    log(1 + N / papers called by it). before, a month like "2024-10", leaves only earlier papers.
    """
    import numpy as np

    names = reader.papers.names()
    own = {paper.key: {_singular(term) for term in _called(names[paper.key]) if _tells(term)} for paper in papers}
    wanted = {form: term for terms in own.values() for term in terms for form in (term, f"{term}s")}
    forms = frozenset(wanted)
    callers: dict[str, dict[int, None]] = {term: {} for term in wanted.values()}
    for key, name in names.items():
        for form in forms.intersection(_called(name)):
            callers[wanted[form]][key] = None
    postings = {term: np.fromiter(keys, np.int64, len(keys)) for term, keys in callers.items()}
    weights = {term: log(1 + len(names) / max(1, len(keys))) for term, keys in postings.items()}
    most = max(FEW_PAPERS, TELLING * len(names))
    earlier = np.zeros(reader.papers.largest_key() + 1, dtype=bool)
    earlier[[key for key, name in names.items() if not before or (name.month and name.month < before)]] = True
    found = {
        key: _closest({term: weights[term] for term in terms}, postings, most, earlier, key, limit)
        for key, terms in own.items()
    }
    rows = {row.key: row for row in reader.papers.rows([key for pairs in found.values() for key, _ in pairs])}
    return {paper.key: [(rows[key], share) for key, share in found[paper.key]] for paper in papers}


def _closest(
    weights: dict[str, float],
    postings: "dict[str, NDArray[np.int64]]",
    most: float,
    earlier: "NDArray[np.bool_]",
    paper: int,
    limit: int,
) -> list[tuple[int, float]]:
    """Return the keys of papers that share enough of the weighted terms, with how much; of equals the one read last."""
    import numpy as np

    total = sum(weights.values())
    shares = np.zeros(len(earlier))
    for term, weight in weights.items():
        if len(postings[term]) <= most:
            shares[postings[term]] += weight
    shares[paper] = 0
    close = np.flatnonzero((shares >= max(LEAST_SHARE * total, 1e-9)) & earlier)
    best = close[np.lexsort((-close, -shares[close]))][:limit]
    return [(int(key), float(shares[key] / total)) for key in best]


def _called(name: Name) -> list[str]:
    return [*name.terms.split(), *_terms(name.keywords)]


@lru_cache(maxsize=256)
def _terms(keywords: str) -> list[str]:
    return terms(keywords)


def _tells(term: str) -> bool:
    """Whether an index term says what a paper is about: a word, or a pair of Chinese characters."""
    return len(term) > 1 and term not in _SAYING_NOTHING and not term.isdigit()


def _singular(word: str) -> str:
    is_plural = len(word) > 3 and word.isascii() and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if is_plural else word
