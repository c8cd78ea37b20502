"""What is made of notes is no more open than the notes: modes, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.api.alone import start
from kb.index.folder import permitted
from tests.conftest import AUGUST, OCTOBER, Kb

pytestmark = pytest.mark.usefixtures("few_words", "well_machine")
UMASKS = (0o000, 0o022, 0o027, 0o077)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(*places: Path) -> dict[str, int]:
    found = [path for place in places for path in (place, *place.rglob("*"))]
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in found}


def open_to_others(*places: Path) -> dict[str, str]:
    return {path: oct(mode) for path, mode in modes(*places).items() if mode & 0o077}


def made(root: Path, folder: int = 0o700, note: int = 0o600) -> Kb:
    kb = Kb(root)
    kb.write("2024-10.md", OCTOBER).chmod(note)
    kb.write("2024-08.md", AUGUST).chmod(note)
    kb.notes.chmod(folder)
    return kb


def write_everything(kb: Kb, out: Path) -> list[Path]:
    """Run every command that writes something of the notes and return where it lies."""
    assert kb.run("index").exit_code == 0
    assert kb.run("mark", "star", "tinycodec").exit_code == 0
    for command in (
        ["digest", "2024-10", "--out", str(out / "new" / "one.md")],
        ["digest", "--all", "--format", "html", "--out", str(out / "pages")],
        ["export", "--out", str(out / "all.bib")],
        ["export", "--format", "obsidian", "--out", str(out / "vault")],
    ):
        result = kb.run(*command)
        assert result.exit_code == 0, result.output
    return [kb.config.index, kb.config.marks, *out.iterdir()]


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize(("folder", "note"), [(0o700, 0o600), (0o755, 0o600), (0o700, 0o644)])
def test_what_is_made_of_private_notes_is_private(tmp_path: Path, umask: int, folder: int, note: int) -> None:
    kb = made(tmp_path / "kb", folder, note)
    out = tmp_path / "out"
    out.mkdir()
    os.umask(umask)
    assert open_to_others(*write_everything(kb, out)) == {}


@pytest.mark.parametrize("umask", UMASKS)
def test_the_umask_takes_what_the_notes_would_give(tmp_path: Path, umask: int) -> None:
    kb = made(tmp_path / "kb", 0o777, 0o666)
    out = tmp_path / "out"
    out.mkdir()
    os.umask(umask)
    found = modes(*write_everything(kb, out))
    assert {oct(mode & umask) for mode in found.values()} == {"0o0"}
    if umask == 0o022:
        assert set(found.values()) == {0o644, 0o755}


def test_one_private_note_among_others_closes_what_holds_it(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb", 0o755, 0o644)
    kb.refresh()
    assert modes(kb.config.index)[str(kb.config.database)] == 0o644
    kb.write("mine/2024-09.md", "# Quiet Codec: A Paper\n")
    (kb.notes / "mine").chmod(0o700)
    assert "Quiet Codec" in kb.run("search", "quiet codec").stdout
    assert open_to_others(kb.config.index) == {}


def test_the_narrowest_of_several_sources_counts(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb", 0o755, 0o644)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a.md").write_text("# Their Codec: A Paper\n", encoding="utf-8")
    theirs.chmod(0o750)
    assert kb.run("import", str(theirs)).exit_code == 0
    kb.refresh()
    assert {mode & 0o007 for mode in modes(kb.config.index).values()} == {0}
    assert modes(kb.config.index)[str(kb.config.index)] == 0o750


def test_a_team_shares_its_index(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb", 0o2770, 0o664)
    kb.root.chmod(0o2770)
    os.umask(0o002)
    kb.write("2024-07.md", "# Left Behind: A Paper\n").chmod(0o644)  # of somebody with another umask
    kb.refresh()
    found = modes(kb.config.index)
    assert found.pop(str(kb.config.index)) == 0o2770
    assert set(found.values()) == {0o660}


def test_a_wide_index_is_named_and_narrowed(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb", 0o755, 0o644)
    kb.refresh()
    (kb.config.index / "damaged-20240101-000000.sqlite").write_bytes(b"x")
    before = modes(kb.config.index)
    for path in (kb.notes, *kb.notes.iterdir()):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)

    (found,) = [one for one in kb.json("doctor")["findings"] if one["rule"] == "permissions"]
    assert (found["state"], found["way_out"]) == ("warning", "kb doctor --fix")
    assert modes(kb.config.index) == before
    result = kb.run("doctor", "--fix")
    assert "permissions" not in result.stdout
    assert "took from the index" in result.stderr
    assert open_to_others(kb.config.index) == {}

    for path, mode in before.items():
        os.chmod(path, mode)
    kb.refresh()
    assert open_to_others(kb.config.index) == {}


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb")
    kb.refresh()
    out = tmp_path / "site.md"
    out.touch()
    out.chmod(0o644)
    assert kb.run("digest", "2024-10", "--out", str(out)).exit_code == 0
    assert modes(out) == {str(out): 0o644}


def test_nothing_can_be_opened_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb = made(tmp_path / "kb")
    (kb.root / "kb.toml").chmod(0o600)
    seen = []
    fsync = os.fsync

    def watched_too(handle: int) -> None:
        state, name = os.fstat(handle), os.readlink(f"/proc/self/fd/{handle}")
        if stat.S_ISREG(state.st_mode) and "/.kb/" not in name:
            seen.append(state.st_mode & 0o077)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched_too)
    opened = []
    real = os.open

    def watched(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        is_unnamed = flags & getattr(os, "O_TMPFILE", flags + 1) == getattr(os, "O_TMPFILE", 0)
        if str(path).endswith(".part") or (is_unnamed and not str(path).endswith(".kb")):
            opened.append(mode & 0o077)
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", watched)
    kb.run("index")
    kb.run("digest", "2024-10", "--out", str(tmp_path / "new.md"))
    kb.run("encoder", "use", "none")
    assert len(opened) >= 2
    assert len(seen) >= 2
    assert set(opened + seen) == {0}


@pytest.mark.parametrize(
    ("note", "umask", "expected"), [(0o600, 0o022, 0o600), (0o664, 0o002, 0o664), (0o664, 0o022, 0o644)]
)
def test_a_new_note_is_as_open_as_those_beside_it(tmp_path: Path, note: int, umask: int, expected: int) -> None:
    kb = made(tmp_path / "kb", 0o777, note)
    os.umask(umask)
    result = kb.run("add", "--offline", "--write", "--month", "2024-12", "2412.00001")
    assert result.exit_code == 0, result.output
    assert modes(kb.notes / "2024-12.md") == {str(kb.notes / "2024-12.md"): expected}


def test_the_first_note_is_as_open_as_the_folder_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir(mode=0o700)
    start(tmp_path)
    assert open_to_others(tmp_path / "notes") == {}


def test_permissions_are_those_that_every_note_gives(tmp_path: Path) -> None:
    kb = made(tmp_path / "kb", 0o775, 0o664)
    assert permitted(kb.config, ["2024-10.md"]) == 0o775
    (kb.notes / "2024-10.md").chmod(0o640)
    assert permitted(kb.config, ["2024-10.md", "gone.md"]) == 0o770
    kb.notes.chmod(0o711)
    assert permitted(kb.config, []) == 0o700
