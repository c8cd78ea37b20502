"""Retrieval and an answer with citations, a toy: answers are cut out of notes, no language model.

Passages are ranked by BM25; of the best the sentences are taken that hold most of what the question asks for, as
they stand; if no sentence holds enough of it, the answer is that nothing answers it. Long because it brings three small
notes of its own and shows its answer as text; how a note is read is in _passages.py.
Source: BM25: Robertson & Zaragoza, The Probabilistic Relevance Framework (2009), equation 3.15. Sentences: greedy
    cover of information, Lin & Bilmes, Multi-document Summarization (2010); that what is told already earns nothing is
    maximal marginal relevance at its strictest (Carbonell & Goldstein 1998). Plurals: Harman's S stemmer (1991).
Left out: generation, web search, synonyms and translation: an English question finds English words. Enough is a share
    of words: a sentence with all of them that tells something else is taken for an answer.
Oracle: SQLite FTS5's bm25() on the same terms to 1e-6; its weight is log (N - n + 0.5) / (n + 0.5), not below 1e-6, and
    its sign turned. The greedy choice against all choices: never below 1 - 1/e of the best.
Ties: the passage read first, the sentence of the passage ranked first. No randomness.
Notation: n of N passages hold a term; a unit is a word of the question, or a character of a script without spaces.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

from kb.reference._alone import run_alone
from kb.reference._passages import RUN, TERM, Passage, fold, pairs, passages, read, sentences, stem, terms, words

OF_ENTRY = 0.5  # what it is worth that only the line of the entry, not its title, tells of something
ADDS = 0.1  # share of what is asked for that one more sentence has to add
# Words that ask, or hold a question together, and say nothing of what it is about.
_ASKING = re.compile(
    r"为什么|为何|什么样|什么|怎么样|怎么|怎样|如何|多少|多大|多长|多久|哪些|哪个|哪种|哪里|哪儿|哪几|哪|谁|几个|几种|几|"
    r"是不是|是否|有没有|能不能|可不可以|请问|告诉我|吗|呢|吧|的|了|是|"
    r"\b(?:an?|the|is|are|was|were|be|been|do|does|did|can|could|will|would|should|has|have|had|what|which|who|whose|"
    r"when|where|why|how|many|much|of|in|on|at|to|for|from|by|with|as|and|or|it|its|this|that|these|those|there|than|"
    r"me|i|we|you|they|please|tell|about|use|used|mean|means)\b"
)
EXAMPLE = """## Codecs

**《Residual vector quantization》** 残差量化，RVQ

Each level of residual vector quantization (RVQ) quantizes what the levels before it left over.
With 8 levels of 1024 codewords a frame costs 80 bits.

RVQ 的每一级量化的是前面各级剩下的误差；8 级、每级 1024 个码字，一帧 80 bit。

**《Delay pattern》** 声学延迟

The delay pattern shifts each codebook by one step, so that one step gives a token of every codebook.

## Speech units

