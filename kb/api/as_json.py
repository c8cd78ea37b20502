"""Results as JSON: the one way for every front."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from kb.markup.unseen import UNSEEN

if TYPE_CHECKING:
    from kb.api.results import Ledger, PaperView, Status
    from kb.claims.algorithms import Algorithm
    from kb.index.sqlite.papers import PaperRow
    from kb.notes.marked import State
    from kb.records import Note, Paper
    from kb.search.answer import Answer

SCHEMA = 1  # of the envelope


def envelope(data: Any, error: str | None = None, **of_the_front: Any) -> str:
    """Return a result, or an error, as the JSON that every front gives; a front may add fields of its own."""
    content = {"ok": error is None, "schema": SCHEMA, "data": plain(data), "error": error, **of_the_front}
    return _written(content)


def plain(data: Any) -> Any:
    """Return data as JSON knows it: named tuples as dictionaries, whatever they are in, paths as texts, no NaN."""
    if hasattr(data, "_asdict"):
        data = data._asdict()
    if isinstance(data, Mapping):
        return {name: plain(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(value) for value in data]
    if isinstance(data, PurePath):
        return str(data)
    return None if isinstance(data, float) and not isfinite(data) else data


def read(text: str) -> Any:
    """Return what a text of JSON says, such as a digest of the form "json"."""
    return json.loads(text)


def answered(answer: "Answer", states: "Mapping[int, State]") -> dict[str, Any]:
    """Return what a search found, with the marks of each hit."""
    hits = [{**hit._asdict(), "state": states[hit.paper.key]} for hit in answer.hits]
    found = {"hits": hits, "total": answer.total, "cut": answer.cut, "retrievers": answer.retrievers}
    return {**found, "meanings": answer.meanings, "notice": answer.notice}


def ranked(answer: "Answer") -> list[dict[str, Any]]:
    """Return the papers that a search found, each with its score."""
    return [{**hit.paper._asdict(), "score": hit.score} for hit in answer.hits]


def listed(papers: "Sequence[PaperRow]", states: "Mapping[int, State]") -> list[dict[str, Any]]:
    """Return papers with their marks."""
    return [{**paper._asdict(), "state": states[paper.key]} for paper in papers]


def shown(view: "PaperView") -> dict[str, Any]:
    """Return a paper: its newest record, the others as notes, claims and marks."""
    others = [record for key, record in view.records.items() if key != view.paper.key]
    return {**view.records[view.paper.key], "notes": others, "claims": view.ledger.claims, "state": view.state}


def counted(names: "Sequence[tuple[str, int]]") -> list[dict[str, Any]]:
    """Return names and how often they stand."""
    return [{"name": name, "count": count} for name, count in names]


def indexed(status: "Status", database: PurePath) -> dict[str, Any]:
    """Return what the index at database holds of each file."""
    files = [{**one.state._asdict(), "papers": one.papers, "texts": one.texts} for one in status.files]
    return {"index": database, "files": files, "others": status.others}


def verified(ledger: "Ledger") -> dict[str, Any]:
    """Return what came of claims that were run."""
    return {"summary": ledger.summary, "claims": ledger.claims}


def runnable(algorithms: "Sequence[Algorithm]", claimed: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the algorithms, each with how many claims run it."""
    return [{**one._asdict(), "claims": claimed.get(one.name, 0)} for one in algorithms]


def record_line(note: "Note", paper: "Paper") -> str:
    """Return a record of a note as one line of JSON: its facts, without its text."""
    from kb.notes.reading import flat_record

    return _written(flat_record(note, paper))


def _written(content: Any) -> str:
    """Return content as JSON; what nobody sees is escaped, so that it is not lost and does nothing."""
    return UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(content, ensure_ascii=False))
