"""A process that stays: one a knowledge base, never in the way, gone when it should be."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.resident import holding, place, server
from kb.resident.client import BROKEN
from tests.resident.conftest import ASK, COLD, Serving

PATIENCE = 20.0  # seconds until something that must come is given up


def awaited(is_so: Callable[[], object]) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def in_its_folder(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", serving.environment["XDG_RUNTIME_DIR"])


def socket_of(serving: Serving) -> Path:
    found = place.path_of(str(serving.kb.root), "socket")
    assert found
    return Path(found)


def children(serving: Serving) -> list[str]:
    assert serving.process
    return Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children").read_text().split()


def titles(answer: "subprocess.CompletedProcess[bytes]") -> list[str]:
    assert answer.returncode == 0
    return [hit["paper"]["title"] for hit in json.loads(answer.stdout)["data"]["hits"]]


def test_a_note_that_is_saved_is_seen(serving: Serving) -> None:
    serving.start()
    serving.asked("search", "codec")
    serving.kb.write("2025-01.md", "**《Zebrafish Tokens》** X，k\n\nzebrafish\n")
    assert awaited(lambda: "Zebrafish Tokens" in titles(serving.asked("search", "zebrafish", "--json")))
    (serving.kb.notes / "2025-01.md").unlink()
    assert awaited(lambda: not titles(serving.asked("search", "zebrafish", "--json")))
    folder = serving.kb.notes / "new" / "below"
    folder.mkdir(parents=True)
    serving.kb.write("new/below/x.md", "**《Okapi Tokens》** X，k\n\nokapi\n")
    assert awaited(lambda: titles(serving.asked("search", "okapi", "--json")))


def test_a_note_that_was_saved_just_now_is_seen(serving: Serving) -> None:
    serving.start()
    serving.asked("search", "codec")
    for number in range(12):
        with (serving.kb.notes / "2025-01.md").open("a", encoding="utf-8") as note:
            note.write(f"\n**《Okapi{number} Tokens》** X，k\n\ntext\n")
        assert titles(serving.asked("search", f"Okapi{number}", "--json"))[0] == f"Okapi{number} Tokens"
    for number in range(3):
        serving.kb.write(f"below{number}/2025-02.md", f"**《Quagga{number}》** X，k\n\ntext\n")
        assert titles(serving.asked("search", f"Quagga{number}", "--json"))[0] == f"Quagga{number}"


def test_what_stays_beside_it_is_started_anew(serving: Serving) -> None:
    change = "import kb.resident.server as s, cli; s.LEAST_SECONDS = 0; cli.main()"
    serving.start_by("-c", change)
    assert awaited(lambda: len(children(serving)) == 2)
    watching = children(serving)[0]
    os.kill(int(watching), signal.SIGKILL)
    assert awaited(lambda: len(children(serving)) == 2 and watching not in children(serving))
    serving.kb.write("2025-01.md", "**《Zebrafish Tokens》** X，k\n\nzebrafish\n")
    assert titles(serving.asked("search", "zebrafish", "--json")) == ["Zebrafish Tokens"]


def test_it_ends_where_what_stays_beside_it_cannot(serving: Serving) -> None:
    serving.start()
    assert serving.process
    assert awaited(lambda: len(children(serving)) == 2)
    os.kill(int(children(serving)[0]), signal.SIGKILL)  # it has hardly lived
    assert awaited(lambda: serving.process and serving.process.poll() is not None)
    assert titles(serving.either("search", "codec", "--json"))


def test_what_is_cut_off_is_told_and_not_begun_again(serving: Serving) -> None:
    for number in range(8):
        papers = (f"**《Paper {number}-{part}》** X，k\n\ntext\n" for part in range(50))
        serving.kb.write(f"2025-0{number + 1}.md", "\n".join(papers))
    serving.start()
    assert serving.asked("list", "--json").stdout.count(b'"schema"') == 1
    assert awaited(lambda: len(children(serving)) == 2)
    watching = children(serving)[0]
    reading, writing = os.pipe()
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK, "list", "--json"],
        cwd=serving.kb.root,
        env=serving.environment,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        first = output.read(1)  # it writes, and waits for a reader
        for copy in set(children(serving)) - {watching}:
            os.kill(int(copy), signal.SIGKILL)
        said = first + output.read()
    _, told = asking.communicate(timeout=PATIENCE)
    assert said.count(b'"schema"') == 1
    assert (asking.returncode, told.decode()) == (1, BROKEN)


def test_it_runs_nothing_that_writes_for_whoever_asks(serving: Serving, tmp_path: Path) -> None:
    serving.start()
    serving.asked("search", "codec")
    out = tmp_path / "out.ris"
    asking = "client._asked(sys.argv[1], client.request(sys.argv[2], sys.argv[3:]))"
    ask = ASK.replace("client.run(sys.argv[1:])", asking)
    for command in (["export", "--format", "ris", "--out", str(out)], ["search", "codec"]):
        asked = subprocess.run(
            [sys.executable, "-c", ask, str(socket_of(serving)), str(serving.kb.root), *command],
            cwd=serving.kb.root,
            env=serving.environment,
            capture_output=True,
        )
        assert asked.returncode == (COLD if command[0] == "export" else 0)
    assert not out.exists()


def test_a_folder_for_sockets_that_cannot_hold_one_is_told(serving: Serving, tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    folder.mkdir(mode=0o700)
    refused = serving.cold("serve", "--no-page", XDG_RUNTIME_DIR=str(folder))
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        b"error: there is no folder for sockets that is yours alone, or its path is too long"
    )
    assert titles(serving.either("search", "codec", "--json", XDG_RUNTIME_DIR=str(folder)))
    refused = serving.cold("serve", "--stop", XDG_RUNTIME_DIR="relative")
    assert not (serving.kb.root / "relative").exists()


def test_a_note_that_nobody_can_watch_is_seen_at_once(serving: Serving, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("**《Before》** X，k\n\nbefore\n", encoding="utf-8")
    (serving.kb.notes / "linked.md").symlink_to(elsewhere)
    serving.start()
    assert titles(serving.asked("search", "before", "--json"))
    elsewhere.write_text("**《Afterwards》** X，k\n\nzebrafish\n", encoding="utf-8")
    assert titles(serving.asked("search", "zebrafish", "--json")) == ["Afterwards"]


def test_it_says_that_it_is_there_and_is_told_to_end(serving: Serving) -> None:
    line = serving.start()
    assert str(serving.kb.root) in line
    status = json.loads(serving.cold("status", "--json").stdout)["data"]["process"]
    assert serving.process
    assert status["pid"] == serving.process.pid
    assert b"stays since" in serving.cold("status").stderr
    assert any(
        (one["rule"], one["state"]) == ("resident", "ok")
        for one in json.loads(serving.cold("doctor", "--json").stdout)["data"]["findings"]
    )
    assert serving.cold("serve", "--no-page").stdout.startswith(b"there is one: ")
    assert serving.cold("serve", "--stop").stderr == b"stopped\n"
    assert serving.process.wait() == 0
    assert not socket_of(serving).exists()
    assert serving.cold("serve", "--stop").stderr == b"nothing to stop\n"
    assert json.loads(serving.cold("status", "--json").stdout)["data"]["process"] is None


def test_after_it_was_killed_commands_do_without_and_another_one_takes_its_place(serving: Serving) -> None:
    serving.start()
    assert serving.process
    serving.process.kill()
    serving.process.wait()
    assert socket_of(serving).exists()
    assert serving.asked("search", "codec").returncode == COLD
    assert titles(serving.either("search", "codec", "--json"))
    assert serving.process.stdout
    serving.process.stdout.close()
    serving.start()
    assert titles(serving.asked("search", "codec", "--json"))


def test_what_stays_beside_it_ends_with_it_however_it_ends(serving: Serving) -> None:
    serving.start()
    assert serving.process
    serving.asked("search", "codec")
    assert awaited(lambda: len(children(serving)) == 2)  # what watches, and a copy made ahead
    pids = children(serving)
    serving.process.kill()
    assert awaited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_the_copy_made_ahead_is_the_next_to_answer_and_is_not_missed_if_it_is_gone(serving: Serving) -> None:
    serving.start()
    assert awaited(lambda: len(children(serving)) == 2)
    watching, ahead = map(int, children(serving))
    os.kill(ahead, signal.SIGSTOP)  # before or after it says that it is ready
    if serving.asked("search", "codec").returncode:  # it had: who asked did not wait
        assert awaited(lambda: children(serving) == [str(watching), str(ahead)])
    os.kill(ahead, signal.SIGKILL)
    assert awaited(lambda: str(ahead) not in children(serving))
    assert titles(serving.asked("search", "codec", "--json"))
    assert awaited(lambda: len(children(serving)) == 2)


def test_six_that_start_at_once_are_one(serving: Serving) -> None:
    command = [sys.executable, "-m", "kb", "--kb", str(serving.kb.root), "serve", "--no-page", "--background"]
    started = [
        subprocess.Popen(command, env=serving.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    said = [one.communicate(timeout=PATIENCE) for one in started]
    try:
        assert [one.returncode for one in started] == [0] * 6, said
        found = holding.resident(serving.kb.root)
        assert found
        known = b"there is one: process %d, without a page" % found.pid
        others = {b"answering commands in " + os.fsencode(serving.kb.root), known}
        assert {out.strip() for out, _ in said} <= others
        assert titles(serving.asked("search", "codec", "--json"))
        others = [
            pid
            for pid in filter(str.isdecimal, os.listdir("/proc"))
            if f"{serving.kb.root}\0serve".encode() in command_line(int(pid)) and parent(int(pid)) != found.pid
        ]
        assert others == [str(found.pid)]
    finally:
        assert holding.stop(serving.kb.root)


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_after_an_upgrade_the_old_one_goes(serving: Serving) -> None:
    serving.start()
    newer = (
        "import sys; from kb.resident import client, place; client.stamp = lambda: 'newer';"
        f"sys.exit({COLD} if client.run(sys.argv[1:]) is None else 0)"
    )
    command = [sys.executable, "-c", newer, "search", "codec"]
    assert subprocess.run(command, cwd=serving.kb.root, env=serving.environment).returncode == COLD
    assert serving.process
    assert serving.process.wait(PATIENCE) == 0


def test_a_base_that_was_moved_is_answered_rightly(serving: Serving) -> None:
    serving.start()
    moved = serving.kb.root.rename(serving.kb.root.with_name("moved"))
    serving.kb.root = moved
    assert titles(serving.either("search", "codec", "--json"))
    (moved / "notes" / "new.md").write_text("**《Zebrafish Tokens》** X，k\n\nzebrafish\n", encoding="utf-8")
    assert awaited(lambda: titles(serving.either("search", "zebrafish", "--json")))


def test_a_base_in_the_place_of_another_is_not_taken_for_it(serving: Serving) -> None:
    serving.start()
    serving.kb.root.rename(serving.kb.root.with_name("aside"))
    serving.kb.root.mkdir()
    (serving.kb.root / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    (serving.kb.root / "notes").mkdir()
    assert serving.asked("search", "codec").returncode == COLD
    assert titles(serving.either("search", "codec", "--json")) == []


def test_a_changed_setting_counts_at_once(serving: Serving) -> None:
    serving.start()
    other = serving.kb.root / "other"
    other.mkdir()
    (other / "x.md").write_text("**《Zebrafish Tokens》** X，k\n\nzebrafish\n", encoding="utf-8")
    (serving.kb.root / "kb.toml").write_text('encoder = "none"\nnotes = "other"\n', encoding="utf-8")
    assert titles(serving.asked("search", "zebrafish", "--json")) == ["Zebrafish Tokens"]
    (serving.kb.root / "kb.toml").write_text("encoder = 3\n", encoding="utf-8")
    warm, cold = serving.asked("search", "codec"), serving.cold("search", "codec")
    assert (warm.returncode, warm.stderr) == (cold.returncode, cold.stderr) == (1, cold.stderr)


def test_it_ends_with_its_base(serving: Serving) -> None:
    serving.start()
    assert serving.process
    shutil.rmtree(serving.kb.root)
    serving.kb.root.parent.mkdir(exist_ok=True)
    assert serving.process.wait(PATIENCE) == 0


def test_an_index_that_was_deleted_is_made_again(serving: Serving) -> None:
    serving.start()
    assert titles(serving.asked("search", "codec", "--json"))
    for path in serving.kb.config.index.glob("kb.sqlite*"):
        path.unlink()
    assert awaited(lambda: titles(serving.either("search", "codec", "--json")))


def test_nobody_else_s_folder_is_trusted(serving: Serving, tmp_path: Path) -> None:
    serving.start()
    runtime = Path(serving.environment["XDG_RUNTIME_DIR"]) / "paper-kb"
    runtime.chmod(0o755)
    assert serving.asked("search", "codec").returncode == COLD
    assert b"XDG_RUNTIME_DIR" in serving.cold("serve", "--stop").stderr
    runtime.chmod(0o700)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "paper-kb").symlink_to(runtime)
    assert serving.asked("search", "codec", XDG_RUNTIME_DIR=str(linked)).returncode == COLD


def test_a_server_of_another_user_is_not_asked(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = (
        "import os, sys; from kb.resident import client; as_me, me = client._asked, os.getuid()\n"
        "def as_another(*given):\n    os.getuid = lambda: me + 1\n    return as_me(*given)\n"
        f"client._asked = as_another; sys.exit({COLD} if client.run(sys.argv[1:]) is None else 0)"
    )
    serving.start()
    command = [sys.executable, "-c", asked, "search", "codec"]
    assert subprocess.run(command, cwd=serving.kb.root, env=serving.environment).returncode == COLD


def test_one_that_does_not_answer_is_not_waited_for(serving: Serving) -> None:
    place.make_runtime_folder()
    path = socket_of(serving)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        assert titles(serving.either("search", "codec", "--json"))
    assert titles(serving.either("search", "codec", "--json"))


@pytest.mark.parametrize("said", [b"", b"\0\0\0\x08rubbish!", b"\xff\xff\xff\xff", b"\0\0\0\x02a"])
def test_rubbish_ends_no_process(serving: Serving, said: bytes) -> None:
    serving.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.connect(str(socket_of(serving)))
        asking.sendall(said) if said else None
    assert titles(serving.asked("search", "codec", "--json"))


def test_an_interrupted_command_ends_its_copy(serving: Serving) -> None:
    serving.start()
    assert serving.process
    running = subprocess.Popen(
        [sys.executable, "-c", ASK, "digest", "2024"], cwd=serving.kb.root, env=serving.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    running.send_signal(signal.SIGKILL)
    running.wait()
    children = Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children")
    assert awaited(lambda: len(children.read_text().split()) == 1)


def test_it_ends_when_nobody_asks(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    patched = (
        "import kb.resident.starting as s, cli; s.IDLE_SECONDS = 0.5;"
        f"cli.app(['--kb', {str(serving.kb.root)!r}, 'serve', '--no-page', '--idle'])"
    )
    ended = subprocess.run([sys.executable, "-c", patched], env=serving.environment, capture_output=True, timeout=60)
    assert ended.returncode == 0
    assert not socket_of(serving).exists()


def test_on_demand_the_first_search_starts_it(serving: Serving) -> None:
    (serving.kb.root / "kb.toml").write_text('encoder = "none"\nserve = "on demand"\n', encoding="utf-8")
    assert titles(serving.cold("search", "codec", "--json"))
    assert holding.resident(serving.kb.root) is None
    assert titles(serving.either("search", "codec", "--json"))
    try:
        assert awaited(lambda: serving.asked("search", "codec").returncode == 0)
    finally:
        assert holding.stop(serving.kb.root)
    (serving.kb.root / "kb.toml").write_text('serve = "always"\n', encoding="utf-8")
    refused = serving.cold("search", "codec")
    assert refused.returncode == 1
    assert b"'off' or 'on demand', got 'always'" in refused.stderr


def test_many_ask_at_once_while_notes_change(serving: Serving) -> None:
    serving.start()
    stop = threading.Event()
    wrong: list[bytes] = []

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            text = "".join(f"**《{name} {one} of a codec》** X，k\n\ncodec {number}\n\n" for one in range(3))
            serving.kb.write(f"{name}.md", text)
            time.sleep(0.05)

    def read() -> None:
        for _ in range(6):
            answer = serving.either("search", "codec", "-n", "0", "--json")
            if answer.returncode or b"codec" not in answer.stdout:
                wrong.append(answer.stderr)

    writers = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(2)]
    readers = [threading.Thread(target=read) for _ in range(8)]
    for one in (*writers, *readers):
        one.start()
    for one in readers:
        one.join()
    stop.set()
    for one in writers:
        one.join()
    assert wrong == []
    assert awaited(lambda: len(titles(serving.asked("search", '"of a codec"', "-n", "0", "--json"))) == 6)


def test_what_watches_tells_is_taken_in_order() -> None:
    heard = server._Server.__new__(server._Server)
    heard.is_known, heard.is_over, heard.root = False, False, Path()
    for said, is_known in (
        (server.KNOWN, True),
        (server.CHANGED, False),
        (b"ckc", False),
        (b"cku", True),
        (b"u", True),
    ):
        server._hear(heard, said)
        assert heard.is_known is is_known
