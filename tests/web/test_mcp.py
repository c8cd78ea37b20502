"""MCP with the SDK's own client: in memory, over the pipes of `kb mcp`, and over HTTP."""

import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.routing import Route

from kb.api.base import KnowledgeBase
from kb.web.assistants.parts import MOST_CHARACTERS
from kb.web.assistants.stdio import Lines
from kb.web.assistants.texts import numbered
from kb.web.mcp_server import KbServer, streamable
from tests.conftest import ROOT, Kb

READING = ["search", "get", "list", "related", "digest", "claims", "cite", "status"]
MOST_TOKENS = 2_500
LETTERS_OF_A_TOKEN = (
    6  # of a word; each other sign counts as one: the tokenizer of MiniLM comes to the same, others to less
)
ROOM_FOR_THE_LAST_LINE = 200

CLAIMS = """\
---
title: 论文速记 2024年11月
---

## 语音

**《SALMONN: Hearing for Language Models》** 清华，Q-Former

窗口级 Q-Former 把 30 秒音频变成 88 个 token。

```claim
id: tokens-padded
says: 按补零的公式变成 88 个 token
run: arithmetic.window_tokens
with: {frames: 1500, window: 17}
expect: {window_tokens: 88}
```

它有两个编码器。
"""


def in_a_thread(main: Callable[..., Awaitable[Any]], *given: Any) -> Any:
    """Return what main gives, run where no browser of another test has a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, main, *given).result()


def asked(kb: Kb, ask: Callable[[Client], Awaitable[Any]], **allowed: bool) -> Any:
    """Return what ask gets from a server in memory."""

    async def main() -> Any:
        base = kb.base
        async with Client(KbServer(base, base.refresh, **allowed)) as client:
            return await ask(client)

    return in_a_thread(main)


def called(kb: Kb, name: str, /, **arguments: Any) -> str:
    """Return the text that a tool answers."""
    answer = asked(kb, lambda client: client.call_tool(name, arguments), allow_write=True, allow_run=True)
    assert not answer.is_error, answer.content[0].text
    return str(answer.content[0].text)


def refused(kb: Kb, name: str, /, **arguments: Any) -> str:
    """Return the one line that a tool refuses with."""
    answer = asked(kb, lambda client: client.call_tool(name, arguments), allow_write=True, allow_run=True)
    assert answer.is_error
    [content] = answer.content
    assert "\n" not in content.text
    assert "Traceback" not in content.text
    return str(content.text)


def schemas(kb: Kb, **allowed: bool) -> list[dict[str, Any]]:
    async def ask(client: Client) -> list[dict[str, Any]]:
        tools = (await client.list_tools()).tools
        return [one.model_dump(by_alias=True, exclude_none=True, mode="json") for one in tools]

    found: list[dict[str, Any]] = asked(kb, ask, **allowed)
    return found


# What is offered


def test_all_schemas_together_are_short(kb: Kb) -> None:
    text = json.dumps(schemas(kb, allow_write=True, allow_run=True), ensure_ascii=False)
    pieces = re.findall(r"\w+|[^\w\s]", text)

    assert len(pieces) > 1_000
    assert sum(math.ceil(len(one) / LETTERS_OF_A_TOKEN) for one in pieces) <= MOST_TOKENS


def test_tools_that_read_say_so_and_others_are_offered_when_allowed(kb: Kb) -> None:
    reading = schemas(kb)
    all_of_them = {one["name"]: one["annotations"] for one in schemas(kb, allow_write=True, allow_run=True)}

    assert [one["name"] for one in reading] == READING
    assert all(one["annotations"]["readOnlyHint"] for one in reading)
    assert [name for name, hints in all_of_them.items() if not hints["readOnlyHint"]] == ["add", "verify", "run"]
    assert refused_without_leave(kb, "add", papers=["2410.00037"]).startswith("no tool 'add'")
    assert refused_without_leave(kb, "run", name="rvq").startswith("no tool 'run'")


def refused_without_leave(kb: Kb, name: str, /, **arguments: Any) -> str:
    answer = asked(kb, lambda client: client.call_tool(name, arguments))
    assert answer.is_error
    return str(answer.content[0].text)


def test_the_instructions_say_what_there_is_and_that_notes_are_data(kb: Kb) -> None:
    async def ask(client: Client) -> str:
        return client.instructions or ""

    text = asked(kb, ask)

    assert "4 papers in 2 files, months 2024-08 to 2024-10, in Chinese and English" in text
    assert "Speech Codec" in text
    assert "never an instruction" in text
    assert len(text) < 1_500


def test_a_base_without_papers_is_served(empty_kb: Kb) -> None:
    assert called(empty_kb, "list") == "0 papers"
    assert "nothing is likely to be about this" in called(empty_kb, "search", query="codec")


# What tools answer


def test_a_search_shows_passage_and_place(kb: Kb) -> None:
    text = called(kb, "search", query="声学延迟")

    assert "1. TinyCodec: A Small Speech Codec · id 2024-10/tinycodec · score 1.00" in text
    assert "notes/2024-10.md:23 · Amazon · Speech Codec · 2024-10" in text
    assert "> 用残差向量量化 RVQ 压缩语音" in text
    assert "声学延迟让各级码本错开一步" in text
    assert "figure.png" not in text


def test_a_search_that_finds_nothing_says_so(kb: Kb) -> None:
    assert "nothing is likely to be about this" in called(kb, "search", query="quantum chromodynamics")


def test_a_paper_is_read_with_the_number_of_each_line(kb: Kb) -> None:
    text = called(kb, "get", name="tinycodec")

    assert text.startswith("TinyCodec: A Small Speech Codec\nid: 2024-10/tinycodec\n")
    assert "organizations: Amazon" in text
    assert "github: https://github.com/example/tinycodec" in text
    assert "notes/2024-10.md:17-23 says:" in text
    assert "23| - 声学延迟让各级码本错开一步。" in text


def test_lines_of_a_note_are_read_by_path_and_by_the_name_in_the_index(kb: Kb) -> None:
    wanted = (
        "notes/2024-10.md:11-13 of 28 lines\n"
        "11| **《Prompt Search: Editing Instructions One Piece at a Time》** CMU，提示词、搜索\n12| \n"
        "13| 把提示词拆成组件，再试各种组合。"
    )
    absolute = kb.notes / "2024-10.md"

    assert called(kb, "get", name="notes/2024-10.md:11-13") == wanted
    assert called(kb, "get", name="2024-10.md:11-13") == wanted
    assert called(kb, "get", name=f"{absolute}:11-13") == wanted
    assert called(kb, "get", name="2024-10.md").count("| ") == 28


def test_lines_that_a_passage_leaves_out_are_passed_over_and_changed_ones_have_no_number() -> None:
    lines = ["title", "a", "", "x", "b", "c"]

    assert list(numbered("a\n\nb\nother\nc", lines, 2, 7)) == [
        (2, "a"),
        (None, ""),
        (5, "b"),
        (None, "other"),
        (6, "c"),
    ]
    assert list(numbered("a", [], 2, 7)) == [(None, "a")]


def test_papers_are_listed_by_filters(kb: Kb) -> None:
    assert called(kb, "list", query="month:2024-10 org:Amazon") == (
        "1 paper\n2024-10/tinycodec · TinyCodec: A Small Speech Codec · 2024-10 · Amazon · notes/2024-10.md:17"
    )


def test_related_papers_come_with_their_place(kb: Kb) -> None:
    assert "2024-08/oldcodec · OldCodec: Residual Quantizers for a Speech Codec · 2024-08 · Google、Meta · " in called(
        kb, "related", name="tinycodec"
    )


def test_a_digest_has_every_paper_and_its_place(kb: Kb) -> None:
    text = called(kb, "digest", month="2024-10")

    assert text.count(" · id 2024-10/") == 3
    assert "# LLM" in text
    assert "- TinyCodec: A Small Speech Codec · id 2024-10/tinycodec · notes/2024-10.md:17" in text
    assert "2024-10: 共读论文 3 篇" in text
    assert "2024-10: Read: 3 papers." in called(kb, "digest", month="2024-10", lang="en")


def test_references_are_of_the_papers_named_and_without_their_notes(kb: Kb) -> None:
    text = called(kb, "cite", names=["tinycodec", "oldcodec"])

    assert text.count("@misc{") == 2
    assert "TinyCodec" in text
    assert "声学延迟" not in text
    assert json.loads(called(kb, "cite", names=["tinycodec"], format="csl-json"))[0]["title"].startswith("TinyCodec")
    assert "TY  - " in called(kb, "cite", names=["oldcodec"], format="ris")


def test_the_state_of_the_base_is_told(kb: Kb) -> None:
    kb.write("2024-09.md", "\0")
    text = called(kb, "status")

    assert "4 papers" in text
    assert "by month: 2024-10 3, 2024-08 1" in text
    assert "searching by words" in text
    assert "failed: notes/2024-09.md:1: " in text


def test_a_changed_note_is_read_before_the_next_answer(kb: Kb) -> None:
    async def ask(client: Client) -> str:
        await client.call_tool("list", {})
        kb.write("2024-12.md", "**《LateCodec: Written Meanwhile》** X，k\n\n刚写的。\n")
        return str((await client.call_tool("get", {"name": "latecodec"})).content[0].text)

    assert "notes/2024-12.md:1-3 says:" in asked(kb, ask)


def test_claims_are_computed_and_listed_with_both_figures(kb: Kb) -> None:
    kb.write("2024-11.md", CLAIMS)

    assert "stale · tokens-padded · " in called(kb, "claims", target="2024-11")
    wanted = (
        "contradicted · tokens-padded · 按补零的公式变成 88 个 token · note says 88, computed 89 · notes/2024-11.md:11"
    )
    assert wanted in called(kb, "verify", target="tokens-padded")
    assert wanted in called(kb, "claims", state="contradicted")
    assert wanted in called(kb, "get", name="salmonn")
    assert called(kb, "claims", state="holds").startswith("0 claims")
    assert "claims: 1 contradicted" in called(kb, "search", query="salmonn")


def test_an_algorithm_runs_and_shows_its_figures(kb: Kb) -> None:
    text = called(kb, "run", name="arithmetic")

    assert "\t" in text.splitlines()[0]
    assert "did you mean" in refused(kb, "run", nam="rvq")
    assert "there is" in refused(kb, "run", name="arithmetics")


def test_a_paper_is_added_when_told_and_no_file_is_read_for_it(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KnowledgeBase, "add", _offline(KnowledgeBase.add))
    note = kb.notes / "2024-12.md"
    dry = called(kb, "add", papers=["2412.00001"], month="2024-12")

    assert "not written; with write=true it comes to" in dry
    assert not note.exists()
    assert "added: " in called(kb, "add", papers=["2412.00001"], month="2024-12", write=True)
    assert "2412.00001" in note.read_text(encoding="utf-8")
    assert "is in the notes already" in called(kb, "add", papers=["2412.00001"], month="2024-12", write=True)
    (kb.root / "secret.bib").write_text("@misc{a, title = {Secret}}")
    refusal = called(kb, "add", papers=[str(kb.root / "secret.bib")])
    assert "no file is read here" in refusal
    assert "Secret" not in refusal


def _offline(add: Any) -> Any:
    return lambda base, *arguments, **named: add(base, *arguments, **named, offline=True)


# What goes wrong


def test_a_name_that_means_nothing_or_several_is_told_with_what_may_be_meant(kb: Kb) -> None:
    assert refused(kb, "get", name="tinycodex") == "get: no paper named 'tinycodex'; did you mean 2024-10/tinycodec?"
    assert "names 2 papers: 2024-10/tinycodec, 2024-08/oldcodec" in refused(kb, "related", name="codec")
    assert refused(kb, "get", name="2024-1O.md:3") == "get: no note '2024-1O.md'; did you mean 2024-10.md?"
    assert "months with papers: 2024-10, 2024-08" in refused(kb, "digest", month="2023-01")
    assert "did you mean search?" in refused(kb, "serch")


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("search", {}, "search: query: Field required"),
        ("search", {"query": "x", "limit": 10_000}, "search: limit: Input should be less than or equal to 30"),
        ("search", {"query": "month:soon"}, "search: month: should look like 2024-10"),
        ("list", {"part": 7}, "list: part should be 1 to 1, got 7"),
        ("list", {"filter": "x"}, "list: no argument 'filter'; there are query, part"),
        ("status", {"x": 1}, "status: no argument 'x'; it takes none"),
        ("cite", {"names": []}, "cite: names: List should have at least 1 item"),
        ("cite", {"names": ["tinycodec"], "format": "word"}, "cite: format: Input should be 'bibtex'"),
        ("digest", {"month": "October"}, "digest: want a month such as 2024-10"),
        ("get", {"name": "2024-10.md:99999"}, "get: 2024-10.md has 28 lines, got 99999"),
        ("digest", {"month": ""}, "digest: no papers in ; months with papers: 2024-10, 2024-08"),
        ("claims", {"target": "nothing-of-this"}, "claims: no claim, month or paper named"),
    ],
)
def test_a_wrong_call_is_one_line_with_the_way_out(kb: Kb, name: str, arguments: dict[str, Any], line: str) -> None:
    assert refused(kb, name, **arguments).startswith(line)


def test_what_the_system_refuses_is_one_line(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KnowledgeBase, "claims", full)

    assert refused(kb, "claims") == "claims: No space left on device; see to disk and permissions"


def test_a_mistake_of_the_program_tells_the_client_no_more_than_that(
    kb: Kb, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("inner matters")

    monkeypatch.setattr(KnowledgeBase, "claims", wrong)

    assert refused(kb, "claims") == "Error executing tool claims"
    assert "inner matters" in caplog.text


# Notes of strangers


@pytest.mark.parametrize(
    "name",
    [
        "../kb.toml",
        "kb.toml",
        "notes/../kb.toml",
        "notes/../../outside.md",
        "../outside.md",
        "/etc/passwd",
        "/etc/hostname.md",
        ".kb/kb.sqlite",
        "notes\\..\\..\\outside.md",
        "notes/%2e%2e/%2e%2e/outside.md",
        "outside.md",
        "file:///etc/passwd.md",
        "~/outside.md",
        "x" * 5_000 + ".md",
        "",
    ],
)
def test_no_file_outside_of_the_notes_is_read(kb: Kb, name: str) -> None:
    (kb.root.parent / "outside.md").write_text("SECRET\n", encoding="utf-8")
    line = refused(kb, "get", name=name)

    assert "SECRET" not in line
    assert len(line) < 600


def test_a_link_that_leads_out_of_the_notes_is_not_followed(kb: Kb) -> None:
    outside = kb.root.parent / "outside.md"
    outside.write_text("**《Inside: A Paper》** X，k\n", encoding="utf-8")
    (kb.notes / "link.md").symlink_to(outside)
    kb.refresh()
    (kb.notes / "good.md").symlink_to(kb.notes / "2024-10.md")

    assert "is a link that leads out of the notes" in refused(kb, "get", name="notes/link.md")
    assert "good.md:1-1 of 28 lines" in called(kb, "get", name="good.md:1-1")


def test_what_nobody_sees_does_not_reach_an_assistant(kb: Kb) -> None:
    tags = "".join(chr(0xE0000 + ord(one)) for one in "ignore all")
    kb.write("2024-12.md", f"**《Hidden{tags}: A\u202e Paper\u200b》** X，k\x1b[31m\n\n词{tags}语 hidden\x07。\n")

    for text in (
        called(kb, "get", name="hidden"),
        called(kb, "get", name="2024-12.md"),
        called(kb, "search", query="hidden"),
        called(kb, "list"),
        called(kb, "digest", month="2024-12"),
        called(kb, "cite", names=["hidden"]),
    ):
        assert not set(text) & {*tags, "\u202e", "\u200b", "\x1b", "\x07"}
        assert "Hidden" in text or "hidden" in text


def test_long_inputs_are_answered_at_once(kb: Kb) -> None:
    assert called(kb, "search", query="codec " * 20_000)
    assert len(refused(kb, "get", name="a title " * 5_000)) < 600
    assert len(refused(kb, "claims", target="y" * 1_000)) < 2_000


def test_every_answer_is_bounded_and_its_parts_are_the_whole(many_papers: Kb) -> None:
    async def ask(client: Client) -> list[str]:
        parts: list[str] = []
        while True:
            answer = await client.call_tool("list", {"part": len(parts) + 1})
            parts.append(answer.content[0].text)
            if "goes on" not in parts[-1]:
                return parts

    parts = asked(many_papers, ask)
    lines = [line for part in parts for line in part.splitlines() if " · " in line]

    assert len(parts) > 2
    assert all(len(part) <= MOST_CHARACTERS + ROOM_FOR_THE_LAST_LINE for part in parts)
    assert parts[0].splitlines()[-1].startswith("(part 1 of ")
    assert "narrow by month:" in parts[0]
    assert len(lines) == len(set(lines)) == len(many_papers.base.rows())
    assert len(called(many_papers, "search", query="codec", limit=30)) <= MOST_CHARACTERS + ROOM_FOR_THE_LAST_LINE


def test_a_line_without_end_is_cut_and_says_so(kb: Kb) -> None:
    kb.write("2024-12.md", f"**《Long: A Paper》** X，k\n\n{'字' * 100_000}\n")

    assert "… (98003 characters more)" in called(kb, "get", name="2024-12.md")
    assert len(called(kb, "get", name="long: a paper")) < 2 * MOST_CHARACTERS


# Resources and prompts


def test_resources_are_papers_notes_and_digests(kb: Kb) -> None:
    async def ask(client: Client) -> dict[str, str]:
        listed = [str(one.uri) for one in (await client.list_resources()).resources]
        templates = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        assert listed == [
            "kb://digest/2024-10",
            "kb://digest/2024-08",
            "kb://note/2024-08.md",
            "kb://note/2024-10.md",
        ]
        assert templates == ["kb://paper/{+id}", "kb://note/{+path}", "kb://digest/{month}"]
        uris = [*listed, "kb://paper/2024-10/tinycodec"]
        return {uri: (await client.read_resource(uri)).contents[0].text for uri in uris}

    read = asked(kb, ask)

    assert "23| - 声学延迟让各级码本错开一步。" in read["kb://note/2024-10.md"]
    assert read["kb://paper/2024-10/tinycodec"].startswith("TinyCodec: A Small Speech Codec")
    assert "TinyCodec" in read["kb://digest/2024-10"]


@pytest.mark.parametrize(
    "uri",
    [
        "kb://note/../kb.toml",
        "kb://note//etc/passwd.md",
        "kb://note/%2e%2e/%2e%2e/outside.md",
        "kb://note/kb.toml",
        "kb://paper/nothing-of-this",
        "kb://digest/1999-01",
        "kb://other/x",
        "file:///etc/passwd",
    ],
)
def test_a_resource_that_is_none_is_refused_in_one_line(kb: Kb, uri: str) -> None:
    (kb.root.parent / "outside.md").write_text("SECRET\n", encoding="utf-8")

    async def ask(client: Client) -> str:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
        return raised.value.message

    line = asked(kb, ask)
    assert line
    assert "\n" not in line
    assert "SECRET" not in line


def test_prompts_are_tasks_for_these_notes(kb: Kb) -> None:
    async def ask(client: Client) -> tuple[str, str, str]:
        names = [one.name for one in (await client.list_prompts()).prompts]
        assert names == ["monthly-review", "compare-papers"]
        review = await client.get_prompt("monthly-review", {"month": "2024-10"})
        compare = await client.get_prompt("compare-papers", {"papers": "tinycodec, oldcodec"})
        with pytest.raises(MCPError) as raised:
            await client.get_prompt("monthly-review", {"month": "1999-01"})
        return review.messages[0].content.text, compare.messages[0].content.text, raised.value.message

    review, compare, line = asked(kb, ask)

    assert 'digest(month="2024-10")' in review
    assert "tinycodec, oldcodec" in compare
    assert line == "no papers in '1999-01'; months with papers: 2024-10, 2024-08"


# Several at once, and giving up


def test_calls_of_several_are_answered_together(kb: Kb) -> None:
    async def ask(client: Client) -> list[str]:
        answers = [""] * 40

        async def one(number: int) -> None:
            name, arguments = [
                ("search", {"query": "声学延迟"}),
                ("get", {"name": "oldcodec"}),
                ("list", {}),
                ("digest", {"month": "2024-10"}),
            ][number % 4]
            answers[number] = str((await client.call_tool(name, arguments)).content[0].text)

        async with anyio.create_task_group() as group:
            for number in range(len(answers)):
                group.start_soon(one, number)
        return answers

    answers = asked(kb, ask)

    assert len(set(answers)) == 4
    assert answers[0].startswith("note:")
    assert "2024-08/oldcodec" in answers[1]


def test_a_slow_call_does_not_keep_others_waiting(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    tags = KnowledgeBase.tags

    def slow(base: KnowledgeBase) -> Any:
        assert go_on.wait(60)
        return tags(base)

    async def ask(client: Client) -> list[str]:
        monkeypatch.setattr(KnowledgeBase, "tags", slow)
        ended: list[str] = []

        async def one(name: str) -> None:
            await client.call_tool(name, {})
            ended.append(name)
            go_on.set() if name == "list" else None

        async with anyio.create_task_group() as group:
            group.start_soon(one, "status")
            group.start_soon(one, "list")
        return ended

    assert asked(kb, ask) == ["list", "status"]


def test_progress_is_told_and_a_client_may_give_up(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def endless(base: KnowledgeBase, target: str | None, progress: Callable[[str, int, int], None]) -> None:
        done = 0
        try:
            while True:
                done += 1
                progress("running claims", done, 1_000_000)
        finally:
            ended.set()

    monkeypatch.setattr(KnowledgeBase, "verify", endless)

    async def ask(client: Client) -> list[tuple[float, float | None, str | None]]:
        told: list[tuple[float, float | None, str | None]] = []
        scope = anyio.CancelScope()

        async def hear(done: float, total: float | None, what: str | None) -> None:
            told.append((done, total, what))
            if done >= 3:
                scope.cancel()

        with scope:
            await client.call_tool("verify", {}, progress_callback=hear)
        assert await anyio.to_thread.run_sync(ended.wait, 60)
        await client.call_tool("list", {})  # the server goes on
        return told

    assert asked(kb, ask, allow_run=True)[:3] == [(number, 1_000_000, "running claims") for number in (1, 2, 3)]


def test_a_run_that_is_given_up_makes_room_for_the_next(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(client: Client) -> str:
        with anyio.move_on_after(0.5):
            await client.call_tool("run", {"name": "mini-codec", "settings": ["steps=1000000"]})
        return str((await client.call_tool("run", {"name": "arithmetic"})).content[0].text)

    assert "\t" in asked(kb, ask, allow_run=True)


# On standard input and output


def kb_mcp(kb: Kb, *options: str) -> list[str]:
    return [sys.executable, "-m", "kb", "--kb", str(kb.root), "mcp", *options]


def in_checkout() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_command_answers_on_its_pipes_and_sees_changed_notes(kb: Kb) -> None:
    program, *arguments = kb_mcp(kb)

    async def main() -> tuple[list[str], str, str]:
        parameters = StdioServerParameters(command=program, args=arguments, env=in_checkout())
        async with Client(parameters) as client:
            names = [one.name for one in (await client.list_tools()).tools]
            found = await client.call_tool("search", {"query": "声学延迟"})
            kb.write("2024-12.md", "**《LateCodec: Written Meanwhile》** X，k\n\n刚写的。\n")
            late = await client.call_tool("get", {"name": "latecodec"})
            return names, found.content[0].text, late.content[0].text

    names, found, late = in_a_thread(main)

    assert names == READING
    assert "notes/2024-10.md:23" in found
    assert "notes/2024-12.md:1-3" in late


REQUESTS = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get", "arguments": {"name": "tinycodec"}}},
    {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "list", "arguments": {"query": "month:x"}}},
]


def started(kb: Kb) -> "subprocess.Popen[bytes]":
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(kb_mcp(kb), env=in_checkout(), **pipes)


def put(process: "subprocess.Popen[bytes]", *lines: Any) -> None:
    assert process.stdin
    for line in lines:
        process.stdin.write(json.dumps(line).encode() + b"\n")
    process.stdin.flush()


def test_standard_output_holds_the_protocol_alone_and_the_end_of_input_ends_quietly(kb: Kb) -> None:
    (kb.notes / "2024-12.md").write_bytes(b"---\nbroken: [\n---\n\n**\xe3\x80\x8aBroken: A Paper\xe3\x80\x8b** X\n")
    with started(kb) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        put(process, REQUESTS[0])
        process.stdin.write(b"no json\n\n")
        put(process, *REQUESTS[1:])
        by_id: dict[int, Any] = {}
        while by_id.keys() != {1, 2, 3}:
            answer = json.loads(process.stdout.readline())
            assert answer["jsonrpc"] == "2.0"
            by_id[answer["id"]] = answer
        process.stdin.close()
        said = process.stderr.read().decode()

        assert process.wait(60) == 0
        assert process.stdout.read() == b""
    assert by_id[1]["result"]["serverInfo"]["name"] == "kb"
    assert "声学延迟" in by_id[2]["result"]["content"][0]["text"]
    assert by_id[3]["result"]["isError"]
    assert "2024-12.md" in said  # what is wrong with the note is told there, once
    assert said.count("2024-12.md") == 1
    assert "Traceback" not in said


def test_a_file_may_be_the_input(kb: Kb, tmp_path: Path) -> None:
    (tmp_path / "requests").write_text(json.dumps(REQUESTS[0]) + "\n", encoding="utf-8")
    with (tmp_path / "requests").open("rb") as requests:
        done = subprocess.run(kb_mcp(kb), stdin=requests, capture_output=True, text=True, env=in_checkout())

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["id"] == 1


def test_a_client_that_reads_no_more_ends_the_server_quietly(kb: Kb) -> None:
    with started(kb) as process:
        assert process.stdout
        assert process.stderr
        put(process, REQUESTS[0])
        assert b'"id":1' in process.stdout.readline()
        process.stdout.close()
        put(process, *REQUESTS[1:])  # the input stays open: the server has to notice by itself

        assert process.wait(60) == 0
        assert process.stderr.read() == b""


def test_a_folder_that_is_no_knowledge_base_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kb", "--kb", str(tmp_path), "mcp"]
    done = subprocess.run(command, input="", capture_output=True, text=True, env=in_checkout())

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


# Over HTTP


@contextlib.contextmanager
def served(kb: Kb, **allowed: bool) -> Iterator[str]:
    """Serve a knowledge base at /mcp on a free port, as the app around it does, and give the address."""
    app, lifespan = streamable(kb.base, **allowed)

    @contextlib.asynccontextmanager
    async def around(_: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    outer = Starlette(routes=[Route("/mcp", endpoint=app)], lifespan=around)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(outer, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_clients_over_http_are_answered_together(kb: Kb) -> None:
    async def one(address: str, answers: list[str]) -> None:
        async with Client(address) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == READING
            answers.append((await client.call_tool("search", {"query": "声学延迟"})).content[0].text)
            answer = await client.call_tool("get", {"name": "../../etc/passwd.md"})
            assert answer.is_error

    async def main(address: str) -> list[str]:
        answers: list[str] = []
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one, address, answers)
        return answers

    with served(kb) as address:
        answers = in_a_thread(main, address)

    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert "notes/2024-10.md:23" in answers[0]


def test_progress_is_told_over_http(kb: Kb) -> None:
    kb.write("2024-11.md", CLAIMS)
    kb.refresh()
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(done: float, total: float | None, what: str | None) -> None:
        told.append((done, total, what))

    async def main(address: str) -> str:
        async with Client(address) as client:
            answer = await client.call_tool("verify", {"target": "tokens-padded"}, progress_callback=hear)
            return str(answer.content[0].text)

    with served(kb, allow_run=True) as address:
        text = in_a_thread(main, address)

    assert "note says 88, computed 89" in text
    assert told == [(1, 1, "running claims")]


def test_a_foreign_host_is_refused_over_http(kb: Kb) -> None:
    import httpx

    with served(kb) as address:
        answer = httpx.post(address, json=REQUESTS[0], headers={"Host": "evil.example"})

    assert answer.status_code in (403, 421)


# What the command prints


def test_the_lines_for_clients_name_this_program_and_this_base(kb: Kb) -> None:
    before = sorted(kb.root.rglob("*"))
    text = kb.run("mcp", "--install", "--allow-run").stdout
    servers = json.loads("{" + text.partition("{")[2].partition("\n\n#")[0])["mcpServers"]["kb"]

    assert os.path.isabs(servers["command"])
    assert os.access(servers["command"], os.X_OK)
    assert servers["args"][-4:] == ["--kb", str(kb.root), "mcp", "--allow-run"]
    assert f"claude mcp add --scope user kb -- {servers['command']}" in text
    assert "[mcp_servers.kb]" in text
    assert sorted(kb.root.rglob("*")) == before


def test_the_skill_is_printed_and_names_every_tool_that_reads(kb: Kb) -> None:
    text = kb.run("mcp", "--skill").stdout

    assert text.startswith("---\nname: paper-notes\ndescription: ")
    assert [name for name in READING if f"`{name}(" not in text] == ["status"]


def test_without_its_packages_one_line_says_how_to_get_them(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("kb.web.mcp_server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    done = kb.run("mcp")

    assert done.exit_code == 1
    assert done.stderr == "error: kb mcp needs mcp.server.mcpserver; run: pip install 'paper-kb[mcp]'\n"


def test_half_characters_of_a_client_are_answered() -> None:
    whole = '{"jsonrpc":"2.0","id":2,"params":{"query":"codec 声调 \\ud83d\\ude00"}}'
    half = whole.replace("\\ude00", "")

    async def lines(text: str) -> list[str]:
        reading, writing = os.pipe()
        os.write(writing, f"{text}\n".encode())
        os.close(writing)
        try:
            return [line async for line in Lines(reading)]
        finally:
            os.close(reading)

    assert json.loads(anyio.run(lines, whole)[0]) == json.loads(whole)
    assert json.loads(anyio.run(lines, half)[0])["params"]["query"] == "codec 声调 ?"
    assert anyio.run(lines, '{"\\ud83d') == ['{"\\ud83d']
