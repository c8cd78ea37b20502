"""Whatever kb.toml says: no command costs a note or a file that was there, nor writes where it was not told to.

tests/security/test_ownership.py is the small fixed form.
"""

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, NamedTuple

import numpy
import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import app
from kb.api.doctor import machine
from kb.config.sources import toml_text
from kb.errors import EncoderMissing
from kb.index.encoders import exported, exporting, models
from kb.index.folder import CONTENT, MARK, is_own
from tests.conftest import AUGUST, OCTOBER, put_few_words
from tests.fuzz.checks import nothing_done
from tests.fuzz.inputs import NOISE, TOML

LONG_AGO = 1_000_000_000
MADE = "made"  # where commands are told to write
MONTH = "2024-12"  # that an entry is added to
LAYOUTS = (
    "none",
    "none",
    "none",
    "another's",
    "another program's",
    "empty",
    "a link to the notes",
    "a file",
)  # of .kb before
PATHS = st.sampled_from(
    (
        *(
            "notes",
            "notes/",
            "notes/.",
            "./notes",
            "notes/deep",
            "notes/.kb",
            "notes/2024-10.md",
            "Notes",
            "..",
            ".",
            "",
        ),
        *(
            "../..",
            "../theirs",
            "a/..",
            "a/../notes",
            "/",
            "//",
            "/dev",
            "/dev/null",
            "/proc/self",
            "~",
            "~/notes",
            "~nobody",
        ),
        *(
            "~nobody/x",
            ".git",
            ".git/kb",
            ".git/HEAD",
            ".hg/x",
            "work",
            "work/new",
            "work/new/deeper",
            "work/draft.part",
        ),
        *(
            "encoders",
            "models",
            ".kb",
            ".kb/",
            "./.kb",
            ".kb/.",
            ".kb/..",
            ".kb/new",
            "work/.kb",
            "templates",
            "templates/.kb",
        ),
        *(
            "to-notes",
            "to-notes/new",
            "to-outside",
            "to-outside/new",
            "to-nothing",
            "to-nothing/new",
            "round",
            "round/x",
        ),
        *(
            "x\0y",
            "\0",
            "a\nb",
            "a\rb",
            "\x1b[31m",
            "é/声学",
            "两",
            "x" * 300,
            "x/" * 3000,
            "kb.toml",
            "marks.toml",
            "-x",
            "C:\\x",
        ),
        *(
            " ",
            ".kb ",
            "{3..}",
            "$(touch x)",
            "'; rm",
            "\u202e",
            "model",
            "model/..",
            "nobody/nothing",
            "none",
            "a/b/../..",
        ),
    )
)


def likely(*texts: str) -> st.SearchStrategy[str]:
    """Return what is accepted more often than not, now and then any path and noise: a refusal tries nothing."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(texts) if n < 7 else PATHS if n < 9 else NOISE)


SOURCES = st.fixed_dictionaries(
    {"folder": likely("../theirs", "../outside", "work", "notes", "to-outside", "templates", ".", "..", "~/notes")},
    optional={
        "file": likely("z.bib"),
        "name": likely("one", "two", ".kb", "..", "deep", "2024-10.md"),
        "include": st.lists(st.sampled_from(("*", "*.md", "[", "../*", "")), max_size=2),
        "exclude": st.lists(st.sampled_from(("*", "deep/*", "!")), max_size=2),
    },
)
LISTS = st.lists(
    st.lists(
        st.sampled_from(("2024-10/tinycodec", "2024-08/oldcodec", "x", "../x", "é")),
        min_size=2,
        max_size=3,
        unique=True,
    ),
    max_size=1,
)
INDEX = likely(
    *(".kb", "new", "a/b", "work", "work/.kb", "work/new", "notes", "notes/.kb", "notes/deep", "templates/.kb", ".git"),
    *(".kb/new", "encoders", "models", "to-notes/new", "to-nothing", "to-outside/.kb", ".git/kb", ".git/new", "é"),
)
ENCODERS = likely("none", "model", "..", ".", "../kb/model", "to-nothing", "nobody/nothing", "minilm", "notes")
NOTES = likely("notes", ".", "..", "work", "../theirs", "to-notes", "to-outside", "~/notes", ".kb", "encoders")
SETTINGS = st.fixed_dictionaries(
    {"encoder": ENCODERS, "index": st.just(".kb") | INDEX},
    optional={
        "notes": NOTES,
        "templates": likely("templates", "work", "notes", ".kb", "to-notes", "encoders"),
        "same": LISTS,
        "different": LISTS,
        "sources": st.lists(SOURCES, max_size=2),
    },
)
NAMES = (PATHS | NOISE).map(lambda text: os.fsdecode(text.encode("utf-8", "replace").replace(b"\0", b"")))  # of a shell
OUTS = st.sampled_from((f"{MADE}/one", f"{MADE}/deep/two.md", "kb/notes/new.md", "kb/notes/new", "kb/to-notes/new.md"))
COMMANDS = st.one_of(
    st.sampled_from(
        (
            *(["index"], ["index", "--full"], ["doctor", "--fix"], ["doctor", "--deep", "--fix"], ["search", "codec"]),
            *(["mark", "star", "tinycodec"], ["mark", "read", "oldcodec"], ["verify"], ["status"], ["encoder", "list"]),
            *(["encoder", "export"], ["list"], ["check"], ["config"], ["related", "tinycodec"], ["show", "tinycodec"]),
            *(["duplicates"], ["gloss", "声调"], ["trends", "2024"], ["search", "声调", "--json"], ["init"]),
            ["add", "--offline", "--write", "--month", MONTH, "2412.00001"],
        )
    ),
    st.builds(lambda action, name: ["encoder", action, "--", name], st.sampled_from(("use", "export")), NAMES),
    st.builds(lambda name: ["import", "--", name], NAMES),
    st.builds(lambda out: ["init", f"{MADE}/{out}"], st.sampled_from(("kb", "deep/er", "kb"))),
    st.builds(lambda out: ["digest", "2024-10", "--out", out], OUTS),
    st.builds(
        lambda form, out: ["digest", "--all", "--format", form, "--out", out], st.sampled_from(("md", "html")), OUTS
    ),
    st.builds(
        lambda form, out: ["export", "--format", form, "--out", out],
        st.sampled_from(("bibtex", "csl-json", "ris", "csv", "obsidian")),
        OUTS,
    ),
)


class World(NamedTuple):
    """A kb.toml among somebody's files, and commands that are run there."""

    settings: str
    layout: str  # one of LAYOUTS
    commands: list[list[str]]


