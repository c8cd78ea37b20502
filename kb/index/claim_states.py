"""In which state a claim may be, by its last run."""

from enum import Enum
from typing import Literal, get_args

ClaimState = Literal["holds", "contradicted", "not-runnable", "stale"]
CLAIM_STATES: tuple[ClaimState, ...] = get_args(ClaimState)


class Failure(str, Enum):
    """A state that may be asked to count as a failure."""

    contradicted = "contradicted"
    not_runnable = "not-runnable"
