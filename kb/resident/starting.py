"""Start the process that stays, here or in the background."""

import io
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from kb import __version__
from kb.api.base import KnowledgeBase, keep
from kb.errors import KbError
from kb.index.folder import own
from kb.resident.beside import Tell
from kb.resident.holding import Resident, hold, settled
from kb.resident.server import USED, serve

IDLE_SECONDS = 30 * 60  # after which a process that was started on demand ends
LOG = "serve.log"
LOG_BYTES = 2**20  # it begins anew when it is longer
READY = "KB_SERVE_READY"  # the handle by which a process in the background says that it is ready, or why not
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}  # no thread but one
INSTALL = "pip install 'paper-kb[serve]'"

_started: list["subprocess.Popen[bytes]"] = []  # by this process; they outlive it


def refuse_elsewhere() -> None:
    """Raise KbError where no process can make copies of itself."""
    if not (hasattr(os, "fork") and hasattr(socket, "AF_UNIX") and sys.platform == "linux"):
        raise KbError(f"a process cannot stay on {sys.platform}", "commands work without it")


def can_show_page() -> bool:
    """Whether what the page needs is installed."""
    return bool(find_spec("starlette") and find_spec("uvicorn"))


def stay(
    base: KnowledgeBase, main: Callable[[], object], tell: Callable[[str], None], port: int | None, idle: bool
) -> Resident | None:
    """Be the process of a knowledge base until it is told to end; return the one there is already, if there is.

    main runs the command line of sys.argv. port is that of the page, 0 for a free one, None for no page.
    Raises: KbError if it cannot be.
    """
    root = base.config.root
    if not (held := hold(root)):
        return settled(root)
    os.environ.update(QUIET)
    beside: list[Callable[[Tell], object]] = []
    address = None
    if port is not None:
        listener = _listener(port)
        token = secrets.token_urlsafe(24)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
        beside.append(lambda told: _show_page(base, listener, token, told))
    is_watching = bool(find_spec("watchfiles") and find_spec("inotify_simple"))
    has_heard = _nobody_hears
    if is_watching:
        from kb.resident.hearing import Hearing
        from kb.resident.watching import watch

        with suppress(OSError):  # there are more folders than the system watches
            has_heard = Hearing(base.config.folders, base.config.index).has_heard
        beside.append(lambda told: watch(base, told))
    base.refresh()
    keep(base)

    def ready() -> None:
        held.tell(Resident(os.getpid(), __version__, f"{datetime.now():%Y-%m-%d %H:%M:%S}", address, is_watching))
        tell(f"reading and searching at {address}" if address else f"answering commands in {root}")

    def run(is_known: bool) -> object:
        base.is_known = is_known
        return main()

    serve(held, root, run, lambda: _rehearse(base, main), has_heard, beside, IDLE_SECONDS if idle else None, ready)
    return None


def _nobody_hears() -> bool:
    """Whether a note may have changed where nothing is heard of it."""
    return True


def _rehearse(base: KnowledgeBase, main: Callable[[], object]) -> None:
    """Search once and show nothing. Only in a copy: FAISS starts threads for it, and the next copy would have none."""
    titles = [paper.title for paper in base.rows(limit=1)]
    unseen = io.TextIOWrapper(io.BytesIO(), "utf-8")
    base.is_known = True
    sys.argv = ["kb", "--kb", str(base.config.root), "search", "--", *titles]
    with redirect_stdout(unseen), redirect_stderr(unseen), suppress(SystemExit):
        main()
    base.close()


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        what = f"port {port} cannot be had: {error.strerror}"
        raise KbError(what, "choose another: --port 0 for a free one") from None
    listener.listen()
    return listener


def _show_page(base: KnowledgeBase, listener: socket.socket, token: str, tell: Tell) -> None:
    from kb.web.app import run

    tell(USED)
    run(base, listener, token)


def start(root: Path, index: Path, arguments: list[str]) -> str:
    """Start `kb serve` with arguments in the background, and return the line it says when it is ready.

    Raises: KbError with what it said if it cannot start.
    """
    reading, writing = os.pipe()
    with _log(index) as log, os.fdopen(reading, encoding="utf-8") as answer:
        process = subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-P", "-m", "kb", "--kb", str(root), "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[writing],
            env={**os.environ, READY: str(writing)},
        )
        _started.append(process)
        os.close(writing)
        said = answer.readline().strip()  # to its end it would be held by what stays beside
    if not said:
        raise KbError("the process that was to stay has ended", f"see {index / LOG}")
    return said


def start_unseen(root: Path, index: Path) -> None:
    """Start `kb serve` in the background for commands alone and wait for nothing; what hinders it is in its log."""
    with _log(index) as log:
        process = subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-P", "-m", "kb", "--kb", str(root), "serve", "--no-page", "--idle"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        _started.append(process)


def say_ready(line: str) -> None:
    """Tell who started this process in the background that it is ready."""
    handle = os.environ.pop(READY, "")
    if handle.isdecimal():
        with os.fdopen(int(handle), "w", encoding="utf-8") as waiting:
            waiting.write(f"{line}\n")


def _log(index: Path) -> TextIO:
    own(index)
    path = index / LOG
    is_long = path.is_file() and path.stat().st_size > LOG_BYTES
    return open(path, "w" if is_long else "a", encoding="utf-8", opener=_only_ours)


def _only_ours(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o600)
