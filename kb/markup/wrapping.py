"""Text in lines of so many columns, Chinese included: it breaks between any two signs but before 。 and after 「."""

from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.text import Text

_NEVER_FIRST = frozenset("，。、；：？！）》〉」』】〕”’…—·～,.;:?!)]}%")
_NEVER_LAST = frozenset("（《〈「『【〔“‘([{")


class Flowing(Text):
    """A text of rich that breaks lines where Chinese does, not only at spaces."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """Return the text as lines of at most width columns."""
        lines = Lines()
        for line in self.split(allow_blank=True):
            line.expand_tabs(8)
            for part in line.divide(breaks(line.plain, width)):
                part.rstrip()
                lines.append(part)
        justify = options.get("justify") or self.justify
        if justify in ("center", "right"):
            lines.justify(console, width, justify=justify)
        return lines


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
