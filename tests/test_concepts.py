"""What a query asks for: concepts, and the ways in which notes may say each."""

from pathlib import Path
from typing import Any

import pytest

from kb.index.engine import Concept
from kb.index.query import MOST_WORDS, parse_query
from kb.index.sqlite.expressions import fts
from kb.index.translation import Gloss
from kb.search.concepts import concepts
from kb.search.find import search
from kb.search.quantities import quantities, spelt_otherwise
from kb.search.spellings import spellings
from tests.conftest import Kb


@pytest.fixture
def gloss(dictionary: Path) -> Gloss:
    return Gloss(dictionary)


def said(concept: Concept, where: str = "anywhere") -> list[str]:
    return [" + ".join(map(fts, way.phrases)) for way in concept.ways if way.where == where]


def asked(text: str, gloss: Gloss | None, stands: Any = bool) -> list[str]:
    """Return the first way of each concept that finds papers."""
    found = concepts(parse_query(text), gloss, stands).concepts
    return [" + ".join(map(fts, one.ways[0].phrases)) for one in found if not one.is_minor]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("声学延迟", ['"声学 学延 延迟"']),
        ("声学与延迟", ['"声学"', '"延迟"']),
        ("声码器", ['"声码 码器"']),
        ("什么是声学？", ['"声学"']),
        ("为什么要声学和延迟呢？", ['"声学"', '"延迟"']),
        ("什么", ['"什么"']),
        ("what is the delay?", ['"delay"']),
        ("what is the", ['"what"', '"is"', '"the"']),
        ("residual vector quantization", ['"residual vector quantization"']),
        ("12.5 Hz codec", ['"12 5 hz"', '"codec"']),
        ("Emilia 10万小时", ['"emilia"', '"10 万小 小时"']),
        ("Qwen2-7B", ['"qwen"', '"qwen 2 7 b"']),
        ("C compiler", ['"compiler"', '"c"']),
    ],
)
def test_a_query_asks_for_these_things(gloss: Gloss, text: str, wanted: list[str]) -> None:
    assert asked(text, gloss) == wanted


def test_a_word_may_be_said_in_the_other_language_in_its_gloss_and_otherwise_spelt(gloss: Gloss) -> None:
    (word,) = (one for one in concepts(parse_query("quantisation"), gloss).concepts)
    assert said(word) == ['"quantisation"', '"quantization"']
    assert said(word, "gloss") == ['"quantisation"']
    (word,) = (one for one in concepts(parse_query("延迟"), gloss).concepts)
    assert '"delay"' in said(word, "text")


def test_a_long_name_that_stands_nowhere_is_taken_apart(gloss: Gloss) -> None:
    assert asked("残差向量量化", gloss) == ['"残差 差向 向量 量量 量化"']
    apart = asked("残差向量量化", gloss, lambda phrase: False)
    assert apart == ['"残差"', '"向量"', '"量化"']
    apart = asked("residual vector quantization", gloss, lambda phrase: False)
    assert apart == ['"residual"', '"vector"', '"quantization"']


def test_without_a_dictionary_characters_are_asked_for_in_pairs() -> None:
    found = concepts(parse_query("声学延迟"), None).concepts
    assert [said(one) for one in found] == [['"声学"'], ['"学延"'], ['"延迟"'], ['"声学 学延 延迟"']]
    assert [one.only_ranks for one in found] == [False, False, False, True]


def test_words_side_by_side_rank_higher_and_find_nothing(gloss: Gloss) -> None:
    found = concepts(parse_query("language of audio"), gloss).concepts
    bonus = [said(one) for one in found if one.only_ranks]
    assert bonus == [['"language of audio"']]


