"""The libraries that this engine stands on: which they are, and what they cannot do here."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from importlib import metadata
from typing import NamedTuple

FAISS = "faiss"
REINSTALL = "pip install --force-reinstall faiss-cpu"
NEAREST = 5  # of the vectors that the probe asks FAISS about
# torch goes first, as where kb uses both: on some systems the other order ends the process.
PROBE = """
import json, re, sys
found = {}
try:
    import torch
    torch.ones(256, 256) @ torch.ones(256, 256)
    found["torch"] = torch.__version__
    found["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
except ModuleNotFoundError:
    pass
import faiss, numpy
index = faiss.IndexFlatIP(8)
index.add(numpy.eye(8, dtype="float32"))
found["nearest"] = int(index.search(numpy.eye(8, dtype="float32")[5:6], 1)[1][0][0])
try:
    maps = open("/proc/self/maps").read()
except OSError:
    maps = ""
found["openmp"] = sorted(set(re.findall(r"[^/\\s]*lib(?:[gi]?omp|iomp5)[^/\\s]*", maps)))
print(json.dumps(found))
"""


class Library(NamedTuple):
    """A library of this machine."""

    name: str  # "SQLite 3.45.1"
    fault: str  # what it says or does instead of what is needed; empty if nothing is wrong


def sqlite() -> Library:
    """Try whether SQLite has full text and JSON."""
    fault = ""
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute("CREATE VIRTUAL TABLE tried USING fts5(text, tokenize='porter ascii')")
            db.execute("SELECT value FROM json_each('[1]')").fetchall()
        except sqlite3.OperationalError as error:
            fault = str(error)
    return Library(f"SQLite {sqlite3.sqlite_version}", fault)


def vectors(found: Mapping[str, object]) -> Library:
    """Tell FAISS by what PROBE, run in a process of its own, has printed as JSON."""
    is_right = found["nearest"] == NEAREST
    return Library(
        f"FAISS {metadata.version('faiss-cpu')}", "" if is_right else "finds another vector than the nearest"
    )
