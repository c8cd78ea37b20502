import re
from datetime import date

import pytest

from kb.errors import KbError
from kb.index.query import parse_query
from kb.index.sqlite.full_text import fts
from tests.cases import Case, cases

SHOWN = {  # by what a fixture calls it
    "text": lambda query: query.text,
    "names": lambda query: list(query.names),
    "advice": lambda query: list(query.advice),
    "required": lambda query: [fts(one) for one in query.required],
    "excluded": lambda query: [one.name for one in query.filters if one.is_excluded],
    "months": lambda query: [list(one.months()) for one in query.filters if one.name == "month"],
    "years": lambda query: [list(one.years()) for one in query.filters if one.name == "year"],
    "author": lambda query: [fts(name) for name in query.filters[0].names()],
}


class January(date):
    """A date whose today is in January 2025."""

    @classmethod
    def today(cls) -> "January":
        return cls(2025, 1, 15)


@pytest.mark.parametrize("case", cases("queries/*.md"))
def test_a_query_means_what_is_written_beside_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.index.query.spans.date", January)
    assert isinstance(case.expected, dict)

    if "error" in case.expected:
        with pytest.raises(KbError, match=re.escape(case.expected["error"])):
            parse_query(case.text)
    else:
        query = parse_query(case.text)
        assert {name: SHOWN[name](query) for name in case.expected} == case.expected


def test_a_query_is_taken_apart() -> None:
    query = parse_query('codec "声学延迟" -VAE -"image model" org:Meta month:2024-08..2024-11')

    assert query.text == "codec"
    assert [fts(one) for one in query.words] == ['"codec"']
    assert [fts(one) for one in query.required] == ['"声学 学延 延迟"']
    assert [fts(one) for one in query.excluded_words] == ['"vae"']
    assert [fts(one) for one in query.excluded] == ['"image model"']
    assert [(one.name, one.value) for one in query.filters] == [("org", "Meta"), ("month", "2024-08..2024-11")]
    assert query.filters[1].months() == ("2024-08", "2024-11")


def test_chinese_quotes_quote_and_a_field_takes_several_words() -> None:
    assert [fts(one) for one in parse_query("“语音”").required] == ['"语音"']
    assert parse_query('tag:"Speech Codec"').filters[0].value == "Speech Codec"


def test_in_a_question_or_a_paragraph_quotation_marks_only_quote() -> None:
    question = parse_query('What does "codec" mean?')
    assert (question.required, question.text) == ((), "What does codec mean?")
    paragraph = parse_query('"codec" ' + "word " * 17)
    assert paragraph.required == ()
    assert parse_query('"codec" ' + "word " * 16).required != ()


def test_a_year_is_all_its_months() -> None:
    assert parse_query("month:2024").filters[0].months() == ("2024-01", "2024-12")


def test_what_is_no_field_is_a_word() -> None:
    assert parse_query("http://a:80 ratio:3").filters == ()


@pytest.mark.parametrize("marks", ['"', '""', "-", "( OR NEAR * ^ :", "'; DROP TABLE papers; --", "AND"])
def test_no_mark_of_the_index_language_gets_through(marks: str) -> None:
    query = parse_query(marks)
    for found in (*query.words, *query.required, *query.excluded_words):
        assert fts(found).strip('"*').replace(" ", "").isalnum()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("month:October", "2024-10"),
        ("month:2024-13", "2024-10"),
        ("kind:book", "paper, project, lecture"),
        ("has:money", "code, arxiv"),
        ("org:", "org:Meta"),
    ],
)
def test_a_wrong_value_is_answered_with_a_right_one(text: str, complaint: str) -> None:
    with pytest.raises(KbError, match=complaint):
        parse_query(text)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("arXiv:2410.00037v2", ("arXiv:2410.00037v2", "2410.00037")),
        ("2410.00037", ("2410.00037",)),
        ('"2410.00037"', ("2410.00037",)),
        ('"Wh2410.00037', ("Wh2410.00037",)),  # quoted is to the letter
        ('"声调" 2410.00037', ("声调 2410.00037",)),  # and must stand in every hit
        ("org:CMU", ()),
    ],
)
def test_a_paper_is_asked_for_by_all_that_is_typed_and_by_an_id_in_it(typed: str, names: tuple[str, ...]) -> None:
    assert parse_query(typed).names == names
