"""Run commands of kb in processes forked from one that has imported all of it, with a fault at one of their calls.

The process that forks is this module, started with shim.c loaded (LD_PRELOAD); it takes a request a line on standard
input and gives an answer a line. Linux alone has what it needs.
"""

import ctypes
import errno
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
MODES = ("count", "once", "full", "frozen", "kill", "interrupt", "short", "torn")  # of shim.c, in its order
ERRORS = (errno.EIO, errno.EACCES, errno.EDQUOT, errno.ENOSPC)
NOW = 1735732800.0  # for the commands it is always the first of January 2025
MOST, LONGEST = 65536, 8192  # of shim.c


class Fault(NamedTuple):
    """What goes wrong at a call, counted from 1.

    It fails once; with all that follow, because the disk is full or became read-only; it is the last one of a program
    that is killed; it comes with a Ctrl-C; or it writes a half, after which the program goes on or is killed.
    """

    mode: str = "count"
    at: int = 0
    error: int = 0
    counts_reading: bool = False  # whether opening a file to read it is a call, too


class Run(NamedTuple):
    """What came of a command."""

    status: int  # below zero the signal that ended it
    kinds: str  # a letter for each of its calls
    struck: str  # the call that failed, "w /…/marks.toml"
    out: str
    err: str
    log: bytes  # its calls and what files held then, as shim.c writes them


def is_possible() -> bool:
    """Whether commands can be run so on this machine."""
    return sys.platform == "linux" and sys.maxsize > 2**32 and bool(shutil.which("cc")) and platform.libc_ver()[0] != ""


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Give a folder in memory if there is one: a fault takes a fifth of the time there, and nothing is synchronized."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="kb-faults-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


class Forking:
    """The process that forks; folder holds the compiled shim and what commands say."""

    def __init__(self, folder: Path) -> None:
        library = folder / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, Path(__file__).with_name("shim.c")], check=True)
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking", str(library), str(folder)],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Forking":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, place: Path, arguments: list[str], fault: Fault | None = None, is_logged: bool = False) -> Run:
        """Run kb with arguments, or Python where they begin with -c; a fault is at a call about what is in place."""
        assert self._process.stdin
        assert self._process.stdout
        fault = fault or Fault()
        request = [str(place), arguments, MODES.index(fault.mode), *fault[1:], is_logged]
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status, kinds, struck = json.loads(self._process.stdout.readline())
        out, err = ((self._folder / name).read_text("utf-8", errors="replace") for name in ("out", "err"))
        return Run(status, kinds, struck, out, err, (self._folder / "log").read_bytes() if is_logged else b"")


class _Told(ctypes.Structure):
    _fields_ = (("calls", ctypes.c_long), ("kinds", ctypes.c_char * MOST), ("struck", ctypes.c_char * LONGEST))


def main() -> None:
    """Answer requests until there are no more."""
    shim = ctypes.CDLL(sys.argv[1])
    shim.kb_told.restype = ctypes.POINTER(_Told)
    folder = Path(sys.argv[2])
    _import_all()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(shim, folder, *request)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        told = shim.kb_told().contents
        sys.stdout.write(json.dumps([status, told.kinds.decode(), os.fsdecode(told.struck)]) + "\n")
        sys.stdout.flush()


def _import_all() -> None:
    """Import what commands import when they are called; let doctor look at no FAISS, and the dictionary be small."""
    from importlib import import_module

    import pytest

    from kb.api.doctor import machine
    from kb.terminal.contents import MODULES
    from tests.conftest import put_few_words

    for name in set(MODULES.values()):
        import_module(f"kb.terminal.commands.{name}")
    for name in (ROOT / "kb").rglob("*.py"):
        module = name.relative_to(ROOT).with_suffix("")
        if module.parts[1] not in ("reference", "__main__"):
            import_module(".".join(module.parts))
    import_module("sqlite_utils")
    import_module("cli")
    machine.RULES = (machine.python, machine.sqlite)
    put_few_words(pytest.MonkeyPatch())


def _run(shim: Any, folder: Path, place: str, arguments: list[str], *fault: int) -> None:
    """Be the command, and end."""
    from cli import main as kb

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for handle, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), handle)
    *fault, is_logged = fault
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if is_logged else -1
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.time = lambda: NOW
    os.chdir("/")
    sys.argv = ["kb", *arguments]
    mode, at, error, counts_reading = fault
    shim.kb_arm(os.fsencode(place), mode, ctypes.c_long(at), error, counts_reading, log)
    status = 0
    try:
        exec(arguments[1], {}) if arguments[0] == "-c" else kb()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
