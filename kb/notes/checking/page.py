"""A note as the rules see it: its lines, and which of them are code, headings or prose."""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kb.errors import NoteError
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import decoded, without_mark
from kb.notes.parsing.outline import is_closed
from kb.notes.reading import NoteFile, read_bytes
from kb.records import Note, Paper

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MATH = re.compile(r"\$\$.*?\$\$|(?<![\\$])\$[^$\n]+\$", re.DOTALL)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")


class Heading(NamedTuple):
    """A heading outside of lists, quotes and code."""

    line: int  # counted from 1
    level: int
    text: str


class Fence(NamedTuple):
    """A block of code between fences."""

    line: int  # of the opening fence, counted from 1
    end: int  # its last line
    mark: str  # "```"
    is_closed: bool
    is_nested: bool  # in a list or a quote


@dataclass(frozen=True)
class Page:
    """One file; without text if it cannot be read or decoded, without a note if parsing failed."""

    file: str
    path: Path
    text: str | None
    note: Note | None
    failure: NoteError | None

    @property
    def papers(self) -> tuple[Paper, ...]:
        """The records of the note."""
        return self.note.papers if self.note else ()

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return lines_of(self.text or "")

    @cached_property
    def front(self) -> int:
        """How many lines the front matter takes up, fences included."""
        return front_lines(self.lines)

    @cached_property
    def fences(self) -> list[Fence]:
        """The blocks of code between fences."""
        return self._blocks[0]

    @cached_property
    def code(self) -> frozenset[int]:
        """The lines that are code, fenced or indented."""
        return self._blocks[1]

    @cached_property
    def headings(self) -> list[Heading]:
        """The headings, in order."""
        return self._blocks[2]

    @cached_property
    def prose(self) -> list[str]:
        """The lines with blanks for front matter, code, formulas and comments."""
        lines = ["" if number in self.code else line for number, line in enumerate(self.lines, 1)]
        text = "\n".join([""] * self.front + lines[self.front :])
        for pattern in (_COMMENT, _MATH):
            text = pattern.sub(lambda found: "\n" * found[0].count("\n"), text)
        return _CODE_SPAN.sub("", text).split("\n")

    @cached_property
    def _blocks(self) -> tuple[list[Fence], frozenset[int], list[Heading]]:
        return _blocks([""] * self.front + self.lines[self.front :])


def read_page(note: NoteFile) -> Page:
    """Return the file as a page; that it cannot be read or parsed is its failure."""
    try:
        data = read_bytes(note)
    except NoteError as error:
        return Page(note.file, note.path, None, None, error)
    text = _text(data, note.file)
    try:
        return Page(note.file, note.path, text, parse_note(data, note.file), None)
    except NoteError as error:
        return Page(note.file, note.path, text, None, error)


def _text(data: bytes, file: str) -> str | None:
    """Return the text of a file, one that only a NUL byte makes unreadable included; None if it is none."""
    try:
        return decoded(data, file)[0]
    except NoteError:
        pass
    try:
        return None if without_mark(data) else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def lines_of(text: str) -> list[str]:
    """Return the lines of text without their ends and without a byte order mark before the first."""
    return re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))


def front_lines(lines: list[str]) -> int:
    """Return how many lines the front matter takes up, fences included; 0 if it is not closed."""
    ends = {"---": ("---", "..."), "+++": ("+++",)}.get(lines[0].rstrip(), ())
    return next((n for n, line in enumerate(lines[1:], 2) if line.rstrip() in ends), 0)


def fences_of(text: str) -> list[Fence]:
    """Return the blocks of code between fences in text."""
    lines = lines_of(text)
    front = front_lines(lines)
    return _blocks([""] * front + lines[front:])[0]


def _blocks(lines: list[str]) -> tuple[list[Fence], frozenset[int], list[Heading]]:
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), "\n".join(lines))
    tokens = _markdown().parse(text)
    fences: list[Fence] = []
    code: set[int] = set()
    headings: list[Heading] = []
    for number, token in enumerate(tokens):
        if not token.map:
            continue
        start, end = token.map
        if token.type == "fence":
            closed = is_closed(lines[start:end], token.markup)
            fences.append(Fence(start + 1, end, token.markup, closed, token.level > 0))
        if token.type in ("fence", "code_block"):
            code.update(range(start + 1, end + 1))
        if token.type == "heading_open" and token.level == 0:
            headings.append(Heading(start + 1, int(token.tag[1]), tokens[number + 1].content.strip()))
    return fences, frozenset(code), headings


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown
