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
    score: float  # how far the paper stands above the field, in deviations; bigger is better
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


class Answer(NamedTuple):
    """The hits of a query, best first."""

    hits: tuple[Hit, ...]
    total: int  # how many papers there are without a limit
    retrievers: tuple[str, ...]  # those that took part; the others abstained
    meanings: tuple[Meaning, ...] = ()  # what words of the query stand for
    notice: str | None = None  # why a retriever that should have taken part could not
    advice: tuple[str, ...] = ()  # what in the query may be meant otherwise than it was understood, a line each
    corrections: tuple[
        Meaning, ...
    ] = ()  # where no word was found: what mistyped Latin words may have been meant to be

    @property
    def found_words(self) -> bool:
        """Whether a word of the query, or what it stands for, stands in a hit shown."""
        return any(reason.retriever != "meaning" for hit in self.hits for reason in hit.reasons)
