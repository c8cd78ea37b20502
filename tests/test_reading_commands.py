"""Reading as a person does: on a terminal, through a pager, with fzf, in a browser."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kb.notes.web_address import best_address

ROOT = Path(__file__).resolve().parent.parent

FZF = """\
import os, re, subprocess, sys
from pathlib import Path
here = Path(sys.argv[0]).parent
lines = sys.stdin.read().split("\\n")
here.joinpath("lines").write_text("\\n".join(lines), encoding="utf-8")
chosen = lines[int(os.environ.get("CHOSEN", "0"))]
preview = next(one for one in sys.argv if one.startswith("--preview=")).partition("=")[2]
def fields(found):  # as fzf fills in and quotes: {2}, {3..}, {}
    parts = chosen.split("\\t")
    first = int(found[1] or 1)
    last = first if found[1] and not found[2] else len(parts)
    return "'" + "\\t".join(parts[first - 1 : last]).replace("'", "'\\\\''") + "'"
environment = {**os.environ, "FZF_PREVIEW_COLUMNS": "40"}
command = [os.environ["SHELL"], "-c", re.sub(r"[{]([0-9]*)([.][.])?[}]", fields, preview)]
done = subprocess.run(command, capture_output=True, text=True, env=environment)
here.joinpath("preview").write_text(done.stdout + done.stderr, encoding="utf-8")
if status := int(os.environ.get("STATUS", "0")):
    sys.exit(status)
print(chosen)
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that comes first on PATH; its `editor` writes what it is given to `edited`."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    program(folder / "editor", f'#!/bin/sh\nprintf "%s\\n" "$@" > "{folder}/edited"\n')
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(folder / "editor"))
    return folder


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def on_terminal(kb: Any, *arguments: str, **environment: str) -> str:
    """Return what a command shows on a terminal of 60 columns and 20 lines."""
    ours, theirs = pty.openpty()
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60", "LINES": "20", **environment}
    command = [sys.executable, str(ROOT / "cli.py"), "--kb", str(kb.root), *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE, cwd=kb.root, env=settings):
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", text)


FORMULAS = "**《Formulas: A Paper of Signs and Words》** CMU，Codec\n\n损失 $a_1 * \\alpha$ 与 $b_1 * \\beta$。\n"


def test_show_lays_a_note_out_for_a_terminal_and_leaves_it_as_written_for_a_pipe(kb: Any) -> None:
    kb.write("2024-12.md", FORMULAS)
    assert "损失 $a_1 * \\alpha$ 与" in kb.run("show", "formulas").stdout
    assert "损失 a₁ * α 与 b₁ * β。" in without_codes(on_terminal(kb, "show", "formulas"))
    assert "[图 1] https://arxiv.org/html/2410.00037v1/" in without_codes(on_terminal(kb, "show", "tinycodec"))


def test_addresses_and_places_are_links_on_a_terminal(kb: Any) -> None:
    shown = on_terminal(kb, "show", "tinycodec", "--no-pager")
    assert (
        "\x1b]8;;https://github.com/example/tinycodec\x1b\\https://github.com/example/tinycodec\x1b]8;;\x1b\\" in shown
    )
    assert f"\x1b]8;;{(kb.notes / '2024-10.md').as_uri()}#L17\x1b\\" in shown


def test_what_is_longer_than_the_screen_goes_through_the_pager(kb: Any, programs: Path) -> None:
    kb.write("2024-12.md", FORMULAS + "".join(f"\n- 第 {number} 行\n" for number in range(40)))
    program(programs / "reader", f'#!/bin/sh\ncat > "{programs}/paged"\necho "$LESS"\n')
    pager = str(programs / "reader")

    assert on_terminal(kb, "show", "formulas", PAGER=pager, LESS="").strip() == ""
    paged = (programs / "paged").read_text("utf-8")
    assert "第 39 行" in paged
    assert "\x1b[" in paged
    assert "第 39 行" in on_terminal(kb, "show", "formulas", "--no-pager", PAGER=pager)
    assert "第 39 行" in on_terminal(kb, "show", "formulas", PAGER="no-such-pager")
    (programs / "paged").unlink()
    assert "OldCodec" in on_terminal(kb, "show", "oldcodec", PAGER=pager)
    assert "第 39 行" in kb.run("show", "formulas").stdout
    assert not (programs / "paged").exists()


def test_a_pager_that_is_left_early_is_no_error(kb: Any) -> None:
    kb.write("2024-12.md", FORMULAS + "文字" * 40_000)
    assert "Traceback" not in on_terminal(kb, "show", "formulas", PAGER="true")


def test_fzf_chooses_among_what_the_filters_leave_and_enter_opens_the_note(kb: Any, programs: Path) -> None:
    program(programs / "fzf", f"#!{sys.executable}\n{FZF}")
    kb.run("mark", "star", "tinycodec")
    assert kb.run("list", "--fzf", "month:2024-10", "-section:LLM").exit_code == 0

    lines = [line.split("\t") for line in (programs / "lines").read_text("utf-8").split("\n")]
    assert [line[2] for line in lines] == ["★ TinyCodec: A Small Speech Codec", "Do Units Keep Tone?"]
    preview = (programs / "preview").read_text("utf-8")
    assert "TinyCodec: A Small Speech Codec" in preview
    assert "\x1b[1m" in preview
    assert (programs / "edited").read_text("utf-8").split() == ["+17", str(kb.notes / "2024-10.md")]


