"""Pipes, devices and links where files belong, names that no system has, JSON without end: a line, and no waiting."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb.api.base import open_base
from kb.config.kb_toml import load_config
from kb.errors import EncoderMissing, KbError
from kb.files import read_regular, read_typed
from kb.index.encoders.exported import GRAPH, MANIFEST, TOKENIZER, WEIGHTS, folder_name, open_exported
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.models import refuse_pipes
from kb.index.folder import own, refuse_links
from kb.notes.loading import load

ROOT = Path(__file__).resolve().parents[2]
DEEP = "[" * 100_000
DIGITS = "9" * 5000  # Python makes no number of so many
MANIFEST_VALUES = {
    "model": "mine",
    "fingerprint": "f",
    "dimension": 4,
    "max_tokens": 8,
    "pooling": "mean",
    "query_prompt": "",
    "passage_prompt": "",
    "reads_unspaced": True,
}


@pytest.fixture
def impatient() -> Iterator[None]:
    """Fail instead of waiting for a pipe that nobody writes."""

    def end(*_: object) -> None:
        raise TimeoutError("waited for a pipe")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def one_line(result: Any, *said: str) -> None:
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    for text in said:
        assert text in result.stderr


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("marks.toml", ["mark", "star", "tinycodec"]),
        ("marks.toml", ["list", "is:starred"]),
        ("kb.toml", ["list"]),
        ("notes/2024-11.md", ["add", "2410.00038", "--offline", "--month", "2024-11", "--write"]),
        (".kb/kb.sqlite", ["list"]),
        (".kb/CACHEDIR.TAG", ["index"]),
        ("x.md", ["parse", "x.md"]),
        ("x.md", ["check", "x.md"]),
        ("x.md", ["search", "--similar-to", "x.md"]),
        ("x.tsv", ["bench", "x.tsv"]),
        ("x.bib", ["add", "x.bib", "--write"]),
        ("x.bib", ["import", "x.bib"]),
        ("x.j2", ["digest", "2024-10", "--template", "x.j2"]),
        ("templates/digest.md.j2", ["digest", "2024-10", "--template", "templates/digest.md.j2"]),
    ],
)
def test_a_pipe_in_the_place_of_a_file_is_a_line_and_nobody_waits(
    kb: Any, monkeypatch: pytest.MonkeyPatch, file: str, command: list[str]
) -> None:
    monkeypatch.chdir(kb.root)
    path = kb.root / file
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    one_line(kb.run(*command))


@pytest.mark.usefixtures("impatient")
def test_a_pipe_in_a_vault_is_left_alone_and_the_notes_beside_it_are_written(kb: Any, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    os.mkfifo(vault / "Do Units Keep Tone.md")
    (vault / "TinyCodec - A Small Speech Codec.md").mkdir()
    result = kb.run("export", "--format", "obsidian", "--out", str(vault))
    assert result.exit_code == 0
    assert result.stderr.count("left alone") == 2
    assert result.stderr.endswith("2 new, 0 changed, 0 as they were\n")


@pytest.mark.usefixtures("impatient")
def test_a_note_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("a.md", "a.bib", "a.sqlite"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(KbError, match="it is not a file"):
            load(tmp_path / name, name)
    with pytest.raises(OSError, match="it is not a file"):
        read_regular(Path("/dev/zero"))
    with pytest.raises(OSError, match="it is a device without an end"):
        read_typed(Path("/dev/zero"))


def test_what_a_shell_has_opened_is_a_file_to_who_types_it(kb: Any) -> None:
    command = [sys.executable, "-m", "kb", "--kb", str(kb.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    piped = {"input": "RVQ\ttinycodec\n", "capture_output": True, "text": True, "env": environment, "check": False}
    done = subprocess.run([*command, "bench", "/dev/stdin"], **piped)  # type: ignore[call-overload]
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run([*command, "search", "--similar-to", "/dev/stdin"], **piped)  # type: ignore[call-overload]
    assert done.returncode == 0
    assert "TinyCodec" in done.stdout


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('notes = "a\\u0000b"', "notes"),
        ('templates = "a\\u0000b"', "templates"),
        ('index = "a\\u0000b"', "index"),
        ('encoder = "a\\u0000b"', "encoder"),
        ('same = [["a\\u0000", "b"]]', "same"),
        ('[check]\nignore = ["\\u0000"]', "check"),
        ('[[sources]]\nfolder = "a\\u0000b"', "sources"),
        ('[[sources]]\nfolder = "x"\nfile = "a\\u0000.bib"', "sources"),
        ('[[sources]]\nfolder = "x"\nname = "a\\u0000"', "sources"),
        (f'notes = "{"x" * 300}"', "notes"),
        (f'index = "{"x/" * 3000}"', "index"),
        (f'[[sources]]\nfolder = "x"\nname = "{"声" * 100}"', "sources"),
    ],
)
@pytest.mark.parametrize("command", ["list", "index", "check", "config"])
def test_a_setting_that_no_name_can_be_is_told_with_its_key(kb: Any, command: str, text: str, key: str) -> None:
    (kb.root / "kb.toml").write_text(text + "\n", encoding="utf-8")
    one_line(kb.run(command), f"{kb.root / 'kb.toml'}: ", key)


@pytest.mark.parametrize("file", ["kb.toml", "marks.toml"])
def test_a_number_of_thousands_of_digits_is_a_line(kb: Any, file: str) -> None:
    (kb.root / file).write_text(f"same = {DIGITS}\n", encoding="utf-8")
    one_line(kb.run("mark", "star", "tinycodec"), str(kb.root / file))


def test_a_number_of_thousands_of_digits_in_a_note_costs_that_note_alone(kb: Any) -> None:
    kb.write("2024-11.md", f"+++\nnumber = {DIGITS}\n+++\n\n**《Beta: A Paper》** CMU，k\n")
    result = kb.run("list")
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
    assert "broken front matter" in result.stderr
    assert "Beta" in result.stdout
    assert "TinyCodec" in result.stdout


def test_a_home_that_nobody_has_is_told_with_its_key(kb: Any) -> None:
    (kb.root / "kb.toml").write_text('[[sources]]\nfolder = "~nobody-has-this/x"\n', encoding="utf-8")
    one_line(kb.run("list"), "kb.toml: folder of [[sources]] is in a home that nobody has")
    with pytest.raises(EncoderMissing, match="is not on this machine"):
        export_encoder(kb.root, kb.root / ".kb", "~nobody-has-this/x")


@pytest.fixture
def exported(kb: Any) -> Path:
    """An exported encoder as far as its files go."""
    folder = kb.root / ".kb" / "encoders" / "mine"
    folder.mkdir(parents=True)
    for name in (GRAPH, WEIGHTS, TOKENIZER):
        (folder / name).write_bytes(b"")
    (folder / MANIFEST).write_text(json.dumps(MANIFEST_VALUES), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"a":' * 100_000,
        DIGITS,
        "[]",
        "null",
        '"x"',
        json.dumps({**MANIFEST_VALUES, "dimension": "4"}),
        json.dumps({**MANIFEST_VALUES, "dimension": 0}),
        json.dumps({**MANIFEST_VALUES, "max_tokens": -1}),
        json.dumps({**MANIFEST_VALUES, "fingerprint": ["f"]}),
        json.dumps({**MANIFEST_VALUES, "query_prompt": None}),
    ],
    ids=lambda text: text[:20],
)
def test_a_manifest_that_is_none_means_that_no_encoder_is_set_up(kb: Any, exported: Path, text: str) -> None:
    assert open_exported(kb.root / ".kb", "mine")
    (kb.root / "kb.toml").write_text('encoder = "mine"\n', encoding="utf-8")
    (exported / MANIFEST).write_text(text, encoding="utf-8")
    result = kb.run("search", "RVQ", "--no-refresh")
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
    assert "encoder 'mine' is not set up; run: kb index" in result.stderr


@pytest.mark.usefixtures("impatient")
def test_a_manifest_that_is_a_pipe_is_not_waited_for(kb: Any, exported: Path) -> None:
    (exported / MANIFEST).unlink()
    os.mkfifo(exported / MANIFEST)
    assert open_exported(kb.root / ".kb", "mine") is None


def test_a_digest_that_says_of_itself_lists_without_end_is_none_of_ours(kb: Any, tmp_path: Path) -> None:
    out = tmp_path / "digest.md"
    out.write_text("<!-- kb:written {" + '"a":[' * 50_000 + "} -->\n", encoding="utf-8")
    assert kb.run("digest", "2024-10", "--out", str(out)).exit_code == 0
    assert "TinyCodec" in out.read_text(encoding="utf-8")


@pytest.mark.model
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("modules.json", DEEP),
        ("modules.json", "[1]"),
        ("config.json", '{"a":' * 100_000),
        ("config.json", "null"),
        ("config_sentence_transformers.json", "[]"),
    ],
    ids=lambda text: text[:20],
)
def test_a_model_beside_the_notes_whose_files_are_none_is_a_line(kb: Any, file: str, text: str) -> None:
    pytest.importorskip("sentence_transformers")
    folder = kb.root / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / file).write_text(text, encoding="utf-8")
    one_line(kb.run("encoder", "use", "model"), "error: encoder 'model' cannot be read: ")


def test_a_model_that_holds_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokenizer.json")
    with pytest.raises(EncoderMissing, match=r"tokenizer\.json is neither a file nor a folder"):
        refuse_pipes(tmp_path, "mine")


def test_the_name_of_an_encoder_is_as_long_as_a_name_may_be() -> None:
    long, other = "声" * 1000, "声" * 1000 + "x"
    assert len(folder_name(long).encode()) < 220
    assert folder_name(long) != folder_name(other)
    assert folder_name("BAAI/bge-m3") == "BAAI-bge-m3"


@pytest.mark.parametrize("name", ["encoders/mine", "models/theirs", "models/theirs/config.json", "encoders/a/b/pipe"])
def test_no_encoder_is_set_up_or_fetched_where_something_leads_out_of_the_index(
    kb: Any, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    index = tmp_path / "index"
    own(index)
    (index / name).parent.mkdir(parents=True)
    if name.endswith("pipe"):
        os.mkfifo(index / name)
    else:
        (index / name).symlink_to(victim)
    with pytest.raises(KbError, match="the index is written only where it lies"):
        refuse_links(index)
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("name", ["vectors-x.faiss", "CACHEDIR.TAG", ".gitignore", "gloss.sqlite"])
def test_the_index_holds_no_pipe(kb: Any, name: str) -> None:
    (kb.config.index / name).unlink(missing_ok=True)
    os.mkfifo(kb.root / ".kb" / name)
    one_line(kb.run("index"), f"{name} is neither a file nor a folder; delete it")
    with pytest.raises(KbError):
        load_config(kb.root)
    with pytest.raises(KbError):
        open_base(kb.root)
