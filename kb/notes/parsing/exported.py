"""A note that `kb export --format obsidian` wrote: its front matter says all that is known of its paper."""

from typing import get_args

from kb.notes.parsing import dates
from kb.notes.parsing.entry import Entry
from kb.notes.parsing.frontmatter import FrontMatter
from kb.records import Kind

MARKER = "kb_export"


def find_entries(front: FrontMatter, lines: list[str]) -> list[Entry]:
    """Return the note as one entry if it was exported; what has been written into its text since is text."""
    title = front.text("title")
    if not front.text(MARKER) or not title:
        return []
    kind = next((kind for kind in get_args(Kind) if kind == front.text("kind")), None)
    start = next((n for n in range(front.line_count, len(lines)) if lines[n].strip()), len(lines))
    return [
        Entry(
            title=title,
            line=min(start, len(lines) - 1),
            body=[(n, lines[n]) for n in range(start, len(lines))],
            kind=kind,
            short_name=front.text("short_name"),
            organizations=front.texts("organizations"),
            keywords=front.texts("keywords"),
            arxiv_id=front.text("arxiv"),
            doi=front.text("doi"),
            authors=front.texts("authors"),
            venue=front.text("venue"),
            published=front.text("published"),
            month=dates.month_in(front.text("read") or ""),
            is_starred=front.text("starred") == "true",
        )
    ]
