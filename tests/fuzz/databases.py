"""Databases of Zotero with odd rows, changes that are not finished, and damaged bytes."""

import sqlite3
import struct
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.fuzz.inputs import NOISE, corpus

NAME = "zotero.sqlite"
MAGIC = bytes.fromhex("d9d505f920a163d7")  # of a journal
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
