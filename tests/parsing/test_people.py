"""Lists of people, organizations and keywords in tests/fixtures/people: a line of each case, and what it lists."""

from typing import Any

import pytest

from kb.notes.parsing.bylines import authors_below_title, byline
from kb.notes.parsing.names import split_keywords
from kb.notes.parsing.organizations import split_organizations
from kb.notes.parsing.people import affiliations, people, split_people
from tests.cases import Case, cases

READ = {
    "people": split_people,
    "organizations": split_organizations,
    "bylines": byline,
    "keywords": split_keywords,
}


@pytest.mark.parametrize("case", cases("people/*.md"))
def test_a_line_lists_what_is_written_beside_it(case: Case) -> None:
    assert [list(READ[case.stem](line)) for line in case.text.splitlines()] == case.expected


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ([["Ann One"]], ("Ann One",)),
        (["One, Ann", "Bo Two", "et al."], ("Ann One", "Bo Two", "others")),
        (["Ann One", "others"], ("Ann One", "others")),
        ([{"name": "Ann One"}, {"family": "Two", "given": "Bo"}, {"First Name": "Cy", "last_name": "Three"}],
         ("Ann One", "Bo Two", "Cy Three")),
        ([{"family": "王", "given": "小明"}, {"literal": "OpenAI"}], ("王小明", "OpenAI")),
        ({"name": "Ann One", "affiliation": "CMU"}, ("Ann One",)),
        ("", ()),
    ],
)  # fmt: skip
def test_people_of_front_matter_may_be_texts_lists_and_mappings(value: Any, names: tuple[str, ...]) -> None:
    assert people(value) == names


def test_mappings_of_people_tell_their_organizations() -> None:
    value = [{"name": "A", "affiliation": ["CMU", {"name": "MIT"}]}, {"name": "B", "Organization": "Kyutai; CMU"}]
    assert affiliations(value) == ("CMU", "MIT", "Kyutai")


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["# Toys (2016)", "", "Tom One, Bo Two, Cy Three", "", "Text."], ("Tom One", "Bo Two", "Cy Three")),
        (["# Toys (2016)", "", "Tom One", "", "---"], ("Tom One",)),
        (["# Toys", "", "Tom One", "", "---"], ()),
        (["# Toys", "", "Tom One, Bo Two", "", "Text."], ("Tom One", "Bo Two")),
        (["# Toys", "", "Tom One, Bo Two", "and what they did."], ()),
        (["# Toys", "", "Text.", "More.", "Again.", "*A. One, B. Two*"], ()),
    ],
)
def test_authors_stand_in_one_of_the_first_lines_below_a_title(lines: list[str], names: tuple[str, ...]) -> None:
    assert authors_below_title(lines) == names
