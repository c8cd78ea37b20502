"""Keys and LaTeX: what a person sees in a paper's source."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.exchange.export.keys import citation_keys
from kb.notes.parsing.bibtex import people
from kb.notes.parsing.latex import decode, encode


def record(title: str, *authors: str, **more: Any) -> dict[str, Any]:
    empty = {"published": None, "venue": None, "arxiv_id": None}
    return {"id": "2024-10/dm-codec", "title": title, "authors": list(authors), **empty, **more}


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (record("The DM-Codec: Distilling", "Ann Müller", published="2024-10-21"), "muller2024dmcodec"),
        (record("On 3 Ways to Go", "A. O'Brien-Smith", arxiv_id="2410.00037"), "obriensmith2024ways"),
        (record("Łódź Speech", "Søren Ærø", venue="ICASSP 2023"), "aero2023lodz"),
        (record("No Year", "A. One"), "oneno"),
        (record("No Author"), "2024-10-dm-codec"),
        (record("Codec", "王小明"), "2024-10-dm-codec"),
        (record("声学延迟", "A. One"), "2024-10-dm-codec"),
        (record("声学延迟", id="2024-10/声学延迟"), "2024-10-c32d5c"),
    ],
)
def test_a_key_is_author_year_and_word_or_the_id(made: dict[str, Any], key: str) -> None:
    assert citation_keys([made]) == [key]


def test_keys_are_unlike() -> None:
    keys = citation_keys([record("Codec", "A. One")] * 30)
    assert keys[:3] == ["onecodec", "onecodecb", "onecodecc"]
    assert len(set(keys)) == 30


def test_a_key_is_the_same_in_every_export(hard_kb: Any) -> None:
    hard_kb.write("2024-11.md", "---\nauthors: [Anna Berg]\nvenue: X 2024\ntitle: Whole Numbers in Speech\n---\ntext\n")
    every = hard_kb.run("export").stdout
    for query in ("month:2024-11", "month:2024-04", "month:2024-10"):
        for line in hard_kb.run("export", query).stdout.splitlines():
            assert line in every
    assert "{berg2024whole," in hard_kb.run("export", "month:2024-04").stdout
    assert "{berg2024wholeb," in hard_kb.run("export", "month:2024-11").stdout


def test_others_stay_others_in_every_format(empty_kb: Any) -> None:
    empty_kb.write("a.md", "---\nauthors: Anna Berg et al.\nvenue: X 2024\ntitle: Whole Numbers in Speech\n---\ntext\n")
    bib = empty_kb.run("export").stdout

    assert "author = {Anna Berg and others}," in bib
    assert people("Anna Berg and others") == ("Anna Berg", "others")
    assert '{"literal": "others"}' in empty_kb.run("export", "--format", "csl-json").stdout
    assert "AU  - others" in empty_kb.run("export", "--format", "ris").stdout
    assert "Anna Berg et al." in empty_kb.run("show", "whole-numbers-in-speech").stdout


@given(st.text())
def test_text_survives_latex_and_its_braces_balance(text: str) -> None:
    latex = encode(text)
    assert decode(latex) == text
    assert latex.count("{") == latex.count("}")


@pytest.mark.parametrize(
    "latex",
    [
        r"M{\"u}ller",
        r"Zo\"e",
        r"\'Etude",
        r"{\'{e}}",
        r"\c{c}a",
        r"{\v S}",
        r"Erd{\H o}s",
        r"{\o}re",
        r"\aa",
    ],
)
def test_accents_are_those_of_another_reader(latex: str) -> None:
    pytest.importorskip("latexcodec")
    theirs = latex.encode("ascii").decode("latex").replace("{", "").replace("}", "")
    assert decode(latex) == theirs


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"{DM-Codec} \emph{really} \textbf{b}", "DM-Codec really b"),
        (r"$\alpha_1$ of \alpha, \foo{x} \unknown", r"$\alpha_1$ of \alpha, \foo x \unknown"),
        (r"a~b\ c, 100% sure", "a b c, 100% sure"),
    ],
)
def test_commands_are_shown_or_kept(latex: str, text: str) -> None:
    assert decode(latex) == text


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Li, Wei and van der Berg, Anna and Müller, Jr, Zoë", ("Wei Li", "Anna van der Berg", "Zoë Müller Jr")),
        ("{Texas A\\&M and Friends} AND A. One", ("Texas A&M and Friends", "A. One")),
        ("王, 小明 and others", ("王小明", "others")),
        ("", ()),
    ],
)
def test_people_are_named_first_name_first(value: str, names: tuple[str, ...]) -> None:
    assert people(value) == names
