"""bm25s, tantivy and SQLite's FTS5: libraries, each under a small program of ours, run by the library's own Python."""

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from .installing import python_packages
from .peer import LIMIT, QUERY, Installed, Peer, Tool, stems

PROGRAMS = Path(__file__).resolve().parent / "programs"


def measured(way: str, python: Path, program: str, terms: str, notes: Path, rebuilds: bool = False) -> Peer:
    """Return what is measured of a program that splits text into terms in one of its ways."""
    command = (str(python), str(PROGRAMS / program), terms)
    update = (*command, "update", str(notes))
    return Peer(
        way,
        (*command, "search", QUERY, LIMIT),
        stems,
        build=update,
        refresh=update,
        rebuilds=rebuilds,
        environment={"PYTHONPATH": str(PROGRAMS)},  # for Pythons told not to look beside their program
    )


def library(name: str, program: str, *requirements: str, ways: Sequence[tuple[str, str]], rebuilds: bool) -> Tool:
    """Return a library from PyPI in each of its ways (how text is split into terms, what to call it)."""

    def install(folder: Path) -> Installed:
        return python_packages(folder, *requirements)

    def peers(installed: Installed, notes: Path) -> list[Peer]:
        python = installed.programs / "python"
        return [measured(way, python, program, terms, notes, rebuilds) for terms, way in ways]

    return Tool(name, install, peers)


def with_python(folder: Path) -> Installed:
    """Return the SQLite that this Python brings."""
    return Installed(Path(sys.executable).parent, sqlite3.sqlite_version, 0)


def fts5(installed: Installed, notes: Path) -> list[Peer]:
    """Return FTS5 with the tokenizer it comes with and with the one that finds parts of words."""
    ways = (("unicode61", "as it comes"), ("trigram", "trigram, else LIKE"))
    return [measured(way, Path(sys.executable), "fts5.py", terms, notes) for terms, way in ways]


BM25S = library(
    "bm25s",
    "ranked.py",
    "bm25s==0.3.16",
    "jieba==0.42.1",
    ways=(("words", "as it comes"), ("jieba", "jieba"), ("pairs", "pairs of characters")),
    rebuilds=True,
)
TANTIVY = library(
    "tantivy",
    "inverted.py",
    "tantivy==0.27.0",
    ways=(("default", "as it comes"), ("ngram", "ngram(2,2)"), ("characters", "single characters")),
    rebuilds=False,
)
FTS5 = Tool("FTS5", with_python, fts5)
