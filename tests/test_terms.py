import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.index.sqlite.full_text import fts
from kb.terms import VARIANTS, alternatives, fold, letters, phrase, terms

ROOT = Path(__file__).resolve().parent.parent


def test_a_run_without_spaces_becomes_its_pairs_and_its_last_character() -> None:
    assert terms("残差量化") == ["残差", "差量", "量化", "化"]


def test_letters_and_digits_part_so_that_a_name_is_found_without_its_number() -> None:
    assert terms("Qwen2-7B at 12.5Hz") == ["qwen", "2", "7", "b", "at", "12", "5", "hz"]


def test_full_width_accents_and_invisible_characters_are_folded() -> None:
    assert fold("ＲＶＱ　Café soft\u00adhyphen 𝔸") == "rvq cafe softhyphen a"


def test_kana_and_hangul_are_kept_whole() -> None:
    assert terms("音ガ") == ["音ガ", "ガ"]
    assert terms("ｶﾞ") == ["ガ"]
    assert terms("음성") == ["음성", "성"]


def test_a_phrase_ends_where_the_text_may_go_on() -> None:
    assert fts(phrase("声学延迟")) == '"声学 学延 延迟"'
    assert fts(phrase("量")) == '"量"*'
    assert fts(phrase("RVQ第一层")) == '"rvq 第一 一层"'
    assert fts(phrase("第一层RVQ")) == '"第一 一层 层 rvq"'
    assert fts(phrase("量 化")) == '"量 化"*'
    assert phrase("…！") is None


def test_an_unquoted_word_is_worth_a_look_for_each_of_its_pairs() -> None:
    assert [fts(one) for one in alternatives("声学延迟")] == ['"声学"', '"学延"', '"延迟"']
    assert [fts(one) for one in alternatives("12.5Hz")] == ['"12"', '"hz"', '"12 5 hz"']
    assert [fts(one) for one in alternatives("o1-mini")] == ['"mini"', '"o 1 mini"']
    assert [fts(one) for one in alternatives("RVQ量化")] == ['"rvq"', '"量化"']


@pytest.mark.parametrize(
    ("written", "simplified"),
    [
        ("聲調", "声调"),
        ("臺灣大學", "台湾大学"),
        ("颱風 檯面", "台风 台面"),
        ("發現 頭髮", "发现 头发"),
        ("以後 皇后", "以后 皇后"),
        ("乾淨 幹部 干擾", "干净 干部 干扰"),
        ("顯著 看着", "显着 看着"),
        ("音声認識の学習", "音声认识の学习"),
        ("発展 気候 図書館 変換", "发展 气候 图书馆 变换"),
        ("衞星 裡面 裏面", "卫星 里面 里面"),
    ],
)
def test_the_forms_of_a_chinese_character_are_one_term(written: str, simplified: str) -> None:
    assert fold(written) == fold(simplified) == simplified


def test_letters_keep_the_form_that_they_are_written_in() -> None:
    assert letters("ＲＶＱ 聲調") == "rvq 聲調"


def test_the_forms_are_those_of_the_tables_they_were_made_from() -> None:
    spec = importlib.util.spec_from_file_location("variants", ROOT / "tools" / "variants.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)

    assert made.module() == (ROOT / "kb" / "terms" / "variants.py").read_text(encoding="utf-8")


@given(st.text(alphabet="聲声ｶﾞガ가각ÉéＡａ①㈱é́ 語\u00ad"))
def test_characters_are_folded_one_by_one_as_the_whole_text_would_be(text: str) -> None:
    assert fold(text) == letters(text).translate(VARIANTS)


mixed = st.text(alphabet="残差向量化 abRV12-。\n", min_size=1, max_size=30)


@given(before=mixed, wanted=st.text(alphabet="残差量ab1", min_size=1, max_size=6), after=mixed)
def test_a_phrase_is_found_in_any_text_that_holds_it_as_whole_words(before: str, wanted: str, after: str) -> None:
    found = phrase(wanted)
    haystack = terms(f"{before}。{wanted}。{after}")

    length = len(found.terms)
    windows = [haystack[i : i + length] for i in range(len(haystack) - length + 1)]
    if found.is_prefix:
        assert any(w[:-1] == list(found.terms[:-1]) and w[-1].startswith(found.terms[-1]) for w in windows)
    else:
        assert list(found.terms) in windows
