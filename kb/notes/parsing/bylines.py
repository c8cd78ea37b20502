"""Lines below a title that hold nothing but its authors: *A. One, B. Two*, "by Ann One and Bo Two"."""

import re
from collections.abc import Sequence

from kb.notes.parsing.citing import are_surnames, cited_people
from kb.notes.parsing.evidence import find_venue, has_number, research_words
from kb.notes.parsing.organizations import looks_like_organization
from kb.notes.parsing.people import split_people
from kb.patterns import pattern
from kb.records import OTHERS

LINES_BELOW_TITLE = 3  # with text, among which the authors stand
LONGEST_SAYING_WHO = 160  # characters
LONGEST = 3000  # characters of a line of authors
FULL_NAMES = 0.6  # of the names, at least, have two words or more
_YEAR_AT_END = pattern(r"[(（]\s{0,4}(?:19|20)\d\d[^()（）]{0,12}[)）]\W{0,4}$")
_HEADING = pattern(r"\s{0,3}#{1,6}\s|#!")
_EMPHASIS = pattern(r"(?P<mark>\*{1,3}|_{1,3})(?=[^\s*_])(?P<inner>[^*_]{3,})(?P=mark)\.?")
_BY = pattern(r"by\s+(?=[^\W\d_a-z])", re.IGNORECASE)
_END = pattern(r"\b(?:19|20)\d\d\b|\barxiv\b|https?://|!?\[|\s[—–|·-]\s", re.IGNORECASE)
_WORD = pattern(r"[^\W\d_a-z]\.?|(?:[^\W\d_a-z]\.-?){2,4}|[^\W\d_a-z][^\W\d_]*(?:['’ʼ‐-][^\W\d_]+)*\.?")
_AND_OTHERS = pattern(r"\s*等人?")
_SENTENCE = pattern("[。！？!?]")
_PART = pattern(r"[;；]|\s[—–]\s")
_PARTICLE = pattern(r"(?:v[ao]n|der?|den|del|della|d[iaou]s?|l[ae]|el|al|bin|ibn|ten|ter|zu|y|e)|d['’][^\W\d_]+")
_NOUN = pattern(r"\w{3,}(?:tion|sion|ment|ness|ity|ics|ance|ence|logy)s?$|\w{4,}ing$", re.IGNORECASE)
_NO_NAME = pattern(
    r"\b(?:the|of|for|with|in|to|our|this|we|is|are|works?|problems?|notes?|papers?|summary|lists?|links?|code|data|sets?|parts?|weeks?"
    r"|days?|table|figure|section|chapter|open|new|future|related|tasks?|systems?|methods?|results?|tokens?|text|image|video"
    r"|music|voice|codecs?|agents?|search|memory|graphs?|machine|natural|computer|science|research|team|conference|journal"
    r"|proceedings|transactions|workshop|arxiv|preprint|ai)\b",
    re.IGNORECASE,
)


def authors_below_title(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the authors that one of the first lines below a title lists; none if no line is a list of names.

    Below a heading that ends in a year one author is enough, in a paragraph of its own.
    Example: ["# Toys (2016)", "", "Tom One, Bo Two, Cy Three", "", "Text."] -> ("Tom One", "Bo Two", "Cy Three").
    """
    count, fewest = 0, 2
    for number, line in enumerate(lines):
        if count == 0 and _HEADING.match(line):
            fewest = 1 if _YEAR_AT_END.search(line) else 2
            continue
        if not line.strip():
            continue
        if count == LINES_BELOW_TITLE or _HEADING.match(line):
            break
        count += 1
        following = "".join(lines[number + 1 : number + 2]).strip(" -*_>")
        is_paragraph = not following or following.startswith(("http", "<http", "["))
        if names := byline(line, is_paragraph, fewest if is_paragraph else 2):
            return names
    return ()


def byline(line: str, is_paragraph: bool = False, fewest: int = 2) -> tuple[str, ...]:
    """Return the authors of a line that says nothing else but perhaps where and when: "A. One, B. Two. ACL 2020".

    Two full names may be anything, so they count only where they are a paragraph, emphasized, or joined by "and".
    """
    text = line.strip(" \t>")
    if len(text) > LONGEST or text.startswith(("- ", "* ", "+ ", "|", "<", "`")):
        return ()
    emphasis = _EMPHASIS.match(text)
    is_emphasized = bool(emphasis and emphasis.end() >= len(text.rstrip(" ,.")))
    bare = emphasis["inner"] if emphasis and is_emphasized else text
    by = _BY.match(bare)
    bare = bare[by.end() :] if by else bare
    ends = [end.start() for end in (_END.search(bare), find_venue(bare)) if end]
    bare = bare[: min(ends, default=None)].strip(" ,;，—–|-(（")
    if re.search("[\u4e00-\u9fff\u3040-\u30ff]", _AND_OTHERS.sub("", bare)):
        return ()
    names = split_people(bare)
    is_marked = is_paragraph or is_emphasized or bool(by) or bool(ends)
    return names if _are_people(names, bare, is_marked, fewest) else ()


def says_who(line: str) -> bool:
    """Whether a line below a title says who wrote it, where it appeared or its number, and hardly more.

    Example: "One et al., ICASSP 2018", "One, Two and Three", "Ann One, Bo Two; NeurIPS 2020; arXiv 2006.11477".
    """
    if lists_people(line):
        return True
    text = _short_line(line)
    return not _SENTENCE.search(text) and (has_number(text) or bool(find_venue(text)))


def lists_people(line: str) -> bool:
    """Whether a line begins with the people who wrote something: "One et al., ICASSP 2018", "One, Two and Three"."""
    text = _short_line(line)
    first = _PART.split(text, maxsplit=1)[0]
    return bool(cited_people(text) or are_surnames(first) or byline(first, is_paragraph=True))


def _short_line(line: str) -> str:
    """Return a short line without quote and emphasis; "" if it is long, an item, a row or a heading."""
    text = line.strip(" \t>*_")
    return "" if len(text) > LONGEST_SAYING_WHO or text.startswith(("- ", "+ ", "|", "#")) else text


def _are_people(names: tuple[str, ...], text: str, is_marked: bool, fewest: int) -> bool:
    people = [name for name in names if name != OTHERS]
    if not people or research_words(text) or _NO_NAME.search(text) or looks_like_organization(text):
        return False
    if not all(_may_be_name(name) for name in people) or all(_NOUN.search(name) for name in people):
        return False
    if len(people) < len(names):  # "One et al."
        return True
    if sum(" " in name for name in people) < FULL_NAMES * len(people):
        return False
    has_initial = any(re.search(r"(?:^|\s)[^\W\d_a-z]\.", name) for name in people)
    is_certain = is_marked or has_initial or bool(re.search(r"\sand\s|&", text))
    return len(people) > 2 or (len(people) >= fewest and is_certain)


def _may_be_name(name: str) -> bool:
    words = name.split()
    return len(words) < 6 and all(
        _WORD.fullmatch(word) or (len(words) > 1 and _PARTICLE.fullmatch(word)) for word in words
    )
