"""Items of lists that may name papers."""

import re
from collections.abc import Sequence

from kb.notes.parsing import titles
from kb.notes.parsing.bylines import says_who
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.guards import goes_on, names_nothing, title_in
from kb.notes.parsing.headings import TITLE_WORDS
from kb.notes.parsing.labels import labelled, leading_label
from kb.notes.parsing.links import split_links
from kb.notes.parsing.measuring import OPENING_LINES, is_only_link, of_head, of_opening, of_title
from kb.notes.parsing.organizations import looks_like_organization
from kb.notes.parsing.outline import Item, Outline
from kb.notes.parsing.paragraphs import facts_behind
from kb.patterns import pattern

LONGEST_HEAD = 3000  # characters of the paragraph that an item begins with
LINES_LOOKED_AT = 20  # below the first of an item
_GUILLEMETS = pattern(r"^\W*《[^》]+》\**(?:\]\([^)]*\))?\**[，,:：]?\s*(?P<rest>[^：:。\n]{1,60})(?=[：:。]|$)")
_HAN_LABEL = pattern(r"[\u4e00-\u9fff（）()、/ ]{2,14}\s*[:：]\s*<?(?:https?://|\[)")  # "技术报告（后出）：https://…"
_BOLD_LABEL = pattern(r"(?:\*\*|__)(?P<label>[^*_:：]{2,24})(?:[:：](?:\*\*|__)|(?:\*\*|__)\s?[:：])")
_SET_APART = frozenset(("linked", "bold", "note", "named", "title label"))  # from the words around it
_CITATION = pattern(r"\[\d+\](?!\()")


def propose(outline: Outline, lines: Sequence[str]) -> list[Candidate]:
    """Return a candidate for each item that could be a title; one that is a label is a fact about something else."""
    return [found for item in outline.items if (found := _item(outline, item, lines))]


def _is_remark(text: str) -> bool:
    """Whether general words in bold say what follows: "**Idea**: fewer levels"."""
    found = _BOLD_LABEL.match(text)
    return bool(found and names_nothing(found["label"]))


def _named(text: str) -> str:
    """Return the first paragraph of an item up to a line of its own that is a label or an address."""
    if "\n" not in text:
        return text
    lines = text.split("\n")
    ends = (n for n in range(1, len(lines)) if leading_label(lines[n]) or is_only_link(lines[n]) or says_who(lines[n]))
    end = next(ends, len(lines))
    return "\n".join(lines[:end])


def _item(outline: Outline, item: Item, lines: Sequence[str]) -> Candidate | None:
    if not item.text.strip() or len(item.text) > LONGEST_HEAD or _CITATION.match(item.text):
        return None
    head = text = outline.resolved(_named(item.text))
    label = leading_label(text)
    if label:
        if label.field != "title" or (item.depth and item.end == item.line + 1):  # else what is below belongs to it
            return None
        text = label.value
    if titles.is_anchor(text) or _HAN_LABEL.match(text) or _is_remark(text):
        return None
    found = title_in(text)
    if not found:
        return None
    if len(found.title.split()) < TITLE_WORDS and item.line + 1 < item.end:
        child = re.sub(r"^\s*[-*+]\s+", "", outline.resolved(lines[item.line + 1]))
        if child.lower().startswith(f"{found.title.lower()}:") and len(child.split()) >= TITLE_WORDS:
            found = titles.find_title(child) or found
    below = (outline.resolved(line) for line in lines[item.line + 1 : min(item.end, item.line + LINES_LOOKED_AT)])
    opening = tuple([line for line in below if line.strip()][:OPENING_LINES])
    candidate = Candidate("nested" if item.depth else "item", item.line, item.end, found, head, opening)
    candidate.level = item.depth
    candidate.facts = labelled(opening)
    if guillemets := _GUILLEMETS.search(titles.without_addresses(split_links(head)[0]) if "》" in head else ""):
        behind = facts_behind(guillemets["rest"])
        candidate.facts = behind | candidate.facts
        if looks_like_organization(behind["organizations"]):
            candidate.evidence.add("label")
    candidate.evidence |= of_title(found.title) | of_head(candidate) | of_opening(candidate)
    if label:
        candidate.evidence.add("title label")
    if goes_on(found.title) and candidate.evidence.isdisjoint(_SET_APART):
        return None
    if outline.is_cited(item.line) and "labels" not in candidate.evidence:
        return None
    candidate.neighbours = (item.depth, outline.section(item.line))
    return candidate
