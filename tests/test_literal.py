"""Quoted text is to the letter: its signs, and the forms of its characters; plain words and fields are not."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from kb.index.literal import comparable, pattern
from kb.index.query import parse_query
from kb.index.translation import open_gloss
from kb.search.concepts import concepts
from kb.search.find import search
from kb.search.highlight import marks
from tests.cases import Case, cases

ORDINALS = ["One", "Two", "Three", "Four", "Five", "Six", "Seven"]


def numbers(kb: Any, query: str) -> list[int]:
    """The lines of the case that were found, counted from 1."""
    hits = search(kb.config, kb.reader(), query, 0, None, "lexical").hits
    return sorted(ORDINALS.index(hit.paper.title.split()[-1]) + 1 for hit in hits)


@pytest.mark.parametrize("case", cases("quoted/*.md"))
def test_a_query_finds_the_lines_that_hold_it(empty_kb: Any, case: Case) -> None:
    entries = [
        f"**《Paper on the Line {ordinal}》** Meta\n\n- {line}\n"
        for ordinal, line in zip(ORDINALS, case.text.splitlines(), strict=False)
    ]
    empty_kb.write("2024-10.md", "\n".join(entries))
    empty_kb.refresh()

    assert {query: numbers(empty_kb, query) for query in case.expected} == case.expected


def test_a_paper_that_is_called_so_but_for_a_sign_is_no_answer(empty_kb: Any) -> None:
    empty_kb.write("2024-10.md", "**《C++》** Meta，Codec\n\n- x\n\n**《聲調》** Meta，Codec\n\n- y\n")
    empty_kb.refresh()

    assert empty_kb.json("search", '"C#"')["hits"] == []
    assert empty_kb.json("search", '"声调"')["hits"] == []
    assert [hit["paper"]["title"] for hit in empty_kb.json("search", "声调")["hits"]] == ["聲調"]


def test_a_field_takes_a_name_in_any_form(empty_kb: Any) -> None:
    empty_kb.write("2024-10.md", "**《Theta: 繁體筆記》** 臺灣大學，語音\n\n- x\n")
    empty_kb.refresh()

    for query in ("org:台湾大学", 'org:"臺湾大学"', "tag:语音", "title:繁体"):
        assert len(empty_kb.json("search", query)["hits"]) == 1, query
    assert empty_kb.json("show", "繁体笔记")["title"] == "Theta: 繁體筆記"


def test_a_claim_is_looked_up_too(empty_kb: Any) -> None:
    block = "```kb-claim\nid: rate\nsays: 600 bit/s (8 × 75 Hz)\nrun: arithmetic.product\n```\n"
    empty_kb.write("2024-10.md", f"**《Theta: A Rate of Bits》** Meta\n\n- x\n\n{block}")
    empty_kb.refresh()

    assert len(empty_kb.json("search", '"bit/s"')["hits"]) == 1
    assert empty_kb.json("search", '"bit-s"')["hits"] == []


def test_what_is_forgotten_is_found_in_no_form(empty_kb: Any) -> None:
    path = empty_kb.write("2024-10.md", "**《Theta: 聲調》** Meta\n\n- x\n")
    empty_kb.refresh()
    path.unlink()
    empty_kb.refresh()

    with closing(sqlite3.connect(empty_kb.config.database)) as db:
        assert db.execute("SELECT count(*) FROM variants").fetchone() == (0,)


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("声调", "关于聲調的", ["聲調"]),
        ("聲調", "关于声调的", ["声调"]),
        ('"声调"', "聲調、声调", ["声调"]),
        ('"C++"', "C, C# and C++", ["C++"]),
        ("発話", "發話與发话", ["發話", "发话"]),
    ],
)
def test_what_is_found_is_marked_as_it_is_written(query: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in marks(parse_query(query), text)] == marked


def test_traditional_words_have_the_glosses_of_simplified_ones_and_are_shown_as_written(indexed_gloss: Any) -> None:
    traditional, simplified = (
        concepts(parse_query(text), indexed_gloss).meanings for text in ("顯著的殘差向量量化", "显著的残差向量量化")
    )

    assert [one.word for one in traditional] == ["顯著", "殘差向量量化"]
    assert [one.names for one in traditional] == [one.names for one in simplified]


@pytest.fixture
def indexed_gloss(empty_kb: Any) -> Any:
    return open_gloss(empty_kb.config.index)


def test_a_long_line_of_signs_is_compared_in_linear_time() -> None:
    text = comparable("c" + "+*" * 500_000 + " c " + "c " * 200_000)

    assert not pattern("c# c#").search(text)
    assert not pattern("c d").search(text)
