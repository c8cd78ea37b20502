"""Plain text pasted from web pages: bare lines for headings, bullets for lists, indented stretches, nothing marked.

A line is taken for the name of an entry only with evidence. Either it looks like a name, and links or a published title
follow before the first paragraph. Or it looks like `Name-description`, nothing above mentions the name and what follows
keeps coming back to it. A bare line whose paragraphs enumerate the entries right below it is their group.
"""

import re

from kb.notes.parsing import names
from kb.notes.parsing.entry import Entry
from kb.patterns import pattern

_HAN = pattern(r"[\u3400-\u9fff]")
_BULLET = pattern(r"(?P<indent>\s*)[•▪◦·‣]\s*")
_ADDRESS = pattern(r"https?://\S+")
_BRACKETED = pattern(r"(?:\[[^\]]+\]\s*){2,}$")
_SENTENCE_END = tuple("。；;，,：:!！?？.…、\\")
_NAME_THEN_HAN = pattern(r"[A-Z][A-Za-z0-9.+-]*(?: [a-z][a-z0-9]*)?(?=[\u3400-\u9fff])")
_BARE_NAME = pattern(r"[A-Z][\w.+-]*(?: [\w.+&-]+){0,2}$")
_PUBLISHED_TITLE = pattern(r"(?:[A-Z]|[a-z]{1,6}(?=[A-Z\d]))[^\u2100-\U0010ffff|\[\]/=\\<>_•]*[^.;:]$")
_COMMAND = pattern(
    r"#{1,6} \S|(?:sudo |\$ )?(?:git|pip3?|python3?|export|docker|npm|pnpm|yarn|dnf|apt|conda|cd|curl|wget|bash)"
    r"\s+[\x21-\x7e]"
)

HEADING_CHARACTERS = 50
PARAGRAPH_CHARACTERS = 70
OPENING_LINES = 8
EVIDENCE_LINES = 3  # a link or a published title stands among the first of them
RETURNS = 5  # how often a name must come back
RETURN_LINES = 60  # and within how many lines


def find_entries(lines: list[str]) -> list[Entry]:
    """Return the entries of a pasted text, groups included, in order of their lines."""
    texts = [line.strip() for line in lines]
    starts = _starts(texts)
    if not starts:
        return []
    groups = _groups(texts, starts)
    found = sorted(set(starts) | set(groups.values()))
    entries = {}
    for line, end in zip(found, [*found[1:], len(lines)], strict=True):
        entries[line] = _entry(lines, texts, line, end, is_group=line in groups.values())
    for child, group in groups.items():
        entries[child].parent = entries[group]
        entries[child].section_path = (entries[group].title,)
    return list(entries.values())


def _starts(texts: list[str]) -> list[int]:
    starts: list[int] = []
    opening_end = 0
    for line in range(len(texts)):
        if line < opening_end or not _is_bare(texts, line):
            continue
        opening = _opening(texts, line)
        if (_has_evidence(texts, opening) and _looks_named(texts[line])) or _is_returned_to(texts, line):
            starts.append(line)
            opening_end = opening[-1] + 1 if opening else line + 1
    return starts


def _is_bare(texts: list[str], line: int) -> bool:
    text = texts[line]
    return (
        bool(text)
        and len(text) <= HEADING_CHARACTERS
        and (line == 0 or not texts[line - 1])
        and not text.endswith(_SENTENCE_END)
        and not _BULLET.match(text)
        and not _ADDRESS.search(text)
        and not _COMMAND.match(text)
    )


def _looks_named(text: str) -> bool:
    return bool(_name_before_colon(text) or _NAME_THEN_HAN.match(text) or _BARE_NAME.match(text))


def _name_before_colon(text: str) -> str | None:
    name = names.short_name(text)
    return name if name and name[0].isascii() and name[0].isalpha() else None


def _opening(texts: list[str], start: int) -> list[int]:
    """Return the lines between a name and the first paragraph, list or program below it."""
    opening: list[int] = []
    for line in range(start + 1, len(texts)):
        text = texts[line]
        if not text:
            continue
        if len(opening) == OPENING_LINES or _BULLET.match(text) or _COMMAND.match(text):
            break
        if _is_paragraph(text):
            break
        opening.append(line)
    return opening


def _is_paragraph(text: str) -> bool:
    if text.endswith(("。", "！", "？")):
        return True
    return len(_ADDRESS.sub("", text)) >= PARAGRAPH_CHARACTERS and not _is_published_title(text)


