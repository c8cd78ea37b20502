"""What a word on the command line may become, for the shell that asks.

Shells read what is offered as source text, and names come from notes that others may have written: a name with a
character that means something to a shell, a space included, is not offered. What is typed keeps its letters, because
shells offer only what begins with it, and names are found in any letter case.
"""

import re
from collections.abc import Iterable, Sequence

from kb.config.kb_toml import Config, shipped_templates
from kb.index.claim_states import CLAIM_STATES
from kb.index.query import FIELDS, HAS_KINDS, KINDS, MARKS
from kb.index.sqlite.lists import count_names
from kb.index.sqlite.reader import Reader

MOST = 100  # names offered at once
TEMPLATE_SUFFIX = ".j2"

_UNSAFE = re.compile(r"[\s\"'`$\\(){}\[\]<>|&;*?!~#^]|^[-=]")
_FIXED = {"has": tuple(HAS_KINDS), "kind": KINDS, "claim": (*CLAIM_STATES, "any"), "is": MARKS}
_COLUMNS = {"org": "organizations", "tag": "keywords", "author": "authors", "venue": "venue"}
_YEAR = re.compile(r"\W*(?:19|20)\d\d")


def beginning(typed: str, words: Iterable[str]) -> list[str]:
    """Return those of words that begin with what is typed, in any letter case, and that every shell takes as they are.

    What is written so comes first. Example: "dm", ["DM-Codec", "DMOSpeech", "dm-codec"] -> ["dm-codec", "dmOSpeech"].
    """
    start = typed.casefold()
    found: dict[str, str] = {}
    for word in sorted(words, key=lambda word: not word.startswith(typed)):
        if word[: len(typed)].casefold() == start and word.isprintable() and not _UNSAFE.search(word):
            found.setdefault(word.casefold(), typed + word[len(typed) :])
    return list(found.values())


def names(reader: Reader, typed: str) -> list[str]:
    """Return names of papers that begin with what is typed: ids and, of what has begun, all that papers are called."""
    papers = reader.papers.named(typed)
    ids = [paper.id for paper in papers]
    if not typed:
        return beginning(typed, ids[:MOST])
    called = [name for paper in papers for name in (paper.short_name, paper.arxiv_id) if name]
    called += reader.papers.spelt_ids(paper.key for paper in papers)
    titles = beginning(typed, (identity.rpartition("/")[2] for identity in ids))
    telling = [title for title in titles if sum(title.casefold() in identity.casefold() for identity in ids) == 1]
    return beginning(typed, [*ids, *called, *telling])[:MOST]


def months(reader: Reader, typed: str) -> list[str]:
    """Return the months with papers that begin with what is typed, newest first."""
    return beginning(typed, (month for month, _ in reader.papers.months() if month))


def years(reader: Reader, typed: str) -> list[str]:
    """Return the years with papers that begin with what is typed, newest first."""
    return beginning(typed, (month[:4] for month in months(reader, "")))


def claims(reader: Reader, typed: str) -> list[str]:
    """Return what claims are asked for by, beginning with what is typed: months, ids of claims, names of papers."""
    ids = beginning(typed, (claim.id for claim in reader.claims.all()))[:MOST] if typed else []
    return [*months(reader, typed), *ids, *names(reader, typed)]


def query(reader: Reader, typed: str, before: Sequence[str]) -> list[str]:
    """Return the fields of a query that begin with what is typed, or the values once one of them is meant.

    A shell that parts words at colons gives what stands before the colon, and the colon, with the words before.
    Example: "" -> ["org:", "tag:", …]; "ha" -> ["has:code", …]; "2024" after ["month", ":"] -> ["2024-11", …].
    """
    if len(before) > 1 and before[-1] == ":" and before[-2] in FIELDS:
        return _values(reader, before[-2], typed)
    name, colon, value = typed.partition(":")
    if colon:
        return [f"{name}:{one}" for one in _values(reader, name, value)] if name in FIELDS else []
    fields = [field for field in FIELDS if field.startswith(typed)]
    if len(fields) == 1 and (values := _values(reader, fields[0], "")):
        return [f"{fields[0]}:{one}" for one in values]
    return [f"{field}:" for field in fields]


def templates(config: Config, typed: str) -> list[str]:
    """Return the names of templates, the user's own and those shipped, that begin with what is typed."""
    folders = (config.templates, shipped_templates())
    return beginning(typed, sorted({path.name for folder in folders for path in folder.glob(f"*{TEMPLATE_SUFFIX}")}))


def _values(reader: Reader, field: str, typed: str) -> list[str]:
    if field == "month":
        since, dots, until = typed.partition("..")
        return [f"{since}{dots}{month}" for month in months(reader, until)] if dots else months(reader, typed)
    if field == "year":
        since, dots, _ = typed.partition("..")
        return beginning(typed, (f"{since}{dots}{year}" if dots else year for year in reader.papers.years()))
    if field == "id":
        return beginning(typed, reader.papers.spelt_ids())[:MOST] if typed else []
    if field in _COLUMNS:
        found = (name for name, _ in count_names(reader.papers.column(_COLUMNS[field])))
        if field == "author":  # names have spaces, which no shell takes as they are; what comes last is the family's
            found = (name.rpartition(" ")[2] for name in found)
        if field == "venue":  # ICASSP 2024 is ICASSP
            found = (_YEAR.sub("", name) for name in found)
        return beginning(typed, found)[:MOST]
    return beginning(typed, _FIXED.get(field, ()))
