"""Whatever ends a command, Ctrl-C or what the system refuses, it is one line and the right exit status."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import ROOT, Kb
from tests.faults.killing import ENDLESS, PATIENCE_SECONDS
from tests.faults.test_killed import members

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are those of POSIX")

INTERRUPTED = (130, "interrupted\n")
AT_IMPORT = """
import os, signal, sys
from kb.__main__ import main

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["kb", "--kb", {root!r}, "search", "codec"]
main()
"""
WITHIN_SQLITE = """
import os, signal, sys
import kb.index.sqlite.reader as reading
from kb.__main__ import main

def interrupting(connection):
    connection.create_function("interrupt", 0, lambda: os.kill(os.getpid(), signal.SIGINT))
    connection.execute("SELECT interrupt()").fetchall()

opened = reading.open_committed
def open_committed(database):
    connection = opened(database)
    interrupting(connection)
    return connection

reading.open_committed = open_committed
sys.argv = ["kb", "--kb", {root!r}, "list"]
main()
"""
AMONG_WORKERS = f"""{ENDLESS}
    from kb.__main__ import main
    main()
"""
LIMITED = """
import resource, sys
from cli import main
resource.setrlimit(resource.RLIMIT_{limit}, ({most}, {most}))
main()
"""
AS_ANOTHER = """
import os, sys
from pathlib import Path
from typer.testing import CliRunner
from cli import app

call = ["--kb", {root!r}, *sys.argv[1:]]
CliRunner().invoke(app, call)  # so that all is loaded
if os.geteuid() == 0:
    os.seteuid(65534)
else:
    Path({root!r}, ".kb").chmod(0)
app(call)
"""


def ended(script: str, *arguments: str, cwd: Path = ROOT) -> "tuple[int, str]":
    """Return exit status and messages of a script."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("module", ["cli", "typer", "kb.terminal.commands.searching", "kb.api.base", "kb.search.find"])
def test_an_interrupt_while_modules_load_is_one_line(kb: Kb, module: str) -> None:
    kb.refresh()

    assert ended(AT_IMPORT.format(module=module, root=str(kb.root))) == INTERRUPTED


def test_an_interrupt_that_a_library_makes_another_error_of_is_one_line(kb: Kb) -> None:
    kb.refresh()

    assert ended(WITHIN_SQLITE.format(root=str(kb.root))) == INTERRUPTED


def test_an_ignored_interrupt_stays_ignored(kb: Kb) -> None:
    kb.refresh()
    script = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + AT_IMPORT

    assert ended(script.format(module="kb.api.base", root=str(kb.root))) == (0, "")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc to look for processes in")
@pytest.mark.parametrize("is_at_work", [False, True], ids=["while they start", "at work"])
def test_an_interrupt_among_workers_is_one_line_and_ends_them(kb: Kb, tmp_path: Path, is_at_work: bool) -> None:
    for number in range(6):
        kb.write(f"{number}.md", f"**《Paper {number}》** X，k\n")
    script = tmp_path / "among.py"
    script.write_text(AMONG_WORKERS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), "--kb", str(kb.root), "index"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if script.with_name("at-work").exists() if is_at_work else len(members(process.pid)) > 1:
            break
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    try:
        said = process.communicate(timeout=PATIENCE_SECONDS)[1]

        assert (process.returncode, said) == INTERRUPTED
        while members(process.pid) and time.monotonic() < until:
            time.sleep(0.05)
        assert not members(process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("command", ["list", "search codec", "show oldcodec", "index", "digest 2024-10"])
def test_a_working_folder_that_is_gone_ends_nothing(kb: Kb, tmp_path: Path, command: str) -> None:
    kb.refresh()
    script = """
    import os, sys
    from cli import main
    os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
    main()
    """
    status, said = ended(textwrap.dedent(script), "--kb", str(kb.root), *command.split(), cwd=tmp_path)

    assert (status, said) == (0, "")


def test_a_knowledge_base_sought_from_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    script = "import os\nfrom cli import main\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\nmain()"

    assert ended(script, "list", cwd=tmp_path) == (
        1,
        "error: the folder you are in is gone; go to one that is there: cd ~\n",
    )


@pytest.mark.parametrize("command", ["list", "index", "search codec", "status", "mark star oldcodec", "digest 2024-10"])
def test_an_index_of_another_owner_is_one_line(kb: Kb, command: str) -> None:
    kb.refresh()
    (kb.root / ".kb").chmod(0o700)
    status, said = ended(AS_ANOTHER.format(root=str(kb.root)), *command.split())
    (kb.root / ".kb").chmod(0o700)

    assert status == 1
    assert said.startswith("error: ")
    assert "Permission denied" in said
    assert said.count("\n") == 1


def test_a_doctor_tells_of_an_index_of_another_owner(kb: Kb) -> None:
    kb.refresh()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder, "kb")
        shutil.copytree(kb.root, root)
        (root / ".kb").chmod(0o700)
        script = AS_ANOTHER.format(root=str(root)).replace("app(call)", "sys.stdout = sys.stderr\napp(call)")
        status, said = ended(script, "doctor")
        (root / ".kb").chmod(0o700)

    assert status == 1
    assert "Traceback" not in said
    assert "broken\tsystem\t" in said


@pytest.mark.parametrize("command", ["index --full", "doctor --fix", "mark star oldcodec", "verify"])
def test_where_no_file_may_grow_nothing_is_changed_and_one_line_says_so(kb: Kb, command: str) -> None:
    kb.refresh()
    before = {path: path.read_bytes() for path in kb.root.rglob("*") if path.is_file() and "kb.sqlite" not in path.name}
    indexed = kb.json("list", "--no-refresh")
    _, said = ended(LIMITED.format(limit="FSIZE", most=0), "--kb", str(kb.root), *command.split())

    assert "Traceback" not in said
    assert said.count("\n") <= 1
    assert {path: path.read_bytes() for path in before} == before
    assert not list((kb.root / ".kb").glob("damaged-*")), "a whole index was set aside"
    assert kb.json("list", "--no-refresh") == indexed


def test_claims_that_no_process_can_be_started_for_are_answered(kb: Kb) -> None:
    kb.write("2024-12.md", "**《Claiming》** X，k\n\n```claim\nsays: x\nrun: rvq.bitrate\nexpect: {x: 1}\n```\n")
    kb.refresh()
    status, said = ended(LIMITED.format(limit="NOFILE", most=14), "--kb", str(kb.root), "verify")

    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert status in (0, 1)
