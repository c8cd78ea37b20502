"""The direction of imports, as docs/design.md draws it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may import of ours. A room is a file of kb/ or a folder of it.
_ALLOWED = {
    "errors": "",
    "progress": "",
    "terms": "",
    "reference": "",
    "references": "",
    "signatures": "errors",
    "claims": "errors progress query references signatures store",
    "works": "",
    "records": "errors",
    "sources": "errors",
    "config": "errors sources writing",
    "importing": "config errors loading parsing sources",
    "identities": "records terms works",
    "merging": "",
    "scan": "config errors",
    "zotero": "errors scan",
    "loading": "errors zotero",
    "exchange": "config errors merging parsing query records related store terms writing",
    "gloss": "errors query terms",
    "dictionary": "errors gloss progress terms",
    "encoding": "config encoders gloss progress store vectors",
    "starting": "config errors",
    "editors": "errors",
    "runs": "errors references signatures",
    "query": "errors terms",
    "encoders": "errors writing",
    "parsing": "errors records",
    "store": "errors identities query records references terms works",
    "duplicates": "config identities store terms",
    "hits": "gloss store",
    "marking": "query store terms",
    "counting": "store",
    "completion": "config counting query store",
    "vector_file": "errors",
    "vectors": "errors store vector_file writing",
    "indexing": "config dictionary errors gloss loading parsing progress scan store",
    "refreshing": "config encoders encoding errors indexing progress scan",
    "related": "store terms",
    "fusion": "",
    "adding": "addresses config errors identities parsing records store terms writing",
    "judging": "errors store",
    "meaning": "config encoders errors fusion store vectors",
    "answering": "fusion hits marking query references store",
    "spelling": "gloss query store terms",
    "samples": "errors parsing",
    "checking": "errors parsing reading records terms",
    "reading": "config errors loading parsing records scan",
    "search": "answering config encoders errors fusion gloss hits meaning query spelling store",
    "similar": "answering config encoders errors fusion gloss hits meaning query store terms",
    "layout": "",
    "wording": "layout",
    "periods": "errors",
    "excerpts": "",
    "changes": "records",
    "overview": "layout records",
    "digest": (
        "changes claims counting excerpts layout merging overview periods records references related store wording"
    ),
    "quoting": "sanitizing",
    "sandbox": "records",
    "templating": "config errors references sandbox",
    "posts": "addresses changes config layout quoting records templating wording",
    "publishing": "changes config digest errors layout pages periods posts records store writing",
    "sanitizing": "",
    "prose": "sanitizing",
    "pages": "changes config errors layout prose records sanitizing templating wording",
    "writing": "errors",
    "doctor": "checking config dictionary encoders errors gloss progress reading refreshing scan store vectors writing",
    "manual": "",
    "settings": "config errors",
    "trends": "counting errors periods store",
    "showing": "errors",
    "formulas": "",
    "wrapping": "",
    "rendering": "formulas terms wrapping",
    "bookmarks": "errors store writing",
    "picking": "errors store terminal",
    "addresses": "",
    "terminal": "claims hits store",
}
ALLOWED = {room: set(names.split()) for room, names in _ALLOWED.items()}
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


@pytest.mark.parametrize(("room", "path"), rooms(), ids=lambda value: str(value).rsplit("/", 1)[-1])
def test_a_room_imports_only_rooms_below_it(room: str, path: Path) -> None:
    others = {imported for imported, _ in imports(path)} - {room}

    assert room in ALLOWED, f"kb/{room} has no place in the house; give it one here and in docs/design.md"
    assert others <= ALLOWED[room]


def test_the_arrows_make_no_ring() -> None:
    below = {room: set(names) for room, names in ALLOWED.items()}
    while below:
        ground = {room for room, names in below.items() if not names}
        assert ground, f"a ring among {sorted(below)}"
        below = {room: names - ground for room, names in below.items() if room not in ground}


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
