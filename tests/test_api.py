"""The interface that every front calls: from Python, from several threads, over many calls."""

import contextlib
import gc
import io
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import kb as package
from kb.api.algorithms import run
from kb.api.as_json import plain
from kb.api.base import open_base
from kb.api.options import Layout
from kb.errors import Ambiguous, KbError, NotFound
from tests.conftest import AUGUST, Kb

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.DOTALL)
THREADS, WRITES = 4, 12
SEARCHES, FIRST = 300, 400  # the first fill what is kept of a bounded number of words


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_document_runs(kb: Kb, example: str) -> None:
    kb.write("2024-11.md", "**《DM-Codec: Distilling Representations》** CMU，Codec\n\n声学延迟。\n")
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        exec(example.replace("~/papers", str(kb.root)), {})

    assert "DM-Codec" in printed.getvalue() or "TinyCodec" in printed.getvalue()


def test_a_folder_below_and_one_that_is_none(kb: Kb, tmp_path: Path) -> None:
    with package.open(kb.notes) as base:
        assert base.config.root == kb.root
    with pytest.raises(KbError, match="kb init"):
        package.open(tmp_path)


def test_what_a_command_prints_is_what_the_interface_returns(kb: Kb) -> None:
    with package.open(kb.root) as base:
        base.refresh()
        answer = base.search("声学延迟")
        assert [hit["paper"] for hit in kb.json("search", "声学延迟")["hits"]] == [
            plain(hit.paper) for hit in answer.hits
        ]
        assert kb.json("stats") == base.counts()
        assert [one["id"] for one in kb.json("list")] == [one.paper.id for one in base.papers()]
        view = base.paper("tinycodec")
        assert kb.json("show", "tinycodec")["id"] == view.records[view.paper.key]["id"]
        assert kb.run("export").stdout == base.export().text


def test_a_name_that_is_no_paper_s_and_one_of_several_are_told_apart(kb: Kb) -> None:
    with package.open(kb.root) as base:
        for refused, asked in (
            (NotFound, lambda: base.paper("no such paper")),
            (NotFound, lambda: base.claims("no such claim")),
            (NotFound, lambda: base.run("no-such-algorithm")),
            (Ambiguous, lambda: base.paper("codec")),
        ):
            with pytest.raises(refused):
                asked()


def test_a_text_is_compared_as_its_file_is(kb: Kb, tmp_path: Path) -> None:
    sample = tmp_path / "sample.md"
    sample.write_text("# Codecs\n\n残差向量量化，声学延迟。\n\n## Tones\n\n离散单元丢掉了声调。\n", encoding="utf-8")
    with package.open(kb.root) as base:
        assert base.similar_to_text(sample.read_text(encoding="utf-8")) == base.similar_to_file(sample)
        with pytest.raises(KbError, match="no text to compare with"):
            base.similar_to_text("\n")


def test_a_demo_in_a_process_of_its_own_gives_what_it_gives_here(kb: Kb) -> None:
    with package.open(kb.root) as base:
        here = run("delay", "cpu", 0, ["codebooks=3"])
        here.pop("audio", None)
        assert base.run("delay", ["codebooks=3"], device="cpu") == {**plain(here), "claims": []}
        with pytest.raises(KbError, match="codebooks should be a whole number"):
            base.run("delay", ["codebooks=three"])
        with pytest.raises(KbError, match="no answer within 1e-09 s"):
            base.run("delay", limit_seconds=1e-9)


