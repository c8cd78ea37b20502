"""The direction of imports, as docs/design.md draws it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

HOUSE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("## The house")[1].split("## ")[0]
GROUND = {"errors", "progress"}  # everyone may import them
FRONT = {"__init__", "__main__", "commands"}  # they may import every room


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return (room, whether at the top of the file) of each import of kb in path."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            top |= {id(inner) for inner in node.body}
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
                found.append((parts[1], id(node) in top))
    return found


def rooms() -> list[tuple[str, Path]]:
    found = []
    for path in sorted((ROOT / "kb").rglob("*.py")):
        room = path.relative_to(ROOT / "kb").parts[0].removesuffix(".py")
        if room not in FRONT:
            found.append((room, path))
    return found


def drawn() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what each room imports, and which modules each folder holds, as the page has it."""
    arrows: dict[str, set[str]] = {}
    modules: dict[str, set[str]] = {}
    room = ""
    for line in HOUSE.splitlines():
        said, _, names = line.partition("<- ")
        if found := re.match(r" {4}kb/(\w+)(?:\.py|/) ", said):
            room = found[1]
            assert room not in arrows, f"kb/{room} stands twice in docs/design.md"
            arrows[room], modules[room] = set(), set()
        elif said.strip():
            modules.setdefault(room, set()).update(
                word for word in re.split(r" {2,}", said.strip()) if word.isidentifier()
            )
        arrows.setdefault(room, set()).update(name for name in names.split(", ") if name)
    return arrows, modules


ARROWS, MODULES = drawn()


def test_every_room_imports_what_its_arrow_names_and_nothing_else() -> None:
    imported: dict[str, set[str]] = {}
    for room, path in rooms():
        imported.setdefault(room, set()).update(name for name, _ in imports(path) if name not in {room, *GROUND})

    assert {room: names for room, names in ARROWS.items() if room and room not in FRONT} == imported


def test_the_page_names_every_module_of_a_folder() -> None:
    there: dict[str, set[str]] = {}
    for folder in sorted((ROOT / "kb").iterdir()):
        if (folder / "__init__.py").is_file() and folder.name != "reference":
            there[folder.name] = {path.stem for path in folder.glob("*.py")} - {"__init__"}

    assert {room: names for room, names in MODULES.items() if names and room} == there


def test_the_arrows_make_no_ring() -> None:
    below = {room: set(names) for room, names in ARROWS.items()}
    while below:
        lowest = {room for room, names in below.items() if not names}
        assert lowest, f"a ring among {sorted(below)}"
        below = {room: names - lowest for room, names in below.items() if room not in lowest}


def test_our_own_modules_are_imported_at_the_top() -> None:
    late = [(path.name, room) for _, path in rooms() for room, is_top in imports(path) if not is_top]

    # The schema brings in sqlite-utils, which only a change of schema has to wait for.
    assert late == [("writer.py", "store")]


def test_no_room_imports_a_command() -> None:
    assert [path for _, path in rooms() for room, _ in imports(path) if room in FRONT] == []


@pytest.mark.parametrize("path", sorted((ROOT / "kb" / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_a_command_imports_what_it_needs_when_it_is_called(path: Path) -> None:
    at_once = {
        (node.module or "").split(".")[1]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kb.")
    }

    assert at_once <= {"commands", "errors", "layout", "terminal"}


def test_only_the_command_line_prints_or_exits() -> None:
    for room, path in rooms():
        if room == "reference":
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = {ast.unparse(function) for function in calls}
        assert not names & {"print", "exit", "sys.exit", "typer.echo", "input"}, path
