"""Have each call of a command that changes a file fail, and see what is left: the old state or the new one.

Used by test_every_call.py, which tries some calls, and soak.py, which tries all.
"""

import errno
import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import AUGUST, OCTOBER
from tests.faults.forking import ERRORS, Fault, Forking, Run
from tests.faults.power import after_cuts
from tests.faults.states import State, state

BASE = "kb"  # the folder of the knowledge base, in the one that is laid out anew for each fault
OLD_STAMP, NEW_STAMP = 1_600_000_000, 1_610_000_000  # of notes before and after they are edited
CLAIM = """
```claim
id: candidates
says: 一轮最多 425 个候选
run: arithmetic.edit_candidates
with: {components: 60, sentences: 5, rephrasings: 10}
expect: {edit_candidates: 425}
```
"""


class Command(NamedTuple):
    """A command of kb whose calls fail, and what it works on."""

    name: str
    arguments: Callable[[Path], list[str]]  # of the folder that holds the knowledge base
    before: tuple[str, ...] = ("indexed",)  # what was done to the knowledge base; see _PREPARED
    edit: Callable[[Path], None] | None = None  # of the notes, after that
    october: str = OCTOBER  # one of the notes


class Seen(NamedTuple):
    """What lies there after a command."""

    files: dict[str, bytes]  # the user's, and marks of the tool; by their path below the folder
    index: State
    words: list[Any]  # of the table of translations
    others: list[str]  # files that belong to nobody


class Verdict(NamedTuple):
    """What came of one fault."""

    outcome: str  # one of OUTCOMES: "told" is a success with a remark
    faults: tuple[str, ...]  # each begins with one of FAULTS: "lost: kb.toml holds …"


def edit_notes(root: Path) -> None:
    """Change one note, remove one, and write one."""
    changed = OCTOBER.replace("TinyCodec: A", "LargeCodec: A") + "\n多一句话。\n"
    _write(root / "notes" / "2024-10.md", changed, NEW_STAMP)
    _write(root / "notes" / "new.md", "**《Only New》** MIT，声调\n\n新的一篇。\n", NEW_STAMP)
    (root / "notes" / "gone.md").unlink()


def edit_glossary(root: Path) -> None:
    """Change what words stand for."""
    _write(root / "notes" / "glossary.yaml", "- {en: [pitch], zh: [音高]}\n", NEW_STAMP)