def _toml(values: dict[str, Any]) -> str:
    """Return settings as TOML, a lone half character as the escape that TOML refuses."""
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if key != "sources"]
    for source in values.get("sources", []):
        lines += ["[[sources]]", *(f"{key} = {_value(value)}" for key, value in source.items())]
    return "\n".join([*lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return toml_text(value).encode("utf-8", "backslashreplace").decode()


TEXTS = st.builds(
    lambda text, n, noise: text if n < 19 else text + noise, SETTINGS.map(_toml), st.integers(0, 19), TOML
)
WORLDS = st.builds(
    World, TEXTS, st.sampled_from(LAYOUTS), st.lists(st.just(["index"]) | COMMANDS, min_size=2, max_size=7)
)


def world(given: World) -> None:
    """Run the commands of a world and compare every file with what it was."""
    with TemporaryDirectory() as folder, _patched() as patch:
        top = Path(folder).resolve()
        root = top / "kb"
        _lay_out(top, given)
        patch.setenv("HOME", str(top / "home"))
        patch.chdir(root)
        before = _files(top)
        for command in given.commands:
            settings = _read(root / "kb.toml")
            placed = [str(top / one) if one.startswith((MADE, "kb/")) else one for one in command]
            with nothing_done(but_for=_allowed(top)):
                result = CliRunner().invoke(app, ["--kb", str(root), *placed])
            _said_in_a_line(command, result)
            _nothing_lost(top, root, before, placed, settings)
            before = _files(top)


def _allowed(top: Path) -> str:
    """Return a pattern of what may be written and removed: below top, and what Python itself does."""
    removed = r"os\.(?:remove|rmdir) \('[^/']+', \d+\)"  # by shutil.rmtree, in a folder that it has opened
    return rf"{re.escape(str(top))}|{removed}|/dev/null|__pycache__|\(None,|open -?\d+$|shutil\.copy|subprocess.*uname"


def _lay_out(top: Path, given: World) -> None:
    page = "**《{}: A Codec》** CMU，codec\n\n声调\n"
    files = {
        "kb/notes/2024-10.md": OCTOBER,
        "kb/notes/2024-08.md": AUGUST,
        "kb/notes/deep/a.md": page.format("Deep"),
        "kb/notes/.hidden/x.md": page.format("Hidden"),
        "kb/notes/draft.part": "years of work",
        "kb/notes/encoders/x.part/thesis.md": page.format("Thesis"),
        "kb/templates/digest.md.j2": "{{ digest.month }}",
        "kb/templates/draft.part": "x",
        "kb/.git/HEAD": "ref: refs/heads/main",
        "kb/.git/kb/x.tmp": "x",
        "kb/work/draft.part": "x",
        "kb/work/gloss.1.tmp": "x",
        "kb/work/vectors-of-mine.faiss": "x",
        "kb/work/new/thesis.md": page.format("New"),
        "kb/encoders/x.part/weights": "x",
        "kb/models/mine": "x",
        "kb/model/config.json": "{}",
        "kb/config.json": "{}",
        "kb/marks.toml": "# mine\n",
        "config.json": "{}",
        "draft.part": "x",
        "theirs/2024-09.md": page.format("Theirs"),
        "theirs/z.bib": "@misc{k, title = {Mine}}\n",
        "outside/secret.md": page.format("Secret"),
        "outside/draft.part": "x",
        "home/notes/mine.md": page.format("Home"),
        "home/draft.part": "x",
    }
    own = top / "kb" / ".kb"
    if given.layout == "another's":
        files |= {"kb/.kb/draft.part": "x", "kb/.kb/encoders/x.part": "x", "kb/.kb/thesis.md": page.format("Kb")}
    elif given.layout == "another program's":
        files |= {f"kb/.kb/{MARK}": CONTENT.partition("\n")[0] + "\n# cargo\n", "kb/.kb/target.o": "x"}
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (LONG_AGO, LONG_AGO))
    root = top / "kb"
    for name, target in {
        "to-notes": "notes",
        "to-outside": "../outside",
        "to-nothing": "nothing",
        "round": "round",
    }.items():
        (root / name).symlink_to(target)
    if given.layout == "empty":
        own.mkdir()
    elif given.layout == "a link to the notes":
        own.symlink_to("notes")
    elif given.layout == "a file":
        own.write_text("mine", encoding="utf-8")
    (root / "kb.toml").write_bytes(given.settings.encode("utf-8", "surrogatepass"))


def _files(top: Path) -> dict[str, str]:
    """Return what each file, folder and link below top holds, but for what lies in folders of the tool."""
    found = {}
    for place, folders, files in os.walk(top):
        if is_own(Path(place)):
            folders.clear()
            continue
        for name in (*folders, *files):
            path = Path(place, name)
            is_file = path.is_file() and not path.is_symlink()
            held = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
            found[str(path)] = f"-> {os.readlink(path)}" if path.is_symlink() else held
    return found


def _nothing_lost(top: Path, root: Path, before: dict[str, str], command: list[str], settings: bytes) -> None:
    after = _files(top)
    changed = {path for path, held in before.items() if after.get(path) != held}
    new = after.keys() - before.keys()
    made = {path for path in changed | new if Path(path).is_relative_to(top / MADE)}
    own = {path for path in new if is_own(Path(path)) and ".git" not in Path(path).parts}
    made |= {path for path in changed if is_own(Path(path)) and not before[path]}  # it was an empty folder
    made |= {path for path in new if any(Path(one).is_relative_to(path) for one in own)}  # folders above it as well
    if "--out" in command:
        told = os.path.realpath(command[-1])
        made |= {path for path in new if Path(path).is_relative_to(told)}
    name = f"{command[0]} {command[1] if len(command) > 1 else ''}"
    if name.startswith("mark"):
        made.add(str(root / "marks.toml"))
        assert b"# mine\n" in _read(root / "marks.toml") or command[0] != "mark"
    if name in ("encoder use",) or name.startswith("import"):
        made.add(str(root / "kb.toml"))
        assert len(_read(root / "kb.toml")) >= len(settings) - 7000  # one line may be shorter now
    if name.startswith("init"):
        made |= {path for path in new if re.search(r"/notes(/\d{4}-\d\d\.md)?$|/kb\.toml$", path)}
    if name.startswith("add"):
        made |= {path for path in new if re.search(rf"/{MONTH}(-added)?\.md$", path)}
    left = sorted((changed | new) - made)
    assert not left, (command, left)


def _said_in_a_line(command: list[str], result: Any) -> None:
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{command} ended in {result.exception!r}") from result.exception
    assert result.exit_code in (0, 1, 2), command
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) <= 1 or command[0] == "index", errors  # which has one for each note that cannot be read
    assert "Traceback" not in result.output


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@cache
def _sentence_transformers() -> ModuleType:
    """Return a package whose models are nothing, so that what lies around them is written in no time."""

    class Model:
        max_seq_length = 32

        def __init__(self, *_: Any, **__: Any) -> None:
            self.prompts: dict[str, str] = {}

        def __iter__(self) -> Iterator[Any]:
            return iter(())

        def get_embedding_dimension(self) -> int:
            return 8

    made = ModuleType("sentence_transformers")
    made.SentenceTransformer = Model  # type: ignore[attr-defined]
    return made


