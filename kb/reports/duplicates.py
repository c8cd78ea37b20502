"""Pairs of records that may be one paper: too doubtful to join, too close to pass over.

kb.notes.same_paper joins by ids and by titles that tell. Here is the rest: titles that ids speak against, titles that
are too short or nearly the same, and short names whose papers share people.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations
from typing import NamedTuple

from kb.config.kb_toml import Config, Lists
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader
from kb.notes.identity import is_generic, title_tells
from kb.terms import fold, name_key, terms

ALIKE = 0.9  # likeness (difflib) from which on two titles may be one
RAREST = 4  # words of a title, of which a title like it has at least one
MOST_BEARING = 50  # titles that a word may stand in to be rare


class Pair(NamedTuple):
    """Two records that may be one paper, and what to write into kb.toml about them."""

    reason: str
    records: tuple[PaperRow, PaperRow]
    join: str  # the whole line: what kb.toml joins already is in it
    part: str


class Duplicates(NamedTuple):
    """What is left to settle."""

    pairs: tuple[Pair, ...]
    unknown: tuple[str, ...]  # ids in kb.toml that no record has


_Doubt = tuple[str, PaperRow, PaperRow]  # the reason first
_IsOpen = Callable[[PaperRow, PaperRow], bool]


def find_duplicates(config: Config, reader: Reader) -> Duplicates:
    """Return the doubtful pairs among papers, newest first, without those joined already or settled in kb.toml.

    Of many that are alike each is shown with one other; when that is settled, the next one comes up.
    """
    rows = reader.papers.all()
    works = reader.works.of([row.key for row in rows])
    work_of = {row.id: works[row.key] for row in rows}
    settled = {
        frozenset((work_of[one], work_of[other]))
        for listed in reader.papers.current_lists(config.different)
        for one, other in combinations([record for record in listed if record in work_of], 2)
    }

    def is_open(one: PaperRow, other: PaperRow) -> bool:
        both = frozenset((work_of[one.id], work_of[other.id]))
        return len(both) == 2 and both not in settled

    pairs = []
    for doubts in (_same_title(reader, rows, is_open), _same_name(reader, rows, is_open), _like_titles(rows)):
        for reason, one, other in doubts:
            if is_open(one, other):
                settled.add(frozenset((work_of[one.id], work_of[other.id])))
                join, part = (_line(key, lists, one, other) for key, lists in _lists(config))
                pairs.append(Pair(reason, (one, other), join, part))
    named = dict.fromkeys(record for _, lists in _lists(config) for listed in lists for record in listed)
    return Duplicates(tuple(pairs), tuple(reader.papers.missing(named)))


def _same_title(reader: Reader, rows: Sequence[PaperRow], is_open: _IsOpen) -> Iterator[_Doubt]:
    ids_of = reader.papers.ids()
    for one, other in _first_pairs(
        _groups((name_key(row.title), row) for row in rows if not is_generic(row.title)), is_open
    ):
        ids, others = ids_of.get(one.key, {}), ids_of.get(other.key, {})
        differing = [kind for kind in sorted(ids.keys() & others) if ids[kind] != others[kind]]
        if differing:
            known = ", ".join(f"{kind} {ids[kind]} and {others[kind]}" for kind in differing)
            yield f"same title, different ids: {known}", one, other
        elif title_tells(one.title):
            yield "same title, which papers with different ids bear", one, other
        else:
            yield "same title, too short to join by", one, other


def _same_name(reader: Reader, rows: Sequence[PaperRow], is_open: _IsOpen) -> Iterator[_Doubt]:
    groups = _groups((name_key(row.short_name), row) for row in rows if row.short_name)
    authors = {
        key: {name_key(name): name for name in names if name != "others"}  # OTHERS of kb.records
        for key, names in reader.papers.authors([row.key for same in groups for row in same]).items()
    }

    def shared(one: PaperRow, other: PaperRow) -> list[str]:
        return [authors[one.key][name] for name in sorted(authors[one.key].keys() & authors[other.key])]

    for one, other in _first_pairs(groups, lambda one, other: bool(shared(one, other)) and is_open(one, other)):
        yield f"same short name and authors: {'、'.join(shared(one, other))}", one, other


def _like_titles(rows: Sequence[PaperRow]) -> Iterator[_Doubt]:
    first: dict[str, PaperRow] = {}
    for row in rows:
        if title_tells(row.title):
            first.setdefault(_flat(row.title), row)
    words = {title: set(terms(title)) for title in first}
    counts = Counter(word for title in first for word in words[title])
    bearing: defaultdict[str, list[str]] = defaultdict(list)
    for title in first:
        rare = sorted(
            (word for word in words[title] if 1 < counts[word] <= MOST_BEARING), key=lambda word: counts[word]
        )
        likely = {other: None for word in rare[:RAREST] for other in bearing[word]}
        for other in likely:
            if _are_alike(title, other):
                yield "nearly the same title", first[other], first[title]
        for word in rare:
            bearing[word].append(title)


def _are_alike(one: str, other: str) -> bool:
    if 2 * min(len(one), len(other)) < ALIKE * (len(one) + len(other)):
        return False
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):  # part 1 and part 2, Qwen2 and Qwen3
        return False
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _groups(keyed: Iterable[tuple[str, PaperRow]]) -> list[list[PaperRow]]:
    groups: defaultdict[str, list[PaperRow]] = defaultdict(list)
    for key, row in keyed:
        groups[key].append(row)
    return [same for same in groups.values() if len(same) > 1]


def _first_pairs(groups: Iterable[list[PaperRow]], is_open: _IsOpen) -> Iterator[tuple[PaperRow, PaperRow]]:
    """Yield each record with the first before it in its group that is_open lets it stand with."""
    for same in groups:
        for number, other in enumerate(same):
            if one := next((one for one in same[:number] if is_open(one, other)), None):
                yield one, other


def _flat(title: str) -> str:
    return re.sub(r"[\W_]+", " ", fold(title)).strip()


def _lists(config: Config) -> tuple[tuple[str, Lists], tuple[str, Lists]]:
    return ("same", config.same), ("different", config.different)


def _line(key: str, known: Lists, one: PaperRow, other: PaperRow) -> str:
    return f"{key} = {json.dumps([*known, (one.id, other.id)], ensure_ascii=False)}"
