"""What fronts ask for by name: the layout of a digest, months, states of claims."""

from kb.index.claim_states import ClaimState, Failure
from kb.reports.options import Format, Language, Layout, Site
from kb.reports.periods import Period, period

__all__ = ["ClaimState", "Failure", "Format", "Language", "Layout", "Period", "Site", "period"]
