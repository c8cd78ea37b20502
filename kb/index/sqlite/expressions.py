"""What is looked for, as expressions of FTS5."""

from collections.abc import Iterable

from kb.terms import Phrase

# What counts most is what a paper is called; see docs/search.md.
# Title, short name, keywords, organizations, authors, venue, body, gloss, section: the columns in their order.
COLUMN_WEIGHTS = (4.0, 4.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0, 0.0)
NAME_COLUMNS = ("title", "short_name", "keywords", "organizations")
TEXT_COLUMNS = (*NAME_COLUMNS, "body")
SEARCHED_COLUMNS = (*TEXT_COLUMNS, "authors", "venue")
COLUMNS_OF = {"anywhere": SEARCHED_COLUMNS, "text": TEXT_COLUMNS, "gloss": ("gloss",)}  # by where a way is looked for


def fts(phrase: Phrase) -> str:
    """Return a phrase as an FTS5 expression: the prefix 量 -> "量"*."""
    quoted = '"' + " ".join(phrase.terms) + '"'
    return quoted + "*" if phrase.is_prefix else quoted


def any_of(phrases: Iterable[Phrase]) -> str:
    """Return what finds any of phrases."""
    return " OR ".join(map(fts, phrases))


def in_columns(expression: str, columns: Iterable[str] = SEARCHED_COLUMNS) -> str:
    """Return what finds expression in some columns."""
    return f"{{{' '.join(columns)}}} : ({expression})"
