"""The outline of a note -> its entries: what may be one is proposed, the candidates that explain the note are taken."""

from collections import Counter
from collections.abc import Mapping, Sequence

from kb.notes.parsing import citations, headings, lists, measuring, pages, paragraphs, tables, titles
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.entry import Entry
from kb.notes.parsing.filling import fill
from kb.notes.parsing.frontmatter import FrontMatter
from kb.notes.parsing.outline import Outline
from kb.notes.parsing.sections import end_of_text, sections_of
from kb.notes.parsing.weights import SURE, WEIGHTS, entries_among
from kb.patterns import pattern

GRAMMARS = {  # what a note is called after the place of most of its entries
    "page": "single",
    "heading": "headings",
    "item": "list",
    "nested": "list",
    "row": "table",
    "guillemets": "guillemets",
    "paragraph": "paragraphs",
    "bibtex": "bibtex",
}
REASONS = {
    "single": "its opening or its name says which paper it is about",
    "headings": "headings that name papers",
    "list": "items that name papers",
    "table": "rows that name papers",
    "guillemets": "titles in guillemets",
    "paragraphs": "paragraphs that name papers",
    "bibtex": "entries of BibTeX",
}
SAME_SHARE = 0.6  # of the letters of a title that another one holds, for both to be one
_LETTERS = pattern(r"[^\W_]+")


def candidates(outline: Outline, lines: Sequence[str], front: FrontMatter, file: str) -> list[Candidate]:
    """Return what may be an entry, sorted by line, a wider candidate before what it holds."""
    named = headings.propose(outline, lines)
    rows = tables.propose(outline, lines)
    page = pages.page_of(outline, lines, front, file)
    whole = pages.propose(page, named, {one.line for one in rows}) if page else None
    found = [*([whole] if whole else []), *named]
    found += lists.propose(outline, lines)
    found += rows
    said_above = {below: one for one in named if (below := _first_below(one, lines)) is not None}
    found += [one for one in paragraphs.propose(outline, lines) if not _is_said(one, said_above.get(one.line), lines)]
    said = measuring.of_file(lines, file)
    inside = bytearray(len(lines))  # the lines below headings that link to their papers
    for one in named:
        if one.evidence & measuring.LINKED:
            inside[one.line + 1 : one.end] = b"\1" * (one.end - one.line - 1)
    for one in found:
        one.evidence |= said
        if _is_named_alone(one) and not inside[one.line]:
            one.evidence.discard("short")
    return sorted(found, key=lambda one: (one.line, -one.end, one.place != "page"))


def _is_named_alone(one: Candidate) -> bool:
    """Whether a short name says nothing against a candidate, because its own link says which paper it is."""
    return "linked" in one.evidence if one.place == "paragraph" else bool(one.evidence & measuring.LINKED)


def _first_below(one: Candidate, lines: Sequence[str]) -> int | None:
    """Return the line of the first text below a heading."""
    return next((n for n in range(one.line + 1, one.end) if lines[n].strip()), None)


def _is_said(one: Candidate, heading: Candidate | None, lines: Sequence[str]) -> bool:
    """Whether a paragraph right below a heading is only the link to its paper, or gives the title in full."""
    if heading is None:
        return False
    is_link = "link below" in heading.evidence and measuring.is_only_link(lines[one.line])
    return is_link or heading.found.title == one.found.title


