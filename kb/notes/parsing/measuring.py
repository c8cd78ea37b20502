"""A candidate -> its evidence: what its title, the line that names it and the lines below say of a paper."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from kb.notes.ids import ARXIV_NUMBER
from kb.notes.parsing import names, titles
from kb.notes.parsing.bylines import byline, lists_people
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.citing import are_people
from kb.notes.parsing.evidence import (
    find_venue,
    has_number,
    is_scholarly,
    links_to_paper,
    research_words,
    speaks_of_research,
    without_venues,
)
from kb.notes.parsing.fields import field_of
from kb.notes.parsing.labels import labelled
from kb.patterns import pattern

OPENING_LINES = 8  # below what names a candidate, where labels count
LINK_LINES = 4  # of these, where a line of nothing but a link to a paper counts
VENUE_LINES = 3
SHORT_LINE = 80  # characters of a line that says little but where a paper appeared
PUBLISHED_WORDS = 4  # of Latin letters: fewer make a name, not a published title
LONGEST_TITLE = 28  # words
MENTION_WORDS = 3  # of a link inside a head: it is something else's title
PROSE_REST = 90  # letters: it goes on as prose
LONGEST_HAN = 30  # Chinese characters of a title
FACTS = frozenset(("authors", "organizations", "venue", "arxiv", "doi", "date"))  # labels that only papers have
LINKED = frozenset(("link", "link first"))
LONGEST_FILE = 100_000  # characters of a file whose words are counted
_PROGRAM = pattern(  # its manual, its list of changes
    r"^\W{0,4}(?:(?:npm|pnpm|yarn|cargo) (?:i|install|add|run)\b|(?:pip3?|apt|apt-get|brew) install\b|go get\b"
    r"|import \w+ from ['\"]|const .{1,60} = require\()"
    r"|^#{1,4}\s+(?:installation|installing|getting started|api|api reference|cli|quick ?start|changelog|change log"
    r"|breaking changes|bug fixes|patch changes|browser support|code of conduct|our pledge)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_WORD = pattern(r"[A-Za-z][\w'’-]*")
_HAN = pattern(r"[\u3400-\u9fff]")
_SENTENCE = pattern(
    r"[。；！]|[\u4e00-\u9fff]了(?!解)|没怎么|没有?读|先不|还不|觉得|感觉|打算|准备|[本这下]周|[今明昨]天|^[和跟给把去]"
    r"|\b(?:I|[Mm]y)\b"
)
_NUMBERED = pattern(
    r"(?:\d+\.)+\d*\s|\d{1,2}\s+(?=[\u3400-\u9fff])|第.{1,3}[章节讲部]|[一二三四五六七八九十]+[、.]"
    r"|(?:step|part|chapter|section|appendix|figure|table|day|week|lecture|lesson)\s*\d|q\d\b",
    re.IGNORECASE,
)
_RESULTS = pattern(r"\d\s?%|\d\.\d.{0,60}\s\d+\.\d")  # "29.92 to 32.06 BLEU"; one decimal may be that of GPT-3.5
_DESCRIBED = pattern(r"[^:：]{1,40}[:：]\s*[\u3400-\u9fff]")  # "System 2：以 Qwen 为编码器"
_COLLECTION = pattern(
    r"(?:\bpapers|\barticles|\bpublications|reading lists?|论文|论文(?:列表|清单|集))\s*$", re.IGNORECASE
)
_NOTE_LINK = pattern(
    r"\]\(<?(?!\w+:|#)(?P<here>[^()\s]+?\.(?:md|markdown|html?))(?:#[^)]*)?>?\)"
    r"|\]\((?P<there>https?://git(?:hub|lab)\.com/[^/\s]+/[^/\s]+/(?:-/)?blob/[^()\s]+\.(?:md|markdown))\)"
    r"|^\W*\[\[(?P<wiki>[^\]|#]+)[^\]]*\]\]",
    re.IGNORECASE,
)
_NOTES_LABEL = pattern(r"\[\W*(?:my |paper |reading )?(?:notes?|summary|review|笔记|解读|总结)\W*\]\(", re.IGNORECASE)
_REPOSITORY = pattern(r"https?://(?:www\.)?(?:github|gitlab)\.com|https?://huggingface\.co/(?!papers)", re.IGNORECASE)
_DAY = pattern(r"\W*(?:19|20)\d\d[-./]\d\d?[-./]\d\d?[\])】）]?")  # before a title: of a post, not of a paper
_YEAR = pattern(
    r"^\W*[\[(【（]\s*(?:19|20)\d\d\b|"
    r"[(（\[]\s*(?:[A-Za-z][A-Za-z .'’&-]{0,30}[ ,'’]{0,3})?\**(?:19|20)\d\d(?:[-./]\d\d?)*\**\s*[)）\]]"
)
_BEGINS_WITH_NUMBER = pattern(rf"\W{{0,4}}arxiv\W{{0,3}}{ARXIV_NUMBER}", re.IGNORECASE)
_ONLY_ADDRESS = pattern(r"\s*<?https?://\S+\s*")
_AND_OTHERS = pattern(r"\bet\.? ?al\b|等人")
_AFTER_PEOPLE = pattern(r"\[|https?:|\d{4}|\*")


def of_file(lines: Sequence[str], file: str) -> set[str]:
    """Return what the words of a whole file, its path among them, say of each candidate in it."""
    text = re.sub(r"[_/-]", " ", file) + "\n" + "\n".join(lines)[:LONGEST_FILE]
    found = {"scholarly"} if is_scholarly(text) else set()
    if speaks_of_research(text):
        found.add("on research")
    if _PROGRAM.search(text):
        found.add("program")
    return found


def of_title(title: str) -> set[str]:
    """Return what a title says by its form alone.

    Example: "Toy: Learning to Speak in Small Steps" -> {"capitals", "research", "name"}.
    """
    words, han = _WORD.findall(title), len(_HAN.findall(title))
    long_words = [word for word in words if len(word) > 3]
    found = {"research"} if research_words(title) else set()
    if len(words) >= PUBLISHED_WORDS:
        if sum(word[0].isupper() for word in words) >= 0.5 * max(1, len(long_words)):
            found.add("capitals")
        if names.short_name(title):
            found.add("name")
    if len(words) < 3 and han < 6:
        found.add("short")
    if len(words) > LONGEST_TITLE or han > LONGEST_HAN or _SENTENCE.search(title):
        found.add("sentence")
    if _RESULTS.search(title):
        found.add("figures")
    if _DESCRIBED.match(title):
        found.add("described")
    if _NUMBERED.match(title):
        found.add("numbered")
    if _COLLECTION.search(title):
        found.add("collection")
    return found


def of_head(candidate: Candidate) -> set[str]:
    """Return what the text that names a candidate says."""
    head, title = candidate.head, candidate.found.title
    found: set[str] = set()
    rest = _rest(candidate)
    day = _DAY.match(head)
    has_year = bool(_YEAR.search(head[day.end() :] if day else head))
    has_link = "](" in head
    own = titles.own_links(head) if "[" in head else []
    if links_to_paper(head) or has_number(head):
        is_linked = any(links_to_paper(link) for link in own)
        others = titles.without(head, own)
        if is_linked or candidate.place == "row" or has_number(others) or "](" not in others:
            found.add("link")
        if has_number(titles.without_addresses(others)):
            found.add("number")
    if has_link:
        named = [url for label, url in titles.links(head) if title in titles.normal(titles.plain(label))]
        if any(links_to_paper(f"[]({url})") for url in named):
            found.add("linked")
        if any(len(label.split()) >= MENTION_WORDS for label, _ in titles.links(titles.without(head, own))):
            found.add("mention")
    if len(rest) > PROSE_REST and candidate.place != "row":
        found.add("prose")
    if own and not rest:
        found.add("whole")
    if note := next((match for link in own if (match := _NOTE_LINK.search(link))), None):
        is_telling = research_words(title) or has_year or find_venue(head) or _NOTES_LABEL.search(head)
        found.add("note" if is_telling else "local")
        if _is_named_after(note["here"] or note["there"] or note["wiki"], title):
            found.add("named")
    if any(link not in title and titles.says_what(link) for link in own):
        found.add("button")
    if "//" in head:
        if _REPOSITORY.search(head):
            found.add("code")
        elif not found:
            found.add("web")
    bare = titles.plain(head)
    if find_venue(bare):
        found.add("venue")
    if has_year or (candidate.found.date and not day):
        found.add("year")
    if "**" in head or "__" in head:
        found.add("bold")
    if "《" in head and (len(_WORD.findall(title)) >= 3 or research_words(title)):  # books and films stand there too
        found.add("guillemets")
    if names_people(bare, candidate):
        found.add("authors")
    if not bare.startswith(title) and titles.set_apart(head) == title:
        found.add("set apart")
    return found


def _rest(candidate: Candidate) -> str:
    """Return the letters of the head that are neither title, address, people nor venue."""
    bare = titles.plain(titles.without_links(candidate.head)).replace(titles.plain(candidate.found.written), "", 1)
    bare = without_venues(bare.replace(candidate.found.title, "", 1))
    people = people_in(bare, candidate)
    return "".join(re.findall(r"[^\W\d_]+", bare.replace(people, "", 1) if are_people(people) else bare))


def year_of(head: str) -> str | None:
    """Return the year that stands in brackets in the text that names a paper."""
    found = _YEAR.search(head)
    year = re.search(r"(?:19|20)\d\d", found[0]) if found else None
    return year[0] if year else None


def names_people(head: str, candidate: Candidate) -> bool:
    """Whether people stand behind the title in the text that names a candidate."""
    rest = people_in(head, candidate)
    return bool(_AND_OTHERS.search(head) or are_people(rest))


def people_in(head: str, candidate: Candidate) -> str:
    """Return what stands between the title and the first link, year or mark of head, which may be people."""
    rest = head.replace(titles.plain(candidate.found.written), "", 1).replace(candidate.found.title, "", 1)
    return _AFTER_PEOPLE.split(rest.strip(" ,.，:：-–—*") + " [", maxsplit=1)[0].strip(" ,.，")


def of_opening(candidate: Candidate) -> set[str]:
    """Return what the lines below say."""
    lines, title = candidate.opening, candidate.found.title
    if not lines:
        return set()
    facts = labelled(lines)
    found = of_labels(facts)
    linked = [titles.links_to_its_paper(line, title) or is_only_link(line) for line in lines[:LINK_LINES]]
    is_numbered = any(
        _BEGINS_WITH_NUMBER.match(line) or (has_number(line) and _says_only_who(line)) for line in lines[:2]
    )
    if any(linked) or is_numbered or any(has_number(facts.get(field, "")) for field in ("arxiv", "doi")):
        found.add("link below")
    is_second = candidate.place == "heading" and linked[1:2] == [True] and _says_only_who(lines[0])
    if linked and (linked[0] or is_second):
        found.add("link first")
    if any(are_people(line.strip(" *_")) for line in lines[:2] if line[:1] != "|") or any(map(lists_people, lines[:1])):
        found.add("authors")
    if any(find_venue(titles.plain(line)) for line in lines[:VENUE_LINES] if len(line) < SHORT_LINE):
        found.add("venue")
    return found


def _says_only_who(line: str) -> bool:
    """Whether a line says no more than who wrote a paper, and where: "Ann One, Bo Two. arXiv:2410.00037", "Amazon"."""
    return len(line) < SHORT_LINE and not _SENTENCE.search(line) and (len(line.split()) < 3 or bool(byline(line, True)))


def of_labels(fields: Iterable[str]) -> set[str]:
    """Return what fields say that labels give."""
    count = len(FACTS.intersection(fields))
    return {"label", "labels"} if count > 1 else {"label"} if count else set()


def is_only_link(line: str) -> bool:
    """Whether a line is nothing but a link to a paper."""
    return (titles.is_link_alone(line) or bool(_ONLY_ADDRESS.fullmatch(line))) and links_to_paper(line)


def of_columns(columns: Iterable[str]) -> set[str]:
    """Return what the headings of a table's columns, or of sections, say when they are labels."""
    return of_labels(field for column in columns if (field := field_of(column)))


def _is_named_after(address: str, title: str) -> bool:
    """Whether most words of a file's name stand in title: "toys-that-speak.md", "Toys that Learn to Speak"."""
    path = PurePosixPath(address.rstrip("/"))
    stem = (path.parent.name if path.stem.lower() in ("readme", "index") else path.stem).lower()
    parts = re.findall(r"[^\W_]+", stem)
    known = set(re.findall(r"[^\W_]+", title.lower()))
    return len(parts) >= 2 and sum(part in known for part in parts) >= 0.6 * len(parts)
