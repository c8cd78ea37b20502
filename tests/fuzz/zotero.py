"""What must hold when a database of Zotero is read, whatever is in it."""

import hashlib
import html
import re
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kb.notes.loading import load
from kb.notes.parsing import parse_note
from kb.records import Paper
from tests.fuzz.checks import nothing_done, sound
from tests.fuzz.databases import NAME, TABLES, Damage, make, spoil

OWN = r"/kb-copy-|^open \d+$|\('copy(-\w+)?', \d+\)"  # a copy is made in a folder of its own, and removed with it
NO_RECORDS = ("attachment", "note", "annotation")


def zotero(given: tuple[list[tuple[str, list[Any]]], str, list[Damage]]) -> None:
    """Reading a database gives its records or a line, and changes nothing; of an undamaged one nothing is lost."""
    rows, mode, damages = given
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        make(path, rows, mode)
        held = {} if damages else tables(path)
        victim = Path(folder) / "of the reader"
        victim.write_text("theirs", encoding="utf-8")
        for damage in damages:
            spoil(path, damage, victim)
        before = state(path.parent)
        try:
            with nothing_done(but_for=OWN):
                data = load(path, f"z/{NAME}")
        finally:
            assert state(path.parent) == before
    note = parse_note(data, f"z/{NAME}")
    sound(note, data.decode())
    if held:
        complete(note.papers, held)


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all tables as SQLite gives them, text as bytes, out of a copy."""
    with TemporaryDirectory() as folder:
        for file in path.parent.iterdir():
            shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / NAME)) as db:
            db.text_factory = bytes
            return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in TABLES}


def complete(papers: Sequence[Paper], held: dict[str, list[tuple[Any, ...]]]) -> None:
    """Check that each item is a record, with its title, text, people, tags, collections and notes."""
    text = {name: {row[0]: shown(row[-1] if len(row) == 2 else row[1]) for row in held[name]} for name in TABLES}
    binned, feeds = text["deletedItems"], [key for key, kind in text["libraries"].items() if kind == "feed"]
    live = [row for row in held["items"] if row[0] not in binned and row[3] not in feeds]
    items = [row[0] for row in live if text["itemTypes"].get(row[1], "") not in NO_RECORDS]
    assert len(papers) == len(items)
    for item, paper in zip(items, papers, strict=True):
        values: dict[str, list[str]] = defaultdict(list)
        for _, field, value in (row for row in held["itemData"] if row[0] == item):
            if field in text["fields"] and value in text["itemDataValues"]:
                values[text["fields"][field]].append(text["itemDataValues"][value])
        for name, where in (("title", paper.title), ("abstractNote", paper.body), ("extra", paper.body)):
            if len(values[name]) == 1:
                assert words(values[name][0]) <= words(where)
        said = squeezed(" ".join(paper.authors))
        for _, person, role, _ in (row for row in held["itemCreators"] if row[0] == item):
            if text["creatorTypes"].get(role) in ("author", "programmer"):
                found = next((row for row in held["creators"] if row[0] == person), (0, b"", b"", 0))
                assert all(squeezed(shown(part)) in said for part in found[1:3])
        keywords = words(" ".join(paper.keywords))
        for names, rows, place in (("tags", held["itemTags"], 0), ("collections", held["collectionItems"], 1)):
            for row in rows:
                if row[place] == item:
                    assert words(text[names].get(row[1 - place], "")) <= keywords
        for key, parent, note, _ in held["itemNotes"]:
            if parent == item and key not in binned and re.fullmatch(r"(?:[^<>]|<[^<>]*>)*", shown(note)):
                assert words(html.unescape(shown(note))) <= words(paper.body)


def shown(value: Any) -> str:
    """Return a cell as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def words(text: str) -> set[str]:
    """Return the words outside of tags."""
    return set(re.findall(r"\w+", re.sub(r"<[^<>]*>", " ", text)))


def squeezed(text: str) -> str:
    """Return text without spaces."""
    return "".join(text.split())


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the hash and the time of each file of a folder."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
    }
