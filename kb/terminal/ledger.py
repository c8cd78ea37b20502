"""Claims and what came of them, on a terminal or in a pipe."""

from typing import TYPE_CHECKING

from kb.terminal.commands.shared import put, tell, terminal_style
from kb.terminal.text import claim_columns, claim_counts, table

if TYPE_CHECKING:
    from kb.api.results import Ledger
    from kb.config.kb_toml import Config


def show_claims(config: "Config", ledger: "Ledger") -> None:
    """Show what matters most last, where the eye is; then how many there are of each."""
    order = ("holds", "stale", "not-runnable", "contradicted")
    sorted_entries = sorted(ledger.claims, key=lambda one: (order.index(one.state), not one.is_expected))
    rows = claim_columns(sorted_entries, config.path_of, terminal_style())
    if rows:
        put(table(["state", "claim", "note says", "computed", "place", "reason"], rows, terminal_style()))
    counts = dict(ledger.summary)
    total = counts.pop("claims")
    tell(f"{total} claim{'' if total == 1 else 's'}: {claim_counts(counts) or 'none'}")
