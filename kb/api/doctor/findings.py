"""What an examination says."""

from typing import Literal, NamedTuple

from kb.errors import KbError

State = Literal["ok", "warning", "broken"]
# What kb.api.doctor.mending can do by itself, in the order in which it does it.
Mend = Literal["anew", "export", "encode", "nearest", "reread", "terms", "index", "tidy", "merge", "narrow"]
MOST_TOLD = 3  # of what is many


def parted(error: KbError) -> tuple[str, str]:
    """Return what an error says, and its way out, which has a column of its own.

    Example: "no index at …; run: kb index" -> ("no index at …", "kb index").
    """
    return error.fault, error.way_out.removeprefix("run: ")


def some(texts: list[str], mark: str = ", ") -> str:
    """Return the first of texts, and how many more there are."""
    return mark.join(texts[:MOST_TOLD]) + (f"{mark}and {len(texts) - MOST_TOLD} more" if len(texts) > MOST_TOLD else "")


class Finding(NamedTuple):
    """One thing that was looked at, and how it is."""

    rule: str  # "openmp"
    state: State  # a warning costs time or quality, what is broken gives wrong answers or none
    what: str
    way_out: str = ""  # a command
    mend: Mend | None = None  # what --fix does about it
