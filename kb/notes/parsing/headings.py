"""Headings that may name papers: `### Title，organization，keywords`, ``### 202410 `Title` CMU``, `## [Title](link)`.

A heading may also be the label of a title that stands below it: `### Paper:`.
"""

import re
from collections.abc import Sequence

from kb.notes.parsing import dates, titles
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.chapters import is_chapter
from kb.notes.parsing.citing import are_people
from kb.notes.parsing.evidence import speaks_of_paper
from kb.notes.parsing.fields import field_of
from kb.notes.parsing.guards import is_address, labelled_title, names_nothing, title_in
from kb.notes.parsing.labels import labelled
from kb.notes.parsing.measuring import FACTS, OPENING_LINES, of_columns, of_head, of_opening, of_title
from kb.notes.parsing.outline import Block, Outline
from kb.notes.parsing.titles import Found
from kb.patterns import pattern

LINES_LOOKED_AT = 60  # below a heading, for its opening
FULLER_LINES = 3  # of them, where the whole title of a heading that is a name may stand
TITLE_WORDS = 4
JOINED_WORDS = 3  # of each of two headings in a row that are one
CHAPTERS = 2
_COMMAS = pattern(r"(?P<title>.{6,}?)[，,]\s*(?P<organizations>[^，,]{1,60}?)(?:[，,]\s*(?P<keywords>[^，,]{1,80}))$")
_CODED = pattern(r"^(?P<date>(?:19|20)\d{2}[-./]?\d{0,2})?\s*`(?P<title>[^`]+)`\s*(?P<organizations>[^☆★⭐]*)")
_TITLE_WORDS = pattern(r"[A-Za-z]{2,}")
_NUMBERED = pattern(r"\s*\**(?!(?:19|20)\d\d\.)\d+(?:\.\d+)+\.?\s")
_ITEM = pattern(r"(?:[-*+]|\d{1,3}[.)])\s")
_TELLING = pattern(r"\]\(|笔记|阅读|精读|notes?\b|reading|[(（\[]\D{0,20}(?:19|20)\d\d", re.IGNORECASE)
_INFORMATION = pattern(
    r"\W*(?:(?:论文|基本|基础|文章|文献)?(?:信息|元数据|资料)"
    r"|(?:(?:paper|basic|bibliographic) )?(?:info(?:rmation)?|meta ?data|details|facts))\W*",
    re.IGNORECASE,
)


def propose(outline: Outline, lines: Sequence[str]) -> list[Candidate]:
    """Return a candidate for each heading that could be a title, or that is the label of one."""
    labels = [field_of(titles.plain(block.text)) for block in outline.headings]
    found: list[Candidate] = []
    labelled_until = 0
    for number, block in enumerate(outline.headings):
        if outline.is_cited(block.line) or _NUMBERED.match(block.text):
            continue
        if labels[number] == "title":
            candidate = _label(outline, lines, number, labels)
            labelled_until = candidate.end if candidate else labelled_until
        elif labels[number] and block.line < labelled_until:
            continue
        else:
            candidate = _heading(outline, lines, number, labels)
        if candidate and found and _are_one(found[-1], candidate, lines):
            found[-1] = _joined(found[-1], candidate)
        elif candidate:
            found.append(candidate)
    _part_chapters(found)
    return found


def _part_chapters(found: Sequence[Candidate]) -> None:
    """Make headings of one level no neighbours of the note that they are chapters of."""
    note: Candidate | None = None
    for one in found:
        if note and one.line < note.end and one.neighbours == note.neighbours:
            one.neighbours = (*one.neighbours, note.line)
        elif not note or one.line >= note.end:
            note = one


def _are_one(one: Candidate, other: Candidate, lines: Sequence[str]) -> bool:
    """Whether of two headings in a row both name one paper: "# Toys 阅读笔记", "## Toys: Learning to Play"."""
    is_next = not any(line.strip() for line in lines[one.line + 1 : other.line])
    is_title = min(len(one.found.title.split()), len(other.found.title.split())) >= JOINED_WORDS
    return is_next and is_title and titles.are_alike(one.found.title, other.found.title)


def _joined(one: Candidate, other: Candidate) -> Candidate:
    """Return two headings in a row as one, with the longer title."""
    whole = max(one, other, key=lambda heading: len(heading.found.title))
    whole.evidence = one.evidence | other.evidence
    whole.facts = other.facts | one.facts
    whole.line, whole.end, whole.level = one.line, max(one.end, other.end), one.level
    whole.neighbours = one.neighbours
    return whole


