"""Values as text -> arguments of a function, typed by its signature."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

from kb.errors import KbError

_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LISTS = (list, tuple, Sequence)


def arguments(
    name: str, function: Callable[..., Any], values: Mapping[str, Any], without: Sequence[str] = ()
) -> dict[str, Any]:
    """Return values, texts or lists of texts, as typed arguments of function, which the user knows by name.

    A list may be one text with commas. Parameters in `without` are not the user's to give.
    Example: {"levels": "4", "delays": "0,1"} -> {"levels": 4, "delays": (0, 1)}.
    Raises: KbError naming the parameters there are, the one that is missing, or the type that was expected.
    """
    types = get_type_hints(function)
    parameters = {key: one for key, one in inspect.signature(function).parameters.items() if key not in without}
    offered = ", ".join(f"{key}=…" for key in parameters)
    for key in values:
        if key not in parameters:
            raise KbError(f"{name} has no parameter {key!r}", f"it takes: {offered}")
    for key, parameter in parameters.items():
        if key not in values and parameter.default is parameter.empty:
            raise KbError(f"{name} needs {key}", f"it takes: {offered}")
    found = {}
    for key, value in values.items():
        try:
            found[key] = _typed(types[key], value)
        except (ValueError, KeyError, TypeError):
            raise KbError(f"{name}: {key} should be {_kind(types[key])}, got {value!r:.80}") from None
    return found


def _typed(wanted: Any, value: Any) -> Any:
    origin = get_origin(wanted)
    if origin in _LISTS:
        parts = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        elements = [_typed(get_args(wanted)[0], part) for part in parts]
        return tuple(elements) if origin is tuple else elements
    if not isinstance(value, str) or wanted not in _KINDS:
        raise TypeError
    if wanted is bool:
        return _TRUTH[value.strip().lower()]
    if wanted is int:
        return _whole(value.strip())
    return wanted(value)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = float(text)  # "6e9"
        if number != int(number):
            raise
        return int(number)


def _kind(wanted: Any) -> str:
    return _KINDS.get(wanted, "a list like 0,1,2" if get_origin(wanted) in _LISTS else "left out: it takes no text")
