"""The benchmark beside other tools counts right, and no tool can fail it; nothing is installed or downloaded here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import peers
import pytest
import yaml
from beside import kb, libraries, llm, papis, qmd, watching
from beside.installing import execute, once
from beside.peer import LIMIT, QUERY, CannotInstall, Command, Installed, Peer, Tool, filled, stems
from beside.table import Absent, Figures, Found, judge, table
from beside.watching import watched

RG = str(Path(sys.executable))  # nothing is asked of it


@pytest.mark.parametrize(
    ("names", "output"),
    [
        (stems, "notes/2023-10/a.md\n/home/me/notes/2024-01/b.md\n"),  # rg
        (stems, "file:///home/me/notes/2023-10/a.md\nfile:///home/me/notes/b.md\n"),  # recollq -b
        (stems, "a\nb\n"),  # papis with a format, the programs
        (qmd.names, '#f66092,0.79,qmd://notes/2023-10/a.md\n#f41dc3,0.7,qmd://notes/b.md,"a context, quoted"\n'),
        (qmd.names, "No results found.\n#f66092,0.79,qmd://notes/a.md\n#f41dc3,0.79,qmd://notes/b.md\n"),
        (llm.names, '{"id": "2023-10/a.md", "score": 0.5, "content": null}\n{"id": "b.md", "score": 0.4}\n'),
        (
            kb.names,
            "1. A Title\n   CMU · 2024-11 · notes/2024-11/a.md:16\n   …text\n   also: notes/b.md:3, notes/a.md:9\n",
        ),
    ],
)
def test_what_a_tool_prints_becomes_the_names_of_notes(names, output) -> None:
    assert names(output) == {"a", "b"}
    assert names("") == set()


def test_notes_are_counted_by_name_and_not_by_number() -> None:
    assert judge({"a", "b", "x"}, {"a", "b", "c", "d"}) == Found(right=2, true=4, extra=1)
    assert judge({"x", "y"}, {"a", "b"}) == Found(right=0, true=2, extra=2)  # as many as are true, none of them right
    assert judge(set(), {"a"}) == Found(right=0, true=1, extra=0)


def test_the_table_has_the_fastest_first_and_what_is_absent_last() -> None:
    slow = Figures("kb 1", 183.4, 12.34, 242.0, 0.3456, False, True, 3.876, 25.2, (Found(9, 9, 145), Found(1, 3, 0)))
    fast = Figures("rg 13", 4.42, None, None, None, False, True, 1.0, 7.9, (Found(9, 9, 0), Found(3, 3, 0)))
    blind = Figures("x 2", 0.0, 2.0, 7.0, 2.04, True, False, 0.28, 12.0, (None, Found(0, 3, 0)))

    lines = table([slow, Absent("y", "not installed: no npm"), fast, blind], ["声调", "RVQ"], 8.2).splitlines()

    assert lines[0].endswith("| 声调 | RVQ |")
    assert lines[2:] == [
        "| x 2 | 0 | 2.0 | 2.0, all anew, **not seen** | 0.28 | 12 / ≤ 8 | ranks | 0/3 |",
        "| rg 13 | 4.4 | – | – | 1.0 | ≤ 8 / – | 9/9 | 3/3 |",
        "| kb 1 | 183 | 12 | 0.35 | 3.9 | 25 / 242 | 9/9 +145 | 1/3 |",
        "| y | not installed: no npm |  |  |  |  |  |  |",
    ]
    assert {line.count("|") for line in lines} == {9}


def test_a_command_is_filled_with_the_query_and_the_limit_and_nothing_else_of_it_changes() -> None:
    command = ("papis", "--format", "{doc[ref]}", f"abstract:{QUERY}", LIMIT)

    assert filled(command, "声调", 10) == ("papis", "--format", "{doc[ref]}", "abstract:声调", "10")


def test_a_note_for_papis_is_yaml_with_its_text_in_one_line_also_after_a_word_was_appended() -> None:
    text = "---\ntitle: \"A: B\"\n---\n\n# 声调 & *tone*\n- item: 'quoted' #1\n\n\ttabs, {braces}\n"

    before = yaml.safe_load(papis.document("note-1", text))
    after = yaml.safe_load(papis.document("note-1", text).rstrip() + " zqxjk\n")

    assert before["ref"] == "note-1"
    assert before["abstract"] == "--- title: \"A: B\" --- # 声调 & *tone* - item: 'quoted' #1 tabs, {braces}"
    assert after == {**before, "abstract": before["abstract"] + " zqxjk"}


@pytest.mark.parametrize("terms", ["unicode61", "trigram"])
def test_the_program_for_fts5_finds_words_and_follows_a_changed_note(terms: str, tmp_path: Path) -> None:
    notes, home = tmp_path / "notes", tmp_path / "home"
    (notes / "2024").mkdir(parents=True)
    home.mkdir()
    (notes / "2024" / "a.md").write_text("用 RVQ 压缩语音，保留声调信息。\n", encoding="utf-8")
    (notes / "b.md").write_text("另一篇，没有那些词。\n", encoding="utf-8")
    peer = libraries.measured("", Path(sys.executable), "fts5.py", terms, notes)

    def output(command: Command) -> str:
        environment = {**os.environ, **peer.environment}
        return subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, text=True).stdout

    def found(query: str) -> set[str]:
        return peer.names(output(filled(peer.search, query, 10)))

    output(peer.build)
    assert found("RVQ") == {"a"}
    assert found("声调") == ({"a"} if terms == "trigram" else set())

    with (notes / "b.md").open("a", encoding="utf-8") as file:
        file.write("zqxjk\n")
    output(peer.refresh)
    assert found("zqxjk") == {"b"}
    assert found("RVQ") == {"a"}


def test_an_installation_that_failed_is_begun_again_and_one_that_worked_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "tool"

    def broken() -> Installed:
        (folder / "half").touch()
        execute([sys.executable, "-c", "import sys; sys.exit('no\\nnetwork')"], folder)
        raise AssertionError("execute should have raised")

    with pytest.raises(CannotInstall, match="network"):
        once(folder, broken)
    installed = once(folder, lambda: Installed(folder, "1.2" if not (folder / "half").exists() else "half", 3.5))

    assert installed == Installed(folder, "1.2", 3.5)
    assert once(folder, broken) == installed


def absent(folder: Path) -> Installed:
    raise CannotInstall("there is no npm")


def broken_peers(installed: Installed, notes: Path) -> list[Peer]:
    return [Peer("fails", (sys.executable, "-c", "raise SystemExit(3)"), stems)]


@pytest.mark.parametrize(
    ("tool", "name", "why"),
    [
        (Tool("y", absent, broken_peers), "y", "not installed: there is no npm"),
        (Tool("z", lambda folder: Installed(folder, "1", 0), broken_peers), "z 1, fails", "ended with 3"),
    ],
)
def test_a_tool_that_is_not_there_or_fails_is_a_row_that_says_why(
    tool: Tool, name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "names_by_rg", lambda rg, query, notes: {"a"})
    (tmp_path / "a.md").touch()

    rows = list(peers.measure_tool(tool, tmp_path, tmp_path, RG, 1))

    assert [(row.name, why in row.why) for row in rows] == [(name, True)]


def test_a_tool_that_serves_what_was_there_before_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "TICK_SECONDS", 0)
    note = tmp_path / "notes" / "a.md"
    note.parent.mkdir()
    note.write_text("before\n")
    finds = (
        "import pathlib, sys; [print(p) for p in pathlib.Path(sys.argv[1]).glob('*') if sys.argv[2] in p.read_text()]"
    )
    honest = Peer("", (sys.executable, "-c", finds, str(note.parent), QUERY), stems)
    stale = honest._replace(search=(sys.executable, "-c", finds, str(tmp_path / "copy"), QUERY))

    assert peers.change(honest, tmp_path, note)[1] is True
    assert peers.change(stale, tmp_path, note)[1] is False
    assert note.read_text() == "before\n"


def test_the_memory_of_a_command_is_that_of_all_its_processes_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding, is_seen = tmp_path / "holding", tmp_path / "seen"
    holding.mkdir()
    hold = (
        "import os, pathlib, time; data = b'x' * 40_000_000; "
        f"pathlib.Path({str(holding)!r}, str(os.getpid())).touch(); "
        f"all(time.sleep(0.01) is None for _ in iter(pathlib.Path({str(is_seen)!r}).exists, True))"
    )
    start = f"subprocess.Popen([sys.executable, '-c', {hold!r}])"
    two = f"import subprocess, sys; [process.wait() for process in [{start}, {start}]]"
    look = watching.launched
    counted = [0]

    def launched(record: str) -> list[int]:
        if counted[-1] == 2:  # both were there when they were looked at last
            is_seen.touch()
        counted.append(len(list(holding.iterdir())))
        return look(record)

    monkeypatch.setattr(watching, "launched", launched)

    assert 80 < watched((sys.executable, "-c", two), tmp_path).peak_mib < 160
    assert watched(("true",), tmp_path).peak_mib < 20  # not what this process holds


def test_every_home_is_new_and_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/me/cache")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    peer = Peer("", (), stems, environment={"SPECIAL": "1"})

    with peers.at_home(peer) as home:
        seen = json.loads(subprocess.run([sys.executable, "-c", show], capture_output=True, check=True).stdout)

    assert (seen["HOME"], seen["SPECIAL"], "XDG_CACHE_HOME" in seen) == (str(home), "1", False)
    assert os.environ["HOME"] == "/home/me"
    assert os.environ["XDG_CACHE_HOME"] == "/home/me/cache"
    assert not home.exists()
