"""Paragraphs that may name papers.

They begin with `**《Title》** organization，keywords`, with `**[Title](note.md)**` that `: text` stands below, with a
title and its year or link on a line of its own, or are `<details>` that have a title for summary.
"""

import re
from collections.abc import Iterator, Sequence

from kb.notes.parsing import titles
from kb.notes.parsing.bylines import says_who
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.citing import cited_people
from kb.notes.parsing.evidence import links_to_paper, research_words
from kb.notes.parsing.guards import names_nothing, title_in
from kb.notes.parsing.headings import TITLE_WORDS, whole_title
from kb.notes.parsing.labels import labelled, leading_label
from kb.notes.parsing.links import split_links
from kb.notes.parsing.measuring import OPENING_LINES, is_only_link, of_head, of_opening, of_title
from kb.notes.parsing.outline import Block, Outline
from kb.notes.parsing.sections import end_of_text, sections_of
from kb.notes.parsing.titles import Found
from kb.patterns import pattern

LONGEST_LEAD = 60  # characters of prose before a link that it is about
LINKED_WORDS = 4  # of a link in prose, for it to be a title
LONGEST_COUNT = 20  # characters of a line such as "Paper 2" above a label
LONGEST_HEAD = 600  # characters of the line that names a paper
_ENTRY = pattern(r"\*\*\s*《(?P<title>.+)》\s*\*\*[ \t:：]*(?P<rest>.*)$")
_BEGINS = pattern(
    r"\*\*|__|\[|《|<details|<summary|[A-Z\"“0-9]|[a-z]{1,6}[A-Z\d]|[一二三四五六七八九十]{1,3}[、.]|\W*[\u4e00-\u9fff]{2,6}\W{0,4}[:：]"
)
_CITATION = pattern(r"\[\d+\](?!\()|[A-Z][\w-]+,? (?:[A-Z]\.?,? ?){1,3}(?:,|and )")
_SUMMARY = pattern(r"<summary>(?P<title>.*?)</summary>", re.DOTALL)
_TELLING = pattern(r"[(（\[](?:[^()（）\[\]]{0,40}\D)?(?:19|20)\d\d|https?://|arxiv", re.IGNORECASE)
_SIGNS = pattern(r"^(?:[^\w\s*_\[《<\"“(（`|~>#$\\-]\ufe0f?\s*){1,3}(?=[\w*_\[《])")  # "🗞 Toys that Talk"
_CALLOUT = pattern(r"^\[!\w+\][+-]?\s+")
_NUMBERED = pattern(r"(?:\d{1,3}[.、)）]|[(（]\d{1,3}[)）]|[①-⑳•·])\s*(?=\S)|《")
_LINKED = pattern(r"\[(?P<title>[^\[\]]{12,300})\]\((?P<url>https?://[^()\s]+)\)")
_READ = pattern(r"(?:[。！？]|[.!?]\s|[读看学][了完过到]?\s?|\bread(?:ing)?\s)$")
_DEFINITION = pattern(r":\s+\S")


def propose(outline: Outline, lines: Sequence[str]) -> list[Candidate]:
    """Return a candidate for each paragraph, outside of lists and quotes, that begins as one about a paper does."""
    found: list[Candidate] = []
    for number, block in enumerate(outline.blocks):
        if block.level or outline.is_cited(block.line):
            continue
        if entries := list(_guillemets(outline, block)):
            found += entries
        elif listed := _listed(outline, block):
            found += listed
        elif candidate := _linked(outline, block) or _paragraph(outline, number) or _told(outline, number):
            found.append(candidate)
    found += [one for block in outline.quotes if (one := _quoted(outline, block))]
    named = [one for one in found if one.place == "guillemets"]
    sections = sections_of(outline, lines, [one.line for one in named])
    following = len(lines)
    for one in reversed(named):
        one.end = min(end_of_text(outline, one.line, sections, len(lines)), following)
        following = one.line
    return found


def _guillemets(outline: Outline, block: Block) -> Iterator[Candidate]:
    """Yield a candidate for each line of a monthly list in a paragraph."""
    texts = block.text.split("\n")
    for offset, text in enumerate(texts):
        if "《" not in text or not (named := _ENTRY.match(titles.without_stars(text).strip())):
            continue
        written = named["title"].strip()
        candidate = Candidate(
            "guillemets",
            block.line + offset,
            block.end,
            Found(written, written, None, titles.has_star(text)),
            outline.resolved(text),
            tuple(texts[offset + 1 :][:OPENING_LINES]),
        )
        candidate.facts = facts_behind(named["rest"])
        candidate.evidence = of_title(written) | of_head(candidate) | {"guillemets", "bold"}
        candidate.neighbours = ("guillemets", outline.section(block.line))
        yield candidate


def _below(outline: Outline, number: int) -> str:
    """Return the paragraph right below another one, empty if there is none."""
    block = outline.blocks[number]
    following = outline.blocks[number + 1] if number + 1 < len(outline.blocks) else None
    is_near = following and not following.level and following.line <= block.end + 1
    return outline.resolved(following.text) if following and is_near else ""


def facts_behind(rest: str) -> dict[str, str]:
    """Return the organizations and keywords that stand behind a title in guillemets: "》，CMU，codec：…"."""
    bare = titles.without_addresses(split_links(rest)[0])
    organization, _, keywords = bare.strip("* ，,").replace(",", "，").partition("，")
    return {"organizations": organization.strip(), "keywords": keywords.strip()}


