"""Lists of papers: an item is a paper where links, numbers or venues say so, or where its neighbours are."""

import re
from itertools import groupby

from kb.parsing import dates, names, titles
from kb.parsing.entry import Entry
from kb.parsing.evidence import VENUE, links_to_paper, speaks_of_paper
from kb.parsing.outline import Item, Outline

EVIDENT_SHARE = 0.5  # of the items of a list of papers
FEWEST = 2
FEWEST_TITLE_WORDS = 3  # in Latin letters between guillemets: books and films stand there too
_TITLE_WORDS = re.compile(r"[A-Za-z]{2,}")
_PUBLISHED = re.compile(r"[(（]\**\s*(?:19|20)\d\d(?:[.\-/]\d{1,2})?\s*\**[)）]\s*\]\(")  # [Title (2015.06)](…
_REFERENCES = re.compile(
    r"(?:[\d.]+\s*)?(?:references?|bibliography|further reading|see also|citations?"
    r"|参考文献|参考资料|参考|引用|延伸阅读|扩展阅读)",
    re.IGNORECASE,
)


def find_entries(outline: Outline, lines: list[str]) -> list[Entry]:
    """Return an entry for each outermost item of each list of papers."""
    outermost = [item for item in outline.items if item.depth == 0]
    found: list[Entry] = []
    for _, group in groupby(outermost, key=lambda item: outline.section(item.line)):
        items = list(group)
        path = titles.heading_names(outline.path(items[0].line))
        if path and _REFERENCES.fullmatch(path[-1]):
            continue
        evident = [_is_evident(item, lines) for item in items]
        if sum(evident) < max(FEWEST, EVIDENT_SHARE * len(items)):
            continue
        found += [entry for item in items if (entry := _entry(item, path, lines))]
    return found


def _is_evident(item: Item, lines: list[str]) -> bool:
    text = "\n".join(lines[item.line : item.end])
    found = titles.find_title(item.text)
    if found and item.text.lstrip("*_ ").startswith("《"):
        return len(_TITLE_WORDS.findall(found.title)) >= FEWEST_TITLE_WORDS
    return found is not None and bool(speaks_of_paper(text) or _PUBLISHED.search(item.text))


def _entry(item: Item, path: tuple[str, ...], lines: list[str]) -> Entry | None:
    found = titles.find_title(item.text)
    if not found or not ("](" in item.text or "《" in item.text or speaks_of_paper(item.text)):
        return None
    text = "\n".join(lines[item.line : item.end])
    venue = VENUE.search(titles.plain(text))
    return Entry(
        title=found.title,
        written=found.written,
        line=item.line,
        end=item.end,
        body=[(n, lines[n]) for n in range(item.line, item.end)],
        short_name=names.short_name(found.title),
        section_path=path,
        venue=venue[0] if venue else None,
        published=dates.date_in(found.date or ""),
        is_starred=found.is_starred,
        names_paper=links_to_paper(text),
    )
