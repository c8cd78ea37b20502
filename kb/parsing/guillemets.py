"""Monthly lists: `## section` headings, then one line `**《Title》** organization，keywords` for each paper."""

import re
from dataclasses import dataclass
from itertools import pairwise

from kb.parsing import names
from kb.parsing.entry import Entry
from kb.parsing.links import split_links
from kb.parsing.organizations import split_organizations
from kb.parsing.outline import Block

_ENTRY = re.compile(r"\*\*\s*《(?P<title>.+)》\s*\*\*[ \t:：]*(?P<rest>.*)$")


@dataclass(frozen=True)
class _Mark:
    line: int
    end: int  # the line after its last
    level: int  # 0: an entry begins here, else a heading of that level
    text: str
    rest: str = ""


def find_entries(blocks: list[Block], lines: list[str]) -> list[Entry]:
    """Return the entries of a monthly list.

    Only a line of a top-level paragraph begins an entry, never one in a list, a quote or code. A heading below the
    level of the section belongs to the open entry, unless an entry stands under it: then it is a section itself.
    An entry stands under a heading if it follows at once, or if one follows at once another heading of that level;
    else the text between says that the heading was the last of the entry before.
    """
    marks = _marks(blocks)
    section_levels = {
        heading.level
        for heading, entry in pairwise(marks)
        if heading.level and not entry.level and not any(line.strip() for line in lines[heading.end : entry.line])
    }
    entries: list[Entry] = []
    path: list[tuple[int, str]] = []
    current: Entry | None = None

    def close(line: int) -> None:
        if current:
            current.body += [(n, lines[n]) for n in range(current.line + 1, line)]

    for index, mark in enumerate(marks):
        if mark.level == 0:
            close(mark.line)
            current = _entry(mark, tuple(text for level, text in path if level > 1))
            entries.append(current)
        elif current and path and mark.level > path[-1][0] and not _holds_entry(marks, index, section_levels):
            current.headings[mark.line] = mark.text
            current.sections += (mark.text,)
        else:
            close(mark.line)
            current = None
            path = [step for step in path if step[0] < mark.level] + [(mark.level, mark.text)]
    close(len(lines))
    return entries


def _marks(blocks: list[Block]) -> list[_Mark]:
    marks = []
    for block in blocks:
        if block.level:
            marks.append(_Mark(block.line, block.end, block.level, block.text.strip()))
            continue
        for offset, text in enumerate(block.text.split("\n")):
            if found := _ENTRY.match(text.strip()):
                line = block.line + offset
                marks.append(_Mark(line, line + 1, 0, found["title"].strip(), found["rest"]))
    return marks


def _holds_entry(marks: list[_Mark], index: int, section_levels: set[int]) -> bool:
    if marks[index].level not in section_levels:
        return False
    for mark in marks[index + 1 :]:
        if mark.level == 0:
            return True
        if mark.level <= marks[index].level:
            return False
    return False


def _entry(mark: _Mark, section_path: tuple[str, ...]) -> Entry:
    facts, addresses = split_links(mark.rest)
    organization, _, keywords = facts.replace(",", "，").partition("，")
    return Entry(
        title=mark.text,
        line=mark.line,
        body=[(mark.line, addresses)] if addresses else [],
        short_name=names.short_name(mark.text),
        section_path=section_path,
        organizations=split_organizations(organization),
        keywords=names.split_names(keywords),
    )
