"""Find the weights of kb.notes.parsing.weights, and judge them on corpora that they were found without.

python benchmarks/evidence.py CORPORA [--others FOLDER...] [--write]

A weight begins as what its evidence should say (EXPECTED) and moves as far as the notes tell: a regression whose
weights are drawn to these values. The notes are the corpora, those of tests/fixtures, notes that mix entries of the
corpora and Markdown files of programs, which are about no papers. Each corpus is then read with weights that were found
without it.
"""

import argparse
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
import yaml
from matching import Document, Found, corpora, count, pairs, read_corpus, total
from mixed import Piece, document, mixed, pieces
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from kb.errors import NoteError
from kb.notes.parsing import claims, segmenting, weights
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.frontmatter import read_front_matter
from kb.notes.parsing.outline import Outline, outline
from kb.notes.parsing.weights import in_context

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = {  # what each piece of evidence should say, before any note is read
    "bias": -5.0,
    "link": 3.5,
    "linked": 3.0,
    "button": 1.0,
    "number": 2.0,
    "set apart": 2.0,
    "whole": 0.5,
    "link below": 2.0,
    "link first": 3.5,
    "note": 2.5,
    "local": 1.5,
    "named": 1.0,
    "title label": 3.0,
    "label": 1.5,
    "labels": 1.5,
    "parts": 3.0,
    "front": 3.0,
    "calls itself": 4.0,
    "guillemets": 3.0,
    "@guillemets": 4.0,
    "details": 2.0,
    "venue": 1.5,
    "year": 1.5,
    "authors": 2.0,
    "column": 2.0,
    "chapters": 1.5,
    "capitals": 1.0,
    "research": 1.0,
    "name": 1.0,
    "bold": 0.5,
    "definition": 0.5,
    "scholarly": 1.0,
    "on research": 1.0,
    "program": -1.5,
    "described": -1.0,
    "figures": -2.0,
    "cites": -1.5,
    "collection": -3.0,
    "short": -1.0,
    "sentence": -3.0,
    "numbered": -1.0,
    "prose": -1.5,
    "mention": -2.0,
    "near": 3.0,
    "file": 3.0,
    "inside": -4.0,
    "holds": -4.0,
}
FREEDOM = 2.0  # how far a weight may move, as a variance
ROUNDS = 6  # the features of neighbours depend on the weights, which therefore move by half the way each time
CORPUS_WEIGHT = 100.0  # of all examples of a corpus together, as many as they may be
FIXTURES_WEIGHT = 2000.0
OTHERS_WEIGHT = 3000.0
MIXED_WEIGHT = 1000.0
MIXED_NOTES = 300
MIXED_SEED = 0  # benchmarks/mixed.py judges with others
MOST_EACH = 3.0
MOST_FIXTURE = 10.0  # each of them stands for a kind
OTHERS_FOR_FITTING = 4  # one of so many files of programs; the rest are judged
LONGEST_OTHER = 150_000  # characters


class Example(NamedTuple):
    """A note as the parser sees it, with what each of its candidates is."""

    document: Document
    outline: Outline
    lines: list[str]
    candidates: list[Candidate]
    is_entry: list[bool | None]  # None: it may be taken for the entry as well as another


def example(document: Document) -> Example | None:
    """Return the candidates of a note; None if its front matter is broken."""
    lines = re.split(r"\r\n|\n|\r", document.text)
    try:
        front = read_front_matter(lines, document.file)
    except NoteError:
        return None
    marked = [""] * front.line_count + lines[front.line_count :]
    found = outline(marked)
    lines, _ = claims.take_claims(marked, found.fences, document.file)
    candidates = segmenting.candidates(found, lines, front, document.file)
    titles = [one.found.title for one in candidates]
    is_entry: list[bool | None] = [False] * len(candidates)
    for _, match in pairs(document.titles(), titles):
        if match is None:
            continue
        is_entry[match] = True
        for number, title in enumerate(titles):
            if title == titles[match] and is_entry[number] is False:
                is_entry[number] = None
    return Example(document, found, lines, candidates, is_entry)


