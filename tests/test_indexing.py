import os
import sqlite3
from typing import Any

import pytest

from kb.errors import IndexBusy, KbError
from kb.index import readings
from kb.index import words as indexing
from kb.index.query import parse_query
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.writer import Writer
from kb.notes import loading
from kb.notes.folders import scan
from kb.records import Paper
from tests.conftest import Kb


def titles(kb: Any) -> list[str]:
    return [row.title for row in kb.reader().listed(parse_query(""))]


@pytest.fixture
def kb(unread_kb: Kb) -> Kb:
    return unread_kb


def test_a_record_comes_out_of_the_index_as_it_went_in(kb: Any) -> None:
    from kb.notes.parsing import parse_note

    kb.refresh()
    reader = kb.reader()
    stored = [Paper.model_validate_json(record) for _, record in reader.papers.records("2024-10", "2024-10")]

    read = parse_note((kb.notes / "2024-10.md").read_bytes(), "2024-10.md").papers
    assert stored == [paper for paper in read if paper.kind != "note"]


def test_files_that_differ_in_their_ending_alone_keep_their_records_apart(empty_kb: Any) -> None:
    text = "---\ntitle: 2024-10\n---\n**《Same Paper Twice》** CMU，A\n\n话。\n"
    for name in ("a.md", "a.txt", "a.markdown"):
        empty_kb.write(name, text)
    empty_kb.refresh()

    assert sorted(row.id for row in empty_kb.reader().papers.all()) == [
        "a.markdown/same-paper-twice",
        "a.txt/same-paper-twice",
        "a/same-paper-twice",
    ]


def test_newest_month_first_then_as_in_the_notes(kb: Any) -> None:
    kb.refresh()
    assert [title.split(":")[0] for title in titles(kb)] == [
        "Prompt Search",
        "TinyCodec",
        "Do Units Keep Tone?",
        "OldCodec",
    ]


def test_a_second_refresh_does_nothing(kb: Any) -> None:
    assert kb.refresh().indexed == 2
    assert kb.refresh() == indexing.Report()


def test_an_edited_file_is_read_again_and_a_deleted_one_forgotten(kb: Any) -> None:
    kb.refresh()
    kb.write("2024-08.md", "**《Changed》** X，k\n")
    (kb.notes / "2024-10.md").unlink()
    report = kb.refresh()

    assert (report.indexed, report.removed) == (1, 1)
    assert titles(kb) == ["Changed"]
    assert kb.reader().match(parse_query("OldCodec")).scores == []


def test_a_touched_file_with_the_same_bytes_is_not_parsed_again(kb: Any) -> None:
    kb.refresh()
    keys = [row.key for row in kb.reader().listed(parse_query(""))]
    os.utime(kb.notes / "2024-10.md", (1, 1))

    assert kb.refresh().indexed == 0
    assert [row.key for row in kb.reader().listed(parse_query(""))] == keys


def test_building_twice_is_building_once(kb: Any) -> None:
    kb.refresh()
    before = [(row.id, row.line) for row in kb.reader().listed(parse_query(""))]
    indexing.rebuild(kb.config)

    assert [(row.id, row.line) for row in kb.reader().listed(parse_query(""))] == before


