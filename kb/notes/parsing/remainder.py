"""What belongs to no entry: a note's text under each heading, or all of a file that names no paper."""

from collections.abc import Sequence, Set

from kb.notes.parsing import names, titles
from kb.notes.parsing.entry import Entry
from kb.notes.parsing.frontmatter import FrontMatter
from kb.notes.parsing.outline import Outline
from kb.notes.parsing.pages import page_of
from kb.patterns import pattern

_WORD = pattern(r"\w")
_WORDS = pattern(r"[^\W_]+")


def what_is_left(
    outline: Outline, lines: Sequence[str], start: int, entries: Sequence[Entry], name: str
) -> list[Entry]:
    """Return the lines from start on that lie in no entry, an entry for each stretch of them under one heading.

    A heading without text of its own is one only where the path of no entry holds it. name is that of the note, which
    text under no heading has.
    """
    taken = bytearray(len(lines))
    for entry in entries:
        end = entry.last_line + 1
        taken[entry.line : end] = b"\1" * (end - entry.line)
    starts = {entry.line for entry in entries}
    headings = {block.line: block for block in outline.headings}
    known = {step for entry in entries for step in entry.section_path}
    found: list[Entry] = []
    bare: list[int] = []  # headings that nothing else holds
    run: list[int] = []

    def close() -> None:
        texts = [number for number in run if number not in headings and _WORD.search(lines[number])]
        if texts:
            found.append(_entry(outline, lines, run, name, starts))
        else:
            bare.extend(number for number in run if number in headings and not _is_known(headings[number].text, known))
        run.clear()

    for number in range(start, len(lines)):
        if taken[number]:
            if run:
                close()
            continue
        if number in headings:
            close()
        if _WORD.search(lines[number]) or run:
            run.append(number)
    close()
    found += [_entry(outline, lines, [number], name, starts) for number in bare]
    return sorted(found, key=lambda entry: entry.line)


def _is_known(heading: str, known: Set[str]) -> bool:
    """Whether the paths of entries hold all that a heading says."""
    name = titles.normal(titles.plain(heading))
    return name in known and set(_WORDS.findall(heading)) <= set(_WORDS.findall(name))


def _entry(outline: Outline, lines: Sequence[str], run: Sequence[int], name: str, starts: Set[int]) -> Entry:
    """Return the entry of a run of lines; the headings that entries begin with are not those it stands under."""
    path = [block for block in outline.path(run[0]) if block.line not in starts]
    return Entry(
        title=titles.normal(titles.plain(path[-1].text if path else name)) or name,
        line=run[0],
        body=[(number, lines[number]) for number in run],
        kind="note",
        section_path=titles.heading_names(path),
        is_rest=True,
    )


def whole_note(outline: Outline, lines: Sequence[str], front: FrontMatter, file: str) -> list[Entry]:
    """Return a file that names no paper as one entry; a file without any text has none."""
    page = page_of(outline, lines, front, file)
    if page is None:
        return []
    given = front.text("title") or (page.heading.text.strip() if page.heading else "")
    title = titles.normal(titles.plain(given)) or given or titles.of_file(page.stem)
    headings = [block for block in outline.headings if block is not page.heading]
    says_no_more = (
        page.heading is not None
        and page.heading.line == page.start
        and set(_WORDS.findall(page.heading.text)) <= set(_WORDS.findall(f"{title} {given}"))
    )
    named_by = page.heading.line if page.heading and says_no_more and "](" not in page.heading.text else None
    return [
        Entry(
            title=title,
            written=given or page.stem,
            line=page.start,
            body=[(n, lines[n]) for n in range(page.start, len(lines)) if n != named_by],
            kind="note",
            short_name=names.short_name(title),
            headings={block.line: block.text.strip() for block in headings},
            sections=tuple(block.text.strip() for block in headings),
            keywords=names.split_keywords("、".join(front.texts("keywords", "tags"))),
            is_starred=bool(page.heading and titles.has_star(page.heading.text)),
        )
    ]
