"""Ctrl-C at any time is one line and status 130: while the program starts, runs and ends."""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum, as long as Python takes to start
import os
import sys

TYPE_CHECKING = False  # as type checkers know it: before end_at_once is called, as little as can be is loaded
if TYPE_CHECKING:
    from types import FrameType, TracebackType

INTERRUPTED = 130  # how shells know it
LINE = "interrupted"


def end_at_once() -> None:
    """Let Ctrl-C end the program where it is, unless whoever started it had it ignored, as nohup does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


class Raised:
    """A context in which Ctrl-C raises KeyboardInterrupt, because there may be something to tidy up."""

    def __init__(self) -> None:
        self.is_interrupted = False  # libraries may make another error of it
        self._before = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> "Raised":
        if self._before is _end:
            signal.signal(signal.SIGINT, self._raise)
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._before is _end:
            signal.signal(signal.SIGINT, _end)

    def end(self) -> None:
        """End the program now, if it is one: other threads and processes are not waited for."""
        if self._before is _end:
            sys.stdout.flush()
            os._exit(INTERRUPTED)

    def _raise(self, number: int, frame: "FrameType | None") -> None:
        self.is_interrupted = True
        raise KeyboardInterrupt


def _end(number: int, frame: "FrameType | None") -> None:
    os.write(2, f"{LINE}\n".encode())
    os._exit(INTERRUPTED)
