"""Marks: they outlive the index, renames and second notes, and marks.toml stays the reader's own file."""

import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import KbError
from kb.notes import marks as bookmarks
from kb.notes.marked import Known
from kb.notes.marks import Target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DAY = r"\d{4}-\d\d-\d\d"
DELAY = "**《DelayCodec: Streams That Wait for Each Other》** CMU，Codec\n\n论文：https://arxiv.org/abs/2411.01234\n\n错开码本。\n"


def target(*names: str, title: str = "T", is_starred: bool = False) -> Target:
    return Target(Known(names, is_starred), title)


def listed(kb: Any, *query: str) -> list[str]:
    return [paper["id"] for paper in kb.json("list", *query)]


def test_a_mark_is_a_line_that_says_which_paper_and_when(kb: Any) -> None:
    kb.write("2024-11.md", DELAY)
    kb.run("mark", "star", "delaycodec", "oldcodec")
    result = kb.run("mark", "read", "delaycodec")

    assert result.stdout == "★✓ DelayCodec: Streams That Wait for Each Other\n"
    lines = (kb.root / "marks.toml").read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert re.fullmatch(rf'"arxiv:2411.01234" = {{ read = {DAY}, starred = {DAY} }}  # DelayCodec: .*', lines[1])
    assert re.fullmatch(rf'"title:oldcodec residual .*" = {{ starred = {DAY} }}  # OldCodec: .*', lines[2])
    assert set(tomllib.loads("\n".join(lines))["arxiv:2411.01234"]) == {"read", "starred"}


def test_marks_outlive_the_index_a_rename_and_a_move_to_another_month(kb: Any) -> None:
    path = kb.write("2024-11.md", DELAY)
    kb.run("mark", "star", "delaycodec", "oldcodec")
    for path_of_index in (kb.root / ".kb").glob("kb.sqlite*"):  # the dictionary beside it takes seconds
        path_of_index.unlink()
    assert listed(kb, "is:starred") == ["2024-11/delaycodec", "2024-08/oldcodec"]

    path.rename(kb.notes / "2025-01.md")
    (kb.notes / "2024-08.md").rename(kb.notes / "2023-01.md")
    assert listed(kb, "is:starred") == ["2025-01/delaycodec", "2023-01/oldcodec"]


def test_a_paper_noted_again_is_marked_there_too(kb: Any) -> None:
    kb.run("mark", "read", "oldcodec")
    kb.write("2025-02.md", "**《OldCodec: Residual Quantizers for a Speech Codec》** Google，Codec\n\n重读。\n")
    assert listed(kb, "is:read") == ["2025-02/oldcodec", "2024-08/oldcodec"]
    assert "✓ OldCodec" in kb.run("search", "重读").stdout


def test_a_mark_made_when_only_the_title_was_known_holds_when_the_id_comes(kb: Any) -> None:
    kb.write("2024-11.md", DELAY.replace("论文：https://arxiv.org/abs/2411.01234\n", ""))
    kb.run("mark", "star", "delaycodec")
    assert '"title:' in (kb.root / "marks.toml").read_text("utf-8")
    kb.write("2024-11.md", DELAY)
    assert listed(kb, "is:starred") == ["2024-11/delaycodec"]
    kb.run("mark", "read", "delaycodec")
    text = (kb.root / "marks.toml").read_text("utf-8")
    assert text.count("\n") == 2
    assert '"arxiv:2411.01234" = { read = ' in text


def test_a_mark_of_a_title_holds_in_whichever_form_its_characters_are(kb: Any) -> None:
    kb.write("2024-11.md", "**《用擴散模型合成帶聲調的語音》** CMU，語音\n\nx\n")
    kb.run("mark", "star", "用扩散模型合成带声调的语音")
    path = kb.root / "marks.toml"
    assert listed(kb, "is:starred") == ["2024-11/用擴散模型合成帶聲調的語音"]

    name = "title:用擴 擴散 散模 模型 型合 合成 成帶 帶聲 聲調 調的 的語 語音 音"  # before forms were folded
    path.write_text(f'"{name}" = {{ starred = 2024-11-02 }}\n', encoding="utf-8")
    assert listed(kb, "is:starred") == ["2024-11/用擴散模型合成帶聲調的語音"]
    assert kb.json("search", "擴散模型")["hits"][0]["state"]["starred"] == "2024-11-02"


