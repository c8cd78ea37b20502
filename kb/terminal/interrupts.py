"""Ctrl-C at any time is one line and status 130: while the program starts, runs and ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130  # how shells know it
LINE = "interrupted"


def end_at_once() -> None:
    """Let Ctrl-C end the program where it is, unless whoever started it had it ignored, as nohup does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


@contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside, where there may be something to tidy up."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)


def _end(*_: Any) -> None:
    os.write(2, f"{LINE}\n".encode())
    os._exit(INTERRUPTED)
