"""An output that takes nothing more is one line, one that nobody reads any more is none; NO_COLOR is kept to."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

OURS = {**os.environ, "PYTHONPATH": str(ROOT)}
FULL = Path("/dev/full")
SHADES = re.compile(r"\x1b\[[\d;]*m")


def shell(kb: Any, line: str) -> subprocess.CompletedProcess[str]:
    command = f'"{sys.executable}" -m kb --kb "{kb.root}"'
    line = line.replace("kb ", f"{command} ", 1)
    return subprocess.run(["bash", "-c", line], env=OURS, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "command",
    ["list", "list --json", "search codec", "show oldcodec", "status", "digest 2024-10", "man", "--help", "--version"],
)
def test_a_full_output_is_one_line(kb: Any, command: str) -> None:
    kb.refresh()
    result = shell(kb, f"kb {command} > /dev/full")

    assert result.returncode == 1
    assert result.stderr == "error: the output cannot be written: No space left on device; see to where it goes\n"


@pytest.mark.parametrize("buffered", ["", "1"])
def test_an_output_that_takes_a_part_alone_is_told(kb: Any, buffered: str, tmp_path: Path) -> None:
    kb.write("2024-12.md", "\n".join(f"**《Paper {number}》** X，k\n\ntext\n" for number in range(60)))
    kb.refresh()
    line = f"trap '' XFSZ; ulimit -f 1; PYTHONUNBUFFERED={buffered} kb list --json --no-refresh > '{tmp_path}/part'"
    result = shell(kb, line)

    assert result.returncode == 1
    assert result.stderr == "error: the output cannot be written: File too large; see to where it goes\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_full_output_for_messages_changes_no_exit_status_into_success(kb: Any) -> None:
    kb.refresh()
    result = shell(kb, "kb show nothing-of-this-name 2> /dev/full")

    assert (result.returncode, result.stdout) == (1, "")


def test_a_closed_output_is_one_line_where_something_is_to_be_shown(kb: Any) -> None:
    kb.refresh()
    result = shell(kb, "kb list >&-")

    assert result.returncode == 1
    assert result.stderr == "error: the output cannot be written: Bad file descriptor; see to where it goes\n"


def test_a_pipe_that_nobody_reads_is_silent(kb: Any) -> None:
    for number in range(500):
        kb.write(f"{'long name ' * 10}{number}.md", "text\n")
    kb.refresh()
    result = shell(kb, "kb status --json | head -c 1")

    assert (result.stdout, result.stderr) == ("{", "")


@pytest.mark.parametrize("command", ["search codec", "list", "show tinycodec", "status"])
def test_no_color_takes_colours_away_from_a_terminal(kb: Any, command: str) -> None:
    kb.refresh()

    assert SHADES.search(kb.on_a_terminal(*command.split()))
    plain = kb.on_a_terminal(*command.split(), NO_COLOR="1")
    assert not SHADES.search(plain)
    assert "TinyCodec" in plain or "2024-10" in plain


def test_links_stay_without_colours(kb: Any) -> None:
    kb.refresh()

    assert "\x1b]8;" in kb.on_a_terminal("search", "codec", NO_COLOR="1")
    assert "https://github.com/example/tinycodec" in kb.on_a_terminal("show", "tinycodec", NO_COLOR="1")
