"""Where a query's phrases stand in a text, to show it; what matches is decided by the index, not here."""

import re
from functools import cache

from kb.query import Query
from kb.store.reader import PassageRow
from kb.terms import Phrase, has_unspaced, phrase

_ENDINGS = re.compile(r"(?<=[a-z]{3})(?:ations?|ization|izing|ized|izes?|ings?|ers?|ies|ed|es|ly|s|e|y)$")


def marks(query: Query, text: str) -> tuple[tuple[int, int], ...]:
    """Return the stretches [start, end) of text that query's words match, merged where they touch."""
    spans = sorted(found.span() for one in (*query.required, *query.words) for found in _pattern(one).finditer(text))
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)


def best_passage(query: Query, passages: list[PassageRow]) -> PassageRow | None:
    """Return the passage that most of query's phrases stand in, at best side by side; None if none stands in any."""
    phrases = (*query.required, *query.words)
    whole = phrase(query.text)

    def worth(passage: PassageRow) -> tuple[int, int, int]:
        text = f"{passage.heading}\n{passage.text}"
        counts = [len(_pattern(one).findall(text)) for one in phrases]
        return sum(count > 0 for count in counts), len(_pattern(whole).findall(text)) if whole else 0, sum(counts)

    best = max(passages, key=worth, default=None)
    return best if best and worth(best)[0] else None


@cache
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
