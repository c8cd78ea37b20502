import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kb.errors import KbError
from kb.index import words
from kb.index.query import parse_query
from kb.notes import folders, loading

NOTE = "**《{title}》** X，声调\n\n一句话。\n"
NOT_UTF_8 = "\udcb2\udce2.md"  # 测.md as Chinese Windows writes it


def titles(kb: Any) -> list[str]:
    return sorted(row.title for row in kb.reader().listed(parse_query("")))


@pytest.fixture
def one(empty_kb: Any) -> Any:
    empty_kb.write("a.md", NOTE.format(title="Alpha"))
    assert empty_kb.run("index").exit_code == 0
    return empty_kb


@pytest.mark.parametrize(
    "name", ["two\nlines.md", "😀.md", "e\u0301.md", "\u00e9.md", " .md", "-x.md", "a'b\"c;--.md", "\x1b[31m.md"]
)
def test_any_name_in_utf_8_is_a_note_like_others(one: Any, name: str) -> None:
    one.write(name, NOTE.format(title="Odd"))

    (hit,) = one.json("search", "Odd")["hits"]
    assert hit["paper"]["file"] == name
    assert one.run("show", "Odd").exit_code == 0
    listed = one.run("list", "Odd").stdout
    assert listed.count("\n") == 1
    assert "\x1b" not in listed + one.run("search", "Odd").stdout + one.run("show", "Odd").stdout
    assert len(one.run("status").stdout.splitlines()) == 2
    (one.notes / name).unlink()
    assert [paper["title"] for paper in one.json("list")] == ["Alpha"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf_8_is_told_and_the_other_notes_are_indexed(one: Any) -> None:
    (one.notes / NOT_UTF_8).write_text(NOTE.format(title="Lost"), encoding="utf-8")
    (one.notes / "\udcb2").mkdir()
    one.write("\udcb2/c.md", NOTE.format(title="Below"))
    one.write("b.md", NOTE.format(title="Beta"))

    result = one.run("search", "声调")

    assert result.exit_code == 0
    assert sorted(result.stderr.splitlines()) == [
        "\\xb2/c.md: its name is not UTF-8, so it is not indexed; rename it",
        "\\xb2\\xe2.md: its name is not UTF-8, so it is not indexed; rename it",
    ]
    assert titles(one) == ["Alpha", "Beta"]
    assert "its name is not UTF-8" in one.run("parse", str(one.notes)).stderr


@pytest.mark.parametrize("kind", ["loop", "nothing", "folder", "fifo", "device", "socket"])
@pytest.mark.parametrize("name", ["b.md", "glossary.yaml"])
def test_what_is_no_file_is_passed_over_and_nothing_waits_for_it(one: Any, kind: str, name: str) -> None:
    place = one.notes / name
    if kind == "loop":
        place.symlink_to(name)
    elif kind == "nothing":
        place.symlink_to("nowhere.md")
    elif kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        import socket

        with socket.socket(socket.AF_UNIX) as listening:
            os.chdir(one.notes)  # such names may only be short
            try:
                listening.bind(name)
            finally:
                os.chdir(Path(__file__).parent)

    for command in (["search", "声调"], ["index"], ["index", "--full"], ["status"]):
        assert one.run(*command).exit_code == 0
    assert titles(one) == ["Alpha"]
    told = one.run("list").stderr
    assert told == (
        f"{name}: cannot be read (Too many levels of symbolic links); showing what was indexed of it\n"
        if kind == "loop"
        else ""
    )


def test_a_loop_of_folders_is_walked_once(one: Any) -> None:
    (one.notes / "deep").mkdir()
    (one.notes / "deep" / "up").symlink_to("..", target_is_directory=True)
    one.write("deep/b.md", NOTE.format(title="Beta"))

    assert [paper["title"] for paper in one.json("list")] == ["Alpha", "Beta"]


def test_a_library_that_is_a_pipe_is_told_and_nothing_waits_for_it(one: Any) -> None:
    os.mkfifo(one.root / "library.bib")
    with (one.root / "kb.toml").open("a", encoding="utf-8") as file:
        file.write('[[sources]]\nfolder = "."\nfile = "library.bib"\n')

    result = one.run("list")

    assert "library.bib cannot be read (it is not a file)" in result.stderr
    assert "Alpha" in result.stdout


def test_a_folder_that_cannot_be_read_keeps_what_was_indexed_of_it(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one.write("private/b.md", NOTE.format(title="Beta"))
    one.run("index")
    one.write("c.md", NOTE.format(title="Gamma"))
    real = os.scandir

    def denied(folder: Any) -> Any:
        if str(folder).endswith("private"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(folders.os, "scandir", denied)
    result = one.run("list")

    assert result.stderr == "private/: cannot be read (Permission denied); showing what was indexed of it\n"
    assert titles(one) == ["Alpha", "Beta", "Gamma"]


def test_a_notes_folder_that_cannot_be_read_empties_nothing(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(folder: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", folder)

    monkeypatch.setattr(folders.os, "scandir", denied)
    with pytest.raises(KbError, match="cannot be read: Permission denied; check its permissions"):
        one.refresh()
    assert titles(one) == ["Alpha"]


def test_a_note_that_goes_while_it_is_read_is_told_and_forgotten_by_the_next_command(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = one.write("b.md", NOTE.format(title="Beta"))
    real = loading.read_regular

    def goes(path: Path) -> bytes:
        if path == note:
            note.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(loading, "read_regular", goes)
    result = one.run("list")
    monkeypatch.undo()

    assert result.exit_code == 0
    assert result.stderr == "not indexed: b.md: cannot be read: No such file or directory\n"
    assert one.run("list").stderr == ""
    assert list(one.reader().files.states()) == ["a.md"]


def test_a_note_that_changes_while_it_is_read_is_read_again_by_the_next_command(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = one.write("b.md", NOTE.format(title="Half"))
    os.utime(note, ns=(1, 10**18))
    real = loading.read_regular

    def changes(path: Path) -> bytes:
        data = real(path)
        if path == note:
            note.write_text(NOTE.format(title="Whole"), encoding="utf-8")
        return data

    monkeypatch.setattr(loading, "read_regular", changes)
    one.run("list")
    monkeypatch.undo()
    one.run("list")

    assert titles(one) == ["Alpha", "Whole"]


def test_a_clock_that_went_back_hides_no_edit(one: Any) -> None:
    note = one.write("a.md", NOTE.format(title="Omega"))  # as long as Alpha
    os.utime(note, (1, 1))

    assert [paper["title"] for paper in one.json("list")] == ["Omega"]


def test_an_edit_that_keeps_size_and_time_is_seen(one: Any) -> None:
    note = one.notes / "a.md"
    stamp = note.stat()
    note.write_text(NOTE.format(title="Omega"), encoding="utf-8")
    os.utime(note, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert [paper["title"] for paper in one.json("list")] == ["Omega"]


class Coarse:
    """A file system that counts in two seconds, and its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = 10**18
        monkeypatch.setattr(folders, "changed_ns", lambda status: status.st_mtime_ns // (2 * 10**9) * 2 * 10**9)
        monkeypatch.setattr(words, "clock_ns", lambda folder: self.now_ns)

    def write(self, kb: Any, title: str, ahead_ns: int = 0) -> None:
        note = kb.write("a.md", NOTE.format(title=title))
        os.utime(note, ns=(1, self.now_ns + ahead_ns))


def is_settled(kb: Any) -> bool:
    return not folders.find_changes(kb.config, kb.reader().files.stamps())


@pytest.mark.parametrize("ahead_ns", [0, -3_000_000_000, 5 * 10**9, 10**17])
def test_two_edits_within_one_tick_of_the_clock_are_both_seen(
    one: Any, monkeypatch: pytest.MonkeyPatch, ahead_ns: int
) -> None:
    """The clock of the file system may be that of the tool, or behind it, or ahead."""
    disk = Coarse(monkeypatch)
    disk.write(one, "Gamma", ahead_ns)
    assert [paper["title"] for paper in one.json("list")] == ["Gamma"]
    disk.now_ns += 10**8
    if ahead_ns >= 0:
        disk.write(one, "Omega", ahead_ns - 10**8)
        assert [paper["title"] for paper in one.json("list")] == ["Omega"]
        assert not is_settled(one)
        disk.now_ns += 3 * 10**9
        assert one.refresh().indexed == 0
    assert is_settled(one)


def test_a_clock_that_goes_back_does_not_have_a_note_read_for_ever(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Coarse(monkeypatch)
    disk.write(one, "Gamma")
    one.refresh()
    disk.now_ns -= 10**15
    one.refresh()
    assert is_settled(one)
    disk.write(one, "Omega")
    assert [paper["title"] for paper in one.json("list")] == ["Omega"]


def test_bytes_that_stay_are_not_parsed_again_however_the_file_was_touched(one: Any) -> None:
    one.refresh()
    (one.notes / "a.md").chmod(0o600)
    assert not is_settled(one)
    assert one.refresh().indexed == 0
    assert one.base.index(full=True).report.indexed == 1


@pytest.mark.usefixtures("few_words")
def test_two_edits_of_a_glossary_within_one_tick_are_both_seen(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Coarse(monkeypatch)
    for english in ("hush", "echo"):
        path = one.write("glossary.yaml", f"- en: [{english}]\n  zh: [余音]\n")
        os.utime(path, ns=(1, disk.now_ns))
        one.refresh()
        assert english in one.run("gloss", "余音").stdout


def test_a_note_renamed_in_case_alone_is_the_same_note_under_its_new_name(one: Any) -> None:
    before = one.json("search", "声调")["hits"][0]
    (one.notes / "a.md").rename(one.notes / "A.md")

    (after,) = one.json("search", "声调")["hits"]

    assert after["paper"]["file"] == "A.md"
    assert (after["paper"]["title"], after["score"]) == (before["paper"]["title"], before["score"])
    assert list(one.reader().files.states()) == ["A.md"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("name", ["\udcb2\udce2", "a?b#c%20", "😀 两"])
def test_a_knowledge_base_may_lie_in_a_folder_of_any_name(one: Any, name: str) -> None:
    root = one.root.rename(one.root.with_name(name))
    one.root, one.notes = root, root / "notes"

    assert one.run("search", "声调").exit_code == 0
    assert one.run("index", "--full").exit_code == 0
    assert titles(one) == ["Alpha"]


@pytest.fixture
def odd(one: Any) -> Any:
    """Two notes with a mistake each, and beside them names that no note can be read by."""
    for name in ("b.md", "two\nlines.md"):
        one.write(name, NOTE.format(title=f"In {name[0]}") + "\n[x](nowhere.png)\n")
    (one.notes / NOT_UTF_8).write_text(NOTE.format(title="Lost"), encoding="utf-8")
    (one.notes / "\udcb2").mkdir()
    one.write("\udcb2/c.md", NOTE.format(title="Below"))
    place = os.open(one.notes, os.O_RDONLY)
    for _ in range(25):  # a path of 5,000 characters, longer than a system takes at once
        os.mkdir("d" * 200, dir_fd=place)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    return one


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_cannot_be_read_is_a_line_of_kb_check_and_the_others_are_checked(odd: Any) -> None:
    result = odd.run("check")

    lines = [line for line in result.stdout.splitlines() if "no month" not in line]
    assert len(lines) == 5
    assert sum("no file 'nowhere.png'" in line for line in lines) == 2
    assert sum("its name is not UTF-8, so it is not indexed; rename or move it" in line for line in lines) == 2
    assert sum("cannot be read (File name too long); rename or move it" in line for line in lines) == 1
    assert max(map(len, lines)) < 1000
    assert [one["rule"] for one in odd.json("check") if one["line"] == 1].count("unreadable") == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_cannot_be_read_stops_no_other_command_over_the_notes(odd: Any, tmp_path: Path) -> None:
    parsed = odd.run("parse", str(odd.notes), "z/" * 3000, str(odd.notes / "b.md"))
    assert parsed.stdout.count("In b") == 2
    (line,) = [line for line in parsed.stderr.splitlines() if "z/z" in line]
    assert line.endswith("cannot be a path (File name too long); name another")
    assert len(line) < 300
    assert odd.run("status").exit_code == 0
    assert odd.run("export", "--format", "obsidian", "--out", str(tmp_path / "vault")).exit_code == 0
    assert len(list((tmp_path / "vault").iterdir())) == 3


def test_the_name_of_a_note_says_nothing_of_what_a_patch_changes(one: Any) -> None:
    victim = one.write("victim.md", "one\n")
    one.write("x\n+++ victim.md\n@@ -1 +1 @@\n-one\n+two\n.md", "# A\n\n```\nopen\n")
    one.write("b.md", "# A\n\n```\nopen\n")

    patch = one.run("check", "--fix").stdout

    assert "--- b.md" in patch
    assert str(victim.name) not in patch


@pytest.mark.parametrize("target", ["x/" * 2500, "%ff%fe.png", "a%00b.md", "..." * 2000 + ".md"])
def test_a_link_that_names_no_possible_file_is_a_dead_link(one: Any, target: str) -> None:
    one.write("b.md", NOTE.format(title="Beta") + f"\n[x]({target})\n\n[y](gone.md)\n")

    found = [finding for finding in one.json("check") if finding["rule"] == "dead-link"]

    assert [finding["line"] for finding in found] == [5, 7]
    assert all(len(finding["what"]) <= 210 for finding in found)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_folder_whose_name_is_not_utf_8_is_not_imported(one: Any, tmp_path: Path) -> None:
    (tmp_path / "\udcb2").mkdir()
    before = (one.root / "kb.toml").read_bytes()

    result = one.run("import", str(tmp_path / "\udcb2"))

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "kb.toml: a name that is not UTF-8 cannot stand in it; rename the folder" in result.stderr
    assert (one.root / "kb.toml").read_bytes() == before
