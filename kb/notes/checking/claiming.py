"""Claim blocks that cannot be run as they are written."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page

if TYPE_CHECKING:
    from kb.records import Claim


def broken_claims(page: Page) -> Iterator[Finding]:
    """Find a claim block that lacks a field, is no YAML or is never closed."""
    for claim in page.note.claims if page.note else ():
        if claim.problem:
            yield Finding(claim.file, claim.line, "claim", claim.problem, claim.way_out or "mend the block")


def repeated_claims(pages: Sequence[Page]) -> Iterator[Finding]:
    """Find a claim with the id of another one: the ledger knows a claim by its id."""
    first: dict[str, Claim] = {}
    for claim in (claim for page in pages if page.note for claim in page.note.claims):
        known = first.setdefault(claim.id, claim)
        if known is not claim:
            what = f"claim {claim.id!r} stands at {known.file}:{known.line} too"
            yield Finding(claim.file, claim.line, "claim", what, "give one of them another id")
