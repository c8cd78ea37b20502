"""The documents say what the program does, and the program does what the documents say."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import kb
from cli import app

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
CHINESE = ROOT / "README.zh.md"
DOCS = ROOT / "docs"
DOCUMENTS = {path: path.read_text(encoding="utf-8") for path in (README, CHINESE, *sorted(DOCS.glob("*.md")))}
OF_COMMANDS = (README, CHINESE, DOCS / "commands.md", DOCS / "algorithms.md", DOCS / "search.md", DOCS / "claims.md")
LARGEST = 8 * 1024  # bytes of the page that one begins with
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


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


def test_the_table_of_commands_has_every_command_and_no_other() -> None:
    listed = re.findall(r"^\| `kb ([a-z ]+)` \|", DOCUMENTS[DOCS / "commands.md"], re.MULTILINE)

    assert sorted(listed) == sorted(commands())


def test_every_command_has_help() -> None:
    assert [name for name, text in commands().items() if not text.strip()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists(document: Path) -> None:
    shown = set(re.findall(r"(?:^\$ |`)kb (?:--[^\s`]+ )*([a-z]+)", DOCUMENTS[document], re.MULTILINE))

    assert shown <= {name.split()[0] for name in commands()}


def test_every_option_in_the_documents_exists() -> None:
    runner = CliRunner()
    helps = " ".join(runner.invoke(app, [*name.split(), "--help"]).stdout for name in commands())
    known = set(OPTION.findall(helps + runner.invoke(app, ["--help"]).stdout))
    shown = {
        option
        for document, text in DOCUMENTS.items()
        for part in ([text] if document in OF_COMMANDS else re.findall(r"(?:^\$ |`)kb [^`\n]+", text, re.MULTILINE))
        for option in OPTION.findall(part)
    }

    assert len(shown) > 20
    assert shown - known == set()


def test_both_readmes_have_the_same_blocks_commands_pages_and_figures() -> None:
    for pattern in (r"```.*?```", r"`kb [^`]+`", r"\]\((docs/[^)]+)\)", r"\b\d[\d,]*\b|(?<!\d)\.\d{3}"):
        english, chinese = (sorted(re.findall(pattern, DOCUMENTS[one], re.DOTALL)) for one in (README, CHINESE))
        assert english == chinese, pattern


def test_the_readme_is_no_longer_than_a_page_to_begin_with() -> None:
    assert len(DOCUMENTS[README].encode()) <= LARGEST


def test_files_and_headings_that_the_documents_name_exist() -> None:
    for document, text in DOCUMENTS.items():
        for path, heading in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text):
            named = (document.parent / path).resolve() if path else document
            assert named.exists(), f"{document.name}: {path}"
            if heading and named in DOCUMENTS:
                titles = re.findall(r"^#+ (.+)$", DOCUMENTS[named], re.MULTILINE)
                anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
                assert heading in anchors, f"{document.name}: {path}#{heading}"


def test_the_changelog_knows_this_version() -> None:
    assert f"## {kb.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'version = "{kb.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def shown_runs() -> list[tuple[str, str]]:
    """Return each `kb run` that a document shows with its output."""
    blocks = [block for text in DOCUMENTS.values() for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)]
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if "\n" in part.strip()]
    return [(part.split("\n")[0], part.partition("\n")[2]) for part in parts if part.startswith("kb run")]


@pytest.mark.parametrize(("command", "output"), shown_runs(), ids=lambda value: value.split("\n")[0][:40])
def test_a_run_in_a_document_is_what_comes_out(command: str, output: str) -> None:
    pytest.importorskip("torch")
    result = CliRunner().invoke(app, command.split()[1:], catch_exceptions=False)

    found, wanted = (re.split(r"\s+", text.strip()) for text in (result.stdout, output))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if re.fullmatch(r"-?\d+(\.\d+)?", other):
            assert float(one) == pytest.approx(float(other), rel=0.05, abs=0.02)  # processors round differently
        else:
            assert one == other


def test_the_documents_show_runs() -> None:
    assert len(shown_runs()) >= 4
