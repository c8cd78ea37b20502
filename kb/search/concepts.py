"""A query -> the concepts it asks for, each with the ways in which notes may say it.

What a word stands for in the other language, a number written otherwise and another spelling are ways to say the same:
the best of them counts, so a rare translation weighs no more than the word that was asked for.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from kb.index.engine import Concept, Way
from kb.index.query import MOST_TIMES, MOST_WORDS, WEAK_WORDS, Query
from kb.index.translation import Gloss, Meaning, terms_of
from kb.search.quantities import quantities, spelt_otherwise
from kb.search.spellings import spellings
from kb.terms import Phrase, alternatives, fold, letters, phrase, split_unspaced, terms

NAME_SHARE = 0.9  # of what a word stands for
PARTS_SHARE = 0.5  # of the words in a long word, and of pairs of characters that are in no word
BESIDE_WEAK_SHARE = 0.25  # of a pair of characters one of which is in a weak word
RUN_SHARE = 0.3  # of a run of Chinese found whole, on top of its words
NEIGHBOURS_SHARE = 0.15  # of words found side by side, on top of each
SINGLE_SHARE = 0.7  # of a single character in a longer run: it begins many words that have nothing to do with it
QUANTITY_PARTS_SHARE = 0.3  # of a number and its unit found apart
LONGEST_NAME = 6  # words of an English name
SHORTEST_WITH_PARTS = 4  # characters: of 声码器 a half such as 码器 means nothing
MOST_BETWEEN = 2  # weak words between neighbours: language of audio

_FUNCTION_HAN = (
    "的 了 是 在 和 与 有 被 把 从 到 对 为 之 其 这 那 及 或 以 等 它 他 她 们 我 你 也 都 就 而 但 并 于 将"
    " 会 能 可 要 让 使 很 更 最 不 没 没有 一个 这个 那个 这些 那些 一种 之间 关于 可以 里 中 上 何 几 谁"
)
_WEAK_HAN = frozenset(_FUNCTION_HAN.split())
_IN_HAN_QUESTIONS = re.compile(
    "是?(?:为什么|什么时候|什么样?的?)|怎么样?|怎样|如何|[有是]?哪(?:些|个|种|一[个种])|多少|是否|(?<!任)何[时地]|哪[里儿]|请问"
    r"|[吗呢吧]+(?=[?？\s]|$)"
)


class Asked(NamedTuple):
    """What a query asks for."""

    concepts: tuple[Concept, ...]
    meanings: tuple[Meaning, ...]  # what its words stand for


def concepts(query: Query, gloss: Gloss | None) -> Asked:
    """Return what the plain words of query ask for; without gloss each word stands for itself."""
    meanings: list[Meaning] = []
    text = letters(query.text)
    found = _bounded(_concepts(_IN_HAN_QUESTIONS.sub(" ", text), gloss, meanings, _only_weak(query)))
    return Asked(found or query.concepts, tuple(meanings))  # nothing is found of a query that only asks: what


def _only_weak(query: Query) -> bool:
    """Whether all words of query only hold a question together; then they are what is asked."""
    return all(WEAK_WORDS.issuperset(word.terms) for word in query.words)


def _bounded(found: Iterable[Concept]) -> tuple[Concept, ...]:
    """Return MOST_WORDS different concepts, each at most MOST_TIMES."""
    times: Counter[Concept] = Counter()
    kept: list[Concept] = []
    for concept in found:
        if concept not in times and len(times) == MOST_WORDS:
            break
        times[concept] += 1
        if times[concept] <= MOST_TIMES:
            kept.append(concept)
    return tuple(kept)


def _concepts(text: str, gloss: Gloss | None, meanings: list[Meaning], takes_weak: bool) -> Iterator[Concept]:
    """Yield the concepts of text, in the forms of characters that it is written in."""
    for between, quantity in quantities(text):
        for spaced, run in split_unspaced(between):
            yield from _of_words(spaced, gloss, meanings, takes_weak)
            if run:
                yield from _of_run(run, gloss, meanings)
        if quantity:
            yield _of_quantity(quantity)


def _of_quantity(quantity: str) -> Concept:
    """Return a number with its unit: found as one thing, however its thousands are written, better than apart."""
    apart = tuple(one for one in alternatives(quantity) if len(one.terms) == 1)
    wholes = filter(None, map(phrase, (quantity, *spelt_otherwise(quantity))))
    ways = [Way((whole,)) for whole in wholes]
    return Concept((*ways, Way(apart, QUANTITY_PARTS_SHARE)) if apart else tuple(ways))


def _of_words(text: str, gloss: Gloss | None, meanings: list[Meaning], takes_weak: bool) -> Iterator[Concept]:
    """Yield the concepts of a stretch of words with spaces between them: names of several words first."""
    order: list[str] = []
    telling: list[int] = []  # places of words that say something: of o1-mini the o and the 1 do not, apart
    for parts in map(terms, text.split()):
        telling += [
            place
            for place, part in enumerate(parts, len(order))
            if (len(part) > 1 or len(parts) == 1) and (takes_weak or part not in WEAK_WORDS)
        ]
        order += parts
    named: set[int] = set()
    for start, end, others in _named(order, gloss):
        said = tuple(Phrase((order[place],), False) for place in telling if start <= place < end)
        if said:
            meanings.append(Meaning(" ".join(order[start:end]), others))
            named.update(range(start, end))
            yield Concept((*_as_typed(said), *_translated(others)))
    for place in telling:
        if place not in named:
            yield Concept(tuple(_as_typed((Phrase((order[place],), False),))))
    for whole in (one for word in text.split() for one in alternatives(word) if len(one.terms) > 1):
        yield Concept((Way((whole,)), Way((whole,), where="gloss")))
    for first, second in pairwise(telling):
        if second - first <= MOST_BETWEEN + 1:
            side_by_side = Phrase(tuple(order[first : second + 1]), is_prefix=False)
            yield Concept((Way((side_by_side,), NEIGHBOURS_SHARE),), only_ranks=True)


def _named(order: list[str], gloss: Gloss | None) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield (start, end, other names) of the longest names of concepts in order."""
    start = 0
    while gloss and start < len(order):
        for end in range(min(start + LONGEST_NAME, len(order)), start, -1):
            if others := gloss.names(" ".join(order[start:end])):
                yield start, end, others
                start = end - 1
                break
        start += 1


