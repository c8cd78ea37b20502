"""What a digest says that the one written before did not. The digest itself is the record of what was written.

A comment at its end holds a short hash of every entry, and the changes that were told. So a digest written again from
the same notes tells the same changes, and nothing is kept anywhere else.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kb.records import Change, DigestEntry, MonthlyDigest

HASH_DIGITS = 8
_COMMENT = re.compile(r"<!-- kb:written (\{.*\}) -->")


class Written(NamedTuple):
    """What a digest holds, and what was new in it."""

    entries: dict[str, str]  # id -> hash
    changes: tuple[Change, ...]


def comment(digest: MonthlyDigest) -> str:
    """Return what digest holds as a line of Markdown or HTML that nobody sees."""
    entries = [entry for section in digest.sections for entry in section.entries]
    told = [[change.kind, change.id, change.title] for change in digest.changes]
    content = json.dumps({"entries": _hashes(entries), "changes": told}, ensure_ascii=False)
    return "<!-- kb:written " + content.replace("<", "\\u003c").replace(">", "\\u003e") + " -->"


def written(text: str) -> Written | None:
    """Return what the digest text holds; None if it is none of ours."""
    found = _COMMENT.search(text)
    try:
        content = json.loads(found[1]) if found else None
        if not content:
            return None
        told = tuple(Change(kind=kind, id=name, title=title) for kind, name, title in content["changes"])
        return Written(dict(content["entries"]), told)
    except (ValueError, KeyError, TypeError, RecursionError):  # somebody has been there; then it is no record
        return None


def since(last: Written | None, entries: Sequence[DigestEntry]) -> tuple[Change, ...]:
    """Return how entries differ from those written last; without a last digest they do not.

    If nothing has changed since then, it is what was told then.
    """
    if last is None:
        return ()
    hashes = _hashes(entries)
    if last.entries == hashes:
        return last.changes
    titles = {entry.paper.id: entry.paper.title for entry in entries}
    added = [Change(kind="added", id=name, title=title) for name, title in titles.items() if name not in last.entries]
    changed = [
        Change(kind="changed", id=name, title=title)
        for name, title in titles.items()
        if last.entries.get(name, hashes[name]) != hashes[name]
    ]
    removed = [Change(kind="removed", id=name, title=name) for name in last.entries if name not in titles]
    return (*added, *changed, *removed)


def _hashes(entries: Iterable[DigestEntry]) -> dict[str, str]:
    return {entry.paper.id: _hash(entry) for entry in entries}


def _hash(entry: DigestEntry) -> str:
    paper = entry.paper
    told = [paper.title, paper.organizations, paper.keywords, [link.url for link in paper.links], paper.body]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8")).hexdigest()[:HASH_DIGITS]