def fixtures() -> list[Document]:
    """Return the notes of tests/fixtures."""
    found = []
    for path in sorted((ROOT / "tests/fixtures/notes").glob("*.md")):
        parts = path.read_text(encoding="utf-8").split("\n.\n")
        for title, text, expected in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            file = title.strip().partition("\nfile: ")[2] or "n.md"
            papers = [one for one in yaml.safe_load(expected) or [] if one.get("kind") not in ("note", "lecture")]
            found.append(Document(file, text, tuple(papers)))
    return found


def mixtures(of_corpora: Mapping[str, list[Piece]]) -> list[Document]:
    """Return notes that mix entries of these corpora."""
    draw = random.Random(MIXED_SEED)
    return [document(mixed(of_corpora, draw)) for _ in range(MIXED_NOTES)]


def others(folders: Sequence[Path]) -> list[Document]:
    """Return Markdown files that are about no papers."""
    found = []
    for path in sorted({path for folder in folders for path in folder.rglob("*.md") if path.is_file()}):
        text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        if len(text) <= LONGEST_OTHER and "\0" not in text:
            found.append(Document(path.as_posix().lstrip("/"), text, ()))
    return found


def fit(groups: Mapping[str, Sequence[Example]]) -> dict[str, float]:
    """Return the weights under which the examples are likeliest, near what is expected."""
    names = sorted({*EXPECTED, *(name for group in groups.values() for one in group for name in _names(one))})
    column = {name: number for number, name in enumerate(names)}
    expected = numpy.array([EXPECTED.get(name, 0.0) for name in names])
    found = dict(zip(names, expected, strict=True))
    for _ in range(ROUNDS):
        rows, columns, values, truth, shares = [], [], [], [], []
        for name, group in groups.items():
            told = []
            for one in group:
                for features, is_entry in zip(in_context(one.candidates, found), one.is_entry, strict=True):
                    if is_entry is None:
                        continue
                    rows += [len(truth)] * (len(features) + 1)
                    columns += [column[feature] for feature in features] + [column["bias"]]
                    values += [*features.values(), 1.0]
                    truth.append(is_entry)
                    told.append(is_entry)
            shares.append(_shares(name, numpy.array(told, bool)))
        matrix = csr_matrix((values, (rows, columns)), shape=(len(truth), len(names)))
        best = _best(matrix, numpy.array(truth, float), numpy.concatenate(shares), expected)
        found = {name: (found[name] + value) / 2 for name, value in zip(names, best, strict=True)}
    return {name: round(float(value), 2) for name, value in found.items() if abs(value) >= 0.05}


def _names(one: Example) -> set[str]:
    return {name for candidate in one.candidates for name in (*candidate.evidence, f"@{candidate.place}")}


def _shares(name: str, truth: NDArray[numpy.bool_]) -> NDArray[numpy.float64]:
    """Return how much each example of a group counts: an entry at least as much as what is none."""
    of_no_corpus = {"others": OTHERS_WEIGHT, "fixtures": FIXTURES_WEIGHT, "mixed": MIXED_WEIGHT}
    whole = of_no_corpus.get(name, CORPUS_WEIGHT)
    if not truth.any():
        return numpy.full(len(truth), whole / max(1, len(truth)))
    an_entry = min(whole / 2 / truth.sum(), MOST_FIXTURE if name == "fixtures" else MOST_EACH)
    return numpy.where(truth, an_entry, min(whole / 2 / max(1, (~truth).sum()), an_entry))


def _best(
    matrix: csr_matrix, truth: NDArray[numpy.float64], shares: NDArray[numpy.float64], expected: NDArray[numpy.float64]
) -> NDArray[numpy.float64]:
    def loss(given: NDArray[numpy.float64]) -> tuple[float, NDArray[numpy.float64]]:
        odds = matrix @ given
        away = given - expected
        value = shares @ (numpy.logaddexp(0, odds) - truth * odds) + away @ away / (2 * FREEDOM)
        slope = matrix.T @ (shares * (1 / (1 + numpy.exp(-odds)) - truth)) + away / FREEDOM
        return float(value), slope

    return numpy.asarray(minimize(loss, expected, jac=True, method="L-BFGS-B").x)


