"""Mistyped Latin words: what stands in the notes instead of a word that does not."""

from itertools import chain, islice

from kb.index.engine import Way
from kb.index.query import Query
from kb.index.sqlite.reader import Reader
from kb.index.translation import Meaning
from kb.terms import Phrase

SHORTEST = 4  # letters of a word worth correcting
LIKENESS = 0.75  # of difflib: of five letters one may be wrong, or two may have changed places
MOST_ALTERNATIVES = 3
MOST_CORRECTED = 16  # words of a query, each of which is compared with all those of the notes
LENGTH_DIFFERENCE = 3  # a stem is shorter than the word


def corrections(reader: Reader, query: Query) -> tuple[Meaning, ...]:
    """Return for each plain Latin word of query that stands in no paper the words it may stand for, likeliest first.

    After MOST_CORRECTED of them no more are looked at. Example: "lantency" -> "latency".
    """
    from difflib import SequenceMatcher, get_close_matches  # here, because every search imports this file

    def likest(word: str, stem: str) -> str:
        words = sorted(reader.view.spelt(stem))
        return max(words, key=lambda one: SequenceMatcher(None, word, one).ratio(), default=stem)

    latin = dict.fromkeys(_latin_words(query))
    unknown = (word for word in latin if not reader.view.holding(Phrase((word,), False)))
    strange = list(islice(unknown, MOST_CORRECTED))
    known = reader.view.latin_words() if strange else []
    found = []
    for word in strange:
        candidates = [other for other in known if abs(len(other) - len(word)) <= LENGTH_DIFFERENCE]
        if close := get_close_matches(word, candidates, MOST_ALTERNATIVES, LIKENESS):
            found.append(Meaning(word, tuple(dict.fromkeys(likest(word, stem) for stem in close))))
    return tuple(found)


def corrected(reader: Reader, query: Query) -> tuple[Query, tuple[Meaning, ...]]:
    """Return query looking for the corrections of its words too, and which those are."""
    found = corrections(reader, query)
    meant: dict[str, tuple[Phrase, ...]] = {
        meaning.word: tuple(Phrase((other,), False) for other in meaning.names) for meaning in found
    }
    others = tuple(chain.from_iterable(meant.values()))
    concepts = tuple(
        one._replace(ways=one.ways + tuple(Way((other,)) for word in typed for other in meant.get(word, ())))
        for one, typed in ((one, one.ways[0].phrases[0].terms) for one in query.concepts)
    )
    return query._replace(words=query.words + others, concepts=concepts), found


def _latin_words(query: Query) -> list[str]:
    terms = chain.from_iterable(word.terms for word in query.words)
    return [term for term in terms if term.isascii() and term.isalpha() and len(term) >= SHORTEST]