def _as_typed(said: tuple[Phrase, ...]) -> Iterator[Way]:
    """Yield the ways of words as they are typed: in the text, in what its Chinese means, and in another spelling."""
    yield Way(said)
    yield Way(said, where="gloss")
    if len(said) == 1:
        for other in spellings(said[0].terms[0]):
            yield Way((Phrase((other,), False),))


def _of_run(written: str, gloss: Gloss | None, meanings: list[Meaning]) -> Iterator[Concept]:
    """Yield the concepts of a run of characters without spaces: its words, and pairs where there is no word."""
    run = fold(written)
    inside: set[int] = set()  # where a pair begins that is in one word
    weak: set[int] = set()
    cover = list(gloss.cover(run)) if gloss else []
    for start, word in cover:
        inside.update(range(start, start + len(word) - 1))
        if word in _WEAK_HAN and len(word) < len(run):
            weak.update(range(start, start + len(word)))
            continue
        if len(word) == 1 < len(run):
            yield Concept((Way((_exactly(word),), SINGLE_SHARE),), only_ranks=True)
        if gloss and (ways := _ways(word, written[start : start + len(word)], word == run, gloss, meanings)):
            yield Concept(ways)
    if len(run) == 1 and not cover:
        yield Concept((Way((_exactly(run),)),))
    for start in range(len(run) - 1):
        beside = {start, start + 1} & weak
        if start not in inside and len(beside) < 2:
            share = BESIDE_WEAK_SHARE if beside else PARTS_SHARE if cover else 1.0
            yield Concept((Way((_exactly(run[start : start + 2]),), share),))
    if len(run) > 2 and [word for _, word in cover] != [run]:
        yield Concept((Way((_exactly(run),), RUN_SHARE),), only_ranks=True)


def _ways(word: str, written: str, is_alone: bool, gloss: Gloss, meanings: list[Meaning]) -> tuple[Way, ...]:
    """Return the ways to say a Chinese word: itself, if it is no character of a longer run, its pairs, its senses."""
    ways = [Way((_exactly(word),))] if len(word) > 1 or is_alone else []
    if len(word) >= SHORTEST_WITH_PARTS:
        parts = tuple(_exactly(word[place : place + 2]) for place in range(len(word) - 1))
        ways.append(Way(parts, PARTS_SHARE))
    if others := gloss.names(word):
        meanings.append(Meaning(written, others))
        return (*ways, *_translated(others))
    if senses := gloss.senses_asked(word):
        meanings.append(Meaning(written, senses))
    for sense in senses:
        if found := tuple(Phrase((term,), False) for term in terms_of([sense])):
            ways.append(Way(found, NAME_SHARE / len(found), "text"))
    return tuple(ways)


def _translated(names: Iterable[str]) -> Iterator[Way]:
    """Yield the ways of other names; nobody is called by what a word means."""
    for found in filter(None, map(phrase, names)):
        yield Way((found,), NAME_SHARE, "text")


def _exactly(run: str) -> Phrase:
    """Return the phrase that finds a run of characters without spaces: its pairs, of one what begins so."""
    return Phrase(tuple(run[place : place + 2] for place in range(max(1, len(run) - 1))), is_prefix=len(run) == 1)
