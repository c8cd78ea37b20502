"""The README says what the program does, and the program does what the README says."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import kb
from cli import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: Any = None, before: str = "") -> dict[str, str]:
    """Return the help of every command, and of commands of commands: "encoder list"."""
    found = {}
    group = group or typer.main.get_command(app)
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            found |= commands(command, f"{name} ")
        else:
            found[before + name] = command.help or ""
    return found


def test_every_command_is_in_the_readme_and_has_help() -> None:
    for name, text in commands().items():
        assert re.search(rf"\bkb {name}\b", README), f"README does not mention kb {name}"
        assert text.strip(), f"kb {name} has no help"


def test_every_command_in_the_readme_exists() -> None:
    shown = set(re.findall(r"^(?:\$ )?kb (?:--\S+ )*([a-z]+)", README, re.MULTILINE))
    assert shown
    assert shown <= {name.split()[0] for name in commands()}


def test_every_option_in_the_readme_exists() -> None:
    runner = CliRunner()
    helps = " ".join(runner.invoke(app, [*name.split(), "--help"]).stdout for name in commands())
    helps += runner.invoke(app, ["--help"]).stdout
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)):
        assert option in helps, option


def test_files_the_documents_name_exist() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = document.read_text(encoding="utf-8")
        for path in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (document.parent / path).exists(), f"{document.name}: {path}"


def test_the_changelog_knows_this_version() -> None:
    assert f"## {kb.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'version = "{kb.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def shown_runs() -> list[tuple[str, str]]:
    """Return each `kb run` that the README shows with its output."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if "\n" in part.strip()]
    return [(part.split("\n")[0], part.partition("\n")[2]) for part in parts if part.startswith("kb run")]


@pytest.mark.parametrize(("command", "output"), shown_runs(), ids=lambda value: value.split("\n")[0][:40])
def test_a_run_in_the_readme_is_what_comes_out(command: str, output: str) -> None:
    pytest.importorskip("torch")
    result = CliRunner().invoke(app, command.split()[1:], catch_exceptions=False)

    found, wanted = (re.split(r"\s+", text.strip()) for text in (result.stdout, output))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if re.fullmatch(r"-?\d+(\.\d+)?", other):
            assert float(one) == pytest.approx(float(other), rel=0.05, abs=0.02)  # processors round differently
        else:
            assert one == other


def test_the_readme_shows_runs() -> None:
    assert len(shown_runs()) >= 3
