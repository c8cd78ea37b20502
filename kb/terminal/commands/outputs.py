"""What the outputs of the program refuse, as on a full disk, is one line; where nobody reads any more it is none."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class _Watched:
    """An output that remembers the error it refused something with."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.refused: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text. Raises: OSError."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        """Write what is still to be written. Raises: OSError."""
        try:
            self._stream.flush()
        except OSError as error:
            self.refused = error
            raise


@contextmanager
def watched() -> Iterator[None]:
    """End the program with one line and status 1 if an output refuses what is written to it inside."""
    outputs = [_Watched(sys.stdout or _closed()), _Watched(sys.stderr or _closed())]
    sys.stdout, sys.stderr = (cast(TextIO, output) for output in outputs)
    try:
        yield
    except OSError as error:
        refusing = next((output for output in outputs if output.refused is error), None)
        if refusing is None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), refusing.fileno())  # else Python tries once more when it ends
        with suppress(OSError):
            sys.stderr.write(f"error: the output cannot be written: {error.strerror}; see to where it goes\n")
        raise SystemExit(1) from None


def _closed() -> TextIO:
    """Return what stands for an output that was closed by who called: writing to it fails."""
    return os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
