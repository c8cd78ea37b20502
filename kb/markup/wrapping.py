"""Text of rich in lines of so many columns, Chinese included."""

from typing import Any

from rich.console import Console
from rich.containers import Lines
from rich.text import Text

from kb.markup.line_breaks import breaks


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
