"""Nearest passages against a plain NumPy scan: with and without the index file, and whatever becomes of that file."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from sqlite_utils import Database

from kb.errors import EncoderMissing
from kb.index import meaning as encoding
from kb.index.sqlite import faiss_file as vector_file
from kb.index.sqlite import nearest as vectors
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.schema import migrations
from kb.index.sqlite.writer import Writer
from kb.search.find import search

DIMENSION = 32
ENCODER = "clusters-32"
COUNT = 2000
PAPERS = 500
Vectors = NDArray[numpy.float32]


def clusters(count: int, seed: int = 0, centres: int = 40) -> Vectors:
    """Unit vectors in clumps, as texts about the same things are."""
    chance = numpy.random.default_rng(seed)
    around = numpy.random.default_rng(99).standard_normal((centres, DIMENSION))
    made = around[chance.integers(0, centres, count)] + 0.5 * chance.standard_normal((count, DIMENSION))
    return (made / numpy.linalg.norm(made, axis=1, keepdims=True)).astype("<f4")


def paper_of(passage: int) -> int:
    return passage % PAPERS + 1


class Shelf:
    """An index that holds vectors only: passage n + 1 has the n-th vector put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "kb.sqlite"
        self.held: dict[int, Vectors] = {}  # by passage
        self.put(0, [])

    def copy(self, folder: Path) -> "Shelf":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        made = Shelf(folder)
        made.held = dict(self.held)
        return made

    def put(self, first: int, made: Iterable[Vectors], encoder: str = ENCODER) -> None:
        rows = [(first + n, hashlib.sha256(row.tobytes()).hexdigest(), row) for n, row in enumerate(made)]
        writer = Writer(self.database)
        with writer.transaction():
            held = [(passage, paper_of(passage)) for passage, _, _ in rows]
            writer._connection.executemany("INSERT OR IGNORE INTO passages (key, paper) VALUES (?, ?)", held)
            writer._connection.executemany("INSERT OR IGNORE INTO papers (key) VALUES (?)", [one[1:] for one in held])
            writer.engine.put_passage_texts(encoder, [(passage, text_hash) for passage, text_hash, _ in rows])
            writer.engine.put_vectors(encoder, [(text_hash, row.tobytes()) for _, text_hash, row in rows])
        writer.close()
        self.held.update({passage: row for passage, _, row in rows})

    def remove(self, passages: Iterable[int], with_vectors: bool = True) -> None:
        writer = Writer(self.database)
        with writer.transaction():
            for passage in passages:
                writer._connection.execute("DELETE FROM passage_texts WHERE passage = ?", [passage])
                del self.held[passage]
            if with_vectors:
                writer.engine.remove_unused_vectors()
        writer.close()

    def refresh(self, progress: vector_file.Progress = lambda done, total: None, encoder: str = ENCODER) -> None:
        vectors.refresh(self.folder, Reader(self.database).view.vectors, encoder, DIMENSION, progress)

    def nearest(self, query: Vectors, k: int = 10, among: set[int] | None = None) -> list[tuple[int, float]]:
        found = Reader(self.database).view.nearest(ENCODER, query, k, among=None if among is None else frozenset(among))
        assert all(paper == paper_of(passage) for passage, paper, _ in found)
        return [(passage, cosine) for passage, _, cosine in found]

    def scanned(self, query: Vectors, k: int = 10, among: set[int] | None = None) -> list[tuple[int, float]]:
        """What nearest is to answer."""
        cosines = {
            passage: float(row @ query)
            for passage, row in self.held.items()
            if among is None or paper_of(passage) in among
        }
        return sorted(cosines.items(), key=lambda pair: -pair[1])[:k]

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("vectors-*"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def count_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "SCANNED", COUNT // 10)
    monkeypatch.setattr(vectors, "SCANNED_AT_MOST", COUNT // 5)
    monkeypatch.setattr(vector_file, "LISTS_VISITED", 20)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("large"))
    with pytest.MonkeyPatch.context() as patch:
        count_as_many(patch)
        shelf.put(1, clusters(COUNT))
        shelf.refresh()
    assert len(shelf.files()) == 1
    return shelf


@pytest.fixture
def indexed(large: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A shelf that counts as a large one."""
    count_as_many(monkeypatch)
    return large.copy(tmp_path)


def agrees(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [passage for passage, _ in found] == [passage for passage, _ in expected]
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-5)


def test_few_vectors_are_scanned_and_need_no_file(shelf: Shelf) -> None:
    shelf.put(1, clusters(COUNT))
    shelf.refresh()

    assert shelf.files() == []
    for query in clusters(20, seed=1):
        agrees(shelf.nearest(query), shelf.scanned(query))


def test_without_vectors_nothing_is_near(shelf: Shelf) -> None:
    shelf.refresh()
    assert shelf.nearest(clusters(1)[0]) == []


def test_a_text_that_stands_in_two_passages_is_found_in_both(shelf: Shelf) -> None:
    made = clusters(3)
    shelf.put(1, made)
    shelf.put(8, made[1:2])
    assert {passage for passage, _ in shelf.nearest(made[1], 2)} == {2, 8}


def test_many_vectors_are_found_by_the_index_and_scored_exactly(indexed: Shelf) -> None:
    right = 0
    queries = clusters(100, seed=1)
    for query in queries:
        found, expected = indexed.nearest(query), indexed.scanned(query)
        right += len({passage for passage, _ in found} & {passage for passage, _ in expected})
        for passage, cosine in found:
            assert cosine == pytest.approx(float(indexed.held[passage] @ query), abs=1e-5)
    assert 0.95 <= right / (10 * len(queries)) < 1  # 1 would mean that nothing is approximate here


@pytest.mark.parametrize("among", [{7}, {3, 4, 5}, set(range(1, 81))], ids=len)
def test_few_papers_are_searched_exactly_however_far_they_are(indexed: Shelf, among: set[int]) -> None:
    for query in clusters(20, seed=1):
        agrees(indexed.nearest(query, among=among), indexed.scanned(query, among=among))


def test_among_most_papers_as_many_are_found_as_asked_for(indexed: Shelf) -> None:
    among, right = set(range(1, PAPERS // 4)), 0
    queries = clusters(50, seed=1)
    for query in queries:
        found, expected = indexed.nearest(query, among=among), indexed.scanned(query, among=among)
        assert len(found) == 10
        assert {paper_of(passage) for passage, _ in found} <= among
        right += len({passage for passage, _ in found} & {passage for passage, _ in expected})
    assert right / (10 * len(queries)) >= 0.95


def test_among_no_papers_nothing_is_near(indexed: Shelf) -> None:
    assert indexed.nearest(clusters(1)[0], among=set()) == []


def test_vectors_that_came_after_the_file_are_found(indexed: Shelf) -> None:
    before = indexed.files()
    newcomers = clusters(50, seed=2)
    indexed.put(COUNT + 1, newcomers)
    indexed.refresh()

    assert indexed.files() == before
    for number, query in enumerate(newcomers):
        assert indexed.nearest(query)[0] == (COUNT + 1 + number, pytest.approx(1, abs=1e-5))


@pytest.mark.parametrize("with_vectors", [True, False])
def test_what_is_gone_is_not_found_and_takes_no_place(indexed: Shelf, with_vectors: bool) -> None:
    query = indexed.held[7]
    near = [passage for passage, _ in indexed.scanned(query, 6)]
    indexed.remove(near[:5], with_vectors)

    found = [passage for passage, _ in indexed.nearest(query)]
    assert len(found) == 10
    assert found[0] == near[5]


def test_the_place_of_a_vector_is_not_given_to_another(indexed: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_file, "LISTS_VISITED", 1)  # far too few to come by the old place by chance
    last = indexed.held[COUNT]
    indexed.remove([COUNT])
    indexed.put(COUNT, [-last])

    assert indexed.nearest(-last)[0] == (COUNT, pytest.approx(1, abs=1e-5))
    assert indexed.nearest(last)[0][0] != COUNT


def test_a_vector_that_is_there_keeps_its_key(shelf: Shelf) -> None:
    shelf.put(1, clusters(3))
    before = list(Reader(shelf.database).view.vectors.in_order(ENCODER))
    shelf.put(1, clusters(3))
    assert list(Reader(shelf.database).view.vectors.in_order(ENCODER)) == before


def test_many_newcomers_or_many_gone_make_the_file_anew(indexed: Shelf) -> None:
    (first,) = indexed.files()
    indexed.put(COUNT + 1, clusters(COUNT // 10 + 1, seed=2))
    indexed.refresh()
    (second,) = indexed.files()
    assert first != second

    size = second.stat().st_size
    indexed.remove(range(1, COUNT // 5))
    indexed.refresh()
    assert indexed.files()[0].stat().st_size < 0.9 * size

    indexed.remove(list(indexed.held)[: -COUNT // 10])
    indexed.refresh()
    assert indexed.files() == []


def broken(path: Path, how: str) -> None:
    whole = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "no index":
            path.write_bytes(b"no index")
        case "empty":
            path.write_bytes(b"")
        case "cut short":
            path.write_bytes(whole[: -len(whole) // 3])
        case "changed":  # by a bit, in what FAISS believes of the lengths of its lists
            place = len(whole) - COUNT * (DIMENSION // 2 + vector_file.KEY_BYTES) - vector_file.SEAL.size - 3
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 64]) + whole[place + 1 :])
        case "of another dimension":
            made = [(n, bytes(4 * (DIMENSION + 1))) for n in range(10)]
            built, _ = vector_file.build(lambda: made, 10, DIMENSION + 1, lambda done, total: None)
            vector_file.save(built, path)


@pytest.mark.parametrize("how", ["gone", "no index", "empty", "cut short", "changed", "of another dimension"])
def test_a_file_that_cannot_be_used_counts_as_missing(
    indexed: Shelf, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    query = clusters(1, seed=1)[0]
    broken(indexed.files()[0], how)
    with pytest.raises(EncoderMissing, match=r"^the vector index is missing or far behind; run: kb index$"):
        indexed.nearest(query)

    with monkeypatch.context() as few:
        few.setattr(vectors, "SCANNED_AT_MOST", COUNT)
        agrees(indexed.nearest(query), indexed.scanned(query))

    indexed.refresh()
    assert indexed.nearest(query)[0] == indexed.scanned(query, 1)[0]


def test_vectors_that_lie_otherwise_in_the_file_are_counted(indexed: Shelf) -> None:
    def misplaced() -> int:
        with closing(Reader(indexed.database)) as reader:
            return vectors.misplaced(indexed.folder, reader.view.vectors, ENCODER, DIMENSION, lambda done, total: None)

    assert misplaced() == 0
    (file,) = indexed.files()
    data = bytearray(file.read_bytes())
    lists = COUNT * (DIMENSION // 2 + vector_file.KEY_BYTES) + vector_file.SEAL.size
    start = len(data) - lists // 2
    data[start : start + 4000] = bytes(4000)
    file.write_bytes(data)
    assert 100 < misplaced() < 500


@pytest.mark.parametrize("at", ["while filling", "while writing"])
def test_an_interrupted_build_leaves_the_old_file_whole(
    indexed: Shelf, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {path: path.read_bytes() for path in indexed.files()}
    indexed.put(COUNT + 1, clusters(COUNT // 10 + 1, seed=2))
    if at == "while writing":
        monkeypatch.setattr(vector_file.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        indexed.refresh(interrupt if at == "while filling" else lambda done, total: None)

    assert {path: path.read_bytes() for path in indexed.files()} == before


def test_the_file_of_another_encoder_is_removed(indexed: Shelf) -> None:
    (old,) = indexed.files()
    litter = indexed.folder / "vectors-other-1.1.tmp"
    litter.write_bytes(b"")
    indexed.refresh(encoder="another")
    assert not old.exists()
    assert litter.exists()  # another process may be writing it just now


def test_the_file_of_another_database_is_not_used(indexed: Shelf) -> None:
    """A database that was deleted and made anew gives the same keys to other vectors."""
    indexed.database.unlink()
    other = Shelf(indexed.folder)
    other.put(1, clusters(COUNT, seed=5))
    with pytest.raises(EncoderMissing):
        other.nearest(other.held[1])
    other.refresh()
    assert len(other.files()) == 1
    assert other.nearest(other.held[1])[0][0] == 1


def test_a_file_that_knows_keys_never_given_is_not_used(indexed: Shelf) -> None:
    """A crash of the machine can lose the last transactions but not the file built after them."""
    with sqlite3.connect(indexed.database) as database:
        database.execute("DELETE FROM vectors WHERE key > 100")
        database.execute("UPDATE sqlite_sequence SET seq = 100 WHERE name = 'vectors'")
    indexed.held = {passage: row for passage, row in indexed.held.items() if passage <= 100}
    indexed.put(101, clusters(1, seed=3))
    agrees(indexed.nearest(indexed.held[101]), indexed.scanned(indexed.held[101]))


def test_vectors_of_an_older_index_are_kept(tmp_path: Path) -> None:
    made = clusters(3)
    path = tmp_path / "kb.sqlite"
    database = Database(path)
    migrations.apply(database, stop_before="0005_vector_keys")
    for number, row in enumerate(made):
        database.table("vectors").insert({"encoder": ENCODER, "text_hash": str(number), "vector": row.tobytes()})
        database.table("passage_texts").insert({"passage": number, "encoder": ENCODER, "text_hash": str(number)})
    unreadable, interrupted = {"passage": 8, "text_hash": ""}, {"passage": 9, "text_hash": "no vector yet"}
    database.table("passage_texts").insert_all([{"encoder": ENCODER, **row} for row in (unreadable, interrupted)])
    database.table("passages").insert_all([{"key": key, "paper": 1} for key in (0, 1, 2, 8, 9)])
    database.table("papers").insert({"key": 1})
    database.close()

    Writer(path).close()
    reader = Reader(path)
    rows = list(reader.view.vectors.in_order(ENCODER))
    assert [(key, vector) for key, vector in rows] == [(n + 1, row.tobytes()) for n, row in enumerate(made)]
    assert reader.view.vectors.passages([1, 2, 3]) == {1: [(0, 1)], 2: [(1, 1)], 3: [(2, 1)]}
    assert reader.view.vectors.last_key() == 3
    assert [passage for passage, _, _ in reader.passages.to_encode(ENCODER)] == [9]


def test_indexing_builds_the_file_and_a_search_does_not(kb: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.refresh()
    assert encoding.encode_few(kb.config, encoder, 10)
    scanned = search(kb.config, kb.reader(), "speech codec", 0, encoder)
    monkeypatch.setattr(vectors, "SCANNED", 2)
    monkeypatch.setattr(vectors, "SCANNED_AT_MOST", 3)

    answer = search(kb.config, kb.reader(), "speech codec", 0, encoder)
    assert answer.notice == "searching by words only: the vector index is missing or far behind; run: kb index"
    assert answer.retrievers == ("words",)
    kb.write("2024-09.md", "**《A Newer Codec》** X，k\n\nspeech\n")
    kb.refresh()
    assert encoding.encode_few(kb.config, encoder, 10)
    assert not list(kb.config.index.glob("vectors-*"))

    (kb.notes / "2024-09.md").unlink()
    kb.refresh()

    encoding.encode_missing(kb.config, encoder)
    assert search(kb.config, kb.reader(), "speech codec", 0, encoder) == scanned
    (cache,) = kb.config.index.glob("vectors-*.faiss")
    cache.write_bytes(b"no index")
    encoding.encode_missing(kb.config, encoder)
    assert search(kb.config, kb.reader(), "speech codec", 0, encoder) == scanned


def test_vectors_of_texts_that_are_gone_are_removed_by_indexing(kb: Any, encoder: Any) -> None:
    kb.refresh()
    encoding.encode_missing(kb.config, encoder)
    (kb.notes / "2024-10.md").unlink()
    kb.refresh()
    encoding.encode_missing(kb.config, encoder)
    assert kb.reader().view.vectors.count(encoder.fingerprint) == 1


def test_a_note_that_changes_while_its_text_is_encoded_is_encoded_again(kb: Any, encoder: Any) -> None:
    """What was being encoded must not be taken for what now stands in the same place."""

    class Slow:
        fingerprint, dimension = encoder.fingerprint, encoder.dimension
        encode_query, query_text, passage_text = encoder.encode_query, encoder.query_text, encoder.passage_text

        def encode_passages(self, texts: list[str]) -> Any:
            kb.write("2024-10.md", "**《Another Paper》** X，k\n\nall of it is about something else\n")
            kb.refresh()
            return encoder.encode_passages(texts)

    kb.refresh()
    encoding.encode_missing(kb.config, Slow())
    pending = [title for _, title, _ in kb.reader().passages.to_encode(encoder.fingerprint)]
    assert pending == ["Another Paper"]
    encoding.encode_missing(kb.config, encoder)
    assert kb.reader().view.vectors.count(encoder.fingerprint) == 2
