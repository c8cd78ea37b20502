"""What `kb doctor` finds in knowledge bases that were damaged here, and what it mends."""

import errno
import gzip
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.api.doctor import index, machine
from kb.api.doctor.findings import Finding
from kb.index.sqlite import libraries
from tests.conftest import ROOT, HashEncoder, Kb

PROBE = machine.libraries_together


pytestmark = pytest.mark.usefixtures("well_machine")


def change(kb: Kb, *statements: str) -> None:
    with closing(sqlite3.connect(kb.config.database, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def rows(kb: Kb, query: str) -> list[Any]:
    with closing(sqlite3.connect(kb.config.database)) as db:
        return db.execute(query).fetchall()


def states(kb: Kb, *options: str) -> dict[str, str]:
    """Return what is not ok, by rule; the exit status is 1 if and only if something is broken."""
    result = kb.run("doctor", *options)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == any(state == "broken" for state, *_ in lines), result.output
    assert all(way_out for state, _, _, way_out in lines if state != "ok"), result.output
    return {rule: state for state, rule, _, _ in lines if state != "ok"}


def test_a_knowledge_base_that_is_well_is_said_so(kb: Kb) -> None:
    kb.refresh()

    assert states(kb) == {}
    found = kb.json("doctor")["findings"]
    assert {one["rule"] for one in found} >= {"python", "sqlite", "settings", "space", "ids", "index", "gloss"}


def test_a_damaged_index_is_set_aside_and_made_anew(kb: Kb) -> None:
    kb.refresh()
    database = kb.config.database
    change(kb, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(database.read_bytes())
    for page in range(3, len(data) // 4096):  # all but the schema
        data[page * 4096 : page * 4096 + 200] = b"\xaa" * 200
    database.write_bytes(data)

    assert states(kb) == {"index": "broken"}
    assert states(kb, "--fix") == {}
    assert kb.run("doctor").stdout.count("rm ") == 0
    assert [path.read_bytes() for path in kb.config.index.glob("damaged-*.sqlite")] == [bytes(data)]
    assert kb.json("search", "声学延迟", "--no-refresh")["hits"]


def test_an_index_without_one_of_its_tables_is_damaged(kb: Kb) -> None:
    kb.refresh()
    change(kb, "DROP TABLE names")

    assert states(kb) == {"index": "broken"}
    assert states(kb, "--fix") == {}
    assert [one["state"] for one in kb.json("doctor")["findings"] if one["rule"] == "set-aside"] == ["ok"]


def test_an_index_that_another_process_writes_is_examined_later(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.index.sqlite.health.WAIT_SECONDS", 0.1)
    kb.refresh()
    change(kb, "INSERT INTO works VALUES (999, 999)")
    with closing(sqlite3.connect(kb.config.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert states(kb) == {"index": "warning", "leftovers": "warning"}
        result = kb.run("doctor", "--fix")
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "locked" in result.stderr


def test_a_file_that_is_no_database_is_made_anew(kb: Kb) -> None:
    kb.config.database.write_bytes(b"this was never SQLite" * 500)

    assert states(kb) == {"index": "broken"}
    assert states(kb, "--fix") == {}
    assert kb.json("search", "声学延迟", "--no-refresh")["hits"]


@pytest.mark.parametrize(
    "harm", ["DELETE FROM papers_fts_data WHERE id > 10", "DELETE FROM papers_fts WHERE rowid < 3"]
)
def test_full_text_that_lost_words_is_made_again(kb: Kb, harm: str) -> None:
    kb.refresh()
    wanted = [hit["paper"]["id"] for hit in kb.json("search", "声学延迟")["hits"]]
    change(kb, harm)

    assert states(kb) == {"full-text": "broken"}
    assert states(kb, "--fix") == {}
    assert [hit["paper"]["id"] for hit in kb.json("search", "声学延迟", "--no-refresh")["hits"]] == wanted


def test_rows_that_belong_to_nothing_are_removed_and_no_others(kb: Kb) -> None:
    kb.refresh()
    before = rows(kb, "SELECT * FROM passages ORDER BY key")
    change(
        kb,
        "INSERT INTO passages (paper, line, heading, text) VALUES (999, 1, '', 'x')",
        "INSERT INTO passage_texts SELECT key, 'e', 'kept' FROM passages WHERE paper != 999 LIMIT 1",
        "INSERT INTO passage_texts SELECT key, 'e', 'lost' FROM passages WHERE paper = 999",
        "INSERT INTO vectors (encoder, text_hash, vector) VALUES ('e', 'kept', x'00'), ('e', 'lost', x'00')",
    )

    assert states(kb) == {"leftovers": "warning"}
    assert states(kb, "--fix") == {}
    assert rows(kb, "SELECT * FROM passages ORDER BY key") == before
    assert rows(kb, "SELECT text_hash FROM vectors") == [("kept",)]


def test_what_an_interrupted_write_left_is_removed_and_what_is_strange_only_named(kb: Kb) -> None:
    kb.refresh()
    old, new, strange = (kb.config.index / name for name in ("gloss.17.tmp", "gloss.18.tmp", "my thoughts.txt"))
    for path in (old, new, strange):
        path.write_text("x", encoding="utf-8")
    os.utime(old, (time.time() - 7200, time.time() - 7200))

    assert states(kb, "--fix") == {"strangers": "warning"}
    assert (old.exists(), new.exists(), strange.exists()) == (False, True, True)
    assert f"mv '{strange}' {kb.root}" in kb.run("doctor").stdout


def test_what_cannot_be_removed_is_not_said_to_be(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    old = kb.config.index / "gloss.17.tmp"
    old.write_text("x", encoding="utf-8")
    os.utime(old, (1, 1))
    real = Path.unlink

    def fails(path: Path, missing_ok: bool = False) -> None:
        if path.name == old.name:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", fails)
    result = kb.run("doctor", "--fix")

    assert f"{old} cannot be removed: Permission denied" in result.stderr
    assert "removed what" not in result.stderr


def test_many_lists_of_words_are_merged(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "LISTS_WORTH_MERGING", 3)
    for number in range(3):
        kb.write(f"2024-0{number + 1}.md", f"**《Codec{number}: A Codec》** CMU，Codec\n\n用残差向量量化。\n")
        kb.refresh()

    hits = kb.json("search", "残差向量量化")["hits"]

    assert states(kb) == {"term-lists": "warning"}
    assert states(kb, "--fix") == {}
    assert kb.json("search", "残差向量量化")["hits"] == hits


def test_an_index_that_is_missing_or_of_an_older_version_is_brought_up_to_date(unread_kb: Kb) -> None:
    kb = unread_kb
    assert states(kb) == {"index": "warning"}
    assert states(kb, "--fix") == {}
    (older, *_) = sorted((ROOT / "tests/faults/indexes").glob("*.gz"))
    kb.config.database.write_bytes(gzip.decompress(older.read_bytes()))
    change(kb, "DELETE FROM vectors", "DELETE FROM passage_texts")  # of an encoder that is none here
    assert states(kb) == {"index": "warning"}
    assert states(kb, "--fix") == {}


@pytest.mark.usefixtures("few_words")
def test_a_glossary_that_has_changed_is_taken_in(kb: Kb) -> None:
    kb.refresh()
    kb.write("glossary.yaml", "- en: [tiny codec]\n  zh: [小编解码器]\n")

    assert states(kb) == {"gloss": "warning"}
    assert states(kb, "--fix") == {}
    assert "tiny codec" in kb.run("gloss", "小编解码器").stdout


def test_ids_that_lose_digits_are_named_and_notes_stay_as_they_are(kb: Kb) -> None:
    note = kb.write("one.md", "---\ntitle: One\narxiv: 2301.10000\n---\n\n# One: A Paper\n")
    kb.refresh()
    before = note.read_bytes()

    assert states(kb, "--fix") == {"ids": "warning"}
    assert "one.md:3" in kb.run("doctor").stdout
    assert note.read_bytes() == before


def test_notes_that_failed_are_broken_until_they_are_mended(kb: Kb) -> None:
    note = kb.write("one.md", "a NUL byte \0 in it\n")
    kb.refresh()

    assert states(kb, "--fix") == {"notes": "broken"}
    note.write_text("# One\n", encoding="utf-8")
    kb.refresh()
    assert states(kb) == {}


def test_settings_that_cannot_be_read_are_broken_and_the_machine_is_told_of(kb: Kb, tmp_path: Path) -> None:
    (kb.root / "kb.toml").write_text("colour = true\n", encoding="utf-8")

    assert states(kb, "--fix") == {"settings": "broken"}
    assert "unknown key 'colour'" in kb.run("doctor").stdout
    (kb.root / "kb.toml").unlink()
    assert "kb init" in kb.run("doctor").stdout


def test_a_missing_source_and_a_missing_folder_of_notes(kb: Kb) -> None:
    (kb.root / "kb.toml").write_text('encoder = "none"\n[[sources]]\nfolder = "theirs"\n', encoding="utf-8")
    (kb.root / "theirs").mkdir()
    kb.refresh()
    (kb.root / "theirs").rmdir()

    assert states(kb) == {"sources": "warning"}
    kb.notes.rename(kb.root / "elsewhere")
    assert states(kb)["notes"] == "broken"


def test_an_encoder_that_is_not_set_up(kb: Kb) -> None:
    (kb.root / "kb.toml").write_text('encoder = "nobody/nothing"\n', encoding="utf-8")
    kb.refresh()

    assert states(kb) == {"encoder": "warning"}


def test_vectors_that_are_missing_and_files_of_another_encoder(
    kb: Kb, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kb.root / "kb.toml").write_text('encoder = "hash"\n', encoding="utf-8")
    kb.refresh()
    monkeypatch.setattr(index, "open_encoder", lambda folder, model: encoder)
    monkeypatch.setattr("kb.index.refresh.open_encoder", lambda folder, model: encoder)
    other = kb.config.index / "vectors-another-0123-7.faiss"
    other.write_bytes(b"x")

    assert states(kb) == {"vectors": "warning"}
    assert states(kb, "--fix") == {}
    assert not other.exists()


def probed(monkeypatch: pytest.MonkeyPatch, program: str) -> list[Finding]:
    monkeypatch.setattr(libraries, "PROBE", program)
    return list(PROBE())


def test_torch_and_faiss_that_end_the_process_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    abort = probed(monkeypatch, "import os; os.abort()")
    twice = probed(monkeypatch, "import sys; sys.exit('OMP: Error #15: Initializing libomp.dylib')")
    missing = probed(monkeypatch, "import nosuchmodule")
    wrong = probed(monkeypatch, 'print(\'{"nearest": 3, "openmp": []}\')')
    monkeypatch.setattr(machine, "PROBE_SECONDS", 0.2)
    hang = probed(monkeypatch, "import time; time.sleep(60)")

    assert [[(one.rule, one.state) for one in found] for found in (abort, twice, hang)] == [[("openmp", "broken")]] * 3
    assert "signal 6" in abort[0].what
    assert "Error #15" in twice[0].what
    assert [(one.rule, one.state) for one in missing] == [("faiss", "broken")]
    assert [(one.rule, one.state) for one in wrong] == [("faiss", "broken"), ("torch", "warning")]


def test_torch_and_faiss_of_this_machine_compute_in_one_process() -> None:
    pytest.importorskip("torch")
    assert {one.rule: one.state for one in PROBE()}.keys() == {"faiss", "torch", "openmp"}
