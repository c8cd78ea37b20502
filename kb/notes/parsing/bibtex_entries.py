"""The entries of a BibTeX file as they are written: @type{key, name = value, …}, with the line of every field."""

import re
from typing import NamedTuple

from kb.errors import NoteError
from kb.patterns import pattern

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_HEAD = pattern(r"@\s*(?P<type>[A-Za-z][\w-]*)\s*(?P<open>[{(])")
_KEYS = {
    "{": pattern(r"\s*(?:(?P<key>[^\s,{}]+)\s*)?(?P<end>[,}])"),
    "(": pattern(r"\s*(?:(?P<key>[^\s,{}()]+)\s*)?(?P<end>[,)])"),
}
_NAME = pattern(r"[\s,]*(?P<name>[^\s,{}()=\"#%]+)\s*=\s*")
_END = pattern(r"[\s,]*[})]")
_PLAIN = pattern(r"[^\s,{}()=\"#%]+")
_MORE = pattern(r"\s*#\s*")
_BRACE = pattern("[{}]")
_MARK = pattern('[{}"]')


class Field(NamedTuple):
    """A value as it is written, and the line it begins in, counted from 0."""

    value: str
    line: int
    is_month: bool = False  # the name of a month without braces, oct, which styles write in their own way


class BibEntry(NamedTuple):
    """An entry as it is written; lines count from 0."""

    type: str  # "article", in small letters
    key: str
    fields: dict[str, Field]  # names in small letters; of two with one name the first
    line: int
    end: int  # the line after its last


def read_entries(text: str, file: str) -> list[BibEntry]:
    """Return the entries of text in order, its strings put in; what stands between entries is a comment.

    Raises: NoteError with the line of what cannot be read.
    """
    return _Scanner(text, file).entries()


class _Scanner:
    """Goes through a file once; a position counts characters."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.strings = dict(zip(MONTHS, _FULL_MONTHS, strict=True))
        self._months = set(MONTHS)  # those that no string of the file redefines
        self._seen = (0, 0)  # a position, and the line it is in

    def entries(self) -> list[BibEntry]:
        """Return all entries."""
        found: list[BibEntry] = []
        position = 0
        while head := _HEAD.search(self.text, position):
            kind = head["type"].lower()
            line = self.line_of(head.start())
            if kind in ("comment", "preamble") and head["open"] == "{":
                end = self._closing(head.end() - 1)
                if end is None:
                    raise self._unclosed(line, kind, "")
                position = end
                continue
            key, position = ("", head.end()) if kind == "string" else self._key(head)
            fields, position = self._fields(position, line, kind, key)
            if kind == "string":
                self.strings |= {name: field.value for name, field in fields.items()}
                self._months -= fields.keys()
            else:
                found.append(BibEntry(kind, key, fields, line, self.line_of(position - 1) + 1))
        return found

    def line_of(self, position: int) -> int:
        """Return the line, from 0, that position is in; positions come in order, but for a few."""
        start, line = self._seen if self._seen[0] <= position else (0, 0)
        line += self.text.count("\n", start, position)
        self._seen = (position, line)
        return line

    def _key(self, head: re.Match[str]) -> tuple[str, int]:
        key = _KEYS[head["open"]].match(self.text, head.end())
        if not key:
            got = self.text[head.end() : head.end() + 20].split("\n")[0]
            raise self._error(head.start(), f"@{head['type']} should go on with a key and a comma, got {got!r}")
        return key["key"] or "", key.end() - (key["end"] != ",")

    def _fields(self, position: int, line: int, kind: str, key: str) -> tuple[dict[str, Field], int]:
        """Return the fields that begin at position, and the position after the entry."""
        fields: dict[str, Field] = {}
        while not (end := _END.match(self.text, position)):
            name = _NAME.match(self.text, position)
            if not name:
                rest = self.text[position:].lstrip(" \t\r\n,")
                got = rest[:30].split("\n")[0]
                what = f"@{kind}{{{key}}} should go on with `name = value`, got {got!r}"
                raise self._error(len(self.text) - len(rest), what) if got else self._unclosed(line, kind, key)
            start = name.end()
            value, position = self._value(start, line, kind, key)
            written = self.text[start:position].strip().lower() if len(value) < 10 else ""  # no month has ten letters
            is_month = written in self._months
            fields.setdefault(
                name["name"].lower(), Field(written if is_month else value, self.line_of(start), is_month)
            )
        return fields, end.end()

    def _value(self, position: int, line: int, kind: str, key: str) -> tuple[str, int]:
        """Return a value, its parts between # put together, and the position after it."""
        parts: list[str] = []
        while True:
            mark = self.text[position : position + 1]
            if mark in ("{", '"'):
                end = self._closing(position) if mark == "{" else self._closing_quote(position)
                if end is None:
                    raise self._unclosed(line, kind, key)
                parts.append(self.text[position + 1 : end - 1])
                position = end
            elif plain := _PLAIN.match(self.text, position):
                parts.append(self.strings.get(plain[0].lower(), plain[0]))
                position = plain.end()
            else:
                raise self._error(position, f"@{kind}{{{key}}} has a name without a value")
            more = _MORE.match(self.text, position)
            if not more:
                return "".join(parts), position
            position = more.end()

    def _closing(self, position: int) -> int | None:
        """Return the position after the brace that closes the one at position."""
        depth = 0
        for brace in _BRACE.finditer(self.text, position):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                return brace.end()
        return None

    def _closing_quote(self, position: int) -> int | None:
        """Return the position after the quotation mark, outside of braces, that closes the one at position."""
        depth = 0
        for mark in _MARK.finditer(self.text, position + 1):
            if mark[0] == '"' and not depth:
                return mark.end()
            depth += (mark[0] == "{") - (mark[0] == "}")
        return None

    def _unclosed(self, line: int, kind: str, key: str) -> NoteError:
        return NoteError(f"@{kind}{{{key}}} is never closed", "balance its braces", self.file, line + 1)

    def _error(self, position: int, what: str) -> NoteError:
        return NoteError(what, "mend the entry", self.file, self.line_of(position) + 1)
