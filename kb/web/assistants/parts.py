"""Texts of any length as parts that an assistant can read."""

from collections.abc import Sequence

from kb.errors import KbError
from kb.markup.unseen import clean

MOST_CHARACTERS = 12_000  # of one answer; of Chinese that is about as many tokens, of English a third
MOST_IN_A_LINE = 2_000


def part_of(lines: Sequence[str], part: int, way_out: str = "") -> str:
    """Return one part of lines, with a last line that says how to go on; way_out says how to ask for less.

    Raises: KbError if there is no such part.
    Example: of 30,000 characters, part 1 -> the first 12,000 and "(part 1 of 3; part=2 goes on)".
    """
    parts = cut(lines)
    if not 1 <= part <= len(parts):
        raise KbError(f"part should be 1 to {len(parts)}, got {part}")
    text = clean("\n".join(parts[part - 1]))
    if len(parts) == 1:
        return text
    on = f"; part={part + 1} goes on{f', or {way_out}' if way_out else ''}" if part < len(parts) else ""
    return f"{text}\n(part {part} of {len(parts)}{on})"


def cut(lines: Sequence[str]) -> list[list[str]]:
    """Return lines as parts of MOST_CHARACTERS at most, one at least."""
    parts: list[list[str]] = [[]]
    room = MOST_CHARACTERS
    for line in map(clipped, lines):
        if len(line) + 1 > room:
            parts.append([])
            room = MOST_CHARACTERS
        parts[-1].append(line)
        room -= len(line) + 1
    return parts


def clipped(text: str, most: int = MOST_IN_A_LINE) -> str:
    """Return text, cut if it is longer than most, with how much was left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters more)"
