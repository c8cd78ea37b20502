"""The interface over HTTP: the same data as --json, parts of lists, errors as one shape, readers beside writers."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kb.api import json_schema
from kb.index.sqlite import opening
from kb.web.app import application
from kb.web.http_api.operations import OPERATIONS
from tests.conftest import Kb

TOKEN = "a-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
READERS, READS, WRITES = 20, 10, 12
Api = Callable[..., Any]


def client_of(kb: Kb, token: str = TOKEN) -> TestClient:
    app = application(kb.base, token)
    headers = {"Authorization": f"Bearer {token}"}
    return TestClient(app, base_url="http://127.0.0.1:8123", headers=headers, raise_server_exceptions=False)


@pytest.fixture
def client(kb: Kb) -> Iterator[TestClient]:
    with client_of(kb) as made:
        yield made


@pytest.fixture
def api(client: TestClient) -> Api:
    """Ask for a path and return what stands in the envelope, which has to be a good one."""

    def ask(path: str, body: Any = None, **asked: Any) -> Any:
        where = f"/api/v1/{path}"
        answer = client.get(where, params=asked) if body is None else client.post(where, json=body)
        told = answer.json()
        assert (answer.status_code, told["ok"], told["schema"], told["error"]) == (200, True, 1, None), told
        return told["data"]

    return ask


def refused(answer: Any) -> tuple[int, str]:
    """Return status and line of a refusal, which has the shape of all."""
    told = answer.json()
    assert told.keys() == {"ok", "schema", "data", "error"}
    assert (told["ok"], told["schema"]) == (False, 1)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, told["error"]


@pytest.mark.parametrize(
    ("path", "asked", "command"),
    [
        ("search", {"query": "声学延迟"}, ["search", "声学延迟"]),
        ("search", {"query": "tokeniser", "fuzzy": "true"}, ["search", "--fuzzy", "tokeniser"]),
        (
            "search",
            {"query": "codec", "min_score": "1", "limit": "2"},
            ["search", "codec", "--min-score", "1", "-n", "2"],
        ),
        ("related", {"name": "oldcodec"}, ["related", "oldcodec"]),
        ("papers", {}, ["list"]),
        ("papers", {"query": "month:2024-10 org:CMU"}, ["list", "month:2024-10", "org:CMU"]),
        ("paper", {"name": "tinycodec"}, ["show", "tinycodec"]),
        ("paper", {"name": "2024-10/tinycodec"}, ["show", "2024-10/tinycodec"]),
        ("tags", {}, ["tags"]),
        ("stats", {}, ["stats"]),
        ("digest", {"period": "2024-10"}, ["digest", "2024-10", "--no-refresh"]),
        ("digest", {"period": "2024"}, ["digest", "--year", "2024", "--no-refresh"]),
        (
            "digest",
            {"period": "2024-09..", "lang": "en"},
            ["digest", "--since", "2024-09", "--lang", "en", "--no-refresh"],
        ),
        ("trends", {}, ["trends"]),
        ("trends", {"period": "..2024-08", "limit": "1"}, ["trends", "--until", "2024-08", "--limit", "1"]),
        ("duplicates", {}, ["duplicates"]),
        ("claims", {}, ["claims"]),
        ("status", {}, ["status"]),
        ("check", {}, ["check"]),
        ("algorithms", {}, ["run", "--list"]),
        ("encoders", {}, ["encoder", "list"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_is_what_the_command_prints_as_json(
    kb: Kb, api: Api, path: str, asked: dict[str, str], command: list[str]
) -> None:
    kb.run("mark", "star", "tinycodec")

    said = kb.json(*command)
    if path == "status":
        del said["process"]  # it answers itself
    assert api(path, **asked) == said


def test_claims_are_those_of_the_command(verified: Path) -> None:
    kb = Kb(verified)
    first = kb.json("claims")["claims"][0]
    with client_of(kb) as client:
        for asked, command in (
            ({}, []),
            ({"target": first["id"]}, [first["id"]]),
            ({"state": "contradicted"}, ["--state", "contradicted"]),
        ):
            answer = client.get("/api/v1/claims", params={"limit": 1000, **asked})

            assert answer.json()["data"] == kb.json("claims", *command)
        assert client.get("/api/v1/claims", params={"target": first["id"]}).json()["data"]["runs"]


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_digest_is_the_text_that_the_command_writes(kb: Kb, client: TestClient, form: str) -> None:
    answer = client.get("/api/v1/digest", params={"period": "2024-10", "form": form, "site": "hugo"})

    assert answer.text == kb.run("digest", "2024-10", "--format", form, "--site", "hugo", "--no-refresh").stdout
    assert answer.headers["content-type"] == {"md": "text/markdown", "html": "text/html"}[form] + "; charset=utf-8"


def test_the_page_of_a_digest_runs_apart_and_reaches_nothing(client: TestClient) -> None:
    answer = client.get("/api/v1/digest", params={"period": "2024-10", "form": "html"})

    rules = answer.headers["content-security-policy"].split("; ")
    assert "sandbox allow-scripts" in rules
    assert "default-src 'none'" in rules
    assert not any("self" in rule or "http" in rule for rule in rules)


@pytest.mark.parametrize("form", ["bibtex", "csl-json", "ris", "jsonl", "csv"])
def test_an_export_is_the_text_that_the_command_prints(kb: Kb, client: TestClient, form: str) -> None:
    answer = client.get("/api/v1/export", params={"query": "month:2024-10", "form": form})

    assert answer.content == kb.run("export", "month:2024-10", "--format", form).stdout_bytes
    assert "json" not in answer.headers["content-type"] or form in ("csl-json", "jsonl")


def test_months_and_words_are_those_of_the_commands(kb: Kb, api: Api) -> None:
    assert api("months") == ["2024-10", "2024-08"]
    assert "".join(f"{one['word']}\t{'、'.join(one['names'])}\n" for one in api("gloss", words="码本 tone")) == (
        kb.run("gloss", "码本", "tone").stdout
    )


def test_a_text_finds_what_its_file_finds(kb: Kb, api: Api, tmp_path: Path) -> None:
    text = "# Codecs\n\n残差向量量化 RVQ。\n"
    (tmp_path / "sample.md").write_text(text, encoding="utf-8")
    command = ["search", "--similar-to", str(tmp_path / "sample.md")]

    assert api("similar", {"text": text}) == kb.json(*command)
    assert api("similar", {"text": text, "fields": "month:2024-08"}) == kb.json(*command, "month:2024-08")


def test_signs_that_no_file_holds_are_left_out_of_a_text(api: Api) -> None:
    assert api("similar", {"text": "\0残差\0向量量化"}) == api("similar", {"text": "残差向量量化"})


def test_marks_are_written_and_read_back(kb: Kb, api: Api) -> None:
    (marked,) = api("mark", {"action": "star", "names": ["tinycodec"]})

    assert marked["state"]["starred"]
    assert kb.json("list", "is:starred") == [marked] == api("papers", query="is:starred")
    (taken_back,) = api("mark", {"action": "unstar", "names": ["tinycodec"]})
    assert taken_back["state"] == {"starred": None, "read": None}


CLAIMS = """\
**《Windows》** CMU，Codec

