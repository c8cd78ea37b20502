"""A candidate that was taken, and its lines -> an entry with all that they say of the paper."""

import re
from collections.abc import Sequence

from kb.notes.parsing import dates, names, titles
from kb.notes.parsing.bylines import says_who
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.citing import are_people, are_surnames, cited_people, is_person
from kb.notes.parsing.entry import Entry
from kb.notes.parsing.evidence import find_venue, links_to_paper
from kb.notes.parsing.links import bare_arxiv_id, given_arxiv_id, given_doi, split_links
from kb.notes.parsing.measuring import LINK_LINES, SHORT_LINE, people_in, year_of
from kb.notes.parsing.organizations import split_organizations
from kb.notes.parsing.outline import Block
from kb.notes.parsing.people import split_people
from kb.patterns import pattern

CITING_LINES = 2  # below the title, which may begin with the people: "One et al., ACL 2024."
_READ = pattern(r"(?:\bread (?:on|in)\s+|✅\s*)(?P<date>[^()\[\]]{4,24})")  # ✅ of a task that was done then
_WORDS = pattern(r"[^\W_]+")


def fill(candidate: Candidate, end: int, lines: Sequence[str], path: tuple[str, ...], inner: Sequence[Block]) -> Entry:
    """Return the entry that candidate is.

    Args:
        candidate: where it begins, what it is called and what it says of itself.
        end: the line after its last.
        lines: of the whole note.
        path: the headings it stands under, outermost first.
        inner: the headings inside.
    """
    facts, title = candidate.facts, candidate.found.title
    body = [(n, lines[n]) for n in range(candidate.line, end)]
    short_name = facts.get("short_name", "")
    text = "\n".join(line for _, line in body)
    entry = Entry(
        title=title,
        written=candidate.found.written,
        line=candidate.line,
        end=end,
        body=body,
        short_name=short_name if names.is_name(short_name) else names.short_name(title),
        section_path=path,
        headings={block.line: block.text.strip() for block in inner},
        sections=tuple(block.text.strip() for block in inner),
        organizations=split_organizations(facts.get("organizations", "")),
        keywords=names.split_keywords(facts.get("keywords", "")),
        authors=_authors(candidate),
        venue=_venue(candidate),
        published=dates.date_in(facts.get("date", ""))
        or dates.date_in(candidate.found.date or "")
        or year_of(candidate.head),
        is_starred=candidate.found.is_starred or (candidate.place == "heading" and titles.has_star(candidate.head)),
        arxiv_id=given_arxiv_id(facts.get("arxiv", "")) or _number(candidate),
        doi=given_doi(facts.get("doi", "")),
        citation_key=facts.get("citation_key") or None,
        names_paper=candidate.place not in ("item", "nested", "row") or links_to_paper(text),
        is_whole=candidate.place == "page",
        month=_month(candidate),
        noted_on=_day(candidate),
    )
    entry.body = _body(candidate, entry)
    return entry


def _body(candidate: Candidate, entry: Entry) -> list[tuple[int, str]]:
    """Return the text of an entry: without the line that names it where the record says all that it does."""
    lines = entry.body
    people = (*entry.organizations, *entry.keywords, *entry.authors)
    says = (entry.title, entry.written or "", entry.published or "", entry.venue or "", *people)
    words = set(_WORDS.findall(" ".join(says)))
    if candidate.place == "guillemets":
        text, addresses = split_links(lines[0][1])
        is_said = set(_WORDS.findall(text)) <= words
        return [(lines[0][0], addresses)] * bool(addresses) + lines[1:] if is_said else lines
    named = next((n for n, (_, text) in enumerate(lines) if text.startswith("#") and not text.startswith("#!")), None)
    if (
        candidate.place not in ("heading", "page")
        or named is None
        or any(text.strip() for _, text in _above(lines, named))
    ):
        return lines
    heading = lines[named][1].lstrip("#").strip()
    compact = {word.replace("-", "") for word in says}
    is_said = all(word in words or word in compact for word in _WORDS.findall(heading))
    if "](" not in heading and words and (is_said or heading == entry.written):
        return lines[:named] + lines[named + 1 :]
    return lines


def _above(lines: list[tuple[int, str]], named: int) -> list[tuple[int, str]]:
    return [one for one in lines[:named] if not one[1].startswith("#!")]


def _authors(candidate: Candidate) -> tuple[str, ...]:
    """Return the people of a column or section, or those that stand beside the title; a page's stand in its text."""
    if given := candidate.facts.get("authors"):
        return split_people(titles.plain(given))
    if candidate.place in ("page", "row") or "organizations" in candidate.facts:  # which then stand behind the title
        return ()
    head = titles.plain(_naming(candidate))
    before, _, after = head.partition(candidate.found.title)
    before = re.sub(r"\s*\(\d{4}\)$", "", before.strip(' ,."“*'))
    for people in (before, people_in(head, candidate)):
        is_one = is_person(people) and "link" in candidate.evidence
        if are_people(people) or is_one or cited_people(people) == people:
            return split_people(people)
    if "set apart" in candidate.evidence and are_surnames(before):
        return split_people(before)
    below = (titles.plain(line).lstrip(" -*+>•") for line in candidate.opening[:CITING_LINES])
    cited = next((told for text in (after, *below) if (told := cited_people(text))), None)
    return split_people(cited) if cited else ()


def _naming(candidate: Candidate) -> str:
    """Return the text that holds the title: what names the candidate, or a line below a name."""
    title = candidate.found.title
    texts = (candidate.head, *candidate.opening[:CITING_LINES])
    return next((text for text in texts if title in titles.normal(titles.plain(text))), candidate.found.title)


def _number(candidate: Candidate) -> str | None:
    """Return the number of a preprint that stands alone beside the title, or below it with who wrote the paper."""
    text = _naming(candidate)
    if "link" in candidate.evidence or text != candidate.head:
        return bare_arxiv_id(text)
    return next((bare_arxiv_id(line) for line in candidate.opening[:1] if says_who(line)), None)


def _month(candidate: Candidate) -> str | None:
    """Return the month of reading: as labelled, said or ticked off."""
    if told := dates.month_in(candidate.facts.get("read", "")):
        return told
    said = (_READ.search(text) for text in (candidate.head, *candidate.opening[:CITING_LINES]))
    return next((month for one in said if one and (month := dates.month_in(one["date"]))), None)


def _day(candidate: Candidate) -> str:
    """Return the day that stands before the title in a heading: "14 Mar — Toys that Talk" -> "14 Mar"."""
    before = candidate.head.partition(candidate.found.title)[0] if candidate.place == "heading" else ""
    return before.strip(" -—–:：") if dates.day_in(before) else ""


def _venue(candidate: Candidate) -> str | None:
    """Return the venue: as labelled, else the first with its year in the date, the head or a short line below."""
    if given := candidate.facts.get("venue"):
        return titles.normal(titles.plain(given))
    short = [line for line in candidate.opening[:LINK_LINES] if len(line) < SHORT_LINE]
    texts = [
        candidate.facts.get("date", ""),
        candidate.head,
        _naming(candidate),
        *(short if candidate.place in ("page", "heading", "paragraph") else filter(says_who, short[:1])),
    ]
    return next((found[0] for text in texts if (found := find_venue(titles.plain(text)))), None)
