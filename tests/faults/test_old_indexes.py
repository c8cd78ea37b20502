import gzip
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.errors import IndexNewer
from kb.index import words as indexing
from kb.index.encoders.exported import GRAPH, MANIFEST, TOKENIZER, WEIGHTS, Manifest, encoders_folder, open_exported
from kb.index.sqlite.schema import migrations
from kb.index.sqlite.writer import Writer
from kb.index.translation import gloss_path
from tests.conftest import Kb, put_few_words, settled, with_two_months
from tests.faults.states import full_text_is_whole, state

INDEXES = Path(__file__).parent / "indexes"
ENCODER = "hash-16"


def put(kb: Any, name: str) -> None:
    kb.write("single.md", (INDEXES / "single.md").read_text(encoding="utf-8"))
    kb.config.index.mkdir(exist_ok=True)
    kb.config.database.write_bytes(gzip.decompress((INDEXES / name).read_bytes()))


def tables(database: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name").fetchall()


def test_there_is_an_index_of_every_schema() -> None:
    steps = [migration.name[:4] for migration in migrations._migrations]

    assert [path.name[:4] for path in sorted(INDEXES.glob("*.gz"))] == steps[2:]  # the first three came together


@pytest.mark.parametrize("name", sorted(path.name for path in INDEXES.glob("*.gz")))
def test_an_index_of_an_earlier_version_opens_and_becomes_what_it_would_be_now(
    kb: Any, new_kb: Any, encoder: Any, name: str
) -> None:
    put(kb, name)
    with closing(sqlite3.connect(kb.config.database)) as db:
        vectors = sorted(db.execute("SELECT text_hash, vector FROM vectors WHERE encoder = ?", (ENCODER,)))

    listed = kb.json("list")

    fresh = new_kb()
    for path in kb.notes.iterdir():
        fresh.write(path.name, path.read_text(encoding="utf-8"))
    fresh.refresh()
    assert {paper["id"] for paper in listed} == {paper["id"] for paper in fresh.json("list")}
    assert state(kb.config.database) == state(fresh.config.database)
    assert tables(kb.config.database) == tables(fresh.config.database)
    assert full_text_is_whole(kb.config.database)
    with closing(sqlite3.connect(kb.config.database)) as db:
        assert len(vectors) == {"0013": 8, "0014": 6}.get(name[:4], 5)  # from step 13 on of text beside papers, too
        assert sorted(db.execute("SELECT text_hash, vector FROM vectors WHERE encoder = ?", (ENCODER,))) == vectors


def test_runs_of_claims_outlive_the_migration(kb: Any) -> None:
    put(kb, "0008.sqlite.gz")

    [claim] = kb.json("claims")["claims"]  # stale or not, as the code of arithmetic goes on
    [run] = kb.json("claims", claim["id"])["runs"]

    assert run["state"] == "holds"


@pytest.mark.usefixtures("well_machine")
def test_a_newer_index_is_refused_with_advice_and_left_as_it_is(kb: Any) -> None:
    kb.refresh()
    with closing(sqlite3.connect(kb.config.database)) as db, db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('paper-kb', '0999_later')")
    before = kb.config.database.read_bytes()

    for command in (["list"], ["search", "RVQ", "--no-refresh"], ["index"], ["index", "--full"], ["status"]):
        result = kb.run(*command)
        assert result.exit_code == 1
        assert "made by a newer version of kb; install that, or delete it and run: kb index" in result.stderr
        assert result.stderr.count("\n") == 1
    assert "newer version of kb" in kb.run("doctor").stdout
    with pytest.raises(IndexNewer):
        Writer(kb.config.database)
    assert kb.config.database.read_bytes() == before


def files_of(kb: Any) -> list[str]:
    return sorted(
        path.relative_to(kb.config.index).as_posix()
        for path in kb.config.index.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )


def answers(kb: Any) -> list[Any]:
    found = []
    for query in ("声调", "residual quantization", "delay", '"RVQ"'):
        hits = kb.json("search", query)["hits"]
        found.append([(hit["paper"]["id"], round(hit["score"], 6), hit["text"]) for hit in hits])
    return [found, sorted(paper["id"] for paper in kb.json("list"))]


@pytest.fixture(scope="module")
def of_few_words(new_kb: Callable[[], Kb]) -> Kb:
    """A knowledge base whose dictionary was made out of a few words."""
    kb = with_two_months(new_kb())
    gloss_path(kb.config.index).unlink()
    with pytest.MonkeyPatch.context() as patch:
        put_few_words(patch)
        kb.run("index")
    return kb


@pytest.fixture
def quick_kb(of_few_words: Kb, few_words: None, well_machine: None, tmp_path: Path) -> Kb:
    shutil.copytree(of_few_words.root, tmp_path / "kb")
    return settled(Kb(tmp_path / "kb"))


@pytest.mark.parametrize("name", [".gitignore", "CACHEDIR.TAG", "gloss.sqlite", "kb.sqlite"])
def test_a_file_of_the_index_that_is_deleted_costs_time_alone(quick_kb: Any, name: str) -> None:
    kb = quick_kb
    assert files_of(kb) == [".gitignore", "CACHEDIR.TAG", "gloss.sqlite", "kb.sqlite"]
    before = answers(kb)
    (kb.config.index / name).unlink()

    assert answers(kb) == before
    kb.run("index")
    assert files_of(kb) == [".gitignore", "CACHEDIR.TAG", "gloss.sqlite", "kb.sqlite"]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_after_a_kill_too_any_file_of_the_index_can_be_deleted(kb: Any, new_kb: Any, suffix: str) -> None:
    kb.refresh()
    before = answers(kb)
    kb.write("new.md", "**《Newest》** X，声调\n")
    writer = Writer(kb.config.database)  # as long as it is open, what is committed stays in the -wal file
    kb.refresh()
    left = new_kb()
    for path in kb.config.index.iterdir():
        (left.config.index / path.name).unlink(missing_ok=True)
        os.link(path, left.config.index / path.name) if path.name == "gloss.sqlite" else (
            left.config.index / path.name
        ).write_bytes(path.read_bytes())
    writer.close()
    for path in kb.notes.iterdir():
        left.write(path.name, path.read_text(encoding="utf-8"))
    Path(f"{left.config.database}{suffix}").unlink()

    assert left.run("index").exit_code == 0
    assert answers(left) == answers(kb) != before


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, TOKENIZER, MANIFEST])
def test_an_encoder_that_lacks_a_file_counts_as_none_so_that_index_makes_it_anew(tmp_path: Path, name: str) -> None:
    folder = encoders_folder(tmp_path) / "minilm"
    folder.mkdir(parents=True)
    for one in (GRAPH, WEIGHTS, TOKENIZER):
        (folder / one).touch()
    manifest = Manifest("minilm", "abc", 4, 8, "mean", "", "", True)
    (folder / MANIFEST).write_text(json.dumps(manifest._asdict()), encoding="utf-8")
    assert open_exported(tmp_path, "minilm") is not None

    (folder / name).unlink()

    assert open_exported(tmp_path, "minilm") is None


