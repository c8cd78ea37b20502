"""Whatever is typed or read is answered; what `make fuzz` found stands here."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kb.errors import KbError
from kb.index.query import parse_query
from tests.fuzz import targets as fuzzed
from tests.fuzz.checks import claim_block, page, query_of, settings_file
from tests.fuzz.databases import LIBRARY
from tests.fuzz.inputs import corpus
from tests.fuzz.zotero import zotero

FEW = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def answered(check: Any, one: Any) -> None:
    with suppress(KbError):
        check(one)


@pytest.fixture(scope="module")
def query(new_kb: Any) -> Any:
    from tests.conftest import AUGUST, OCTOBER

    kb = new_kb()
    kb.write("2024-10.md", OCTOBER)
    kb.write("2024-08.md", AUGUST)
    kb.refresh()
    return query_of(kb.config, kb.reader())


CHECKS = {"claims": claim_block, "kb.toml": settings_file, "bibtex": fuzzed.bibtex, "csl": fuzzed.csl}


@pytest.mark.parametrize(("target", "text"), [(target, text) for target in CHECKS for text in corpus(target)])
def test_what_the_corpus_holds_is_answered(target: str, text: str) -> None:
    answered(CHECKS[target], text)


@given(fuzzed.QUERIES)
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
        "“" * 20_000,
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


@given(fuzzed.CLAIMS)
@FEW
def test_a_claim_block_is_read_as_text(text: str) -> None:
    answered(claim_block, text)


@given(fuzzed.NOTES)
@FEW
def test_a_page_is_read_whatever_it_holds(text: str) -> None:
    answered(page, (text, "n.md"))


@given(fuzzed.TABLES)
@FEW
def test_kb_toml_is_read_or_refused(text: str) -> None:
    answered(settings_file, text)


@given(fuzzed.BIBTEX)
@FEW
def test_bibtex_is_read_or_refused_and_comes_back(text: str) -> None:
    answered(fuzzed.bibtex, text)


@given(fuzzed.LIBRARIES)
@FEW
def test_csl_json_is_read_or_refused_and_comes_back(text: str) -> None:
    answered(fuzzed.csl, text)


@given(LIBRARY)
@FEW
def test_a_zotero_database_is_read_or_refused_and_left_as_it_is(given: Any) -> None:
    answered(zotero, given)


def test_a_key_that_a_claim_has_twice_is_a_problem_and_both_stay_text() -> None:
    from kb.notes.parsing import parse_note

    block = "# A\n\n```claim\nid: a\nsays: one\nrun: x.y\nsays: two\nexpect: {t: 3}\n```\n"
    note = parse_note(block.encode(), "n.md")
    assert note.claims[0].problem == "'says' is written twice"
    assert "says: one" in note.papers[0].body
    anchored = parse_note(block.replace("says: two\n", "").replace("one", "&one one").encode(), "n.md")
    assert anchored.claims[0].problem == "YAML anchors are not read"
    inner = parse_note(block.replace("says: two\n", "").replace("{t: 3}", "{t: 3, t: 4}").encode(), "n.md")
    assert str(inner.claims[0].problem).startswith("'t' is written twice")


@pytest.mark.parametrize("text", ['notes = """\nencoder = "inside"\n"""\n', "'encoder' = 'a'\n"])
def test_an_encoder_is_set_where_it_stands_or_not_at_all(kb: Any, text: str) -> None:
    settings = kb.root / "kb.toml"
    settings.write_text(text, encoding="utf-8")
    result = kb.run("encoder", "use", "none")
    assert result.exit_code == 1
    assert "is not where one is looked for; set it to 'none' by hand" in result.stderr
    assert settings.read_text(encoding="utf-8") == text


def test_line_ends_that_toml_does_not_know_are_told_and_left(kb: Any) -> None:
    settings = kb.root / "kb.toml"
    settings.write_bytes(b'notes = "notes"\rencoder = "none"\r')
    for command in (["list"], ["encoder", "use", "none"]):
        result = kb.run(*command)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "not valid TOML in UTF-8" in result.stderr
    assert settings.read_bytes() == b'notes = "notes"\rencoder = "none"\r'


@pytest.mark.usefixtures("few_words")
@pytest.mark.parametrize("file", ["kb.toml", "marks.toml", "notes/glossary.yaml"])
def test_lists_in_lists_without_end_are_refused_in_one_line(kb: Any, file: str) -> None:
    (kb.root / file).write_text("same = " * (file != "notes/glossary.yaml") + "[" * 100_000, encoding="utf-8")
    result = kb.run("list", *(["is:starred"] if file == "marks.toml" else []))
    assert result.stderr.count("\n") == 1
    assert Path(file).name in result.stderr


def test_blanks_in_a_library_take_no_longer_than_others() -> None:
    answered(fuzzed.csl, "[" + "\n" * 400_000)  # three minutes, when each blank was looked past from its own place
    answered(fuzzed.bibtex, "@misc{" + "\n" * 400_000 + "@article{k,")


def test_half_a_character_in_a_library_costs_that_character_alone(kb: Any, tmp_path: Any) -> None:
    path = tmp_path / "mine.json"
    path.write_text('[{"type": "book", "title": "Half \\ud800 \\u0000 whole \\ud83d\\ude00"}]', encoding="utf-8")
    assert kb.run("import", str(path)).exit_code == 0
    assert kb.run("index").exit_code == 0
    assert "Half \ufffd \ufffd whole \U0001f600" in kb.run("list").stdout


@pytest.mark.parametrize(
    ("file", "text", "published"),
    [
        ("a.json", '[{"type": "book", "title": "A", "issued": {"date-parts": [[2024, 13, 45]]}}]', "2024"),
        ("a.json", '[{"type": "book", "title": "A", "issued": {"date-parts": [[2024, 2, 45]]}}]', "2024-02"),
        ("a.json", '[{"type": "book", "title": "A", "issued": {"date-parts": [["２０２４", 1]]}}]', None),
        ("a.bib", "@misc{a, title={A}, date={2024-21}}", "2024"),
        ("a.bib", "@misc{a, title={A}, date={2024-10-02/2024-10-05}}", "2024-10-02"),
        ("a.bib", "@misc{a, title={A}, year={2024}, month={13}, day={1}}", "2024"),
        ("a.bib", "@misc{a, title={A}, year={２０２４}}", None),
    ],
)
def test_what_is_no_date_is_no_date(kb: Any, tmp_path: Any, file: str, text: str, published: str | None) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    kb.run("import", str(tmp_path / file))
    (row,) = (row for row in kb.json("list") if row["file"].startswith("a/"))
    assert kb.json("show", row["id"])["published"] == published
    assert kb.run("export", "A").exit_code == 0
