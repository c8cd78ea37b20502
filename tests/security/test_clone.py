"""A knowledge base that came from somebody else, notes, kb.toml, templates, links and all, does no harm."""

import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kb.api.editors import editor_command
from kb.exchange.adding.appending import replace_note
from tests.conftest import Kb
from tests.fuzz.databases import naming, whole

CLAIM = """

```claim
id: three
says: three
run: arithmetic.total
with: {parts: [1, 2]}
expect: {total: 3}
```
"""
UNPICKLED = "cos\\nsystem\\n(S\\'touch %s\\'\\ntR."
ESCAPES = [
    "{{ digest.parse_raw('PICKLE', proto='pickle', allow_pickle=True) }}",
    "{{ digest.parse_file('kb.toml') }}",
    "{{ digest.sections[0].parse_raw('PICKLE', proto='pickle', allow_pickle=True) }}",
    "{{ [digest] | map(attribute='parse_raw') | first }}",
    "{{ (digest | attr('parse_raw'))('PICKLE', proto='pickle', allow_pickle=True) }}",
    "{{ digest['parse_raw']('PICKLE', proto='pickle', allow_pickle=True) }}",
    "{{ digest.model_construct() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ digest.__init__.__globals__ }}",
    "{{ '{0.__class__.__mro__}'.format(digest) }}",
    "{{ cycler.__init__.__globals__.os.system('id') }}",
    "{{ words.__class__ }}",
    "{{ self.__init__.__globals__ }}",
]


@pytest.fixture
def kb(unread_kb: Kb) -> Kb:
    return unread_kb


@pytest.mark.parametrize("form", ["md", "html"])
@pytest.mark.parametrize("template", ESCAPES)
def test_a_template_cannot_leave_the_sandbox(kb: Any, form: str, template: str) -> None:
    mark = kb.root / "ran"
    kb.config.templates.mkdir()
    name = "digest.md.j2" if form == "md" else "month.html.j2"
    text = template.replace("PICKLE", UNPICKLED % mark)
    (kb.config.templates / name).write_text(text, encoding="utf-8")
    result = kb.run("digest", "2024-10", "--format", form)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {kb.config.templates / name}:1: ")
    assert not mark.exists()


@pytest.mark.parametrize("target", ["../secret", "{outside}", "link", "../templates/../secret", "folder/secret"])
def test_a_template_reads_nothing_outside_its_folders(kb: Any, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "secret"
    outside.write_text("SECRET", encoding="utf-8")
    shutil.copy(outside, kb.root / "secret")
    own = kb.config.templates
    own.mkdir()
    (own / "link").symlink_to(outside)
    (own / "folder").symlink_to(tmp_path, target_is_directory=True)
    wanted = target.replace("{outside}", str(outside))
    for statement in (f"{{% include '{wanted}' %}}", f"{{% extends '{wanted}' %}}", f"{{% import '{wanted}' as x %}}"):
        (own / "digest.md.j2").write_text(statement, encoding="utf-8")
        result = kb.run("digest", "2024-10")
        assert result.exit_code == 1
        assert "SECRET" not in result.output
    (own / "digest.md.j2").write_text("mine", encoding="utf-8")
    (own / "mine.j2").write_text("{% include 'digest.md.j2' %}", encoding="utf-8")
    (tmp_path / "named.j2").symlink_to(own / "mine.j2")  # what the user names is read wherever it leads
    assert kb.run("digest", "2024-10", "--template", str(tmp_path / "named.j2")).stdout == "mine"


def test_code_beside_the_notes_is_not_run(kb: Any, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    kb.write("2024-10.md", (kb.notes / "2024-10.md").read_text(encoding="utf-8") + CLAIM)
    for number in range(1000):  # as many as are read by several processes
        kb.write(f"{number}.md", f"**《P{number}: A Thing》** CMU，k\n")
    names = ["json", "multiprocessing", "sqlite3", "torch", "numpy", "yaml", "kb/__init__", "kb/claims/worker"]
    for name in names:
        path = kb.root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(ran)!r}, 'a').write({name!r})\n", encoding="utf-8")
    program = Path(sysconfig.get_path("scripts")) / "kb"
    if not program.is_file():
        pytest.skip("kb is not installed")
    root = str(Path(__file__).resolve().parents[2])
    for command in (["index"], ["digest", "2024-10"], ["verify"]):
        done = subprocess.run(
            [str(program), *command],
            cwd=kb.root,
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=False,
        )
        if command == ["index"] and sys.version_info < (3, 11):
            ran.unlink(missing_ok=True)  # docs/security.md says so
        assert not ran.exists(), (command, ran.read_text())
        assert done.returncode == 0, done.stderr
    assert "holds" in done.stdout


@pytest.mark.parametrize("key", ["index", "templates"])
@pytest.mark.parametrize("name", ["/etc", "..", "../other", ".", "a/../..", "link"])
def test_kb_toml_cannot_name_a_folder_outside(kb: Any, tmp_path: Path, key: str, name: str) -> None:
    (kb.root / "link").symlink_to(tmp_path, target_is_directory=True)
    before = sorted(tmp_path.iterdir())
    (kb.root / "kb.toml").write_text(f'encoder = "none"\n{key} = "{name}"\n', encoding="utf-8")
    result = kb.run("index")
    assert result.exit_code == 1
    assert f"{key} should be a folder inside the knowledge base, got '{name}'" in result.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["kb.sqlite", "gloss.sqlite", "encoders", "models", "kb.sqlite-wal"])
