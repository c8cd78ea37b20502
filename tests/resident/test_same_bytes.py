"""A command gives the same bytes whether the process that stays runs it or nobody does."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Kb, copied
from tests.resident.conftest import ASK, COLD, Serving

COMMANDS = """
search 声学延迟
search 声学延迟 --json
search 声学延迟 --why
search codec -n 3
search codec -n 0
search codec -n 3 --json
search codec --min-score 0.9
search "residual vector quantization" 码本
search '"speech tokenizer"'
search quantisation of codebooks
search codec -neural month:2024-10
search 什么是 residual vector quantization?
search lantency
search lantency --fuzzy
search author:Wang 2024-10
search org:Meta has:code is:unread
search month:2024-13
search nofield:x codec
search ？？！
search zzzzzzzz
search
search --no-such-option x
search --similar-to notes/2024-10.md -n 3
search --similar-to nothing.md
search codec --no-refresh
show moshi
show moshi --json
show moshi --no-pager
show codec
show zzzzzzzz
list
list --json
list month:2024-10
list month:2024-10 --json
list is:starred
list codec -n 5
list month:2024-13
related moshi
related moshi --json
related moshi -n 2
related zzzzzzzz
tags
tags --json
stats
stats --json
claims
claims --json
claims 2024-10
claims --state holds
claims zzzzzzzz
digest 2024-10
digest 2024-10 --format html
digest 2024-10 --json
digest 2024-10 --lang en
digest 2024-10 --lang zh --site hugo
digest 2024
digest --since 2024-09 --until 2024-10
digest 1999-01
digest 2024-10 --format pdf
digest
search --help
list --help
"""


@pytest.fixture(scope="module")
def own(verified: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The notes of this project, and a process that stays."""
    runtime = tmp_path_factory.mktemp("run")
    runtime.chmod(0o700)
    found = Serving(copied(verified, tmp_path_factory.mktemp("own") / "kb"), runtime)
    assert found.start().startswith("answering commands in ")
    yield found
    found.end()


def lines() -> list[list[str]]:
    import shlex

    return [shlex.split(line) for line in COMMANDS.strip().splitlines()]


@pytest.mark.parametrize("arguments", lines(), ids=" ".join)
def test_a_command_says_the_same(own: Serving, arguments: list[str]) -> None:
    warm, cold = own.asked(*arguments), own.cold(*arguments)
    assert warm.returncode != COLD, "it was not run by the process"
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