def _not_installed(model: str) -> Path:
    raise EncoderMissing(f"the encoder {model!r} is not installed", "install it")


def _vectors(count: int) -> Any:
    return numpy.eye(8, dtype="<f4")[numpy.arange(count) % 8]


def _export(transformer: Any, folder: Path) -> None:
    for name in exported.FILES:
        (folder / name).write_bytes(b"x")


@contextmanager
def _patched() -> Iterator[pytest.MonkeyPatch]:
    """Put in place of models, of the dictionary and of the machine what takes no time; the rest is as it is."""
    with pytest.MonkeyPatch.context() as patch:
        put_few_words(patch)
        patch.setattr(machine, "RULES", (machine.python,))
        patch.setitem(sys.modules, "sentence_transformers", _sentence_transformers())
        patch.setattr(exporting, "_export_graph", _export)
        patch.setattr(exporting, "_export_tokenizer", lambda transformer, folder: None)
        patch.setattr(exporting, "_weights_hash", lambda transformer, tokenizer, manifest: "0123456789abcdef")
        patch.setattr(exporting, "_compare", lambda transformer, manifest, vectors: None)
        patch.setattr(models, "packaged_model", _not_installed)
        patch.setattr(exported.OnnxEncoder, "encode_passages", lambda self, texts: _vectors(len(texts)))
        patch.setattr(exported.OnnxEncoder, "encode_query", lambda self, text: _vectors(1)[0])
        yield patch
