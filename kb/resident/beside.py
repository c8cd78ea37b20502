"""What stays beside the process that stays: copies of it that have threads, and tell it in bytes what they see."""

import gc
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

OBJECTS_BETWEEN_COLLECTIONS = 700  # as Python has it; a command looks for circles less often
Tell = Callable[[bytes], object]


class Beside(NamedTuple):
    """A copy that stays."""

    run: Callable[[Tell], object]
    pid: int
    started: float  # by the clock that runs on
    told: int  # from where it tells
    life: int  # closed when this process ends, however


def start(run: Callable[[Tell], object], leave: Callable[[], object]) -> Beside:
    """Start a copy that stays. leave lets go, in it, of what is the process's own."""
    told, telling = os.pipe2(os.O_CLOEXEC)
    living, life = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if not pid:
        os.close(told)
        os.close(life)
        _stay(run, leave, telling, living)
    os.close(telling)
    os.close(living)
    os.set_blocking(told, False)
    return Beside(run, pid, time.monotonic(), told, life)


def _stay(run: Callable[[Tell], object], leave: Callable[[], object], telling: int, living: int) -> NoReturn:
    """Be a copy that stays, until it is told to end or the process it is beside has ended."""
    status = 1
    try:
        leave()
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        from threading import Thread

        def end_with_it() -> None:
            os.read(living, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        Thread(target=end_with_it, daemon=True).start()
        run(lambda said: os.write(telling, said))
        status = 0
    except BaseException as error:  # noqa: BLE001 - the end of a process, told in its log
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def end(beside: Sequence[Beside]) -> None:
    """End the copies that stay."""
    for one in beside:
        os.close(one.life)
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGTERM)
    for one in beside:
        with suppress(ChildProcessError):
            os.waitpid(one.pid, 0)