def _label(outline: Outline, lines: Sequence[str], number: int, labels: list[str | None]) -> Candidate | None:
    """Return the candidate whose title stands below a heading; it goes on through the labels that follow."""
    headings = outline.headings
    block = headings[number]
    following = number + 1
    while following < len(headings) and labels[following] != "title" and headings[following].level >= block.level:
        following += 1
    end = headings[following].line if following < len(headings) else len(lines)
    inner = range(number + 1, following)
    value_end = headings[number + 1].line if number + 1 < len(headings) else len(lines)
    value = next((line.strip() for line in lines[block.end : value_end] if line.strip()), "")
    found = None if _ITEM.match(value) else titles.find_title(outline.resolved(value.lstrip(">*_ ")))
    if not found or names_nothing(found.title):
        return None
    candidate = Candidate("heading", block.line, end, found, value, level=block.level)
    candidate.facts = {label: _value(outline, lines, n) for n in inner if (label := labels[n])} | {"title": value}
    candidate.evidence = of_title(found.title) | of_head(candidate) | of_columns(headings[n].text for n in inner)
    candidate.evidence.add("title label")
    candidate.neighbours = ("label", block.level)
    return candidate


def _value(outline: Outline, lines: Sequence[str], number: int) -> str:
    """Return the lines below a heading, up to the next, as one."""
    block = outline.headings[number]
    end = outline.headings[number + 1].line if number + 1 < len(outline.headings) else len(lines)
    return " ".join(line.strip() for line in lines[block.end : end] if line.strip())


def _heading(outline: Outline, lines: Sequence[str], number: int, labels: list[str | None]) -> Candidate | None:
    block = outline.headings[number]
    text = outline.resolved(block.text)
    opening = opening_of(outline, lines, number, labels)
    parts = _parts(text)
    opening = tuple(line for line in opening if not line.lstrip().startswith("|"))
    found, evidence = _title(text, parts, opening)
    if not found:
        return None
    end, chapters = _end(outline, number, len(lines))
    candidate = Candidate("heading", block.line, end, found, text, opening, level=block.level)
    candidate.facts = labelled(opening) | {key: value for key, value in parts.items() if value}
    candidate.evidence = evidence | of_title(found.title) | of_head(candidate) | of_opening(candidate)
    if parts:
        candidate.evidence.add("parts")
        if len(FACTS.intersection(key for key, value in parts.items() if value)) > 1:
            candidate.evidence.add("labels")
    if chapters >= CHAPTERS:
        candidate.evidence.add("chapters")
    if titles.is_note_of_paper(text):
        candidate.evidence.add("calls itself")
    above = [one for one in outline.path(block.line)[:-1] if not dates.is_date(one.text)]  # days part no neighbours
    candidate.neighbours = (block.level, above[-1].line if above else -1)
    return candidate


def opening_of(
    outline: Outline, lines: Sequence[str], number: int, labels: Sequence[str | None], most: int = OPENING_LINES
) -> tuple[str, ...]:
    """Return the first lines below a heading, those under a heading "Information" or a label included."""
    headings = outline.headings
    following = number + 1
    while following < len(headings) and headings[following].level > headings[number].level:
        if not (labels[following] or _INFORMATION.fullmatch(titles.plain(headings[following].text))):
            break
        following += 1
    end = headings[following].line if following < len(headings) else len(lines)
    below = range(headings[number].end, min(end, headings[number].end + LINES_LOOKED_AT))
    starts = {block.line for block in headings[number + 1 : following]}
    texts = (outline.resolved(lines[n]) for n in below if n not in starts and lines[n].strip())
    return tuple(text for text, _ in zip(texts, range(most), strict=False))


def _parts(text: str) -> dict[str, str]:
    """Return title, organizations and keywords of a heading that sets them apart; nothing if it does not."""
    bare = re.sub(r"^[☆★⭐\s]+", "", text)
    found = _CODED.match(bare)
    if not (found and (found["date"] or bare != text or titles.has_star(text))):
        found = _COMMAS.match(bare)
        if not (found and "，" in bare and len(_TITLE_WORDS.findall(found["title"])) >= 2):
            return {}
    return {key: (value or "").strip() for key, value in found.groupdict().items()}


