"""An engine that looks at every paper for every question: what others are compared with.

It shares no code with kb.index.sqlite. Its stemmer is the Porter of the snowballstemmer package, its ranking is BM25 as
the manual of FTS5 has it: k1 1.2, b 0.75, the instances of a phrase weighted by their columns; its weight is Lucene's.
"""

from collections.abc import Iterable, Iterator
from math import log

import numpy
import snowballstemmer

from kb.index.engine import Concept, FieldWords, PaperDocument, Way, Words
from kb.terms import Phrase

WEIGHTS = {"title": 4, "short_name": 4, "keywords": 4, "organizations": 3} | dict.fromkeys(
    ("authors", "venue", "body", "gloss"), 1
)
SEARCHED = ("title", "short_name", "keywords", "organizations", "body", "authors", "venue")
COLUMNS = {"anywhere": SEARCHED, "text": SEARCHED[:5], "gloss": ("gloss",)}  # by where a way is looked for
COLUMN = {"org": "organizations", "tag": "keywords", "author": "authors"}  # the others are called as their columns
LONGEST_UNSTEMMED = 2  # letters, as FTS5 has it
K1, B = 1.2, 0.75

Terms = dict[str, list[str]]
Asked = tuple[Phrase, tuple[str, ...]]  # a phrase, and the columns where it is looked for


class PlainEngine:
    """Papers and vectors in dictionaries."""

    def __init__(self) -> None:
        self.papers: dict[int, Terms] = {}
        self.people: dict[int, list[list[str]]] = {}  # the names of a paper's authors
        self.vectors: dict[str, dict[str, bytes]] = {}
        self.texts: dict[tuple[str, int], str] = {}
        self.paper_of: dict[int, int] = {}
        self._stemmer = snowballstemmer.stemmer("porter")
        self._stemmed: dict[int, Terms] = {}
        self._frequencies: dict[Asked, dict[int, int]] = {}

    def put_papers(self, papers: Iterable[PaperDocument]) -> None:
        for one in papers:
            self.papers[one.key] = {column: text.split() for column, text in one.terms.items()}
            self._stemmed[one.key] = {
                column: list(map(self._stem, found)) for column, found in self.papers[one.key].items()
            }

    def match(self, words: Words) -> dict[int, float]:
        """Return the score of each paper that words ask for."""
        left = [key for key in self.papers if self._is_left(key, words)]
        if not words.ranks:
            return dict.fromkeys(left, 0.0)
        asked = [Concept((Way((one,)),)) for one in words.all_of]
        self._prepare()
        scores = {key: self._score(key, (*asked, *words.any_of)) for key in left}
        return {key: score for key, score in scores.items() if score is not None}

    def _prepare(self) -> None:
        self._lengths = {key: sum(map(len, terms.values())) for key, terms in self.papers.items()}
        self._average = sum(self._lengths.values()) / len(self._lengths)

    def _score(self, key: int, concepts: Iterable[Concept]) -> float | None:
        """Return the sum of what concepts score in a paper, of each the best way; None if it only holds bonuses."""
        scored = [(one, max(self._ways(key, one))) for one in concepts]
        if not any(score > 0 for one, score in scored if not one.only_ranks):
            return None
        return sum(score for _, score in scored)

    def _ways(self, key: int, concept: Concept) -> Iterator[float]:
        alone = [(way.phrases[0], COLUMNS[way.where]) for way in concept.ways if len(way.phrases) == 1]
        rarest = self._idf(len({holder for one in alone for holder in self._frequency(one)}))
        for way in concept.ways:
            asked = [(one, COLUMNS[way.where]) for one in way.phrases]
            idfs = [self._idf(len(self._frequency(one))) for one in asked]
            if len(asked) == 1:
                idfs = [min(*idfs, rarest)]
            yield way.share * sum(idf * self._saturated(key, one) for idf, one in zip(idfs, asked, strict=True))

    def _idf(self, holding: int) -> float:
        return log(1 + (len(self.papers) - holding + 0.5) / (holding + 0.5))

    def _saturated(self, key: int, asked: Asked) -> float:
        frequency = self._frequency(asked).get(key, 0)
        return frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * self._lengths[key] / self._average))

    def holding(self, word: Phrase) -> int:
        return len(self._frequency((word, SEARCHED)))

    def latin_words(self) -> set[str]:
        terms = (term for columns in self._stemmed.values() for column in columns.values() for term in column)
        return {term for term in terms if term.isascii() and term[0].isalpha()}

    def nearest(self, encoder: str, vector: numpy.ndarray, among: frozenset[int] | None) -> list[tuple[int, float]]:
        """Return (passage, cosine) of all passages, best first."""
        scored = [
            (passage, float(numpy.frombuffer(self.vectors[encoder][text], "<f4") @ vector))
            for (of, passage), text in self.texts.items()
            if of == encoder and (among is None or self.paper_of[passage] in among)
        ]
        return sorted(scored, key=lambda one: -one[1])

    def _stem(self, term: str) -> str:
        is_word = term.isascii() and term.isalpha() and len(term) > LONGEST_UNSTEMMED
        return str(self._stemmer.stemWord(term)) if is_word else term

    def _is_left(self, key: int, words: Words) -> bool:
        return (
            all(self._stands(key, one) for one in words.all_of)
            and not any(key in self._frequency((one, SEARCHED)) for one in words.none_of)
            and not any(self._stands(key, one) for one in words.none_exact)
            and all(self._is_in_field(key, one) != one.is_excluded for one in words.fields)
        )

    def _stands(self, key: int, exact: Phrase) -> bool:
        """Whether a phrase stands in a column as it was cut, unstemmed."""
        return any(_times(self.papers[key].get(column, []), exact.terms, exact.is_prefix) for column in SEARCHED)

    def _is_in_field(self, key: int, field: FieldWords) -> bool:
        if len(field.phrases) > 1:
            return any(
                all(_times(name, one.terms, one.is_prefix) for one in field.phrases) for name in self.people[key]
            )
        return key in self._frequency((field.phrases[0], (COLUMN.get(field.field, field.field),)))

    def _frequency(self, asked: Asked) -> dict[int, int]:
        """Return how often a phrase stands in the columns of each paper that holds it, weighted by column."""
        if asked not in self._frequencies:
            phrase, columns = asked
            wanted = tuple(map(self._stem, phrase.terms))
            counts = {
                key: sum(WEIGHTS.get(one, 1) * _times(terms.get(one, []), wanted, phrase.is_prefix) for one in columns)
                for key, terms in self._stemmed.items()
            }
            self._frequencies[asked] = {key: count for key, count in counts.items() if count}
        return self._frequencies[asked]


def _times(terms: list[str], wanted: tuple[str, ...], is_prefix: bool) -> int:
    """Return how often wanted stands among terms; of a prefix, the last one may go on."""
    *whole, last = wanted
    return sum(
        terms[place : place + len(whole)] == whole
        and (terms[place + len(whole)].startswith(last) if is_prefix else terms[place + len(whole)] == last)
        for place in range(len(terms) - len(wanted) + 1)
    )