```claim
id: windows
says: 1500 frames make 89 tokens
run: arithmetic.window_tokens
with:
  frames: 1500
  window: 17
expect:
  tokens: 89
```
"""


def test_claims_are_run_and_kept(kb: Kb, api: Api) -> None:
    kb.write("2024-11.md", CLAIMS)
    kb.refresh()

    assert [one["state"] for one in api("claims")["claims"]] == ["stale"]
    assert api("verify", {"target": "windows"})["summary"]["holds"] == 1
    assert api("claims") == kb.json("claims")
    assert [run["state"] for run in api("claims", target="windows")["runs"]] == ["holds"]


def test_a_run_is_what_the_command_prints(kb: Kb, api: Api) -> None:
    assert api("run", {"name": "delay", "settings": ["codebooks=3"], "device": "cpu"}) == kb.json(
        "run", "delay", "codebooks=3", "--device", "cpu"
    )


def test_adding_is_dry_unless_told(kb: Kb, api: Api) -> None:
    asked = {"papers": ["2412.00001"], "month": "2024-12", "offline": True}

    assert api("add", asked) == kb.json("add", "2412.00001", "--month", "2024-12", "--offline")
    assert not (kb.notes / "2024-12.md").exists()
    (added,) = api("add", {**asked, "write": True})
    assert added["path"] == str(kb.notes / "2024-12.md")
    assert "2412.00001" in (kb.notes / "2024-12.md").read_text(encoding="utf-8")


def test_what_cannot_be_added_is_said_beside_what_can(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "secret.bib").write_text("@article{a, title={A Paper of Some Length}}")
    body = {"papers": ["2412.00001", str(tmp_path / "secret.bib"), "a pear"], "offline": True}

    answer = client.post("/api/v1/add", json=body)

    status, line = refused(answer)
    assert status == 422
    assert "no file is read here" in line
    assert "'a pear' names no paper" in line
    assert [bool(one["entry"]) for one in answer.json()["data"]] == [True, False, False]


def whole(client: TestClient, path: str, limit: int, **asked: Any) -> list[list[Any]]:
    """Return the parts of a list, one answer after the other."""
    parts, cursor = [], ""
    while cursor is not None:
        told = client.get(f"/api/v1/{path}", params={**asked, "limit": limit, "cursor": cursor}).json()
        assert told["ok"], told
        data = told["data"]
        parts.append(data if isinstance(data, list) else data["hits" if path == "search" else "files"])
        cursor = told["cursor"]
    return parts


@pytest.mark.parametrize(
    ("path", "limit", "asked", "command"),
    [
        ("papers", 250, {}, ["list"]),
        ("papers", 2, {"query": "month:2021-03"}, ["list", "month:2021-03"]),
        ("search", 20, {"query": "codec"}, ["search", "codec", "--limit", "0"]),
        ("search", 9, {"query": "声学 延迟"}, ["search", "声学 延迟", "--limit", "0"]),
        ("tags", 5, {}, ["tags"]),
        ("status", 11, {}, ["status"]),
    ],
    ids=str,
)
def test_parts_of_a_list_are_the_list(
    many_papers: Kb, path: str, limit: int, asked: dict[str, str], command: list[str]
) -> None:
    with client_of(many_papers) as client:
        parts = whole(client, path, limit, **asked)

    assert len(parts) > 1
    assert all(len(part) == limit for part in parts[:-1])
    found = [one for part in parts for one in part]
    known = many_papers.json(*command, "--no-refresh")
    assert found == (known if isinstance(known, list) else known["hits" if path == "search" else "files"])


def test_a_cursor_goes_on_while_what_came_before_is_as_it_was(kb: Kb, client: TestClient) -> None:
    def listed(**asked: Any) -> Any:
        return client.get("/api/v1/papers", params={"limit": 2, **asked})

    cursor = listed().json()["cursor"]
    rest = listed(cursor=cursor).json()["data"]
    assert listed(cursor=cursor, limit=1).json()["data"] == rest[:1]

    client.post("/api/v1/mark", json={"action": "read", "names": ["prompt search"]})
    kb.write("2024-07.md", "**《An Older Paper》** CMU，Codec\n")
    kb.refresh()
    assert [one["id"] for one in listed(cursor=cursor).json()["data"]] == [one["id"] for one in rest]
    kb.write("2024-12.md", "**《A Newer Paper》** CMU，Codec\n")
    kb.refresh()
    assert refused(listed(cursor=cursor)) == (
        400,
        "the list has changed since this cursor was given; ask for the list without it",
    )


def test_a_cursor_is_of_one_question_and_one_process(kb: Kb, client: TestClient) -> None:
    cursor = client.get("/api/v1/papers", params={"limit": 2}).json()["cursor"]
    flipped = ("B" if cursor[3] == "A" else "A").join((cursor[:3], cursor[4:]))
    asked = [
        ("papers", {"cursor": cursor, "query": "codec"}),
        ("tags", {"cursor": cursor}),
        ("papers", {"cursor": flipped}),
        ("papers", {"cursor": cursor[:-4]}),
        ("papers", {"cursor": "A" * 40}),
        ("papers", {"cursor": "声"}),
        ("papers", {"cursor": "x"}),
    ]
    with client_of(kb, "another-token") as other:
        answers = [client.get(f"/api/v1/{path}", params=given) for path, given in asked]
        answers.append(other.get("/api/v1/papers", params={"cursor": cursor}))

    for answer in answers:
        assert refused(answer) == (400, "cursor is none of this list; ask for the list without it")


@pytest.mark.parametrize(
    ("path", "status", "line"),
    [
        ("search", 400, "query: field required"),
        ("search?query=", 400, "query: string should have at least 1 character, got ''"),
        ("search?query=month:2024-13", 400, None),
        ("search?query=codec&limit=0", 400, "limit: input should be greater than or equal to 1, got '0'"),
        ("search?query=codec&limit=1001", 400, "limit: input should be less than or equal to 1000, got '1001'"),
        ("search?query=codec&limit=ten", 400, None),
        ("search?query=codec&fuzzy=perhaps", 400, None),
        (f"search?query={'x' * 2001}", 400, None),
        ("papers?limit=1&limit=2", 400, "limit is given twice"),
        ("papers?sort=title", 400, "papers has no parameter 'sort'; it takes limit, cursor, query"),
        ("stats?limit=1", 400, "stats has no parameter 'limit'; it takes none"),
        ("digest", 400, "period: field required"),
        ("digest?period=October", 400, None),
        ("digest?period=2024-10..2024-08", 400, "2024-10 comes after 2024-08; turn --since and --until around"),
        ("digest?period=2024-10&form=pdf", 400, "form: input should be 'md', 'html' or 'json', got 'pdf'"),
        ("claims?state=odd", 400, None),
        ("export?form=obsidian", 400, None),
        ("trends?period=1999", 404, "no paper of 1999 has keywords; to see what there is: kb stats"),
        ("paper?name=nobody", 404, "no paper named 'nobody'; look for it with: kb search nobody"),
        ("related?name=nobody", 404, "no paper named 'nobody'; look for it with: kb search nobody"),
        ("claims?target=nobody", 404, "no claim, month or paper named 'nobody'; to list the claims: kb claims"),
        ("paper?name=codec", 409, "'codec' names 2 papers: 2024-10/tinycodec, 2024-08/oldcodec; say more of the name"),
        ("nothing", 404, "there is no such path"),
        ("", 404, "there is no such path"),
        ("mark", 405, "GET is not for this path"),
    ],
)
def test_what_is_amiss_is_a_status_and_a_line(client: TestClient, path: str, status: int, line: str | None) -> None:
    answer = refused(client.get(f"/api/v1/{path}"))

    assert answer[0] == status
    assert "\n" not in answer[1]
    assert line is None or answer[1] == line


@pytest.mark.parametrize(
    ("path", "body", "status", "line"),
    [
        ("mark", b"{", 400, None),
        ("mark", b"\xff", 400, None),
        ("mark", b"[]", 422, "the body: input should be an object, got []"),
        ("mark", b"{}", 422, "action: field required"),
        ("mark", b'{"action": "burn", "names": ["x"]}', 422, None),
        ("mark", b'{"action": "star", "names": []}', 422, None),
        ("mark", b'{"action": "star", "names": ["tinycodec"], "why": 1}', 422, "why: extra inputs are not permitted"),
        ("mark", b'{"action": "star", "names": ["nobody"]}', 404, None),
        ("mark", b'{"action": "star", "names": ["codec"]}', 409, None),
        ("verify", b'{"target": "nobody"}', 404, None),
        ("verify", b'{"limit_seconds": 0}', 422, None),
        ("run", b'{"name": "nobody"}', 404, "no algorithm 'nobody'; to list them: kb run --list"),
        ("run", b'{"name": "delay", "settings": ["speed=3"]}', 422, None),
        ("add", b'{"papers": ["2410.00037"], "month": "October"}', 422, None),
        ("similar", b'{"text": "codec", "fields": "codec"}', 422, None),
        ("similar", b'{"text": "codec", "limit": "3"}', 422, "limit: input should be a valid integer, got '3'"),
        ("similar", b'"' + b"x" * 1_500_001, 413, "a body has 1500000 bytes at most"),
        ("papers", b"{}", 405, "POST is not for this path"),
    ],
)
def test_a_body_that_is_amiss_is_a_status_and_a_line(
    client: TestClient, path: str, body: bytes, status: int, line: str | None
) -> None:
    answer = refused(client.post(f"/api/v1/{path}", content=body, headers={"Content-Type": "application/json"}))

    assert answer[0] == status
    assert "\n" not in answer[1]
    assert line is None or answer[1] == line


def test_a_form_of_a_page_is_no_body(client: TestClient) -> None:
    assert refused(client.post("/api/v1/mark", data={"action": "star"})) == (415, "a body is application/json")
    answer = client.post("/api/v1/mark?action=star", json={"action": "star", "names": ["tinycodec"]})
    assert refused(answer) == (400, "mark has no parameter 'action'; what it takes stands in the body")


def test_a_method_that_is_none_is_told_which_are(client: TestClient) -> None:
    answer = client.delete("/api/v1/tags")

    assert refused(answer) == (405, "DELETE is not for this path")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_an_index_that_cannot_be_used_is_503(kb: Kb, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in kb.config.index.glob("kb.sqlite*"):
        path.unlink()
    answer = client.get("/api/v1/tags")
    assert refused(answer) == (503, f"no index at {kb.config.database}; run: kb index")
    assert answer.headers["retry-after"] == "1"

    kb.config.database.write_bytes(b"no database" * 100)
    assert refused(client.get("/api/v1/tags"))[0] == 503
    kb.config.database.unlink()
    kb.refresh()
    monkeypatch.setattr(opening, "LATEST_STEP", "0000")
    assert "made by a newer version" in refused(client.get("/api/v1/tags"))[1]


def test_a_file_of_the_knowledge_base_that_is_amiss_is_no_fault_of_the_asker(kb: Kb, client: TestClient) -> None:
    (kb.root / "marks.toml").write_text("no toml", encoding="utf-8")

    status, line = refused(client.get("/api/v1/papers?query=is:starred"))

    assert status == 500
    assert line.startswith(f"{kb.root / 'marks.toml'}:1: ")


def test_a_mistake_of_the_program_is_said_in_the_same_shape(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.api.base.KnowledgeBase.tags", lambda base: 1 / 0)

    answer = client.get("/api/v1/tags")

    assert refused(answer) == (500, "a mistake of this program; its log has more")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_notes_made_up_stands_escaped(kb: Kb, client: TestClient) -> None:
    kb.write("2024-12.md", "**《Odd \u202eTitle》** CMU\n\n\u202e\x1b[31mred</script>\n")
    kb.refresh()

    text = client.get("/api/v1/search?query=odd").text

    assert "\u202e" not in text
    assert "\x1b" not in text
    assert json.loads(text)["data"]["hits"]


def test_every_operation_has_the_schema_of_its_result() -> None:
    known = json_schema.results(json_schema.Schemas())
    named = {one.result or one.name for one in OPERATIONS if "application/json" in one.media_types}

    assert named == known.keys()


def test_readers_see_whole_states_while_marks_are_written(kb: Kb, client: TestClient) -> None:
    names = ["tinycodec", "oldcodec"]
    stop = threading.Event()

    def read(number: int) -> list[int]:
        seen = []
        while len(seen) < READS or not stop.is_set():
            answer = client.get("/api/v1/papers?query=is:read" if number % 2 else "/api/v1/search?query=codec")
            assert answer.status_code == 200, answer.text
            data = answer.json()["data"]
            papers = data if isinstance(data, list) else data["hits"]
            seen.append(sum(bool(one["state"]["read"]) for one in papers))
        return seen

    def write() -> None:
        for number in range(WRITES):
            action = "read" if number % 2 == 0 else "unread"
            answer = client.post("/api/v1/mark", json={"action": action, "names": names})
            assert answer.status_code == 200, answer.text
        stop.set()

    with ThreadPoolExecutor(READERS + 1) as pool:
        readers = [pool.submit(read, number) for number in range(READERS)]
        pool.submit(write).result()
        counts = [count for reader in readers for count in reader.result()]

    assert set(counts) <= {0, 2}  # both marks are written at once
