"""Run a reference implementation by name. Its demo() signature is its interface; nothing is imported to list them."""

import ast
import importlib
import sys
from typing import Any, NamedTuple

from kb.errors import KbError
from kb.references import PACKAGE, references
from kb.signatures import arguments

DEVICES = ("cpu", "cuda", "auto")


class Algorithm(NamedTuple):
    """A reference implementation that can be run."""

    name: str  # as typed: "rvq", "mini-codec"
    summary: str  # one sentence


def algorithms() -> list[Algorithm]:
    """Return all reference implementations by name, read from their files."""
    found = []
    for path in references():
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
    values = {}
    for setting in settings:
        key, equals, values[key] = setting.partition("=")
        if not equals:
            raise KbError(f"{name}: a parameter is written {key}=…, got {setting!r}")
    return arguments(name, demo, values, without=("device", "seed"))


def _device(device: str) -> str:
    if device not in DEVICES:
        raise KbError(f"device should be one of {', '.join(DEVICES)}, got {device!r}")
    torch = sys.modules.get("torch")  # an algorithm without tensors has not brought it in
    has_cuda = torch is not None and torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise KbError("no CUDA device on this machine; use --device cpu")
    return "cuda" if has_cuda and device != "cpu" else "cpu"
