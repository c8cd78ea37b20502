"""Many programs at once on a process that stays, half of them by its socket and half over HTTP. Used by soak.py.

python -m tests.faults.staying socket|http|write ROOT SECONDS NUMBER
python -m tests.faults.staying often ROOT 0 SEARCHES
"""

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from kb.resident import client
from kb.resident.holding import resident
from tests.faults.killing import start
from tests.faults.parallel import Told, finished, is_mixture, write_generation

SEARCH, LIST = ("search", "声调"), ("list",)
BETWEEN_SECONDS = 0.25  # of two generations of a writer's notes
client.SECONDS = 20  # in a crowd nobody is in a hurry

Ask = Callable[[tuple[str, ...]], Any]


def by_socket(root: Path) -> Ask:
    """Return what has the process run a command, with a file as its output, and returns the data it prints."""
    os.environ["KB_HOME"] = str(root)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)

    def ask(command: tuple[str, ...]) -> Any:
        os.ftruncate(1, 0)
        os.lseek(1, 0, os.SEEK_SET)
        status = client.run([*command, "--json", "--limit", "0"])
        os.lseek(1, 0, os.SEEK_SET)
        said = os.read(1, 2**24).decode()
        if status != 0:
            raise OSError(f"status {status}: {said[:200]}")
        return json.loads(said)["data"]

    return ask


def by_http(root: Path) -> Ask:
    """Return what asks the process over HTTP, one connection for all, and returns the data it answers."""
    found = resident(root)
    assert found
    assert found.address
    address = urlsplit(found.address)
    bearer = {"Authorization": f"Bearer {parse_qs(address.query)['token'][0]}"}
    connection = http.client.HTTPConnection(address.netloc, timeout=60)

    def ask(command: tuple[str, ...]) -> Any:
        path = f"search?query={quote(command[1])}" if command == SEARCH else "papers?query="
        connection.request("GET", f"/api/v1/{path}&limit=1000", headers=bearer)
        answer = connection.getresponse()
        said = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"status {answer.status}: {said[:200]}")
        return json.loads(said)["data"]

    return ask


def read(ask: Ask, seconds: float) -> Told:
    """Ask again and again; every note that is seen must be of one generation, and whole."""
    errors, mixtures, slowest, runs = [], 0, 0.0, 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        command = LIST if runs % 3 == 2 else SEARCH
        began = time.monotonic()
        runs += 1
        try:
            data = ask(command)
        except (OSError, ValueError, http.client.HTTPException) as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        slowest = max(slowest, time.monotonic() - began)
        mixtures += is_mixture([hit["paper"] for hit in data["hits"]] if command == SEARCH else data)
    return Told(runs, errors, mixtures, 0, slowest)


def write(root: Path, seconds: float, writer: int) -> Told:
    """Change the notes again and again; who watches them brings them in."""
    runs = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        write_generation(root, writer, runs)
        runs += 1
        time.sleep(BETWEEN_SECONDS)
    return Told(runs, [], 0, 0, 0.0)


def often(root: Path, searches: int) -> Told:
    """Search so often, nine times of ten over HTTP."""
    ways = [by_http(root)] * 9 + [by_socket(root)]
    for number in range(searches):
        ways[number % 10](SEARCH)
    return Told(searches, [], 0, 0, 0.0)


def crowd(root: Path, readers: int, writers: int, seconds: float) -> tuple[list[Told], list[Told]]:
    """Run readers and writers at once and return what came of each."""
    kinds = ["socket", "http"] * (readers // 2) + ["write"] * writers
    running = [
        start(root, ["tests.faults.staying", kind, str(root), str(seconds), str(number)])
        for number, kind in enumerate(kinds)
    ]
    told = [finished(process, seconds) for process in running]
    return told[:readers], told[readers:]


def resident_mib(root: Path) -> float:
    """Return the memory of the process and of the copies that stay beside it, each page shared by them counted once."""
    found = resident(root)
    assert found
    children = Path(f"/proc/{found.pid}/task/{found.pid}/children").read_text().split()
    lines = [
        line
        for pid in (str(found.pid), *children)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:")
    ]
    return sum(int(line.split()[1]) for line in lines) / 1024


def processor_seconds(root: Path) -> float:
    """Return the processor's time that the process and the copies that stay beside it have taken."""
    found = resident(root)
    assert found
    children = Path(f"/proc/{found.pid}/task/{found.pid}/children").read_text().split()
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in (str(found.pid), *children)]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    kind, place, limit, number = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    telling = os.fdopen(os.dup(1), "w", encoding="utf-8")
    if kind == "write":
        outcome = write(place, limit, number)
    elif kind == "often":
        outcome = often(place, number)
    else:
        outcome = read(by_socket(place) if kind == "socket" else by_http(place), limit)
    print("TOLD " + json.dumps(outcome), file=telling, flush=True)
