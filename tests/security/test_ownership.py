"""What the tool writes and removes lies in folders that it made: whatever kb.toml says."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kb.errors import KbError
from kb.files import locked
from kb.index.encoders.exported import encoders_folder, folder_name
from kb.index.folder import CONTENT, MARK, is_own, own
from tests.conftest import ROOT, Kb

COMMANDS = (["index"], ["search", "codec"], ["doctor", "--fix"], ["index", "--full"], ["status"], ["encoder", "list"])
SETTINGS = (
    'index = "notes"',
    'index = "notes/deep"',
    'index = "templates"',
    'index = "work"',
    'index = "work/new"\nnotes = "work"',
    'index = ".git"',
    'index = ".git/kb"',
    'notes = "."\nindex = "work"',
    'notes = "."\nindex = ".kb"',
    'templates = "work"\nindex = "work/.kb"',
    'index = "notes"\nencoder = ".."',
)


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "kb.toml"
    }


@pytest.mark.usefixtures("few_words", "well_machine")
@pytest.mark.parametrize("settings", SETTINGS)
def test_no_setting_costs_a_file_that_was_there(tmp_path: Path, settings: str) -> None:
    kb = Kb(tmp_path / "kb")
    for name in ("notes/2024-10.md", "notes/deep/a.md", "templates/digest.md.j2", "work/draft.part", ".git/HEAD"):
        path = kb.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("**《TinyCodec: A Codec》** CMU，codec\n", encoding="utf-8")
    (kb.root / "kb.toml").write_text(f'encoder = "none"\n{settings}\n' if "encoder" not in settings else settings)
    before = tree(tmp_path)

    for command in COMMANDS:
        kb.run(*command)

    after = tree(tmp_path)
    assert {name: after.get(name) for name in before} == before
    new = {Path(name).parts[1] for name in after.keys() - before.keys()}
    assert new <= {".kb", "work"}
    for name in after.keys() - before.keys():
        assert any(is_own(folder) for folder in (tmp_path / name).parents), name


@pytest.mark.parametrize("model", [".", "..", "...", "../..", "/", "", "a/../..", "\\..", ".git"])
def test_the_name_of_an_encoder_is_a_folder_within_its_own(tmp_path: Path, model: str) -> None:
    folder = (encoders_folder(tmp_path) / folder_name(model)).resolve()
    assert folder.parent == encoders_folder(tmp_path).resolve()


LONG = "x" * 300


@pytest.mark.usefixtures("few_words", "well_machine")
@pytest.mark.parametrize("path", [LONG, "x/" * 3000, "a\\u0000b", "round", "round/x"])
@pytest.mark.parametrize("key", ["notes", "index", "templates", "sources"])
def test_a_path_that_no_file_can_have_is_refused_in_one_line(tmp_path: Path, key: str, path: str) -> None:
    kb = Kb(tmp_path / "kb")
    (kb.root / "round").symlink_to("round")
    setting = f'[[sources]]\nfolder = "{path}"' if key == "sources" else f'{key} = "{path}"'
    (kb.root / "kb.toml").write_text(f'encoder = "none"\n{setting}\n', encoding="utf-8")
    for command in COMMANDS:
        result = kb.run(*command)
        assert result.exit_code == 1
        assert "cannot be a path" in result.output or "holds a NUL character" in result.output
        assert result.stderr.count("\n") <= 1


@pytest.mark.parametrize("command", [["import"], ["check"], ["parse"], ["init"], ["--kb"]])
def test_a_path_that_is_typed_and_no_file_can_have_is_refused_in_one_line(kb: Any, command: list[str]) -> None:
    result = kb.run(*command, LONG, *(["list"] if command == ["--kb"] else []))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "File name too long" in result.stderr


@pytest.mark.parametrize("folder", ["~nobody-at-all", "~nobody-at-all/x"])
def test_the_home_of_nobody_is_no_source(tmp_path: Path, folder: str) -> None:
    kb = Kb(tmp_path / "kb")
    (kb.root / "kb.toml").write_text(f'[[sources]]\nfolder = "{folder}"\n', encoding="utf-8")
    result = kb.run("index")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "a home that nobody has" in result.stderr


@pytest.mark.parametrize("model", [LONG, "两" * 100, "x/" * 3000, "a\0b", "~nobody-at-all", "\udc80"])
def test_an_encoder_of_any_name_is_missing_in_one_line(kb: Any, model: str) -> None:
    assert len(folder_name(model).encode("utf-8", "replace")) <= 200
    assert folder_name(f"{model}1") != folder_name(f"{model}2")
    before = (kb.root / "kb.toml").read_bytes()
    result = kb.run("encoder", "use", "--", model)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert (kb.root / "kb.toml").read_bytes() == before


def test_a_folder_with_files_of_others_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.md").write_text("years of work", encoding="utf-8")
    with pytest.raises(KbError, match="holds files that kb did not make"):
        own(tmp_path)
    assert tree(tmp_path).keys() == {"thesis.md"}


def test_the_mark_of_another_program_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text(CONTENT.partition("\n")[0] + "\n# made by cargo\n", encoding="utf-8")
    (tmp_path / "target.o").write_bytes(b"x")
    with pytest.raises(KbError, match="holds files that kb did not make"):
        own(tmp_path)


def test_the_folder_of_an_earlier_version_is_known_by_what_lies_there(kb: Any) -> None:
    (kb.config.index / MARK).unlink()
    kb.write("2024-12.md", "# Later Toys: A Paper\n")
    assert "Later Toys" in kb.run("search", "Later Toys").stdout
    assert is_own(kb.config.index)


def own_files(kb: Kb) -> dict[Path, bytes]:
    files = (path for path in kb.root.rglob("*") if path.is_file() and ".kb/" not in str(path))
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "place",
    [
        "kb.toml",
        "marks.toml",
        "notes/2024-10.md",
        "notes/new.md",
        ".kb/kb.sqlite",
        "templates/my.j2",
        "ln/x.md",
        ".git/x",
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["export", "-f", "csv", "--out"],
        ["digest", "2024-10", "--out"],
        ["run", "delay", "--plot"],
        ["trends", "--plot"],
    ],
)
def test_what_a_knowledge_base_is_made_of_is_replaced_by_nothing_that_is_asked_for(
    kb: Kb, command: list[str], place: str
) -> None:
    kb.run("mark", "star", "tinycodec")
    (kb.root / "templates").mkdir()
    (kb.root / "templates" / "my.j2").write_text("mine", encoding="utf-8")
    (kb.root / "ln").symlink_to("notes")
    before = own_files(kb)
    result = kb.run(*command, str(kb.root / place))

    assert result.exit_code == 1
    assert "choose another place" in result.stderr
    assert own_files(kb) == before


def test_a_picture_is_written_beside_the_notes(kb: Kb) -> None:
    assert kb.run("run", "delay", "--plot", str(kb.root / "made.png")).exit_code == 0
    assert (kb.root / "made.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "command"), [("marks.toml", ["mark", "star", "tinycodec"]), ("kb.toml", ["encoder", "use", "minilm"])]
)
@pytest.mark.parametrize("is_outside", [True, False])
def test_a_link_in_the_place_of_a_file_that_is_changed_is_followed_inside_and_refused_outside(
    kb: Kb, tmp_path: Path, name: str, command: list[str], is_outside: bool
) -> None:
    target = (tmp_path if is_outside else kb.root) / f"linked-{name}"
    path = kb.root / name
    if path.exists():
        path.rename(target)
    else:
        target.write_text("", encoding="utf-8")
    path.symlink_to(target)
    before = target.read_bytes()
    result = kb.run(*command)

    assert path.is_symlink()
    assert (result.exit_code, target.read_bytes() == before) == ((1, True) if is_outside else (0, False))
    assert not is_outside or "is not written to; change it there" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_lock_that_another_holds_is_waited_for_and_told(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.files.LOCK_SECONDS", 0)
    with locked(kb.root / "marks.toml"):
        result = kb.run("mark", "star", "tinycodec")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "another program has locked" in result.stderr


def test_many_commands_add_to_one_note_at_once_and_nothing_is_lost(kb: Kb) -> None:
    ids = [f"2501.100{number:02}" for number in range(8)]
    call = [sys.executable, "-m", "kb", "--kb", str(kb.root), "add", "--offline", "--write", "--month", "2024-10"]
    ours = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [subprocess.Popen([*call, one], env=ours, stderr=subprocess.DEVNULL) for one in ids]

    assert [one.wait() for one in started] == [0] * len(ids)
    text = (kb.notes / "2024-10.md").read_text("utf-8")
    assert all(one in text for one in ids)
