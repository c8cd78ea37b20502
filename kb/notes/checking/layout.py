"""Fences, headings and titles that are not written as they are meant."""

from collections.abc import Iterator

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page, blocks_of, lines_of
from kb.patterns import pattern

_DASHES = pattern(r"(?<=[^\W\d])--(?=\s|[^\W\d]|$)|(?<=\d)--(?=\s*[^\W\d]|$)")


def unclosed_fences(page: Page) -> Iterator[Finding]:
    """Find a fence that is opened and never closed, so that all below it is code."""
    for fence in page.fences:
        if not fence.is_closed:
            what = f"{fence.mark} is opened here and never closed"
            yield Finding(page.file, fence.line + 1, "open-fence", what, f"close it with a line {fence.mark}")


def with_closed_fence(text: str) -> str:
    """Return text with a closing fence at its end, if one is missing there."""
    fences = blocks_of(lines_of(text)).fences
    if not fences or fences[-1].is_closed or fences[-1].is_nested:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    return text + ("" if text.endswith("\n") else newline) + fences[-1].mark + newline


def heading_jumps(page: Page) -> Iterator[Finding]:
    """Find a heading more than one level below the heading before it."""
    for above, heading in zip(page.headings, page.headings[1:], strict=False):
        if heading.level > above.level + 1:
            what = f"heading of level {heading.level} below one of level {above.level}"
            suggestion = f"begin it with {'#' * (above.level + 1)}"
            yield Finding(page.file, heading.line, "heading-jump", what, suggestion)


def dashes_for_colons(page: Page) -> Iterator[Finding]:
    """Find a title with -- where a colon was meant: "Conformer-- Convolution …"."""
    for paper in page.papers:
        written = paper.written_title or paper.title
        if _DASHES.search(written) and written in page.lines[paper.line - 1]:
            better = _DASHES.sub(": ", written, count=1).replace(":  ", ": ").strip()
            yield Finding(page.file, paper.line, "dashes", f"-- in the title {written!r}", f"write {better!r}")
