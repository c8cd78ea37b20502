"""A query -> the concepts it asks for, each with the ways in which notes may say it.

What a word stands for in the other language, a number written otherwise and another spelling are ways to say the same:
the best of them counts, so a rare translation weighs no more than the word that was asked for.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from kb.index.engine import Concept, Way
from kb.index.query import MOST_TIMES, MOST_WORDS, WEAK_WORDS, Query
from kb.index.translation import LONGEST, Gloss, Meaning, terms_of
from kb.search.quantities import quantities, spelt_otherwise
from kb.search.spellings import spellings
from kb.terms import Phrase, alternatives, fold, has_unspaced, letters, phrase, split_unspaced, terms

NAME_SHARE = 0.9  # of what a word stands for
SENSE_SHARE = 0.7  # of a sense of the dictionary where a glossary has names, or of a character of a longer run
APART_SHARE = 0.7  # of the words of a name found apart
WITHIN_SHARE = 0.2  # of the pairs in a long word together: who says the word comes before who says half of it
PARTS_SHARE = 0.5  # of a pair of characters that is in no word
ACROSS_SHARE = 0.1  # of a pair of characters that belong to two words: it matters where these are not the right ones
BESIDE_WEAK_SHARE = 0.25  # of a pair of characters one of which is in a weak word
SINGLE_SHARE = 0.7  # of a single character in a longer run: it begins many words that have nothing to do with it
RUN_SHARE = 0.3  # of a run of Chinese found whole, on top of its words
NEIGHBOURS_SHARE = 0.15  # of words found side by side, on top of each
LONGEST_NAME = 6  # words of an English name
LONG_WORD = 4  # characters of a word with words in it: of 声码器 a half such as 码器 means nothing
MOST_BETWEEN = 2  # weak words between neighbours: language of audio

_FUNCTION_HAN = (
    "的 了 是 在 和 与 有 被 把 从 到 对 为 之 其 这 那 及 或 以 等 它 他 她 们 我 你 也 都 就 而 但 并 于 将"
    " 会 能 可 要 让 使 很 更 最 不 没 没有 一个 这个 那个 这些 那些 一种 之间 关于 可以 里 中 上 何 几 谁"
)
_WEAK_HAN = frozenset(_FUNCTION_HAN.split())
_IN_HAN_QUESTIONS = (  # not compiled here: many queries have no Chinese in them
    "是?(?:为什么|什么时候|什么样?的?)|怎么样?|怎样|如何|[有是]?哪(?:些|个|种|一[个种])|多少|是否|(?<!任)何[时地]|哪[里儿]|请问"
    r"|[吗呢吧]+(?=[?？\s]|$)"
)


class Asked(NamedTuple):
    """What a query asks for."""

    concepts: tuple[Concept, ...]
    meanings: tuple[Meaning, ...]  # what its words stand for


class _Known(NamedTuple):
    """What tells how a word may be said."""

    gloss: Gloss | None
    stands: Callable[[Phrase], object]  # whether a phrase stands in any paper
    meanings: list[Meaning]  # those met so far

    def names(self, name: str) -> tuple[str, ...]:
        """Return the other names of a concept."""
        return self.gloss.names(name) if self.gloss else ()

    def is_said(self, names: Iterable[str]) -> bool:
        """Whether one of names stands in any paper."""
        return any(self.stands(found) for found in map(phrase, names) if found)


def concepts(query: Query, gloss: Gloss | None, stands: Callable[[Phrase], object] = bool) -> Asked:
    """Return what the plain words of query ask for; without gloss each word stands for itself.

    stands tells whether a phrase stands in any paper: a long name that stands nowhere, nor any of its other names, is
    taken apart. Example: 多智能体辩论 -> 多智能体, 辩论.
    """
    known = _Known(gloss, stands, [])
    text = letters(query.text)
    if has_unspaced(text):
        text = re.sub(_IN_HAN_QUESTIONS, " ", text)
    takes_weak = all(WEAK_WORDS.issuperset(word.terms) for word in query.words)  # there is nothing else to take
    found = _bounded(_concepts(text, known, takes_weak))
    return Asked(found or query.concepts, tuple(dict.fromkeys(known.meanings)))


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


def _concepts(text: str, known: _Known, takes_weak: bool) -> Iterator[Concept]:
    """Yield the concepts of text, in the forms of characters that it is written in."""
    for between, quantity in quantities(text):
        for spaced, run in split_unspaced(between):
            yield from _of_words(spaced, known, takes_weak)
            yield from _of_run(run, known, is_all=run == text.strip())
        if quantity:
            yield from _of_quantity(quantity, known)


def _of_quantity(quantity: str, known: _Known) -> Iterator[Concept]:
    """Yield a number with its unit as one thing, however its thousands are written.

    Where that stands nowhere, number and unit apart rank what other words find: a unit alone says nothing.
    """
    written = (quantity, *spelt_otherwise(quantity))
    yield Concept(tuple(Way((found,)) for found in map(phrase, written) if found))
    if not known.is_said(written):
        for one in alternatives(quantity):
            if len(one.terms) == 1:
                yield Concept((Way((one,), APART_SHARE),), only_ranks=True)


def _of_words(text: str, known: _Known, takes_weak: bool) -> Iterator[Concept]:
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
    for start, end, others in _named(order, known):
        said = tuple(Phrase((order[place],), False) for place in telling if start <= place < end)
        if said:
            known.meanings.append(Meaning(" ".join(order[start:end]), others))
            named.update(range(start, end))
            yield Concept((*_as_name(order[start:end], said), *_translated(others)))
    for place in telling:
        if place not in named:
            yield Concept(tuple(_as_typed(Phrase((order[place],), False))))
    for whole in (one for word in text.split() for one in alternatives(word) if len(one.terms) > 1):
        yield Concept((Way((whole,)), Way((whole,), where="gloss")))
    for first, second in pairwise(telling):
        if second - first <= MOST_BETWEEN + 1:
            side_by_side = Phrase(tuple(order[first : second + 1]), is_prefix=False)
            yield Concept((Way((side_by_side,), NEIGHBOURS_SHARE),), only_ranks=True)


def _named(order: list[str], known: _Known) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield (start, end, other names) of the longest names of concepts in order that are said anywhere."""
    start = 0
    while start < len(order):
        for end in range(min(start + LONGEST_NAME, len(order)), start, -1):
            name = " ".join(order[start:end])
            others = known.names(name)
            if others and (end - start == 1 or known.is_said((name, *others))):
                yield start, end, others
                start = end - 1
                break
        start += 1


