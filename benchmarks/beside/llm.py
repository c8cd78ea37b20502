"""llm: `embed-multi` and `similar`, with a plugin of ours in place of a model, which would have to be downloaded."""

import json
from pathlib import Path

from .installing import python_packages
from .peer import LIMIT, QUERY, Installed, Peer, Tool

PLUGIN = Path(__file__).resolve().parent / "programs" / "llm_hashed_pairs"


def install(folder: Path) -> Installed:
    """Install llm from PyPI, and the plugin."""
    return python_packages(folder, "llm==0.36", str(PLUGIN))


def peers(installed: Installed, notes: Path) -> list[Peer]:
    """Return a search by vectors; what it finds would be the plugin's doing."""
    llm = str(installed.programs / "llm")
    embed = (llm, "embed-multi", "notes", "-m", "hashed-pairs", "--files", str(notes), "**/*.md")
    search = (llm, "similar", "notes", "-n", LIMIT, "-c", QUERY)
    return [Peer("toy vectors", search, names, build=embed, refresh=embed, ranks_all=True)]


def names(output: str) -> set[str]:
    """Return the notes of lines such as {"id": "2023-10/a.md", "score": 0.79}."""
    return {Path(json.loads(line)["id"]).stem for line in output.splitlines()}


TOOL = Tool("llm", install, peers)
