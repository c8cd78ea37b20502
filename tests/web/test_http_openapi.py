"""The OpenAPI document is true: schemathesis asks everything it allows, and everything it does not."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.routing import Route

from kb.api.base import open_base
from kb.web.app import application
from kb.web.http_api import ROUTES
from kb.web.http_api.openapi import document
from tests.conftest import ROOT, Kb

TOKEN = "a-token"
HEADERS = {"Host": "127.0.0.1:80", "Authorization": f"Bearer {TOKEN}"}
# What no schema can tell: months that end before they begin, fields without words, settings of an algorithm, ids.
MEANT = {"digest", "trends", "similar", "run", "add"}
EXAMPLES = 20  # of each operation, besides those that cover its parameters one by one


def without_cursors() -> Any:
    """Return the document without what no schema can tell: a cursor is one that was given, or it is refused."""
    told = json.loads(document())
    for operations in told["paths"].values():
        for operation in operations.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [one for one in parameters if one["name"] != "cursor"]
            for kind in operation.get("requestBody", {}).get("content", {}).values():
                kind["schema"]["properties"].pop("cursor", None)
    return told


app = application(open_base(ROOT), TOKEN)  # with another base in its place before anything is asked
config = SchemathesisConfig(seed=1)
config.projects.default.generation.with_security_parameters = (
    False  # else it leaves out the token, which HEADERS put in
)
config.projects.default.checks.negative_data_rejection.expected_statuses.append("413")
schema = schemathesis.openapi.from_dict(without_cursors(), config=config)
schema.app = app
schema.location = "/api/v1/openapi.json"


@pytest.fixture
def few(kb: Kb) -> Kb:
    app.state.base = kb.base
    return kb


@pytest.fixture
def own(verified: Path) -> None:
    """The project's own notes, with claims and all."""
    app.state.base = Kb(verified).base


@schema.parametrize()
@settings(max_examples=EXAMPLES)
@pytest.mark.usefixtures("few")
def test_each_operation_does_what_the_document_says(case: Any) -> None:
    beyond = [positive_data_acceptance] if case.operation.path.strip("/") in MEANT else []
    case.call_and_validate(headers=HEADERS, excluded_checks=beyond)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/search", {"query": "离散化 neural codec", "limit": "50"}),
        ("/related", {"name": "dm-codec"}),
        ("/papers", {"limit": "1000"}),
        ("/paper", {"name": "dm-codec"}),
        ("/paper", {"name": "salmonn"}),
        ("/digest", {"period": ".."}),
        ("/claims", {"limit": "1000"}),
        ("/claims", {"target": "slm-minute-8k"}),
        ("/duplicates", {}),
        ("/status", {}),
        ("/trends", {}),
        ("/algorithms", {}),
        ("/gloss", {"words": "码本 residual quantization"}),
    ],
)
def test_answers_full_of_everything_are_as_the_document_says(path: str, asked: dict[str, str]) -> None:
    response = schema[path]["GET"].Case(query=asked).call_and_validate(headers=HEADERS)

    assert response.status_code == 200
    assert response.json()["data"]


def test_every_operation_is_described_and_routed() -> None:
    described = {(path, method.upper()) for path, methods in schema.raw_schema["paths"].items() for method in methods}
    routed = {
        (route.path, method)
        for route in ROUTES
        if isinstance(route, Route) and route.path != "/openapi.json"
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert described == routed
