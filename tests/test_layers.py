"""The direction of imports, as docs/design.md draws it, room by room."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KB = ROOT / "kb"
GROUND = {"errors", "progress", "records", "terms", "files", "sqlite_files", "patterns"}  # everyone may import them
FRONT = {"__init__", "__main__", "cli"}
FRONTS = {"terminal", "web"}  # for types alone they may name what every room returns
MOST_FILES = 8  # at the top of kb/
HOUSE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("## The house")[1].split("## ")[0]


def arrows() -> dict[str, set[str]]:
    """Return what each room may import, as the page has it."""
    found: dict[str, set[str]] = {}
    room = ""
    for line in HOUSE.splitlines():
        if named := re.match(r" {4}kb/(\w+)/ ", line):
            room = named[1]
            assert room not in found, f"kb/{room} stands twice in docs/design.md"
            found[room] = set()
        if "<- " in line and line.startswith("    "):
            found[room].update(line.partition("<- ")[2].split(", "))
    return found


@cache
def imports(path: Path) -> list[tuple[str, bool, bool]]:
    """Return (room, whether at the top of the file, whether for types alone) of each import of kb in path."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in node.body
    }
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "kb" and len(parts) > 1 and parts[1] != "__version__":
                found.append((parts[1], id(node) in top or id(node) in for_types, id(node) in for_types))
    return found


def rooms() -> Iterator[tuple[str, Path]]:
    for path in sorted(KB.rglob("*.py")):
        room = path.relative_to(KB).parts[0].removesuffix(".py")
        if room not in FRONT:
            yield room, path


ARROWS = arrows()


def test_a_room_imports_what_its_arrow_names_and_the_ground() -> None:
    for room, path in rooms():
        allowed = {room, *GROUND, *ARROWS.get(room, set())}
        reached = {name for name, _, for_types in imports(path) if not (for_types and room in FRONTS)}
        assert reached <= allowed, f"{path.relative_to(ROOT)} imports {sorted(reached - allowed)}"


def test_the_ground_imports_nothing_but_itself() -> None:
    assert not GROUND & ARROWS.keys()
    for room, path in rooms():
        if room in GROUND:
            assert {name for name, _, _ in imports(path)} <= GROUND, path


def test_every_room_is_drawn_and_every_arrow_is_used() -> None:
    used: dict[str, set[str]] = {}
    for room, path in rooms():
        if room not in GROUND:
            used.setdefault(room, set()).update(name for name, _, _ in imports(path))
    assert used.keys() == ARROWS.keys()
    for room, names in ARROWS.items():
        if room not in ("api", "terminal"):  # these may ask everyone
            assert names <= used[room], f"kb/{room} does not import {sorted(names - used[room])}"


def test_the_arrows_make_no_ring() -> None:
    below = {room: set(names) for room, names in ARROWS.items()}
    while below:
        lowest = {room for room, names in below.items() if not names}
        assert lowest, f"a ring among {sorted(below)}"
        below = {room: names - lowest for room, names in below.items() if room not in lowest}


def test_few_files_stand_beside_the_rooms() -> None:
    assert len(list(KB.glob("*.py"))) <= MOST_FILES


def test_our_own_modules_are_imported_at_the_top() -> None:
    late = [
        path.relative_to(KB).as_posix()
        for room, path in rooms()
        for _, is_top, _ in imports(path)
        if not is_top and room != "terminal" and path.parent != KB / "api"  # whose methods are commands
    ]

    # The schema brings in sqlite-utils, which only a change of schema has to wait for; the packaged e5, torch; what
    # stays is asked for page and watching, and the page for MCP, where their packages are installed.
    # Who asks it needs a pager seldom.
    extras = {"resident/starting.py", "resident/client.py", "web/app.py"}
    assert set(late) <= {"index/sqlite/writer.py", "index/encoders/exporting.py"} | extras


@pytest.mark.parametrize("path", sorted((KB / "terminal" / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_a_command_imports_what_it_needs_when_it_is_called(path: Path) -> None:
    at_once = {
        name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and (name := node.module or "").startswith("kb.")
    }

    light = ("kb.terminal", "kb.api.as_json", "kb.api.options", "kb.errors", "kb.resident.")
    assert all(name.startswith(light) for name in at_once), at_once


def test_only_the_command_line_prints_or_exits() -> None:
    for room, path in rooms():
        if room in ("reference", "terminal"):
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = {ast.unparse(function) for function in calls}
        assert not names & {"print", "exit", "sys.exit", "typer.echo", "input"}, path


def test_the_engine_is_known_in_its_room_alone() -> None:
    zotero = (KB / "notes" / "zotero.py", KB / "notes" / "database_copy.py")  # whose files are SQLite
    its_own = (KB / "index" / "sqlite", KB / "sqlite_files.py", *zotero)
    for path in KB.rglob("*.py"):
        if not any(path.is_relative_to(place) for place in its_own):
            found = re.findall(r"sqlite3|fts5|faiss|MATCH", path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)} knows of {found}"
