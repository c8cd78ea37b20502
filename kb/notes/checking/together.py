"""What only shows when notes are read together: papers told twice, sections that are written differently."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from kb.notes.checking.findings import Finding
from kb.notes.checking.linking import linked_files
from kb.notes.checking.page import Page
from kb.records import Paper
from kb.terms import name_key

ALIKE = 0.85  # difflib's ratio of two names, from which on one may be the other mistyped
NAME_WORDS = 3  # a title of so few words may be the name of two papers
MOST_FILES = 10  # that one kind of finding names one by one
OFTEN = 3  # files that use a section which is worth being followed


def duplicates(pages: Sequence[Page]) -> Iterator[Finding]:
    """Find a paper that has an entry already, in the same file or in another.

    It goes by titles, short ones too: a finding may be passed over, while the index (kb.notes.same_paper) would hide a
    paper. Two files one of which links to the other are a list and its notes.
    """
    first: dict[str, tuple[Page, Paper]] = {}
    for page in pages:
        for paper in page.papers:
            key = name_key(paper.title)
            if paper.kind not in ("paper", "project") or not key:
                continue
            place, known = first.setdefault(key, (page, paper))
            if known is paper or _only_share_a_name(known, paper):
                continue
            if place is page or not _are_linked(place, page):
                what = f"{paper.title!r} has an entry already at {place.file}:{known.line}"
                yield Finding(page.file, paper.line, "duplicate", what, "keep one of them, or link one to the other")


def papers_without_month(pages: Sequence[Page]) -> Iterator[Finding]:
    """Find files with papers that no heading, front matter or name gives a month; many of them are one finding."""
    found = [(page, one) for page in pages for one in page.papers if one.kind in ("paper", "project") and not one.month]
    of_file = Counter(page.file for page, _ in found)
    first = {page.file: paper for page, paper in reversed(found)}
    suggestion = "name one in a heading, the front matter or the name of the file"
    if len(of_file) > MOST_FILES:
        what = f"no month for {len(found)} papers in {len(of_file)} files, this one the first"
        yield Finding(found[0][0].file, found[0][1].line, "no-month", what, suggestion)
        return
    for file, count in of_file.items():
        others = f" and {count - 1} more" if count > 1 else ""
        yield Finding(file, first[file].line, "no-month", f"no month for {first[file].title!r}{others}", suggestion)


def _only_share_a_name(one: Paper, other: Paper) -> bool:
    """Whether two papers of one title are not the same: by their arXiv ids, or by the links of what is just a name."""
    if one.arxiv_id and other.arxiv_id:
        return one.arxiv_id != other.arxiv_id
    links, others = ({link.url for link in paper.links} for paper in (one, other))
    return len(one.title.split()) <= NAME_WORDS and bool(links and others) and not links & others


def _are_linked(one: Page, other: Page) -> bool:
    return one.path.resolve() in linked_files(other) or other.path.resolve() in linked_files(one)


def mistyped_sections(pages: Sequence[Page]) -> Iterator[Finding]:
    """Find a section used once that is written nearly like one used often."""
    places: dict[str, list[tuple[str, int]]] = {}
    for page in pages:
        names = {name for paper in page.papers for name in paper.section_path}
        for heading in page.headings:
            name = heading.text.strip("*_# ")
            if name in names:
                places.setdefault(name, []).append((page.file, heading.line))
    files = Counter({name: len({file for file, _ in found}) for name, found in places.items()})
    often = [name for name, count in files.items() if count >= OFTEN]
    for name, found in places.items():
        if len(found) == 1 and (meant := next((other for other in often if is_mistyped(name, other)), None)):
            what = f"section {name!r} is used only here, {meant!r} in {files[meant]} files"
            yield Finding(*found[0], "section", what, f"write {meant!r}, if that is meant")


def is_mistyped(name: str, meant: str) -> bool:
    """Whether name may be meant slipped: nearly the same, word by word, with the same numbers and first letters.

    Example: "Speach Codec" may be "Speech Codec"; "Encoder" is not "Decoder", nor 多通道分离 单通道分离.
    """
    one, other = (unicodedata.normalize("NFKC", text).casefold() for text in (name, meant))
    words, meant_words = re.findall(r"\w+", one), re.findall(r"\w+", other)
    if "".join(words) == "".join(meant_words):
        return True
    return (
        SequenceMatcher(None, one, other).ratio() >= ALIKE
        and [word[0] for word in words] == [word[0] for word in meant_words]
        and re.findall(r"\d+", one) == re.findall(r"\d+", other)
    )
