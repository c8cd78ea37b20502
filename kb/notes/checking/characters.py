"""Files that are no text, and characters that nobody typed."""

import re
from collections.abc import Iterator

from kb.markup.unseen import CONTROL
from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page, blocks_of, front_lines, lines_of
from kb.notes.parsing.decoding import UTF_8, advice
from kb.notes.parsing.frontmatter import FENCE
from kb.patterns import pattern

_CONTROL = pattern(rf"[{CONTROL}\ufeff]")
_KEY = pattern(r"[\w-]+\s*:(?:\s|$)")


def unreadable(page: Page) -> Iterator[Finding]:
    """Find a file that cannot be read, is not UTF-8, or has front matter that is broken or never closed."""
    if page.note and page.note.encoding != UTF_8:
        what = f"is {page.note.encoding}, which few programs for notes read"
        yield Finding(page.file, 1, "encoding", what, advice(page.note.encoding))
    if page.note and (fault := page.note.fault):
        yield Finding(page.file, fault.line, "unreadable", fault.what, fault.way_out)
    if page.failure and "\0" not in (page.text or ""):
        error = page.failure
        yield Finding(page.file, error.line or 1, "unreadable", error.what, error.way_out or "mend it")


def control_characters(page: Page) -> Iterator[Finding]:
    """Find control characters and byte order marks inside a text; in code only NUL, which makes a file unreadable."""
    for number, line in enumerate(page.lines, 1):
        if codes := [f"U+{ord(one):04X}" for one in _strange(line, number in page.code)]:
            what = f"holds {', '.join(dict.fromkeys(codes))}, which cannot be seen"
            yield Finding(page.file, number, "control-character", what, "delete it")


def without_control_characters(text: str) -> str:
    """Return text without the characters that control_characters finds."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix("\ufeff").split("\n")
    code = blocks_of(lines_of(text)).code
    for number, line in enumerate(lines, 1):
        for one in _strange(line, number in code):
            line = line.replace(one, "")
        lines[number - 1] = line
    return mark + "\n".join(lines)


def with_closed_front_matter(text: str) -> str:
    """Return text with the line --- after the last key of a front matter that is never closed."""
    lines = lines_of(text)
    if lines[0].rstrip() != FENCE or front_lines(lines) or len(lines) < 2 or not _KEY.match(lines[1]):
        return text
    end = next(
        (n for n, line in enumerate(lines[1:], 1) if not (_KEY.match(line) or re.match(r"\s+\S|- ", line))), len(lines)
    )
    written = text.split("\n")
    return "\n".join([*written[:end], written[0].removeprefix("\ufeff"), *written[end:]])


def _strange(line: str, is_code: bool) -> list[str]:
    found = _CONTROL.findall(line)
    return [one for one in found if one == "\0"] if is_code else found
