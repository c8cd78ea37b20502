"""One file, one paper: where front matter, labels, heading, links or the chapters of a paper say so; else a note."""

import re
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import NamedTuple

from kb.parsing import names, titles
from kb.parsing.entry import Entry
from kb.parsing.evidence import VENUE, links_to_paper, speaks_of_paper
from kb.parsing.facts import Facts, citation_key, read_facts
from kb.parsing.frontmatter import FrontMatter
from kb.parsing.outline import Block, Outline

OPENING_LINES = 30
LINK_LINES = 8  # of the opening, where a link to a paper is the link to the paper
VENUE_LINES = 3  # of the opening, where a venue with its year is the paper's
SHORT_LINE = 80  # characters of a line that says little but where a paper appeared
LINKS = 3  # to papers; with more than these and than headings a file is about several
ALIKE = 0.5  # share of letters from which on heading and file name name the same paper
CHAPTERS = 2
NAME_REASON = "it calls itself a note of a paper"
CHAPTERS_REASON = "it has the chapters of a paper"

_CHAPTER_NAMES = (
    r"(?:abstract|introduction|intro|related works?|background|methods?|methodology|approach|experiments?"
    r"|experimental setup|results?|evaluation|ablation(?: study)?|conclusions?|discussion|limitations?"
    r"|摘要|引言|介绍|相关工作|背景|方法|实验|结果|消融实验|结论|讨论|创新点|贡献|核心贡献|研究动机|动机|论文信息)"
)
_CHAPTER = re.compile(
    rf"(?:[\d.]+\s*|[一二三四五六七八九十]+、\s*)?{_CHAPTER_NAMES}(?:\s*(?:&|and|/|与|和|,)\s*{_CHAPTER_NAMES})*\W*$",
    re.IGNORECASE,
)
_YEAR_AT_END = re.compile(r"[(（]\s{0,4}(?P<date>(?:19|20)\d\d[^()（）]{0,12})[)）]\W{0,4}$")
_FIELDS_OF_PAPERS = {
    "arxiv_id": "arxiv",
    "doi": "doi",
    "authors": "authors",
    "venue": "venue",
    "citation_key": "citation key",
}


class _Page(NamedTuple):
    """A file and what its opening says."""

    outline: Outline
    lines: list[str]
    front: FrontMatter
    stem: str  # of its name
    start: int  # the first line with text
    heading: Block | None  # that names it
    facts: Facts

    def opening(self, count: int) -> list[str]:
        """Return the first lines."""
        return self.lines[self.start : self.start + count]


def find_entries(outline: Outline, lines: list[str], front: FrontMatter, file: str) -> tuple[list[Entry], str]:
    """Return the file as one entry, and what tells that it is about a paper: "" if nothing does.

    A file without any text has no entry, unless it is named as a note of a paper.
    """
    stem = PurePosixPath(file).stem
    start = next((n for n, line in enumerate(lines) if n >= front.line_count and line.strip()), None)
    if start is None:
        return _planned(stem)
    heading = _heading(outline, lines, start)
    page = _Page(outline, lines, front, stem, start, heading, read_facts(lines[start : start + OPENING_LINES], front))
    written, title = _title(page)
    reason = _reason(page, title)
    facts = page.facts
    others = [block for block in outline.headings if block is not heading]
    named_by = heading.line if heading and _says_no_more(heading.text, title, written) else None
    entry = Entry(
        title=title,
        written=written,
        line=start,
        body=[(n, lines[n]) for n in range(start, len(lines)) if n != named_by],
        short_name=facts.short_name if names.is_name(facts.short_name) else names.short_name(title),
        headings={block.line: block.text.strip() for block in others},
        sections=tuple(block.text.strip() for block in others),
        organizations=facts.organizations,
        authors=facts.authors,
        keywords=facts.keywords,
        venue=_venue(page),
        citation_key=facts.citation_key or _key(page),
        published=(facts.published or _year(page)) if reason else None,
        kind=None if reason else "note",
        is_starred=bool(heading and titles.has_star(heading.text)),
    )
    return [entry], reason


def _says_no_more(heading: str, title: str, written: str) -> bool:
    """Whether all of a heading is kept as the title, so that it need not stand in the text."""
    if heading.strip() == written and "](" not in heading:
        return True
    return set(re.findall(r"[^\W_]+", heading)) <= set(re.findall(r"[^\W_]+", title))


