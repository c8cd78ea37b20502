"""Mistyped Latin words: what stands in the notes instead of a word that does not."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice

from kb.index.engine import Concept, Way
from kb.index.query import Query
from kb.index.sqlite.reader import Reader
from kb.index.translation import Meaning
from kb.terms import Phrase

SHORTEST = 4  # letters of a word worth correcting
LIKENESS = 0.75  # of difflib: of five letters one may be wrong, or two may have changed places
MOST_ALTERNATIVES = 3
MOST_CORRECTED = 16  # words of a query, each of which is compared with all those of the notes
LONGEST_ENDING = 6  # letters that a stem may be shorter than the word
STEMS_OF_A_LENGTH = 8  # looked at
LIKENESS_OF_STEMS = 0.7


def corrections(reader: Reader, query: Query) -> tuple[Meaning, ...]:
    """Return for each plain Latin word of query that stands in no paper the words it may stand for, likeliest first.

    After MOST_CORRECTED of them no more are looked at. Example: "lantency" -> "latency".
    """
    latin = dict.fromkeys(_latin_words(query))
    unknown = (word for word in latin if not reader.view.holding(Phrase((word,), False)))
    strange = list(islice(unknown, MOST_CORRECTED))
    stems: dict[int, list[str]] = {}
    for stem in reader.view.latin_words() if strange else ():
        stems.setdefault(len(stem), []).append(stem)
    found = ((word, _alike(reader, word, stems)) for word in strange)
    return tuple(Meaning(word, tuple(names)) for word, names in found if names)


def _alike(reader: Reader, word: str, stems: Mapping[int, Sequence[str]]) -> list[str]:
    """Return the words most like a mistyped one; stems are those of all words, by their length.

    What is typed has an ending that a stem has not, so its beginning is compared first, and then the whole.
    """
    from difflib import get_close_matches  # here, because every search imports this file

    near = [
        stem
        for length in range(max(SHORTEST - 1, len(word) - LONGEST_ENDING), len(word) + 2)
        for stem in get_close_matches(word[:length], stems.get(length, ()), STEMS_OF_A_LENGTH, LIKENESS_OF_STEMS)
    ]
    spelt = sorted({one for stem in near for one in reader.view.spelt(stem)})
    return get_close_matches(word, spelt, MOST_ALTERNATIVES, LIKENESS)


def corrected(reader: Reader, query: Query) -> tuple[Query, tuple[Meaning, ...]]:
    """Return query looking for the corrections of its words too, and which those are."""
    found = corrections(reader, query)
    meant: dict[str, tuple[Phrase, ...]] = {
        meaning.word: tuple(Phrase((other,), False) for other in meaning.names) for meaning in found
    }
    others = tuple(chain.from_iterable(meant.values()))
    concepts = tuple(
        one._replace(ways=one.ways + tuple(map(_way, meant.get(_single(one), ())))) for one in query.concepts
    )
    return query._replace(words=query.words + others, concepts=concepts), found


def _way(word: Phrase) -> Way:
    return Way((word,))


def _single(concept: Concept) -> str:
    """Return the word that is asked for, "" if that is more than one."""
    (first, *others), *_ = (way.phrases for way in concept.ways)
    return "" if others or concept.only_ranks or len(first.terms) > 1 else first.terms[0]


def _latin_words(query: Query) -> list[str]:
    terms = chain.from_iterable(word.terms for word in query.words)
    return [term for term in terms if term.isascii() and term.isalpha() and len(term) >= SHORTEST]
