"""Which headings hold entries, and where an entry ends that does not begin with a heading of its own."""

from bisect import bisect_right
from collections.abc import Sequence

from kb.notes.parsing.outline import Outline


def sections_of(outline: Outline, lines: Sequence[str], starts: Sequence[int]) -> set[int]:
    """Return the lines of the headings that are sections: an entry stands under them.

    It does if it follows at once, or if one follows at once another heading of that level; else the text between says
    that the heading was the last of the entry before.

    Args:
        starts: lines that entries begin in, in order.
    """
    found: set[int] = set()
    levels: set[int] = set()
    for number, block in enumerate(outline.headings):
        place = bisect_right(starts, block.line)
        end = outline.end(number) or len(lines)
        if place < len(starts) and starts[place] < end:
            found.add(number)
            if not any(lines[n].strip() for n in range(block.end, starts[place])):
                levels.add(block.level)
    return {outline.headings[number].line for number in found if outline.headings[number].level in levels}


def end_of_text(outline: Outline, line: int, sections: set[int], last: int) -> int:
    """Return where the text of an entry that begins in line ends: at another section, or with the section it is in.

    Headings between the two belong to entries. Without a section above, the last heading above is taken for one.
    Example: "## A", "**《One》**", "### Results", "**《Two》**", "### Results", "## B" -> Two ends at "## B".
    """
    number = outline.section(line)
    above = [block.level for block in outline.path(line) if block.line in sections]
    level = above[-1] if above else outline.headings[number].level if number >= 0 else 6
    for following in outline.headings[number + 1 :]:
        if following.level <= level or following.line in sections:
            return following.line
    return last