def entries(
    outline: Outline,
    lines: Sequence[str],
    front: FrontMatter,
    file: str,
    evidence: Mapping[str, float] = WEIGHTS,
) -> tuple[str, int, list[Entry]]:
    """Return the grammar of most entries of a note, how many have it, and all entries, each with lines of its own."""
    chosen = _without_twins(entries_among(candidates(outline, lines, front, file), evidence))
    if not any(lines) and (empty := pages.planned(file)):
        chosen = [empty]
    cited = citations.propose(outline, file) if any(line.lstrip().startswith("@") for line in lines) else []
    if len(cited) > 1:  # a collection of them is no paper itself
        chosen = [one for one in chosen if not _heads(one, cited)]
    found: list[Entry] = []
    open_ones: list[tuple[int, Entry]] = []
    starts = [one.line for one in chosen]
    sections = sections_of(outline, lines, starts)
    if cited:
        spans = [
            (one.line, min(_end(one, outline, sections, len(lines)), following))
            for one, following in zip(chosen, [*starts[1:], len(lines)], strict=False)
        ]
        chosen += [
            one
            for one in cited
            if not any(start <= one.line < end for start, end in spans)
            and not any(_is_same(one.found.title, other.found.title) for other in chosen)
        ]
        chosen.sort(key=lambda one: one.line)
        starts = [one.line for one in chosen]
    inside: set[int] = set()  # headings that belong to an entry
    for number, one in enumerate(chosen):
        next_start = starts[number + 1] if number + 1 < len(starts) else len(lines)
        end = min(_end(one, outline, sections, len(lines)), next_start)
        inner = [block for block in outline.headings if one.line < block.line < end and block.text != one.head]
        path = _path(one, outline, inside)
        entry = fill(one, end, lines, path, inner)
        entry.resolved = outline.resolved("\n".join(text for _, text in entry.body))
        while open_ones and open_ones[-1][0] <= one.line:
            open_ones.pop()
        entry.parent = open_ones[-1][1] if open_ones else None
        open_ones.append((one.end, entry))
        inside |= {block.line for block in inner} | ({one.line} if one.place == "heading" else set())
        found.append(entry)
    counts = Counter(GRAMMARS[one.place] for one in chosen)
    grammar, count = counts.most_common(1)[0] if counts else ("", 0)
    return grammar, count, found


def _without_twins(chosen: list[Candidate]) -> list[Candidate]:
    """Return chosen without a second one that begins in the same line, or that says the same within another."""
    found: list[Candidate] = []
    open_ones: list[Candidate] = []
    for one in chosen:
        while open_ones and open_ones[-1].end <= one.line:
            open_ones.pop()
        if open_ones and _begins_with(open_ones[-1], one):
            found.remove(open_ones.pop())
        twin = next(
            (
                other
                for other in open_ones
                if one.line in (other.line, other.heading) or _is_same(other.found.title, one.found.title)
            ),
            None,
        )
        if twin:
            twin.facts |= one.facts
            continue
        found.append(one)
        open_ones.append(one)
    return found


def _heads(one: Candidate, cited: Sequence[Candidate]) -> bool:
    """Whether an entry that says nothing of its paper only stands above several entries of BibTeX."""
    is_above = all(one.line < other.line < one.end for other in cited)
    is_theirs = any(_is_same(one.found.title, other.found.title) for other in cited)
    return is_above and not is_theirs and one.evidence.isdisjoint(SURE)


def _begins_with(page: Candidate, one: Candidate) -> bool:
    """Whether a file begins with an entry that is about another paper: then it is none itself."""
    is_first = page.place == "page" and page.line == one.line != page.heading
    return is_first and not _is_same(page.found.title, one.found.title)


def _is_same(one: str, other: str) -> bool:
    """Whether two titles have the same letters, or one holds the other and not much more."""
    shorter, longer = sorted(
        ("".join(_LETTERS.findall(one.lower())), "".join(_LETTERS.findall(other.lower()))), key=len
    )
    return shorter == longer or (shorter in longer and len(shorter) >= SAME_SHARE * len(longer))


def _end(one: Candidate, outline: Outline, sections: set[int], last: int) -> int:
    """Return where a candidate ends; a paragraph goes on to the heading that closes it."""
    return end_of_text(outline, one.line, sections, last) if one.place in ("guillemets", "paragraph") else one.end


def _path(one: Candidate, outline: Outline, inside: set[int]) -> tuple[str, ...]:
    """Return the headings that one stands under; those that belong to other entries are none."""
    above = [block for block in outline.path(one.line) if block.line != one.line and block.line not in inside]
    if one.place in ("guillemets", "paragraph", "heading"):
        above = [block for block in above if block.level > 1 and not (one.level and block.level >= one.level)]
    return titles.heading_names(above)
