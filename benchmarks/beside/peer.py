"""What a tool has to say of itself to be measured beside kb: how it is installed, and what its user types."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

QUERY, LIMIT = "{query}", "{limit}"  # stand in commands for what is asked and for how many hits

Command = tuple[str, ...]


class CannotInstall(Exception):
    """A tool cannot be had on this machine; the message says why in a few words."""


class Installed(NamedTuple):
    """A tool on this machine."""

    programs: Path  # the folder its commands lie in
    version: str
    mib: float  # what installing it adds


class Peer(NamedTuple):
    """A tool in one configuration; its commands run in a home folder of their own."""

    way: str  # which configuration, "" for the only one
    search: Command
    names: Callable[[str], set[str]]  # what a search prints -> names of notes, without folder and ending
    build: Command = ()  # empty: there is no index
    refresh: Command = ()  # what its user runs after a note has changed; empty: nothing
    rebuilds: bool = False  # refresh makes everything anew
    prepare: Callable[[Path], None] = lambda home: None  # writes settings into the home folder
    file_of: Callable[[Path, Path], Path] = lambda home, note: note  # what holds a note for this tool
    environment: Mapping[str, str] = MappingProxyType({})
    ranks_all: bool = False  # every note is a hit, only the order tells: what it finds is not counted


class Tool(NamedTuple):
    """How a tool gets into a folder, and what is then measured: peers(installed, notes)."""

    name: str
    install: Callable[[Path], Installed]
    peers: Callable[[Installed, Path], list[Peer]]


def filled(command: Command, query: str, limit: int) -> Command:
    """Return command with what is asked in its places."""
    return tuple(part.replace(QUERY, query).replace(LIMIT, str(limit)) for part in command)


def stems(output: str) -> set[str]:
    """Return the names of notes from lines that are paths, addresses or names: "notes/2024-10/a.md" is "a"."""
    return {Path(line).stem for line in output.splitlines() if line.strip()}
