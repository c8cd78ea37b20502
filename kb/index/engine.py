"""What an engine finds, and what it is given: the interface between a search and the terms and vectors of papers.

The catalogue (files, records, works, claims, marks) knows what a paper is. It answers conditions such as month:2024
with keys. An engine finds among these keys by words and by vectors. It holds nothing that notes and encoder cannot make
again, so another one may take its place. kb.index.sqlite has catalogue and engine in one file, changed in one
transaction. tests/index/test_contract.py asks of an engine what is promised here.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from kb.terms import Phrase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PaperKey = int
PassageKey = int


class Way(NamedTuple):
    """One way to say something: phrases whose scores add up."""

    phrases: tuple[Phrase, ...]
    share: float = 1.0  # of these scores that counts
    where: Literal["anywhere", "text", "gloss"] = "anywhere"  # text: not who wrote it; gloss: what its Chinese means


class Concept(NamedTuple):
    """What is asked as one thing: of the ways to say it the one that scores most in a paper counts.

    A way of one phrase is no rarer than the concept: it has the document frequency of all papers that hold such a way.
    """

    ways: tuple[Way, ...]
    only_ranks: bool = False  # it adds to the score of papers that hold another concept, and finds none itself

    @property
    def is_minor(self) -> bool:
        """Whether it is a bonus, or a part of what is asked: there is one way to say it, of a share below 1."""
        (first, *others) = self.ways
        return self.only_ranks or (not others and first.share < 1 and first.where == "anywhere")


def each(words: Iterable[Phrase]) -> tuple[Concept, ...]:
    """Return words as concepts that there is one way to say."""
    return tuple(Concept((Way((word,)),)) for word in words)


class FieldWords(NamedTuple):
    """Phrases that stand in one field of a paper: title, author, venue, org, tag or section."""

    field: str
    phrases: tuple[Phrase, ...]  # all of them; of an author, all in the name of one person
    is_excluded: bool  # they must not stand there


class Words(NamedTuple):
    """What a query asks of the terms of papers."""

    any_of: tuple[Concept, ...] = ()  # a paper with one of them is found; one that is given twice counts twice
    all_of: tuple[Phrase, ...] = ()  # quoted: to the letter
    none_of: tuple[Phrase, ...] = ()
    none_exact: tuple[Phrase, ...] = ()  # quoted: to the letter
    fields: tuple[FieldWords, ...] = ()

    @property
    def ranks(self) -> bool:
        """Whether there is anything to rank by."""
        return bool(self.any_of or self.all_of)

    @property
    def narrowing(self) -> "Words":
        """What of these only leaves papers out."""
        return self._replace(any_of=(), all_of=())


class Ranking(NamedTuple):
    """Papers, best first."""

    scores: list[tuple[PaperKey, float]]  # BM25 of concepts and quoted text, summed; 0 where nothing ranks
    is_complete: bool  # whether these are all that match
    said: Mapping[PaperKey, float]  # how much of what was asked each says, a share in [0, 1]


class PaperDocument(NamedTuple):
    """A paper as an engine is given it."""

    key: PaperKey
    terms: Mapping[str, str]  # index terms with spaces between, by column: "title", "body", …
    variants: str  # the characters of its text that terms have in another form: "聲"


class View(Protocol):
    """One committed state."""

    def match(self, words: Words, *, among: frozenset[PaperKey] | None = None, most: int | None = None) -> Ranking:
        """Return the papers that words ask for, only those among some unless that is None.

        The score is the sum of what concepts and quoted phrases score. If more than `most` match, it is enough to rank
        those that say more, that hold all concepts or hold one in a name, by the sum of all ways.
        """

    def holding(self, word: Phrase) -> int:
        """Return how many papers hold word."""

    def latin_words(self) -> list[str]:
        """Return the words of Latin letters that stand in papers, stemmed as they are held."""

    def spelt(self, stem: str) -> set[str]:
        """Return words of Latin letters that are held as stem; it is one of latin_words."""

    def has_vectors(self, encoder: str) -> bool:
        """Whether there is a vector of encoder, given by its fingerprint."""

    def nearest(
        self, encoder: str, vector: "NDArray[np.float32]", k: int, *, among: frozenset[PaperKey] | None = None
    ) -> list[tuple[PassageKey, PaperKey, float]]:
        """Return (passage, paper, cosine) of the k passages nearest to the unit vector [D], best first.

        However few papers are among, their own nearest passages are found.
        Raises: EncoderMissing if the vectors cannot be searched, or have another dimension.
        """

    def encoded(self, encoder: str, text_hashes: Iterable[str]) -> set[str]:
        """Return those of the hashes of texts that have a vector of encoder."""


class Change(Protocol):
    """What is brought in or forgotten; all of it or nothing is seen by views that are opened later."""

    def put_papers(self, papers: Iterable[PaperDocument]) -> None:
        """Take papers in; their keys are new."""

    def remove_papers(self, keys: Iterable[PaperKey]) -> None:
        """Forget papers."""

    def put_passage_texts(self, encoder: str, texts: Iterable[tuple[PassageKey, str]]) -> None:
        """Record the hash of the text that encoder reads for each passage, empty if it can read nothing of it."""

    def put_vectors(self, encoder: str, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Keep the vectors of texts, little-endian float32, by the hash of the text; one that is there stays."""

    def remove_unused_vectors(self) -> None:
        """Forget vectors whose text stands in no passage any more."""

    def merge(self) -> None:
        """Lay together what many changes have left in pieces, so that it is found faster."""