def _title(text: str, parts: dict[str, str], opening: tuple[str, ...]) -> tuple[Found | None, set[str]]:
    """Return the title of a section: as labelled below, as linked right below a code or a date, else the heading's."""
    found = titles.find_title(parts["title"] if parts else titles.undecorated(text))
    if found and names_nothing(found.title) and not titles.is_linked_title(text):
        found = None
    if found and not parts:
        found = with_rest(found, titles.undecorated(text))
    if parts:
        found = found and found._replace(date=found.date or parts.get("date"), is_starred=titles.has_star(text))
    named = labelled_title(labelled(opening).get("title", ""))
    fuller = [one for line in opening[:FULLER_LINES] if found and (one := _fuller(found, text, line))]
    if fuller and len({one.title for one in fuller}) == 1:
        return fuller[0], set()
    if named:
        return named, {"title label"}
    if (
        (not found or "`" in text)
        and not is_address(titles.normal(text))
        and opening
        and titles.is_link_alone(opening[0])
    ):
        linked = titles.find_title(opening[0].strip())
        if linked and len(linked.title.split()) >= 3 and not names_nothing(linked.title):
            date, is_starred = (found.date, found.is_starred) if found else (parts.get("date"), titles.has_star(text))
            return linked._replace(date=date or linked.date, is_starred=is_starred), {"link below"}
    return found, set()


def with_rest(found: Found, text: str) -> Found:
    """Return the title of a heading with what stands behind a dash, unless that says who or where."""
    whole = titles.normal(titles.plain(text))
    rest = whole[whole.find(found.title) + len(found.title) :] if found.title in whole else ""
    is_title = re.match(r"\s+[-–—]+\s+\w", rest) and len(rest.split()) > TITLE_WORDS and "](" not in text
    if not is_title or speaks_of_paper(rest) or are_people(rest.lstrip(" -–—")):
        return found
    return found._replace(title=titles.normal(found.title + rest), written=text)


def _fuller(found: Found, text: str, line: str) -> Found | None:
    """Return the whole title where a line below a heading gives it: "## [2016] Star-net", "- [2016] Star-net: a …"."""
    tag = titles.leading_tag(text)
    begins_so = line.lower().startswith((f"{found.title.lower()}:", f"{found.title.lower()}："))
    if begins_so and len(line.split()) >= TITLE_WORDS and (below := titles.find_title(line)):
        return below._replace(date=found.date or below.date, is_starred=found.is_starred)
    if len(found.title.split()) < TITLE_WORDS and (whole := whole_title(line)):
        return whole._replace(date=found.date or whole.date, is_starred=found.is_starred)
    item = re.match(r"\s*[-*+]\s+(?P<text>.*)", line)
    below = titles.find_title(item["text"]) if item else None
    if not item or not below or len(below.title.split()) < TITLE_WORDS or len(below.title) <= len(found.title):
        return None
    is_whole = below.title.lower().startswith(found.title.lower()) and not labelled([line])
    if is_whole or (tag and titles.leading_tag(item["text"]) == tag):
        return below._replace(date=found.date or below.date, is_starred=found.is_starred)
    return None


def whole_title(line: str) -> Found | None:
    """Return the title that a line below a name is, or sets apart with what tells a paper.

    Example: "*Toys that Learn to Talk*", "[Toys that Learn to Talk](https://arxiv.org/abs/…)", "“Toys …”, One et al.".
    """
    if not line.startswith(("*", "_", '"', "“", "《", "[")) and not re.match(r".{2,40}《", line):
        return None
    found = title_in(line)
    if not found or len(found.title.split()) < TITLE_WORDS or found.title not in titles.normal(titles.plain(line)):
        return None
    if titles.is_link_alone(line):
        return found if speaks_of_paper(line) else None
    rest = line.partition(found.written)[2].strip('*_ .,"”')
    is_whole = not rest and titles.set_apart(line) == found.title
    return found if is_whole or speaks_of_paper(rest) or re.search(r"\bet\.? ?al\b", rest) else None


def _end(outline: Outline, number: int, last: int) -> tuple[int, int]:
    """Return where the section of a heading ends, and how many chapters of a paper it has.

    Chapters of its own level belong to it: "# Toys 阅读笔记", "# Abstract", "# Method". If it calls itself a note, all
    headings do that neither call themselves one nor link or have a year.
    """
    is_note = titles.is_note_of_paper(outline.headings[number].text)
    headings = outline.headings
    level = headings[number].level
    end = outline.end(number)
    following = outline.following(number)
    while (
        following is not None
        and headings[following].level == level
        and (is_chapter(headings[following].text) or (is_note and not _TELLING.search(headings[following].text)))
    ):
        end = outline.end(following)
        following = outline.following(following)
    inner: list[Block] = headings[number + 1 : following]
    names = {titles.plain(block.text).strip().lower() for block in inner if is_chapter(block.text)}
    return (last if end is None else end), len(names)