def test_a_pasted_text_asks_for_so_many_things_at_most(gloss: Gloss) -> None:
    text = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}x" for i in range(2000))
    assert len(set(concepts(parse_query(text), gloss).concepts)) == MOST_WORDS
    assert len(concepts(parse_query("声学延迟" * 20_000), gloss).concepts) <= 20 * MOST_WORDS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10万小时", ["10万小时"]),
        ("10 万 小时", ["10 万"]),
        ("at 12.5 hz, or 24khz", ["12.5 hz", "24khz"]),
        ("1.5b parameters in 3 layers", ["1.5b"]),
        ("5 % of 2,000 hours", ["2,000 hours"]),
        ("训练10万小时的语料, 采样率16khz", ["10万小时", "16khz"]),
        ("chapter 3 models", []),
        ("2410.15017v2", []),
        ("o1-mini gpt-4o", []),
    ],
)
def test_numbers_with_units_are_one_thing(text: str, found: list[str]) -> None:
    parts = list(quantities(text))
    assert [quantity for _, quantity in parts if quantity] == found
    assert "".join(between + quantity for between, quantity in parts) == text


def test_thousands_are_written_in_several_ways() -> None:
    assert set(spelt_otherwise("10万小时")) >= {"100k hours", "100k小时", "10万 hours", "0.1m hours", "100,000 hours"}
    assert "1.5b" in spelt_otherwise("15亿")
    assert set(spelt_otherwise("100,000 hours")) >= {"10万小时", "100k hours", "100000 hours"}
    assert spelt_otherwise("2024年") == ()
    assert spelt_otherwise("12.5 hz") == ()


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("quantisation", "quantization"),
        ("analyzing", "analysing"),
        ("behaviour", "behavior"),
        ("modelled", "modeled"),
        ("labeling", "labelling"),
        ("artefacts", "artifacts"),
        ("center", "centre"),
        ("catalogue", "catalog"),
    ],
)
def test_words_that_are_spelt_in_two_ways(word: str, other: str) -> None:
    assert other in spellings(word)


@pytest.mark.parametrize("word", ["size", "our", "声学", "rvq2", "model"])
def test_words_that_are_spelt_in_one_way(word: str) -> None:
    assert not spellings(word)


NOTES = """\
**《Alpha: Vocoders》** X，声码器

编解码器 everywhere.

**《Beta》** Y，Full Duplex

Talks and listens at once, 10 万小时.

**《Gamma》** Z，k

A full duplex of duplex talk, full of 100 万小时. behaviour
"""


@pytest.fixture
def small(empty_kb: Kb) -> Kb:
    empty_kb.write("2024-10.md", NOTES)
    empty_kb.refresh()
    return empty_kb


def titles(kb: Kb, text: str) -> list[str]:
    return [hit.paper.title[:1] for hit in search(kb.config, kb.reader(), text, 0, None).hits]


def test_half_a_word_is_not_the_word(small: Kb) -> None:
    small.write("2024-11.md", "**《Delta》** X，k\n\n编解码器 again.\n")
    small.refresh()
    assert titles(small, "声码器") == ["A"]


def test_a_keyword_that_is_the_query_ranks_as_a_name_does(small: Kb) -> None:
    hits = search(small.config, small.reader(), "full duplex", 0, None).hits
    assert [hit.paper.title for hit in hits] == ["Beta", "Gamma"]
    assert hits[0].score == 1
    assert hits[0].reasons[0].retriever == "name"


def test_a_quantity_is_not_found_in_a_longer_one(small: Kb) -> None:
    assert titles(small, "10万小时") == ["B"]
    assert titles(small, "100k hours") == ["B"]
    assert titles(small, "1m hours") == ["G"]
    assert titles(small, "语料10万小时") == ["B"]
    assert titles(small, "11万小时") == []
    assert titles(small, "duplex 11万小时") == ["B", "G"]


def test_another_spelling_finds_the_word(small: Kb) -> None:
    assert titles(small, "behavior") == ["G"]


def test_a_rare_translation_weighs_no_more_than_the_word(empty_kb: Kb) -> None:
    said = "".join(f"**《P{i}: a codec》** X，k\n\nA codec of speech, number {i}.\n\n" for i in range(12))
    empty_kb.write("2024-10.md", said + "**《Q》** Y，k\n\nIt has one 编解码器 in a long text about other things.\n")
    empty_kb.refresh()
    found = titles(empty_kb, "codec")
    assert found[-1] == "Q"
    assert len(found) == 13


