"""What the rules say."""

from typing import NamedTuple

RULES = (
    "claim",
    "conflict",
    "control-character",
    "cut-id",
    "dashes",
    "dead-link",
    "duplicate",
    "encoding",
    "half-read",
    "heading-jump",
    "id-as-number",
    "no-entry",
    "no-link",
    "no-month",
    "open-fence",
    "section",
    "unreadable",
)


class Finding(NamedTuple):
    """Something in a note that is likely not meant, and a way out."""

    file: str
    line: int  # counted from 1
    rule: str  # "dead-link"
    what: str
    suggestion: str
