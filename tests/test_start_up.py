"""What commands that people wait for import: each of the packages named takes as long as a whole search."""

import subprocess
import sys

import pytest

from tests.conftest import Kb

HEAVY = {
    *("torch", "transformers", "sentence_transformers", "onnxruntime", "tokenizers", "faiss", "numpy", "pandas"),
    *("pydantic", "sqlite_utils", "yaml", "markdown_it", "jinja2", "rich", "httpx", "matplotlib"),
}
QUICK = (
    ["--help"],
    ["search", "--help"],
    ["search", "声学延迟"],
    ["search", "--no-refresh", "speech", "tokenizer", "org:CMU"],
    ["search", "--fuzzy", "tokeniser"],
    ["list", "month:2024-10"],
    ["show", "oldcodec"],
    ["related", "oldcodec"],
    ["random"],
    ["mark", "star", "oldcodec"],
    ["gloss", "码本"],
    ["tags"],
    ["stats"],
    ["trends"],
    ["duplicates"],
    ["claims"],
    ["status"],
    ["config"],
    ["run", "--list"],
)

ROOMS = {
    *("search", "query", "terms", "gloss", "spelling", "fusion", "meaning", "vectors", "vector_file"),
    *("answering", "hits", "marking", "references", "terminal", "config", "sources", "scan", "writing", "errors"),
    *("databases", "ids", "literal", "marked", "people", "variants"),
}


def imported(kb: Kb, *arguments: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "kb", "--kb", str(kb.root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in found
    return found


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_a_quick_command_imports_nothing_heavy(kb: Kb, arguments: list[str]) -> None:
    kb.refresh()

    assert imported(kb, *arguments) & HEAVY == set()


def test_a_digest_waits_for_its_records_and_templates_alone(kb: Kb) -> None:
    kb.refresh()

    assert imported(kb, "digest", "2024-10") & HEAVY == {"pydantic", "jinja2", "numpy"}


def test_checking_claims_waits_for_no_parser(kb: Kb) -> None:
    kb.refresh()

    assert imported(kb, "verify") & HEAVY == set()


def test_a_search_imports_no_room_that_it_does_not_ask(kb: Kb) -> None:
    kb.refresh()
    rooms = {name.split(".")[1] for name in imported(kb, "search", "声学延迟") if name.startswith("kb.")}

    assert rooms - {"cli", "commands", "store", "encoders"} == ROOMS
