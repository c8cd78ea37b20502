"""What kb.index.engine promises, asked of an engine over 600 papers and compared with one that looks at every paper."""

import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest

from kb.index.engine import Change, FieldWords, PaperDocument, View, Words, each
from kb.index.query import parse_query
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.rows import note_rows
from kb.index.sqlite.writer import Writer
from kb.index.translation import Gloss, open_gloss
from kb.notes.parsing import parse_note
from kb.notes.people import person_terms
from kb.search.concepts import concepts
from kb.terms import Phrase, phrase
from tests.conftest import HashEncoder, Kb
from tests.index.plain import PlainEngine

ENCODER = HashEncoder.fingerprint
QUERIES = (
    "声学延迟",
    "codec",
    "量",
    "残差向量量化 quantization",
    "streaming dialogue with few speakers",
    "离散单元 -声调",
    '"声学延迟让各级码本"',
    '"preference optimization" codec',
    'tokenizer -"low bitrates"',
    "vocoder -streaming org:Meta",
    "org:清华大学 tag:推理",
    "title:codec -title:streaming",
    "author:Chen codec",
    'author:"Ann Chen"',
    "venue:ICASSP",
    "-codec -tokenizer",
    "-org:CMU 推理",
    "section:LLM 评测",
    "flow matching 流式",
    "nothing_of_the_kind",
)


