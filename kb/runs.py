"""Run a reference implementation by name. Its demo() signature is its interface; nothing is imported to list them."""

import ast
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from kb.errors import KbError

FOLDER = Path(__file__).resolve().parent / "reference"
PACKAGE = "kb.reference"
DEVICES = ("cpu", "cuda", "auto")
_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Algorithm(NamedTuple):
    """A reference implementation that can be run."""

    name: str  # as typed: "rvq", "mini-codec"
    summary: str  # one sentence


def algorithms() -> list[Algorithm]:
    """Return all reference implementations by name, read from their files."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        if not path.stem.startswith("_"):
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found.append(Algorithm(path.stem.replace("_", "-"), docstring.split("\n", 1)[0].strip()))
    return found


def run(name: str, device: str, seed: int, settings: list[str]) -> dict[str, Any]:
    """Return what the algorithm's demo returns: rows, and where it has them a drawing and remarks.

    settings are "name=value" texts for the parameters of demo().
    Raises: KbError for an unknown name, device or parameter, a value of the wrong type, or a package that is missing.
    """
    known = [algorithm.name for algorithm in algorithms()]
    if name not in known:
        raise KbError(f"no algorithm {name!r}; there are: {', '.join(known)}")
    try:
        module = importlib.import_module(f"{PACKAGE}.{name.replace('-', '_')}")
    except ModuleNotFoundError as error:
        raise KbError(f"{name} needs {error.name}; run: pip install 'paper-kb[models]'") from None
    parameters = parse_settings(name, module.demo, settings)
    try:
        result: dict[str, Any] = module.demo(device=_device(device), seed=seed, **parameters)
    except ValueError as error:
        raise KbError(f"{name}: {error}") from None
    return result


def parse_settings(name: str, demo: Any, settings: list[str]) -> dict[str, Any]:
    """Return settings as typed arguments of demo: ["levels=4"] -> {"levels": 4}, ["delays=0,1"] -> {"delays": (0, 1)}.

    Raises: KbError naming the parameters there are, or the type that was expected.
    """
    types = get_type_hints(demo)
    known = [
        parameter for parameter in inspect.signature(demo).parameters if parameter not in ("device", "seed", "return")
    ]
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in known:
            offered = ", ".join(f"{parameter}=…" for parameter in known)
            raise KbError(f"{name} has no parameter {key!r}; it takes: {offered}")
        values[key] = _value(name, key, types[key], text)
    return values


def _value(name: str, key: str, wanted: Any, text: str) -> Any:
    try:
        if get_origin(wanted) is tuple:
            element = get_args(wanted)[0]
            return tuple(element(part) for part in text.split(",") if part.strip())
        return _TRUTH[text.lower()] if wanted is bool else wanted(text)
    except (ValueError, KeyError):
        kind = _KINDS.get(wanted, "a list like 0,1,2")
        raise KbError(f"{name}: {key} should be {kind}, got {text!r}") from None


def _device(device: str) -> str:
    if device not in DEVICES:
        raise KbError(f"device should be one of {', '.join(DEVICES)}, got {device!r}")
    torch = sys.modules.get("torch")  # an algorithm without tensors has not brought it in
    has_cuda = torch is not None and torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise KbError("no CUDA device on this machine; use --device cpu")
    return "cuda" if has_cuda and device != "cpu" else "cpu"