def test_a_note_without_any_identity_goes_by_its_id(kb: Any) -> None:
    kb.write("2024-12.md", "**《Tiny》** CMU，k\n\n短。\n")
    kb.run("mark", "star", "2024-12/tiny")
    assert '"id:2024-12/tiny"' in (kb.root / "marks.toml").read_text("utf-8")
    assert listed(kb, "is:starred") == ["2024-12/tiny"]


def test_a_star_in_a_note_counts_and_only_the_note_takes_it_back(kb: Any) -> None:
    starred = "### ☆ShineCodec: A Codec With a Star，CMU，Codec\n\n短。\n\n"
    kb.write("2024-12.md", f"{starred}### DullCodec: Without a Star，CMU，Codec\n\n短。\n")
    assert listed(kb, "is:starred") == ["2024-12/shinecodec"]
    assert "★ ShineCodec" in kb.run("search", "ShineCodec").stdout
    assert "starred  in the note" in kb.run("show", "shinecodec").stdout
    result = kb.run("mark", "unstar", "shinecodec")
    assert result.exit_code == 1
    assert "its note bears the star" in result.stderr
    assert not (kb.root / "marks.toml").exists()


def test_queries_ask_for_marks(kb: Any) -> None:
    everything = set(listed(kb))
    kb.run("mark", "read", "tinycodec")
    assert listed(kb, "is:read") == ["2024-10/tinycodec"]
    assert set(listed(kb, "is:unread")) == set(listed(kb, "-is:read")) == everything - {"2024-10/tinycodec"}
    assert [hit["paper"]["id"] for hit in kb.json("search", "codec", "is:unread")["hits"]] == ["2024-08/oldcodec"]
    assert kb.json("search", "TinyCodec")["hits"][0]["state"]["starred"] is None
    assert re.fullmatch(DAY, kb.json("show", "tinycodec")["state"]["read"])
    assert kb.run("list", "is:dull").stderr == "error: is: is one of starred, read, unread, got 'dull'\n"
    assert kb.run("search", "what the question is:").exit_code == 0


def test_a_mark_can_be_taken_back_and_is_not_made_twice(tmp_path: Path) -> None:
    path = tmp_path / "marks.toml"
    bookmarks.mark(path, [target("arxiv:1")], "star", "2025-05-01")
    bookmarks.mark(path, [target("arxiv:1")], "star", "2025-06-01")
    bookmarks.mark(path, [target("arxiv:1")], "read", "2025-06-02")
    assert '"arxiv:1" = { read = 2025-06-02, starred = 2025-05-01 }  # T\n' in path.read_text("utf-8")
    bookmarks.mark(path, [target("arxiv:1")], "unread", "2025-06-03")
    assert '"arxiv:1" = { starred = 2025-05-01 }  # T\n' in path.read_text("utf-8")
    bookmarks.mark(path, [target("arxiv:1")], "unstar", "2025-06-03")
    assert "arxiv" not in path.read_text("utf-8")


