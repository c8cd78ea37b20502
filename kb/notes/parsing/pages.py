"""A whole file that may be about one paper: front matter, labels, its first heading, its name or its prose name it."""

import re
from collections.abc import Sequence, Set
from pathlib import PurePosixPath
from typing import NamedTuple

from kb.notes.parsing import lecture, titles
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.chapters import is_chapter
from kb.notes.parsing.evidence import VENUE, links_to_paper
from kb.notes.parsing.facts import citation_key, is_of_post
from kb.notes.parsing.fields import field_of
from kb.notes.parsing.frontmatter import FrontMatter
from kb.notes.parsing.guards import labelled_title, names_nothing
from kb.notes.parsing.headings import opening_of, with_rest
from kb.notes.parsing.labels import labelled
from kb.notes.parsing.measuring import FACTS, is_only_link, of_head, of_labels, of_opening, of_title
from kb.notes.parsing.outline import Block, Outline
from kb.notes.parsing.tables import is_of_labels
from kb.notes.parsing.titles import Found
from kb.patterns import pattern

FACT_LINES = 30  # at the top of a file, where labels and a table of labels count
PROSE_LINES = 6  # of them, where a sentence may name the paper
CHAPTERS = 2
CITED = 2  # lines with links to papers, from which on a text may be about more than one
TELLING_WORDS = 3  # of a file name, to be the title of a page that has no heading
_TELLING = frozenset(
    ("link", "link first", "link below", "note", "venue", "label", "parts", "calls itself", "title label", "year")
)
_BULLET = pattern(r"^\s*[-*+]\s+")
_NESTED = pattern(r"\s{2,}[-*+]\s|\t[-*+]\s")


class Page(NamedTuple):
    """A file and where its text begins."""

    outline: Outline
    lines: Sequence[str]
    front: FrontMatter
    stem: str  # of its name
    start: int  # the first line with text
    heading: Block | None  # that the text begins with


def page_of(outline: Outline, lines: Sequence[str], front: FrontMatter, file: str) -> Page | None:
    """Return the page that a file is; None if it holds no text."""
    start = next((n for n, line in enumerate(lines) if n >= front.begin_of_text and line.strip()), None)
    if start is None:
        return None
    return Page(outline, lines, front, PurePosixPath(file).stem, start, _heading(outline, lines, start))


def propose(page: Page, headings: Sequence[Candidate], rows: Set[int]) -> Candidate | None:
    """Return the file as a candidate; None if nothing names it.

    Its first heading speaks for it, unless others beside it name papers, too: then only front matter and name do.

    Args:
        headings: the candidates among its headings.
        rows: lines of tables that may name papers themselves.
    """
    first = next((one for one in headings if page.heading and one.line == page.heading.line), None)
    if _names_others(headings, first):
        if not (_is_given(page.front) or titles.is_note_of_paper(page.stem)):
            return None
        first = None
    opening = _opening(page, rows)
    facts = _facts(page, opening)
    named = _title(page, facts, first)
    if named is None:
        return None
    found, evidence, head = named
    candidate = Candidate("page", page.start, len(page.lines), found, head, opening)
    candidate.facts = facts
    candidate.evidence = evidence | of_title(found.title) | of_opening(candidate) | of_labels(facts)
    if first:
        candidate.heading = first.line
        candidate.evidence |= first.evidence & (_TELLING | {"authors", "code", "chapters"})
    elif head:
        candidate.evidence |= of_head(candidate) & {"year", "venue"}
    heading_text = page.heading.text if page.heading else ""
    if _is_given(page.front) or citation_key(page.stem) or citation_key(heading_text):
        candidate.evidence.add("front")
    if titles.is_note_of_paper(page.stem) or titles.looks_published(page.stem):
        candidate.evidence.add("calls itself")
    chapters = {block.text.strip().lower() for block in page.outline.headings if is_chapter(block.text)}
    if len(chapters) >= CHAPTERS and "numbered" not in candidate.evidence:  # else they are those of a course
        candidate.evidence.add("chapters")
    if any(is_only_link(_BULLET.sub("", line)) for line in opening):
        candidate.evidence.add("link below")
    if not any(links_to_paper(line) for line in opening) and _cites(page):
        candidate.evidence.add("cites")
    candidate.neighbours = ("page",)
    is_named = not candidate.evidence.isdisjoint(_TELLING | {"front", "authors", "chapters"})
    return candidate if is_named or not lecture.is_lecture(page.outline.blocks, page.lines) else None


def _names_others(headings: Sequence[Candidate], first: Candidate | None) -> bool:
    """Whether headings beside the first name other papers; without a first, any of the outermost level."""
    level = first.level if first else min((one.level for one in headings), default=0)
    beside = [one for one in headings if one is not first and one.level <= level and one.evidence & _TELLING]
    return any(not (first and titles.are_alike(one.found.title, first.found.title)) for one in beside)


def _cites(page: Page) -> bool:
    """Whether the text links to several papers, as an essay does."""
    lines = (line for line in page.lines[page.start :] if not line.startswith("|"))
    return sum(links_to_paper(line) for line in lines) >= CITED


def planned(file: str) -> Candidate | None:
    """Return the paper that an empty file is named after."""
    stem = PurePosixPath(file).stem
    if not (titles.is_note_of_paper(stem) or titles.looks_published(stem)):
        return None
    return Candidate("page", 0, 1, Found(titles.of_file(stem), stem, None, False), "")


