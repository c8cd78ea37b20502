"""A note as the rules see it: its lines, and which of them are code, headings or prose."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from kb.errors import NoteError
from kb.markup.blocks import block_parser, without_comments
from kb.markup.fences import Fence, fence_of
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import LINE_END, decoded, without_mark
from kb.notes.parsing.frontmatter import end_of_front_matter
from kb.notes.reading import NoteFile, read_bytes
from kb.patterns import pattern
from kb.records import Note, Paper

_MATH = pattern(r"\$\$.*?\$\$|(?<![\\$])\$[^$\n]+\$", re.DOTALL)
_CODE_SPAN = pattern(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")


class Heading(NamedTuple):
    """A heading outside of lists, quotes and code."""

    line: int  # counted from 1
    level: int
    text: str


class Blocks(NamedTuple):
    """What the lines of a page are."""

    fences: list[Fence]
    code: frozenset[int]  # lines, counted from 1, fenced or indented
    headings: list[Heading]


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
        return self._blocks.fences

    @cached_property
    def code(self) -> frozenset[int]:
        """The lines that are code, fenced or indented."""
        return self._blocks.code

    @cached_property
    def headings(self) -> list[Heading]:
        """The headings, in order."""
        return self._blocks.headings

    @cached_property
    def prose(self) -> list[str]:
        """The lines with blanks for front matter, code, formulas and comments."""
        lines = ["" if number in self.code else line for number, line in enumerate(self.lines, 1)]
        text = without_comments("\n".join([""] * self.front + lines[self.front :]))
        text = _MATH.sub(lambda found: "\n" * found[0].count("\n"), text)
        return _CODE_SPAN.sub("", text).split("\n")

    @cached_property
    def _blocks(self) -> Blocks:
        return blocks_of(self.lines)


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
    return LINE_END.split(text.removeprefix("\ufeff"))


def front_lines(lines: list[str]) -> int:
    """Return how many lines the front matter takes up, fences included; 0 if it is not closed."""
    end = end_of_front_matter(lines)
    return 0 if end is None else end + 1


def blocks_of(lines: list[str]) -> Blocks:
    """Return what lines are below their front matter."""
    front = front_lines(lines)
    lines = [""] * front + lines[front:]
    tokens = block_parser().parse(without_comments("\n".join(lines)))
    fences: list[Fence] = []
    code: set[int] = set()
    headings: list[Heading] = []
    for number, token in enumerate(tokens):
        if not token.map:
            continue
        start, end = token.map
        if token.type == "fence":
            fences.append(fence_of(token, lines))
        if token.type in ("fence", "code_block"):
            code.update(range(start + 1, end + 1))
        if token.type == "heading_open" and token.level == 0:
            headings.append(Heading(start + 1, int(token.tag[1]), tokens[number + 1].content.strip()))
    return Blocks(fences, frozenset(code), headings)
