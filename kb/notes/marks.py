"""What somebody has starred and read: marks.toml beside kb.toml, a line a paper, sorted, to be kept in git.

    "arxiv:2410.15017" = { read = 2025-05-03, starred = 2025-05-01 }  # DM-Codec: …

A paper goes by what outlives its notes (identity.py): its own arXiv id or DOI, else its title, else its id. Lines that
say something else stay as they are. The index knows nothing of all this and can be deleted.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.config.sources import toml_text
from kb.errors import KbError
from kb.files import locked, read_regular, write_whole
from kb.notes.marked import IN_NOTE, Known, State
from kb.notes.same_paper import TITLE
from kb.patterns import pattern
from kb.terms import VARIANTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STARRED, READ = "starred", "read"
ACTIONS = {"star": (STARRED, True), "unstar": (STARRED, False), "read": (READ, True), "unread": (READ, False)}
_HEADER = "# What you have starred and read, by `kb mark`: a paper a line. Safe to edit, and to keep in git.\n"
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_VALUE = r"""[^\s",{}\[\]#=][^",{}\[\]#=]*|"[^"\\]*\""""
_PAIR = pattern(rf"([\w-]+)\s*=\s*({_VALUE})")
_LINE = pattern(
    r'"(?P<name>(?:[^"\\]|\\.)+)"\s*=\s*'
    rf"\{{(?P<marks>(?:\s*[\w-]+\s*=\s*(?:{_VALUE})\s*(?:,|(?=\}})))+)\}}\s*(?P<comment>#.*)?"
)
_DATED = rf"(?:{READ}|{STARRED}) = {_DAY}"
_SIMPLE = pattern(  # what needs no parser: as this file writes it, comments and empty lines
    rf'(?:"[^"\\]+" = \{{ {_DATED}(?:, {_DATED})? \}} *)?(?:#[^\x00-\x08\x0a-\x1f\x7f]*)?'
)
_AT_LINE = pattern(r"\(at line (\d+), column \d+\)|\(at end of document\)")


class Target(NamedTuple):
    """A paper to be marked."""

    known: Known
    title: str


def named(path: Path, mark: str) -> list[str]:
    """Return what the papers with a mark, "starred" or "read", are known by, as path says it."""
    return [name for name, dates in _dates(path, _lines(path)).items() if mark in dates]


def states(path: Path, papers: Mapping[int, Known]) -> dict[int, State]:
    """Return the state of papers, by their keys. Raises: KbError if path holds a line that cannot be read."""
    dates = _dates(path, _lines(path))
    found = {}
    for key, known in papers.items():
        said: dict[str, str] = {STARRED: IN_NOTE} if known.is_starred else {}
        for name in reversed(known.names):
            said |= dates.get(name, {})
        found[key] = State(said.get(STARRED), said.get(READ))
    return found


def mark(path: Path, targets: Sequence[Target], action: str, day: str, mode: int = 0o666) -> None:
    """Star, unstar, read or unread papers in path, which is written whole; a mark that is there keeps its date.

    A path that is made has the permissions of mode.
    Raises: KbError if path cannot be read or written, or if a paper to be unstarred is starred in its note.
    """
    what, is_set = ACTIONS[action]
    for target in targets:
        if target.known.is_starred and action == "unstar":
            raise KbError(f"{target.title}: its note bears the star", "take it away there with: kb open")
    with locked(path):
        before = _lines(path)
        _dates(path, before)
        lines = list(before)
        for target in targets:
            _mark_one(lines, target, what, day if is_set else None)
        if lines != before:
            text = "".join(lines if before else [_HEADER, *lines])
            _check(path, text)
            write_whole(path, text.encode(), mode)


def _mark_one(lines: list[str], target: Target, what: str, day: str | None) -> None:
    """Change lines so that the one line of target says when it was marked, or that it was not."""
    dates: dict[str, str] = {}
    comment = f"# {' '.join(target.title.split())}"
    places = [(place, line) for place, line in _marking(lines) if _name(line) in target.known.names]
    for _, line in places:
        dates = {**_marks(line), **dates}
        comment = line["comment"] or comment
    if what in dates if day else what not in dates:
        return
    dates = {**dates, what: day} if day else {name: value for name, value in dates.items() if name != what}
    newline = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
    for place, _ in reversed(places):
        del lines[place]
    if dates:
        said = ", ".join(f"{name} = {value}" for name, value in sorted(dates.items()))
        name = toml_text(target.known.names[0])
        _insert(lines, target.known.names[0], f"{name} = {{ {said} }}  {comment}{newline}", newline)


def _insert(lines: list[str], name: str, line: str, newline: str) -> None:
    """Put line before the first whose name comes after its own, else after the last, else before any table."""
    there = [(place, _name(other)) for place, other in _marking(lines)]
    end = next((place for place, other in enumerate(lines) if other.startswith("[")), len(lines))
    at = next((place for place, other in there if other > name), there[-1][0] + 1 if there else end)
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += newline
    lines.insert(at, line)


def _lines(path: Path) -> list[str]:
    try:
        text = read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError as error:
        raise KbError(f"not UTF-8 at byte {error.start}", "convert it", path) from None
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _dates(path: Path, lines: list[str]) -> dict[str, dict[str, str]]:
    """Return what the lines of path say: {"arxiv:2410.15017": {"read": "2025-05-03"}}."""
    if not all(_SIMPLE.fullmatch(line.rstrip("\r\n")) for line in lines):
        _check(path, "".join(lines))
    found: dict[str, dict[str, str]] = {}
    for place, line in _marking(lines):
        name = _name(line)
        if name in found:
            raise KbError(f"{name} has a line above already", "keep one of them", path, place + 1)
        found[name] = _marks(line)
    return found


def _check(path: Path, text: str) -> None:
    """Raise a KbError with the line, if text is not TOML or gives a mark no day."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + (not text.endswith("\n"))
        problem = _AT_LINE.sub("", str(error)).strip()
        raise KbError(problem, "mend the line or delete it", path, line) from None
    except (RecursionError, ValueError):  # a number of thousands of digits
        raise KbError("lists in lists, or digits, without end", "mend it", path) from None
    for name, value in values.items():
        for what in (STARRED, READ):
            if isinstance(value, dict) and what in value and not re.fullmatch(_DAY, str(value[what])):
                line = next((n for n, one in enumerate(text.split("\n"), 1) if name in one), 1)
                raise KbError(f"{what} should be a day such as 2025-05-01, got {value[what]}", file=path, line=line)


def _marking(lines: Iterable[str]) -> Iterable[tuple[int, re.Match[str]]]:
    """Yield (index, line) of the lines that mark a paper; what stands below a table of the user's does not."""
    for place, line in enumerate(lines):
        if line.startswith("["):
            return
        if found := _LINE.fullmatch(line.strip()):
            yield place, found


def _name(line: re.Match[str]) -> str:
    name = line["name"]
    name = str(tomllib.loads(f'name = "{name}"')["name"]) if "\\" in name else name
    return name.translate(VARIANTS) if name.startswith(f"{TITLE}:") else name  # as titles are compared


def _marks(line: re.Match[str]) -> dict[str, str]:
    return {name: value.strip() for name, value in _PAIR.findall(line["marks"])}