def _planned(stem: str) -> tuple[list[Entry], str]:
    """Return the paper that an empty file is named after."""
    if not (titles.is_note_of_paper(stem) or titles.looks_published(stem)):
        return [], ""
    title = titles.of_file(stem)
    return [Entry(title=title, written=stem, line=0, body=[], short_name=names.short_name(title))], NAME_REASON


def _heading(outline: Outline, lines: list[str], start: int) -> Block | None:
    """Return the heading that the text begins with; of two in a row that are alike the longer."""
    first = [block for block in outline.headings[:2] if not _CHAPTER.match(titles.plain(block.text).strip())]
    if not first or any(lines[n].strip() and not lines[n].startswith("#!") for n in range(start, first[0].line)):
        return None
    if len(first) == 2 and first[1].line == first[0].line + 1:
        bare = [titles.undecorated(block.text) for block in first]
        return max(first, key=lambda block: len(block.text)) if _are_alike(*bare) else first[0]
    return first[0]


def _title(page: _Page) -> tuple[str, str]:
    """Return the title as written and in normal form: labelled, else of front matter, heading or file name."""
    found = titles.find_title(page.facts.title)
    if found and len(found.title) > 5:
        return found.written, found.title
    if given := page.front.text("title"):
        return given, titles.normal(titles.undecorated(titles.plain(given))) or given
    of_file = titles.of_file(page.stem).lstrip("@")
    text = page.heading.text.strip() if page.heading else ""
    of_heading = titles.normal(titles.undecorated(titles.plain(text))).lstrip("@")
    if not of_heading or VENUE.fullmatch(of_heading):
        return page.stem, of_file
    if titles.is_note_of_paper(text) and len(of_file.split()) > 2 and _are_alike(of_heading, of_file):
        return max((text, of_heading), (page.stem, of_file), key=lambda one: len(one[1]))
    return text, of_heading


def _year(page: _Page) -> str | None:
    """Return the date that the heading gives: "# Toys (2016)" -> "2016"."""
    found = _YEAR_AT_END.search(page.heading.text) if page.heading else None
    return names.date_in(found["date"]) if found else None


def _key(page: _Page) -> str | None:
    return citation_key(page.heading.text if page.heading else "") or citation_key(page.stem)


def _are_alike(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one in other or other in one or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def _reason(page: _Page, title: str) -> str:
    """Return what tells that the file is about a paper; "" if nothing does."""
    given = read_facts((), page.front).given()
    if telling := [name for field, name in _FIELDS_OF_PAPERS.items() if field in given]:
        return f"front matter gives {telling[0]}"
    known = read_facts(page.opening(OPENING_LINES)).given()
    if "title" in known and not known.isdisjoint(_FIELDS_OF_PAPERS):
        return "labels give its title and more"
    if "authors" in known and not known.isdisjoint(("venue", "organizations", "arxiv_id", "doi")):
        return "labels give its authors and more"
    if _key(page):
        return "it is named by the key to cite a paper by"
    heading = page.heading.text if page.heading else ""
    if page.facts.authors and _year(page):
        return "its heading gives a year, and a line below it the authors"
    if titles.is_note_of_paper(heading) or titles.is_note_of_paper(page.stem):
        return NAME_REASON
    if titles.looks_published(page.stem):
        return "its file is named after a paper"
    if speaks_of_paper(heading):
        return "its heading names a paper"
    first = [line for line in page.opening(OPENING_LINES) if line.strip()][:LINK_LINES]
    if any(VENUE.search(line) for line in first[:VENUE_LINES] if len(line) < SHORT_LINE):
        return "its first lines say where it appeared"
    links = sum(map(links_to_paper, page.lines))
    is_linked = any(titles.links_to_its_paper(line, title) for line in first)
    if is_linked and links <= max(LINKS, len(page.outline.headings)):
        return "it begins with a link to a paper"
    chapters = {
        text.lower() for block in page.outline.headings if _CHAPTER.match(text := titles.plain(block.text).strip())
    }
    is_academic = any(re.match(r"[\d.\s]*(?:abstract|摘要)", chapter) for chapter in chapters)
    return CHAPTERS_REASON if is_academic and len(chapters) >= CHAPTERS else ""


def _venue(page: _Page) -> str | None:
    """Return the venue: as labelled, else the first with its year in the date, the headings or a short first line."""
    if page.facts.venue:
        return page.facts.venue
    headings = [block.text for block in page.outline.headings[:2]]
    short = [line for line in page.opening(LINK_LINES) if len(line) < SHORT_LINE]
    texts = map(titles.plain, (page.facts.date, *headings, *short))
    return next((found[0] for text in texts if (found := VENUE.search(text))), None)
