"""Models other than the default one: where they come from, what they are asked with, what can be wrong."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy
import pytest
from typer.testing import CliRunner

from cli import app
from kb.errors import EncoderMissing
from kb.index.encoders import exporting, models
from kb.index.encoders.exported import GRAPH, TOKENIZER, WEIGHTS, OnnxEncoder, open_exported
from kb.index.encoders.exporting import export_encoder
from tests.conftest import Kb, copied, with_two_months

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.model


def make_model(folder: Path, prompts: dict[str, str] | None = None, pooling: str = "mean", seed: int = 0) -> Path:
    """Write a sentence-transformers model of random weights: two layers, 16 dimensions, letters for a vocabulary."""
    torch = pytest.importorskip("torch")
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(seed)
    raw = folder.with_name(folder.name + "-raw")
    raw.mkdir(parents=True)
    letters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (raw / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast(str(raw / "vocab.txt"), model_max_length=32).save_pretrained(raw)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **shape)).eval().save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=32)
    parts = [transformer, Pooling(16, pooling_mode=pooling)]
    sentence_transformers.SentenceTransformer(modules=parts, prompts=prompts, device="cpu").save(str(folder))
    shutil.rmtree(raw)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kb.toml").write_text('# mine\nencoder = "none"  # for now\nnotes = "notes"\n', encoding="utf-8")
    (tmp_path / "notes").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def encoded(new_kb: Callable[[], Kb]) -> Kb:
    """A knowledge base with a model beside its notes, which is exported, and every text encoded."""
    kb = with_two_months(new_kb())
    make_model(kb.root / "mine")
    kb.run("encoder", "use", "mine")
    assert "texts encoded: 5" in kb.run("index").stdout
    return kb


@pytest.fixture
def mine(encoded: Kb, tmp_path: Path) -> Kb:
    return copied(encoded.root, tmp_path / "kb")


def export(root: Path, model: str) -> OnnxEncoder:
    return export_encoder(root, root / ".kb", model)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_prompts_and_pooling_of_a_model_are_kept(root: Path, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    folder = make_model(root / "mine", {"query": "query: ", "document": "passage: "}, pooling)
    encoder = export(root, "mine")
    original = SentenceTransformer(str(folder), device="cpu")

    assert (encoder.manifest.query_prompt, encoder.manifest.passage_prompt) == ("query: ", "passage: ")
    assert encoder.manifest.pooling == pooling
    texts = ["a codec", "tone of speech"]
    passages = original.encode(texts, prompt_name="document", normalize_embeddings=True)
    assert numpy.allclose(encoder.encode_passages(texts), passages, atol=1e-5)
    question = original.encode(texts[0], prompt_name="query", normalize_embeddings=True)
    assert numpy.allclose(encoder.encode_query(texts[0]), question, atol=1e-5)


def test_a_family_that_declares_no_prompts_gets_those_it_was_trained_with(root: Path) -> None:
    make_model(root / "multilingual-e5-tiny")
    manifest = export(root, "multilingual-e5-tiny").manifest
    assert (manifest.query_prompt, manifest.passage_prompt) == ("query: ", "passage: ")


def test_the_fingerprint_stands_for_weights_prompts_and_pooling_and_survives_a_new_export(root: Path) -> None:
    make_model(root / "one")
    make_model(root / "reseeded", seed=1)
    make_model(root / "prompted", {"query": "q: ", "document": ""})
    make_model(root / "pooled", pooling="cls")
    shutil.copytree(root / "one", root / "copy")
    found = {name: export(root, name).fingerprint for name in ("one", "reseeded", "prompted", "pooled", "copy")}

    assert export(root, "one").fingerprint == found["one"]
    assert len({found[name] for name in ("one", "reseeded", "prompted", "pooled")}) == 4


def test_another_encoder_encodes_anew_and_the_old_vectors_are_not_mixed_in(kb: Any) -> None:
    for name in ("one", "two"):
        make_model(kb.root / name, seed=len(name) + ord(name[0]))
    kb.run("encoder", "use", "one")
    assert "texts encoded: 5" in kb.run("index").stdout
    assert "encoder: two; to encode the notes: kb index" in kb.run("encoder", "use", "two").stdout
    result = kb.run("search", "codec")
    assert "TinyCodec" in result.stdout
    assert "no passage has an embedding of 'two' yet; run: kb index" in result.stderr
    assert "texts encoded: 5" in kb.run("index").stdout
    assert "meaning" in kb.json("search", "codec")["retrievers"]


def test_use_changes_one_line_of_the_settings(mine: Kb) -> None:
    kb, settings = mine, mine.root / "kb.toml"
    settings.write_text('# mine\nencoder = "none"  # for now\nnotes = "notes"\n', encoding="utf-8")
    kb.run("encoder", "use", "mine")
    assert settings.read_text("utf-8") == '# mine\nencoder = "mine"  # for now\nnotes = "notes"\n'
    kb.run("encoder", "use", "none")
    assert settings.read_text("utf-8") == '# mine\nencoder = "none"  # for now\nnotes = "notes"\n'
    settings.write_text('notes = "notes"\n', encoding="utf-8")
    kb.run("encoder", "use", "mine")
    assert settings.read_text("utf-8") == 'encoder = "mine"\nnotes = "notes"\n'


def test_a_model_that_cannot_be_used_leaves_the_settings_alone(kb: Any) -> None:
    before = (kb.root / "kb.toml").read_text("utf-8")
    result = kb.run("encoder", "use", "nobody/nothing")
    assert result.exit_code == 1
    assert "error: encoder 'nobody/nothing' is not on this machine; run: kb encoder get nobody/nothing" in result.stderr
    assert (kb.root / "kb.toml").read_text("utf-8") == before


def test_the_list_says_what_is_ready_and_what_is_used(mine: Kb) -> None:
    first, *others = mine.json("encoder", "list")
    assert first == {
        "model": "mine",
        "state": "ready",
        "is_used": True,
        "dimension": 16,
        "max_tokens": 32,
        "reads_chinese": False,
        "mebibytes": first["mebibytes"],
    }
    assert [other["state"] for other in others if other["model"] == "minilm"] in (["installed"], [])


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "overwritten":
        path.write_bytes(b"\x00nonsense" * 50)
    else:
        path.write_bytes((b"\x00nonsense" * path.stat().st_size)[: path.stat().st_size])


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, TOKENIZER])
@pytest.mark.parametrize("how", ["missing", "cut", "overwritten", "overwritten at the same length"])
def test_a_broken_encoder_means_words_only_and_one_line(mine: Kb, name: str, how: str) -> None:
    kb, is_as_long = mine, how.endswith("length")
    if is_as_long and name == WEIGHTS:
        pytest.skip("any numbers are weights: kb doctor --deep tells them")
    damage(kb.config.index / "encoders" / "mine" / name, how)

    result = kb.run("search", "codec")
    assert result.exit_code == 0
    assert "TinyCodec" in result.stdout
    (line,) = [line for line in result.stderr.splitlines() if "of 2" not in line]
    assert line.startswith("searching by words only: ")
    assert line.endswith("; run: kb encoder export mine" if is_as_long else "; run: kb index")
    kb.run(*(["encoder", "export"] if is_as_long else ["index"]))
    assert "meaning" in kb.json("search", "codec")["retrievers"]


def test_vectors_of_another_dimension_mean_words_only_and_one_line(mine: Kb) -> None:
    kb = mine
    manifest = kb.config.index / "encoders" / "mine" / "manifest.json"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace('"dimension": 16', '"dimension": 32'), encoding="utf-8")
    result = kb.run("search", "codec", "--limit", "0")
    assert "TinyCodec" in result.stdout
    assert "it gives vectors of 16 dimensions, not 32" in result.stderr
    assert len(result.stderr.splitlines()) == 1

    manifest.write_text(text, encoding="utf-8")
    with sqlite3.connect(kb.config.database) as database:
        database.execute("UPDATE vectors SET vector = zeroblob(24)")
    database.close()
    result = kb.run("search", "codec", "--limit", "0")
    assert "TinyCodec" in result.stdout
    assert "the index holds vectors of other than 16 dimensions" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_packaged_model_is_used_only_if_it_is_the_file_expected(
    kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, package = models.packaged_model("minilm"), models.PACKAGES["minilm"]
    fake = tmp_path / "fake"
    shutil.copytree(real, fake / package.model, ignore=shutil.ignore_patterns("*.safetensors"))
    (fake / package.weights).write_bytes(b"other weights")

    class Distribution:
        def locate_file(self, name: str) -> Path:
            return fake / name

    installed = models.metadata.distribution
    monkeypatch.setattr(
        models.metadata, "distribution", lambda name: Distribution() if name == package.name else installed(name)
    )
    with pytest.raises(EncoderMissing, match="is not the file expected; run: pip install --force-reinstall"):
        models.packaged_model("minilm")
    (kb.root / "kb.toml").write_text('encoder = "minilm"\n', encoding="utf-8")
    result = kb.run("index")
    assert "indexed for words only: " in result.stderr
    assert "is not the file expected" in result.stderr
    assert "TinyCodec" in kb.run("search", "RVQ").stdout


def test_an_export_by_another_version_is_made_again(mine: Kb) -> None:
    kb = mine
    kb.write("new.md", "**《Newest》** X，k\n")
    manifest = kb.config.index / "encoders" / "mine" / "manifest.json"
    manifest.write_text('{"model": "mine", "layout": 0}', encoding="utf-8")
    assert open_exported(kb.config.index, "mine") is None
    assert "texts encoded: 1" in kb.run("index").stdout


class Hub(BaseHTTPRequestHandler):
    """As much of a model hub as a download asks for, of one model in a folder."""

    def __init__(self, folder: Path, *arguments: Any) -> None:
        self.model = folder
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        files = [file for file in sorted(self.model.rglob("*")) if file.is_file()]
        names = [file.relative_to(self.model).as_posix() for file in files]
        if path.startswith("/api/models/tiny/model/tree/"):
            entries = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": COMMIT}
                for name, file in zip(names, files, strict=True)
            ]
            self.answer(json.dumps(entries).encode())
        elif path.startswith("/api/models/tiny/model"):
            siblings = [{"rfilename": name} for name in names]
            self.answer(json.dumps({"id": "tiny/model", "sha": COMMIT, "siblings": siblings}).encode())
        elif "/resolve/" in path and (name := path.split(f"/resolve/{COMMIT}/")[-1]) in names:
            self.answer((self.model / name).read_bytes(), {"ETag": f'"{len(name)}"', "X-Repo-Commit": COMMIT})
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def answer(self, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    folder = make_model(tmp_path / "published", {"query": "q: ", "document": ""})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run_kb(root: Path, hub: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(root / "home"), "PYTHONPATH": str(ROOT)}
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "kb", "--kb", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_model_is_fetched_from_the_hub_without_weights_that_are_pickled(root: Path, hub: str, tmp_path: Path) -> None:
    (tmp_path / "published" / "pytorch_model.bin").write_bytes(pickled(tmp_path / "ran"))
    got = run_kb(root, hub, "encoder", "get", "tiny/model")
    assert got.returncode == 0, got.stderr
    assert "to use it: kb encoder use tiny/model" in got.stdout
    assert list((root / ".kb" / "models").rglob("*.safetensors"))
    assert list((root / ".kb" / "models").rglob("*.bin")) == []
    assert not (tmp_path / "ran").exists()
    used = CliRunner().invoke(app, ["--kb", str(root), "encoder", "use", "tiny/model"])
    assert used.exit_code == 0, used.stderr
    encoder = open_exported(root / ".kb", "tiny/model")
    assert encoder
    assert encoder.manifest.query_prompt == "q: "


def test_a_model_the_hub_does_not_have_is_one_line(root: Path, hub: str) -> None:
    got = run_kb(root, hub, "encoder", "get", "tiny/nothing")
    assert got.returncode == 1
    assert got.stderr.splitlines()[-1].startswith("error: encoder 'tiny/nothing' cannot be fetched: ")


class Evil:
    """What runs when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


