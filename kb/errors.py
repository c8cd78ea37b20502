"""Errors a user will read: where, what, what was found, and the way out, on one line."""


class KbError(Exception):
    """Something the user can mend; shown as `error: ...` and ends the command with exit_code."""

    exit_code = 1


class NoteError(KbError):
    """A note that cannot be read; indexing records it and goes on with the other notes."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.file = file
        self.line = line


class IndexBusy(KbError):
    """The index cannot be written now; what is in it can still be read."""


class IndexOld(KbError):
    """The index was made by an older version; kb.index.words.upgrade brings it up to date."""


class IndexNewer(KbError):
    """The index was made by a newer version; it is left as it is."""


class IndexDamaged(KbError):
    """The index cannot be read; kb.index.words.rebuild makes it anew."""


class EncoderMissing(KbError):
    """The encoder cannot run on this machine, or its vectors are not ready; search goes on with words alone."""
