"""One input, however long, asks for bounded work: what is counted here is work, not seconds."""

import difflib
import random
import string
from typing import Any

import pytest

from kb.index.query import MOST_WORDS, parse_query
from kb.notes.parsing import parse_note
from kb.notes.parsing.entry import PASSAGE_CHARACTERS
from kb.reports.excerpts import summary
from kb.search.spelling import LONGEST_ENDING, MOST_CORRECTED
from tests.conftest import Kb


def made_up(count: int) -> list[str]:
    chance = random.Random(15)
    return ["".join(chance.choices(string.ascii_lowercase, k=9)) for _ in range(count)]


@pytest.mark.parametrize("joined", [" ", " 码本向量"])
def test_of_thousands_of_words_the_first_are_looked_for_and_a_line_says_so(kb: Kb, joined: str) -> None:
    words = joined.join(made_up(3000))
    query = parse_query(words)

    assert len(set(query.words)) == MOST_WORDS
    assert len(query.text) < len(words) / 5
    assert [line for line in kb.run("search", words).stderr.splitlines() if str(MOST_WORDS) in line]


def test_a_pasted_paragraph_is_looked_for_whole() -> None:
    words = made_up(200)
    query = parse_query(" ".join(words))

    assert [one.terms for one in query.words] == [(word,) for word in words]
    assert query.advice == ()


def test_few_of_many_unknown_words_are_compared_with_those_of_the_notes(kb: Kb, monkeypatch: Any) -> None:
    compared = []
    monkeypatch.setattr(difflib, "get_close_matches", lambda word, *_: compared.append(word) or [])
    with kb.base as base:
        base.search(" ".join(made_up(200)), fuzzy=True)

    assert 0 < len(compared) <= MOST_CORRECTED * (LONGEST_ENDING + 3)  # by each length of a stem, and whole


@pytest.mark.parametrize("unit", ["token ", "残差", "a", "word残差 ", "[x](https://example.org/a) "])
def test_a_line_without_an_end_is_cut_into_passages_and_nothing_of_it_is_lost(unit: str) -> None:
    line = unit * (40_000 // len(unit))
    note = parse_note(f"# 2024-10\n\n**《Paper one》** CMU，声调\n\n{line}\n".encode(), "2024-10.md")
    texts = [passage.text for paper in note.papers for passage in paper.passages]

    assert max(map(len, texts)) <= 2 * PASSAGE_CHARACTERS
    assert "".join("".join(texts).split()).endswith("".join(line.split()))


def test_a_word_is_found_and_shown_at_the_end_of_a_long_line(kb: Kb) -> None:
    kb.write("2024-12.md", "# 2024-12\n\n**《Long》** CMU，声调\n\n" + "残差 token " * 100_000 + "zebrafish\n")
    kb.refresh()
    (hit,) = kb.json("search", "zebrafish")["hits"]

    assert "zebrafish" in hit["text"]
    assert len(hit["text"]) <= 2 * PASSAGE_CHARACTERS


def test_of_a_paper_as_long_as_a_library_the_first_passages_are_looked_at(kb: Kb, monkeypatch: Any) -> None:
    kb.write(
        "2024-12.md", "# 2024-12\n\n**《Long》** CMU，声调\n\n" + "early words. " * 90 + "\n\n" + "zebrafish " * 90
    )
    kb.refresh()
    (whole,) = kb.json("search", "zebrafish")["hits"]
    monkeypatch.setattr("kb.search.build_hits.PASSAGES_LOOKED_AT", 1)
    (first,) = kb.json("search", "zebrafish")["hits"]

    assert "zebrafish" in whole["text"]
    assert first["text"].startswith("early words")


def test_a_line_that_opens_links_without_end_is_quoted_as_any_other() -> None:
    """Of a hundred thousand openings each once looked for its end, which took minutes."""
    assert summary("![[" * 100_000) == ""
    assert summary("a ![[" * 60_000).startswith("a ![[a ![[")
