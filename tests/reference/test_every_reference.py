"""What every reference implementation has in common: it explains itself, keeps its promises and stands alone."""

import ast
import importlib
import inspect
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from kb.claims.catalog import references

PATHS = references()
PLAIN = {int, float, bool, str}
HEAVY = {"torchmetrics", "pystoi", "jiwer", "matplotlib", "transformers", "sklearn", "librosa"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def loaded(path: Path) -> Any:
    tree = parsed(path)
    if any(name.startswith("torch") for node in tree.body for name in imported(node)):
        pytest.importorskip("torch")
    return importlib.import_module(f"kb.reference.{path.stem}")


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_it_says_where_it_comes_from_and_what_it_leaves_out(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path)) or ""

    assert docstring.split("\n")[0].endswith(".")
    assert all(f"{word}:" in docstring for word in ("Source", "Left out", "Oracle"))


def test_it_imports_nothing_of_the_knowledge_base_and_nothing_heavy_at_the_top(path: Path) -> None:
    tree = parsed(path)
    everywhere = {name for node in ast.walk(tree) for name in imported(node)}
    at_the_top = {name.split(".")[0] for node in tree.body for name in imported(node)}

    assert not [name for name in everywhere if name.startswith("kb") and not name.startswith("kb.reference")]
    assert not at_the_top & HEAVY


def test_a_long_file_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(parsed(path)) or ""

    explained = re.search(r"^(Long (because|for)|.*\. Long$|.*\. Long because)", docstring, re.MULTILINE)
    assert text.count("\n") <= 200 or explained, f"{path.name} is long and does not say why"


def test_what_is_a_toy_says_so_in_its_first_line(path: Path) -> None:
    first, _, rest = (ast.get_docstring(parsed(path)) or "").partition("\n")

    assert len(first) <= 110
    assert not re.search(r"\btoys?\b", rest, re.IGNORECASE) or re.search(r"\btoy\b", first, re.IGNORECASE)


def test_its_promises_hold_and_are_shown_when_it_is_run_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, promises = loaded(path), []
    checks = module.checks

    def heard(*, device: str) -> list[tuple[str, bool]]:
        promises.extend(checks(device=device))
        return promises

    monkeypatch.setattr(module, "checks", heard)
    monkeypatch.setattr(sys, "argv", [path.stem, "--check"])

    with suppress(SystemExit):
        module.main()

    assert len(promises) >= 2
    assert [promise for promise, holds in promises if holds is not True] == []
    assert capsys.readouterr().out == "".join(f"holds  {promise}\n" for promise, _ in promises)
    assert len({promise.endswith(".") for promise, _ in promises}) == 1


def test_its_demo_has_a_seed_a_device_and_plain_parameters(path: Path) -> None:
    demo = loaded(path).demo
    parameters = inspect.signature(demo).parameters
    types = get_type_hints(demo)

    assert {"device", "seed"} <= set(parameters)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())
    for name in parameters:
        assert types[name] in PLAIN or set(get_args(types[name])) - {...} <= PLAIN, name
        assert f"{name}:" in demo.__doc__, name


def test_what_claims_may_run_takes_and_gives_plain_values(path: Path) -> None:
    for function in getattr(loaded(path), "FIGURES", ()):
        types = get_type_hints(function)
        types.pop("return")
        assert function.__doc__
        assert all("Tensor" not in str(wanted) and "Any" not in str(wanted) for wanted in types.values()), function