def read(one: Example, found: Mapping[str, float]) -> list[str]:
    """Return the titles that the parser finds in a note with these weights."""
    front = read_front_matter(re.split(r"\r\n|\n|\r", one.document.text), one.document.file)
    _, _, entries = segmenting.entries(one.outline, one.lines, front, one.document.file, found)
    return [entry.title for entry in entries]


def judge(group: Sequence[Example], found: Mapping[str, float]) -> Found:
    """Return how many papers of a group are found with these weights."""
    return total(count(one.document.titles(), read(one, found)) for one in group)


def table(found: Mapping[str, float]) -> str:
    """Return weights as Python, the heaviest first."""
    lines = (f'    "{name}": {value},' for name, value in sorted(found.items(), key=lambda one: -one[1]))
    return "WEIGHTS = {\n" + "\n".join(lines) + "\n}\n"


def write(found: Mapping[str, float]) -> None:
    """Put weights into kb/notes/parsing/weights.py."""
    path = Path(weights.__file__)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"WEIGHTS(?:: dict\[str, float\])? = \{.*?\}\n", table(found), text, flags=re.DOTALL), "utf-8"
    )


def main() -> None:
    """Print the weights, and recall and precision of each corpus with all weights and without its own."""
    parser = argparse.ArgumentParser(description="Find and judge the weights of evidence.")
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="folders of Markdown about no papers")
    parser.add_argument("--apart", type=Path, help="corpora that are only judged")
    parser.add_argument("--write", action="store_true", help="put the weights into kb/notes/parsing/weights.py")
    given = parser.parse_args()
    names = corpora(given.corpora)
    groups = {name: _examples(read_corpus(given.corpora, name)) for name in names}
    groups["fixtures"] = _examples(fixtures())
    elsewhere = others(given.others)
    groups["others"] = _examples(elsewhere[::OTHERS_FOR_FITTING])
    entries = {name: [piece for one in groups[name] for piece in pieces(name, one.document)] for name in names}
    groups["mixed"] = _examples(mixtures(entries))
    found = fit(groups)
    print(table(found))
    print(f"{'':22}{'all':>8}{'':>8}{'without':>8}\n{'':22}{'recall':>8}{'precis.':>8}{'recall':>8}{'precis.':>8}")
    apart = []
    for name in names:
        all_of_them = judge(groups[name], found)
        without = {other: group for other, group in groups.items() if other != name}
        without["mixed"] = _examples(mixtures({other: of for other, of in entries.items() if other != name}))
        rest = judge(groups[name], fit(without))
        apart.append(rest)
        print(
            f"{name:22}{all_of_them.recall:8.3f}{all_of_them.precision:8.3f}{rest.recall:8.3f}{rest.precision:8.3f}",
            flush=True,
        )
    means = [sum(values) / len(apart) for values in zip(*((one.recall, one.precision) for one in apart), strict=True)]
    print(f"{'mean':22}{'':16}{means[0]:8.3f}{means[1]:8.3f}")
    own = judge(groups["fixtures"], found)
    print(f"{'tests/fixtures':22}{own.recall:8.3f}{own.precision:8.3f}")
    for name in corpora(given.apart) if given.apart else ():
        one = judge(_examples(read_corpus(given.apart, name)), found)
        print(f"{'apart: ' + name:30}{one.recall:8.3f}{one.precision:8.3f}")
    rest = _examples([one for number, one in enumerate(elsewhere) if number % OTHERS_FOR_FITTING])
    false = [one for one in rest if read(one, found)]
    if rest:
        print(f"{len(false)} of {len(rest)} other files hold what is taken for a paper: {len(false) / len(rest):.2%}")
    if given.write:
        write(found)


def _examples(documents: Sequence[Document]) -> list[Example]:
    return [one for document in documents if (one := example(document))]


if __name__ == "__main__":
    main()
