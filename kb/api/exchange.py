"""Papers from other programs and for them."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened, unheard
from kb.errors import KbError

if TYPE_CHECKING:
    from kb.api.results import Exported
    from kb.exchange.adding import Outcome
    from kb.exchange.export.obsidian import Written
    from kb.exchange.export.works import Work


class ExchangeCases(Opened):
    """Use cases of papers from and to other programs."""

    def add(
        self,
        typed: Sequence[str],
        *,
        month: str | None = None,
        write: bool = False,
        offline: bool = False,
        tell: Callable[[str], None] = unheard,
    ) -> "Iterator[Outcome]":
        """Yield what comes of each paper that was typed: its entry, and with write the note that holds it then.

        month is "2024-10", else this month. arXiv and Crossref are asked, and tell hears of waiting; offline, ids
        become stubs. One that cannot be added does not keep the others from it. Raises: KbError for what is no month.
        """
        from contextlib import nullcontext
        from datetime import date

        from kb.exchange.adding import Plan, add_papers
        from kb.exchange.adding.fetching import opened

        today = date.today()
        if month is not None and not re.fullmatch(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])", month):
            raise KbError(f"--month should look like 2024-10, got {month!r}")
        plan = Plan(self.config, month or f"{today:%Y-%m}", today.isoformat(), write)
        with nullcontext() if offline else opened(tell) as online:
            yield from add_papers(plan, self.reader(), typed, online)

    def export(self, query: str = "", form: str = "bibtex") -> "Exported":
        """Return the papers that a query leaves in a format: "bibtex", "csl-json", "ris", "jsonl" or "csv"."""
        from kb.api.results import Exported
        from kb.exchange.export.formats import RENDERERS

        found = self._works(query)
        return Exported(len(found), RENDERERS[form](found))

    def export_file(self, query: str, form: str, path: Path) -> int:
        """Write what export returns to a file, and return how many papers that are; none writes nothing.

        Raises: KbError if the file cannot be written or lies among the notes.
        """
        from kb.exchange.export.formats import write_file

        if found := self._works(query):
            write_file(self.config, found, form, path)
        return len(found)

    def export_vault(self, query: str, folder: Path) -> "Written | None":
        """Write a note of an Obsidian vault for each paper, and return what was done; None if there is no paper."""
        from kb.exchange.export.formats import write_vault

        found = self._works(query)
        return write_vault(self.config, self.reader(), found, folder) if found else None

    def _works(self, query: str) -> "list[Work]":
        from kb.exchange.export.works import works
        from kb.index.query import parse_query

        return works(self.reader(), parse_query(query))
