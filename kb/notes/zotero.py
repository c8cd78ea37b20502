"""A Zotero library as CSL JSON, read out of a copy of its database: nothing is written beside the original.

Zotero keeps its database locked while it runs, and what it wrote last may lie in a file beside it (-wal, -journal).
A copy of all of them is what Zotero itself would find after a power cut.
"""

import html
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.notes.database_copy import opened_copy
from kb.notes.zotero_terms import FIELDS, ROLES, TYPES
from kb.patterns import pattern

_DATES = {"date": "issued", "dateEnacted": "issued", "dateDecided": "issued", "issueDate": "issued"}
_DATES |= {"accessDate": "accessed", "filingDate": "submitted"}
_CITED = pattern(r"^citation key:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_ANCHOR = pattern(r"<a\b[^>]*\bhref=\"([^\"]*)\"[^>]*>(.*?)</a>")
_BLOCK = pattern(r"<(p|div|h[1-6]|li|br|blockquote|pre|tr)\b[^>]*>|</(?:p|ul|ol|div|h[1-6])>")
_TAG = pattern(r"</?[a-z][^>]*>")
_NO_ITEMS = ("attachment", "note", "annotation")
_FIELD_ROWS = """
    SELECT d.itemID, f.fieldName, v.value FROM itemData d
    JOIN fields f ON f.fieldID = d.fieldID JOIN itemDataValues v ON v.valueID = d.valueID"""
_CREATOR_ROWS = """
    SELECT i.itemID, t.creatorType, c.firstName, c.lastName FROM itemCreators i
    JOIN creators c ON c.creatorID = i.creatorID JOIN creatorTypes t ON t.creatorTypeID = i.creatorTypeID
    ORDER BY i.itemID, i.orderIndex"""
_FILE_ROWS = """
    SELECT a.parentItemID, i.key, a.path FROM itemAttachments a JOIN items i ON i.itemID = a.itemID
    WHERE a.parentItemID NOT NULL AND a.path != '' AND a.{live} ORDER BY a.itemID"""
_HAS_FILES = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'itemAttachments'"
_STORED = "storage:"  # what the path of a file begins with that lies in a folder of its own below Zotero's
_KEYWORD_ROWS = """
    SELECT i.itemID, t.name FROM itemTags i JOIN tags t ON t.tagID = i.tagID
    UNION SELECT i.itemID, c.collectionName FROM collectionItems i JOIN collections c ON c.collectionID = i.collectionID
    ORDER BY 1, 2"""
_NOTE_ROWS = "SELECT parentItemID, note FROM itemNotes WHERE parentItemID NOT NULL AND {live} ORDER BY itemID"
_ITEM_ROWS = """
    SELECT i.itemID, i.key, t.typeName, substr(i.dateAdded, 1, 7) FROM items i
    LEFT JOIN itemTypes t ON t.itemTypeID = i.itemTypeID LEFT JOIN libraries l ON l.libraryID = i.libraryID
    WHERE l.type IS NOT 'feed' AND {live} ORDER BY i.itemID"""
_LIVE = "itemID NOT IN (SELECT itemID FROM deletedItems)"
_COMPUTED_ROWS = """
    SELECT name FROM sqlite_master WHERE rootpage = 0 AND type IN ('table', 'view') AND lower(name) IN (
        'items', 'itemtypes', 'libraries', 'itemdata', 'fields', 'itemdatavalues', 'itemcreators', 'creators',
        'creatortypes', 'itemtags', 'tags', 'collectionitems', 'collections', 'itemnotes', 'deleteditems',
        'itemattachments')"""


def library(database: Path) -> bytes:
    """Return the items of a Zotero database as CSL JSON in UTF-8, one a line, without those in the bin.

    An item has its notes under its extra field, its tags and collections as keywords, and in `custom` the month it was
    added and the paths of its files.
    Raises: KbError if database is not one of Zotero, or Zotero goes on writing it; OSError if it cannot be read.
    """
    try:
        with opened_copy(database) as db:
            items = _items(db, database.resolve().parent)
    except sqlite3.Error as error:
        raise _refusal(str(error)) from None
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    return f"[{lines}]\n".encode()


def _refusal(why: str) -> KbError:
    return KbError(f"not a Zotero database ({' '.join(why.split())})", "name the zotero.sqlite of Zotero 5 or later")


def _items(db: sqlite3.Connection, folder: Path) -> list[dict[str, Any]]:
    for (name,) in db.execute(_COMPUTED_ROWS):  # a view may compute without end
        raise _refusal(f"{name} is no table")
    db.text_factory = bytes
    fields: dict[int, dict[str, str]] = defaultdict(dict)
    for item, name, value in _rows(db, _FIELD_ROWS):
        fields[item][name] = value
    people: dict[int, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for item, role, first, last in _rows(db, _CREATOR_ROWS):
        name = {"given": first, "family": last} if first else {"literal": last}
        people[item][ROLES.get(role, "contributor")].append(name)
    keywords: dict[int, list[str]] = defaultdict(list)
    for item, name in _rows(db, _KEYWORD_ROWS):
        keywords[item].append(name)
    notes: dict[int, list[str]] = defaultdict(list)
    for item, note in _rows(db, _NOTE_ROWS.format(live=_LIVE)):
        notes[item].append(_text(note))
    files: dict[int, list[str]] = defaultdict(list)
    for item, key, path in _rows(db, _FILE_ROWS.format(live=_LIVE)) if db.execute(_HAS_FILES).fetchone() else ():
        is_stored = path.startswith(_STORED)
        files[item].append(str(folder / "storage" / key / path.removeprefix(_STORED)) if is_stored else path)
    return [
        _item(key, kind, month, fields[item], people[item], keywords[item], notes[item], files[item])
        for item, key, kind, month in _rows(db, _ITEM_ROWS.format(live=f"i.{_LIVE}"))
        if kind not in _NO_ITEMS
    ]


def _rows(db: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows of an item's number and texts: SQLite keeps anything in any column, and text that is not UTF-8."""
    for item, *values in db.execute(sql):
        yield item, *(_shown(value) for value in values)


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _item(
    key: str,
    kind: str,
    month: str,
    fields: dict[str, str],
    people: dict[str, list[dict[str, str]]],
    keywords: list[str],
    notes: list[str],
    files: list[str],
) -> dict[str, Any]:
    found: dict[str, Any] = {"id": key, "type": TYPES.get(kind, "document")}
    for name, ours in FIELDS.items():
        if value := fields.get(name):
            found.setdefault(ours, value)
    found.setdefault("citation-key", named[1] if (named := _CITED.search(fields.get("extra", ""))) else "")
    for name, ours in _DATES.items():
        if ours not in found and (date := re.match(r"(\d{4})(?:-(\d\d)-(\d\d))?", fields.get(name, ""))):
            found[ours] = {"date-parts": [[int(part) for part in date.groups() if part and int(part)]]}
    if notes:
        found["note"] = "\n\n".join(part for part in (found.get("note", ""), *notes) if part)
    return {
        **found,
        **people,
        **({"keyword": ", ".join(keywords)} if keywords else {}),
        "custom": {"month": month, **({"files": files} if files else {})},
    }


def _text(note: str) -> str:
    """Return the Markdown of a note that Zotero keeps as HTML: paragraphs, items and links, no other markup."""
    text = _ANCHOR.sub(r"[\2](\1)", note.replace("\n", " "))
    text = _BLOCK.sub(lambda tag: "\n- " if tag[1] == "li" else "\n", text)
    text = html.unescape(_TAG.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", text)).strip()