def damage(root: Path) -> None:
    """Make the index one that cannot be read."""
    with (root / ".kb" / "kb.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 20000)


def lose_words(root: Path) -> None:
    """Leave something interrupted in the index, and papers that the full text has lost."""
    half = root / ".kb" / "gloss.99999.tmp"
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    with closing(sqlite3.connect(root / ".kb" / "kb.sqlite")) as db, db:
        db.execute("DELETE FROM papers_fts_docsize")


def _name_encoder(root: Path) -> None:
    (root / "kb.toml").write_text('encoder = "minilm"  # the default\n', encoding="utf-8")


_PREPARED: dict[str, Callable[[Path], list[str]]] = {
    "indexed": lambda place: ["index"],
    "marked": lambda place: ["mark", "star", "oldcodec"],
    "digest": lambda place: ["digest", "2024-10", "--out", str(place / "digest.md")],
    "digests": lambda place: ["digest", "--all", "--format", "html", "--out", str(place / "pages")],
    "export": lambda place: ["export", "--out", str(place / "all.bib")],
    "vault": lambda place: ["export", "--format", "obsidian", "--out", str(place / "vault")],
}
OUTCOMES = ("harmless", "told", "refused", "killed", "interrupted")
FAULTS = ("lost", "wrong", "traceback", "leftover")
COMMANDS = (
    Command("init", lambda place: ["init", str(place / "another")], ()),
    Command("index", lambda place: ["index"], ()),
    Command("index, notes edited", lambda place: ["index"], edit=edit_notes),
    Command("index, words edited", lambda place: ["index"], edit=edit_glossary),
    Command("index --full", lambda place: ["index", "--full"], edit=edit_notes),
    Command("index --full, damaged", lambda place: ["index", "--full"], edit=damage),
    Command("search, notes edited", lambda place: ["search", "声调"], edit=edit_notes),
    Command("mark star", lambda place: ["mark", "star", "tinycodec"]),
    Command("mark read", lambda place: ["mark", "read", "oldcodec", "tinycodec"], ("indexed", "marked")),
    Command("mark unstar", lambda place: ["mark", "unstar", "oldcodec"], ("indexed", "marked")),
    Command("add --write", lambda place: ["add", "2410.12345", "--offline", "--write", "--month", "2024-10"]),
    Command(
        "add --write, a new month", lambda place: ["add", "2412.12345", "--offline", "--write", "--month", "2024-12"]
    ),
    Command("digest --out", _PREPARED["digest"], ("indexed", "digest"), edit_notes),
    Command("digest --all --out", _PREPARED["digests"], ("indexed",)),
    Command("digest --all --out, again", _PREPARED["digests"], ("indexed", "digests"), edit_notes),
    Command("export --out", _PREPARED["export"], ("indexed", "export"), edit_notes),
    Command("export to a vault", _PREPARED["vault"], ("indexed",)),
    Command("export to a vault, again", _PREPARED["vault"], ("indexed", "vault"), edit_notes),
    Command("import", lambda place: ["import", str(place / "theirs")], ()),
    Command("encoder use", lambda place: ["encoder", "use", "none"], (), _name_encoder),
    Command("doctor --fix, damaged", lambda place: ["doctor", "--fix"], edit=damage),
    Command("doctor --fix, words lost", lambda place: ["doctor", "--fix"], edit=lose_words),
    Command("verify", lambda place: ["verify"], october=OCTOBER + CLAIM),
)


class CallTrial:
    """A command that was made ready: what there is before it, and what after."""

    def __init__(self, forking: Forking, command: Command, folder: Path) -> None:
        self._forking = forking
        self._command = command
        self._before = folder / "before"
        self._place = folder / "work"
        self._copy = folder / "looked-at"
        self._arguments = command.arguments(self._place)
        self._repaired_from: set[str] = set()  # what was left, and made whole by the same command
        self._prepare()
        self._lay_out()
        self._old = self._seen()
        self.clean = self._run(None)
        self._new = self._seen()
        assert self.clean.status == 0, self.clean.err
        assert self._old != self._new, f"{command.name} does nothing"
        assert not self._new.others, self._new.others
        self._again = self._run(None)  # after `kb add` the note is new, and the next command indexes it
        self._settled = self._seen()
        assert self._settled.files == self._new.files, f"{command.name} does more the second time"

    def faults(self) -> Iterator[Fault]:
        """Yield every fault there may be at a call that changes a file."""
        for at, kind in enumerate(self.clean.kinds, 1):
            yield Fault("once", at, ERRORS[at % len(ERRORS)])
            yield Fault("full", at, errno.ENOSPC)
            yield Fault("frozen", at, errno.EROFS)
            yield Fault("kill", at)
            yield Fault("interrupt", at)
            if kind == "w":
                yield Fault("short", at)
                yield Fault("torn", at)

    def unread(self) -> Iterator[Fault]:
        """Yield a fault for each time that a file is opened to be read."""
        if self._arguments[0] == "doctor":
            return  # it says which notes cannot be read, and that `kb index` reads them again
        self._lay_out()
        kinds = self._run(Fault("count", counts_reading=True)).kinds
        for at, kind in enumerate(kinds, 1):
            if kind == "i":
                yield Fault("once", at, ERRORS[at % len(ERRORS)], True)

    def judge(self, fault: Fault) -> Verdict:
        """Run the command with a fault, look at what is left, then at what the same command makes of it."""
        self._lay_out()
        run = self._run(fault)
        seen = self._seen()
        outcome, found = self._outcome(run, fault, seen)
        for name in sorted({*self._old.files, *self._new.files, *seen.files}):
            held = seen.files.get(name)
            is_of_fewer = fault.counts_reading and outcome == "told"  # a note could not be read, and that was said
            if held not in (self._old.files.get(name), self._new.files.get(name)) and not is_of_fewer:
                found.append(f"lost: {name} holds {held!r:.60}")
        if not fault.counts_reading:
            is_set_aside = self._command.edit is damage and not seen.index
            if seen.index not in (self._old.index, self._new.index) and not is_set_aside:
                found.append("wrong: the index is neither old nor new")
            if seen.words not in (self._old.words, self._new.words):
                found.append("wrong: the translations are neither old nor new")
        left = set(seen.others) - set(self._old.others)
        can_remove = outcome != "killed" and fault.mode != "frozen" and not run.struck.startswith("u")
        if left and can_remove:
            found.append(f"leftover: {', '.join(left)}")
        for name in seen.others:
            os.utime(self._place / name, (1, 1))
        if (left_bytes := self._bytes()) not in self._repaired_from:
            again = self._repaired(seen)
            found += again
            if not again:
                self._repaired_from.add(left_bytes)
        where = f"[{fault.mode} at {fault.at}: {run.struck}]"
        return Verdict(outcome, tuple(f"{one} {where}" for one in found))

    def power_cuts(self) -> tuple[int, list[str]]:
        """Return how many states power cuts may leave, and what is wrong with them."""
        self._lay_out()
        return after_cuts(self._place, lambda: self._run(None, is_logged=True).log)

    def _outcome(self, run: Run, fault: Fault, seen: Seen) -> tuple[str, list[str]]:
        if run.status < 0 and fault.mode in ("kill", "torn"):
            return "killed", []
        if "Traceback" in run.err:
            return "refused", [f"traceback: {run.err.strip().splitlines()[-1]}"]
        if fault.mode == "interrupt" and run.status:
            return "interrupted", []
        if run.status:
            lines = [line for line in run.err.splitlines() if line.startswith("error: ")]
            if len(lines) == 1 or "broken" in run.out:
                return "refused", []
            return "refused", [f"wrong: it ends with {run.status} and {run.err + run.out!r:.200}"]
        is_doctor = self._arguments[0] == "doctor"  # which tells of the machine, too
        if seen == self._new and (is_doctor or run.out == self.clean.out):
            return "harmless", []
        if run.err.strip() != self.clean.err.strip():
            return "told", []
        return "harmless", [f"wrong: success is reported, not so: {run.out!r:.100}"]

    def _repaired(self, seen: Seen) -> list[str]:
        run = self._run(None)
        after = self._seen()
        is_refused = run.status and not (seen.files == self._new.files and run.status == self._again.status)
        found = [f"wrong: once more it ends with {run.status}: {run.err!r:.300}"] if is_refused else []
        found += [f"leftover: {name} after another run" for name in after.others]
        if after._replace(others=[]) not in (self._new, self._settled):
            names = {*after.files, *self._new.files}
            unlike = [name for name in names if after.files.get(name) != self._new.files.get(name)]
            found.append(f"wrong: not repaired: {unlike or 'the index'}")
        return found

    def _run(self, fault: Fault | None, is_logged: bool = False) -> Run:
        return self._forking.run(self._place, ["--kb", str(self._place / BASE), *self._arguments], fault, is_logged)

    def _prepare(self) -> None:
        root = self._before / BASE
        (self._before / "theirs").mkdir(parents=True)
        _write(self._before / "theirs" / "theirs.md", "**《Theirs》** X，声调\n")
        _write(root / "kb.toml", 'encoder = "none"\n')
        _write(root / "notes" / "2024-10.md", self._command.october)
        _write(root / "notes" / "2024-08.md", AUGUST)
        _write(root / "notes" / "gone.md", "**《Soon Gone》** X，k\n\n不久就没了。\n")
        for name in self._command.before:
            arguments = [part.replace(str(self._place), str(self._before)) for part in _PREPARED[name](self._place)]
            run = self._forking.run(self._before, ["--kb", str(root), *arguments])
            assert run.status == 0, run.err
        if self._command.edit:
            self._command.edit(root)

    def _lay_out(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._before, self._place)

    def _bytes(self) -> str:
        """Return a hash of every file there is; what SQLite shares among processes is none of them."""
        paths = (path for path in sorted(self._place.rglob("*")) if path.is_file() and not path.name.endswith("-shm"))
        return hashlib.sha256(b"".join(bytes(path) + path.read_bytes() for path in paths)).hexdigest()

    def _seen(self) -> Seen:
        """Return what lies there; the index is looked at in a copy, because SQLite mends what it opens."""
        files, others = {}, []
        index = self._place / BASE / ".kb"
        shutil.rmtree(self._copy, ignore_errors=True)
        self._copy.mkdir()
        for path in sorted(self._place.rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(self._place).as_posix()
            if path.name.startswith("damaged-"):  # the time follows; what SQLite had beside it may be there or not
                if path.suffix == ".sqlite":
                    files[f"{BASE}/.kb/damaged"] = path.read_bytes()
            elif path.parent == index and ".sqlite" in path.name:
                shutil.copyfile(path, self._copy / path.name)
            elif path.name.startswith(".kb-") or path.suffix == ".tmp" or path.name.endswith(".tmp-journal"):
                others.append(name)
            else:
                files[name] = path.read_bytes()
        return Seen(files, _index(self._copy / "kb.sqlite"), _words(self._copy / "gloss.sqlite"), others)


def judged(trial: CallTrial, faults: Iterable[Fault]) -> tuple[Counter[str], list[str]]:
    """Return how many faults came to what, and what was wrong."""
    counts: Counter[str] = Counter()
    found: list[str] = []
    for fault in faults:
        verdict = trial.judge(fault)
        kinds = {one.partition(":")[0] for one in verdict.faults}
        counts.update((verdict.outcome, *kinds))
        found += verdict.faults
    return counts, found


def _index(database: Path) -> State:
    """Return what an index holds, with the runs of claims; of a damaged one that it is damaged."""
    try:
        found = state(database)
        if found:
            with closing(sqlite3.connect(database)) as db:
                found["runs"] = sorted(db.execute("SELECT claim, fingerprint, state, figures FROM claim_runs"))
    except (AssertionError, sqlite3.DatabaseError) as error:
        return {"damaged": [str(error)]}
    return found


def _words(database: Path) -> list[Any]:
    """Return the rows of a table of translations; none if it is not there."""
    if not database.is_file():
        return []
    with closing(sqlite3.connect(database)) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("meta", "words", "concepts")]


def _write(path: Path, text: str, stamp: int = OLD_STAMP) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (stamp, stamp))