def test_a_file_is_not_read_for_somebody_who_may_name_none(kb: Kb, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@article{a, title={A Paper of Some Length}}")
    with package.open(kb.root) as base:
        (outcome,) = base.add(str(tmp_path / "a.bib"), offline=True)
        assert outcome.entry
        (outcome,) = base.add(str(tmp_path / "a.bib"), offline=True, reads_files=False)
        assert (outcome.entry, outcome.problem) == (
            (),
            f"{tmp_path / 'a.bib'}: no file is read here; name a paper by its arXiv id or DOI",
        )


def test_what_json_has_no_word_for_is_put_as_it_can() -> None:
    found = [float("nan"), Path("notes") / "a.md", {"x": (1.5, float("inf"))}]

    assert plain(found) == [None, "notes/a.md", {"x": [1.5, None]}]


def test_marks_are_seen_by_the_next_call(kb: Kb) -> None:
    with package.open(kb.root) as base:
        base.refresh()
        assert [one.paper.id for one in base.papers("is:starred")] == []
        (marked,) = base.mark("star", ["tinycodec"])
        assert marked.state.starred
        assert [one.paper.id for one in base.papers("is:starred")] == [marked.paper.id]


def test_an_index_that_was_made_anew_is_seen(kb: Kb) -> None:
    with package.open(kb.root) as base:
        base.refresh()
        assert base.search("声学延迟").hits
        for path in kb.config.index.glob("kb.sqlite*"):
            path.unlink()
        base.refresh()
        assert base.search("声学延迟").hits


def test_threads_see_only_what_is_committed_while_another_writes(kb: Kb) -> None:
    base = open_base(kb.root)
    base.refresh()
    seen: list[tuple[int, int]] = []
    problems: list[BaseException] = []
    is_done = threading.Event()

    def read() -> None:
        try:
            while not is_done.is_set():
                hits = base.search("apple pear", limit=0).hits
                seen.append((len(hits), len({hit.text for hit in hits})))
            base.close()
        except BaseException as error:
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(THREADS)]
    for reader in readers:
        reader.start()
    try:
        for number in range(WRITES):  # two papers a file, which come and go together
            pair = "".join(f"**《{fruit} {number}》** X，k\n\n{fruit} {number}\n\n" for fruit in ("apple", "pear"))
            kb.write("2025-01.md", pair if number % 2 == 0 else AUGUST)
            base.refresh()
    finally:
        is_done.set()
        for reader in readers:
            reader.join()

    assert problems == []
    assert {count for count, _ in seen} <= {0, 2}
    assert len(seen) > THREADS


def test_many_searches_leave_the_memory_as_it_was(kb: Kb) -> None:
    with package.open(kb.root) as base:
        base.refresh()
        blocks = []
        for number in range(FIRST + SEARCHES):
            base.search(f"声学 codec {number}")
            if number in (FIRST - 1, FIRST + SEARCHES - 1):
                gc.collect()
                blocks.append(sys.getallocatedblocks())
    assert blocks[1] - blocks[0] < SEARCHES  # what stays after each would be as many


def test_what_a_program_gives_wrongly_is_said_in_one_line(kb: Any, tmp_path: Path) -> None:
    base = kb.base
    wrong = (
        lambda: base.mark("blah", ["tinycodec"]),
        lambda: base.export("", "foo"),
        lambda: base.export_file("", "foo", tmp_path / "x"),
        lambda: base.publish("October", Layout()),
        lambda: base.publish("2024-10", Layout(form="zz")),  # type: ignore[arg-type]
        lambda: base.publish("2024-10", Layout(site="zz")),  # type: ignore[arg-type]
        lambda: base.publish("2024-10", Layout(lang="fr")),  # type: ignore[arg-type]
        lambda: base.trends("13"),
        lambda: base.add("2410.77777", month="foo"),
        lambda: base.claims("nosuch"),
        lambda: open_base("~nobody-is-called-so/papers"),
    )
    for call in wrong:
        with pytest.raises(KbError) as found:
            call()
        assert len(str(found.value).splitlines()) == 1


def test_one_text_is_as_good_as_a_list_and_a_text_as_a_path(kb: Any, tmp_path: Path) -> None:
    base = kb.base
    assert [one.paper.title for one in base.mark("star", "tinycodec")] == ["TinyCodec: A Small Speech Codec"]
    assert base.similar("residual quantizers").hits == base.similar(["residual quantizers"]).hits
    assert base.export_file("", "bibtex", str(tmp_path / "all.bib")) == 4
    assert base.publish("2024-10", Layout(), str(tmp_path / "d.md")) == (tmp_path / "d.md").read_text("utf-8")
    (added,) = base.add("2410.77777", month="2026-02", offline=True)
    assert "2410.77777" in "".join(added.entry)
