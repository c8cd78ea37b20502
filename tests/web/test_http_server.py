"""The server over a listening socket, as a process: it answers, idles and ends when it is told to."""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Kb

SERVE = """
import socket, sys
from kb.api.base import open_base
from kb.web.app import run

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
run(open_base(sys.argv[1]), listener, "a-token")
print("ended", flush=True)
"""


ENDLESS = """
import time
from kb.api.base import KnowledgeBase

def duplicates(base):
    print("asked", flush=True)
    time.sleep(600)

KnowledgeBase.duplicates = duplicates
"""


@contextmanager
def served(root: Path, before: str = "") -> Iterator[tuple[Any, str]]:
    """Give a server's process, and its address."""
    command = [sys.executable, "-c", before + SERVE, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def asked(address: str, path: str) -> Any:
    request = urllib.request.Request(f"{address}{path}", headers={"Authorization": "Bearer a-token"})
    return urllib.request.urlopen(request, timeout=60)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_ends_when_told(kb: Kb, how: signal.Signals) -> None:
    with served(kb.root) as (process, address):
        with asked(address, "/api/v1/papers?limit=1") as answer:
            assert b'"ok": true' in answer.read()
            assert "server" not in {name.lower() for name in answer.headers}
        process.send_signal(how)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_a_request_that_takes_for_ever_does_not_keep_it(kb: Kb) -> None:
    with served(kb.root, ENDLESS) as (process, address), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, address, "/api/v1/duplicates")
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "ended\n"
        process.kill()
        assert waiting.exception()