def _as_name(name: list[str], said: tuple[Phrase, ...]) -> Iterator[Way]:
    """Yield the ways of a name as it is typed: whole, or its telling words, which say less apart."""
    if len(name) == 1:
        yield from _as_typed(said[0])
        return
    yield Way((Phrase(tuple(name), is_prefix=False),))
    yield Way(said, APART_SHARE)
    yield Way(said, APART_SHARE, "gloss")


def _as_typed(word: Phrase) -> Iterator[Way]:
    """Yield the ways of a word as it is typed: in the text, in what its Chinese means, and in another spelling."""
    yield Way((word,))
    yield Way((word,), where="gloss")
    for other in spellings(word.terms[0]):
        yield Way((Phrase((other,), False),))


def _of_run(written: str, known: _Known, *, is_all: bool) -> Iterator[Concept]:
    """Yield the concepts of a run of characters without spaces: its words, and pairs where there is no word.

    is_all tells that nothing else is asked for: then weak words count, too.
    """
    run = fold(written)
    inside: set[int] = set()  # where a pair begins that is in one word
    weak: set[int] = set()
    cover = list(_cover(run, known, LONGEST))
    starts = {start for start, word in cover if len(word) > 1}
    ends = {start + len(word) - 1 for start, word in cover if len(word) > 1}
    for start, word in cover:
        inside.update(range(start, start + len(word) - 1))
        if word in _WEAK_HAN and not (is_all and word == run):
            weak.update(range(start, start + len(word)))
            continue
        if len(word) == 1 < len(run):
            yield Concept((Way((_exactly(word),), SINGLE_SHARE),), only_ranks=True)
        if ways := _ways(word, written[start : start + len(word)], word == run, known):
            yield Concept(ways)
    if len(run) == 1 and not cover:
        yield Concept((Way((_exactly(run),)),))
    for start in range(len(run) - 1):
        beside = {start, start + 1} & weak
        if start not in inside and len(beside) < 2:
            share = BESIDE_WEAK_SHARE if beside else PARTS_SHARE if cover else 1.0
            if start in ends and start + 1 in starts:
                share = min(share, ACROSS_SHARE)
            yield Concept((Way((_exactly(run[start : start + 2]),), share),))
    if len(run) > 2 and [word for _, word in cover] != [run]:
        yield Concept((Way((_exactly(run),), RUN_SHARE),), only_ranks=True)


def _cover(run: str, known: _Known, longest: int) -> Iterator[tuple[int, str]]:
    """Yield (start, word) of the words in run; a long one that is said nowhere gives way to those in it."""
    for start, word in known.gloss.cover(run, longest) if known.gloss else ():
        if len(word) < LONG_WORD or known.is_said((word, *known.names(word))):
            yield start, word
        else:
            yield from ((start + place, part) for place, part in _cover(word, known, len(word) - 1))


def _ways(word: str, written: str, is_alone: bool, known: _Known) -> tuple[Way, ...]:
    """Return the ways to say a Chinese word: itself, if it is no character of a longer run, its pairs, its senses."""
    ways = [Way((_exactly(word),))] if len(word) > 1 or is_alone else []
    if len(word) >= LONG_WORD:
        pairs = tuple(_exactly(word[place : place + 2]) for place in range(len(word) - 1))
        ways.append(Way(pairs, WITHIN_SHARE / len(pairs)))
    is_whole = bool(ways)  # and no character of a longer run
    others = known.names(word)
    senses = [sense for sense in known.gloss.senses_asked(word) if sense not in others] if known.gloss else []
    if others or senses:
        known.meanings.append(Meaning(written, (*others, *senses)))
    ways += _translated(others)
    for sense in senses:
        if found := tuple(Phrase((term,), False) for term in terms_of([sense])):
            share = NAME_SHARE if is_whole and not others else SENSE_SHARE
            ways.append(Way(found, share / len(found), "text"))
    return tuple(ways)


def _translated(names: Iterable[str]) -> Iterator[Way]:
    """Yield the ways of other names; nobody is called by what a word means."""
    for found in filter(None, map(phrase, names)):
        yield Way((found,), NAME_SHARE, "text")


def _exactly(run: str) -> Phrase:
    """Return the phrase that finds a run of characters without spaces: its pairs, of one what begins so."""
    return Phrase(tuple(run[place : place + 2] for place in range(max(1, len(run) - 1))), is_prefix=len(run) == 1)
