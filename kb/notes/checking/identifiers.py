"""arXiv ids that lost a digit, or will lose one in a program that takes them for numbers."""

import re
from collections.abc import Iterator

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page, front_lines, lines_of
from kb.notes.ids import digits_after_dot
from kb.patterns import pattern

_FRONT = pattern(
    r"(?P<before>(?:arxiv|arxiv_id|eprint)\s*:\s+)(?P<quote>[\"']?)(?P<id>\d{3,4}\.\d+)(?P=quote)(?P<after>\s*(?:#.*)?)$",
    re.IGNORECASE,
)
_WRITTEN = pattern(
    r"(?:arxiv\s*[:：]\s*|arxiv\.org/(?:abs|pdf|html)/)(?P<id>\d{4}\.\d{1,4})(?![\d]|\.\d)", re.IGNORECASE
)


def numbers_for_ids(page: Page) -> Iterator[Finding]:
    """Find an id in the front matter that YAML reads as another number: 2301.10000 unquoted is 2301.1."""
    for number, line in enumerate(page.lines[: page.front], 1):
        if (found := _FRONT.match(line)) and _loses_digits(found):
            what = f"arXiv id {found['id']} is read as the number {float(found['id'])}"
            yield Finding(page.file, number, "id-as-number", what, f'put it in quotes: "{found["id"]}"')


def cut_ids(page: Page) -> Iterator[Finding]:
    """Find an arXiv id with too few digits after the dot: a table or YAML took its zeros."""
    for number, line in enumerate(page.lines[: page.front], 1):
        if (found := _FRONT.match(line)) and not _is_whole(found["id"]):
            yield _cut(page, number, found["id"])
    for number, line in enumerate(page.prose, 1):
        if "doi" not in line.lower():
            yield from (_cut(page, number, found["id"]) for found in _WRITTEN.finditer(line) if _is_cut(found["id"]))


def with_quoted_ids(text: str) -> str:
    """Return text with quotes around the ids that numbers_for_ids finds."""
    written = text.split("\n")
    for number in range(front_lines(lines_of(text))):
        if (found := _FRONT.match(written[number])) and _loses_digits(found):
            written[number] = f'{found["before"]}"{found["id"]}"{found["after"]}'
    return "\n".join(written)


def _cut(page: Page, line: int, identity: str) -> Finding:
    month, _, digits = identity.partition(".")
    wanted = digits_after_dot(month)
    what = f"arXiv id {identity} has {len(digits)} digits after the dot, not {wanted}"
    return Finding(
        page.file, line, "cut-id", what, f'look it up; it may have been "{month}.{digits.ljust(wanted, "0")}"'
    )


def _loses_digits(found: "re.Match[str]") -> bool:
    return not found["quote"] and _is_whole(found["id"]) and str(float(found["id"])) != found["id"]


def _is_whole(identity: str) -> bool:
    month, _, digits = identity.partition(".")
    return len(month) == 4 and len(digits) == digits_after_dot(month)


def _is_cut(identity: str) -> bool:
    return not _is_whole(identity) and 1 <= int(identity[2:4]) <= 12
