"""Where a line of text ends, Chinese included: it breaks between any two signs but before 。 and after 「."""

from itertools import pairwise

from rich.cells import cell_len

_NEVER_FIRST = frozenset("，。、；：？！）》〉」』】〕”’…—·～,.;:?!)]}%")
_NEVER_LAST = frozenset("（《〈「『【〔“‘([{")


def breaks(text: str, width: int) -> list[int]:
    """Return where a line of text has to be broken to fit: the indices of what begins the next one.

    Example: "RVQ 用残差。" in 7 columns -> [5], because 残 has no room any more, and 用 has.
    """
    found: list[int] = []
    start = best = room = 0  # where the line begins, where it may end last, the columns it has taken
    for position, sign in enumerate(text):
        if position > start and _may_part(text, position):
            best = position
        columns = cell_len(sign)
        if room + columns > width and position > start and not sign.isspace():
            start = best if best > start else position
            found.append(start)
            room = sum(map(cell_len, text[start:position]))
        room += columns
    return found


def _may_part(text: str, position: int) -> bool:
    """Whether a line may end before position."""
    before, after = text[position - 1], text[position]
    if before.isspace() or after.isspace():
        return before.isspace() and not after.isspace()
    if after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return cell_len(before) == 2 or cell_len(after) == 2


def lines(text: str, width: int) -> list[str]:
    """Return text, which has no line ends, as lines of at most width columns, without spaces at their ends."""
    starts = [0, *breaks(text, width), len(text)]
    return [text[start:end].strip() for start, end in pairwise(starts)]
