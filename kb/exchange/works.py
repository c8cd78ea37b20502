"""What is exported: each paper once, with what all its notes say, and a key to cite it by."""

import json
from collections import defaultdict
from typing import Any, NamedTuple

from kb.exchange.keys import citation_keys
from kb.merging import merged
from kb.query import Query
from kb.records import Paper
from kb.store.papers import PaperRow
from kb.store.reader import Reader


class Work(NamedTuple):
    """A paper with a key to cite it by."""

    key: str  # "one2024dm"
    paper: Paper  # facts from the newest note that gives them, the text of all
    places: tuple[str, ...]  # of its notes, the newest first: "2024-10.md:13"
    row: PaperRow  # of the newest note


def works(reader: Reader, query: Query) -> list[Work]:
    """Return the papers and projects that query leaves, each once, newest month first; notes and lectures are none.

    A key does not depend on query: keys are given to all papers, the oldest first.
    """
    rows = reader.papers.all()
    work_of = reader.works.of([row.key for row in rows])
    members: dict[int, list[PaperRow]] = defaultdict(list)  # the newest first, as rows are
    for row in rows:
        members[work_of.get(row.key, -row.key)].append(row)
    records = {work: [json.loads(reader.papers.record(row.key)) for row in group] for work, group in members.items()}
    facts = {work: _merged(found) for work, found in records.items()}
    oldest_first = sorted(members, key=lambda work: (members[work][-1].month or "", members[work][-1].id))
    keys = dict(zip(oldest_first, citation_keys([facts[work] for work in oldest_first]), strict=True))
    wanted = {key for key, _ in reader.text.match(query)}
    return [
        Work(
            keys[work],
            Paper.model_validate(facts[work]),
            tuple(f"{row.file}:{row.line}" for row in group),
            group[0],
        )
        for work, group in members.items()
        if any(row.key in wanted for row in group)
    ]


def _merged(records: list[dict[str, Any]]) -> dict[str, Any]:
    bodies = dict.fromkeys(record["body"] for record in records if record["body"])
    return {**merged(records), "body": "\n\n".join(bodies)}
