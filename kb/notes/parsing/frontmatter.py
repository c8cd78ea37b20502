"""The block of YAML or TOML some notes begin with, read so that ids and dates stay the text they are."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from kb.errors import NoteError
from kb.notes.parsing.fields import label_key
from kb.patterns import pattern

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEY = pattern(r"(?P<key>\w[\w .-]{0,40}?)\s*(?::(?=\s|$)|=(?=\s))\s*(?P<value>.*)$")
_ITEM = pattern(r"\s*-\s+(?P<value>\S.*)$")
FENCE, TOML_FENCE = "---", "+++"
_ENDS = {FENCE: (FENCE, "..."), TOML_FENCE: (TOML_FENCE,)}  # of YAML and of TOML
# Every leaf stays the text it is: 2301.10000 is an id and no number. The C loader is the same, twenty times as fast.
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class FrontMatter:
    """What a note says about itself before its text begins; a key is found in any case and spelling."""

    values: dict[str, Any] = field(default_factory=dict)  # leaves are all str
    line_count: int = 0  # lines taken up, fences included
    fault: NoteError | None = None  # what is wrong with it; then values are what its lines say one by one
    unread: tuple[int, ...] = ()  # the lines, from 0, that say nothing then, and are text

    @property
    def begin_of_text(self) -> int:
        """The first line, from 0, that may be text."""
        return min((*self.unread, self.line_count))

    def blanked(self, lines: Sequence[str]) -> list[str]:
        """Return the lines of the note with blanks for those that this has read."""
        above = [line if number in self.unread else "" for number, line in enumerate(lines[: self.line_count])]
        return [*above, *lines[self.line_count :]]

    @cached_property
    def by_key(self) -> dict[str, Any]:
        """Return the values that say something, by keys in normal form: "arXiv-ID" -> "arxivid"."""
        found: dict[str, Any] = {}
        for key, value in self.values.items():
            if any(leaves(value)):
                found.setdefault(label_key(key), value)
        return found

    def text(self, *keys: str) -> str | None:
        """Return the first of keys that is given as plain text."""
        for key in keys:
            value = self.by_key.get(label_key(key))
            if isinstance(value, str):
                return value.strip()
        return None

    def texts(self, *keys: str) -> tuple[str, ...]:
        """Return the first of keys that is given, as a list; "a, b" counts as two, and so does "a; b"."""
        for key in keys:
            value = self.by_key.get(label_key(key))
            if isinstance(value, str):
                return tuple(part.strip() for part in re.split("[,，;；]", value) if part.strip())
            if value:
                return tuple(leaves(value))
        return ()


def leaves(value: Any) -> Iterator[str]:
    """Return the texts that a value of front matter holds, however deep: [["Ann One"]] -> "Ann One"."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif value:
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)


def end_of_front_matter(lines: Sequence[str]) -> int | None:
    """Return the line, from 0, that closes front matter at the top of lines; None if there is none, or it stays open.

    Example: ["---", "arxiv: 2301.10000", "..."] -> 2.
    """
    ends = _ENDS.get(lines[0].rstrip(), ()) if lines else ()
    return next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ends), None) if ends else None


def read_front_matter(lines: list[str], file: str) -> FrontMatter:
    """Return the front matter at the top of lines; empty if there is none.

    Of a block that is never closed, is no mapping of YAML or TOML, or uses anchors, the lines are read one by one.
    Example: ["---", "arxiv: 2301.10000", "---"] -> {"arxiv": "2301.10000"}, 3 lines.
    """
    begin = lines[0].rstrip() if lines else ""
    if (end := end_of_front_matter(lines)) is None:
        if begin == FENCE and _looks_like_key(lines[1] if len(lines) > 1 else ""):
            what = "the front matter that begins here is never closed"
            end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
            return _line_by_line(lines[1:end], end, NoteError(what, "end it with a line ---", file, 1))
        return FrontMatter()  # a horizontal rule, or +++ that no other follows, is text
    inside = lines[1:end]
    try:
        load = _toml if begin == TOML_FENCE else _yaml
        return FrontMatter(load("\n".join(inside), file), end + 1)
    except NoteError as error:
        found = _line_by_line(inside, end + 1, error)
        return found if found.values else FrontMatter()  # else it is text between two rules


def _line_by_line(lines: Sequence[str], line_count: int, fault: NoteError) -> FrontMatter:
    """Return what lines say that look like "key: value", with the items that stand below a key alone."""
    found: dict[str, Any] = {}
    items: list[str] | None = None
    unread: list[int] = []
    for number, line in enumerate(lines, 1):
        if pair := _KEY.match(line):
            value = pair["value"].strip()
            items = None if value else []
            listed = [part.strip(" '\"[]") for part in value.split(",")] if value.startswith("[") else None
            found[pair["key"].strip()] = items if items is not None else listed or value.strip("'\"")
        elif (item := _ITEM.match(line)) and items is not None:
            items.append(item["value"].strip().strip("'\""))
        elif line.strip():
            unread.append(number)
    return FrontMatter(found, line_count, fault, tuple(unread))


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no TOML, or a number of thousands of digits
        raise NoteError(f"broken front matter: {str(error) or type(error).__name__}", "mend it", file, 1) from None
    return {key: _as_text(value) for key, value in values.items()}


def _as_text(value: Any) -> Any:
    """Return a value of TOML with its leaves as text, as those of YAML are."""
    if isinstance(value, dict):
        return {key: _as_text(one) for key, one in value.items()}
    return [_as_text(one) for one in value] if isinstance(value, list) else str(value)


def _yaml(text: str, file: str) -> dict[str, Any]:
    values = _load(text, file)
    if values is None:
        return {}
    if not isinstance(values, dict):
        what = f"the front matter should hold lines like `title: …`, got {type(values).__name__}"
        raise NoteError(what, file=file, line=2)
    return {str(key): value for key, value in values.items()}


def _load(text: str, file: str) -> Any:
    # Anchors are refused before anything is built, because a few lines of them can unfold into gigabytes.
    try:
        for event in yaml.parse(text, LOADER) if "&" in text else ():
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None and event.start_mark:
                line = event.start_mark.line + 2
                raise NoteError(f"YAML anchors are not read, got &{event.anchor}", "write the value out", file, line)
        return yaml.load(text, LOADER)  # noqa: S506 - builds only text, lists and mappings
    except yaml.MarkedYAMLError as error:
        is_quoted = error.context == "while scanning a quoted scalar"  # never closed: its problem is the end of all
        mark = error.context_mark if is_quoted else error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 1
        way_out = "quote the value or mend the line"
        raise NoteError(f"broken front matter: {error.problem}", way_out, file, line) from None
    except yaml.reader.ReaderError as error:
        character = chr(error.character) if isinstance(error.character, int) and error.character >= 0 else "\0"
        line = text.count("\n", 0, max(text.find(character), 0)) + 2
        what = f"broken front matter: it holds U+{ord(character):04X}, which YAML does not take"
        raise NoteError(what, "delete it", file, line) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise NoteError(f"broken front matter: {type(error).__name__}", "mend or remove it", file, 1) from None


def _looks_like_key(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name.strip().replace("_", "").replace("-", "").isalnum()
