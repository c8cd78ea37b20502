"""The manual page says what --help says, and man can read it."""

import re
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from cli import app
from kb.terminal.man_page import Entry, manual
from tests.test_docs import commands


def shown(page: str) -> str:
    """Return a page as a terminal shows it, on lines without end."""
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    options = ["-k", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=1000n"]
    done = subprocess.run(["groff", *options], input=page.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode()


def test_every_command_and_option_stands_in_the_page_as_man_shows_it() -> None:
    text = shown(CliRunner().invoke(app, ["man"], catch_exceptions=False).stdout)

    for name, help_text in commands().items():
        told = CliRunner().invoke(app, [*name.split(), "--help"]).stdout
        part = text[text.index(f"\n   kb {name}\n") :].partition("\n   kb ")[2].partition("\n   kb ")[0]
        assert set(re.findall(r"--[a-z][a-z-]+", told)) - {"--help"} <= set(re.findall(r"--[a-z][a-z-]+", part)), name
        assert " ".join(help_text.split()) in " ".join(part.split()), name
    assert "声学延迟" in text


def test_what_means_something_to_man_is_shown_as_it_is_written() -> None:
    odd = ".dot 'quote' back\\slash `tick` ^hat ~tilde --option \"double\" %percent"
    text = shown(manual("1", Entry("kb", "'x'", odd, ((".a", odd),)), [Entry("kb b", "", odd, ())], odd))

    assert text.count(odd) == 4
    assert text.count("'x'") == 1
