"""Say where every system named in what the notes were written from stands in the notes.

python tools/coverage_page.py     writes build/coverage.md

It takes the names of tools/coverage.txt, the algorithms of tools/inventory.txt and the notes.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from kb.claims.catalog import CATALOG
from kb.errors import KbError
from kb.notes.reading import read_notes
from kb.records import Paper
from kb.terms import fold

ROOT = Path(__file__).resolve().parent.parent
NOTES = ROOT / "notes"
NAMES = ROOT / "tools" / "coverage.txt"
INVENTORY = ROOT / "tools" / "inventory.txt"
TABLES = ROOT / "build" / "coverage.md"
SHOWN = 5  # entries that mention a name; the others are counted

HEADING = """\
# Where every name stands

Every system, paper, dataset and tool named in the sources the notes were written from, with the entry that is about it
and the entries that mention it; below, what runs each algorithm. Written by `make coverage` from the names in
[coverage.txt](../tools/coverage.txt), the algorithms in [inventory.txt](../tools/inventory.txt) and the notes;
`tests/test_coverage.py`
fails when a name stands nowhere or when this page is not what these give.
"""

_ADDRESS = re.compile(r"https?://[!-(*-~]+")
_SIGNS_OF_MARKDOWN = re.compile(r"([\\|\[\]*_`])")


class Name(NamedTuple):
    """What is looked for: a name in all the ways it is written, the first one to be shown."""

    ways: tuple[str, ...]


class Group(NamedTuple):
    """Names of one sort."""

    title: str
    names: tuple[Name, ...]


class Algorithm(NamedTuple):
    """An algorithm that the notes talk about."""

    idea: str
    references: tuple[str, ...]  # what runs it
    reason: str  # why nothing does; empty if something does


class Entry(NamedTuple):
    """An entry of the notes as names are looked for in it; all but the paper is folded."""

    paper: Paper
    short_name: str
    title: str
    text: str  # title, organizations, keywords and body, without addresses


class Place(NamedTuple):
    """Where a name stands."""

    entry: Entry | None  # the one that is about it
    mentions: tuple[Entry, ...]  # the others, in the order of the notes


def read_groups(path: Path) -> list[Group]:
    """Return the names that path lists.

    Example: the lines "# TTS" and "GST = Style Tokens" -> [Group("TTS", (Name(("GST", "Style Tokens")),))].
    Raises: KbError if a name stands above the first group or twice in one group.
    """
    found: list[tuple[str, list[Name]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            found.append((line.lstrip("# "), []))
        elif line.strip():
            name = Name(tuple(way.strip() for way in line.split(" = ")))
            if not found:
                raise KbError(f"{name.ways[0]} belongs to no group", "write a line # … above it", path.name, number)
            if name in found[-1][1]:
                raise KbError(f"{name.ways[0]} is listed twice", "leave one out", path.name, number)
            found[-1][1].append(name)
    return [Group(title, tuple(names)) for title, names in found]


def read_inventory(path: Path) -> list[tuple[str, list[Algorithm]]]:
    """Return the algorithms that path lists, by group.

    Example: "Packing = bitstream, entropy" -> what runs it; "Levels = - a scale only" -> why nothing does.
    Raises: KbError naming a reference that there is not, or one that no line names.
    """
    found: list[tuple[str, list[Algorithm]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            found.append((line.lstrip("# "), []))
        elif line.strip():
            idea, _, runs = line.partition(" = ")
            reason = runs.removeprefix("- ") if runs.startswith("- ") else ""
            names = () if reason else tuple(name.strip() for name in runs.split(","))
            found[-1][1].append(Algorithm(idea, names, reason))
    named = {name for _, algorithms in found for algorithm in algorithms for name in algorithm.references}
    if wrong := sorted(named ^ set(CATALOG)):
        raise KbError(f"{path.name} and kb/claims/catalog.py do not name the same algorithms: {', '.join(wrong)}")
    return found


def read_entries(folder: Path) -> list[Entry]:
    """Return every entry of the notes in folder, by file and line.

    Raises: KbError if a note cannot be read.
    """
    entries = []
    for note in read_notes([folder]):
        if isinstance(note, KbError):
            raise note
        for paper in note.papers:
            text = "\n".join((paper.title, *paper.organizations, *paper.keywords, _ADDRESS.sub(" ", paper.body)))
            entries.append(Entry(paper, fold(paper.short_name or ""), fold(paper.title), fold(text)))
    return entries


def find_place(name: Name, entries: list[Entry]) -> Place:
    """Return where name stands.

    The entry about it is the one called so, or the only one whose title bears the name. A number after the name makes
    another one of it there: "StyleTTS 2" is not about StyleTTS.
    """
    ways = [fold(way) for way in name.ways]
    pattern = "|".join(_as_a_word(way) for way in ways)
    called = [entry for entry in entries if entry.short_name in ways or entry.title in ways]
    bearing = [entry for entry in entries if re.search(rf"(?:{pattern})(?! ?\d)", entry.title)]
    candidates = called or bearing
    about = candidates[0] if len(candidates) == 1 else None
    mentioning = [entry for entry in entries if re.search(pattern, entry.text)]
    return Place(about, tuple(entry for entry in mentioning if entry is not about))


def _as_a_word(way: str) -> str:
    """Return the pattern of a name: no Latin letter or digit next to it, also not after a hyphen, nor a decimal."""
    pattern = r"\s+".join(re.escape(word) for word in way.split())
    if re.match("[a-z0-9]", way):
        pattern = "(?<![a-z0-9])(?<![a-z0-9]-)" + pattern
    if re.search("[a-z0-9]$", way):
        pattern += r"(?![a-z0-9]|-[a-z0-9]|\.\d)"
    return pattern


def names_without_place(groups: list[Group], entries: list[Entry]) -> list[str]:
    """Return the names that stand nowhere."""
    return [name.ways[0] for group in groups for name in group.names if not any(find_place(name, entries))]


def render(groups: list[Group], entries: list[Entry], inventory: list[tuple[str, list[Algorithm]]]) -> str:
    """Return the tables, as Markdown: a row a name, a section a group; then what runs each algorithm."""
    lines = [HEADING]
    for group in groups:
        lines += [f"## {group.title}", "", "| name | entry | also in |", "|---|---|---|"]
        for name in group.names:
            place = find_place(name, entries)
            about = _link(place.entry, place.entry.paper.title) if place.entry else ""
            also = "、".join(
                _link(entry, entry.paper.short_name or entry.paper.title) for entry in place.mentions[:SHOWN]
            )
            if len(place.mentions) > SHOWN:
                also += f" and {len(place.mentions) - SHOWN} more"
            lines.append(f"| {_plain(name.ways[0])} | {about} | {also} |")
        lines.append("")
    lines += ["## Algorithms, and what runs them", "", "| algorithm | runs as |", "|---|---|"]
    for title, algorithms in inventory:
        lines.append(f"| **{title}** | |")
        for algorithm in algorithms:
            runs = ", ".join(f"`kb run {name}`" for name in algorithm.references) or f"prose only: {algorithm.reason}"
            lines.append(f"| {_plain(algorithm.idea)} | {runs} |")
    return "\n".join([*lines, ""])


def _link(entry: Entry, text: str) -> str:
    return f"[{_plain(text)}](../notes/{entry.paper.file}#L{entry.paper.line})"


def _plain(text: str) -> str:
    return _SIGNS_OF_MARKDOWN.sub(r"\\\1", text)


def main() -> None:
    """Write the tables, or say which names stand nowhere."""
    try:
        groups, entries, inventory = read_groups(NAMES), read_entries(NOTES), read_inventory(INVENTORY)
    except KbError as error:
        sys.exit(f"error: {error}")
    if missing := names_without_place(groups, entries):
        sys.exit(
            f"error: {NAMES.name}: nowhere in the notes: {', '.join(missing)}; write where, or how else they are called"
        )
    TABLES.parent.mkdir(exist_ok=True)
    TABLES.write_text(render(groups, entries, inventory), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
