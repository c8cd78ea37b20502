"""`kb config` says what holds, and who said so."""

from pathlib import Path

import pytest

from kb.config.kb_toml import set_encoder
from tests.conftest import Kb

TOML = """\
# mine
notes = "notes"

same = [
  ["a/x", "b/x"],
]
"encoder" = "none"
[[sources]]
folder = "theirs"
"""


def told(kb: Kb, name: str) -> tuple[list[str], str]:
    found = kb.json("config", name)
    return found["values"], found["origin"]


def test_each_setting_is_told_with_the_line_that_sets_it(kb: Kb) -> None:
    (kb.root / "kb.toml").write_text(TOML, encoding="utf-8")

    assert told(kb, "notes") == ([str(kb.notes)], "kb.toml:2")
    assert told(kb, "same") == (["a/x = b/x"], "kb.toml:4")
    assert told(kb, "encoder") == (["none"], "kb.toml:7")
    assert told(kb, "sources") == ([str(kb.root / "theirs")], "kb.toml:8")
    assert told(kb, "index") == ([str(kb.root / ".kb")], "default")
    assert told(kb, "root") == ([str(kb.root)], "--kb")
    assert kb.run("config", "notes").stdout == f"{kb.notes}\n"


def test_a_setting_that_is_changed_is_told_as_changed(kb: Kb) -> None:
    set_encoder(kb.config, "BAAI/bge-m3")

    assert told(kb, "encoder") == (["BAAI/bge-m3"], "kb.toml:1")


def test_the_environment_is_named(kb: Kb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vim")
    lines = CliRunner().invoke(app, ["config"], env={"KB_HOME": str(kb.root)}).stdout.splitlines()

    assert f"root\t{kb.root}\t$KB_HOME" in lines
    assert "editor\tvim\t$EDITOR" in lines
    monkeypatch.chdir(kb.notes)
    assert f"root\t{kb.root}\tthe folder you are in" in CliRunner().invoke(app, ["config"]).stdout.splitlines()


def test_a_name_that_is_none_is_told_those_there_are(kb: Kb) -> None:
    result = kb.run("config", "colour")

    assert result.exit_code == 1
    assert "no setting named 'colour'; settings: root, notes," in result.stderr
