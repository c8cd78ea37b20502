"""Where a query's phrases stand in a text, to show it; what matches is decided by the index, not here."""

import re
from collections.abc import Sequence
from functools import lru_cache

from kb.index import literal
from kb.index.engine import Concept
from kb.index.query import Query
from kb.index.sqlite.passages import PassageRow
from kb.terms import VARIANTS, Phrase, has_unspaced, phrase

MOST_MARKED = 60  # concepts of a query, of a pasted page for instance

_ENDINGS = re.compile(r"(?<=[a-z]{3})(?:ations?|ization|izing|ized|izes?|ings?|ers?|ies|ed|es|ly|s|e|y)$")


def marks(query: Query, text: str) -> tuple[tuple[int, int], ...]:
    """Return the stretches [start, end) of text that query's words match, or what they stand for; merged at touch."""
    asked = query.concepts[:MOST_MARKED]
    phrases = dict.fromkeys((*query.required, *(one for concept in asked for one in _phrases(concept))))
    folded = text.translate(VARIANTS)
    spans = sorted(span for one in phrases for span in _spans(one, text, folded))
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)


def best_passage(query: Query, passages: list[PassageRow]) -> PassageRow | None:
    """Return the passage that most of query's phrases stand in, at best side by side; None if none stands in any.

    What words stand for in the other language counts where the words themselves decide nothing.
    """
    whole = phrase(query.text)
    first = dict.fromkeys(query.concepts[:MOST_MARKED])
    asked = [_phrases(concept, ("anywhere",)) for concept in first if not concept.only_ranks]
    translated = [_phrases(concept, ("text",)) for concept in first]

    def worth(passage: PassageRow) -> tuple[int, int, int, int]:
        text = f"{passage.heading}\n{passage.text}"
        folded = text.translate(VARIANTS)
        quoted = [len(_spans(one, text, folded)) for one in query.required]
        typed = [max((len(_spans(one, text, folded)) for one in concept), default=0) for concept in asked]
        meant = sum(any(_pattern(one).search(folded) for one in concept) for concept in translated)
        side_by_side = len(_spans(whole, text, folded)) if whole else 0
        return sum(count > 0 for count in (*quoted, *typed)), side_by_side, sum((*quoted, *typed)), meant

    best = max(passages, key=worth, default=None)
    return best if best and any(worth(best)) else None


def _phrases(concept: Concept, where: Sequence[str] = ("anywhere", "text")) -> list[Phrase]:
    """Return the phrases by which concept is said, as it is typed or in the other language."""
    return [one for way in concept.ways if way.where in where for one in way.phrases]


def _spans(wanted: Phrase, text: str, folded: str) -> list[tuple[int, int]]:
    """Return where wanted stands in text, quoted text to the letter; folded is text in the forms that terms have."""
    spans = [found.span() for found in literal.pattern(wanted.quoted).finditer(text)] if wanted.quoted else []
    return spans or [found.span() for found in _pattern(wanted).finditer(folded)]


@lru_cache(maxsize=512)
def _pattern(wanted: Phrase) -> re.Pattern[str]:
    # As it may stand in the notes: pairs overlap again, words may take another ending, marks may come between.
    parts: list[str] = []
    for term in wanted.terms:
        if not has_unspaced(term):
            ending = "[A-Za-z]*" if (stem := _ENDINGS.sub("", term)) != term or len(term) > 3 else ""
            guard = r"(?<![A-Za-z])" if term.isalpha() else r"(?<!\d)"
            stop = r"(?![A-Za-z])" if term.isalpha() else r"(?!\d)"
            parts.append(f"{guard}{re.escape(stem)}{ending}{stop}")
        elif parts and parts[-1].endswith(term[0]):
            parts[-1] += term[1:]
        else:
            parts.append(term)
    return re.compile(r"[\W_]*".join(parts), re.IGNORECASE)
