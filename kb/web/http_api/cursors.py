"""Where a list goes on: a cursor says after how many items, and what these were.

It holds a number, a hash of what each of these items is called, and a signature over both and the question. So it goes
on with the same list or is refused: what has changed before it is noticed, what came after it does not matter.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from kb.errors import KbError

_PLACE_BYTES, _HASH_BYTES, _SIGNATURE_BYTES = 4, 8, 18  # together a multiple of 3: base64 needs no padding


class Place(NamedTuple):
    """Where a list goes on."""

    after: int = 0  # items
    seen: bytes = b""  # a hash of what they are called


def place(cursor: str, question: str, key: str) -> Place:
    """Return where cursor says that the list goes on. Raises: KbError if it was not made here for this question."""
    if not cursor:
        return Place()
    try:
        data = urlsafe_b64decode(cursor.encode())
    except ValueError:
        data = b""
    signed, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    if len(signed) != _PLACE_BYTES + _HASH_BYTES or not hmac.compare_digest(
        _signature(signed, question, key), signature
    ):
        raise KbError("cursor is none of this list", "ask for the list without it")
    return Place(int.from_bytes(signed[:_PLACE_BYTES], "big"), signed[_PLACE_BYTES:])


def page(
    items: Sequence[Any], called: Sequence[str], start: Place, limit: int, question: str, key: str
) -> tuple[Sequence[Any], str | None]:
    """Return limit items from start on, and the cursor that goes on after them; None if nothing comes after.

    called names the fields that tell one item from others; without any the item itself does.
    Raises: KbError if the items before start are not those that the cursor was made after.
    """
    if start.after and _seen(items[: start.after], called) != start.seen:
        raise KbError("the list has changed since this cursor was given", "ask for the list without it")
    end = start.after + limit
    if len(items) <= end:
        return items[start.after :], None
    signed = end.to_bytes(_PLACE_BYTES, "big") + _seen(items[:end], called)
    return items[start.after : end], urlsafe_b64encode(signed + _signature(signed, question, key)).decode()


def _seen(items: Sequence[Any], called: Sequence[str]) -> bytes:
    names = [[_value(item, name) for name in called] if called else item for item in items]
    return sha256(json.dumps(names).encode()).digest()[:_HASH_BYTES]


def _value(item: Mapping[str, Any], name: str) -> Any:
    """Return a field of an item; "paper.id" is one of a field."""
    found: Any = item
    for part in name.split("."):
        found = found[part]
    return found


def _signature(signed: bytes, question: str, key: str) -> bytes:
    return hmac.digest(key.encode(), signed + question.encode("utf-8", "replace"), "sha256")[:_SIGNATURE_BYTES]
