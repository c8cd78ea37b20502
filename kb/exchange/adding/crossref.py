"""What Crossref answers about one DOI -> Metadata. The format is JSON: https://api.crossref.org, `/works/{doi}`."""

import json
import re
from typing import Any

from kb.errors import KbError
from kb.exchange.adding.metadata import Metadata, plain

_WITHDRAWN = re.compile(r"\W*(?:retracted|withdrawn|retraction|withdrawal)\b(?: article)?\s*[:：\])]", re.IGNORECASE)
_TAKEN_BACK = ("retraction", "withdrawal", "removal")


def read_crossref(answer: bytes, doi: str) -> Metadata:
    """Return the paper that answer describes; doi is the one that was asked for.

    Raises: KbError if the answer is not JSON or not whole, or holds no title.
    """
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        if b"<html" in answer[:2000].lower():
            raise KbError("Crossref answered with a web page instead of JSON", "try again later") from None
        raise KbError("Crossref answered with JSON that is cut short or broken", "try again later") from None
    work = content.get("message") if isinstance(content, dict) else None
    if not isinstance(work, dict):
        raise KbError("Crossref answered with something that describes no work", f"try again later: {doi}")
    title = _title(work)
    if not title:
        raise KbError(f"Crossref knows {doi}, but no title of it", "add it by hand, or as a stub with --offline")
    people = [one for one in _list(work, "author") if isinstance(one, dict)]
    places = [
        plain(str(place.get("name") or ""))
        for one in people
        for place in _list(one, "affiliation")
        if isinstance(place, dict)
    ]
    return Metadata(
        title=title,
        authors=tuple(filter(None, map(_name, people))),
        published=_date(work.get("issued")) or _date(work.get("published")),
        venue=_first(work, "container-title") or None,
        organizations=tuple(dict.fromkeys(filter(None, places))),
        doi=doi,
        warning=_warning(work, title),
    )


def _title(work: dict[str, Any]) -> str:
    title, subtitle = _first(work, "title"), _first(work, "subtitle")
    return f"{title}: {subtitle}" if title and subtitle and subtitle.lower() not in title.lower() else title


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    return value if isinstance(value, list) else []


def _first(work: dict[str, Any], name: str) -> str:
    return next((plain(text) for text in _list(work, name) if isinstance(text, str) and plain(text)), "")


def _name(person: dict[str, Any]) -> str:
    """Return the name of a person, or of a group."""
    return plain(" ".join(str(person.get(part) or "") for part in ("given", "family", "suffix"))) or plain(
        str(person.get("name") or "")
    )


def _date(value: Any) -> str | None:
    """Return a date such as {"date-parts": [[2024, 10]]} as "2024-10"."""
    parts = value.get("date-parts") if isinstance(value, dict) else None
    numbers = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    if not numbers or not all(isinstance(number, int) for number in numbers):
        return None
    return "-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:3])])


def _warning(work: dict[str, Any], title: str) -> str | None:
    """Return what Crossref says of a paper that was withdrawn or retracted."""
    notices = [one.get("type") for one in _list(work, "updated-by") if isinstance(one, dict)]
    if said := next((one for one in notices if one in _TAKEN_BACK), None):
        return f"Crossref says it was withdrawn: {said}"
    return f"Crossref says it was withdrawn: {title:.120}" if _WITHDRAWN.match(title) else None
