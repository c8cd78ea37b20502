"""ripgrep: no index, the truth for the others, and the clock they are read by."""

from pathlib import Path

from .installing import on_path
from .peer import QUERY, Installed, Peer, Tool, stems


def install(folder: Path) -> Installed:
    """Return the ripgrep of this machine."""
    return on_path("rg", r"ripgrep (\S+)")


def peers(installed: Installed, notes: Path) -> list[Peer]:
    """Return the one way to list the files that hold a string."""
    return [Peer("`rg -l`", (str(installed.programs / "rg"), "-l", QUERY, str(notes)), stems)]


TOOL = Tool("ripgrep", install, peers)
