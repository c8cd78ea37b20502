"""How much is read of what notes say about papers, against the truth: authors, organizations, keywords, ids and dates.

python benchmarks/metadata.py CORPORA [--wrong N]     CORPORA holds a folder for each corpus, and _truth/CORPUS.jsonl

A line of truth names file and title, and some of authors, affil, kw (texts as notes write them), arxiv, date, year.
Only papers are counted that are found at all: a record of the same file whose title is the same, or nearly.
"""

import argparse
import json
import re
import unicodedata
from collections import defaultdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from kb.errors import NoteError
from kb.notes.parsing import parse_note
from kb.notes.parsing.dates import date_in, day_in
from kb.records import Paper

FIELDS = {
    "authors": "authors",
    "affil": "organizations",
    "kw": "keywords",
    "arxiv": "arXiv",
    "date": "date",
    "year": "date",
}
LEAST = 0.97
SHORTER = 0.6  # of the longer of two titles of which one holds the other
ALIKE = 0.9


def squeezed(text: str) -> str:
    """Return the letters and digits of text, case folded."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def are_same(one: str, other: str) -> bool:
    """Whether two squeezed titles are of one paper."""
    shorter, longer = sorted((one, other), key=len)
    if not shorter or one == other:
        return one == other
    if shorter in longer and len(shorter) >= SHORTER * len(longer):
        return True
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def holds(field: str, truth: str, paper: Paper) -> bool:
    """Whether paper says what truth does."""
    if field == "authors":
        return squeezed(re.sub(r"\bet\.?\s*al\b", "others", truth)) == squeezed(" ".join(paper.authors))
    if field in ("affil", "kw"):
        return squeezed(truth) == squeezed("".join(paper.organizations if field == "affil" else paper.keywords))
    if field == "arxiv":
        return truth == paper.arxiv_id
    if (date := date_in(truth)) is None and (day := day_in(truth)):
        return bool(paper.date) and str(paper.date).endswith(f"-{day[0]:02d}-{day[1]:02d}")
    return any((found or "").startswith(date or truth) for found in (paper.date, paper.published, paper.month))


def papers_of(path: Path, name: str) -> list[Paper]:
    """Return the records of a file; none if it cannot be read."""
    try:
        return list(parse_note(path.read_bytes(), name).papers)
    except (NoteError, OSError):
        return []


def measure(corpus: Path, truth: list[dict[str, Any]]) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    """Return how many papers are found, and for each field whether it holds, with what is wrong."""
    left: dict[str, list[tuple[str, Paper]]] = {}
    for file in {str(one["file"]) for one in truth}:
        left[file] = [(squeezed(paper.title), paper) for paper in papers_of(corpus / file, file)]
    matched, found = 0, defaultdict(list)
    for one in truth:
        candidates, title = left[one["file"]], squeezed(one["title"])
        alike = [n for n, (known, _) in enumerate(candidates) if are_same(known, title)]
        place = next((n for n in alike if candidates[n][0] == title), alike[0] if alike else None)
        if place is None:
            continue
        matched += 1
        _, paper = candidates.pop(place)
        for field, name in FIELDS.items():
            if value := one.get(field):
                said = paper.authors, paper.organizations, paper.keywords, paper.arxiv_id, paper.date, paper.published
                found[name].append((holds(field, str(value), paper), f"{one['file']}: {value!r} is not in {said}"))
    return matched, found


def main() -> None:
    """Print a line for each corpus, and what is wrong if asked."""
    parser = argparse.ArgumentParser(description="Measure what is read of what notes say about papers.")
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--wrong", type=int, default=0, help="so many wrong values of each corpus and field")
    given = parser.parse_args()
    for path in sorted((given.corpora / "_truth").glob("*.jsonl")):
        truth = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        matched, found = measure(given.corpora / path.stem, truth)
        shares = {name: sum(holds for holds, _ in values) / len(values) for name, values in found.items()}
        told = "  ".join(
            f"{name} {share:.3f} of {len(found[name])}{' !' * (share < LEAST)}" for name, share in shares.items()
        )
        print(f"{path.stem:20} {matched:5} of {len(truth):5} papers  {told}")
        for name, values in found.items():
            for line in [line for holds, line in values if not holds][: given.wrong]:
                print(f"    {name}: {line}")


if __name__ == "__main__":
    main()
