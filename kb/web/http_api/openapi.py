"""The OpenAPI document, made from the table that the routes are made from."""

import json
from functools import cache
from typing import Any

from kb import __version__
from kb.api.as_json import SCHEMA
from kb.api.json_schema import REFERENCE, Schemas, results
from kb.web.http_api.operations import EXPORTED, JSON, OPERATIONS, Operation
from kb.web.http_api.refusals import BASE, MEANINGS

ALWAYS = (400, 401, 403, 421, 500, 503)
WITH_BODY = (413, 415, 422)


@cache
def document() -> str:
    """Return the document as JSON."""
    schemas = Schemas()
    found = results(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        data = found.get(operation.result or operation.name, {})
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, data, schemas)
    refused = {
        "type": "object",
        "properties": {
            "ok": {"const": False},
            "schema": {"const": SCHEMA},
            "data": {"description": "What came of each part, where something did not come about; else null."},
            "error": {"type": "string", "description": "One line."},
        },
        "required": ["ok", "schema", "data", "error"],
        "additionalProperties": False,
    }
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "paper-kb", "version": __version__, "description": "A knowledge base of paper notes."},
            "servers": [{"url": BASE}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": {"Refused": refused, **schemas.components},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        },
        ensure_ascii=False,
    )


def _described(operation: Operation, data: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    takes = operation.takes.model_json_schema(ref_template=REFERENCE)
    has_body = operation.method == "POST"
    statuses = sorted({*ALWAYS, *operation.statuses, *(WITH_BODY if has_body else ())})
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.what,
        "responses": {"200": _answered(operation, data), **{str(status): _refused(status) for status in statuses}},
    }
    if has_body:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _untitled(takes)}}}
    else:
        required = takes.get("required", ())
        described["parameters"] = [
            _parameter(name, schema, name in required) for name, schema in takes["properties"].items()
        ]
    return described


def _answered(operation: Operation, data: dict[str, Any]) -> dict[str, Any]:
    fields = {"ok": {"const": True}, "schema": {"const": SCHEMA}, "data": data, "error": {"type": "null"}}
    if operation.part:
        fields["cursor"] = {"type": ["string", "null"], "description": "What goes on after this part; null at the end."}
    whole = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    others = {EXPORTED["csl-json"]: {"type": "array", "items": {"type": "object"}}, JSON: whole}
    kinds = {kind: {"schema": others.get(kind, {"type": "string"})} for kind in operation.media_types}
    return {"description": operation.what, "content": kinds}


def _refused(status: int) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model="Refused")}
    return {"description": MEANINGS[status], "content": {JSON: {"schema": schema}}}


def _parameter(name: str, schema: dict[str, Any], is_required: bool) -> dict[str, Any]:
    """Return a parameter of the query, where nothing stands for null."""
    schema = dict(schema)
    if "anyOf" in schema:
        (kind,) = (one for one in schema.pop("anyOf") if one != {"type": "null"})
        schema = {**schema, **kind}
        del schema["default"]
    described = {"name": name, "in": "query", "required": is_required, "schema": _untitled(schema)}
    if what := described["schema"].pop("description", None):
        described["description"] = what
    return described


def _untitled(schema: Any) -> Any:
    """Return a schema without the titles that pydantic makes of names."""
    if isinstance(schema, dict):
        return {
            name: {key: _untitled(one) for key, one in inner.items()} if name == "properties" else _untitled(inner)
            for name, inner in schema.items()
            if name != "title"
        }
    return [_untitled(one) for one in schema] if isinstance(schema, list) else schema
