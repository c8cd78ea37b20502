"""Errors a user will read: where, what, what was found, and the way out, on one line."""

from pathlib import Path


class KbError(Exception):
    """Something the user can mend; shown as `error: ...` and ends the command with exit_code.

    Example: KbError("not UTF-8", "save it as UTF-8", "2024-10.md", 3) -> "2024-10.md:3: not UTF-8; save it as UTF-8".
    """

    exit_code = 1

    def __init__(self, what: str, way_out: str = "", file: str | Path | None = None, line: int | None = None) -> None:
        super().__init__(what, way_out, file, line)
        self.what = what
        self.way_out = way_out
        self.file = file
        self.line = line  # counted from 1

    def __str__(self) -> str:
        return f"{self.fault}; {self.way_out}" if self.way_out else self.fault

    @property
    def fault(self) -> str:
        """Place and fault without the way out: "2024-10.md:3: not UTF-8"."""
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return place + self.what


class NoteError(KbError):
    """A note that cannot be read; indexing records it and goes on with the other notes."""


class NotFound(KbError):
    """What was named is not there: no paper, claim or algorithm is called so."""


class Ambiguous(KbError):
    """What was named is several papers."""


class IndexMissing(KbError):
    """There is no index yet."""


class IndexBusy(KbError):
    """The index cannot be written now; what is in it can still be read."""


class IndexOld(KbError):
    """The index was made by an older version; kb.index.words.upgrade brings it up to date."""


class IndexNewer(KbError):
    """The index was made by a newer version; it is left as it is."""


class IndexDamaged(KbError):
    """The index cannot be read; kb.index.words.rebuild makes it anew."""


class TranslationDamaged(KbError):
    """The table of translations cannot be read; it is made anew from glossaries and dictionary."""


class EncoderMissing(KbError):
    """The encoder cannot run on this machine, or its vectors are not ready; search goes on with words alone."""
