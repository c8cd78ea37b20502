"""A process that runs claims or demos: a job a line on standard input, an answer a line on standard output, both JSON.

Only functions that a reference implementation lists in FIGURES are called, with values checked against their signature:
a note names, it brings no code.
"""

import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from difflib import get_close_matches
from math import ceil
from queue import SimpleQueue
from threading import Thread
from typing import Any

from kb.claims import algorithms
from kb.claims.arguments import arguments
from kb.claims.catalog import PACKAGE, missing, target
from kb.errors import KbError

try:
    import resource
except ModuleNotFoundError:  # Windows: whoever asks ends the process then
    resource = None  # type: ignore[assignment]


def main(answering: "Callable[..., dict[str, Any]] | None" = None) -> None:
    """Answer jobs until whoever asks is gone, and then end, whether or not a job is still running.

    answering is run, unless another function is named. The one argument of the process is how many seconds of its time
    a processor may spend on a job.
    """
    limit_seconds = float(sys.argv[1])
    answers = sys.stdout
    jobs: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=[jobs], daemon=True).start()
    while True:
        job = jobs.get()
        with redirect_stdout(sys.stderr):  # what a reference prints is no answer
            answer = (answering or run)(**json.loads(job), limit_seconds=limit_seconds)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _listen(jobs: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)  # nobody waits for an answer, and a claim may never end


def run(run: str, parameters: dict[str, Any], limit_seconds: float | None = None) -> dict[str, Any]:
    """Return the figures of a claim, or the reason why there are none; with the device, and the seconds it took.

    What it imports, and how long a busy machine lets it wait, is not held against it: the limit is of processor time.
    """

    def called() -> tuple[dict[str, Any], float]:
        function = _function(run)
        typed = arguments(run, function, parameters)
        if limit_seconds:
            _end_after(limit_seconds)
        start = time.perf_counter()
        result = function(**typed)
        seconds = time.perf_counter() - start
        return _plain(function.__name__, result), seconds

    return _answer(run, called)


def demonstrate(run: str, parameters: dict[str, Any], limit_seconds: float) -> dict[str, Any]:
    """Return what the demo of an algorithm gives, but for sounds, as run returns the figures of a claim."""

    def shown() -> tuple[dict[str, Any], float]:
        _end_after(limit_seconds)
        start = time.perf_counter()
        result = algorithms.run(run, **parameters)
        result.pop("audio", None)
        return _plain("demo", result), time.perf_counter() - start

    return _answer(run, shown)


def _answer(run: str, asked: Callable[[], tuple[dict[str, Any], float]]) -> dict[str, Any]:
    """Return what asked gives, figures and seconds, as the answer to a job, or the reason why it gives none."""
    figures: dict[str, Any] = {}
    seconds, reason = 0.0, None
    try:
        figures, seconds = asked()
    except (KbError, ValueError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a reference does wrong is said of this claim alone
        reason = f"{run} failed: {type(error).__name__}: {error}"
    one_line = " ".join(reason.split()) if reason else None
    return {"figures": figures, "reason": one_line, "seconds": seconds, "device": _device()}


def _end_after(seconds: float) -> None:
    """Have the system end this process when a processor has spent so many more seconds on it, where it can."""
    if resource:
        spent = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(spent.ru_utime + spent.ru_stime + seconds), most))


def _plain(name: str, result: Any) -> dict[str, Any]:
    """Return result as named figures that JSON can hold; a single one bears the function's name."""
    if hasattr(result, "_asdict"):
        result = result._asdict()
    figures = result if isinstance(result, dict) else {name: result}
    json.dumps(figures)
    return figures


def _function(run: str) -> Callable[..., Any]:
    found = target(run)
    if not found or not found.path.is_file():
        raise KbError(f"no reference {run}")
    try:
        module = importlib.import_module(f"{PACKAGE}.{found.module}")
    except ModuleNotFoundError as error:
        raise missing(run, error.name) from None
    functions = {function.__name__: function for function in getattr(module, "FIGURES", ())}
    if found.function not in functions:
        close = get_close_matches(found.function, functions, n=1)
        hint = f"; there is {found.module.replace('_', '-')}.{close[0]}" if close else ""
        raise KbError(f"no reference {run}{hint}")
    function: Callable[..., Any] = functions[found.function]
    return function


def _device() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    return f"cpu ({platform.machine()})"
