"""Every `kb` command in a console block of README, commands and algorithms runs as it stands, over our own notes."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from tests.conftest import ROOT, Kb

DOCUMENTS = ("README.md", "docs/commands.md", "docs/algorithms.md")
TEXT = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS)
BLOCKS = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
LINES = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]
NOT_RUN = {  # what a line begins with -> why it is not run here
    "make ": "makes an environment; the targets are what CI calls",
    "pip ": "installs; tests/test_wheel.py does so",
    "cd ": "of the shell",
    ". ": "of the shell",
    "kb man >": "goes to a file of the shell; tests/test_manual.py reads it",
    "kb run ": "needs torch, and its output is compared; tests/test_docs.py does so",
    "kb --install-completion": "writes into the home folder; tests/test_completion.py does so in one of its own",
    "kb import ~/Zotero": "needs Zotero's database; tests/exchange has one",
    "kb add ": "uses the network; tests of adding answer from a server of their own",
    "kb encoder get": "uses the network",
    "kb list --fzf": "needs fzf and a person; tests/test_reading_commands.py has one of its own",
    "kb serve": "stays; tests/resident has processes of their own",
    "kb open": "starts an editor, or a browser",
}
SHOWN = {  # lines with output -> the rest is only run
    line
    for block in BLOCKS
    for line, after in zip(block.splitlines(), [*block.splitlines()[1:], "$ "], strict=True)
    if line.startswith("$ ") and not after.startswith("$ ")
}


def commands() -> list[str]:
    return [line for line in LINES if not line.startswith(tuple(NOT_RUN))]


@pytest.fixture(scope="module")
def own(verified: Path, tmp_path_factory: pytest.TempPathFactory) -> Kb:
    made = Kb(shutil.copytree(verified, tmp_path_factory.mktemp("readme") / "kb"))
    (made.root / "draft.md").write_text("Speech codecs lose tone 声调 in discrete units.\n", encoding="utf-8")
    (made.root / "references.bib").write_text("@misc{a, title = {A Codec}, year = 2024}\n", encoding="utf-8")
    return made


@pytest.mark.usefixtures("well_machine")
@pytest.mark.parametrize("line", commands())
def test_a_command_that_is_shown_runs_and_shows_what_is_shown(
    line: str, own: Kb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.root)
    monkeypatch.setenv("HOME", str(own.root / "home"))
    program, *arguments = (os.path.expanduser(word) for word in shlex.split(line, comments=True))
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert program == "kb"
    assert result.exit_code == 0, result.output
    if f"$ {line}" in SHOWN:
        output = TEXT.partition(f"$ {line}\n")[2].partition("```")[0].partition("\n$ ")[0]
        assert result.stdout.split() == output.split()


def test_there_are_commands_and_every_exception_is_one() -> None:
    assert len(commands()) >= 20
    unused = [start for start in NOT_RUN if not any(line.startswith(start) for line in LINES)]
    assert set(unused) <= {"kb encoder get", "kb open"}  # may be shown, and may not be run
