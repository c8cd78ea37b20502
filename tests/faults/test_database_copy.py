"""The copy of another program's database: nobody else can read it, and a kill leaves none of it behind."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kb.notes import zotero
from kb.sqlite_files import connect

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from kb.notes import zotero

def end(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "reading":
    zotero._items = end
else:
    def copy(source, target):
        target.write(source.read())
        if source.name.endswith(sys.argv[2]):
            end()

    shutil.copyfileobj = copy
zotero.library(Path(sys.argv[1]))
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which holds none."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with a change that lies in the log beside it still."""
    path = tmp_path / "Zotero" / "zotero.sqlite"
    path.parent.mkdir()
    corpus = ROOT / "tests" / "fuzz" / "corpus" / "zotero" / "whole.sql"
    made = tmp_path / "made.sqlite"
    db = sqlite3.connect(made)
    db.executescript(corpus.read_text(encoding="utf-8"))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("UPDATE itemDataValues SET value = value || ' (in the log)'")
    db.commit()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{made}{suffix}", f"{path}{suffix}")
    db.close()
    return path


def killed(library: Path, moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(library), moment],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", ["reading", ".sqlite", "-wal"])
def test_a_kill_leaves_no_byte_of_a_database_elsewhere(library: Path, temporary: Path, moment: str) -> None:
    killed(library, moment)

    left = [path for path in temporary.rglob("*") if path.is_file() and path.stat().st_size]
    assert [path.name for path in left] == (["copy-wal"] if moment == "-wal" else [])
    assert b"(in the log)" in zotero.library(library)
    assert list(temporary.iterdir()) == []


def test_what_another_program_is_copying_stays(library: Path, temporary: Path) -> None:
    from kb.notes.database_copy import _private_folder

    (temporary / "kb-copy-mine").symlink_to(library.parent, target_is_directory=True)
    with _private_folder() as theirs:
        zotero.library(library)
        assert theirs.is_dir()
    assert sorted(path.name for path in library.parent.iterdir()) == ["zotero.sqlite", "zotero.sqlite-wal"]


def test_a_copy_is_for_nobody_else(library: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}
    real = shutil.copyfileobj

    def look(source: Any, target: Any) -> None:
        real(source, target)
        seen[Path(source.name).name] = stat.S_IMODE(os.fstat(target.fileno()).st_mode)
        seen["folder"] = stat.S_IMODE(next(temporary.iterdir()).stat().st_mode)

    monkeypatch.setattr(shutil, "copyfileobj", look)
    before = os.umask(0)
    try:
        zotero.library(library)
    finally:
        os.umask(before)
    assert seen == {"zotero.sqlite": 0o600, "zotero.sqlite-wal": 0o600, "folder": 0o700}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are looked up in /proc")
def test_what_sqlite_sorts_lies_in_no_file(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.sqlite")
    db.execute("CREATE TABLE t (a)")
    db.executemany("INSERT INTO t VALUES (?)", ((f"{number * 7919 % 100_003:0200}",) for number in range(60_000)))
    rows = db.execute("SELECT a FROM t ORDER BY a DESC")
    next(rows)
    opened = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert [name for name in opened if "etilqs" in name] == []