def test_quoted_text_that_stands_nowhere_is_looked_for_as_words(small: Kb) -> None:
    answer = search(small.config, small.reader(), 'why "duplex vocoder" talks', 0, None)
    assert {hit.paper.title[:1] for hit in answer.hits} >= {"B", "G"}
    assert answer.notice == 'nothing holds "duplex vocoder" to the letter; searched for the words'
    alone = search(small.config, small.reader(), '"duplex vocoder"', 0, None)
    assert (alone.hits, alone.notice) == ((), None)
    elsewhere = search(small.config, small.reader(), 'vocoder "duplex talk" -full', 0, None)
    assert (elsewhere.hits, elsewhere.notice) == ((), None)


def test_a_mistyped_word_is_told_by_the_word_not_its_stem(empty_kb: Kb) -> None:
    empty_kb.write("2024-10.md", "**《Delay》** X，k\n\nLow latency at any frequency.\n")
    assert "no paper holds lantency; --fuzzy looks for latency" in empty_kb.run("search", "lantency").stderr
    assert empty_kb.run("search", "--fuzzy", "lantency").stdout.startswith("1. Delay")
    assert "--fuzzy looks for frequency" in empty_kb.run("search", "frequncy").stderr
    empty_kb.write("2024-11.md", "**《Sounds》** X，k\n\nGeneration and separation, ration and nation.\n")
    assert "--fuzzy looks for separation" in empty_kb.run("search", "seperation").stderr
    assert "--fuzzy looks for generation" in empty_kb.run("search", "genration").stderr


def test_what_is_hardly_about_the_query_stands_apart(small: Kb) -> None:
    query = ("search", "vocoder", "zebra", "giraffe", "elephant", "tapir", "okapi")
    result = small.run(*query)
    assert result.stdout.startswith("nearest, of a score below 0.7:\n1. Alpha")
    assert "no hits" in result.stderr
    assert small.run(*query, "--min-score", "0").stdout.startswith("1. Alpha")
    assert small.run("search", "vocoder").stdout.startswith("1. Alpha")
    assert small.run("search", "vocoder", "--min-score", "2").exit_code == 2


def test_the_json_of_a_search_says_where_hits_end(small: Kb) -> None:
    found = small.json("search", "vocoder", "zebra", "giraffe", "elephant", "tapir", "okapi")
    assert (found["total"], found["cut"], len(found["hits"])) == (0, 0.7, 1)
    assert 0 < found["hits"][0]["score"] < 0.7
    exact = small.json("search", '"full duplex"')
    assert (exact["total"], exact["cut"]) == (2, 0)
    assert {hit["score"] for hit in exact["hits"]} == {1}


def test_why_tells_what_was_asked_where_hits_end_and_what_each_says(small: Kb) -> None:
    lines = small.run("search", "--why", "vocoder", "duplex").stdout.splitlines()
    assert lines[0].startswith("vocoder = 声码器")
    assert lines[1].startswith("duplex = ")
    assert lines[2].startswith("of a word and what it stands for, ")
    assert lines[3].startswith("score: how likely a paper is about this, by how much of it its words say")
    assert lines[3].endswith("; a hit from 0.7")
    (first, *_) = (line for line in lines if line.startswith("   score "))
    assert "words #1 (BM25 " in first
    assert "; matches " in first


def test_weak_words_count_where_nothing_else_is_asked_for(gloss: Gloss) -> None:
    assert asked("在 声学", gloss) == ['"声学"']
    assert asked("在", gloss) == ['"在"*']


def test_what_a_word_stands_for_is_told_once(gloss: Gloss) -> None:
    assert len(concepts(parse_query("声学 声学 声学"), gloss).meanings) == 1


def test_a_long_paper_that_says_what_was_asked_is_a_hit(empty_kb: Kb) -> None:
    short = "**《Short》** X，k\n\ndiarization, diarization, diarization\n\n"
    long = "**《Long》** Y，k\n\n" + "Many other things are told of here at length. " * 200 + "diarization\n\n"
    others = "".join(f"**《P{i}》** X，k\n\nsomething else {i}\n\n" for i in range(20))
    empty_kb.write("2024-10.md", short + long + others)
    empty_kb.refresh()
    answer = search(empty_kb.config, empty_kb.reader(), "diarization", 0, None)
    assert [hit.paper.title for hit in answer.likely] == ["Short", "Long"]
