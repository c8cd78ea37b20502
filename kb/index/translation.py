"""Chinese words -> English terms and back, looked up in the table that kb.index.translation_table builds.

Chinese is covered by the longest entries, left to right. A concept of a glossary stands for all its names in both
languages, another word for its first senses.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from kb.errors import TranslationDamaged
from kb.sqlite_files import Connection, DatabaseError, connect
from kb.terms import FUNCTION_WORDS, fold, has_unspaced, name_key, runs, split_unspaced, terms

FEWEST_WORDS = 3  # of a passage, for a model that reads English alone to have something to go by
LONGEST = 12  # characters of an entry
SENSES_INDEXED, SENSES_ASKED = 6, 3  # of a word; tuned on XQuAD in both directions
CHARACTER_SENSES_INDEXED, CHARACTER_SENSES_ASKED = 2, 1  # of a single character: it is rarely meant alone

_IN_DEFINITIONS = ("as", "be", "etc", "its", "one", "out", "s", "sb", "so", "sth", "that", "this", "up")
_WEAK = FUNCTION_WORDS.union(_IN_DEFINITIONS)


class Meaning(NamedTuple):
    """What a word of a query stands for."""

    word: str
    names: tuple[str, ...]


class Gloss:
    """The table, looked up word by word, or held in memory for many notes."""

    def __init__(self, path: Path, in_memory: bool = False) -> None:
        self._path = path
        self._db = _connect(path)
        self.fingerprint = str(self._db.execute("SELECT value FROM meta").fetchone()[0])
        self._senses: dict[str, tuple[str, ...] | None] = {}
        self._terms: dict[str, list[str]] = {}  # of words that were indexed before
        self._is_complete = in_memory
        if in_memory:
            rows = self._db.execute("SELECT term, senses FROM words")
            self._senses = {term: tuple(senses.split("\n")) for term, senses in rows}
        self._longest: dict[str, int] = {}  # by an entry's first two characters: no need to try anything longer
        for term in self._senses:
            self._longest[term[:2]] = max(len(term), self._longest.get(term[:2], 0))

    def senses(self, word: str) -> tuple[str, ...]:
        """Return the English senses of a folded Chinese word, most usual first; empty if it is unknown."""
        if word in self._senses or self._is_complete:
            return self._senses.get(word) or ()
        row = self._row("SELECT senses FROM words WHERE term = ?", word)
        self._senses[word] = tuple(row[0].split("\n")) if row else None
        return self._senses[word] or ()

    def names(self, name: str) -> tuple[str, ...]:
        """Return the other names of the concept that a glossary calls name, in both languages."""
        row = self._row("SELECT names FROM concepts WHERE name = ?", name_key(name))
        return tuple(row[0].split("\n")) if row else ()

    def cover(self, run: str, most: int = LONGEST) -> Iterator[tuple[int, str]]:
        """Yield (start, word) of the words that cover a folded run, longest first from the left.

        What no entry covers is left out. A word has `most` characters at most.
        """
        start = 0
        while start < len(run):
            longest = self._longest.get(run[start : start + 2], 1) if self._is_complete else most
            for length in range(min(longest, len(run) - start), 0, -1):
                word = run[start : start + length]
                if self.senses(word):
                    yield start, word
                    break
            start += length

    def words(self, run: str) -> list[str]:
        """Return the words that cover a folded run."""
        return [word for _, word in self.cover(run)]

    def index_terms(self, text: str) -> list[str]:
        """Return the English terms that the Chinese in text stands for, for the index."""
        found: list[str] = []
        for _, run in runs(text):
            for word in self.words(run):
                if word not in self._terms:
                    most = SENSES_INDEXED if len(word) > 1 else CHARACTER_SENSES_INDEXED
                    self._terms[word] = terms_of(self.senses(word)[:most])
                found.extend(self._terms[word])
        return found

    def translate(self, text: str) -> str:
        """Return text with its Chinese replaced by first senses, for an encoder that reads none of it."""
        parts = []
        for spaced, run in split_unspaced(text):
            parts.append(spaced)
            parts.extend(f" {self.senses(word)[0]} " for word in self.words(fold(run)))
        return " ".join("".join(parts).split())

    def senses_asked(self, word: str) -> tuple[str, ...]:
        """Return the senses of a word that a question looks for: so many besides the names of its concept."""
        names, senses = self.names(word), self.senses(word)
        most = SENSES_ASKED if len(word) > 1 else CHARACTER_SENSES_ASKED
        return senses[: most + sum(sense in names for sense in senses)]

    def _row(self, sql: str, value: str) -> tuple[str] | None:
        try:
            row: tuple[str] | None = self._db.execute(sql, (value,)).fetchone()
        except DatabaseError as error:
            raise _damaged(self._path, error) from None
        return row


def gloss_path(index: Path) -> Path:
    """Return where the table lies below the index folder."""
    return index / "gloss.sqlite"


def open_gloss(index: Path, in_memory: bool = False) -> Gloss | None:
    """Return the table, or None if it has not been built. Raises: TranslationDamaged."""
    path = gloss_path(index)
    try:
        return Gloss(path, in_memory) if path.is_file() else None
    except DatabaseError as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: DatabaseError) -> TranslationDamaged:
    return TranslationDamaged(f"{path} is damaged ({error})", "run: kb index")


def is_damaged(index: Path) -> bool:
    """Whether there is a table that cannot be read to its end."""
    path = gloss_path(index)
    if not path.is_file():
        return False
    try:
        with closing(_connect(path)) as db:
            is_empty = not db.execute("SELECT 1 FROM meta").fetchall()
            return is_empty or db.execute("PRAGMA quick_check").fetchone() != ("ok",)
    except DatabaseError:
        return True


def _connect(path: Path) -> Connection:
    # The table is written once, under another name: nobody has to be waited for, and nothing is written beside it.
    return connect(f"file:{quote(os.fsencode(path))}?immutable=1", uri=True)


def readable(text: str, reads_unspaced: bool, gloss: Gloss | None) -> str:
    """Return what an encoder can read of text: all of it, or its Chinese put into English; "" without a table."""
    if reads_unspaced or not has_unspaced(text):
        return text
    return gloss.translate(text) if gloss else ""


def readable_passage(text: str, reads_unspaced: bool, gloss: Gloss | None) -> str:
    """Return what readable does, but "" where so few words of a text are left that they say nothing of it."""
    words = readable(text, reads_unspaced, gloss)
    return words if words == text or len(re.findall(r"[A-Za-z]{2,}", words)) >= FEWEST_WORDS else ""


def terms_of(senses: Iterable[str]) -> list[str]:
    """Return the terms of the senses of one word, each once, without those that mean nothing alone."""
    return [term for term in dict.fromkeys(term for sense in senses for term in terms(sense)) if term not in _WEAK]
