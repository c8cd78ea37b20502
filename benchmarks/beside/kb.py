"""kb as its users have it: the command beside this Python."""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from .installing import MIB, size
from .peer import LIMIT, QUERY, CannotInstall, Installed, Peer, Tool

PACKAGE = "paper-kb"
ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = re.compile(r"notes/(\S+)\.md:\d+")


def install(extras: tuple[str, ...]) -> Installed:
    """Return what is installed already, with the size of all that it needs."""
    programs = Path(sys.executable).parent
    try:
        ours = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise CannotInstall("kb is not installed beside this Python") from error
    mib = sum(taken(one) for one in needed(ours, ("", *extras), {}).values())
    is_editable = json.loads(ours.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable", False)
    return Installed(programs, ours.version, mib + (size(ROOT / "kb") if is_editable else 0))


def needed(package: Distribution, extras: tuple[str, ...], known: dict[str, Distribution]) -> dict[str, Distribution]:
    """Return package and what it needs, by name, added to known."""
    known[package.metadata["Name"].lower()] = package
    for requirement in map(Requirement, package.requires or []):
        wanted = any(not requirement.marker or requirement.marker.evaluate({"extra": extra}) for extra in extras)
        if wanted and requirement.name.lower() not in known:
            needed(distribution(requirement.name), ("", *requirement.extras), known)
    return known


def taken(package: Distribution) -> float:
    """Return what a package's files take, in MiB."""
    paths = [Path(str(file.locate())) for file in package.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / MIB


def row(programs: Path, notes: Path, way: str, encoder: str, *search: str, refresh: tuple[str, ...] = ()) -> Peer:
    """Return kb in one way to search; what a search does not refresh, `kb index` does."""
    kb = str(programs / "kb")

    def prepare(home: Path) -> None:
        settings = f"notes = {json.dumps(str(notes))}\nencoder = {json.dumps(encoder)}\n"
        (home / "kb.toml").write_text(settings, encoding="utf-8")

    command = (kb, "search", "--limit", LIMIT, *search)
    return Peer(way, command, names, build=(kb, "index"), refresh=refresh or command, prepare=prepare)


def names(output: str) -> set[str]:
    """Return the notes of the places under hits: "notes/2024-11/a.md:16"."""
    return {Path(place).name for place in PLACE.findall(output)}


def by_words(installed: Installed, notes: Path) -> list[Peer]:
    """Return kb without an encoder: as it comes, quoted, and without looking for changes."""
    programs = installed.programs
    index = (str(programs / "kb"), "index")
    return [
        row(programs, notes, "words", "none", QUERY),
        row(programs, notes, "quoted words", "none", f'"{QUERY}"'),
        row(programs, notes, "words, `--no-refresh`", "none", "--no-refresh", QUERY, refresh=index),
    ]


def by_meaning(installed: Installed, notes: Path) -> list[Peer]:
    """Return kb with the packaged encoder."""
    return [row(installed.programs, notes, "words and meaning", "minilm", QUERY)]


WORDS = Tool("kb", lambda folder: install(()), by_words)
HYBRID = Tool("kb", lambda folder: install(("models", "minilm")), by_meaning)
