import errno
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from kb.config.kb_toml import shipped_glossary
from kb.errors import KbError
from kb.index import translation as gloss
from kb.index import translation_table as dictionaries
from kb.index.query import parse_query
from kb.index.sqlite.full_text import fts
from kb.search.concepts import Asked, concepts
from kb.terms import terms

GLOSSARY = """\
# ours
- {en: [residual vector quantization, RVQ], zh: [残差向量量化, 残差矢量量化]}
- {en: [codebook], zh: [码本]}
"""


@pytest.fixture
def table(dictionary: Path) -> gloss.Gloss:
    return gloss.Gloss(dictionary)


def translated(asked: Asked) -> list[str]:
    return [fts(way.phrases[0]) for concept in asked.concepts for way in concept.ways if way.where == "text"]


@pytest.mark.usefixtures("few_words")
def test_a_concept_stands_for_all_its_names_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "glossary.yaml").write_text(GLOSSARY, encoding="utf-8")
    index = tmp_path / "index"
    assert dictionaries.build_gloss(index, [tmp_path / "glossary.yaml"], "made of these") == []
    table = gloss.Gloss(gloss.gloss_path(index))

    asked = concepts(parse_query("残差向量量化"), table)
    assert asked.meanings == (gloss.Meaning("残差向量量化", ("residual vector quantization", "RVQ", "残差矢量量化")),)
    assert translated(asked) == ['"residual vector quantization"', '"rvq"', '"残差 差矢 矢量 量量 量化"']
    asked = concepts(parse_query("why Residual Vector Quantization helps"), table)
    assert translated(asked) == ['"rvq"', '"残差 差向 向量 量量 量化"', '"残差 差矢 矢量 量量 量化"']


def test_the_dictionary_stands_behind_the_glossary(table: gloss.Gloss) -> None:
    assert "acoustics" in table.senses("声学")
    assert table.index_terms("聲學") == table.index_terms("声学")
    assert table.senses("码本") == ("codebook",)
    assert table.senses("没有这个词条") == ()


def test_the_longest_entries_cover_a_run_from_the_left(table: gloss.Gloss) -> None:
    assert table.words("残差向量量化模型") == ["残差向量量化", "模型"]


def test_senses_are_short_and_translate(table: gloss.Gloss) -> None:
    assert table.senses("模型")[0] == "model"
    assert "interrupt" in table.senses("打断")
    assert not [sense for sense in table.senses("量化") if "(" in sense or sense.startswith("to ")]


def test_text_for_the_index_keeps_what_the_words_say(table: gloss.Gloss) -> None:
    found = table.index_terms("用码本 and more")
    assert "codebook" in found
    assert "more" not in found


def test_a_translation_holds_no_chinese(table: gloss.Gloss) -> None:
    assert table.translate("RVQ 的码本很小").startswith("RVQ ")
    assert "codebook" in table.translate("RVQ 的码本很小")


def test_memory_and_file_say_the_same(table: gloss.Gloss, dictionary: Path) -> None:
    text = "语音语言模型把声音变成离散单元，再逐步生成。"
    assert gloss.Gloss(dictionary, in_memory=True).index_terms(text) == gloss.Gloss(dictionary).index_terms(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {en: [a], zh: [码本}", r"glossary\.yaml:\d+: not valid YAML"),
        ("- {en: [a], zh: [码本]}\n- {en: b, zh: [码]}", r"glossary\.yaml:2: an entry should look like"),
        ("- words", r"glossary\.yaml:1: an entry should look like"),
        ("en: [a]", r"glossary\.yaml:1: an entry should look like"),
    ],
)
def test_a_wrong_entry_is_named_by_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "glossary.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KbError, match=complaint):
        dictionaries.read_glossary(path)


@pytest.mark.parametrize(
    ("chinese", "english"),
    [("因果", "causal"), ("鲁棒", "robust"), ("延迟", "delay"), ("具身", "embodied"), ("建模", "modeling")],
)
def test_everyday_words_of_the_field_are_found_by_their_english(table: gloss.Gloss, chinese: str, english: str) -> None:
    assert english in table.index_terms(chinese)
    assert chinese in table.names(english)


def test_the_shipped_glossary_is_one_line_an_entry_without_duplicates() -> None:
    text = shipped_glossary().read_text(encoding="utf-8")
    entries = dictionaries.read_glossary(shipped_glossary())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = Counter(" ".join(terms(name)) for english, chinese in entries for name in (*english, *chinese))

    assert len(entries) >= 2000
    assert len(lines) == len(entries)
    assert [yaml.load(line, yaml.BaseLoader)[0] for line in lines] == [{"en": en, "zh": zh} for en, zh in entries]
    assert [name for name, count in names.items() if count > 1] == []
    assert "" not in names
    assert [name for _, chinese in entries for name in chinese if len(name) == 1] == []


@pytest.mark.usefixtures("few_words")
def test_the_users_own_glossary_is_read_when_it_changes(kb: Any) -> None:
    kb.run("index")
    assert kb.run("search", "wobblecode").stdout == ""
    kb.write("glossary.yaml", "- {en: [wobblecode], zh: [声学延迟]}\n")
    assert "TinyCodec" in kb.run("search", "wobblecode").stdout
    assert "glossary.yaml\tglossary" in kb.run("status").stdout
    assert "wobblecode" in kb.run("gloss", "声学延迟").stdout


@pytest.mark.usefixtures("few_words")
def test_a_broken_glossary_is_reported_and_the_rest_works(kb: Any) -> None:
    kb.write("glossary.yaml", "- {en: wobblecode}\n")
    assert "TinyCodec" in kb.run("search", "RVQ").stdout
    result = kb.run("status")
    assert result.exit_code == 1
    assert "glossary.yaml:1: an entry should look like" in result.stdout


@pytest.mark.usefixtures("few_words")
def test_a_glossary_that_cannot_be_read_for_a_moment_is_read_by_the_next_command(
    kb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.read_text

    def fails(path: Path, **options: Any) -> str:
        if path.name == "glossary.yaml":
            raise OSError(errno.EIO, "Input/output error")
        return real(path, **options)

    kb.write("glossary.yaml", "- {en: [wobblecode], zh: [声学延迟]}\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", fails)
        refused = kb.run("index")
        assert refused.exit_code == 1
        assert "error: glossary.yaml: cannot be read: Input/output error" in refused.stderr
        assert "TinyCodec" in kb.run("search", "RVQ").stdout

    assert "TinyCodec" in kb.run("search", "wobblecode").stdout


def test_a_question_crosses_languages(kb: Any) -> None:
    assert kb.json("search", "compress")["hits"][0]["paper"]["short_name"] == "TinyCodec"
    assert kb.json("search", "量化器")["hits"][0]["paper"]["short_name"] == "OldCodec"
