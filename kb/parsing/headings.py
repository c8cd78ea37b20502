"""Entries under headings: `### Title，organization，keywords`, ``### 202410 `Title` CMU``, `## [Title](link)`."""

import re

from kb.parsing import names, titles
from kb.parsing.entry import Entry
from kb.parsing.evidence import VENUE, speaks_of_paper
from kb.parsing.labels import labelled
from kb.parsing.organizations import split_organizations
from kb.parsing.outline import Block, Outline

OPENING_LINES = 4  # below a heading, where a link to its paper counts
FEWEST = 2
EVIDENT_SHARE = 0.5  # of the headings of one level, for all that look like titles to be entries
_COMMAS = re.compile(r"(?P<title>.{6,}?)[，,]\s*(?P<organization>[^，,]{1,60}?)(?:[，,]\s*(?P<keywords>[^，,]{1,80}))$")
_CODED = re.compile(r"^(?P<date>(?:19|20)\d{2}[-./]?\d{0,2})?\s*`(?P<title>[^`]+)`\s*(?P<organization>[^☆★⭐]*)")
_WORDS = re.compile(r"[^\W_]+")
_TITLE_WORDS = re.compile(r"[A-Za-z]{2,}")


def find_entries(outline: Outline, lines: list[str]) -> list[Entry]:
    """Return the entries that headings of one level begin."""
    headings = outline.headings
    best: list[tuple[int, Block]] = []
    for level in range(1, 7):
        at_level = [(n, block) for n, block in enumerate(headings) if block.level == level]
        evident = [(n, block) for n, block in at_level if _is_evident(headings, n, lines)]
        if len(evident) >= max(FEWEST, EVIDENT_SHARE * len(at_level)) and len(evident) > len(best):
            best = evident
    return [entry for n, _ in best if (entry := _entry(outline, n, lines))]


def _is_evident(headings: list[Block], number: int, lines: list[str]) -> bool:
    block = headings[number]
    if _named(block.text):
        return True
    if not titles.find_title(block.text):
        return False
    if speaks_of_paper(block.text):
        return True
    end = headings[number + 1].line if number + 1 < len(headings) else len(lines)
    opening = [line for line in lines[block.line + 1 : end] if line.strip()][:OPENING_LINES]
    if any(line.lstrip().startswith("|") for line in opening):  # the papers are those of a table
        return False
    looks_published = len(_TITLE_WORDS.findall(block.text)) >= 4
    is_linked = any(titles.links_to_its_paper(line, block.text) for line in opening)
    return is_linked and (looks_published or bool(labelled(opening)))


def _named(text: str) -> "re.Match[str] | None":
    """Return the parts of a heading that names title, organization and keywords."""
    bare = re.sub(r"^[☆★⭐\s]+", "", text)
    if (found := _CODED.match(bare)) and (found["date"] or bare != text or titles.has_star(text)):
        return found
    found = _COMMAS.match(bare)
    return found if found and "，" in bare and len(_TITLE_WORDS.findall(found["title"])) >= 2 else None


def _entry(outline: Outline, number: int, lines: list[str]) -> Entry | None:
    block = outline.headings[number]
    end = outline.end(number) or len(lines)
    inner = outline.inside(number)
    parts = _named(block.text)
    facts = parts.groupdict() if parts else {}
    found = titles.find_title(parts["title"] if parts else titles.undecorated(block.text))
    if not found:
        return None
    venue = VENUE.search(titles.plain(block.text))
    body = [(n, lines[n]) for n in range(block.line + 1, end)]
    said = _WORDS.findall(" ".join([found.title, found.date or "", *(value or "" for value in facts.values())]))
    if not said or not set(_WORDS.findall(block.text)) <= set(said):
        body.insert(0, (block.line, block.text))
    return Entry(
        title=found.title,
        written=parts["title"].strip() if parts else found.written,
        line=block.line,
        end=end,
        body=body,
        short_name=names.short_name(found.title),
        section_path=titles.heading_names(step for step in outline.path(block.line) if 1 < step.level < block.level),
        headings={one.line: one.text.strip() for one in inner},
        sections=tuple(one.text.strip() for one in inner),
        organizations=split_organizations(facts.get("organization") or ""),
        keywords=names.split_names(facts.get("keywords") or ""),
        venue=venue[0] if venue else None,
        published=names.date_in(facts.get("date") or found.date or ""),
        is_starred=titles.has_star(block.text),
    )
