"""What is exported: each paper once, with what all its notes say, and a key to cite it by."""

import json
from collections import defaultdict
from collections.abc import Set
from typing import Any, NamedTuple

from kb.exchange.export.keys import citation_keys
from kb.index.query import Query
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader
from kb.notes.merging import merged
from kb.records import Paper


class Work(NamedTuple):
    """A paper with a key to cite it by."""

    key: str  # "one2024dm"
    paper: Paper  # facts from the newest note that gives them, the text of all
    places: tuple[str, ...]  # of its notes, the newest first: "2024-10.md:13"
    row: PaperRow  # of the newest note
    noted: str | None = None  # of a paper in a library: what notes say of it; None if it stands in no note


class _Group(NamedTuple):
    """The records of one paper, the newest first."""

    rows: list[PaperRow]
    records: list[dict[str, Any]]


def works(reader: Reader, query: Query) -> list[Work]:
    """Return the papers and projects that query leaves, each once, newest month first; notes and lectures are none."""
    return works_of(reader, {key for key, _ in reader.match(query).scores})


def works_of(reader: Reader, wanted: Set[int]) -> list[Work]:
    """Return the papers and projects with a record among wanted, by key, as works does.

    A paper that stands more than once in a library is as many works, because each may be cited by its own key. A key
    does not depend on what is wanted: keys are given to all papers, the oldest first.
    """
    rows = reader.papers.all()
    work_of = reader.works.of([row.key for row in rows])
    members: dict[int, list[PaperRow]] = defaultdict(list)  # the newest first, as rows are
    for row in rows:
        members[work_of[row.key]].append(row)
    groups = [
        part
        for group in members.values()
        for part in _parts(_Group(group, [json.loads(reader.papers.record(row.key)) for row in group]))
    ]
    facts = [_merged(group.records) for group in groups]
    oldest_first = sorted(
        range(len(groups)), key=lambda place: (groups[place].rows[-1].month or "", groups[place].rows[-1].id)
    )
    keys = dict(zip(oldest_first, citation_keys([facts[place] for place in oldest_first]), strict=True))
    return [
        Work(
            keys[place],
            Paper.model_validate(facts[place]),
            tuple(f"{row.file}:{row.line}" for row in group.rows),
            group.rows[0],
            _noted(group.records),
        )
        for place, group in enumerate(groups)
        if any(row.key in wanted for row in group.rows)
    ]


def _parts(group: _Group) -> list[_Group]:
    """Return the group for each of its records of one library: the first that holds the paper."""
    held = [place for place, record in enumerate(group.records) if record.get("reference")]
    twins = [place for place in held if group.records[place]["file"] == group.records[held[0]]["file"]]
    if len(twins) < 2:
        return [group]
    parts = []
    for one in twins:
        places = [place for place in range(len(group.rows)) if place == one or place not in twins]
        places.sort(key=lambda place: place in held and place != one)  # its own reference goes before those of others
        parts.append(_Group([group.rows[place] for place in places], [group.records[place] for place in places]))
    return parts


def _merged(records: list[dict[str, Any]]) -> dict[str, Any]:
    bodies = dict.fromkeys(record["body"] for record in records if record["body"])
    return {**merged(records), "body": "\n\n".join(bodies)}


def _noted(records: list[dict[str, Any]]) -> str | None:
    notes = [record for record in records if not record.get("reference")]
    bodies = dict.fromkeys(record["body"] for record in notes if record["body"])
    return "\n\n".join(bodies) if notes else None