HuBERT 的连续向量经 k-means 聚类，得到离散单元；连续重复的单元只留一个。
"""


class Hit(NamedTuple):
    """A passage that was found."""

    score: float  # greater is better
    passage: Passage


class Unit(NamedTuple):
    """A part of what a question asks for."""

    weight: float
    terms: frozenset[str]  # any of which tells of it


class Answer(NamedTuple):
    """Sentences of notes; none if nothing answers the question."""

    sentences: list[Passage]
    covered: float  # share of what the question asks for that the best sentence tells of, 0 .. 1


class Retriever(Protocol):
    """Whatever says how well each passage fits a question: BM25 here, an encoder elsewhere."""

    def scores(self, question: str) -> list[float]:
        """Return a score for each passage, 0 or less for one that does not fit at all."""


Weigher: TypeAlias = Callable[[str], float]  # how telling a term is


def idf(n: int, of: int) -> float:
    """Return how telling a term is that n of so many passages hold: log (1 + (N - n + 0.5) / (n + 0.5)).

    The 1 keeps what more than half of them hold above 0. Example: 0 of 9 -> log 20.
    """
    if not 0 <= n <= of:
        raise ValueError(f"want 0 .. {of} passages that hold a term, got {n}")
    return math.log(1 + (of - n + 0.5) / (n + 0.5))


def bm25(
    counts: list[int], weights: list[float], length: int, average_length: float, k1: float = 1.2, b: float = 0.75
) -> float:
    """Return the BM25 score of a passage of so many terms: sum of w f (k1 + 1) / (f + k1 (1 - b + b length / average)).

    counts holds f, how often each term of the question is in the passage, weights its w, as idf.
    """
    if len(counts) != len(weights):
        raise ValueError(f"want as many weights as counts, got {len(weights)} and {len(counts)}")
    norm = k1 * (1 - b + b * length / average_length) if average_length else k1
    return sum(w * f * (k1 + 1) / (f + norm) for f, w in zip(counts, weights, strict=True) if f)


class BM25:
    """Scores passages by the terms that they share with a question."""

    def __init__(
        self,
        passages: Sequence[Passage],
        *,
        k1: float = 1.2,
        b: float = 0.75,
        weigh: Callable[[int, int], float] = idf,
    ) -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise ValueError(f"want k1 0 or more and b 0 .. 1, got {k1} and {b}")
        self.k1, self.b, self.weigh = k1, b, weigh
        self.counts = [Counter(passage.terms) for passage in passages]
        self.lengths = [counts.total() for counts in self.counts]
        self.average = sum(self.lengths) / max(1, len(passages))
        self.holding = Counter(term for counts in self.counts for term in counts)

    def weight(self, term: str) -> float:
        """Return how telling a term is."""
        return self.weigh(self.holding[term], len(self.counts))

    def scores(self, question: str) -> list[float]:
        """Return the score of each passage."""
        wanted = list(dict.fromkeys(term for piece in asked(question) for term in terms(piece)))
        weights = [self.weight(term) for term in wanted]
        return [
            bm25([counts[term] for term in wanted], weights, length, self.average, self.k1, self.b)
            for counts, length in zip(self.counts, self.lengths, strict=True)
        ]


def asked(question: str) -> list[str]:
    """Return the pieces of a question between the words that only ask: "Who wrote RVQ 的代码？" -> wrote rvq, 代码."""
    return [piece for piece in _ASKING.split(fold(question)) if TERM.search(piece)]


def retrieve(question: str, passages: Sequence[Passage], retriever: Retriever, k: int) -> list[Hit]:
    """Return the k passages that fit a question best, best first; fewer if fewer share anything with it."""
    if k < 1:
        raise ValueError(f"want 1 passage or more, got {k}")
    hits = [Hit(score, passage) for score, passage in zip(retriever.scores(question), passages, strict=True)]
    return sorted((hit for hit in hits if hit.score > 0), key=lambda hit: -hit.score)[:k]


def units(question: str, weigh: Weigher) -> list[Unit]:
    """Return what a question asks for: its words, and its characters of scripts without spaces.

    A character is told of by either pair it is in, and weighs half the commoner one: where two words meet, the pair
    across says nothing and costs nothing. A word no passage holds weighs most, so it is missed most.
    """
    found = []
    for word, name in dict.fromkeys(word for piece in asked(question) for word in words(piece)):
        if not RUN.match(word):
            found.append(Unit(weigh(name or stem(word)), frozenset([name or stem(word)])))
        for at in range(len(word)) if RUN.match(word) and len(word) > 1 else ():
            two = pairs(word[max(0, at - 1) : at + 2])
            found.append(Unit(min(map(weigh, two)) / 2, frozenset(two)))
    return found


def covered(wanted: Iterable[Unit], told: Iterable[str]) -> set[Unit]:
    """Return the units that terms tell of."""
    known = frozenset(told)
    return {unit for unit in wanted if unit.terms & known}


def worth(some: Iterable[Unit]) -> float:
    """Return how much units weigh together, the same in whatever order they come."""
    return math.fsum(unit.weight for unit in some)


def answer(question: str, found: Sequence[Passage], weigh: Weigher, *, most: int = 3, least: float = 0.6) -> Answer:
    """Return the sentences of passages that tell most of what is asked, best first; none if no sentence tells enough.

    Args:
        question: in words that the notes use.
        found: passages retrieved, best first.
        weigh: says how telling a term is.
        most: sentences to take.
        least: share of what is asked for that one sentence must tell of, with the headings it stands under; the passage
            of another has to tell of this share of what that sentence does. If the question has a word of a title,
            sentences have to tell of one such word.
    """
    wanted = set(units(question, weigh))
    total = worth(wanted)
    around = {passage: worth(covered(wanted, passage.terms)) for passage in found}
    rest = [(passage, one) for passage in found for one in sentences(passage)]
    titles = {term for passage in found for term in terms(" ".join((*passage.headings, passage.about)))}
    if names := {unit for unit in covered(wanted, titles) if not any(map(RUN.match, unit.terms))}:
        rest = [(passage, one) for passage, one in rest if covered(names, one.terms)]  # not about another thing
    best = max((worth(covered(wanted, one.terms)) / total for _, one in rest), default=0.0) if total else 0.0
    if best < least or not best:
        return Answer([], best)
    left = [one for passage, one in rest if around[passage] >= least * best * total]
    taken: list[Passage] = []

    def gain(one: Passage) -> tuple[float, float, int]:
        own, said = terms(one.text), one._replace(about="").terms
        here, there = covered(wanted, said), covered(wanted, one.terms)
        is_entry = one.text.startswith("**《")  # the line of an entry is but a heading
        first = next((at for at, term in enumerate(own) if covered(wanted, [term])), len(own))
        return worth(here) + OF_ENTRY * worth(there - here), 0 if is_entry else worth(covered(wanted, own)), -first

    while left and len(taken) < most:
        one = max(left, key=gain)
        if gain(one)[0] < ADDS * total:
            break
        left.remove(one)
        taken.append(one)
        wanted -= covered(wanted, one.terms)
    return Answer(taken, best)


def told(given: Answer) -> str:
    """Return an answer as text, each sentence with the number of its citation, a list as it stands."""
    if not given.sentences:
        return "Nothing in these notes answers that."
    texts = ["\n".join(line for line in one.text.split("\n") if line.strip()) for one in given.sentences]
    lines = [f"{text} [{at}]" for at, text in enumerate(texts, 1)]
    return "\n".join([*lines, "", *(f"[{at}] {one.where}" for at, one in enumerate(given.sentences, 1))])


FIGURES = (idf, bm25)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    question: str = "RVQ 的每一级量化的是什么？",
    notes: str = "",
    k: int = 10,
    most: int = 3,
    least: float = 0.6,
) -> dict[str, Any]:
    """Return the passages of a folder of notes that fit a question, and the answer cut out of them.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        question: in the language and the words of the notes.
        notes: folder of Markdown notes; without one, the folder notes here, or else three built-in notes.
        k: passages to retrieve.
        most: sentences to answer with.
        least: share of what is asked for, 0 .. 1, below which there is no answer.
    """
    if most < 1 or not 0 <= least <= 1:
        raise ValueError(f"want 1 sentence or more and a share 0 .. 1, got {most} and {least}")
    if notes and not Path(notes).is_dir():
        raise ValueError(f"notes should be a folder of Markdown notes, there is none at {notes!r}")
    texts, refused = read(Path(notes or "notes"))
    known = [passage for file, text in texts.items() for passage in passages(text, file)]
    if notes and not known:
        raise ValueError(f"want a folder with text in Markdown notes (*.md), found none in {notes!r}")
    whence = f"{len(known)} passages of {len(texts)} notes in {notes or 'notes'}"
    if not known:
        known, whence = passages(EXAMPLE, "built-in"), "Built-in notes, as there is no folder notes here"
    engine = BM25(known)
    hits = retrieve(question, known, engine, k)
    given = answer(question, [hit.passage for hit in hits], engine.weight, most=most, least=least)
    rows = [
        {
            "rank": at,
            "score": round(hit.score, 2),
            "where": hit.passage.where,
            "passage": " ".join(hit.passage.text.split())[:60],
        }
        for at, hit in enumerate(hits, 1)
    ]
    remarks = [
        f"{whence}; the best sentence tells of {given.covered:.0%} of what is asked, {least:.0%} is wanted.",
        "A toy: sentences as they stand in the notes, none written; it knows no synonyms and translates nothing.",
        *(f"Not read, not UTF-8: {name}." for name in refused),
    ]
    nothing = {"rank": 0, "score": 0.0, "where": "", "passage": "no passage shares a word with the question"}
    return {"rows": rows or [nothing], "drawing": told(given), "remarks": remarks}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of retrieval and answers, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    known = passages(EXAMPLE, "built-in")
    engine = BM25(known)

    def ask(question: str) -> Answer:
        hits = retrieve(question, known, engine, 5)
        return answer(question, [hit.passage for hit in hits], engine.weight)

    lines = EXAMPLE.split("\n")
    english, chinese = ask("What does each level of RVQ quantize?"), ask("HuBERT 的连续向量怎样变成离散单元？")
    cited = [one for given in (english, chinese) for one in given.sentences]
    return [
        ("By hand: once in a passage of average length counts its weight.", math.isclose(bm25([1], [2.0], 7, 7.0), 2)),
        ("An English question cites its line.", [one.line for one in english.sentences] == [5]),
        ("A Chinese question cites its line.", [one.line for one in chinese.sentences] == [16]),
        ("A sentence stands in the line it is cited from.", all(one.text in lines[one.line - 1] for one in cited)),
        ("What the notes do not tell is not answered.", not ask("How does a Kalman filter work?").sentences),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Retrieval over notes and an extractive answer with citations.", demo, checks)


if __name__ == "__main__":
    main()
