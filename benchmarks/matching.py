"""Notes whose papers are known, and how many of them were found: the titles of a truth against those of records.

A corpus is a folder of notes; beside it, _truth/NAME.jsonl holds a line {"file", "title", …} for each paper in it.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from kb.notes.folders import SUFFIXES

ALIKE = 0.9  # share of letters from which on two titles are one
HELD = 0.6  # share of the longer title that the shorter one fills, where it holds it


class Found(NamedTuple):
    """How many papers of a truth were found."""

    true: int
    predicted: int
    matched: int

    @property
    def recall(self) -> float:
        """Share of the true papers that were found."""
        return self.matched / max(1, self.true)

    @property
    def precision(self) -> float:
        """Share of what was found that is true."""
        return self.matched / max(1, self.predicted)


class Document(NamedTuple):
    """A note, and the papers that are in it."""

    file: str  # path below its corpus
    text: str
    truth: tuple[dict[str, Any], ...]

    def titles(self) -> list[str]:
        """Return the true titles."""
        return [str(paper["title"]) for paper in self.truth]


def corpora(root: Path) -> list[str]:
    """Return the names of the corpora in a folder."""
    return sorted(path.stem for path in (root / "_truth").glob("*.jsonl"))


def read_corpus(root: Path, name: str) -> list[Document]:
    """Return the notes of a corpus that its truth speaks of."""
    truth: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (root / "_truth" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        paper = json.loads(line)
        truth[paper["file"]].append(paper)
    empty = root / "_truth" / f"{name}.none"  # files that are known to hold no paper
    for file in empty.read_text(encoding="utf-8").split("\n") if empty.exists() else ():
        if file:
            truth[file] = []
    return [Document(file, text, tuple(truth[file])) for file, text in _notes(root / name) if file in truth]


def _notes(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8-sig", errors="replace")


def pairs(truth: Sequence[str], predicted: Sequence[str]) -> Iterator[tuple[int, int | None]]:
    """Yield the number of each true title with that of the title that is its match, None if there is none.

    Titles match if they have the same letters, if one holds most of the other, or if they are alike; each but once.
    """
    free = {number: _letters(title) for number, title in enumerate(predicted)}
    for number, title in enumerate(truth):
        letters = _letters(title)
        match = next((one for one, other in free.items() if _is_same(letters, other)), None)
        if match is not None:
            del free[match]
        yield number, match


def count(truth: Sequence[str], predicted: Sequence[str]) -> Found:
    """Return how many of the true titles are among the predicted ones."""
    matched = sum(match is not None for _, match in pairs(truth, predicted))
    return Found(len(truth), len(predicted), matched)


def total(found: Iterable[Found]) -> Found:
    """Return the sum of what was found in several notes."""
    parts = list(found)
    return Found(*(sum(column) for column in zip(*parts, strict=True))) if parts else Found(0, 0, 0)


def _letters(title: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title).casefold())


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    if not one or not other:
        return False
    shorter, longer = sorted((one, other), key=len)
    if shorter in longer and len(shorter) >= HELD * len(longer):
        return True
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE
