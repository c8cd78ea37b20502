"""Start the real program, kill it at a random moment, and see what is left. Used by the tests and by soak.py."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from cli import app
from kb.config.kb_toml import load_config
from kb.index import meaning as encoding
from tests.faults.encode import NamedEncoder
from tests.faults.states import State, full_text_is_whole, state, vectors

ROOT = Path(__file__).resolve().parent.parent.parent
QUERIES = ("量化", "residual quantizer", "kind:paper", '"声学延迟"')
PATIENCE_SECONDS = 300  # with what should end: a busy machine is slow, and only what hangs takes so long
MONTHS = ("2024-09", "2024-10", "2024-11")

# What begins a script that indexes in two processes, of which neither comes to an end.
ENDLESS = """
import itertools
import sys
from pathlib import Path
from kb.index import readings

def parse_note(data, path):
    Path(__file__).with_name("at-work").touch()
    for _ in itertools.repeat(None):
        pass

readings.parse_note = parse_note
if __name__ == "__main__":
    readings.FILES_WORTH_SHARING = readings.FILES_AT_ONCE = 2
    readings.os.cpu_count = lambda: 2
"""


class Scenario(NamedTuple):
    """One command that is killed, and what it works on."""

    name: str
    command: Callable[[Path], list[str]]  # of a knowledge base
    edit: Callable[[Path], None]  # the notes, after what there is was indexed
    is_new: bool = False  # whether nothing is indexed before
    target: str = ""  # the one file it writes besides the index, below the root


class Outcome(NamedTuple):
    """What came of one kill."""

    was_running: bool
    left: str  # "old" or "new"; "between" if the index is new and the file old, or some texts are encoded


class Clean(NamedTuple):
    """What an index holds that was made at once."""

    state: State
    vectors: dict[str, dict[str, bytes]]  # of each encoder, by the hash of the text
    answers: list[object]


def write_notes(root: Path, count: int) -> None:
    """Make a knowledge base of count notes of three papers each, without an encoder."""
    chance = random.Random(7)
    words = "残差向量量化 码本 声学延迟 声调 residual quantizer codebook delay prosody tokens".split()  # noqa: SIM905
    (root / "notes").mkdir(parents=True)
    (root / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    for number in range(count):
        papers = [
            f"**《Paper {number}-{part}: {' '.join(chance.sample(words, 3))}》** CMU，{chance.choice(words)}\n\n"
            + "\n\n".join(" ".join(chance.choices(words, k=20)) for _ in range(3))
            for part in range(3)
        ]
        text = f"---\ndate: {MONTHS[number % 3]}-05\n---\n\n" + "\n\n".join(papers) + "\n"
        name = f"{MONTHS[number]}.md" if number < 3 else f"{number:04d}.md"
        (root / "notes" / name).write_text(text, encoding="utf-8")


def edit_notes(root: Path) -> None:
    """Change a third of the notes, remove some, add some, and let one note's papers be another's."""
    notes = sorted((root / "notes").glob("*.md"))
    for number, path in enumerate(notes):
        if path.stem in MONTHS or number % 3 == 0:
            path.write_text(path.read_text("utf-8").replace("Paper", "Changed", 1) + "\n多一句话。\n", encoding="utf-8")
        elif number % 10 == 1:
            path.unlink()
    (root / "notes" / "new.md").write_text("**《Only New》** MIT，声调\n\n新的一篇。\n", encoding="utf-8")
    shutil.copyfile(notes[0], root / "notes" / "again.md")


def no_edit(root: Path) -> None:
    """Leave the notes as they are."""


SCENARIOS = (
    Scenario("index", lambda root: ["kb", "index"], no_edit, is_new=True),
    Scenario("re-index", lambda root: ["kb", "index"], edit_notes),
    Scenario("index --full", lambda root: ["kb", "index", "--full"], edit_notes),
    Scenario("search on the way", lambda root: ["kb", "search", "量化"], edit_notes),
    Scenario("encoder change", lambda root: ["tests.faults.encode", str(root), "second"], no_edit),
    Scenario(
        "add --write",
        lambda root: ["kb", "add", "2410.12345", "--offline", "--write", "--month", "2024-10"],
        no_edit,
        target="notes/2024-10.md",
    ),
    Scenario(
        "digest --out",
        lambda root: ["kb", "digest", "2024-10", "--out", str(root / "digest.md")],
        edit_notes,
        target="digest.md",
    ),
    Scenario(
        "export --out", lambda root: ["kb", "export", "--out", str(root / "all.bib")], edit_notes, target="all.bib"
    ),
)


def start(root: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a command of kb, or another module, on the knowledge base at root."""
    module, *arguments = command
    base = ["--kb", str(root)] if module == "kb" else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", module, *base, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(root: Path, command: list[str]) -> str:
    """Run a command to its end, in this process because that is quicker, and return what it printed.

    Raises: AssertionError if it failed.
    """
    module, *arguments = command
    if module == "kb":
        result = CliRunner().invoke(app, ["--kb", str(root), *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return str(result.stdout)
    encoding.encode_missing(load_config(root), NamedEncoder(arguments[1]))
    return ""


def answers(root: Path) -> list[object]:
    """Return what searches find, as any user sees it; ties may come in any order."""
    found: list[object] = []
    for query in QUERIES:
        envelope = json.loads(finish(root, ["kb", "search", query, "--json", "--limit", "0", "--no-refresh"]))
        hits = [(round(hit["score"], 6), hit["paper"]["id"], hit["line"]) for hit in envelope["data"]["hits"]]
        found.append(sorted(hits))
    return found


class Trial:
    """A scenario that was made ready: what there is before it, and what after."""

    def __init__(self, scenario: Scenario, folder: Path, notes: int, dictionary: Path | None) -> None:
        self.scenario = scenario
        self.before = folder / "before"
        self.work = folder / "work"
        write_notes(self.before, notes)
        if dictionary:
            (self.before / ".kb").mkdir()
            os.link(dictionary, self.before / ".kb" / dictionary.name)
        if not scenario.is_new:
            finish(self.before, ["kb", "index"])
            finish(self.before, ["tests.faults.encode", str(self.before), "first"])
            if scenario.target and not scenario.target.startswith("notes"):
                command = [part.replace(str(self.work), str(self.before)) for part in scenario.command(self.work)]
                finish(self.before, command)
        self._lay_out()
        self.old = self._seen()
        started = time.perf_counter()
        said = start(self.work, scenario.command(self.work)).communicate()[0]
        self.seconds = time.perf_counter() - started
        self.new = self._seen()
        assert self.new != self.old or scenario.name == "encoder change", said.decode()
        self.clean = self._made_at_once(self.work)

    def kill(self, chance: random.Random) -> Outcome:
        """Run the command, kill it at a random moment, and look at what is left, then at what the next command makes.

        Raises: AssertionError if that is a mixture.
        """
        self._lay_out()
        process = start(self.work, self.scenario.command(self.work))
        time.sleep(chance.uniform(0.1, 1.05) * self.seconds)
        was_running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen = self._seen()
        for now, old, new in zip(seen, self.old, self.new, strict=True):
            assert now in (old, new), f"{self.scenario.name}: a mixture"
        left = "new" if seen == self.new else "old" if seen == self.old else "between"
        if self.scenario.name == "encoder change":
            count = len(vectors(self.work / ".kb" / "kb.sqlite", "second"))
            left = "old" if not count else "new" if count == len(self.clean.vectors["second"]) else "between"
        finish(self.work, ["kb", "index"])
        if self.scenario.name == "encoder change":
            finish(self.work, self.scenario.command(self.work))
        self.check_repaired()
        return Outcome(was_running, left)

    def check_repaired(self) -> None:
        """Compare the index with one that is made of the notes at once. Raises: AssertionError if they differ."""
        database = self.work / ".kb" / "kb.sqlite"
        clean = self.clean if self._note_is_new() else self._clean_before
        assert state(database) == clean.state, f"{self.scenario.name}: not repaired"
        assert full_text_is_whole(database)
        assert answers(self.work) == clean.answers, f"{self.scenario.name}: other answers"
        for encoder in ("first", "second"):
            kept, whole = vectors(database, encoder), clean.vectors.get(encoder, {})
            assert all(whole.get(text, vector) == vector for text, vector in kept.items()), "a wrong vector"
        if self.scenario.name == "encoder change":
            assert vectors(database, "second") == clean.vectors["second"], "a vector is missing"

    @cached_property
    def _clean_before(self) -> Clean:
        return self._made_at_once(self.before)

    def _note_is_new(self) -> bool:
        target = self.scenario.target
        return not target.startswith("notes") or (self.work / target).read_bytes() == self.new[1]

    def _lay_out(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.before, self.work, copy_function=os.link)
        for path in self.work.rglob("*"):  # what is changed in place is not shared
            if path.is_file() and path.name != "gloss.sqlite":
                original = path.read_bytes()
                stamp = path.stat()
                path.unlink()
                path.write_bytes(original)
                os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        self.scenario.edit(self.work)

    def _seen(self) -> tuple[State, bytes | None]:
        """Return what the index holds, and what the file that the command writes."""
        target = self.work / self.scenario.target
        held = target.read_bytes() if self.scenario.target and target.is_file() else None
        return state(self.work / ".kb" / "kb.sqlite"), held

    def _made_at_once(self, root: Path) -> Clean:
        other = self.work.with_name("clean")
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(root, other, ignore=shutil.ignore_patterns("kb.sqlite*", "*.part"))
        finish(other, ["kb", "index"])
        database = other / ".kb" / "kb.sqlite"
        for encoder in ("first", "second"):
            finish(other, ["tests.faults.encode", str(other), encoder])
        return Clean(
            state(database), {encoder: vectors(database, encoder) for encoder in ("first", "second")}, answers(other)
        )
