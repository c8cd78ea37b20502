"""Whatever is typed or read is answered; what `make fuzz` found stands here."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kb.errors import KbError
from kb.query import parse_query
from tests.fuzz.targets import (
    BIBTEX,
    CLAIMS,
    LIBRARIES,
    QUERIES,
    REFUSALS,
    TABLES,
    bibtex,
    claim_block,
    csl,
    settings_file,
)
from tests.fuzz.targets import query_of as check_of

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def answered(check: Any, one: str) -> None:
    with suppress(*REFUSALS):
        check(one)


@pytest.fixture(scope="module")
def query(new_kb: Any) -> Any:
    from tests.conftest import AUGUST, OCTOBER

    kb = new_kb()
    kb.write("2024-10.md", OCTOBER)
    kb.write("2024-08.md", AUGUST)
    kb.refresh()
    return check_of(kb.config, kb.reader())


@given(QUERIES)
@FEW
def test_a_query_is_answered_whatever_is_typed(query: Any, text: str) -> None:
    answered(query, text)


@pytest.mark.parametrize(
    "text",
    [
        '"a" ' * 992,
        "-a " * 900,
        "tag:a " * 1500,
        '-"a" ' * 2000,
        "a " * 5000,
        "声" * 10_000,
        "NEAR(a b, 2) ^codec title:codec* {title}:x (",
        "\udcff",
        "codec\0RVQ",
        "tag:\udcffMeta",
        '"\udcff"',
        "month:２０２４",
    ],
    ids=lambda text: f"{text[:12]!a} {len(text)}",
)
def test_what_was_once_a_traceback_is_answered(query: Any, text: str) -> None:
    answered(query, text)


def test_a_query_of_very_many_conditions_is_refused_with_their_number() -> None:
    assert len(parse_query('"a" ' * 100).required) == 100
    with pytest.raises(KbError, match="100 quoted texts, exclusions and fields at most, got 101"):
        parse_query('"a" ' * 101)


def test_a_word_that_is_typed_thousands_of_times_counts_ten_times() -> None:
    assert [word.terms for word in parse_query("codec " * 5000 + "RVQ").words] == [("codec",)] * 10 + [("rvq",)]


@pytest.mark.parametrize("command", ["show", "open", "related", "verify", "search", "list", "mark"])
def test_half_a_character_is_answered_in_one_line(kb: Any, command: str) -> None:
    result = kb.run(command, *(["star"] if command == "mark" else []), "\udcff")
    assert result.exit_code in (0, 1)
    assert result.stderr.count("\n") <= 2


@given(CLAIMS)
@FEW
def test_a_claim_block_is_read_as_text(text: str) -> None:
    answered(claim_block, text)


@given(TABLES)
@FEW
def test_kb_toml_is_read_or_refused(text: str) -> None:
    answered(settings_file, text)


@given(BIBTEX)
@FEW
def test_bibtex_is_read_or_refused(text: str) -> None:
    answered(bibtex, text)


@given(LIBRARIES)
@FEW
def test_csl_json_is_read_or_refused(text: str) -> None:
    answered(csl, text)
