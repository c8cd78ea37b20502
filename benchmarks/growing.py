"""Knowledge bases of any size for latency.py, and what has to be measured inside a process; each job is a command.

python benchmarks/growing.py sample|rows|vectors|warm|matches|nearest|recall ROOT [SAMPLE_ROOT] [--count N]

A process's peak memory counts what its parent held when it was started, so latency.py holds nothing and calls this.
"""

import argparse
import hashlib
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy
from measuring import make_notes
from numpy.typing import NDArray

from kb.config.kb_toml import Config, load_config
from kb.index import meaning as encoding
from kb.index import words as indexing
from kb.index.encoders import Encoder
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.paired import open_encoder
from kb.index.query import parse_query
from kb.index.sqlite.files import FileState
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.rows import NoteRows, PaperRows, note_rows
from kb.index.sqlite.writer import Writer
from kb.index.translation import open_gloss
from kb.notes.folders import stamp
from kb.notes.parsing import parse_note
from kb.search.find import search
from kb.search.nearest_papers import NEAREST_PASSAGES

ROWS_AT_ONCE = 20_000
WARM_ROUNDS = 3
JUDGED = 200  # questions that recall is measured on: the titles of so many notes
NEIGHBOURS = 10
NOISE = 0.15  # length of the random part of a made vector

Vectors = NDArray[numpy.float32]


def make_sample(config: Config, count: int) -> None:
    """Make a knowledge base of count notes, encoded; the others take its dictionary, encoder and vectors."""
    make_notes(config.notes, count)
    indexing.rebuild(config)
    encoding.encode_missing(config, export_encoder(config.root, config.index, config.encoder))


def write_rows(config: Config, sample: Config, count: int) -> None:
    """Fill the index with count papers of one passage, each the halves of two notes of sample."""
    gloss = open_gloss(sample.index)
    english_of: Callable[[str], list[str]] = gloss.index_terms if gloss else lambda text: []
    known = [
        rows
        for path in sorted(sample.notes.rglob("*.md"))
        for rows in note_rows(parse_note(path.read_bytes(), path.name), english_of).papers
        if rows.passages
    ]
    chance = random.Random(count)
    with closing(Writer(config.database)) as writer:
        for start in range(0, count, ROWS_AT_ONCE):
            # A file that is there and unchanged, so that `kb index` has nothing to do with these rows.
            path = config.notes / f"rows-{start:07d}.md"
            path.write_bytes(b"")
            state = FileState(path.name, *stamp(path), hashlib.sha256(b"").hexdigest(), "indexed", None, None, ())
            papers = [
                joined(chance.choice(known), chance.choice(known), path.name, number)
                for number in range(start, min(start + ROWS_AT_ONCE, count))
            ]
            with writer.transaction():
                writer.put_notes([(state, NoteRows(papers, []))])
        with writer.transaction(), closing(Reader(sample.database)) as reader:
            writer.put_meta("gloss", reader.meta("gloss") or "")


