"""What the notes claim, run and kept."""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kb.api.opened import Opened, unwatched
from kb.errors import IndexBusy
from kb.progress import Progress

if TYPE_CHECKING:
    from kb.api.results import Ledger
    from kb.claims.ledger import Entry
    from kb.index.claim_states import ClaimState
    from kb.index.sqlite.ledger import ClaimRow
    from kb.reports.periods import Period


class ClaimCases(Opened):
    """Use cases of claims."""

    def claims(self, target: str | None = None, state: "ClaimState | None" = None) -> "Ledger":
        """Return what the notes claim, and what came of it; of one claim, every run.

        target is a month, a claim, or part of a paper's name.
        """
        from kb.api.results import ledger
        from kb.claims.ledger import select

        reader = self.reader()
        rows = [row for row in select(reader, target) if state in (None, row.state)]
        return ledger(rows)._replace(runs=tuple(reader.claims.runs(target)) if target else ())

    def verify(
        self, target: str | None = None, progress: Progress = unwatched, *, limit_seconds: float | None = None
    ) -> "Ledger":
        """Run what the notes claim, keep the runs, and return what came of it.

        limit_seconds is how much of a processor's time one claim may take; LIMIT_SECONDS of kb.claims.running else.
        """
        from kb.api.results import ledger
        from kb.claims.ledger import select

        self.run_claims(select(self.reader(), target), progress, limit_seconds)
        return ledger(select(self.reader(), target))

    def run_claims(
        self, rows: "Sequence[ClaimRow]", progress: Progress = unwatched, limit_seconds: float | None = None
    ) -> None:
        """Run claims and keep the runs. Raises: IndexBusy if the index cannot be written."""
        from kb.claims.running import LIMIT_SECONDS
        from kb.claims.verifying import verify
        from kb.index.sqlite.writer import Writer

        runs = verify(rows, progress, limit_seconds or LIMIT_SECONDS)
        with self._writing, closing(Writer(self.config.database)) as writer, writer.transaction():
            writer.put_runs(runs)

    def run(
        self,
        name: str,
        settings: Sequence[str] = (),
        *,
        device: str = "auto",
        seed: int = 0,
        limit_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Return what an algorithm's demo gives, but for sounds, and the claims that run it; see docs/algorithms.md.

        It runs in a process of its own. settings are texts such as "levels=4". Raises: NotFound for an unknown name,
        KbError for what the algorithm refuses, or does not end in limit_seconds of a processor's time.
        """
        from kb.claims.running import LIMIT_SECONDS, demonstrate

        result = demonstrate(name, settings, device, seed, limit_seconds or LIMIT_SECONDS)
        return {**result, "claims": self.claims_running(name)}

    def claims_running(self, algorithm: str) -> "list[Entry]":
        """Return the claims that run an algorithm, by its name as it is typed: "mini-codec"."""
        from kb.claims.ledger import running

        return running(self.reader(), algorithm)

    def claims_by_algorithm(self) -> dict[str, int]:
        """Return how many claims run each algorithm."""
        from kb.claims.ledger import count_runs

        return count_runs(self.reader())

    def run_stale_claims(self, period: "Period", progress: Progress = unwatched) -> tuple[str, ...]:
        """Run the claims of some months whose code or figures have changed, and return what a person should know."""
        stale = [row for row in self.reader().claims.of_months(*period) if row.state == "stale"]
        if not stale:
            return ()
        try:
            self.run_claims(stale, progress)
        except IndexBusy as error:
            return (f"claims are shown as they were: {error}",)
        return ()
