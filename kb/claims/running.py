"""Run claims and demos in processes of their own: one that never ends or crashes ends its process and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread, Timer
from typing import Any, NamedTuple

from kb.claims.algorithms import parameters
from kb.errors import KbError

LIMIT_SECONDS = 20.0  # of a processor's time, for one claim
PATIENCE = 15  # times that, by the clock, on a machine that has other things to do
OUT_OF_TIME = "no answer within"  # begins what is said of a claim that took longer
_TOO_MUCH_TIME = -getattr(signal, "SIGXCPU", 0)  # how a process ends then
COMMAND = (sys.executable, "-c", "from kb.claims.worker import main; main()")
DEMONSTRATION = (sys.executable, "-c", "from kb.claims.worker import demonstrate, main; main(demonstrate)")
_ROOT = Path(__file__).resolve().parents[2]


class Job(NamedTuple):
    """What a claim asks to be run."""

    run: str
    parameters: dict[str, Any]


class Outcome(NamedTuple):
    """What came of a job."""

    figures: dict[str, Any]
    reason: str | None  # why there are no figures
    seconds: float
    device: str


def run_all(
    jobs: Sequence[Job], limit_seconds: float = LIMIT_SECONDS, command: Sequence[str] = COMMAND
) -> Iterator[tuple[int, Outcome]]:
    """Yield (number of the job, outcome) as jobs end, on all processors."""
    waiting: SimpleQueue[int | None] = SimpleQueue()
    done: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
    workers = [
        _Worker([*command, str(limit_seconds)], limit_seconds) for _ in range(min(len(jobs), os.cpu_count() or 1))
    ]
    for number in range(len(jobs)):
        waiting.put(number)
    for _ in workers:
        waiting.put(None)

    def serve(worker: _Worker) -> None:
        while (number := waiting.get()) is not None:
            done.put((number, worker.run(jobs[number])))
        worker.end()

    threads = [Thread(target=serve, args=[worker], daemon=True) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for _ in jobs:
            yield done.get()
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()


def demonstrate(
    name: str, settings: Sequence[str], device: str, seed: int, limit_seconds: float = LIMIT_SECONDS
) -> dict[str, Any]:
    """Return what run of kb.claims.algorithms does, but for sounds, from a process that ends with it.

    Raises: NotFound for an unknown name, KbError for what the algorithm refuses or does not end in time.
    """
    parameters(name)
    job = Job(name, {"settings": list(settings), "device": device, "seed": seed})
    ((_, outcome),) = run_all([job], limit_seconds, DEMONSTRATION)
    if outcome.reason and outcome.reason.startswith(OUT_OF_TIME):
        raise KbError(f"{name}: {OUT_OF_TIME} {limit_seconds:g} s of processor time", "give it more, or ask for less")
    if outcome.reason:
        raise KbError(outcome.reason)
    return outcome.figures


class _Worker:
    """A process that answers one job after the other; after a job that ended it, a new one is started.

    One thread runs and ends it, another may stop it meanwhile.
    """

    def __init__(self, command: Sequence[str], limit_seconds: float) -> None:
        self._command = command
        self._limit_seconds = limit_seconds
        self._process: subprocess.Popen[str] | None = None
        self._lock = Lock()
        self._is_stopped = False

    def run(self, job: Job) -> Outcome:
        try:
            process = self._start()
        except OSError as error:
            return Outcome({}, f"no process can be started: {error.strerror}", 0.0, "")
        if process is None or process.stdin is None or process.stdout is None:
            return Outcome({}, "interrupted", 0.0, "")
        start = time.perf_counter()
        timer = Timer(PATIENCE * self._limit_seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(job._asdict()) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line.endswith("\n"):
            return Outcome(**json.loads(line))
        seconds = time.perf_counter() - start
        code = self.end()
        is_late = code == _TOO_MUCH_TIME or seconds >= PATIENCE * self._limit_seconds
        reason = f"{job.run} crashed (exit code {code})"
        if is_late:
            reason = f"{OUT_OF_TIME} {self._limit_seconds:g} s of processor time; kb verify --limit gives it more"
        return Outcome({}, reason, seconds, "")

    def stop(self) -> None:
        """Kill the process, and start no other."""
        with self._lock:
            self._is_stopped = True
            if self._process:
                self._process.kill()

    def end(self) -> int | None:
        """Wait until the process has ended and return its exit code."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return None
        process.kill()  # it has nothing more to say
        process.communicate()
        return process.returncode

    def _start(self) -> "subprocess.Popen[str] | None":
        with self._lock:
            if self._process is None and not self._is_stopped:
                paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
                self._process = subprocess.Popen(  # noqa: S603 - our own worker, no shell
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                    cwd=_ROOT,  # elsewhere, a file that came with somebody's notes could be taken for a module
                    env={**os.environ, "PYTHONPATH": paths},
                )
            return self._process
