"""How well searches answer, judged by relevance judgments.

python benchmarks/retrieval.py SET_DIR... [--retriever lexical|gloss|dense|hybrid] [--no-harm] [--encoder minilm]

A set is a folder with corpus.jsonl {id, title, text}, queries.jsonl {id, text} and qrels.tsv (query, document, grade).
It becomes a knowledge base by the ordinary way in, one note a document, and each judged query is asked through the
function that `kb search` calls.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ir_measures
from ir_measures import RR, R, nDCG

from kb.config.kb_toml import Config, load_config
from kb.index import meaning as encoding
from kb.index import words as indexing
from kb.index.encoders import Encoder
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.paired import open_encoder
from kb.index.sqlite.reader import Reader
from kb.search.answer import Answer
from kb.search.find import search

MEASURES = (nDCG @ 10, R @ 10, RR @ 10)
RETRIEVERS = ("lexical", "gloss", "dense", "hybrid")
DEPTH = 10
HARM = 0.005  # by which both rankings together may be worse than one of them


class Prepared(NamedTuple):
    """A set as a knowledge base."""

    config: Config
    reader: Reader
    encoder: Encoder | None
    documents: dict[str, str]  # by the file of its note


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON lines file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def read_judgments(path: Path) -> dict[str, dict[str, int]]:
    """Return grade by document by query; a heading line is passed over."""
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) >= 3 and fields[-1].strip().lstrip("-").isdigit():
            found.setdefault(fields[0], {})[fields[-2]] = int(fields[-1])
    return found


def make_notes(corpus: Path, notes: Path) -> dict[str, str]:
    """Write one note a document and return the document of each file name."""
    notes.mkdir(parents=True)
    documents = {}
    for number, document in enumerate(read_lines(corpus)):
        name = f"{number:07d}.md"
        title = " ".join(str(document.get("title") or "").split())
        front = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n\n" if title else ""
        (notes / name).write_text(f"{front}{document['text']}\n", encoding="utf-8")
        documents[name] = str(document["id"])
    return documents


def prepare(folder: Path, retriever: str, model: str, root: Path) -> Prepared:
    """Make a knowledge base of a set in root."""
    documents = make_notes(folder / "corpus.jsonl", root / "notes")
    (root / "kb.toml").write_text(f"encoder = {json.dumps(model)}\n", encoding="utf-8")
    config = load_config(root)
    report = indexing.rebuild(config)
    if report.failures:
        raise SystemExit(f"{folder}: {len(report.failures)} documents failed, the first: {report.failures[0]}")
    encoder: Encoder | None = None
    if retriever in ("dense", "hybrid") and model != "none":
        encoder = open_encoder(config.index, model) or export_encoder(config.root, config.index, model)
        encoding.encode_missing(config, encoder, lambda what, done, total: say(f"{folder.name}: {what} {done}/{total}"))
    return Prepared(config, Reader(config.database), encoder, documents)


def found_files(answer: Answer) -> list[str]:
    """Return the notes of an answer, the best first.

    Documents with one title are one paper to a search, but not to the judges.
    """
    return [file for hit in answer.hits for file in (hit.paper.file, *(other.file for other in hit.also))]


def judge(folder: Path, retriever: str, base: Prepared) -> dict[str, Any]:
    """Return the measures of one set, with queries per second."""
    judgments = read_judgments(folder / "qrels.tsv")
    run: dict[str, dict[str, float]] = {}
    started = time.perf_counter()
    for query in read_lines(folder / "queries.jsonl"):
        if str(query["id"]) in judgments:
            answer = search(base.config, base.reader, query["text"], DEPTH, base.encoder, retriever)
            # By rank: what counts is the order, and equal scores would leave it to chance.
            ranked = reversed(list(enumerate(found_files(answer), 1)))
            run[str(query["id"])] = {base.documents[file]: -float(rank) for rank, file in ranked}
    seconds = time.perf_counter() - started
    measured = ir_measures.calc_aggregate(MEASURES, judgments, run)
    figures = {str(measure): round(measured[measure], 4) for measure in MEASURES}
    return {"set": folder.name, "retriever": retriever, **figures, "queries_a_second": round(len(run) / seconds, 1)}


@contextmanager
def prepared_sets(folders: Iterable[Path]) -> Iterator[Iterator[tuple[Path, Path]]]:
    """Give the sets, each with an empty folder for its knowledge base; what takes long to prepare serves all."""
    shared = Path(tempfile.mkdtemp())

    def each() -> Iterator[tuple[Path, Path]]:
        for folder in folders:
            with tempfile.TemporaryDirectory() as name:
                index = Path(name) / ".kb"
                index.mkdir()
                keep(shared, index)
                yield folder, Path(name)
                keep(index, shared)

    try:
        yield each()
    finally:
        shutil.rmtree(shared)


def say(text: str) -> None:
    """Show progress to a person."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Judge every set and print a line each."""
    parser = argparse.ArgumentParser(description="Judge retrieval on sets with relevance judgments.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET_DIR")
    parser.add_argument("--retriever", choices=RETRIEVERS, default="hybrid")
    parser.add_argument("--encoder", default="minilm", help="as in kb.toml")
    parser.add_argument("--no-harm", action="store_true", help="judge words, meaning and both; fail if both are worse")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    retrievers = ["gloss", "dense", "hybrid"] if arguments.no_harm else [arguments.retriever]
    harmed: list[str] = []
    with prepared_sets(arguments.sets) as sets:
        for folder, root in sets:
            base = prepare(folder, retrievers[-1], arguments.encoder, root)
            found = [judge(folder, retriever, base) for retriever in retrievers]
            say("")
            for figures in found:
                line = json.dumps(figures) if arguments.json else "  ".join(f"{k} {v}" for k, v in figures.items())
                print(line, flush=True)
            *parts, fused = (figures[str(MEASURES[0])] for figures in found)
            if parts and fused < max(parts) - HARM:
                harmed.append(folder.name)
    if harmed:
        raise SystemExit(f"both rankings together fall below one of them: {', '.join(harmed)}")


def keep(source: Path, target: Path) -> None:
    """Copy the exported encoders and the dictionary from one index folder to another."""
    if (source / "encoders").is_dir():
        shutil.copytree(source / "encoders", target / "encoders", dirs_exist_ok=True)
    if (source / "gloss.sqlite").is_file():
        shutil.copy(source / "gloss.sqlite", target)


if __name__ == "__main__":
    main()
