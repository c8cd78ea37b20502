"""Filters as chips: what stands in a query as field:value, put there and taken away by a link."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

FIXED = {
    "kind": ("paper", "project", "lecture", "note"),
    "is": ("starred", "unread", "read"),
    "claim": ("any", "holds", "contradicted", "not-runnable", "stale"),
}
FIELDS = ("month", "org", "tag", "venue", "author", *FIXED)
_TOKEN = re.compile(rf"(?<!\S)-?(?:{'|'.join(FIELDS)})[:：](?:\"[^\"]*\"|[^\s\"]+)(?!\S)")


class Chip(NamedTuple):
    """A value of a field, and the query that a click on it asks."""

    token: str  # as it stands in a query: org:"Meta AI"
    name: str  # "Meta AI"
    papers: int | None  # that have it
    is_on: bool
    query: str


def token(field: str, value: str) -> str:
    """Return a filter as it is typed: "org", "Meta AI" -> 'org:"Meta AI"'."""
    plain = value.replace('"', " ").strip()
    return f'{field}:"{plain}"' if re.search(r"\s", plain) else f"{field}:{plain}"


def toggled(query: str, one: str) -> str:
    """Return a query with a filter, or without it if it is there.

    Example: 'codec org:CMU', 'org:CMU' -> 'codec'; 'codec', 'org:CMU' -> 'codec org:CMU'.
    """
    around = f" {query.strip()} "
    if f" {one} " in around:
        return " ".join(around.replace(f" {one} ", " ").split())
    return f"{query.strip()} {one}".strip()


def active(query: str) -> list[Chip]:
    """Return the filters of a query, each with the query without it."""
    found = dict.fromkeys(match[0] for match in _TOKEN.finditer(query))
    return [Chip(one, one, None, True, toggled(query, one)) for one in found]


def menus(query: str, choices: Mapping[str, Sequence[tuple[str, int]]]) -> dict[str, list[Chip]]:
    """Return what each field offers; fields without a value are left out."""
    counted = {field: dict(choices.get(field, ())) for field in FIELDS}
    offered = {
        field: [(value, counted[field].get(value)) for value in FIXED.get(field, counted[field])] for field in FIELDS
    }
    there = {
        field: [(value, count) for value, count in values if field != "kind" or count]
        for field, values in offered.items()
    }
    return {field: [_chip(query, field, *one) for one in values] for field, values in there.items() if values}


def _chip(query: str, field: str, value: str, count: int | None) -> Chip:
    one = token(field, value)
    return Chip(one, value, count, f" {one} " in f" {query} ", toggled(query, one))