def _told(outline: Outline, number: int) -> Candidate | None:
    """Return the paper that the first line of a paragraph tells of: "今天介绍发表在 ICSE 的工作《Toys》…"."""
    block = outline.blocks[number]
    texts = block.text.split("\n")
    found = titles.told_title(texts[0])
    if not found or names_nothing(found.title):
        return None
    candidate = Candidate("paragraph", block.line, block.end, found, outline.resolved(texts[0]), tuple(texts[1:]))
    candidate.evidence = of_title(found.title) | of_head(candidate) | {"title label"}
    candidate.neighbours = ("paragraph", outline.section(block.line))
    return candidate


def _listed(outline: Outline, block: Block) -> list[Candidate]:
    """Return the papers of a paragraph whose lines are as good as a list: "1、《Toys》…", "2、《More Toys》…"."""
    texts = block.text.split("\n")
    if len(texts) < 2 or not all(_NUMBERED.match(text) for text in texts):
        return []
    found = []
    for offset, text in enumerate(texts):
        head = outline.resolved(text)
        if not (title := title_in(head)):
            return []
        line = block.line + offset
        candidate = Candidate("paragraph", line, line + 1, title, head)
        candidate.evidence = of_title(title.title) | of_head(candidate)
        candidate.neighbours = ("paragraph", outline.section(block.line))
        found.append(candidate)
    return found


def _quoted(outline: Outline, block: Block) -> Candidate | None:
    """Return the paper that a quote names, with who wrote it or its link below: "> **Toys**", "> [!note] Toys"."""
    texts = [outline.resolved(line) for line in block.text.split("\n")]
    head = _CALLOUT.sub("", texts[0])
    found = title_in(head) if head != texts[0] or head.startswith("**") else None
    is_cited = bool(found and cited_people(titles.plain(head).partition(found.title)[2]))
    if not found or len(texts) < 2 or not (is_cited or says_who(texts[1]) or is_only_link(texts[1])):
        return None
    candidate = Candidate("paragraph", block.line, block.end, found, head, tuple(texts[1:][:OPENING_LINES]))
    candidate.facts = labelled(candidate.opening)
    candidate.evidence = of_title(found.title) | of_head(candidate) | of_opening(candidate) | {"bold"}
    candidate.neighbours = ("quote", outline.section(block.line))
    return candidate


def _linked(outline: Outline, block: Block) -> Candidate | None:
    """Return the paper that prose links to by its title: "This week it was [Toys that Talk to Us](https://…), …"."""
    text = outline.resolved(block.text.replace("\n", " "))
    links = [one for one in _LINKED.finditer(text) if len(one["title"].split()) >= LINKED_WORDS]
    links = [one for one in links if one.start() <= LONGEST_LEAD or _READ.search(text, 0, one.start())]
    link = next((one for one in links if links_to_paper(one[0]) and text[: one.start()].strip("*_ ")), None)
    found = title_in(text[link.start() :]) if link else None
    if not link or not found:
        return None
    candidate = Candidate("paragraph", block.line, block.end, found, text[link.start() :])
    candidate.evidence = of_title(found.title) | of_head(candidate) | {"mention"}
    candidate.neighbours = ("paragraph", outline.section(block.line))
    return candidate


def _paragraph(outline: Outline, number: int) -> Candidate | None:
    block = outline.blocks[number]
    texts = block.text.split("\n")
    first = _first_said(texts)
    texts = texts[first:]
    head = outline.resolved(_SIGNS.sub("", texts[0].strip()))
    apart = titles.set_apart(head)
    is_above = len(texts) > 1 and says_who(texts[1])
    begins_so = _BEGINS.match(head) and not _CITATION.match(head)
    if len(head) > LONGEST_HEAD or not (apart or is_above or begins_so):
        return None
    text = head
    is_defined = len(texts) > 1 and bool(_DEFINITION.match(texts[1]))
    label = leading_label(head)
    if summary := _SUMMARY.search(block.text):
        head = text = outline.resolved(" ".join(summary["title"].split()))
    elif label:
        if label.field != "title":
            return None
        text = label.value
    elif not (apart or head.startswith(("**", "__", "[", "《")) or _TELLING.search(head) or is_defined):
        following = outline.resolved(texts[1]) if len(texts) > 1 else _below(outline, number)
        is_linked = titles.links_to_its_paper(following, titles.normal(head))
        if not (is_linked or is_above):
            return None
    found = title_in(text)
    if not found:
        return None
    if len(texts) > 1 and len(found.title.split()) < TITLE_WORDS:
        found = whole_title(outline.resolved(texts[1])) or found
    below = [outline.resolved(line) for line in texts[1:]]
    if not below:
        below = _below(outline, number).split("\n")
    candidate = Candidate("paragraph", block.line + first, block.end, found, head, tuple(below[:OPENING_LINES]))
    candidate.facts = labelled(candidate.opening)
    candidate.evidence = of_title(found.title) | of_head(candidate) | of_opening(candidate)
    if label and not summary:
        candidate.evidence.add("title label")
    if summary:
        candidate.evidence.add("details")
    if any(_DEFINITION.match(line) for line in candidate.opening):
        candidate.evidence.add("definition")
    candidate.neighbours = ("paragraph", outline.section(block.line))
    return candidate


def _first_said(texts: Sequence[str]) -> int:
    """Return the line of a paragraph where it begins: the one of its title, where one above only counts: "文献二"."""
    if len(texts) < 2 or len(texts[0]) > LONGEST_COUNT or leading_label(texts[0]):
        return 0
    label = leading_label(texts[1])
    return int(label is not None and label.field == "title" and not research_words(texts[0]))
