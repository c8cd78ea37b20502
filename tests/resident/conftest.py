"""A process that stays over a knowledge base of a test, and commands that ask it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Kb

ROOT = Path(__file__).parents[2]
COLD = 99
# The client alone, which says when a command would have to be run without the process. It waits as long as a busy
# machine may need.
ASK = (
    "import os, sys; from kb.resident import client; client.SECONDS = 5; status = client.run(sys.argv[1:]);"
    f"os._exit({COLD} if status is None else status)"
)


class Serving:
    """A knowledge base with a process that stays."""

    def __init__(self, kb: Kb, runtime: Path) -> None:
        self.kb = kb
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(ROOT)}
        self.environment.pop("KB_SERVE", None)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> str:
        """Start the process and return the line it says when it is ready."""
        return self.start_by("-m", "kb", options=options)

    def start_by(self, *program: str, options: tuple[str, ...] = ()) -> str:
        """Start it as another program that does the same."""
        self.process = subprocess.Popen(
            [sys.executable, *program, "--kb", str(self.kb.root), "serve", "--no-page", *options],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            assert self.process.stdout
            self.process.stdout.close()

    def asked(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command by the process; its status is COLD if that did not run it."""
        return self._run([sys.executable, "-c", ASK], arguments, environment)

    def cold(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command without the process."""
        return self._run([sys.executable, "-m", "kb"], arguments, {"KB_SERVE": "off", **environment})

    def either(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command as a person does, who does not mind which way it goes."""
        return self._run([sys.executable, "-m", "kb"], arguments, environment)

    def _run(self, command: list[str], arguments: Any, environment: Any) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [*command, *arguments],
            cwd=self.kb.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )


@pytest.fixture
def serving(kb: Kb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A knowledge base of some notes, indexed, and no process yet."""
    runtime = tmp_path_factory.mktemp("run")
    runtime.chmod(0o700)
    (kb.root / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    kb.run("index")
    found = Serving(kb, runtime)
    yield found
    found.end()
