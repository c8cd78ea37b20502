"""What must hold of each place where a stranger's text comes in; a KbError is an answer."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kb.config.kb_toml import CONFIG_NAME, Config, add_source, load_config, set_encoder
from kb.config.sources import Source
from kb.errors import KbError
from kb.exchange.export.keys import as_bibtex
from kb.index.query import parse_query
from kb.index.sqlite.full_text import fts
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.rows import note_rows
from kb.notes.parsing import parse_note
from kb.notes.parsing.claims import FIELDS as CLAIM_FIELDS
from kb.records import Note, Paper
from kb.search.find import search
from tests.exchange.test_round_trip import LIBRARIES, Work, expected, facts
from tests.parsing.test_nothing_is_lost import lost, said

LIBRARY_SUFFIXES = (".bib", ".json", ".ris", ".sqlite")
FORMATS = {"bib": "bibtex", "json": "csl-json"}
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_ACTS = ("subprocess.", "socket.", "os.system", "os.exec", "os.posix_spawn", "os.remove", "os.rename", "os.rmdir")
_ACTS += ("os.mkdir", "os.symlink", "os.link", "os.truncate", "os.chmod", "shutil.", "ctypes.")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_seen: list[str] | None = None  # what was done since somebody began to watch


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        _seen.append(f"{event} {arguments[0]}")
    elif event == "os.chmod" and isinstance(arguments[0], int):
        _seen.append(f"{event} {os.readlink(f'/proc/self/fd/{arguments[0]}')}")  # of a file that has no name yet
    elif event.startswith(_ACTS):
        _seen.append(f"{event} {arguments}")


sys.addaudithook(_watch)


@contextmanager
def nothing_done(but_for: str = r"\0") -> Iterator[None]:
    """Fail if anything is run, written, removed or asked of the network, but for what the pattern but_for finds."""
    global _seen
    _seen = found = []
    try:
        yield
    finally:
        _seen = None
    done = [one for one in found if not re.search(but_for, one)]
    assert done == [], done


def page(given: tuple[str, str]) -> None:
    """A page of notes loses no text, and its records stand where they say."""
    text, file = given
    note = parse_note(text.encode(), file)
    missing = lost(text, file)
    assert missing == [], missing
    sound(note, text)


def claim_block(text: str) -> None:
    """Every leaf of a claim is a text of the page, whatever YAML calls it, and a claim stands where it says."""
    lines = re.split(r"\r\n|\n|\r", text)
    note = parse_note(text.encode("utf-8", "surrogatepass"), "n.md")
    missing = lost(text, "n.md")
    assert missing == [], missing
    sound(note, text)
    for claim in note.claims:
        assert "claim" in lines[claim.line - 1]
        assert claim.paper is None or claim.paper in [paper.id for paper in note.papers]
        for value in (*claim.parameters.values(), *claim.expect.values()):
            assert isinstance(value, (str, tuple))
        leaves = re.findall(r"\w+", f"{claim.run} {claim.says} {said(claim.parameters)} {said(claim.expect)}")
        if not claim.problem and "\\" not in text:
            assert set(leaves) <= set(re.findall(r"\w+", f"{text} {' '.join(CLAIM_FIELDS)}"))


def library(file: str) -> Callable[[str], None]:
    """Return the check of a library: every line is of a record or told of, and what is exported comes back."""

    def check(text: str) -> None:
        note = parse_note(text.encode("utf-8", "surrogatepass"), file)
        sound(note, text)
        if file.endswith(".json"):
            with suppress(ValueError, RecursionError):  # kb passes over what follows the list, and commas
                items = json.loads(text)
                assert len(note.papers) == len(items["items"] if isinstance(items, dict) else items)
        owned = {number for paper in note.papers for number in range(paper.line, paper.end_line + 1)}
        owned |= {number for span in note.unclaimed for number in range(span.line, span.end_line + 1)}
        for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), 1):
            assert number in owned or not line.strip(), f"line {number} belongs to nothing"
        for paper in note.papers:
            comes_back(paper)

    return check


def sound(note: Note, text: str) -> None:
    """Check what holds of the records of any file: spans, ids, dates, passages, and that the index can keep them."""
    count = len(re.split(r"\r\n|\n|\r", text))
    taken: set[int] = set()
    for paper in note.papers:
        lines = set(range(paper.line, paper.end_line + 1))
        assert lines
        assert lines <= set(range(1, count + 1))
        assert not taken & lines or note.file.endswith(LIBRARY_SUFFIXES)  # of which many a line holds several
        taken |= lines
        for date in (paper.published, paper.date, paper.month):
            assert date is None or _DATE.fullmatch(date), date
        assert all(paper.line <= passage.line <= paper.end_line for passage in paper.passages)
        assert paper.passages
        said = paper.body.strip() or paper.passages[0].text  # a title alone is a passage, too
        assert _words(said) == _words(" ".join(passage.text for passage in paper.passages))
    for span in note.unclaimed:
        assert 1 <= span.line <= span.end_line <= count
        assert not taken & set(range(span.line, span.end_line + 1))
    ids = [paper.id for paper in note.papers]
    assert len(set(ids)) == len(ids)
    assert note.month is None or _DATE.fullmatch(note.month)
    for rows in note_rows(note, lambda chinese: []).papers:
        for value in (*rows.paper.values(), *rows.full_text.values(), *(row["text"] for row in rows.passages)):
            assert not isinstance(value, str) or "\0" not in value.encode("utf-8").decode()


def comes_back(paper: Paper) -> None:
    """Check that a record that is exported is the same record when it is read again, at least in its own format."""
    row = PaperRow(1, paper.id, paper.file, paper.line, paper.title, None, paper.kind, None, "", "", "", None)
    held = paper.reference
    work = Work((held.key if held else "") or "key", paper, (f"{paper.file}:{paper.line}",), row)
    for suffix, render in LIBRARIES.items():
        (again,) = parse_note(render([work]).encode(), f"x.{suffix}").papers
        if held and again.title in ("key", as_bibtex(held.key)):  # an entry without a title is called by its key
            again = again.model_copy(update={"title": paper.title})
        if held is None or held.format == FORMATS[suffix]:
            assert facts(again, 1) == expected(work, again), suffix


def settings_file(text: str) -> None:
    """Whatever kb.toml says, reading it does nothing, what is written lies below, and a change changes one thing."""
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        path = root / CONFIG_NAME
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with nothing_done():
            config = load_config(root)
        assert list(root.iterdir()) == [path]
        assert config.index.is_relative_to(root)
        assert config.templates.is_relative_to(root)
        assert config.marks.parent == root
        before = path.read_bytes()
        for change, changed in (
            (lambda: set_encoder(config, 'a"\\b'), {"encoder": 'a"\\b'}),
            (lambda: add_source(config, NEW), {"sources": (*config.sources, NEW)}),
        ):
            path.write_bytes(before)
            if _refused(change):
                assert path.read_bytes() == before
            else:
                assert load_config(root) == Config(**{**vars(config), **changed})


NEW = Source('new "one"', Path("/nowhere/at all"), ("a*",), ("'b'", "\\"))


def _refused(change: Callable[[], None]) -> bool:
    try:
        change()
    except KbError:
        return True
    return False


def query_of(config: Config, reader: Reader) -> Callable[[str], None]:
    """Return the check of queries on an index.

    Whatever is typed is answered; SQLite sees terms alone; quoted texts stand in every hit, excluded words in none, and
    what is marked lies in the text.
    """
    known = {
        row.key: _folded(reader.papers.record(row.key))
        for row in reader.papers.rows([key for key, _ in reader.match(parse_query("")).scores])
    }

    def query(text: str) -> None:
        reader.papers.named(text)
        reader.claims.called(text)
        parsed = parse_query(text)
        phrases = (*parsed.words, *parsed.required, *parsed.excluded, *parsed.excluded_words)
        for one in phrases:
            assert re.fullmatch(r'"[^"\0\s]+( [^"\0\s]+)*"\*?', fts(one)), one
        answer = search(config, reader, text, 0, None, is_fuzzy=len(text) < 200)
        for hit in answer.hits:
            ends = [place for mark in hit.marks for place in mark]
            assert ends == sorted(ends)
            assert all(0 <= start < end <= len(hit.text) for start, end in hit.marks)
            for one in parsed.required:
                assert "".join(one.terms[:1]) in known[hit.paper.key], (one, hit.paper.id)
            for one in parsed.excluded:
                if len(one.terms) == 1 and one.terms[0].isascii():
                    assert not re.search(rf"\b{one.terms[0]}\b", known[hit.paper.key]), (one, hit.paper.id)
        assert len({hit.paper.key for hit in answer.hits}) == len(answer.hits) <= len(known)
        reader.listed(parsed)

    return query


def _folded(record: str) -> str:
    return unicodedata.normalize("NFKC", record).casefold()


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
