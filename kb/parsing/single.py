"""One file, one paper: what every note is that follows no other grammar."""

from pathlib import PurePosixPath

from kb.parsing import names
from kb.parsing.blocks import Block
from kb.parsing.entry import Entry
from kb.parsing.frontmatter import FrontMatter


def find_entries(blocks: list[Block], lines: list[str], front: FrontMatter, file: str) -> list[Entry]:
    """Return the file as one entry, named by its front matter, else its first heading, else its file name.

    A file without any text has no entry.
    """
    start = next((n for n, line in enumerate(lines) if n >= front.line_count and line.strip()), None)
    if start is None:
        return []
    headings = [block for block in blocks if block.level]
    own_title = headings[0] if headings and headings[0].line == start else None
    title = front.text("title") or (own_title.text.strip() if own_title else PurePosixPath(file).stem)
    return [
        Entry(
            title=title,
            line=start,
            body=[(n, lines[n]) for n in range(start + 1 if own_title else start, len(lines))],
            short_name=names.short_name(title),
            headings={block.line: block.text.strip() for block in headings if block is not own_title},
            sections=tuple(block.text.strip() for block in headings if block is not own_title),
            organizations=front.texts("organization", "organizations", "org", "affiliation"),
        )
    ]
