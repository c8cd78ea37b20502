"""What `kb doctor --deep` finds that time and size hide, and what it mends."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.index import meaning
from kb.index.encoders.exported import GRAPH, MANIFEST, TOKENIZER, WEIGHTS, open_exported
from kb.index.sqlite import nearest
from tests.conftest import HashEncoder, Kb, copied, settled, with_two_months
from tests.test_encoder_models import make_model

pytestmark = pytest.mark.usefixtures("well_machine")


@pytest.fixture(scope="module")
def encoded(new_kb: Callable[[], Kb]) -> Kb:
    """A knowledge base with a model beside its notes, which is exported, and every text encoded."""
    kb = with_two_months(new_kb())
    make_model(kb.root / "mine")
    kb.run("encoder", "use", "mine")
    kb.run("index")
    return kb


@pytest.fixture
def mine(encoded: Kb, tmp_path: Path) -> Kb:
    return copied(encoded.root, tmp_path / "kb")


def states(kb: Kb, *options: str) -> dict[str, str]:
    """Return what is not ok, by rule; each has a way out in its one line."""
    found = kb.json("doctor", *options)["findings"]
    assert all(one["way_out"] for one in found if one["state"] != "ok")
    assert all("\n" not in one["what"] for one in found)
    return {one["rule"]: one["state"] for one in found if one["state"] != "ok"}


def change(kb: Kb, *statements: str) -> None:
    with closing(sqlite3.connect(kb.config.database, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def vectors(kb: Kb) -> dict[str, bytes]:
    with closing(sqlite3.connect(kb.config.database)) as db:
        return dict(db.execute("SELECT text_hash, vector FROM vectors"))


def zero_half(path: Path, keep_time: bool) -> None:
    before = path.stat()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle:] = bytes(len(data) - middle)
    path.write_bytes(data)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.model
@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, TOKENIZER])
def test_files_of_the_encoder_that_changed_are_found_and_made_again(mine: Kb, name: str) -> None:
    assert states(mine, "--deep") == {}
    place = mine.config.index / "encoders" / "mine" / name
    whole = place.read_bytes()
    assert len(whole) > 1000
    zero_half(place, keep_time=True)
    if name == WEIGHTS:  # it encodes, and nobody else sees a difference
        assert states(mine) == {}

    assert states(mine, "--deep")["encoder"] == "broken"
    assert states(mine, "--deep", "--fix") == {}
    assert place.read_bytes() == whole


@pytest.mark.model
def test_weights_that_were_written_later_are_found_by_an_ordinary_examination(mine: Kb) -> None:
    weights = mine.config.index / "encoders" / "mine" / WEIGHTS
    last = (weights.parent / MANIFEST).stat().st_mtime_ns + 10**9
    os.utime(weights, ns=(last, last))
    assert states(mine) == {}  # copied, and the same

    zero_half(weights, keep_time=False)
    os.utime(weights, ns=(last, last))
    assert states(mine) == {"encoder": "broken"}
    assert "model.data of mine is not what was exported" in mine.run("doctor").stdout
    assert states(mine, "--fix") == {}


@pytest.mark.model
def test_vectors_that_a_damaged_encoder_made_are_made_again(mine: Kb) -> None:
    before = vectors(mine)
    zero_half(mine.config.index / "encoders" / "mine" / WEIGHTS, keep_time=True)
    mine.write("2024-12.md", "**《Newest: A Codec for Rooms》** CMU，Speech Codec\n\nIt is about rooms.\n")
    mine.run("search", "rooms")
    new = vectors(mine).keys() - before.keys()
    made_wrongly = {key: vectors(mine)[key] for key in new}
    assert made_wrongly

    assert states(mine, "--deep", "--fix") == {}
    assert vectors(mine).items() >= before.items()
    assert all(vectors(mine)[key] != vector for key, vector in made_wrongly.items())


@pytest.mark.model
def test_an_encoder_without_sums_is_used_and_gets_them(mine: Kb) -> None:
    manifest = mine.config.index / "encoders" / "mine" / MANIFEST
    values = json.loads(manifest.read_text("utf-8"))
    assert values.pop("files").keys() == {GRAPH, WEIGHTS, TOKENIZER}
    manifest.write_text(json.dumps(values), encoding="utf-8")
    before = vectors(mine)

    assert "meaning" in mine.json("search", "codec")["retrievers"]
    assert states(mine) == {}
    assert states(mine, "--deep") == {"encoder": "warning"}
    assert "kb encoder export mine" in mine.run("doctor", "--deep").stdout
    assert states(mine, "--deep", "--fix") == {}
    assert json.loads(manifest.read_text("utf-8"))["fingerprint"] == values["fingerprint"]
    assert vectors(mine) == before


@pytest.mark.model
@pytest.mark.parametrize("text", ["[" * 100_000, '{"files": {"model.onnx": 1}}', '{"files": []}', "[]", '{"files": 3}'])
def test_a_manifest_that_is_none_counts_as_no_encoder(mine: Kb, text: str) -> None:
    (mine.config.index / "encoders" / "mine" / MANIFEST).write_text(text, encoding="utf-8")
    assert open_exported(mine.config.index, "mine") is None
    assert "TinyCodec" in mine.run("search", "codec").stdout


@pytest.fixture
def hashed(kb: Kb, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch) -> Kb:
    """A knowledge base whose encoder has no files."""
    (kb.root / "kb.toml").write_text('encoder = "hash"\n', encoding="utf-8")
    for place in ("api.doctor.deep", "api.doctor.index", "api.doctor.mending", "index.refresh"):
        monkeypatch.setattr(f"kb.{place}.open_encoder", lambda folder, model: encoder)
    meaning.encode_missing(kb.config, encoder)
    return kb


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE vectors SET vector = zeroblob(256) WHERE key = 2",
        "UPDATE vectors SET vector = substr(vector, 1, 100) WHERE key = 2",
        "UPDATE vectors SET vector = (SELECT vector FROM vectors v WHERE v.key = 1) WHERE key = 2",
        "UPDATE vectors SET vector = CAST(zeroblob(252) || x'0000c07f' AS BLOB) WHERE key = 2",
    ],
)
def test_a_vector_that_is_another_one_is_found_and_made_again(hashed: Kb, harm: str) -> None:
    assert states(hashed, "--deep") == {}
    before = vectors(hashed)
    change(hashed, harm)
    assert vectors(hashed) != before

    assert states(hashed) == {}
    assert states(hashed, "--deep") == {"vectors": "broken"}
    assert states(hashed, "--deep", "--fix") == {}
    assert vectors(hashed) == before


def test_a_faiss_file_that_holds_other_vectors_is_made_again(hashed: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "SCANNED", 2)
    hashed.refresh()
    (file,) = hashed.config.index.glob("vectors-*.faiss")
    assert states(hashed, "--deep") == {}
    data = bytearray(file.read_bytes())
    data[-150:-60] = bytes(90)
    file.write_bytes(data)

    assert states(hashed) == {}
    assert states(hashed, "--deep") == {"vectors": "broken"}
    assert states(hashed, "--deep", "--fix") == {}


def test_a_note_that_is_not_as_it_was_read_is_found_and_read_again(kb: Any) -> None:
    settled(kb)
    assert states(kb, "--deep") == {}
    change(kb, "UPDATE files SET sha256 = 'another' WHERE path = '2024-10.md'")
    change(kb, "UPDATE papers SET title = 'What it was called' WHERE file = '2024-10.md'")

    assert states(kb) == {}
    assert states(kb, "--deep") == {"notes": "broken"}
    assert "2024-10.md" in kb.run("doctor", "--deep").stdout
    assert states(kb, "--deep", "--fix") == {}
    assert "TinyCodec" in kb.run("list", "--no-refresh").stdout