def test_many_files_read_by_several_processes_give_the_same_index(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.refresh()
    alone = [(row.key, row.id, row.line) for row in kb.reader().listed(parse_query(""))]
    monkeypatch.setattr(readings, "FILES_WORTH_SHARING", 2)
    monkeypatch.setattr(readings.os, "cpu_count", lambda: 2)
    kb.config.database.unlink()
    indexing.rebuild(kb.config)

    assert [(row.key, row.id, row.line) for row in kb.reader().listed(parse_query(""))] == alone


def test_a_bad_file_is_reported_and_what_it_held_before_stays(kb: Any) -> None:
    kb.refresh()
    (kb.notes / "2024-08.md").write_bytes("《坏》".encode("gbk"))
    kb.write("new.md", "**《New》** X，k\n")
    report = kb.refresh()

    assert report.indexed == 1
    assert [failure.file for failure in report.failures] == ["2024-08.md"]
    assert any(title.startswith("OldCodec") for title in titles(kb))
    assert kb.reader().files.states()["2024-08.md"].state == "failed"


def test_an_unreadable_file_is_tried_again(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = loading.read_regular
    monkeypatch.setattr(loading, "read_regular", lambda path: denied() if path.name == "2024-08.md" else real(path))

    def denied() -> bytes:
        raise PermissionError(13, "Permission denied")

    (failure,) = kb.refresh().failures
    assert str(failure) == "2024-08.md: cannot be read: Permission denied; check its permissions"
    monkeypatch.setattr(loading, "read_regular", real)
    assert kb.refresh().indexed == 1


def test_an_interrupted_refresh_leaves_the_index_as_it_was(kb: Any) -> None:
    kb.refresh()
    before = titles(kb)
    kb.write("2024-10.md", "**《Half》** X，k\n")
    (kb.notes / "2024-08.md").unlink()

    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    from kb.notes.folders import find_changes

    with pytest.raises(KeyboardInterrupt):
        indexing.refresh(kb.config, find_changes(kb.config, kb.reader().files.stamps()), interrupt)
    assert titles(kb) == before


def test_two_writers_do_not_meet(kb: Any) -> None:
    kb.refresh()
    first, second = Writer(kb.config.database), Writer(kb.config.database, wait_seconds=0.05)
    with first.transaction(), pytest.raises(IndexBusy, match="another kb is writing"):
        second.transaction().__enter__()


def test_an_index_that_is_none_is_said_so_and_rebuilt(kb: Any) -> None:
    kb.config.database.write_bytes(b"this is no database" * 100)

    with pytest.raises(KbError, match="kb index --full"):
        Reader(kb.config.database)
    indexing.rebuild(kb.config)
    assert len(titles(kb)) == 4


def test_hidden_files_other_files_and_links_to_folders_are_passed_over(kb: Any) -> None:
    kb.write(".hidden.md", "x")
    kb.write(".obsidian/a.md", "x")
    kb.write("deep/glossary.yaml", "x")
    kb.write("other.yaml", "x")
    (kb.notes / "loop").symlink_to(kb.notes, target_is_directory=True)
    kb.write("deep/er/b.TXT", "x")

    assert sorted(scan(kb.notes, {})) == ["2024-08.md", "2024-10.md", "deep/er/b.TXT"]


def test_a_missing_notes_folder_empties_nothing(kb: Any) -> None:
    kb.refresh()
    kb.notes.rename(kb.root / "elsewhere")

    with pytest.raises(KbError, match="no notes folder"):
        kb.refresh()
    assert len(titles(kb)) == 4


def test_the_same_title_twice_makes_two_records(empty_kb: Any) -> None:
    empty_kb.write("a.md", "**《Same》** X，k\n\none\n\n**《Same》** Y，k\n\ntwo\n")
    empty_kb.refresh()
    assert [row.id for row in empty_kb.reader().listed(parse_query(""))] == ["a/same", "a/same-2"]


def test_the_index_keeps_only_what_the_notes_say(kb: Any) -> None:
    kb.refresh()
    (kb.notes / "2024-10.md").unlink()
    (kb.notes / "2024-08.md").unlink()
    kb.refresh()
    with sqlite3.connect(kb.config.database) as db:
        for table in ("files", "papers", "papers_fts", "passages", "passage_texts"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_note_with_broken_front_matter_is_searched_and_its_line_told_once(kb: Any) -> None:
    kb.write(
        "template.md", "---\ntitle: Broken Toys\nyear: {{year}}\nauthors: {{authors}}: x\n---\n\n声学延迟让码本错开。\n"
    )

    first, second = kb.run("search", "Broken Toys"), kb.run("search", "Broken Toys")

    assert "Broken Toys" in first.stdout
    assert "template.md: line" in first.stderr
    assert "quote the value or mend the line" in first.stderr
    assert second.stderr == ""
    assert "line" in next(one["reason"] for one in kb.json("status")["files"] if one["path"] == "template.md")


def test_a_note_of_the_year_2300_is_read_once(kb: Any) -> None:
    kb.refresh()
    note = kb.write("later.md", "**《Later Toys: A Paper》** X，k\n\n正文\n")
    os.utime(note, ns=(10_413_792_000 * 10**9,) * 2)

    assert kb.refresh().indexed == 1
    assert kb.refresh().indexed == 0
    assert "Later Toys" in kb.run("search", "Later Toys").stdout