class SqliteBench:
    """The engine in SQLite, with as much of a catalogue as it needs: that papers and passages are there."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "kb.sqlite"
        Writer(self.database).close()

    @contextmanager
    def change(self, passages: Iterable[tuple[int, int, str]] = ()) -> Iterator[Change]:
        with closing(Writer(self.database)) as writer, writer.transaction():
            for passage, paper, authors in passages:
                writer._put("papers", [{"key": paper, "id": str(paper), "authors": authors, "record": "{}"}])
                writer._put("passages", [{"key": passage, "paper": paper}])
            yield writer.engine

    @contextmanager
    def view(self) -> Iterator[View]:
        with closing(Reader(self.database)) as reader:
            yield reader.view


ENGINES = (SqliteBench,)


class Shelf:
    """Papers with a passage each, in an engine and in the plain one."""

    def __init__(self, bench: Any, documents: dict[int, PaperDocument], authors: dict[int, str]) -> None:
        self.bench = bench
        self.gloss: Gloss | None = None
        self.plain = PlainEngine()
        self.documents = documents
        bodies = {key: f"{one.terms['title']} {one.terms['body']}" for key, one in documents.items()}
        hashes = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in bodies.items()}
        encoded = HashEncoder().encode_passages(list(bodies.values()))
        vectors = {hashes[key]: row.tobytes() for key, row in zip(bodies, encoded, strict=True)}
        with bench.change([(key, key, authors[key]) for key in documents]) as change:
            for engine in (change, self.plain):
                engine.put_papers(documents.values())
            change.put_passage_texts(ENCODER, hashes.items())
            change.put_vectors(ENCODER, vectors.items())
        self.plain.people = {key: [person_terms(name) for name in one.split("、")] for key, one in authors.items()}
        self.plain.vectors[ENCODER] = vectors
        self.plain.texts = {(ENCODER, key): text for key, text in hashes.items()}
        self.plain.paper_of = {key: key for key in documents}


@pytest.fixture(scope="module", params=ENGINES)
def shelf(request: pytest.FixtureRequest, many_papers: Kb, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    gloss = open_gloss(many_papers.config.index, in_memory=True)
    assert gloss
    documents, authors = {}, {}
    for path in sorted(many_papers.notes.glob("*.md")):
        note = parse_note(path.read_bytes(), path.name)
        for paper, rows in zip(note.papers, note_rows(note, gloss.index_terms).papers, strict=True):
            key = len(documents) + 1
            documents[key] = PaperDocument(key, rows.full_text, rows.variants)
            authors[key] = "、".join(paper.authors)
    found = Shelf(request.param(tmp_path_factory.mktemp("engine")), documents, authors)
    found.gloss = gloss
    return found


def asked(shelf: Shelf, text: str) -> Words:
    """Return what a search asks an engine for text."""
    query = parse_query(text)
    return query._replace(concepts=concepts(query, shelf.gloss).concepts if query.words else ()).asked


@pytest.mark.parametrize("text", QUERIES)
def test_it_finds_what_words_ask_for_in_the_order_of_bm25(shelf: Shelf, text: str) -> None:
    words = asked(shelf, text)
    with shelf.bench.view() as view:
        found, is_complete, _ = view.match(words)

    expected = shelf.plain.match(words)
    assert is_complete
    assert dict(found) == pytest.approx(expected, rel=1e-6)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@pytest.mark.parametrize("text", QUERIES)
def test_it_looks_only_among_the_papers_it_is_given(shelf: Shelf, text: str) -> None:
    words = asked(shelf, text)
    with shelf.bench.view() as view:
        everywhere = dict(view.match(words).scores)
        for size in (0, 1, 7, 300):
            among = frozenset(random.Random(size).sample(sorted(shelf.documents), size))
            assert dict(view.match(words, among=among).scores) == pytest.approx(
                {key: score for key, score in everywhere.items() if key in among}
            )


def test_of_too_many_papers_it_may_rank_those_that_say_more(shelf: Shelf) -> None:
    words = asked(shelf, "codec streaming")
    with shelf.bench.view() as view:
        everything, is_complete, _ = view.match(words)
        assert is_complete
        most = len(everything) // 2
        some, is_complete, _ = view.match(words, most=most)
    assert not is_complete
    assert len(some) <= most
    assert dict(some).keys() <= dict(everything).keys()
    assert len(some) >= 10


@pytest.mark.parametrize("word", ["codec", "量化", "量", "meta", "nowhere", "quantization"])
def test_it_counts_the_papers_that_hold_a_word(shelf: Shelf, word: str) -> None:
    wanted = phrase(word)
    assert wanted
    with shelf.bench.view() as view:
        assert view.holding(wanted) == shelf.plain.holding(wanted)


def test_it_knows_the_latin_words_there_are(shelf: Shelf) -> None:
    with shelf.bench.view() as view:
        assert set(view.latin_words()) == shelf.plain.latin_words()


@pytest.mark.parametrize("size", [None, 0, 1, 5, 200])
def test_it_finds_the_nearest_passages_of_all_papers_and_of_few(shelf: Shelf, size: int | None) -> None:
    among = None if size is None else frozenset(random.Random(size).sample(sorted(shelf.documents), size))
    question = HashEncoder().encode_query("streaming codec with acoustic delay 声学延迟")
    with shelf.bench.view() as view:
        found = view.nearest(ENCODER, question, 10, among=among)

    expected = shelf.plain.nearest(ENCODER, question, among)[:10]
    assert [cosine for _, _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-6)
    assert all(paper == shelf.plain.paper_of[passage] for passage, paper, _ in found)
    assert len({passage for passage, _, _ in found}) == len(found)


def test_it_knows_which_texts_are_encoded(shelf: Shelf) -> None:
    hashes = list(shelf.plain.vectors[ENCODER])
    with shelf.bench.view() as view:
        assert view.has_vectors(ENCODER)
        assert not view.has_vectors("another")
        assert view.encoded(ENCODER, [*hashes[:3], "unknown"]) == set(hashes[:3])
        assert view.encoded("another", hashes) == set()


@pytest.fixture(params=ENGINES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return request.param(tmp_path)


def document(key: int, body: str) -> PaperDocument:
    return PaperDocument(key, {"title": "toy", "body": body}, "")


def matching(view: View, *terms: str) -> list[int]:
    return [key for key, _ in view.match(Words(any_of=each(Phrase((term,), False) for term in terms))).scores]


def test_a_view_keeps_the_state_it_was_opened_on(bench: Any) -> None:
    with bench.change([(1, 1, "")]) as change:
        change.put_papers([document(1, "codec")])
    with bench.view() as before:
        with bench.change([(2, 2, "")]) as change:
            change.remove_papers([1])
            change.put_papers([document(2, "vocoder")])
        assert (matching(before, "codec"), matching(before, "vocoder")) == ([1], [])
    with bench.view() as after:
        assert (matching(after, "codec"), matching(after, "vocoder")) == ([], [2])


def test_a_change_that_fails_is_not_seen_at_all(bench: Any) -> None:
    def fail() -> None:
        with bench.change([(1, 1, "")]) as change:
            change.put_papers([document(1, "codec")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with bench.view() as view:
        assert matching(view, "codec") == []


def test_a_vector_goes_when_its_text_stands_nowhere(bench: Any) -> None:
    rows = numpy.eye(4, dtype="<f4")
    with bench.change([(1, 1, ""), (2, 2, "")]) as change:
        change.put_papers([document(1, "codec"), document(2, "vocoder")])
        change.put_passage_texts("toy", [(1, "a"), (2, "b")])
        change.put_vectors("toy", [("a", rows[0].tobytes()), ("b", rows[1].tobytes())])
    with bench.change() as change:
        change.remove_papers([1])
        change.remove_unused_vectors()
        change.merge()
    with bench.view() as view:
        assert view.encoded("toy", ["a", "b"]) == {"b"}
        assert view.nearest("toy", rows[0], 5) == [(2, 2, 0.0)]
        assert matching(view, "vocoder") == [2]


def test_a_vector_that_is_there_stays(bench: Any) -> None:
    rows = numpy.eye(4, dtype="<f4")
    with bench.change([(1, 1, "")]) as change:
        change.put_papers([document(1, "codec")])
        change.put_passage_texts("toy", [(1, "a")])
        change.put_vectors("toy", [("a", rows[0].tobytes())])
        change.put_vectors("toy", [("a", rows[1].tobytes())])
    with bench.view() as view:
        assert view.nearest("toy", rows[0], 1) == [(1, 1, 1.0)]


def test_a_person_is_one_person(bench: Any) -> None:
    terms = {"title": "toy", "authors": "ann lee bo chen"}
    both = (Phrase(("ann",), False), Phrase(("chen",), False))
    with bench.change([(1, 1, "Ann Lee、Bo Chen"), (2, 2, "Ann Chen")]) as change:
        change.put_papers([PaperDocument(1, terms, ""), PaperDocument(2, {**terms, "authors": "ann chen"}, "")])
    with bench.view() as view:
        found = view.match(Words(fields=(FieldWords("author", both, False),)))
    assert [key for key, _ in found.scores] == [2]
