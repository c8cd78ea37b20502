"""The packaged MiniLM through ONNX, against sentence-transformers itself."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from kb import encoders, indexing
from kb.errors import EncoderMissing
from kb.search import search

TEXTS = ["residual vector quantization", "A speech codec for streaming dialogue.", "12.5 Hz", "x"]


def test_a_model_that_is_not_here_is_said_so_and_nothing_is_fetched(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(EncoderMissing, match="encoder 'nobody/nothing' is not on this machine"):
        encoders.export_encoder(tmp_path, tmp_path / ".kb", "nobody/nothing")
    assert encoders.open_encoder(tmp_path / ".kb", "nobody/nothing") is None


def test_a_kb_with_a_missing_model_answers_by_words(kb: Any) -> None:
    (kb.root / "kb.toml").write_text('encoder = "nobody/nothing"\n', encoding="utf-8")
    result = kb.run("index")
    assert result.exit_code == 0
    assert "indexed for words only" in result.stderr
    assert "TinyCodec" in kb.run("search", "RVQ").stdout


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> encoders.OnnxEncoder:
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("onnxruntime")
    root = tmp_path_factory.mktemp("minilm")
    return encoders.export_encoder(root, root, "minilm")


@pytest.mark.model
def test_the_exported_model_gives_the_vectors_of_sentence_transformers(minilm: encoders.OnnxEncoder) -> None:
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(encoders._packaged_model()), device="cpu")
    expected = original.encode(TEXTS, normalize_embeddings=True)

    assert numpy.allclose(minilm.encode_passages(TEXTS), expected, atol=1e-5)
    assert numpy.allclose(minilm.encode_query(TEXTS[0]), expected[0], atol=1e-5)
    assert minilm.dimension == expected.shape[1]


@pytest.mark.model
def test_it_is_known_to_be_blind_to_chinese(minilm: encoders.OnnxEncoder) -> None:
    assert minilm.manifest.reads_unspaced is False
    assert minilm.encode_query("声学延迟 delay") is None
    assert minilm.readable("RVQ 残差 for speech", "用 codec") == "RVQ for speech codec"
    assert minilm.readable("声调", "全是中文") == ""


@pytest.mark.model
def test_meaning_finds_what_shares_no_word(kb: Any, minilm: encoders.OnnxEncoder) -> None:
    kb.refresh()
    indexing.encode_missing(kb.config, minilm)
    answer = search(kb.config, kb.reader(), "lexical pitch", 5, minilm)

    assert answer.retrievers == ("words", "meaning")
    assert answer.hits[0].paper.title == "Do Units Keep Tone?"
    assert [reason.retriever for reason in answer.hits[0].reasons] == ["meaning"]


@pytest.mark.model
def test_index_sets_the_encoder_up_and_searches_use_it(kb: Any) -> None:
    pytest.importorskip("sentence_transformers")
    (kb.root / "kb.toml").write_text('encoder = "minilm"\n', encoding="utf-8")
    assert "texts encoded: 4" in kb.run("index").stdout
    answer = json.loads(kb.run("search", "lexical pitch", "--json").stdout)["data"]
    assert answer["hits"][0]["paper"]["title"] == "Do Units Keep Tone?"
    kb.write("2024-10b.md", "**《Violins in the Concert Hall》** X，k\n\nstrings and bows\n")
    answer = json.loads(kb.run("search", "orchestra music", "--json").stdout)["data"]
    assert answer["hits"][0]["paper"]["title"] == "Violins in the Concert Hall"
