"""What the page answers, without a browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from kb.api.base import KnowledgeBase
from kb.claims import running
from kb.errors import KbError
from kb.web.page import marking
from tests.web.page_server import serving

CODEC = "2024-10/tinycodec"
PNG = bytes.fromhex("89504e470d0a1a0a")


@pytest.fixture
def client(kb: Any) -> Iterator[httpx.Client]:
    with serving(kb.base) as address, httpx.Client(base_url=address, headers={"Accept-Language": "en"}) as made:
        yield made


def titles(html: str) -> list[str]:
    found = re.findall(r"<h2><a href=\"/paper/[^\"]*\"[^>]*><bdi>(.*?)</bdi>", html)
    return [re.sub("</?mark>", "", title) for title in found]


def test_the_first_page_lists_the_newest_papers(client: httpx.Client) -> None:
    shown = client.get("/").text
    assert titles(shown)[-1].startswith("OldCodec")
    assert len(titles(shown)) == 4
    assert 'href="/?q=month%3A2024-08"' in shown
    assert 'href="/?q=tag%3A%22Speech+Codec%22"' in shown


def test_a_search_says_what_it_found_and_why(client: httpx.Client) -> None:
    shown = client.get("/", params={"q": "残差向量 month:2024-10"}).text
    assert titles(shown) == ["TinyCodec: A Small Speech Codec"]
    assert "<mark>残差向量</mark>" in shown
    assert "words #1" in shown
    assert "matches 残差向量" in shown
    assert 'href="/?q=%E6%AE%8B%E5%B7%AE%E5%90%91%E9%87%8F"' in shown  # without the month
    assert "1 paper" in shown


def test_a_fragment_is_the_list_alone(client: httpx.Client) -> None:
    whole, part = (
        client.get(path, params={"q": "RVQ", "fragment": one}).text for path, one in (("/", ""), ("/search", "1"))
    )
    assert "<html" not in part
    assert titles(part) == titles(whole)
    by_words = client.get("/search", params={"q": "RVQ", "fragment": "1", "words": "1"}).text
    assert titles(by_words) == titles(part)


def test_what_is_only_near_stands_apart(client: httpx.Client) -> None:
    shown = client.get("/search", params={"q": "tone compression astronomy galaxies", "fragment": "1"}).text
    hits, _, near = shown.partition('class="nearest"')
    assert titles(near)
    assert not set(titles(hits)) & set(titles(near))


def test_a_field_that_is_used_wrongly_is_told_beside_the_box(client: httpx.Client) -> None:
    shown = client.get("/", params={"q": "is:blue"})
    assert shown.status_code == 200
    assert "is: is one of starred, read, unread" in shown.text
    assert client.get("/search", params={"q": "month:", "fragment": "1"}).status_code == 200


def test_the_language_is_asked_for_and_kept(client: httpx.Client) -> None:
    assert 'lang="zh-CN"' in client.get("/", headers={"Accept-Language": "zh-TW"}).text[:60]
    answer = client.post("/settings", data={"language": "zh", "back": "/months"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/months")
    assert 'lang="zh-CN"' in client.get("/months").text[:60]
    client.post("/settings", data={"language": "xx"})
    assert 'lang="zh-CN"' in client.get("/months").text[:60]


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""])
def test_a_form_leads_back_to_the_page_alone(client: httpx.Client, back: str) -> None:
    assert client.post("/settings", data={"language": "zh", "back": back}).headers["location"] == "/"


def test_a_paper_shows_all_that_is_known_of_it(client: httpx.Client) -> None:
    shown = client.get(f"/paper/{CODEC}").text
    assert '<h1 lang="en"><bdi>TinyCodec: A Small Speech Codec</bdi></h1>' in shown
    assert 'href="/month/2024-10"' in shown
    assert 'href="/?q=org%3A%22Amazon%22"' in shown
    assert "用残差向量量化 RVQ 压缩语音" in shown
    assert "2024-10.md:" in shown
    assert "OldCodec" in shown.partition('aria-labelledby="related"')[2]


def test_another_name_of_a_paper_leads_to_it(client: httpx.Client) -> None:
    answer = client.get("/paper/TinyCodec")
    assert (answer.status_code, answer.headers["location"]) == (307, f"/paper/{CODEC}")
    missing = client.get("/paper/no such paper")
    assert missing.status_code == 404
    assert "no paper named" in missing.text


def test_marks_are_kept_beside_the_notes(client: httpx.Client, kb: Any) -> None:
    answer = client.post("/mark", data={"id": CODEC, "action": "star", "back": f"/paper/{CODEC}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/paper/{CODEC}")
    assert "TinyCodec" in kb.config.marks.read_text(encoding="utf-8")
    part = client.post("/mark?fragment=1", data={"id": CODEC, "action": "read", "back": "/"}).text
    assert re.findall('value="(unstar|star|unread|read)"', part) == ["unstar", "unread"]
    assert titles(client.get("/", params={"q": "is:starred is:read"}).text) == ["TinyCodec: A Small Speech Codec"]
    client.post("/mark", data={"id": CODEC, "action": "unstar"})
    assert titles(client.get("/", params={"q": "is:starred"}).text) == []


def test_what_cannot_be_marked_is_told(client: httpx.Client) -> None:
    for data in ({"id": CODEC, "action": "burn"}, {"id": "nothing", "action": "star"}, {}):
        assert client.post("/mark?fragment=1", data=data).status_code == 400
    assert client.post("/mark", content=b"id=" + b"a" * 70_000).status_code == 400
    assert client.get("/mark").status_code == 405


def test_months_and_their_digests(client: httpx.Client) -> None:
    listed = client.get("/months").text
    assert re.findall(r'href="/month/([^"]+)"', listed) == ["2024-10", "2024-08"]
    shown = client.get("/month/2024-10").text
    assert re.findall(r'<h3><a href="/paper/([^"]+)"', shown)[1:] == [CODEC, "2024-10/do-units-keep-tone"]
    assert 'rel="prev" href="/month/2024-08"' in shown
    assert 'rel="next"' not in shown
    assert [client.get(f"/month/{name}").status_code for name in ("2024-09", "2024", "x")] == [404] * 3


def test_pictures_among_the_notes_are_sent_and_nothing_else(client: httpx.Client, kb: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(PNG)
    (kb.notes / "a b.png").write_bytes(PNG)
    (kb.notes / "link.png").symlink_to(outside)
    (kb.notes / "note.png").symlink_to(kb.notes / "2024-10.md")
    (kb.notes / "folder.png").mkdir()
    (kb.root / "beside.png").write_bytes(PNG)
    sent = client.get("/picture/a%20b.png")
    assert (sent.status_code, sent.headers["content-type"], sent.content) == (200, "image/png", PNG)
    names = ["link.png", "note.png", "folder.png", "none.png", "2024-10.md", "%2e%2e/beside.png", "..%2fbeside.png"]
    names += [quote(str(outside)), "a%00.png", "x" * 300 + ".png"]
    assert [client.get(f"/picture/{name}").status_code for name in names] == [404] * len(names)


def test_local_pictures_are_shown_and_those_of_the_web_if_the_reader_says_so(client: httpx.Client, kb: Any) -> None:
    kb.write(
        "2024-12.md",
        "## A\n\n**《Figures: Two of Them》** CMU，图\n\n![near](f/1.png) ![far](https://a.example/2.png)\n",
    )
    kb.refresh()

    def pictures() -> list[str]:
        return re.findall(r'<img src="([^"]+)"', client.get("/paper/2024-12/figures").text)

    assert pictures() == ["/picture/f/1.png"]
    client.post("/settings", data={"pictures": "1"})
    assert pictures() == ["/picture/f/1.png", "https://a.example/2.png"]
    client.post("/settings", data={"pictures": "0"})
    assert pictures() == ["/picture/f/1.png"]


CLAIM = """\
## A

