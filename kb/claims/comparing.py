"""A figure as the note writes it, beside the one that was computed."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

HALF = Decimal("0.5")


class Figure(NamedTuple):
    """One figure of a claim."""

    name: str
    says: Any  # text, or a list of texts
    computed: Any  # number, truth, text, or a list of such
    agrees: bool


def compare(expected: dict[str, Any], computed: dict[str, Any]) -> list[Figure]:
    """Return each figure expected beside the one computed.

    A run that gives one figure and is asked for one gives that, whatever the note calls it.
    Raises: KeyError with the name of a figure that was not computed.
    """
    if len(expected) == len(computed) == 1:
        computed = dict(zip(expected, computed.values(), strict=True))
    return [Figure(name, says, computed[name], agrees(says, computed[name])) for name, says in expected.items()]


def agrees(says: Any, computed: Any) -> bool:
    """Whether a computed value is the one that is written.

    A number is, to the last digit written: "0.24" covers 0.235 to 0.245, "6.4e8" covers 636,784,640, and "88" only 88
    of the whole numbers. Lists agree value by value.
    """
    if isinstance(computed, (list, tuple)):
        if not isinstance(says, Sequence) or isinstance(says, str) or len(says) != len(computed):
            return False
        return all(agrees(one, other) for one, other in zip(says, computed, strict=True))
    if not isinstance(says, str):
        return False
    if isinstance(computed, bool):
        return says.strip().lower() == str(computed).lower()
    if isinstance(computed, (int, float)):
        return _agree_as_numbers(says, computed)
    return says == str(computed)


def _agree_as_numbers(says: str, computed: float) -> bool:
    try:
        written = Decimal(says.replace(",", "").replace("_", "").strip())
        exponent = written.as_tuple().exponent
        return isinstance(exponent, int) and abs(Decimal(computed) - written) <= HALF.scaleb(exponent)
    except InvalidOperation:  # no number is written, or none was computed
        return False
