"""What commands that people wait for import: each of the packages named takes as long as a whole search."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Kb, copied, settled

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
    ["man"],  # a wheel is built with typer alone beside it
)

UNASKED = (  # rooms that a search by words does without
    *(
        "kb.notes.parsing",
        "kb.notes.checking",
        "kb.notes.zotero",
        "kb.notes.marks",
        "kb.exchange",
        "kb.reports",
    ),
    *(f"kb.markup.{name}" for name in ("ansi", "blocks", "fences", "formulas", "html", "markdown", "pictures", "safe")),
    *("kb.index.refresh", "kb.index.words", "kb.index.sqlite.writer", "kb.index.sqlite.schema", "kb.claims.running"),
    *("kb.api.doctor", "kb.records", "kb.reference"),
)


def imported(kb: Kb, *arguments: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "kb", "--kb", str(kb.root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in found
    return found


ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from kb.__main__ import main

root, commands = sys.argv[1], json.loads(sys.argv[2])
loaded = []
for command in commands:
    sys.argv = ["kb", "--kb", root, *command]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as ended:
            assert not ended.code, command
    loaded.append(sorted(sys.modules))
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded(indexed_kb: Path, tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """The modules that are there after each quick command, when one process runs them all."""
    kb = settled(copied(indexed_kb, tmp_path_factory.mktemp("quick") / "kb"))
    command = [sys.executable, "-c", ONE_AFTER_THE_OTHER, str(kb.root), json.dumps(QUICK)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [set(modules) for modules in json.loads(done.stdout)]


@pytest.mark.parametrize("number", range(len(QUICK)), ids=lambda number: " ".join(QUICK[number]))
def test_a_quick_command_imports_nothing_heavy(loaded: list[set[str]], number: int) -> None:
    assert "typer" in loaded[number]
    assert loaded[number] & HEAVY == set()


def test_a_digest_waits_for_its_records_and_templates_alone(kb: Kb) -> None:
    settled(kb)

    assert imported(kb, "digest", "2024-10") & HEAVY <= {"pydantic", "jinja2", "numpy"}


def test_checking_claims_waits_for_no_parser(kb: Kb) -> None:
    settled(kb)

    assert imported(kb, "verify") & HEAVY == set()


def test_a_search_imports_no_room_that_it_does_not_ask(kb: Kb) -> None:
    settled(kb)
    found = imported(kb, "search", "声学延迟")

    assert [name for name in sorted(found) if name.startswith(UNASKED)] == []
    assert "kb.search.find" in found