def joined(first: PaperRows, second: PaperRows, file: str, number: int) -> PaperRows:
    """Return first with the second half of its text taken from second."""
    full_text = dict(first.full_text)
    for column in ("body", "gloss"):
        ours, theirs = first.full_text[column].split(), second.full_text[column].split()
        full_text[column] = " ".join(ours[: len(ours) // 2] + theirs[len(theirs) // 2 :])
    ours, theirs = first.passages[0]["text"], second.passages[0]["text"]
    text = ours[: len(ours) // 2] + theirs[len(theirs) // 2 :]
    paper = {**first.paper, "id": f"row-{number}", "file": file, "line": number + 1}
    passage = {"line": number + 1, "heading": "", "text": text}
    return PaperRows(paper, full_text, [passage], [{"name": f"row {number}"}], [], [], first.variants)


def write_vectors(config: Config, encoder: Encoder, encoded: Vectors) -> None:
    """Give every passage a vector made from those encoded [E, D]."""
    chance = numpy.random.default_rng(0)
    alike = encoded @ encoded.T
    numpy.fill_diagonal(alike, -1)
    neighbours = numpy.argsort(-alike, axis=1)[:, :NEIGHBOURS]
    with closing(Reader(config.database)) as reader, closing(Writer(config.database)) as writer:
        waiting = [passage for passage, _, _ in reader.passages.to_encode(encoder.fingerprint)]
        for start in range(0, len(waiting), ROWS_AT_ONCE):
            batch = waiting[start : start + ROWS_AT_ONCE]
            hashes = [hashlib.sha256(f"made for {passage}".encode()).hexdigest() for passage in batch]
            made = between(encoded, neighbours, len(batch), chance)
            with writer.transaction():
                writer.engine.put_passage_texts(encoder.fingerprint, zip(batch, hashes, strict=True))
                writer.engine.put_vectors(
                    encoder.fingerprint,
                    ((text_hash, vector.tobytes()) for text_hash, vector in zip(hashes, made, strict=True)),
                )


def between(encoded: Vectors, neighbours: NDArray[numpy.int64], count: int, chance: numpy.random.Generator) -> Vectors:
    """Return count unit vectors between those encoded and their neighbours."""
    one = chance.integers(0, len(encoded), count)
    other = neighbours[one, chance.integers(0, neighbours.shape[1], count)]
    share = chance.random((count, 1))
    noise = chance.standard_normal((count, encoded.shape[1])) * (NOISE / encoded.shape[1] ** 0.5)
    made = share * encoded[one] + (1 - share) * encoded[other] + noise
    return (made / numpy.linalg.norm(made, axis=1, keepdims=True)).astype("<f4")


def batches(config: Config, encoder: Encoder) -> Iterator[Vectors]:
    """Yield the encoder's vectors [B, D] in the order of their keys."""
    with closing(Reader(config.database)) as reader:
        rows = (vector for _, vector in reader.view.vectors.in_order(encoder.fingerprint))
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            yield numpy.frombuffer(b"".join(batch), dtype="<f4").reshape(len(batch), encoder.dimension)


def recall(config: Config, encoder: Encoder, questions: Vectors) -> float:
    """Return the share of the exact ten nearest that a search has among its ten, over questions [Q, D]."""
    best = numpy.full((len(questions), 10), -1.0, dtype=numpy.float32)
    for matrix in batches(config, encoder):
        best = -numpy.sort(-numpy.concatenate((best, questions @ matrix.T), axis=1), axis=1)[:, :10]
    with closing(Reader(config.database)) as reader:
        found = [
            sum(cosine >= tenth - 1e-6 for *_, cosine in near[:10])
            for question, tenth in zip(questions, best[:, 9], strict=True)
            for near in [reader.view.nearest(encoder.fingerprint, question, NEAREST_PASSAGES)]
        ]
    return sum(found) / (10 * len(questions))


def warm(config: Config, encoder: Encoder | None, queries: list[str]) -> float:
    """Return the seconds of the slowest query in a process that has searched before: each the median of its rounds."""
    slowest = 0.0
    with closing(Reader(config.database)) as reader:
        for query in queries:
            seconds = []
            for _ in range(WARM_ROUNDS + 1):
                started = time.perf_counter()
                search(config, reader, query, 10, encoder)
                seconds.append(time.perf_counter() - started)
            slowest = max(slowest, statistics.median(seconds[1:]))
    return slowest


def nearest_seconds(config: Config, encoder: Encoder, query: str) -> float:
    """Return what a process's first look for the nearest passages takes, the import of FAISS included."""
    question = encoder.encode_query(query)
    with closing(Reader(config.database)) as reader:
        started = time.perf_counter()
        reader.view.nearest(encoder.fingerprint, question, NEAREST_PASSAGES)
        return time.perf_counter() - started


def main() -> None:
    """Do one job; what is measured is printed as a number."""
    parser = argparse.ArgumentParser(description="Make knowledge bases for latency.py and measure inside a process.")
    parser.add_argument("job", choices=("sample", "rows", "vectors", "warm", "matches", "nearest", "recall"))
    parser.add_argument("root", type=Path)
    parser.add_argument("sample", type=Path, nargs="?", help="the knowledge base of encoded notes")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--query", action="append", default=[])
    arguments = parser.parse_args()
    config = load_config(arguments.root)
    if arguments.job == "sample":
        make_sample(config, arguments.count)
        return
    encoder = open_encoder(config.index, config.encoder)
    if arguments.job == "warm":
        print(warm(config, encoder, arguments.query))
        return
    if arguments.job == "matches":
        with closing(Reader(config.database)) as reader:
            print(max(len(reader.match(parse_query(query)).scores) for query in arguments.query))
        return
    if arguments.job == "nearest" and encoder:
        print(nearest_seconds(config, encoder, arguments.query[0]))
        return
    sample = load_config(arguments.sample)
    if arguments.job == "rows":
        write_rows(config, sample, arguments.count)
        return
    if not encoder:
        raise SystemExit(f"{config.index} has no encoder {config.encoder}")
    if arguments.job == "vectors":
        write_vectors(config, encoder, numpy.concatenate(list(batches(sample, encoder))))
        return
    with closing(Reader(sample.database)) as reader:
        titles = [row.title for row in reader.listed(parse_query(""))][:JUDGED]
    print(recall(config, encoder, numpy.stack([encoder.encode_query(title) for title in titles])))


if __name__ == "__main__":
    main()
