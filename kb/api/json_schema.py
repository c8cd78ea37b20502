"""What results are as JSON, as JSON Schema: made from the types that use cases return, as kb.api.as_json puts them."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kb.claims.algorithms import Algorithm
from kb.claims.ledger import Entry
from kb.exchange.adding import Outcome
from kb.index.encoders.catalog import EncoderState
from kb.index.sqlite.files import FileState
from kb.index.sqlite.ledger import ClaimRun
from kb.index.sqlite.papers import PaperRow
from kb.index.translation import Meaning
from kb.notes.checking.findings import Finding
from kb.notes.marked import State
from kb.notes.others import Others
from kb.records import MonthlyDigest, Paper
from kb.reports.duplicates import Duplicates
from kb.reports.trends import Trends
from kb.search.answer import Hit

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
_SIMPLE: dict[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
}


class Schemas:
    """Schemas of types; those of records and named tuples stand once, in components, and are referred to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, hint: Any) -> Schema:
        """Return the schema of a type, as it is written in annotations."""
        if hint in _SIMPLE:
            return dict(_SIMPLE[hint])
        origin, parts = get_origin(hint), get_args(hint)
        if origin is Literal:
            return {"enum": list(parts)}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(part) for part in parts]}
        if origin is tuple and parts[-1] is not ...:  # such as two numbers
            return {"type": "array", "items": self.of(parts[0]), "minItems": len(parts), "maxItems": len(parts)}
        if origin in (tuple, list, Sequence):
            return {"type": "array", "items": self.of(parts[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(parts[1])}
        if hasattr(hint, "_fields"):
            return self._tuple(hint)
        if hasattr(hint, "model_json_schema"):
            return self._record(hint)
        return {"type": "string"}  # a path

    def extended(self, kind: Any, **more: Any) -> Schema:
        """Return the schema of a named tuple that has more fields as JSON."""
        return _object({**self._fields(kind), **{name: self.of(hint) for name, hint in more.items()}})

    def _tuple(self, kind: Any) -> Schema:
        if kind.__name__ not in self.components:
            self.components[kind.__name__] = _object(self._fields(kind))
        return {"$ref": REFERENCE.format(model=kind.__name__)}

    def _fields(self, kind: Any) -> dict[str, Schema]:
        return {name: self.of(hint) for name, hint in get_type_hints(kind).items()}

    def _record(self, kind: Any) -> Schema:
        schema = kind.model_json_schema(mode="serialization", ref_template=REFERENCE.format(model="{model}Record"))
        for name, inner in schema.pop("$defs", {}).items():
            self.components[f"{name}Record"] = inner
        self.components[f"{kind.__name__}Record"] = schema
        return {"$ref": REFERENCE.format(model=f"{kind.__name__}Record")}


def results(schemas: Schemas) -> dict[str, Schema]:
    """Return the schema of what each use case gives, by the name it has in fronts."""
    of = schemas.of
    paper = schemas.extended(PaperRow, state=State)
    claims = {"summary": of(dict[str, int]), "claims": of(list[Entry])}
    record = of(Paper)
    return {
        "search": _object(
            {
                "hits": _list(schemas.extended(Hit, state=State)),
                "total": of(int),
                "cut": of(float),
                "retrievers": of(list[str]),
                "meanings": of(list[Meaning]),
                "notice": of(str | None),
            }
        ),
        "related": _list(schemas.extended(PaperRow, score=float)),
        "papers": _list(paper),
        "paper": {
            "allOf": [
                record,
                {
                    "type": "object",
                    "required": ["notes", "claims", "state"],
                    "properties": {"notes": _list(record), "claims": of(list[Entry]), "state": of(State)},
                },
            ]
        },
        "tags": _list(_object({"name": of(str), "count": of(int)})),
        "stats": of(dict[str, dict[str, int]]),
        "months": of(list[str]),
        "digest": of(MonthlyDigest),
        "trends": of(Trends),
        "duplicates": of(Duplicates),
        "claims": _object({**claims, "runs": of(list[ClaimRun])}),
        "verify": _object(claims),
        "status": _object(
            {
                "index": of(str),
                "files": _list(schemas.extended(FileState, papers=int, texts=int)),
                "others": of(list[Others]),
            }
        ),
        "check": of(list[Finding]),
        "gloss": of(list[Meaning]),
        "algorithms": _list(schemas.extended(Algorithm, claims=int)),
        "encoders": of(list[EncoderState]),
        "add": of(list[Outcome]),
        "run": {
            "type": "object",
            "required": ["rows", "claims"],
            "properties": {
                "rows": of(list[dict[str, Any]]),
                "drawing": of(str),
                "remarks": of(list[str]),
                "claims": of(list[Entry]),
            },
        },
    }


def _object(fields: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(fields), "required": list(fields), "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}