def _heading(outline: Outline, lines: Sequence[str], start: int) -> Block | None:
    """Return the heading that the text begins with; of two in a row that are alike the longer."""
    first = [block for block in outline.headings[:2] if not is_chapter(block.text)]
    if not first or any(lines[n].strip() and not lines[n].startswith("#!") for n in range(start, first[0].line)):
        return None
    if len(first) == 2 and first[1].line == first[0].line + 1:
        bare = [titles.undecorated(block.text) for block in first]
        return max(first, key=lambda block: len(block.text)) if titles.are_alike(*bare) else first[0]
    return first[0]


def _opening(page: Page, rows: Set[int]) -> tuple[str, ...]:
    """Return the first lines of a page, up to a second heading that is neither a label nor about the paper's facts."""
    tables = {page.lines[line] for line in rows}
    headings = page.outline.headings
    if page.heading:
        number = headings.index(page.heading)
        labels = [field_of(titles.plain(block.text)) for block in headings]
        before = [line for line in page.lines[page.start : page.heading.line] if line.strip()]
        below = opening_of(page.outline, page.lines, number, labels, FACT_LINES)
        return (*before, *(line for line in below if not _NESTED.match(line) and line not in tables))
    begins_with_chapter = bool(headings) and headings[0].line == page.start  # "## Introduction"
    following = headings[1:] if begins_with_chapter else headings
    end = following[0].line if following else len(page.lines)
    first = page.lines[page.start : min(end, page.start + FACT_LINES)]
    return tuple([line for line in first if line.strip() and line not in tables])


def _facts(page: Page, opening: Sequence[str]) -> dict[str, str]:
    """Return what front matter, labels in the opening and a first table of two columns say, by field."""
    found = labelled(opening)
    for table in page.outline.tables[:1]:
        if table.header.line < page.start + FACT_LINES and is_of_labels(table):
            for row in (table.header, *table.rows):
                if (field := field_of(row.cells[0])) and row.cells[1].strip():
                    found.setdefault(field, row.cells[1].strip())
    for key, value in page.front.values.items():
        text = "、".join(map(str, value)) if isinstance(value, list) else str(value or "")
        field = field_of(key)
        if field and field not in ("title", "date") and text.strip():
            found[field] = text.strip()
    return found


def _is_given(front: FrontMatter) -> bool:
    """Whether the front matter says what only papers have; the author of a post is not one of a paper."""
    fields = {field_of(key) for key, value in front.values.items() if value}
    return bool(fields & {"arxiv", "doi", "venue"} or ("authors" in fields and not is_of_post(front)))


def _title(page: Page, facts: dict[str, str], first: Candidate | None) -> tuple[Found, set[str], str] | None:
    """Return the title of a page, what says so, and the text that holds it.

    It is labelled, or that of the front matter, of the first heading, of the prose, of the file's name, or else, where
    labels say that the file is about a paper, of the first line that could be one.
    """
    if named := labelled_title(page.outline.resolved(facts.get("title", ""))):
        return named, {"title label"}, facts["title"]
    given = page.front.text("title") or _named_paper(page.front)
    title = titles.normal(titles.undecorated(titles.plain(given))) or given
    if title and (_is_given(page.front) or not names_nothing(title)):
        found = titles.find_title(title) or Found(title, given, None, False)
        found = with_rest(found, title)
        return found._replace(written=given), {"calls itself"} if titles.is_note_of_paper(given) else set(), given
    if first and "title label" in first.evidence:
        return first.found, {"title label"}, first.head
    of_file = titles.of_file(page.stem).lstrip("@")
    text = page.heading.text.strip() if page.heading else ""
    if first and not VENUE.fullmatch(first.found.title):
        is_pair = (
            titles.is_note_of_paper(text) and len(of_file.split()) > 2 and titles.are_alike(first.found.title, of_file)
        )
        if is_pair and len(of_file) > len(first.found.title):
            return first.found._replace(title=of_file, written=page.stem), set(), first.head
        return first.found._replace(written=text), set(), first.head
    for line in [line for line in page.lines[page.start : page.start + FACT_LINES] if line.strip()][:PROSE_LINES]:
        if named := titles.told_title(line):
            return named, {"title label"}, line
    if len(FACTS.intersection(facts)) > 1 and (below := _first_title(page)):
        return below, set(), ""
    is_telling = len(of_file.split()) >= TELLING_WORDS or titles.is_note_of_paper(page.stem) or _is_given(page.front)
    if of_file and is_telling and not names_nothing(of_file):
        found = titles.find_title(of_file) or Found(of_file, page.stem, None, False)
        return found._replace(written=page.stem), set(), page.stem
    return None


def _named_paper(front: FrontMatter) -> str:
    """Return the title that front matter gives under "paper"; an address or a name is none."""
    given = front.text("paper", "papertitle", "论文", "论文标题") or ""
    return given if len(given.split()) >= TELLING_WORDS and "//" not in given else ""


def _first_title(page: Page) -> Found | None:
    """Return the first title of a line, beside labels, that stands in bold or has words enough to be one."""
    for line in page.lines[page.start : page.start + FACT_LINES]:
        text = re.sub(r"^\s*[-*+#]+\s+", "", line).strip()
        if text and not labelled([line]) and "::" not in text:
            found = titles.find_title(text)
            return found if found and len(found.title.split()) >= 4 and not names_nothing(found.title) else None
    return None