def test_names_of_notes_cannot_run_anything_in_the_preview(kb: Any, programs: Path, monkeypatch: Any) -> None:
    program(programs / "fzf", f"#!{sys.executable}\n{FZF}")
    monkeypatch.chdir(programs)
    kb.write(
        "$(touch owned) 'x; touch owned' `touch owned`\t.md",
        "**《Evil\t$(touch owned)'; touch owned》** X，k\n\n正文\n",
    )
    kb.run("list", "--fzf", "title:Evil")

    assert "Evil" in (programs / "preview").read_text("utf-8")
    assert not (programs / "owned").exists()
    assert (programs / "edited").exists()


def test_a_folder_cannot_run_anything_in_the_preview(empty_kb: Any, programs: Path, monkeypatch: Any) -> None:
    program(programs / "fzf", f"#!{sys.executable}\n{FZF}")
    monkeypatch.chdir(programs)
    kb = type(empty_kb)(programs / "2024 {3..} {q} {}")
    kb.write("a.md", "**《DM'; touch owned; echo》** X，k\n\n正文\n")
    kb.refresh()
    kb.run("list", "--fzf")

    assert "touch owned" in (programs / "preview").read_text("utf-8")
    assert not (programs / "owned").exists()


@pytest.mark.parametrize("status", ["1", "130"])
def test_leaving_fzf_opens_nothing(kb: Any, programs: Path, monkeypatch: Any, status: str) -> None:
    program(programs / "fzf", f"#!{sys.executable}\n{FZF}")
    monkeypatch.setenv("STATUS", status)
    assert kb.run("list", "--fzf").exit_code == 0
    assert not (programs / "edited").exists()


def test_without_fzf_there_is_a_way_out(kb: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = kb.run("list", "--fzf")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: fzf is not installed; install it, or look with: kb list QUERY, and open with: kb open NAME\n"
    )


def test_a_paper_opens_in_the_browser(kb: Any, programs: Path) -> None:
    program(programs / "browser", f'#!/bin/sh\necho "$1" > "{programs}/visited"\n')
    on_terminal(kb, "open", "tinycodec", "--url", BROWSER=str(programs / "browser"))
    assert (programs / "visited").read_text("utf-8") == "https://arxiv.org/abs/2410.00037\n"
    kb.write("2024-12.md", "## 论文\n\n- **F9-TTS**: A Fairytaler of Faithful Speech. arXiv 2410.06885\n")
    assert kb.base.refresh() == ()
    assert kb.base.address(kb.base.paper("f9-tts")) == "https://arxiv.org/abs/2410.06885"
    result = kb.run("open", "oldcodec", "--url")
    assert result.exit_code == 1
    assert "no link to the web" in result.stderr


@pytest.mark.parametrize(
    ("names", "links", "address"),
    [
        (["arxiv:2410.00037", "doi:10.1/x"], [], "https://arxiv.org/abs/2410.00037"),
        (["arxiv:cs/9901001"], [], "https://arxiv.org/abs/cs/9901001"),
        (["doi:10.1000/a b<c>", "title:x"], [], "https://doi.org/10.1000/a%20b%3Cc%3E"),
        (
            ["title:x"],
            [("arxiv", "https://arxiv.org/abs/1"), ("github", "https://github.com/a/b")],
            "https://github.com/a/b",
        ),
        (["title:x"], [("figure", "https://a.b/c.png"), ("web", "https://a.b")], "https://a.b"),
        (["title:x"], [("web", "javascript:alert(1)"), ("web", "file:///etc/passwd"), ("demo", "ssh://a/b")], None),
        (["title:x"], [("web", "https:"), ("web", "http://[a")], None),
    ],
)
def test_the_best_address_is_an_id_of_its_own_then_code_and_only_of_the_web(
    names: list[str], links: list[tuple[str, str]], address: str | None
) -> None:
    assert best_address(names, [{"kind": kind, "url": url} for kind, url in links]) == address


def test_chance_gives_every_paper_that_is_asked_for_and_counts_it_once(kb: Any, monkeypatch: Any) -> None:
    kb.write("2025-02.md", "**《OldCodec: Residual Quantizers for a Speech Codec》** Google，Codec\n\n重读。\n")
    offered: list[list[int]] = []

    def last(papers: list[int]) -> int:
        offered.append(papers)
        return papers[-1]

    monkeypatch.setattr("secrets.choice", last)
    assert kb.run("random", "title:OldCodec").stdout.startswith("OldCodec")
    assert kb.run("random", "month:2024-10", "section:LLM").stdout.startswith("Prompt Search")
    kb.run("random")
    assert [len(papers) for papers in offered] == [1, 1, 4]
    result = kb.run("random", "month:1999")
    assert (result.exit_code, result.stdout) == (1, "")


def test_chance_is_even(kb: Any) -> None:
    shown = {kb.run("random", "--no-refresh" if turn else "--refresh").stdout.split("\n")[0] for turn in range(40)}
    assert len(shown) == 4  # a paper is missed once in 25,000 runs