def test_the_index_is_not_written_through_a_link(empty_kb: Any, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    index = empty_kb.config.index
    (index / name).unlink(missing_ok=True)
    (index / name).symlink_to(victim)
    result = empty_kb.run("index")
    assert result.exit_code == 1
    assert f"{name} is a link" in result.stderr
    assert not victim.exists()


def test_sqlite_deletes_the_file_that_a_journal_names(tmp_path: Path) -> None:
    """What the two tests below guard against; else they would hold for any journal."""
    database, victim = tmp_path / "a.sqlite", tmp_path / "victim"
    database.write_bytes(whole())
    database.with_name("a.sqlite-journal").write_bytes(naming(victim, database))
    victim.write_text("mine", encoding="utf-8")
    with closing(sqlite3.connect(database)) as db:
        db.execute("SELECT * FROM items")
    assert not victim.exists()


@pytest.mark.usefixtures("well_machine")
@pytest.mark.parametrize("name", ["kb.sqlite", "gloss.sqlite"])
@pytest.mark.parametrize("command", [["list"], ["search", "RVQ", "--no-refresh"], ["index", "--full"], ["doctor"]])
def test_a_journal_in_the_index_has_no_other_file_deleted(
    kb: Any, tmp_path: Path, name: str, command: list[str]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    kb.refresh()
    journal = kb.config.index / f"{name}-journal"
    journal.write_bytes(naming(victim, kb.config.index / name))
    result = kb.run(*command)
    assert (result.exit_code, victim.exists()) == (1, True)
    assert f"{journal} names another file, which SQLite would delete" in result.output
    journal.unlink()
    assert kb.run("list").exit_code == 0


def test_a_journal_beside_a_library_has_no_other_file_deleted(kb: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    library = kb.root / "zotero.sqlite"
    library.write_bytes(whole())
    library.with_name("zotero.sqlite-journal").write_bytes(naming(victim, library))
    with (kb.root / "kb.toml").open("a", encoding="utf-8") as file:
        file.write('[[sources]]\nfolder = "."\nfile = "zotero.sqlite"\n')
    result = kb.run("list")
    assert (result.exit_code, victim.exists(), result.stderr.count("\n")) == (0, True, 1)
    assert "its journal names another file, which SQLite would delete; open it in Zotero once" in result.stderr


def test_nothing_is_written_through_a_name_that_is_used_for_a_moment(kb: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    for name in (".marks.toml.part", ".out.md.part", f"kb.{os.getpid()}.tmp"):
        (kb.root / name).symlink_to(victim)
    assert kb.run("mark", "star", "tinycodec").exit_code == 0
    assert kb.run("digest", "2024-10", "--out", str(kb.root / "out.md")).exit_code == 0
    assert kb.run("encoder", "use", "none").exit_code == 0
    assert victim.read_text(encoding="utf-8") == "mine"
    assert not (kb.root / "marks.toml").is_symlink()


def test_a_mark_is_not_written_through_a_link(kb: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim.toml"
    victim.write_text("", encoding="utf-8")
    (kb.root / "marks.toml").symlink_to(victim)
    kb.run("mark", "star", "tinycodec")
    assert victim.read_text(encoding="utf-8") == ""


def test_an_entry_is_not_written_through_a_link_that_leads_outside(empty_kb: Any, tmp_path: Path) -> None:
    victim = tmp_path / "profile"
    victim.write_text("**《Toy: A Start of Toys》** CMU，k\n", encoding="utf-8")
    (empty_kb.notes / "2024-10.md").symlink_to(victim)
    result = empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write")
    assert result.exit_code == 1
    assert f"leads to {victim}" in result.stderr
    assert victim.read_text(encoding="utf-8") == "**《Toy: A Start of Toys》** CMU，k\n"
    assert replace_note  # the one place that writes notes


def test_notes_elsewhere_are_read_and_never_written(kb: Any, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    shutil.move(kb.notes, theirs)
    (kb.root / "kb.toml").write_text(f'encoder = "none"\nnotes = "{theirs}"\n', encoding="utf-8")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in theirs.iterdir()}
    assert kb.run("search", "RVQ").exit_code == 0
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in theirs.iterdir()} == before


@pytest.mark.parametrize("editor", ["vim", "code", "hx"])
def test_a_note_named_like_an_option_is_a_file(editor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / editor
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(program))
    monkeypatch.delenv("VISUAL", raising=False)
    kb = Kb(tmp_path / "kb")
    kb.write("-rf.md", "**《Toy: A Start of Toys》** CMU，k\n")
    kb.write("+!touch x.md", "**《Other: A Start of Toys》** CMU，k\n")
    monkeypatch.chdir(kb.root)
    for file in ("-rf.md", "+!touch x.md"):
        command = editor_command(kb.config.path_of(file), 1)
        assert [one for one in command[1:] if one.startswith("-") and one != "--goto"] == []
        assert command[-1].startswith(str(kb.notes))


@pytest.mark.model
def test_a_model_beside_the_notes_runs_no_code_of_its_own(kb: Any) -> None:
    pytest.importorskip("sentence_transformers")
    folder = kb.root / "model"
    folder.mkdir()
    (folder / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]')
    (folder / "config.json").write_text("{}")
    (folder / "evil.py").write_text("open('ran', 'w')\nclass Evil: pass\n")
    (kb.root / "kb.toml").write_text('encoder = "model"\n', encoding="utf-8")
    result = kb.run("index")
    assert "cannot be read" in result.stderr
    assert not Path("ran").exists()
