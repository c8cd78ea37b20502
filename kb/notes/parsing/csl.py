"""A library as CSL JSON, which Zotero, Mendeley and Pandoc write: a list of items, or {"items": […]}."""

import json
import re
from typing import Any, NamedTuple

from kb.errors import NoteError
from kb.notes.parsing import dates, library, names
from kb.notes.parsing.entry import Entry
from kb.patterns import pattern
from kb.records import OTHERS, Reference

_TAG = pattern(r"</?(?:i|b|sub|sup|sc|span)(?:\s[^<>]*)?>")  # the markup that CSL knows
_LIST = pattern(r'\s*(?:\{\s*"items"\s*:\s*)?\[')
_NEXT = pattern(r"[\s,]*(?P<mark>\S)")
_NO_TEXT = pattern(r"\\u(?:[dD][89a-fA-F]|0000)")  # halves of characters, maybe without the other half, and NUL
_TEXTS = ("abstract", "note", "annote")
_NAME = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix", "literal")
_DETAILS = ("volume", "issue", "page", "collection-title", "edition", "publisher")  # kept as a line of text
DEEPEST = 50  # lists in lists of an item; CSL itself has six
_WAY_OUT = "from Zotero, export as CSL JSON"


class _Item(NamedTuple):
    """An item with the lines, from 0, that it stands in."""

    values: dict[str, Any]
    line: int
    end: int


def entries(text: str, file: str) -> list[Entry]:
    """Return the entries of a file of CSL JSON.

    Raises: NoteError with the line of what is no JSON or no item of CSL.
    """
    return [_entry(item) for item in _items(text, file)]


def _items(text: str, file: str) -> list[_Item]:
    head = _LIST.match(text)
    if not head:
        raise NoteError("should hold a list of CSL items", _WAY_OUT, file, 1)
    found: list[_Item] = []
    decoder = json.JSONDecoder()
    position, line, counted = head.end(), 0, 0
    while item := _NEXT.match(text, position):
        start = item.end() - 1
        line, counted = line + text.count("\n", counted, start), start
        if item["mark"] == "]":
            return found
        try:
            values, position = decoder.raw_decode(text, start)
            if _is_deep(values):
                raise RecursionError
            values = _as_text(values) if _NO_TEXT.search(text, start, position) else values
        except json.JSONDecodeError as error:
            raise NoteError(f"broken JSON: {error.msg}", "export the library anew", file, error.lineno) from None
        except (RecursionError, ValueError):  # lists in lists without end, a number of thousands of digits
            raise NoteError("no CSL JSON: too deep or too long", _WAY_OUT, file, line + 1) from None
        if not isinstance(values, dict) or "type" not in values:
            raise NoteError("no item of CSL: it has no type", _WAY_OUT, file, line + 1)
        found.append(_Item(values, line, line + text.count("\n", start, position) + 1))
    line = text.count("\n") + 1
    raise NoteError("broken JSON: the list is never closed", "export the library anew", file, line)


def _as_text(value: Any) -> Any:
    """Return value with U+FFFD for what no file of text can hold: a half character without its other half, and NUL."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return {name: _as_text(one) for name, one in value.items()} if isinstance(value, dict) else value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (list, dict))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _entry(item: _Item) -> Entry:
    details = [f"{name} {value}" for name in _DETAILS if (value := _text(item, name)) and value != "arXiv"]
    custom = item.values.get("custom")
    ours: dict[str, Any] = custom if isinstance(custom, dict) else {}
    short = _text(item, "title-short")
    organizations = ours.get("organizations")
    texts = [(item.line, str(item.values[name])) for name in _TEXTS if item.values.get(name)]
    return Entry(
        title=_text(item, "title") or _text(item, "id"),
        line=item.line,
        end=item.end,
        body=library.body([*texts, (item.line, ", ".join(details))], [(item.line, _text(item, "URL"))]),
        kind="project" if item.values["type"] == "software" else "paper",
        short_name=short if names.is_name(short) else None,
        organizations=tuple(map(str, organizations)) if isinstance(organizations, list) else (),
        keywords=library.split_keywords(_text(item, "keyword")),
        arxiv_id=_arxiv_id(item),
        doi=library.doi(_text(item, "DOI")),
        authors=_people(item.values.get("author")),
        venue=_text(item, "container-title") or _text(item, "event-title") or None,
        published=_published(item.values.get("issued")),
        month=dates.month_in(str(ours.get("month") or "")),
        reference=_reference(item.values),
        attachments=tuple(map(str, files)) if isinstance(files := ours.get("files"), list) else (),
    )


def _reference(values: dict[str, Any]) -> Reference:
    """Return the item as it is; an id that is an address, as Zotero makes them, is nothing to cite a paper by."""
    given = values.get("citation-key", values.get("id"))
    key = "" if given is None or "://" in str(given) else " ".join(str(given).split())
    return Reference(format="csl-json", type=str(values["type"]), key=key, fields=values)


def _text(item: _Item, name: str) -> str:
    value = item.values.get(name)
    return " ".join(_TAG.sub("", value).split()) if isinstance(value, str) else ""


def _arxiv_id(item: _Item) -> str | None:
    """Return the arXiv id of an archive, of a preprint's number, or of a line that Zotero keeps among extra facts."""
    if _text(item, "archive").lower() == "arxiv" and (given := library.arxiv_id(_text(item, "archive_location"))):
        return given
    facts = f"{_text(item, 'number')}\n{item.values.get('note') or ''}"
    named = re.search(r"^arxiv\s*:\s*\S+", facts, re.IGNORECASE | re.MULTILINE)
    return library.arxiv_id(named[0]) if named else None


def _people(authors: Any) -> tuple[str, ...]:
    """Return the names, first names first; one that is given as a whole stays whole."""
    found = []
    for author in authors if isinstance(authors, list) else ():
        if isinstance(author, dict):
            given, *family = (str(author.get(part) or "") for part in _NAME)
            found.append(library.full_name(given, " ".join(family)))
    named = [name for name in found if name and name != OTHERS]
    return tuple(dict.fromkeys([*named, OTHERS] if named and OTHERS in found else named))


def _published(issued: Any) -> str | None:
    """Return the date that CSL gives as numbers or as text: {"date-parts": [[2024, 10]]} -> "2024-10"."""
    if not isinstance(issued, dict):
        return None
    parts = issued.get("date-parts")
    numbers = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    text = str(issued.get("raw") or issued.get("literal") or "")
    return library.date([str(number) for number in numbers]) or dates.date_in(text)