**《Sums: What They Come To》** CMU，算

合计 100。

```claim
id: sums
says: 合计 100
run: arithmetic.total
with: {parts: [89, 6, 5]}
expect: {total: 100}
```
"""


def test_claims_are_computed_by_a_button(client: httpx.Client, kb: Any) -> None:
    kb.write("2024-12.md", CLAIM)
    kb.refresh()
    before = client.get("/paper/2024-12/sums").text
    assert 'class="state stale"' in before
    after = client.post("/verify?fragment=1", data={"id": "2024-12/sums"}).text
    assert 'class="state holds"' in after
    assert re.findall(r"<b><bdi>(.*?)</bdi></b>", after) == ["100", "100"]
    assert client.post("/verify", data={"id": "2024-12/sums"}).headers["location"] == "/paper/2024-12/sums#claims"


def test_one_thing_is_computed_at_a_time(client: httpx.Client) -> None:
    with marking._computing:
        assert "Another computation" in client.post("/verify?fragment=1", data={"id": CODEC}).text
    assert client.post("/verify?fragment=1", data={"id": CODEC}).status_code == 200


def test_a_reference_runs_and_shows_its_figures(client: httpx.Client) -> None:
    asked = client.get("/run/error-rate").text
    assert 'name="said"' in asked
    shown = client.post("/run/error-rate", data={"said": "a b c d", "heard": "a b c", "seed": "0"}).text
    assert 'value="a b c d"' in shown
    assert "<table>" in shown
    for seed in ("-1", "9" * 5000):
        assert client.post("/run/error-rate", data={"seed": seed}).status_code == 400
    assert [client.get(f"/run/{name}").status_code for name in ("nothing", "..%2fx")] == [404, 404]


def test_what_a_reference_refuses_is_told(client: httpx.Client) -> None:
    answer = client.post("/run/delay", data={"codebooks": "many"})
    assert answer.status_code == 400
    assert "codebooks should be a whole number" in answer.text


def test_a_run_that_does_not_end_is_told(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*given: object) -> None:
        raise KbError("error-rate: out of 60 s of processor time", "ask for less")

    monkeypatch.setattr(running, "demonstrate", ended)
    answer = client.post("/run/error-rate", data={})
    assert answer.status_code == 400
    assert "of processor time" in answer.text


def test_a_plot_is_drawn(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plot = {"kind": "bar", "x": [1], "series": {"<a>": [2.0], "b": [1.0]}, "x_label": "x", "y_label": "y"}
    result = {"rows": [{"x": 1.23456, "y": None}], "plot": plot, "remarks": ["a <b> remark"], "drawing": "x <y>"}
    monkeypatch.setattr(KnowledgeBase, "run", lambda *_, **__: result)
    shown = client.post("/run/error-rate", data={}).text
    assert '<svg class="plot"' in shown
    assert "<td>1.235</td><td>–</td>" in shown
    assert "&lt;a&gt;" in shown
    assert "a &lt;b&gt; remark" in shown
    assert "x &lt;y&gt;" in shown


def test_a_note_opens_in_an_editor_with_a_window(
    client: httpx.Client, kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    program = tmp_path / "code"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("subprocess.Popen", lambda command, **_: opened.append(command))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))
    assert "Opened 2024-10.md:" in client.post("/edit?fragment=1", data={"id": CODEC}).text
    (command,) = opened
    assert command[:2] == [str(program), "--goto"]
    assert re.fullmatch(rf"{kb.notes}/2024-10\.md:\d+", command[2])
    vim = tmp_path / "vim"
    program.rename(vim)
    monkeypatch.setenv("EDITOR", str(vim))
    refused = client.post("/edit?fragment=1", data={"id": CODEC})
    assert refused.status_code == 400
    assert f"needs a terminal; open {kb.notes}/2024-10.md:" in refused.text
    assert len(opened) == 1


def test_an_empty_base_says_so(empty_kb: Any) -> None:
    empty_kb.refresh()
    with serving(empty_kb.base) as address, httpx.Client(base_url=address) as client:
        for path in ("/", "/months", "/?q=codec"):
            assert client.get(path).status_code == 200
        assert "No papers yet" in client.get("/months").text


def test_a_base_without_an_index_says_what_to_do(unread_kb: Any) -> None:
    with serving(unread_kb.base) as address, httpx.Client(base_url=address) as client:
        answer = client.get("/")
    assert answer.status_code == 400
    assert "kb index" in answer.text
