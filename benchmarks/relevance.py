"""Where relevance ends: fit the curve of kb.search.relevance on sets with judgments, and say what the cut keeps.

python benchmarks/relevance.py SET_DIR... [--encoder minilm]

Relevant are the papers among a query's first ten that judges found so. Not relevant are the first three for queries of
other sets, which the papers of this one say nothing about. Sets that begin with the same word are of one kind and lend
each other no queries. Each set weighs the same, on both sides.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from retrieval import DEPTH, Prepared, found_files, prepare, prepared_sets, read_judgments, read_lines, say
from sklearn.linear_model import LogisticRegression

from kb.search.answer import Answer, Hit
from kb.search.find import search
from kb.search.relevance import CUT

QUERIES = 150  # of a set
LENT = 20  # queries of a set to each other one
FIRST = 3  # hits for a lent query
SEED = 1


class Seen(NamedTuple):
    """A hit, and what is known of it."""

    set: str
    query: str
    said: float
    cosine: float
    is_relevant: bool | None  # None for a query of its own that judges did not find it relevant to


def main() -> None:
    """Fit both curves and print them, with what the cut keeps of each set."""
    parser = argparse.ArgumentParser(description="Fit how likely a hit is relevant.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET_DIR")
    parser.add_argument("--encoder", default="minilm", help="as in kb.toml")
    arguments = parser.parse_args()
    seen: list[Seen] = []
    with prepared_sets(arguments.sets) as sets:
        for folder, root in sets:
            seen += look(folder, prepare(folder, "hybrid", arguments.encoder, root), arguments.sets)
            say("")
    for what, columns in (("words alone", [0]), ("words and meaning", [0, 1])):
        told = [one for one in seen if one.is_relevant is not None]
        fitted = LogisticRegression(C=10).fit(
            features(told, columns), [one.is_relevant for one in told], sample_weight=weights(told)
        )
        print(f"{what}: weights {fitted.coef_[0].round(2).tolist()}, base {fitted.intercept_[0]:.2f}")
        likely = fitted.predict_proba(features(seen, columns))[:, 1].tolist()
        for folder in arguments.sets:
            of_set = [(one, score) for one, score in zip(seen, likely, strict=True) if one.set == folder.name]
            print(f"  {folder.name}: {kept(of_set)}")


def look(folder: Path, base: Prepared, others: Sequence[Path]) -> list[Seen]:
    """Return the relevant hits of a set's own queries, and the first hits of queries of others."""
    rng = random.Random(SEED)
    judgments = read_judgments(folder / "qrels.tsv")
    own = [query for query in read_lines(folder / "queries.jsonl") if str(query["id"]) in judgments]
    found = []
    for query in rng.sample(own, min(QUERIES, len(own))):
        answer = ask(base, query["text"])
        grades = judgments[str(query["id"])]
        for hit in answer.hits:
            files = found_files(answer._replace(hits=(hit,)))
            is_relevant = any(grades.get(base.documents[file], 0) > 0 for file in files) or None
            found.append(seen_as(folder.name, query["text"], answer, hit, is_relevant))
    for other in others:
        if other.name.partition("_")[0] != folder.name.partition("_")[0]:
            queries = [query["text"] for query in read_lines(other / "queries.jsonl")]
            for text in rng.sample(queries, min(LENT, len(queries))):
                answer = ask(base, text)
                found += [seen_as(folder.name, text, answer, hit, False) for hit in answer.hits[:FIRST]]
    return found


def ask(base: Prepared, text: str) -> Answer:
    """Return all hits for text in the order of the fusion alone."""
    return search(base.config, base.reader, text, DEPTH, base.encoder, min_score=0.0)


def seen_as(name: str, query: str, answer: Answer, hit: Hit, is_relevant: bool | None) -> Seen:
    """Return what is known of a hit; how far a paper lies that is not among the nearest is taken from the farthest."""
    scores = {reason.retriever: reason.score for reason in hit.reasons}
    cosines = [reason.score for one in answer.hits for reason in one.reasons if reason.retriever == "meaning"]
    return Seen(name, query, hit.said, scores.get("meaning", min(cosines, default=0.0)), is_relevant)


def features(seen: Sequence[Seen], columns: Sequence[int]) -> NDArray[numpy.float64]:
    """Return what is known of hits [N, len(columns)]."""
    return numpy.array([(one.said, one.cosine) for one in seen])[:, columns]


def weights(seen: Sequence[Seen]) -> list[float]:
    """Return for each hit a weight that makes sets equal, and both sides of each."""
    sides = [(one.set, one.is_relevant) for one in seen]
    return [len(seen) / sides.count(side) for side in sides]


def kept(scored: Sequence[tuple[Seen, float]]) -> str:
    """Return what the cut keeps of a set's relevant hits, how pure it is, and how often it keeps foreign ones out."""
    relevant = [score >= CUT for one, score in scored if one.is_relevant]
    above = [bool(one.is_relevant) for one, score in scored if one.is_relevant is not False and score >= CUT]
    foreign = {one.query for one, _ in scored if one.is_relevant is False}
    heard = {one.query for one, score in scored if one.is_relevant is False and score >= CUT}
    return (
        f"keeps {sum(relevant) / max(1, len(relevant)):.2f} of what is relevant, "
        f"precision {sum(above) / max(1, len(above)):.2f}, "
        f"silent for {1 - len(heard) / max(1, len(foreign)):.2f} of foreign queries"
    )


if __name__ == "__main__":
    main()
