"""Put the manual page, as `kb man` prints it now, into every wheel; hatchling runs this."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSTALLED = "share/man/man1/kb.1"  # below the environment, where man looks beside a program


class ManualPage(BuildHookInterface):
    """Writes the page for the time of one build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the page and tell hatchling where it goes."""
        self.folder = TemporaryDirectory()
        page = Path(self.folder.name) / "kb.1"
        command = [sys.executable, "-B", "-X", "utf8", "cli.py", "man"]
        environment = {**os.environ, "PYTHONSAFEPATH": ""}  # with it, kb would not be found beside cli.py
        with page.open("wb") as file:
            subprocess.run(command, cwd=self.root, env=environment, stdout=file, check=True)
        build_data["shared_data"][str(page)] = INSTALLED

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete the page."""
        self.folder.cleanup()