def pickled(mark: Path) -> bytes:
    """Return weights as torch keeps them in a .bin file, that touch mark when they are read."""
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save({"weights": Evil(mark)}, buffer)
    return buffer.getvalue()


def test_what_is_pickled_runs_when_it_is_read(tmp_path: Path) -> None:
    """What the tests beside it guard against."""
    torch = pytest.importorskip("torch")
    torch.load(io.BytesIO(pickled(tmp_path / "ran")), weights_only=False)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", ["", "2_Dense"])
def test_a_model_beside_the_notes_whose_weights_are_pickled_is_refused(kb: Any, tmp_path: Path, part: str) -> None:
    folder = make_model(kb.root / "mine")
    if part:
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
        modules.append({"idx": 2, "name": "2", "path": part, "type": "sentence_transformers.models.Dense"})
        (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
        (folder / part).mkdir()
        shape = {"in_features": 16, "out_features": 8, "bias": True, "activation_function": "torch.nn.Tanh"}
        (folder / part / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    else:
        (folder / "model.safetensors").unlink()
    (folder / part / "pytorch_model.bin").write_bytes(pickled(tmp_path / "ran"))
    result = kb.run("encoder", "use", "mine")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"has no weights as safetensors but {f'{part}/'.lstrip('/')}pytorch_model.bin; choose" in result.stderr
    assert not (tmp_path / "ran").exists()


def test_a_model_of_the_hub_whose_weights_are_pickled_is_refused(root: Path, hub: str, tmp_path: Path) -> None:
    published = tmp_path / "published"
    (published / "pytorch_model.bin").write_bytes(pickled(tmp_path / "ran"))
    (published / "model.safetensors").unlink()
    got = run_kb(root, hub, "encoder", "get", "tiny/model")
    assert got.returncode == 1
    assert "has no weights as safetensors; choose another" in got.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", [["search", "codec"], ["encoder", "export", "mine"]])
def test_an_encoder_leaves_nothing_outside_of_the_knowledge_base(mine: Kb, tmp_path: Path, command: list[str]) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    elsewhere = {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    places = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "HF_", "ORT_", "TORCH"))
    }

    done = subprocess.run(
        [sys.executable, "-m", "kb", "--kb", str(mine.root), *command],
        env={**places, **elsewhere},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [*home.rglob("*"), *temporary.rglob("*")] == []


def test_a_model_that_cannot_be_exported_leaves_nothing_half_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: object) -> None:
        raise EncoderMissing("gives other vectors once exported")

    make_model(root / "mine")
    monkeypatch.setattr(exporting, "_compare", other)
    with pytest.raises(EncoderMissing):
        export(root, "mine")
    assert list((root / ".kb" / "encoders").iterdir()) == []
