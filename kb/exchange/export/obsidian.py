"""Papers as notes of an Obsidian vault, one each; kb.notes.parsing.exported reads them back.

What is known stands in the front matter as properties; months and related papers are links there, so that they show in
the graph and the text stays as it was. A note bears the sum of what was written: only where that still holds is it
written again, so nothing is lost that was changed in Obsidian, or was there before.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kb.errors import KbError
from kb.exchange.export.works import Work
from kb.files import new_folder, write_whole
from kb.index.sqlite.reader import Reader
from kb.notes.parsing.exported import MARKER
from kb.records import Paper
from kb.search.alike_titles import related

RELATED = 5
LONGEST_KEY = 60  # bytes of a citation key in it
LONGEST = 180  # bytes of a file's name: a Chinese character has three, and systems take 255
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f*"\\/<>|?#^\[\]:%]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # names that Windows keeps for itself
_NO_TAG = re.compile(r"[^\w/-]+")
_SUM = re.compile(rf"^{MARKER}: (?P<sum>[0-9a-f]+)\n", re.MULTILINE)


class Written(NamedTuple):
    """What came of each note of an export, by its file name."""

    new: list[str]
    changed: list[str]
    same: list[str]
    kept: list[str]  # not written: somebody else's, or changed since it was written


def write_vault(reader: Reader, works: Sequence[Work], folder: Path, mode: int) -> Written:
    """Write a note for each of works into folder, which is made if it is missing, and say what became of each.

    mode has the permissions of a folder that is made.

    Raises: KbError if folder is no folder or cannot be written.
    """
    try:
        new_folder(folder, mode)
    except OSError as error:
        raise KbError(f"{folder} cannot be made a folder: {error.strerror}", "name another place") from None
    done = Written([], [], [], [])
    for name, text in notes(reader, works).items():
        path = folder / name
        if path.exists() and not path.is_file():
            done.kept.append(name)
            continue
        before = _read(path)
        if before is None:
            done.new.append(name)
        elif before == text:
            done.same.append(name)
            continue
        elif not _is_ours(before):
            done.kept.append(name)
            continue
        else:
            done.changed.append(name)
        write_whole(path, text.encode("utf-8"), mode & 0o666)
    return done


def notes(reader: Reader, works: Sequence[Work]) -> dict[str, str]:
    """Return the text of a note for each of works, by file name."""
    stems = file_stems(works)
    stem_of_row = {work.row.key: stem for work, stem in zip(works, stems, strict=True)}
    close = related(reader, [work.row for work in works], RELATED) if works else {}
    found = {}
    for work, stem in zip(works, stems, strict=True):
        near = [stem_of_row[row.key] for row, _ in close[work.row.key] if row.key in stem_of_row]
        found[f"{stem}.md"] = _signed(_properties(work, near), work.paper.body)
    return found


def file_stems(works: Iterable[Work]) -> list[str]:
    """Return names for the notes of works that any system takes and Obsidian can link to: titles, without ending.

    Names that differ by no more than their capitals are followed by the citation key; by the sum of one that no system
    takes, such as a DOI.
    """
    works = list(works)
    names = [_safe(work.paper.title) for work in works]
    counts = Counter(name.lower() for name in names)
    return [
        name if counts[name.lower()] == 1 else f"{name} ({_safe_key(work.key)})"
        for name, work in zip(names, works, strict=True)
    ]


def _properties(work: Work, near: Iterable[str]) -> dict[str, Any]:
    paper = work.paper
    aliases = dict.fromkeys(name for name in (paper.short_name, paper.title) if name)
    properties = {
        "title": paper.title,
        "short_name": paper.short_name,
        "aliases": list(aliases),
        "authors": list(paper.authors),
        "organizations": list(paper.organizations),
        "venue": paper.venue,
        "published": paper.published,
        "arxiv": paper.arxiv_id,
        "doi": paper.doi,
        "read": f"[[{paper.month}]]" if paper.month else None,
        "starred": "true" if paper.is_starred else None,
        "kind": paper.kind,
        "tags": _tags(paper),
        "keywords": list(paper.keywords),
        "related": [f"[[{name}]]" for name in near],
        "key": work.key,
        "origin": list(work.places),
    }
    return {name: value for name, value in properties.items() if value}


def _tags(paper: Paper) -> list[str]:
    """Return the keywords as Obsidian takes them for tags: without spaces, and not of digits alone."""
    tags = (_NO_TAG.sub("-", keyword).strip("-/") for keyword in paper.keywords)
    return list(dict.fromkeys(tag for tag in tags if tag and not tag.isdecimal()))


def _signed(properties: Mapping[str, Any], body: str) -> str:
    """Return a note with the sum of all the rest of it in its front matter."""
    front = yaml.safe_dump(dict(properties), allow_unicode=True, sort_keys=False, width=10**6)
    rest = f"---\n{front}", f"---\n\n{body}\n"
    return f"{rest[0]}{MARKER}: {_sum(''.join(rest))}\n{rest[1]}"


def _is_ours(text: str) -> bool:
    """Whether a note is as it was once written here."""
    found = _SUM.search(text)
    return bool(found) and _sum(_SUM.sub("", text, count=1)) == found["sum"]  # type: ignore[index]


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _safe(title: str) -> str:
    name = " ".join(_FORBIDDEN.sub(" ", title.replace(":", " -")).split()).strip(" .-")
    while len(name.encode()) > LONGEST:
        name = name[:-1].rstrip(" .-")
    return f"{name}_" if _RESERVED.fullmatch(name) else name or "untitled"


def _safe_key(key: str) -> str:
    return key if _safe(key) == key and len(key.encode()) <= LONGEST_KEY else _sum(key)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", "move it, or name another folder", path) from None
