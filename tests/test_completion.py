"""What Tab brings: asked for as shells do, and by real shells at a terminal of their own."""

import os
import pty
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cli import main
from kb.search.completion import beginning
from tests.conftest import ROOT, Kb

# What is not completed is written down as the shell passed it on.
PROGRAM = """\
#!/bin/sh
if [ -n "$_KB_COMPLETE" ]; then exec {python} -m kb "$@"; fi
printf '%s\\n' "$@" > {passed}
"""
SHELLS = ("bash", "zsh", "fish")

Offered = Callable[..., list[str]]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Offered:
    """What kb answers a shell in which the last of some words is being typed."""

    def ask(folder: Path, *words: str, shell: str = "bash") -> list[str]:
        asked = {"_KB_COMPLETE": f"complete_{shell}"}
        if shell == "bash":
            asked |= {"COMP_WORDS": "\n".join(("kb", *words)), "COMP_CWORD": str(len(words))}
        else:
            asked |= {"_TYPER_COMPLETE_ARGS": " ".join(("kb", *words)), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            for name, value in asked.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        answer = capfd.readouterr()
        assert (ended.value.code, answer.err) == (0, "")
        return answer.out.split()

    return ask


@pytest.fixture
def indexed(kb: Kb) -> Kb:
    kb.write("课程.md", "## Speech\n\n**《声学延迟》** Kyutai，课程\n\n码本错开一步。\n")
    kb.refresh()
    return kb


def test_names_are_offered_by_id_and_by_what_people_call_a_paper(offered: Offered, indexed: Kb) -> None:
    assert offered(indexed.root, "show", "2024-10/t") == ["2024-10/tinycodec"]
    assert offered(indexed.root, "show", "tiny") == ["tinycodec"]
    assert offered(indexed.root, "open", "Tiny") == ["TinyCodec"]
    assert offered(indexed.root, "related", "课") == ["课程/声学延迟"]
    assert offered(indexed.root, "verify", "声") == ["声学延迟"]
    assert offered(indexed.root, "show", "") == [paper["id"] for paper in indexed.json("list")]


def test_what_is_offered_names_one_paper(offered: Offered, indexed: Kb) -> None:
    for start in ("", "t", "T", "old", "2024-", "do", "声"):
        for name in offered(indexed.root, "show", start):
            assert indexed.run("show", name).exit_code == 0, name


def test_months_are_offered_newest_first(offered: Offered, indexed: Kb) -> None:
    assert offered(indexed.root, "digest", "") == ["2024-10", "2024-08"]
    assert offered(indexed.root, "digest", "--since", "2024-0") == ["2024-08"]
    assert offered(indexed.root, "digest", "--year", "") == ["2024"]
    assert offered(indexed.root, "verify", "2024-08")[:2] == ["2024-08", "2024-08/oldcodec"]


def test_a_query_is_offered_its_fields_and_their_values(offered: Offered, indexed: Kb) -> None:
    fields = ["org:", "tag:", "section:", "title:", "author:", "venue:"]
    fields += ["year:", "month:", "id:", "kind:", "has:", "claim:", "is:"]

    assert offered(indexed.root, "search", "") == fields
    assert offered(indexed.root, "list", "mo") == ["month:2024-10", "month:2024-08"]
    assert offered(indexed.root, "search", "声学", "kind:p") == ["kind:paper", "kind:project"]
    assert offered(indexed.root, "search", "org:a", shell="fish") == ["org:amazon"]
    assert offered(indexed.root, "search", "is:u") == ["is:unread"]
    assert offered(indexed.root, "search", "claim:c") == ["claim:contradicted"]
    assert offered(indexed.root, "search", "month:2024-08..") == ["month:2024-08..2024-10", "month:2024-08..2024-08"]


def test_authors_are_offered_by_family_name_venues_without_year_and_ids_as_they_are_cited(
    offered: Offered, indexed: Kb
) -> None:
    facts = "title: A Vocoder\nauthors: [Sang-Hoon Lee, 王小明]\nvenue: ICASSP 2023"
    indexed.write("mine.md", f"---\n{facts}\n---\n\ntext\n")
    indexed.root.joinpath("lib.bib").write_text("@misc{lee24codec, title={Codecs}, year=2024}\n", encoding="utf-8")
    indexed.root.joinpath("kb.toml").write_text('encoder = "none"\nsources = [{folder = ".", file = "lib.bib"}]\n')
    assert indexed.run("index").exit_code == 0

    assert offered(indexed.root, "search", "author:L") == ["author:Lee"]
    assert offered(indexed.root, "search", "author:王") == ["author:王小明"]
    assert offered(indexed.root, "search", "venue:ic") == ["venue:icASSP"]
    assert offered(indexed.root, "list", "year:") == ["year:2024", "year:2023"]
    assert offered(indexed.root, "list", "year:2023..") == ["year:2023..2024", "year:2023..2023"]
    assert offered(indexed.root, "list", "id:lee") == ["id:lee24codec"]
    assert offered(indexed.root, "show", "lee24") == ["lee24codec"]


def test_bash_takes_a_colon_for_a_word_and_is_understood(offered: Offered, indexed: Kb) -> None:
    assert offered(indexed.root, "search", "month", ":") == ["2024-10", "2024-08"]
    assert offered(indexed.root, "search", "量化", "has", ":", "co") == ["code"]


def test_what_commands_choose_from_is_offered(offered: Offered, indexed: Kb) -> None:
    indexed.root.joinpath("templates").mkdir()
    indexed.root.joinpath("templates/mine.md.j2").write_text("{{ digest.month }}\n", encoding="utf-8")

    assert offered(indexed.root, "run", "rvq") == ["rvq", "rvq-gradient"]
    assert "levels=8" in offered(indexed.root, "run", "rvq", "")
    assert offered(indexed.root, "run", "nosuch", "") == []
    assert "none" in offered(indexed.root, "encoder", "use", "")
    assert offered(indexed.root, "digest", "--template", "mi") == ["mine.md.j2"]
    assert offered(indexed.root, "claims", "--state", "st") == ["stale"]
    assert offered(indexed.root, "digest", "--lang", "") == ["zh", "en"]


def test_the_knowledge_base_named_is_the_one_asked(offered: Offered, indexed: Kb, tmp_path: Path) -> None:
    assert offered(tmp_path, "--kb", str(indexed.root), "digest", "") == ["2024-10", "2024-08"]


@pytest.mark.parametrize("words", [("show", "t"), ("digest", ""), ("search", "month:"), ("encoder", "use", "")])
def test_without_a_knowledge_base_or_an_index_nothing_is_said(
    offered: Offered, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert offered(tmp_path, *words) == []

    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    (tmp_path / ".kb").mkdir()
    (tmp_path / ".kb/kb.sqlite").write_bytes(b"no database" * 1000)
    if words[0] != "encoder":
        assert offered(tmp_path, *words) == []


def test_a_word_that_would_mean_something_to_a_shell_is_not_offered() -> None:
    unsafe = ["a b", "a'b", "a`b", "a$b", "a\\b", 'a"b', "a(b)", "a;b", "a&b", "a|b", "a>b", "a*b", "a\nb", "a\u202eb"]

    assert beginning("a", [*unsafe, "a-b", "甲", "a.b/c:d"]) == ["a-b", "a.b/c:d"]
    assert beginning("", ["--kb"]) == []


def pressed(shell: str, kb: Kb, tmp_path: Path, typed: str) -> list[str]:
    """Return what a shell at a terminal passes on of what is typed, Tab and Enter pressed after it."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    passed = tmp_path / "passed.txt"
    program = tmp_path / "bin" / "kb"
    program.parent.mkdir(exist_ok=True)
    program.write_text(PROGRAM.format(python=sys.executable, passed=shlex.quote(str(passed))), encoding="utf-8")
    program.chmod(0o755)
    given = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("_", "XDG_", "ZDOTDIR"))},
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
        "TERM": "xterm",
    }
    asked = {**given, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    installing = [
        sys.executable,
        "-m",
        "kb",
        "--install-completion",
        shell,
    ]  # as `kb --install-completion` in that shell
    subprocess.run(installing, env=asked, capture_output=True, check=True)
    child, terminal = pty.fork()
    if not child:
        os.chdir(kb.root)
        os.execvpe(shell, [shell, "-i"], given)
    tabs = "\t\t" if shell == "zsh" else "\t"  # the first one of a session only loads what was installed
    os.write(terminal, f"{typed}{tabs}\rexit\r".encode())
    with suppress(OSError):  # the terminal is gone with the shell
        while os.read(terminal, 4096):
            pass
    os.close(terminal)
    os.waitpid(child, 0)
    return passed.read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_names_months_and_fields(shell: str, indexed: Kb, tmp_path: Path) -> None:
    assert pressed(shell, indexed, tmp_path, "kb show 2024-10/ti") == ["show", "2024-10/tinycodec"]
    assert pressed(shell, indexed, tmp_path, "kb show 课") == ["show", "课程/声学延迟"]
    assert pressed(shell, indexed, tmp_path, "kb search 量化 month:2024-1") == ["search", "量化", "month:2024-10"]
    assert pressed(shell, indexed, tmp_path, "kb dig") == ["digest"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_name_of_a_note_runs_nothing_in_a_shell(shell: str, indexed: Kb, tmp_path: Path) -> None:
    for number, name in enumerate(("q\\$(touch RUN).md", "q`touch RUN`.md", "q';touch RUN;'.md", 'q";touch RUN;".md')):
        indexed.write(name, f"**《Codec {number}: A Codec》** CMU，Codec\n\n用残差向量量化。\n")
    indexed.write("qz.md", "**《Codec 9: A Codec》** CMU，Codec\n\n用残差向量量化。\n")
    indexed.refresh()

    assert pressed(shell, indexed, tmp_path, "kb show q") == ["show", "qz/codec-9"]
    assert not list(indexed.root.rglob("RUN"))
