"""The packaged MiniLM through ONNX, against sentence-transformers itself."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from kb.errors import EncoderMissing
from kb.index import meaning as encoding
from kb.index import translation as gloss
from kb.index.encoders.exported import OnnxEncoder, open_exported
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.models import packaged_model
from kb.search.find import search
from kb.terms import has_unspaced

TEXTS = ["residual vector quantization", "A speech codec for streaming dialogue.", "12.5 Hz", "x"]


def test_a_model_that_is_not_here_is_said_so_and_nothing_is_fetched(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(EncoderMissing, match="encoder 'nobody/nothing' is not on this machine"):
        export_encoder(tmp_path, tmp_path / ".kb", "nobody/nothing")
    assert open_exported(tmp_path / ".kb", "nobody/nothing") is None


def test_a_kb_with_a_missing_model_answers_by_words(kb: Any) -> None:
    (kb.root / "kb.toml").write_text('encoder = "nobody/nothing"\n', encoding="utf-8")
    result = kb.run("index")
    assert result.exit_code == 0
    assert "indexed for words only" in result.stderr
    assert "TinyCodec" in kb.run("search", "RVQ").stdout


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("onnxruntime")
    root = tmp_path_factory.mktemp("minilm")
    return export_encoder(root, root, "minilm")


@pytest.mark.model
def test_the_exported_model_gives_the_vectors_of_sentence_transformers(minilm: OnnxEncoder) -> None:
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(packaged_model("minilm")), device="cpu")
    expected = original.encode(TEXTS, normalize_embeddings=True)

    assert numpy.allclose(minilm.encode_passages(TEXTS), expected, atol=1e-5)
    assert numpy.allclose(minilm.encode_query(TEXTS[0]), expected[0], atol=1e-5)
    assert minilm.dimension == expected.shape[1]


@pytest.mark.model
def test_it_is_known_to_be_blind_to_chinese_and_given_english(minilm: OnnxEncoder, dictionary: Path) -> None:
    table = gloss.Gloss(dictionary)
    assert minilm.reads_unspaced is False
    assert minilm.passage_text("RVQ 残差 for speech", None) == ""
    assert "acoustic" in minilm.passage_text("声学延迟的流式解码 with RVQ", table)
    assert not has_unspaced(minilm.passage_text("用编解码器压缩语音，效果很好。", table))


VIOLINS = "**《Violins in the Concert Hall》** X，k\n\nstrings and bows\n"


@pytest.mark.model
def test_meaning_finds_what_shares_no_word(kb: Any, minilm: OnnxEncoder) -> None:
    kb.write("2024-09.md", VIOLINS)
    kb.refresh()
    encoding.encode_missing(kb.config, minilm)
    answer = search(kb.config, kb.reader(), "orchestra music", 5, minilm)

    assert answer.retrievers == ("words", "meaning")
    assert answer.hits[0].paper.title == "Violins in the Concert Hall"
    assert [reason.retriever for reason in answer.hits[0].reasons] == ["meaning"]
    question = search(kb.config, kb.reader(), "管弦乐队的音乐", 5, minilm)
    assert question.hits[0].paper.title == "Violins in the Concert Hall"


@pytest.mark.model
def test_index_sets_the_encoder_up_and_searches_use_it(kb: Any) -> None:
    pytest.importorskip("sentence_transformers")
    (kb.root / "kb.toml").write_text('encoder = "minilm"\n', encoding="utf-8")
    assert "texts encoded: 5" in kb.run("index").stdout
    kb.write("2024-09.md", VIOLINS)
    answer = json.loads(kb.run("search", "orchestra music", "--json").stdout)["data"]
    assert answer["hits"][0]["paper"]["title"] == "Violins in the Concert Hall"
