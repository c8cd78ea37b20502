"""No command but `kb encoder get` and `kb add` asks for the network."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ASKING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
asked: list[str] | None = None  # while a test listens


def listen(event: str, arguments: tuple[Any, ...]) -> None:
    if asked is not None and event in ASKING:
        asked.append(f"{event}{arguments[1:]}")
        raise OSError("the network is blocked here")


@pytest.fixture
def network() -> Iterator[list[str]]:
    global asked
    if asked is None:
        sys.addaudithook(listen)  # cannot be taken off again
    asked = []
    yield asked
    asked = None


def test_the_block_sees_who_asks(network: list[str]) -> None:
    import socket

    with pytest.raises(OSError, match="blocked"):
        socket.create_connection(("127.0.0.1", 9))
    assert network


@pytest.mark.model
def test_commands_stay_off_the_network(kb: Any, network: list[str], tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    draft = tmp_path / "draft.md"
    draft.write_text("# Codecs\n\nresidual quantizers\n", encoding="utf-8")
    queries = tmp_path / "queries.tsv"
    queries.write_text("RVQ\ttinycodec\n", encoding="utf-8")
    commands = [
        ["encoder", "use", "minilm"],
        ["index", "--full"],
        ["encoder", "list"],
        ["encoder", "export"],
        ["search", "声学延迟", "--why"],
        ["search", "tinycodek", "--fuzzy"],
        ["search", "--similar-to", str(draft)],
        ["bench", str(queries)],
        ["related", "tinycodec"],
        ["list"],
        ["show", "tinycodec"],
        ["gloss", "声调"],
        ["tags"],
        ["stats"],
        ["status"],
        ["digest", "2024-10"],
        ["run", "delay"],
        ["add", "2410.00038", "--offline", "--write"],
    ]
    for command in commands:
        assert kb.run(*command).exit_code == 0, command
    assert kb.run("encoder", "use", "nobody/nothing").exit_code == 1
    assert network == []


@pytest.mark.model
def test_getting_an_encoder_does_ask(kb: Any, network: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between its retries
    assert kb.run("encoder", "get", "nobody/nothing").exit_code == 1
    assert network
