"""Databases of Zotero that are odd or damaged, and what must hold when they are read."""

import hashlib
import html
import re
import shutil
import sqlite3
import struct
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kb.loading import load
from kb.parsing import parse_note
from kb.records import Paper
from tests.fuzz.checks import nothing_done, sound
from tests.fuzz.inputs import NOISE, corpus

NAME = "zotero.sqlite"
MAGIC = bytes.fromhex("d9d505f920a163d7")  # of a journal
OWN = r"/kb-zotero-|\('\d(-\w+)?', \d+\)"  # a copy is made in a folder of its own, and removed with it
NO_RECORDS = ("attachment", "note", "annotation")
TABLES = {  # and how many columns each has
    "libraries": 2,
    "itemTypes": 2,
    "items": 5,
    "fields": 2,
    "itemDataValues": 2,
    "itemData": 3,
    "creators": 4,
    "creatorTypes": 2,
    "itemCreators": 4,
    "tags": 2,
    "itemTags": 3,
    "collections": 3,
    "collectionItems": 3,
    "itemNotes": 4,
    "deletedItems": 2,
}
ODD = (
    "2024-10-02",
    "0000-00-00",
    "２０２４",
    "2024-13-45 x",
    "\x1b[31m",
    "a\0b",
    "<p>a<br>b",
    "<a href='x'>",
    "&#0;&lt;",
    "title",
)
CELL = (
    st.none()
    | st.integers(-1, 12)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | st.sampled_from((*ODD, "长" * 100_000))
    | NOISE.map(lambda text: text.encode("utf-8", "replace").decode())
)
ROW = st.sampled_from(sorted(TABLES)).flatmap(
    lambda table: st.tuples(st.just(table), st.lists(CELL, min_size=TABLES[table], max_size=TABLES[table]))
)


class Damage(NamedTuple):
    """What happens to the bytes of one file of a database."""

    file: str  # what its name ends with: "", "-wal" or "-journal"
    how: str
    place: float  # of its length
    data: bytes


MODES = ("delete", "wal", "hot")
DAMAGE = st.builds(
    Damage,
    st.sampled_from(["", "", "-wal", "-journal"]),
    st.sampled_from(["write", "write", "head", "cut", "page", "empty", "append", "names a file"]),
    st.floats(0, 1, exclude_max=True) | st.integers(0, 120).map(lambda place: place / 200_000),
    st.binary(min_size=1, max_size=8) | st.sampled_from([b"\0" * 4096, b"\xff" * 64, b"\0\x02", b"\1"]),
)
LIBRARY = st.tuples(
    st.lists(ROW, max_size=12), st.sampled_from(MODES), st.just([]) | st.lists(DAMAGE, min_size=1, max_size=4)
)


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


def make(path: Path, rows: list[tuple[str, list[Any]]], mode: str) -> None:
    """Write the library of the corpus with rows more, in a file beside it ("wal") or not committed ("hot")."""
    work = path.with_name("work")
    work.write_bytes(whole())
    with closing(sqlite3.connect(work, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA journal_mode = {'wal' if mode == 'wal' else 'delete'}")
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        for table, cells in rows:
            with suppress(sqlite3.IntegrityError):
                db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(cells))})", cells)
        if mode != "hot":
            db.execute("COMMIT")
        for file in path.parent.glob("work*"):
            if not file.name.endswith("-shm"):
                file.with_name(file.name.replace("work", NAME)).write_bytes(file.read_bytes())
    for file in path.parent.glob("work*"):
        file.unlink()


@cache
def whole() -> bytes:
    """Return the library of the corpus as a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        with closing(sqlite3.connect(path)) as db:
            db.executescript(corpus("zotero")[0])
        return path.read_bytes()


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
            if parent == item and key not in binned and ("<" not in shown(note) or shown(note) in ODD):
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


def spoil(path: Path, damage: Damage, victim: Path) -> None:
    """Change a file of a database as damage says."""
    file = path.with_name(NAME + damage.file)
    data = bytearray(file.read_bytes() if file.is_file() else b"")
    at = int(damage.place * len(data))
    if damage.how == "write":
        data[at : at + len(damage.data)] = damage.data
    elif damage.how == "head":
        at %= 108
        data[at : at + len(damage.data)] = damage.data
    elif damage.how == "cut":
        del data[at:]
    elif damage.how == "page":
        at -= at % 4096
        data[at : at + 4096] = data[:4096]
    elif damage.how == "empty":
        data.clear()
    elif damage.how == "append":
        data += damage.data * 100
    else:
        file = path.with_name(f"{NAME}-journal")
        data = bytearray(naming(victim, path))
    file.write_bytes(data)


def naming(victim: Path, database: Path) -> bytes:
    """Return a journal of database that changes nothing in it and names victim: SQLite deletes that with it."""
    name = str(victim).encode()
    head = MAGIC + struct.pack(">IIIII", 0, 1, database.stat().st_size // 4096, 512, 4096)
    total = sum(byte if byte < 128 else byte - 256 for byte in name) & 0xFFFFFFFF
    return (
        head.ljust(512, b"\0")
        + struct.pack(">I", 2**30 // 4096 + 1)
        + name
        + struct.pack(">II", len(name), total)
        + MAGIC
    )


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the hash and the time of each file of a folder."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
    }
