"""Run a reference implementation by name. Its demo() signature is its interface; nothing is imported to list them."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from kb.claims.arguments import arguments
from kb.claims.catalog import CATALOG, PACKAGE, Reference, missing, references
from kb.errors import KbError, NotFound

DEVICES = ("cpu", "cuda", "auto")
GIVEN = ("device", "seed")  # parameters of every demo, with options of their own
_ARGUMENT = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)  # a line of a docstring's Args


class Algorithm(NamedTuple):
    """A reference implementation that can be run."""

    name: str  # as typed: "rvq", "mini-codec"
    summary: str  # one sentence
    papers: tuple[str, ...]  # what it belongs to, by name
    seconds: float | None  # that its demo takes, about


class Parameter(NamedTuple):
    """What a demo can be told."""

    name: str
    kind: str  # "int"
    default: str
    what: str  # one line


class Check(NamedTuple):
    """Something that a reference implementation promises, and whether it holds."""

    algorithm: str
    promise: str
    holds: bool


def algorithms() -> list[Algorithm]:
    """Return all reference implementations by name, read from their files."""
    found = []
    for path in references():
        name = path.stem.replace("_", "-")
        known = CATALOG.get(name, Reference(0))
        summary = (ast.get_docstring(_parsed(path)) or "").split("\n", 1)[0].strip()
        titles = tuple(paper for paper in known.papers if not paper[0].isdigit())
        found.append(Algorithm(name, summary, titles, known.seconds or None))
    return found


def parameters(name: str) -> list[Parameter]:
    """Return the parameters of an algorithm's demo, read from its file.

    Raises: KbError for an unknown name.
    """
    demo = next(node for node in _parsed(_path(name)).body if isinstance(node, ast.FunctionDef) and node.name == "demo")
    explained = {key: " ".join(text.split()) for key, text in _ARGUMENT.findall(ast.get_docstring(demo) or "")}
    return [
        Parameter(argument.arg, _unparsed(argument.annotation), _unparsed(default), explained.get(argument.arg, ""))
        for argument, default in zip(demo.args.kwonlyargs, demo.args.kw_defaults, strict=True)
        if argument.arg not in GIVEN
    ]


def run(name: str, device: str, seed: int, settings: list[str]) -> dict[str, Any]:
    """Return what the algorithm's demo returns: rows, and where it has them a drawing, a plot, audio and remarks.

    settings are "name=value" texts for the parameters of demo().
    Raises: KbError for an unknown name, device or parameter, a value of the wrong type, or a package that is missing.
    """
    module = _module(name)
    values = parse_settings(name, module.demo, settings)
    with _told(name):
        result: dict[str, Any] = module.demo(device=_device(device), seed=seed, **values)
    return result


def check(name: str, device: str) -> list[Check]:
    """Return what the algorithm's own checks say.

    Raises: KbError for an unknown name or device, or a package that is missing.
    """
    module = _module(name)
    with _told(name):
        return [Check(name, promise, holds) for promise, holds in module.checks(device=_device(device))]


def _module(name: str) -> Any:
    path = _path(name)
    with _told(name):
        return importlib.import_module(f"{PACKAGE}.{path.stem}")


def _path(name: str) -> Path:
    paths = {path.stem.replace("_", "-"): path for path in references()}
    if name not in paths:
        close = get_close_matches(name, paths, cutoff=0.7)
        hint = f"; there is {' and '.join(close)}" if close else ""
        raise NotFound(f"no algorithm {name!r}{hint}", "to list them: kb run --list")
    return paths[name]


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say of what an algorithm refuses, or lacks, that it was this one."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing(name, error.name) from None
    except ValueError as error:
        raise KbError(f"{name}: {error}") from None


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _unparsed(node: ast.expr | None) -> str:
    return ast.unparse(node) if node else ""


def parse_settings(name: str, demo: Any, settings: list[str]) -> dict[str, Any]:
    """Return settings as typed arguments of demo: ["levels=4"] -> {"levels": 4}, ["delays=0,1"] -> {"delays": (0, 1)}.

    Raises: KbError naming the parameters there are, or the type that was expected.
    """
    values = {}
    for setting in settings:
        key, equals, values[key] = setting.partition("=")
        if not equals:
            raise KbError(f"{name}: a parameter is written {key}=…, got {setting!r}")
    return arguments(name, demo, values, without=GIVEN)


def _device(device: str) -> str:
    if device not in DEVICES:
        raise KbError(f"device should be one of {', '.join(DEVICES)}, got {device!r}")
    torch = sys.modules.get("torch")  # an algorithm without tensors has not brought it in
    has_cuda = torch is not None and torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise KbError("no CUDA device on this machine", "use --device cpu")
    return "cuda" if has_cuda and device != "cpu" else "cpu"
