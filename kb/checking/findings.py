"""What the rules say."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something in a note that is likely not meant, and a way out."""

    file: str
    line: int  # counted from 1
    rule: str  # "dead-link"
    what: str
    suggestion: str
