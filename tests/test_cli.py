"""The commands as a user meets them: what they print, how they fail, what they leave alone."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from kb import __version__
from kb.terminal.contents import ALIASES, MODULES
from tests.test_docs import commands

COMMANDS = {
    "index": ["index", "--full"],
    "status": ["status"],
    "search": ["search", "声学延迟", "codec", "--why"],
    "list": ["list", "month:2024-10"],
    "show": ["show", "tinycodec"],
    "related": ["related", "tinycodec"],
    "gloss": ["gloss", "声调", "codec"],
    "tags": ["tags"],
    "stats": ["stats"],
    "digest": ["digest", "2024-10"],
    "run": ["run", "--list"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_answers(kb: Any, command: str) -> None:
    result = kb.run(*COMMANDS[command])
    assert result.exit_code == 0
    assert result.stdout.strip()
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("index", "gloss")])
def test_a_command_answers_in_json(kb: Any, command: str) -> None:
    envelope = json.loads(kb.run(*COMMANDS[command], "--json").stdout)
    assert set(envelope) == {"ok", "schema", "data", "error"}
    assert envelope["ok"] is True
    assert envelope["data"]


def test_search_shows_title_facts_place_and_the_passage(kb: Any) -> None:
    lines = kb.run("search", "错开").stdout.splitlines()
    assert lines[0] == "1. TinyCodec: A Small Speech Codec"
    assert lines[1].startswith("   Amazon · Speech Codec · 2024-10 · ")
    assert lines[1].endswith("notes/2024-10.md:23 · ▶")
    assert "错开一步" in lines[2]


def test_no_hits_is_an_answer(kb: Any) -> None:
    result = kb.run("search", "绝无此词啊啊")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no hits" in result.stderr


def test_a_word_can_be_excluded_on_the_command_line(kb: Any) -> None:
    assert [hit["paper"]["short_name"] for hit in kb.json("search", "codec", "-残差")["hits"]] == ["OldCodec"]


@pytest.mark.parametrize("word", ["-neural", "-hybrid", "-nets", "-h2"])
@pytest.mark.parametrize("command", ["search", "list", "export", "random"])
def test_a_word_is_excluded_though_it_begins_like_an_option(kb: Any, command: str, word: str) -> None:
    kb.write("nets.md", "**《NetCodec: A Codec》** X，Codec\n\nneural nets, hybrid, h2.\n")

    result = kb.run(command, "title:codec", word, "tag:codec", "month:2024-08")

    assert result.exit_code == 0
    assert "Usage" not in result.stdout
    assert "OldCodec" in result.stdout
    assert "NetCodec" not in result.stdout


def test_the_help_fits_a_screen_and_names_every_command_once() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).stdout.splitlines()
    assert len(shown) <= 45
    assert max(map(len, shown)) <= 80
    for name in MODULES:
        assert sum(bool(re.match(rf"  (?:\w+ +| +){re.escape(name)} ", line)) for line in shown) == 1, name


def test_a_command_that_is_none_is_answered_with_the_nearest(kb: Any) -> None:
    assert "No such command 'serach'; try: kb search" in kb.run("serach", "codec").stderr
    assert "No such command 'xyzzy'; try: kb --help" in kb.run("xyzzy").stderr


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_another_name_of_a_command_is_the_same_command(kb: Any, alias: str, name: str) -> None:
    short, long = (kb.run(one, "--help").stdout for one in (alias, name))
    assert short.replace(f" {alias} ", f" {name} ") == long
    assert kb.run("ls", "codec").stdout == kb.run("list", "codec").stdout


def test_every_command_has_its_help_under_h() -> None:
    for name in ("", *commands()):
        short, long = (CliRunner().invoke(app, [*name.split(), option]) for option in ("-h", "--help"))
        assert (short.exit_code, short.stdout) == (0, long.stdout), name
        assert short.stdout.lstrip().startswith("Usage: "), name


def test_a_list_has_a_limit(kb: Any) -> None:
    everything = [paper["id"] for paper in kb.json("list")]

    assert [paper["id"] for paper in kb.json("list", "-n", "2")] == everything[:2]
    assert [paper["id"] for paper in kb.json("list", "-n3", "-n1")] == everything[:1]
    assert [paper["id"] for paper in kb.json("list", "--limit", "0")] == everything
    assert len(kb.json("search", "codec", "-n", "1")["hits"]) == 1


@pytest.mark.parametrize("command", ["search", "list", "export", "random"])
def test_what_is_understood_otherwise_is_said_in_a_line_beside_the_answer(kb: Any, command: str) -> None:
    result = kb.run(command, "colour:codec", "OR", "codec", "2024-10")

    assert result.exit_code == 0
    assert "TinyCodec" in result.stdout
    assert result.stderr.splitlines()[:3] == [
        "no field colour:; there are author, claim, has, id, is, kind, month, org, section, tag, title, venue, year;"
        " searched as words",
        "left out OR: for OR type nothing: words are alternatives",
        "taken as month: 2024-10; quote what is to be looked for as text",
    ]


def test_an_unknown_option_is_no_word(kb: Any) -> None:
    result = kb.run("search", "codec", "--limt", "5")
    assert result.exit_code == 2
    assert "--limt" in result.stderr


def test_the_limit_holds_and_the_rest_is_said(kb: Any) -> None:
    result = kb.run("search", "codec", "--limit", "1")
    assert result.stdout.count("\n   ") == 2
    assert "1 of 2" in result.stderr
    assert kb.json("search", "codec", "--limit", "1")["total"] == 2


def test_a_changed_note_is_found_without_being_told(kb: Any) -> None:
    kb.run("index")
    kb.write("new.md", "**《Brand New》** X，k\n\n全新的词条\n")
    assert "全新的词条" in kb.run("search", "全新的词条").stdout
    (kb.notes / "new.md").unlink()
    assert kb.run("search", "全新的词条", "--no-refresh").stdout != ""
    assert "Brand New" not in kb.run("search", "全新的词条").stdout


def test_status_names_what_is_in_no_paper_and_fails_if_a_file_failed(kb: Any) -> None:
    assert "9-9 15-15" in kb.run("status").stdout
    (kb.notes / "bad.md").write_bytes(b"\xff\xfe")
    result = kb.run("status")
    assert result.exit_code == 1
    assert "bad.md:1: not UTF-8" in result.stdout


def test_index_reports_a_bad_file_and_indexes_the_others(unread_kb: Any) -> None:
    kb = unread_kb
    (kb.notes / "bad.md").write_bytes("《坏》".encode("gbk"))
    result = kb.run("index")
    assert result.exit_code == 1
    assert "error: bad.md:1: not UTF-8" in result.stderr
    assert "2 read, 0 removed, 1 failed" in result.stdout


def test_the_version_is_printed_without_a_command(tmp_path: Path) -> None:

    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"kb {__version__}\n", "")


@pytest.mark.usefixtures("few_words")
def test_init_makes_a_knowledge_base_that_works(tmp_path: Path) -> None:

    runner = CliRunner()
    folder = tmp_path / "my papers"
    made = runner.invoke(app, ["init", str(folder)])
    assert made.exit_code == 0
    (folder / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    query = made.stdout.split("kb search ")[-1].strip()  # what init says to try finds the first note
    result = runner.invoke(app, ["--kb", str(folder), "search", query])
    assert "SoundStream" in result.stdout
    again = runner.invoke(app, ["init", str(folder)])
    assert again.exit_code == 1
    assert "is there already" in again.stderr


def test_open_starts_the_editor_at_the_line(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = kb.root / "seen"
    editor = kb.root / "editor.sh"
    editor.write_text(f'#!/bin/sh\necho "$@" > "{seen}"\n', encoding="utf-8")
    editor.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(editor))
    assert kb.run("open", "tinycodec").exit_code == 0
    assert seen.read_text("utf-8").split() == ["+17", str(kb.notes / "2024-10.md")]


def test_a_digest_is_written_where_asked_but_never_among_the_notes(kb: Any) -> None:
    out = kb.root / "out.md"
    assert kb.run("digest", "2024-10", "-o", str(out)).exit_code == 0
    assert out.read_text("utf-8") == kb.run("digest", "2024-10").stdout
    result = kb.run("digest", "2024-10", "-o", str(kb.notes / "2024-10.md"))
    assert result.exit_code == 1
    assert "never written to" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digest", "2031-13"], "error: want a month such as 2024-10, or a year, got '2031-13'"),
        (["show", "nothing"], "error: no paper named 'nothing'; look for it with: kb search nothing"),
        (["show", "codec"], "error: 'codec' names 2 papers: 2024-10/tinycodec, 2024-08/oldcodec; say more of the name"),
        (
            ["search", "month:x"],
            "error: month: should look like 2024-10, 2024-9, 2024/10, 202410, 2024年10月, 2024, 2024-08..2024-11,"
            " 2024-10.., ..2024-10, last or this, got 'x'",
        ),
        (["run", "nothing"], "error: no algorithm 'nothing'; to list them: kb run --list"),
        (["run", "rvqq"], "error: no algorithm 'rvqq'; there is rvq; to list them: kb run --list"),
    ],
)
def test_a_mistake_is_one_line_with_a_way_out(kb: Any, arguments: list[str], message: str) -> None:
    kb.run("index")
    result = kb.run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == message + "\n"


def test_a_mistake_in_json_is_an_envelope(kb: Any) -> None:
    result = kb.run("show", "nothing", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"].startswith("no paper named 'nothing'")


def test_a_folder_that_is_no_knowledge_base_is_said_so(tmp_path: Path) -> None:

    result = CliRunner().invoke(app, ["--kb", str(tmp_path), "search", "x"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path} is no knowledge base: no kb.toml")
    result = CliRunner().invoke(app, ["--kb", str(tmp_path / "missing"), "search", "x"])
    assert result.stderr.startswith(f"error: {tmp_path / 'missing'} is not a folder")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("notes = ", "not valid TOML"),
        ("colour = 'red'", "unknown key 'colour'"),
        ("notes = 3", "notes should be a text"),
        ("index = '../elsewhere'", "inside the knowledge base"),
        ("index = '.'", "inside the knowledge base"),
    ],
)
def test_a_wrong_kb_toml_is_named(kb: Any, text: str, complaint: str) -> None:
    (kb.root / "kb.toml").write_text(text, encoding="utf-8")
    result = kb.run("list")
    assert result.exit_code == 1
    assert f"{kb.root / 'kb.toml'}: " in result.stderr
    assert complaint in result.stderr


def test_control_characters_in_a_note_do_not_reach_the_terminal(empty_kb: Any) -> None:
    empty_kb.write("a.md", "**《Evil \x1b[31m》** X\x07，k\n\nbody \x1b]0;owned\x07 声调\n")
    for arguments in (["search", "声调"], ["list"], ["show", "evil"], ["tags"], ["stats"]):
        assert not {"\x1b", "\x07"} & set(empty_kb.run(*arguments).stdout)


def digest_of(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_no_command_changes_a_note_or_writes_beside_its_own_folder(
    kb: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("EDITOR", "true")
    before = digest_of(kb.notes)
    for arguments in [*COMMANDS.values(), ["open", "tinycodec"], ["search", "x", "--json"], ["init", str(kb.root)]]:
        kb.run(*arguments)
    assert digest_of(kb.notes) == before
    assert sorted(os.listdir(kb.root)) == [".kb", "kb.toml", "notes"]
    assert os.listdir(here) == []


def test_an_index_of_an_older_version_is_brought_up_to_date(unread_kb: Any) -> None:
    kb = unread_kb
    from sqlite_utils import Database

    from kb.index.sqlite.schema import migrations

    database = Database(kb.config.database)
    migrations.apply(database, stop_before="0002_full_text")
    database.close()
    assert "TinyCodec" in kb.run("search", "RVQ").stdout
