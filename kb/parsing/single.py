"""One file, one paper: where front matter, labels, the heading, links or the chapters of a paper say so; else a note."""

import re
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from kb.parsing import names, titles
from kb.parsing.entry import Entry
from kb.parsing.evidence import VENUE, links_to_paper, speaks_of_paper
from kb.parsing.frontmatter import FrontMatter
from kb.parsing.labels import field_of, labelled
from kb.parsing.outline import Block, Outline

OPENING_LINES = 30
LINK_LINES = 8  # below the heading, where a link to a paper is the link to the paper
ALIKE = 0.5  # share of letters from which on heading and file name name the same paper
CHAPTERS = 2
NAME_REASON = "it calls itself a note of a paper"
CHAPTERS_REASON = "it has the chapters of a paper"
_NAMES = (
    r"(?:abstract|introduction|intro|related works?|background|methods?|methodology"
    r"|approach|experiments?|experimental setup|results?|evaluation|ablation(?: study)?|conclusions?|discussion|limitations?"
    r"|摘要|引言|介绍|相关工作|背景|方法|实验|结果|消融实验|结论|讨论|创新点|贡献|核心贡献|研究动机|动机|论文信息)"
)
_CHAPTER = re.compile(
    rf"(?:[\d.]+\s*|[一二三四五六七八九十]+、\s*)?{_NAMES}(?:\s*(?:&|and|/|与|和|,)\s*{_NAMES})*\W*$", re.IGNORECASE
)
_KEYS_OF_PAPERS = ("arxiv", "doi", "authors", "venue")


def find_entries(outline: Outline, lines: list[str], front: FrontMatter, file: str) -> tuple[list[Entry], str]:
    """Return the file as one entry, and what tells that it is about a paper: "" if nothing does.

    A file without any text has no entry.
    """
    start = next((n for n, line in enumerate(lines) if n >= front.line_count and line.strip()), None)
    if start is None:
        return _planned(file)
    facts = _facts(front, lines, start, outline)
    headings = outline.headings
    heading = next((block for block in headings[:2] if not _CHAPTER.match(titles.plain(block.text).strip())), None)
    if heading and any(lines[n].strip() and not lines[n].startswith("#!") for n in range(start, heading.line)):
        heading = None
    written, title = _title(facts, front, heading, file)
    reason = _reason(facts, front, heading, headings, lines, start, file)
    first = heading.line if heading else start
    venue = facts.get("venue") or _venue([facts.get("date", ""), *_short_lines(headings, lines, start)])
    entry = Entry(
        title=title,
        written=written,
        line=start,
        body=[(n, lines[n]) for n in range(start, len(lines)) if not (heading and n == first)],
        short_name=facts.get("short_name") if names.is_name(facts.get("short_name", "")) else names.short_name(title),
        headings={block.line: block.text.strip() for block in headings if block is not heading},
        sections=tuple(block.text.strip() for block in headings if block is not heading),
        organizations=names.split_organizations(facts.get("organizations", "")),
        authors=names.split_people(facts.get("authors", "")),
        keywords=names.split_keywords(facts.get("keywords", "")),
        venue=titles.normal(titles.plain(venue)) if venue else None,
        date=names.date_in(facts.get("date", "")) if reason else None,
        kind=None if reason else "note",
        is_starred=bool(heading and re.search(r"[☆★⭐]", heading.text)),
    )
    return [entry], reason


def _planned(file: str) -> tuple[list[Entry], str]:
    """Return the paper that an empty file is named after, where the name says that it is to become a note of one."""
    stem = PurePosixPath(file).stem
    if not (titles.is_note_of_paper(stem) or titles.looks_published(stem)):
        return [], ""
    title = titles.of_file(stem)
    return [Entry(title=title, written=stem, line=0, body=[], short_name=names.short_name(title))], NAME_REASON