def test_lines_of_the_user_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "marks.toml"
    theirs = [
        "# mine\r\n",
        "order = ['a', 'b']\r\n",
        '"arxiv:1" = { read = 2025-01-01, rating = 5, why = "a, b" }  # my own words\r\n',
        '"arxiv:3" = {read=2025-01-01}\r\n',
        '"zzz:9" = { pinned = true }\r\n',
        "\r\n",
        "[later]\r\n",
        '"arxiv:1" = { read = 2024-01-01 }',
    ]
    path.write_bytes("".join(theirs).encode())
    bookmarks.mark(path, [target("arxiv:2", title="两")], "star", "2025-05-01")
    new = '"arxiv:2" = { starred = 2025-05-01 }  # 两\r\n'
    assert path.read_bytes().decode() == "".join([*theirs[:3], new, *theirs[3:]])
    bookmarks.mark(path, [target("arxiv:1")], "star", "2025-05-01")
    changed = '"arxiv:1" = { rating = 5, read = 2025-01-01, starred = 2025-05-01, why = "a, b" }  # my own words\r\n'
    assert path.read_bytes().decode() == "".join([*theirs[:2], changed, new, *theirs[3:]])
    assert bookmarks.named(path, "read") == ["arxiv:1", "arxiv:3"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('# x\n"arxiv:2410.00037" = { read = 2025-01-01\n', 2),
        ('"arxiv:2410.00037" = { read = 2025-01-01 }\n<<<<<<< HEAD\n', 2),
        ('"arxiv:2410.00037" = { read = 2025-01-01 }\n\n"arxiv:2410.00037" = { starred = 2025-01-01 }\n', 3),
        ('"arxiv:2" = { read = 2025-01-01 }\n"arxiv:2410.00037" = { read = true }\n', 2),
        ('"arxiv:2410.00037" = { read = 2025-01-01 starred = 2025-01-01 }\n', 1),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_written(kb: Any, text: str, line: int) -> None:
    path = kb.root / "marks.toml"
    path.write_text(text, encoding="utf-8")
    result = kb.run("mark", "star", "tinycodec")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {path}:{line}: ")
    assert result.stderr.count("\n") == 1
    assert path.read_text("utf-8") == text
    found = kb.run("search", "RVQ")
    assert (found.exit_code, found.stderr.count("\n")) == (0, 1)
    assert f"{path}:{line}: " in found.stderr
    assert "TinyCodec" in found.stdout


def test_one_unknown_name_marks_nothing(kb: Any) -> None:
    assert kb.run("mark", "star", "tinycodec", "nosuch").exit_code == 1
    assert not (kb.root / "marks.toml").exists()
    assert kb.run("mark", "love", "tinycodec").exit_code == 2


def test_a_mark_changes_no_note_and_no_index(kb: Any) -> None:
    kb.run("index")
    files = [*kb.notes.rglob("*.md"), kb.root / "kb.toml"]
    before = [path.read_bytes() for path in files]
    kb.run("mark", "star", "tinycodec")
    assert [path.read_bytes() for path in files] == before
    assert sorted(path.name for path in kb.root.iterdir()) == [".kb", "kb.toml", "marks.toml", "notes"]


def test_two_people_who_mark_other_papers_can_merge(tmp_path: Path) -> None:
    path = tmp_path / "marks.toml"
    for number in range(0, 100, 10):
        bookmarks.mark(path, [target(f"arxiv:{number:04d}")], "read", "2025-05-01")
    base = path.read_text("utf-8").splitlines()
    bookmarks.mark(path, [target("arxiv:0015")], "read", "2025-05-01")
    mine = path.read_text("utf-8").splitlines()
    assert [line for line in mine if line not in base] == [mine[3]]
    assert mine[1:] == sorted(mine[1:])


_VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
_NAMES = st.builds("{}:{}".format, st.sampled_from(["arxiv", "doi", "id"]), _VALUES)


@given(st.lists(st.tuples(_NAMES, st.sampled_from(sorted(bookmarks.ACTIONS)), st.text(max_size=9)), max_size=12))
def test_what_was_marked_is_what_is_read_back(tmp_path_factory: Any, marks: list[tuple[str, str, str]]) -> None:
    path = tmp_path_factory.mktemp("marks") / "marks.toml"
    wanted: dict[str, set[str]] = {}
    for name, action, title in marks:
        try:
            bookmarks.mark(path, [target(name, title=re.sub(r"[\x00-\x1f\x7f]", " ", title))], action, "2025-05-01")
        except KbError as error:
            pytest.fail(str(error))
        what, is_set = bookmarks.ACTIONS[action]
        (wanted.setdefault(what, set()).add if is_set else wanted.setdefault(what, set()).discard)(name)

    for what in ("starred", "read"):
        assert set(bookmarks.named(path, what)) == wanted.get(what, set())
    if path.exists():
        values = tomllib.loads(path.read_text("utf-8"))  # as another program reads it
        assert {name for name, value in values.items() if "read" in value} == wanted.get("read", set())


def test_of_many_that_mark_at_once_every_mark_is_kept(empty_kb: Any) -> None:
    names = [f"Toy{number}" for number in range(24)]
    empty_kb.write("a.md", "".join(f"**《{name}: A Codec of Its Own》** X，k\n\n正文\n\n" for name in names))
    empty_kb.refresh()
    failures: list[BaseException] = []

    def star(name: str) -> None:
        try:
            with empty_kb.base as base:
                base.mark("star", f"{name}: A Codec of Its Own")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=star, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(empty_kb.base.papers("is:starred")) == len(names)