def _has_evidence(texts: list[str], opening: list[int]) -> bool:
    for line in opening[:EVIDENCE_LINES]:
        text = texts[line]
        label = _ADDRESS.sub("", text)
        if (label != text and len(label) <= 30) or _BRACKETED.match(text) or _is_published_title(text):
            return True
    return False


def _is_published_title(text: str) -> bool:
    return (
        bool(_PUBLISHED_TITLE.match(text)) and len(re.findall(r"[A-Za-z]{2,}", text)) >= 4 and not _ADDRESS.search(text)
    )


def _is_returned_to(texts: list[str], line: int) -> bool:
    name = _name_before_colon(texts[line])
    if not name or not _HAN.search(texts[line]):
        return False
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE)
    if any(pattern.search(text) for text in texts[:line]):
        return False
    return sum(len(pattern.findall(text)) for text in texts[line + 1 : line + RETURN_LINES]) >= RETURNS


def _groups(texts: list[str], starts: list[int]) -> dict[int, int]:
    """Return the line of the group for each entry that stands in one."""
    groups: dict[int, int] = {}
    for previous, start in zip([-1, *starts], starts, strict=False):
        head = _nearest_heading(texts, previous, start)
        if previous in groups and _enumerates(texts[groups[previous] : starts[starts.index(previous)]], texts[start]):
            groups[start] = groups[previous]
        elif head is not None and _enumerates(texts[head + 1 : start], texts[start]):
            groups[start] = head
    first_children: dict[int, int] = {}
    for child, group in groups.items():
        first_children.setdefault(group, child)
    return {
        child: group
        for child, group in groups.items()
        if _enumerates(texts[group + 1 : first_children[group]], texts[child])
    }


def _nearest_heading(texts: list[str], previous: int, start: int) -> int | None:
    for line in range(start - 1, previous, -1):
        text = texts[line]
        if text and not _is_paragraph(text):
            return line if _is_bare(texts, line) else None
    return None


def _enumerates(texts: list[str], title: str) -> bool:
    name = re.escape(names.without_series_numbers(title))
    listed = re.compile(
        rf"[、:：有]\s*{name}(?![A-Za-z])|(?<![A-Za-z]){name}[\s\d&]*(?:[、和与及]|,\s*[A-Z])", re.IGNORECASE
    )
    return any(listed.search(text) for text in texts)


def _entry(lines: list[str], texts: list[str], line: int, end: int, is_group: bool) -> Entry:
    opening = [] if is_group else [n for n in _opening(texts, line) if n < end]
    headings = {n: texts[n] for n in range(line + 1, end) if n not in opening and _is_section(texts, n)}
    title = texts[line]
    return Entry(
        title=title,
        line=line,
        body=_markdown(lines, line + 1, end),
        short_name=None if is_group else _short_name(title, [texts[n] for n in opening]),
        headings=headings,
        sections=tuple(headings.values()),
        names_paper=is_group or any(_is_published_title(texts[n]) for n in opening),
    )


def _short_name(title: str, opening: list[str]) -> str | None:
    for text in opening:
        if not _ADDRESS.search(text) and (name := _name_before_colon(text)) and ":" in text.replace("：", ":"):
            return name
    if name := _name_before_colon(title):
        return name
    bare = names.without_series_numbers(title)
    return bare if _BARE_NAME.match(bare) and names.is_name(bare) else None


def _is_section(texts: list[str], line: int) -> bool:
    return _is_bare(texts, line) and len(texts[line]) <= 30 and line + 1 < len(texts) and not texts[line + 1]


def _markdown(lines: list[str], start: int, end: int) -> list[tuple[int, str]]:
    """Return lines as Markdown: bullets as list items, programs in fences, the page's indentation taken away."""
    found: list[tuple[int, str]] = []
    in_program = False
    depths: list[int] = []
    for number in range(start, end):
        line = lines[number].rstrip()
        text = line.strip()
        continued = in_program and found[-1][1].endswith("\\")
        is_program = continued or (bool(_COMMAND.match(text)) and not _HAN.search(text.split("#")[0]))
        if is_program != in_program:
            found.append((number, "```"))
            in_program = is_program
        if is_program:
            found.append((number, line if continued else text))
            continue
        bullet = _BULLET.match(line)
        if bullet:
            indent = len(bullet["indent"].expandtabs(4))
            depths = [depth for depth in depths if depth < indent] + [indent]
            text = "  " * (len(depths) - 1) + "- " + line[bullet.end() :].strip()
        elif text:
            depths = []
        found.append((number, text))
    if in_program:
        found.append((end - 1, "```"))
    return found