def _facts(front: FrontMatter, lines: list[str], start: int, outline: Outline) -> dict[str, str]:
    """Return what front matter and the labels in the opening say, by field."""
    found = labelled(lines[start : start + OPENING_LINES])
    for table in outline.tables[:1]:  # Notion exports and some notes give the facts as a table of two columns
        if table.header.line < start + OPENING_LINES and len(table.header.cells) == 2:
            for row in (table.header, *table.rows):
                if (field := field_of(row.cells[0])) and row.cells[1].strip():
                    found.setdefault(field, row.cells[1].strip())
    for key, value in front.values.items():
        if (field := field_of(key)) and value:
            text = "、".join(map(str, value)) if isinstance(value, list) else str(value)
            if field != "title" and text.strip():
                found[field] = text.strip()
    return found


def _title(facts: dict[str, str], front: FrontMatter, heading: Block | None, file: str) -> tuple[str, str]:
    """Return the title as written and in normal form: labelled, else given in front, else of heading or file name."""
    labelled_title = facts.get("title")
    if labelled_title and (found := titles.find_title(labelled_title)) and len(found.title) > 5:
        return found.written, found.title
    if given := front.text("title"):
        return given, titles.normal(titles.undecorated(titles.plain(given))) or given
    stem = PurePosixPath(file).stem
    of_file = titles.of_file(stem)
    of_heading = titles.normal(titles.undecorated(titles.plain(heading.text))) if heading else ""
    if not heading or not of_heading or VENUE.fullmatch(of_heading):
        return stem, of_file
    if titles.is_note_of_paper(heading.text) and len(of_file.split()) > 2 and _are_alike(of_heading, of_file):
        return max((heading.text.strip(), of_heading), (stem, of_file), key=lambda one: len(one[1]))
    return heading.text.strip(), of_heading


def _are_alike(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one in other or other in one or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def _reason(
    facts: dict[str, str],
    front: FrontMatter,
    heading: Block | None,
    headings: list[Block],
    lines: list[str],
    start: int,
    file: str,
) -> str:
    """Return what tells that the file is about a paper; "" if nothing does."""
    keys = [field for key, value in front.values.items() if value and (field := field_of(key)) in _KEYS_OF_PAPERS]
    if keys:
        return f"front matter gives {keys[0]}"
    if "title" in facts and ({"authors", "venue", "arxiv", "doi"} & facts.keys()):
        return "labels give title and authors"
    if "authors" in facts and ({"venue", "organizations", "arxiv", "doi"} & facts.keys()):
        return "labels give authors"
    if (heading and titles.is_note_of_paper(heading.text)) or titles.is_note_of_paper(PurePosixPath(file).stem):
        return NAME_REASON
    if titles.looks_published(PurePosixPath(file).stem):
        return "its file is named after a paper"
    if heading and speaks_of_paper(heading.text):
        return "its heading names a paper"
    opening = [line for line in lines[start : start + OPENING_LINES] if line.strip()]
    if any(links_to_paper(line) and not _is_entry(line) for line in opening[:LINK_LINES]) and len(
        _paper_links(lines)
    ) <= max(3, len(headings)):
        return "it begins with a link to a paper"
    chapters = {
        titles.plain(block.text).strip().lower() for block in headings if _CHAPTER.match(titles.plain(block.text))
    }
    is_academic = any(re.match(r"[\d.\s]*(?:abstract|摘要)", chapter) for chapter in chapters)
    if is_academic and len(chapters) >= CHAPTERS:
        return CHAPTERS_REASON
    return ""


def _is_entry(line: str) -> bool:
    """Whether a line is a row of a table, or an item of a list with a title of its own."""
    bare = line.lstrip()
    item = re.match(r"(?:[-*+]|\d+[.)])\s+(?P<text>.*)", bare)
    return bare.startswith("|") or bool(item and titles.find_title(item["text"]) and not labelled([line]))


def _paper_links(lines: list[str]) -> list[str]:
    return [line for line in lines if links_to_paper(line)]


def _short_lines(headings: list[Block], lines: list[str], start: int) -> list[str]:
    return [block.text for block in headings[:2]] + [
        line for line in lines[start : start + LINK_LINES] if len(line) < 80
    ]


def _venue(texts: list[str]) -> str | None:
    """Return the first venue with its year in texts."""
    return next((found[0] for text in texts if (found := VENUE.search(titles.plain(text)))), None)
