"""The answer to a search. Named tuples, because a search has no time for more."""

from typing import NamedTuple

from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.works import Place
from kb.index.translation import Meaning


class Reason(NamedTuple):
    """What one retriever said of a hit."""

    retriever: str  # "name", "words" or "meaning"
    rank: int  # counted from 1
    score: float  # the retriever's own: 1 for a name, BM25, or the cosine of the nearest passage


class Hit(NamedTuple):
    """A paper that answers a query, with the passage that shows why."""

    rank: int  # counted from 1
    score: float  # how likely, in [0, 1], the paper is about what was asked
    paper: PaperRow
    line: int  # where the passage, or the match inside it, stands in the file
    heading: str
    text: str  # the passage, Markdown
    marks: tuple[tuple[int, int], ...]  # stretches of text that match, [start, end)
    reasons: tuple[Reason, ...]
    claims: dict[str, int]  # state -> how many claims of the paper are in it
    runnable: tuple[str, ...]  # reference implementations that belong to the paper
    also: tuple[Place, ...] = ()  # other notes of the same paper
    called: tuple[str, ...] = ()  # its authors, and its venue, in which words of the query stand
    said: float = 0.0  # how much of what was asked its words say, in [0, 1]


class Answer(NamedTuple):
    """The hits of a query, best first, and after the last one that is likely what is only nearest."""

    hits: tuple[Hit, ...]
    total: int  # how many papers there are without a limit, the nearest left out
    retrievers: tuple[str, ...]  # those that took part; the others abstained
    meanings: tuple[Meaning, ...] = ()  # what words of the query stand for
    notice: str | None = None  # why a retriever that should have taken part could not
    advice: tuple[str, ...] = ()  # what in the query may be meant otherwise than it was understood, a line each
    corrections: tuple[Meaning, ...] = ()  # where no word was found: what Latin words may have been meant to be
    cut: float = 0.0  # the score of the last hit, at least

    @property
    def likely(self) -> tuple[Hit, ...]:
        """The hits that are likely to be about what was asked."""
        return self.hits[: self.total]

    @property
    def nearest(self) -> tuple[Hit, ...]:
        """The hits that are only the nearest there is."""
        return self.hits[self.total :]

    @property
    def found_words(self) -> bool:
        """Whether a word of the query, or what it stands for, stands in a hit shown."""
        return any(reason.retriever != "meaning" for hit in self.hits for reason in hit.reasons)