@pytest.mark.parametrize(
    ("name", "damage"),
    [("kb.sqlite", damage) for damage in ("empty", "junk", "half", "page")]
    + [("gloss.sqlite", "empty"), ("gloss.sqlite", "page")],
)
def test_a_damaged_file_is_told_in_one_line_and_mended_by_index(quick_kb: Any, name: str, damage: str) -> None:
    kb = quick_kb
    before = answers(kb)
    path = kb.config.index / name
    data = path.read_bytes()
    path.unlink()
    at = 4096
    damaged = {
        "empty": b"",
        "junk": b"this is no database" * 300,
        "half": data[: len(data) // 2],
        "page": data[:at] + b"\xff" * 8192 + data[at + 8192 :],
    }
    path.write_bytes(damaged[damage])

    for command in (["search", "声调"], ["list"], ["show", "tinycodec"], ["digest", "2024-10"]):
        result = kb.run(*command)
        assert result.exit_code == 0 or (result.stderr.count("\n") == 1 and "run: kb index" in result.stderr)
    result = kb.run("index", "--full")
    assert result.exit_code == 0
    assert answers(kb) == before
    aside = [found.read_bytes() for found in kb.config.index.glob("damaged-*.sqlite")]
    assert aside == ([damaged[damage]] if name == "kb.sqlite" and damage != "empty" else [])
    assert ("set the damaged index aside as" in result.stderr) == bool(aside)
    assert indexing.rebuild(kb.config).failures == []


def test_a_damaged_table_of_translations_is_made_anew_when_a_note_has_changed(quick_kb: Any) -> None:
    path = gloss_path(quick_kb.config.index)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    quick_kb.write("2024-12.md", "**《Later: 声调编码器》** CMU，声调\n\n声调留在残差里。\n")

    result = quick_kb.run("search", "声调编码器")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "Later: 声调编码器" in result.stdout
    assert path.read_bytes() == data


@pytest.mark.parametrize("name", ["kb.sqlite", "gloss.sqlite"])
def test_a_schema_that_is_no_text_any_more_is_damage(quick_kb: Any, name: str) -> None:
    before = answers(quick_kb)
    table = {"kb.sqlite": "passages", "gloss.sqlite": "meta"}[name]
    with closing(sqlite3.connect(quick_kb.config.index / name)) as db, db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute(
            "UPDATE sqlite_master SET name = CAST(x'ff0a' AS TEXT), sql = 'CREATE TABLE' WHERE name = ?", (table,)
        )

    result = quick_kb.run("search", "声调")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"{name} is damaged (malformed database schema); run: kb index" in result.stderr
    assert "malformed database schema" in quick_kb.run("doctor").stdout or name == "gloss.sqlite"
    assert quick_kb.run("index", "--full").exit_code == 0
    assert answers(quick_kb) == before


def test_a_row_that_is_no_text_any_more_is_damage(kb: Any) -> None:
    kb.refresh()
    with closing(sqlite3.connect(kb.config.database)) as db, db:
        db.execute("UPDATE papers SET title = CAST(x'ff0a' AS TEXT)")

    result = kb.run("list")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "is damaged (Could not decode to UTF-8); run: kb index --full" in result.stderr
    assert kb.run("index", "--full").exit_code == 0
    assert len(kb.json("list")) == 4
