"""Dates as people write them: tests/fixtures/dates.md holds texts with the month and the date that each tells."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.notes.parsing import parse_note
from kb.notes.parsing.dates import (
    Noted,
    date_in,
    date_of_path,
    day_in,
    is_date,
    looks_like_date,
    month_in,
    month_of_file,
    without_dates,
)
from kb.notes.parsing.dates_words import LONGEST
from tests.cases import Case, cases

PIECES = (
    *("2024", "24", "10", "05", "20241005", "2410.15017", "W", "Oct", "mars", "May", "week", "of", "de", "th", "x"),
    *(
        "年",
        "月",
        "日",
        "第",
        "周",
        "十",
        "〇",
        "至",
        "２",
        "Q4",
        "updated on",
        "-",
        "/",
        ".",
        "~",
        "'",
        " ",
        "(",
        ")",
        "*",
    ),
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))


def entry(title: str) -> str:
    return f"**《{title}: Toys of Speech》** CMU\n\n- text\n\n"


@pytest.mark.parametrize("case", cases("dates.md"))
def test_a_text_tells_the_month_and_date_written_beside_it(case: Case) -> None:
    text = case.text.strip()

    assert {"month": month_in(text), "date": date_in(text)} == case.expected


@pytest.mark.parametrize(
    ("file", "month"),
    [
        ("notes/20241015.md", "2024-10"),
        ("October 2024.md", "2024-10"),
        ("octobre 2024.md", "2024-10"),
        ("2024年/10月/a.md", "2024-10"),
        ("2024年论文/十月.md", "2024-10"),
        ("２０２４年１０月.md", "2024-10"),
        ("2024/10/05.md", "2024-10"),
        ("2024/October/a.md", "2024-10"),
        ("2024/10. Oktober/a.md", "2024-10"),
        ("2024/W42.md", "2024-10"),
        ("2024/1224.md", "2024-12"),
        ("2024/12-24.md", "2024-12"),
        ("2023/2024-10.md", "2024-10"),
        ("2024-10/ICASSP 2023.md", "2024-10"),
        ("2024-W42.md", "2024-10"),
        ("24.10.md", "2024-10"),
        ("241005.md", "2024-10"),
        ("200105-200111-papers.md", "2020-01"),
        ("daily/14-10-2024.md", "2024-10"),
        ("posts/2024-12-31-codecs.md", "2024-12"),
        ("papers/202503/a.md", "2025-03"),
        ("2410.15017.md", None),
        ("toy-models-2019-200323.md", None),
        ("CVPR2025/10.md", None),
        ("2024/speech/10.md", None),
        ("2024/01 - Introduction.md", None),
        ("2024/Q4/a.md", None),
        ("10月/a.md", None),
        ("v2024.10.md", None),
        ("Toys_2024.md", None),
    ],
)
def test_the_names_of_a_file_and_its_folders_tell_its_month(file: str, month: str | None) -> None:
    assert month_of_file(file) == month


@pytest.mark.parametrize(
    ("path", "file", "noted"),
    [
        (("2024-10",), "", Noted("2024-10", False)),
        (("2024年", "10月"), "", Noted("2024-10", False)),
        (("2024年", "十月论文"), "", Noted("2024-10", False)),
        (("2024", "Oktober"), "", Noted("2024-10", False)),
        (("2024", "Mars"), "", Noted("2024-03", False)),
        (("2024", "Dec 25 - Dec 31"), "", Noted("2024-12-25", False)),
        (("2024", "10/14-10/20"), "", Noted("2024-10-14", False)),
        (("2024", "10"), "", Noted("2024-10", False)),
        (("2024", "10.14"), "", Noted("2024-10-14", False)),
        (("2024", "14.10"), "", Noted("2024-10-14", False)),
        (("2024", "5.10."), "", Noted("2024-10-05", False)),
        (("2024", "10/14"), "", Noted("2024-10-14", False)),
        (("2024", "10/5"), "", Noted("2024", True)),
        (("2024", "5 Mai"), "", Noted("2024-05-05", False)),
        (("2024", "October: Toys of Speech"), "", Noted("2024-10", False)),
        (("2024-10", "10-14"), "", Noted("2024-10-14", False)),
        (("2024-10", "14.10."), "", Noted("2024-10-14", False)),
        (("2024-10", "Saturday 5th"), "", Noted("2024-10-05", False)),
        (("2024年", "第42周"), "", Noted("2024-10", False)),
        (("2024年10月", "第3周"), "", Noted("2024-10", False)),
        (("2024年10月", "5日"), "", Noted("2024-10-05", False)),
        (("2024年12月", "1月3日"), "", Noted("2025-01-03", False)),
        (("2024-10", "TTS"), "", Noted("2024-10", False)),
        (("2024-10", "ICASSP 2023"), "", Noted("2024-10", False)),
        (("2024-10", "2023"), "", Noted("2024-10", False)),
        (("2024-10", "3.02"), "", Noted("2024-10", False)),
        (("2024-10", "Monday"), "", Noted("2024-10", False)),
        (("2024", "May I Listen to Toys"), "", Noted("2024", False)),
        (("2024", "Speech", "10"), "", Noted("2024", False)),
        (("ICASSP 2023",), "", Noted("2023", False)),
        (("Week 3",), "toys 2024.md", Noted(None, False)),
        (("10月",), "2024/toys.md", Noted("2024-10", False)),
        (("Dec 28",), "2024-01.md", Noted("2023-12-28", False)),
        ((), "2024-10.md", Noted(None, False)),
    ],
)
def test_headings_tell_a_date_together(path: tuple[str, ...], file: str, noted: Noted) -> None:
    assert date_of_path(path, file) == noted


@pytest.mark.parametrize(
    ("path", "noted"),
    [
        (("2024-10", "2024-13"), Noted("2024", True)),
        (("2024-10", "Octember 2024"), Noted("2024", True)),
        (("2024-10", "2024年十三月"), Noted("2024", True)),
        (("2024-10", "20241345"), Noted("2024", True)),
        (("2024-10", "2024-W60"), Noted("2024", True)),
        (("2024-10", "5/11/2024"), Noted("2024", True)),
        (("2024-10", "2024 Q4"), Noted("2024", True)),
        (("2023-10", "2024 Q4", "TTS"), Noted("2024", True)),
        (("2024", "第四季度"), Noted("2024", True)),
        (("十月",), Noted(None, True)),
        (("2024-13", "2024-11"), Noted("2024-11", False)),
    ],
)
def test_a_heading_meant_as_a_date_that_tells_no_month_ends_the_month_above(
    path: tuple[str, ...], noted: Noted
) -> None:
    assert date_of_path(path) == noted


@pytest.mark.parametrize("heading", ["Updated on 2024-11-05", "更新于 2024年11月", "last modified: Nov 2024"])
def test_when_a_list_was_updated_is_no_month_and_ends_none(heading: str) -> None:
    assert date_of_path(("2024-10", heading)) == Noted("2024-10", False)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2024-10",
            "(2024)",
            "2024年",
            "【2024年10月】",
            "📅 2024-10-05",
            "２０２４年１０月",
            "24.10",
            "241005",
            "'24年10月",
        ),
        *(
            "Week 3",
            "第42周",
            "第四十二周",
            "Week 42, 2024",
            "2024-W42",
            "Monday",
            "周六",
            "10月5日 周六",
            "10月14日 - 10月20日",
        ),
        *("Saturday, October 5, 2024", "Week of Oct 5, 2024", "Oct 28 - Nov 3, 2024", "(June 23 - June 29) - 2025"),
        *("2024-10-01 ~ 2024-10-07", "2024.10.01-10.07", "20241001-1007", "2024年10月1日至7日", "200105-200111"),
        *("2024 Q4", "2024年上半年", "Fall 2024", "2010-2020", "October", "十月", "März", "Le 5 octobre 2024"),
        *("2024-10-05 23:00", "Updated on 2024-10-05", "5/10/2024"),
    ],
)
def test_a_date_and_nothing_else_is_one(text: str) -> None:
    assert is_date(text)
    assert looks_like_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "TTS",
            "10",
            "3.2",
            "on",
            "Q3",
            "Spring",
            "Mars",
            "SAT",
            "W2V",
            "日本",
            "GPT-4",
            "2410.15017",
            "1024x768",
        ),
        *(
            "ICASSP 2023",
            "2024年10月 论文",
            "Papers of the Week",
            "Sun et al. 2024",
            "Decoder 2024",
            "Octopus 2024",
            "Member 2024",
        ),
        *("A March to 2025", "May I Listen to Toys", "20000"),
    ],
)
def test_what_names_something_or_no_date_is_none(text: str) -> None:
    assert not is_date(text)
    assert not looks_like_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-13", "(2024.13)", "13/2024", "2024-02-30", "20241345", "2024-W60", "32/10/2024", "14.10.24"),
        *("2024年13月", "2024年十三月", "2024年某月", "Octember 2024", "Febuary 2024", "5 Ocotber 2024"),
    ],
)
def test_a_date_that_cannot_be_is_meant_as_one_all_the_same(text: str) -> None:
    assert looks_like_date(text)
    assert month_in(text) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("【速览】2024年10月", "速览"),
        ("2024年10月 论文笔记", "论文笔记"),
        ("Week 3: Codecs", "Codecs"),
        ("ICASSP 2023", "ICASSP"),
        ("Papers I read in October, 2024", "Papers I read"),
        ("Daily note 2024-10-14", "Daily note"),
        ("Toys", "Toys"),
    ],
)
def test_what_a_text_says_beside_its_date_is_left(text: str, left: str) -> None:
    assert without_dates(text) == left


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Papers of the Week (Dec 25 - Dec 31)", (12, 25)),
        ("24. Oktober", (10, 24)),
        ("10月24日 - 10月30日", (10, 24)),
        ("October", None),
        ("5 toys", None),
    ],
)
def test_a_day_is_told_without_its_year(text: str, day: tuple[int, int] | None) -> None:
    assert day_in(text) == day


def test_headings_of_a_note_give_its_entries_their_months() -> None:
    page = "".join(
        f"## {heading}\n\n{entry(title)}"
        for title, heading in [
            ("A", "2023年1月"),
            ("B", "24年10月"),
            ("C", "Oct 2025"),
            ("D", "2025-13"),
            ("E", "2025 Q4"),
        ]
    )

    note = parse_note(page.encode(), "toys.md")

    assert [paper.month for paper in note.papers] == ["2023-01", "2024-10", "2025-10", None, None]


def test_a_month_below_a_year_is_of_that_year() -> None:
    page = f"## 2024年\n\n### 十月\n\n{entry('A')}### 九月\n\n{entry('B')}"

    assert [paper.month for paper in parse_note(page.encode(), "toys.md").papers] == ["2024-10", "2024-09"]


def test_a_month_is_of_the_year_of_the_folder() -> None:
    page = f"## 十月\n\n{entry('A')}"

    assert [paper.month for paper in parse_note(page.encode(), "2024/toys.md").papers] == ["2024-10"]


def test_sections_by_year_of_publication_keep_the_month_of_the_file() -> None:
    page = f"# Toys\n\n## 2023\n\n{entry('A')}## ICASSP 2024\n\n{entry('B')}"
    papers = [one for one in parse_note(page.encode(), "2024-10.md").papers if not one.is_rest]

    assert [(paper.month, paper.date) for paper in papers] == [("2024-10", "2023"), ("2024-10", "2024")]


@settings(max_examples=300)
@given(TEXTS)
def test_any_text_tells_a_month_that_is_in_the_calendar_or_none(text: str) -> None:
    date = date_in(text)

    assert date is None or re.fullmatch(r"[0-9]{4}(-(0[1-9]|1[0-2])(-[0-3][0-9])?)?", date)
    assert month_in(text) == (date[:7] if date and len(date) > 4 else None)
    assert not is_date(text) or looks_like_date(text)


@settings(max_examples=60)
@given(TEXTS.filter(bool), st.sampled_from([date_in, is_date, looks_like_date, day_in, month_of_file]))
def test_of_a_text_no_more_is_read_than_a_heading_may_hold(piece: str, read: Callable[[str], object]) -> None:
    heading = (piece * LONGEST)[:LONGEST].replace("/", " ")

    assert read(f"{heading} 2024-10-05.md") == read(f"{heading}.md")
