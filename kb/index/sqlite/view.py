"""The engine in SQLite and FAISS, to read: one committed state of terms and vectors."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kb.index.engine import PaperKey, PassageKey, Ranking, Words
from kb.index.sqlite.full_text import FullText
from kb.index.sqlite.nearest import nearest
from kb.index.sqlite.vectors import Vectors
from kb.terms import Phrase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SqliteView:
    """A kb.index.engine.View, through the connection that the catalogue is read by."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        """Take the connection, and the folder where the FAISS files lie."""
        self._text = FullText(db)
        self._folder = folder
        self.vectors = Vectors(db)

    def match(self, words: Words, *, among: frozenset[PaperKey] | None = None, most: int | None = None) -> Ranking:
        """Return the papers that words ask for, only those among some unless that is None."""
        return self._text.match(words, among, most)

    def holding(self, word: Phrase) -> int:
        """Return how many papers hold word."""
        return self._text.holding(word)

    def latin_words(self) -> list[str]:
        """Return the words of Latin letters that stand in papers, stemmed as they are held."""
        return self._text.latin_words()

    def spelt(self, stem: str) -> set[str]:
        """Return words of Latin letters that are held as stem."""
        return self._text.spelt(stem)

    def has_vectors(self, encoder: str) -> bool:
        """Whether there is a vector of encoder."""
        return self.vectors.has_any(encoder)

    def nearest(
        self, encoder: str, vector: "NDArray[np.float32]", k: int, *, among: frozenset[PaperKey] | None = None
    ) -> list[tuple[PassageKey, PaperKey, float]]:
        """Return (passage, paper, cosine) of the k passages nearest to the unit vector [D], best first."""
        return nearest(self._folder, self.vectors, encoder, vector, k, among)

    def encoded(self, encoder: str, text_hashes: Iterable[str]) -> set[str]:
        """Return those of the hashes of texts that have a vector of encoder."""
        return self.vectors.encoded(encoder, text_hashes)
