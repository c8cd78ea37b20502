import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest

from kb.errors import IndexBusy
from kb.index import meaning as encoding
from kb.index import refresh as refreshing
from kb.index import words as indexing
from kb.index.query import parse_query
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.writer import Writer
from kb.search.find import search
from kb.sqlite_files import connect
from tests.faults.killing import PATIENCE_SECONDS, start
from tests.faults.parallel import run_all, write_generation
from tests.faults.states import full_text_is_whole, state


def test_readers_and_writers_at_once_see_whole_states_and_no_errors(empty_kb: Any) -> None:
    for writer in (8, 9):
        write_generation(empty_kb.root, writer, 0)
    empty_kb.run("index")

    readers, writers = run_all(empty_kb.root, readers=4, writers=2, seconds=2)

    assert [told.errors for told in (*readers, *writers)] == [[]] * 6
    assert [told.mixtures for told in readers] == [0] * 4
    assert min(told.runs for told in (*readers, *writers)) > 0
    assert [told.busy for told in writers] == [0] * 2  # each had its turn
    empty_kb.run("index")
    assert state(empty_kb.config.database)["files"]
    assert full_text_is_whole(empty_kb.config.database)


def test_a_refresh_is_one_commit(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.refresh()
    kb.write("2024-10.md", "**《New》** X，k\n")
    (kb.notes / "2024-08.md").unlink()
    with closing(sqlite3.connect(kb.config.database)) as other:
        seen: list[int] = []

        def look(statement: str = "") -> None:
            seen.append(other.execute("PRAGMA data_version").fetchone()[0])

        def watched(*arguments: Any, **settings: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **settings)
            connection.set_trace_callback(look)  # before each statement
            return connection

        monkeypatch.setattr("kb.index.sqlite.writer.connect", watched)
        kb.refresh()
        look()

    assert len(seen) > 10
    assert len(set(seen)) == 2


def test_two_first_indexes_at_once_make_one(kb: Any) -> None:
    both = [start(kb.root, ["kb", "index"]) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[0].decode() for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert all(line.startswith("notes: ") and line.count("\n") == 1 for line in said)
    assert len(kb.json("list", "--no-refresh")) == 4


def test_an_index_that_has_to_wait_too_long_says_so_in_one_line(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.refresh()
    kb.write("new.md", "**《New》** X，k\n")
    monkeypatch.setattr(indexing.refresh, "__defaults__", (None, 0.05))
    writer = Writer(kb.config.database)
    with writer.transaction():
        result = kb.run("index")
    writer.close()

    assert result.exit_code == 1
    assert result.stderr == f"error: another kb is writing {kb.config.database}; try again when it is done\n"


def test_a_search_sees_one_state_though_another_program_changes_it_meanwhile(kb: Any) -> None:
    kb.refresh()
    with closing(Reader(kb.config.database)) as reader:
        found = reader.match(parse_query("TinyCodec")).scores
        for path in kb.notes.glob("*.md"):
            path.unlink()
        kb.write("other.md", "**《Other》** X，k\n")
        kb.refresh()

        assert reader.papers.rows([key for key, _ in found])[0].title.startswith("TinyCodec")
        assert search(kb.config, reader, "TinyCodec", 10, None).total == 1
        reader.renew()
        assert reader.match(parse_query("TinyCodec")).scores == []


def test_a_search_whose_passages_cannot_be_encoded_now_goes_on(
    kb: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kb.root / "kb.toml").write_text('encoder = "hashed"\n', encoding="utf-8")
    monkeypatch.setattr(refreshing, "open_encoder", lambda index, model: encoder)

    def busy(*arguments: Any) -> bool:
        raise IndexBusy("another kb is writing it")

    monkeypatch.setattr(encoding, "encode_few", busy)
    result = kb.run("list")

    assert result.exit_code == 0
    assert result.stderr == "some passages have no embedding yet: another kb is writing it\n"


def test_an_index_of_an_earlier_version_is_brought_up_by_many_programs_at_once(kb: Any) -> None:
    from tests.faults.test_old_indexes import put

    put(kb, "0003.sqlite.gz")
    failures: list[BaseException] = []

    def upgrade() -> None:
        try:
            indexing.upgrade(kb.config)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(kb.json("list")) == 5