@pytest.mark.parametrize(
    "environment",
    [
        {"COLUMNS": "40"},
        {"FORCE_COLOR": "1"},
        {"FORCE_COLOR": "1", "NO_COLOR": "1"},
        {"FORCE_COLOR": "1", "TERM": "dumb"},
        {"LC_ALL": "C"},
        {"LC_ALL": "zh_CN.UTF-8"},
        {"PYTHONIOENCODING": "gbk"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONUTF8": "1"},
        {"TZ": "Asia/Tokyo"},
    ],
    ids=str,
)
def test_in_whatever_environment(own: Serving, environment: dict[str, str]) -> None:
    for arguments in (("search", "声学延迟", "-n", "3"), ("stats",)):
        either, cold = own.either(*arguments, **environment), own.cold(*arguments, **environment)
        assert (either.returncode, either.stdout, either.stderr) == (cold.returncode, cold.stdout, cold.stderr)


@pytest.mark.parametrize(
    "arguments", ["search 声学延迟 -n 3", "stats", "tags", "related moshi", "search zzzz", "list -n 2"]
)
@pytest.mark.parametrize("columns", [50, 120])
def test_on_a_terminal(own: Serving, arguments: str, columns: int) -> None:
    assert_same_on_a_terminal(own, arguments, 200, columns)


@pytest.mark.parametrize("pager", ["cat", "head -3", "no-such-pager"])
def test_what_is_longer_than_the_screen_is_paged_without_starting_anew(own: Serving, pager: str) -> None:
    assert_same_on_a_terminal(own, "search 声学延迟", 12, 80, PAGER=pager)
    assert_same_on_a_terminal(own, "list", 12, 80, PAGER=pager)


def assert_same_on_a_terminal(own: Serving, arguments: str, rows: int, columns: int, **given: str) -> None:
    def shown(command: list[str], **environment: str) -> tuple[int, bytes]:
        import fcntl
        import struct
        import termios

        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        ours = {**own.environment, "TERM": "xterm-256color", **given, **environment}
        for name in ("COLUMNS", "LINES"):  # which another test may have set
            ours.pop(name, None)
        with subprocess.Popen(
            [sys.executable, *command, *arguments.split()],
            cwd=own.kb.root, env=ours, stdin=follower, stdout=follower, stderr=follower,
        ) as process:  # fmt: skip
            os.close(follower)
            found = b""
            try:
                while more := os.read(leader, 2**16):
                    found += more
            except OSError:
                pass
        os.close(leader)
        return process.returncode, re.sub(rb"(?<=\x1b]8;)id=\d+", b"", found)  # rich draws them by lot

    warm, cold = shown(["-c", ASK]), shown(["-m", "kb"], KB_SERVE="off")
    assert warm[0] != COLD
    assert warm == cold
    assert b"\x1b[" in warm[1] or b"zzzz" in arguments.encode()


def test_completion_says_the_same(own: Serving) -> None:
    asked = {"_KB_COMPLETE": "complete_bash", "COMP_WORDS": "kb\nshow\nmos", "COMP_CWORD": "2"}
    warm, cold = own.asked(**asked), own.cold(**asked)
    assert (warm.returncode, warm.stdout) == (cold.returncode, cold.stdout)
    assert warm.stdout.strip()


def test_from_elsewhere(own: Serving, tmp_path: Path) -> None:
    (own.kb.root / "notes" / "below").mkdir(exist_ok=True)
    for folder, arguments, environment in (
        (own.kb.notes, ("search", "codec", "-n", "2"), {}),
        (own.kb.notes / "below", ("list", "-n", "2"), {}),
        (tmp_path, ("--kb", str(own.kb.root), "search", "codec", "-n", "2"), {}),
        (own.kb.root.parent, (f"--kb={own.kb.root.name}", "show", "moshi"), {}),
        (tmp_path, ("search", "codec"), {"KB_HOME": str(own.kb.root)}),
    ):
        found = [
            subprocess.run(
                [sys.executable, *command, *arguments],
                cwd=folder, env={**own.environment, **environment, **more}, stdin=subprocess.DEVNULL,
                capture_output=True,
            )
            for command, more in ((["-c", ASK], {}), (["-m", "kb"], {"KB_SERVE": "off"}))
        ]  # fmt: skip
        assert found[0].returncode == found[1].returncode == 0
        assert found[0].stdout == found[1].stdout


@pytest.mark.parametrize("output", ["/dev/full", "closed pipe"])
def test_an_output_that_takes_nothing(own: Serving, output: str) -> None:
    def refused(**environment: str) -> tuple[int, bytes]:
        if output == "closed pipe":
            reading, writing = os.pipe()
            os.close(reading)
        else:
            writing = os.open(output, os.O_WRONLY)
        found = subprocess.run(
            [sys.executable, "-m", "kb", "search", "codec"],
            cwd=own.kb.root, env={**own.environment, **environment}, stdout=writing, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(writing)
        return found.returncode, found.stderr

    assert refused() == refused(KB_SERVE="off")


def test_what_writes_is_left_to_the_command(own: Serving, kb: Kb) -> None:
    for arguments in (("mark", "star", "moshi"), ("digest", "2024-10", "--out", "x.md"), ("index",), ("--version",)):
        assert own.asked(*arguments).returncode == COLD
    assert own.asked("search", "codec", KB_SERVE="off").returncode == COLD
    assert not (own.kb.root / "x.md").exists()
