"""Papers from other programs and for them."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened, unheard
from kb.errors import KbError

if TYPE_CHECKING:
    from kb.api.results import Exported
    from kb.exchange.adding import Outcome, Plan
    from kb.exchange.export.obsidian import Written
    from kb.exchange.export.works import Work


class ExchangeCases(Opened):
    """Use cases of papers from and to other programs."""

    def add(
        self,
        typed: str | Sequence[str],
        *,
        month: str | None = None,
        write: bool = False,
        offline: bool = False,
        tell: Callable[[str], None] = unheard,
        reads_files: bool = True,
    ) -> "Iterator[Outcome]":
        """Return what comes of each paper that was typed: its entry, and with write the note that holds it then.

        Each is looked up, and written, when the iterator comes to it. month is "2024-10", else this month. arXiv and
        Crossref are asked, and tell hears of waiting; offline, ids become stubs. One that cannot be added does not keep
        the others from it. Without reads_files the path of a .bib is refused. Raises: KbError for what is no month.
        """
        from datetime import date

        from kb.api.given import as_list
        from kb.exchange.adding import Plan

        today = date.today()
        if month is not None and not re.fullmatch(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])", month):
            raise KbError(f"month should look like 2024-10, got {month!r}")
        plan = Plan(self.config, month or f"{today:%Y-%m}", today.isoformat(), write, reads_files)
        return self._added(plan, as_list(typed), None if offline else tell)

    def _added(self, plan: "Plan", typed: Sequence[str], tell: Callable[[str], None] | None) -> "Iterator[Outcome]":
        from contextlib import nullcontext

        from kb.exchange.adding import add_papers
        from kb.exchange.adding.fetching import opened

        with opened(tell) if tell else nullcontext() as online:
            yield from add_papers(plan, self.reader(), typed, online)

    def export(self, query: str = "", form: str = "bibtex") -> "Exported":
        """Return the papers that a query leaves in a format: "bibtex", "csl-json", "ris", "jsonl" or "csv"."""
        from kb.api.given import one_of
        from kb.api.results import Exported
        from kb.exchange.export.formats import RENDERERS

        one_of("form", form, RENDERERS)
        found = self._works(query)
        return Exported(len(found), RENDERERS[form](found))

    def cite(self, names: str | Sequence[str], form: str = "bibtex") -> "Exported":
        """Return papers by their names as export does, but for the text of their notes.

        Raises: KbError if a name means none, several, or what is no paper.
        """
        from kb.api.given import as_list, one_of
        from kb.api.papers import named
        from kb.api.results import Exported
        from kb.exchange.export.formats import RENDERERS
        from kb.exchange.export.works import works_of

        one_of("form", form, RENDERERS)
        reader = self.reader()
        papers = [named(reader, name) for name in as_list(names)]
        for paper in papers:
            if paper.kind not in ("paper", "project"):
                raise KbError(f"{paper.id} is a {paper.kind}, which cannot be cited", "name a paper")
        found = works_of(reader, {key for paper in papers for key in reader.works.notes_of(paper.key)})
        bare = [one._replace(paper=one.paper.model_copy(update={"body": ""}), noted=None) for one in found]
        return Exported(len(bare), RENDERERS[form](bare))

    def export_file(self, query: str, form: str, path: Path | str) -> int:
        """Write what export returns to a file, and return how many papers that are; none writes nothing.

        Raises: KbError if the file cannot be written or lies among the notes.
        """
        from kb.api.given import one_of
        from kb.exchange.export.formats import RENDERERS, write_file

        one_of("form", form, RENDERERS)
        if found := self._works(query):
            write_file(self.config, self.reader(), found, form, Path(path))
        return len(found)

    def export_vault(self, query: str, folder: Path | str) -> "Written | None":
        """Write a note of an Obsidian vault for each paper, and return what was done; None if there is no paper."""
        from kb.exchange.export.formats import write_vault

        found = self._works(query)
        return write_vault(self.config, self.reader(), found, Path(folder)) if found else None

    def _works(self, query: str) -> "list[Work]":
        from kb.exchange.export.works import works
        from kb.index.query import parse_query

        return works(self.reader(), parse_query(query))
