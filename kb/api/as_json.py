"""Results as JSON: the one way for every front."""

import json
from typing import TYPE_CHECKING, Any

from kb.markup.unseen import UNSEEN

if TYPE_CHECKING:
    from kb.records import Note, Paper

SCHEMA = 1  # of the envelope


def envelope(data: Any, error: str | None = None) -> str:
    """Return a result, or an error, as the JSON that every front gives."""
    content = {"ok": error is None, "schema": SCHEMA, "data": plain(data), "error": error}
    return _written(content)


def plain(data: Any) -> Any:
    """Return data with its named tuples as dictionaries, whatever they are in."""
    if hasattr(data, "_asdict"):
        data = data._asdict()
    if isinstance(data, dict):
        return {name: plain(value) for name, value in data.items()}
    return [plain(value) for value in data] if isinstance(data, (list, tuple)) else data


def record_line(note: "Note", paper: "Paper") -> str:
    """Return a record of a note as one line of JSON: its facts, without its text."""
    from kb.notes.reading import flat_record

    return _written(flat_record(note, paper))


def _written(content: Any) -> str:
    """Return content as JSON; what nobody sees is escaped, so that it is not lost and does nothing."""
    return UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(content, ensure_ascii=False))
