"""What a library holds comes out as it went in: in its own format exactly, in another by the tables."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kb.exchange.export import bibtex, csl, ris
from kb.exchange.export.keys import citation_keys
from kb.exchange.export.works import Work
from kb.notes.parsing import parse_note
from tests.cases import cases
from tests.exchange.generated import LIBRARIES, Library
from tests.exchange.readers import READERS

FORMATS = {"bib": "bibtex", "json": "csl-json", "ris": "ris"}
RENDERERS = {"bib": bibtex.render, "json": csl.render, "ris": ris.render}


def works_of(text: str, suffix: str) -> list[Work]:
    """Return the entries of a library that no note speaks of."""
    papers = parse_note(text.encode(), f"x.{suffix}").papers
    keys = citation_keys([paper.model_dump() for paper in papers])
    return [Work(key, paper, (f"{paper.file}:{paper.line}",), None) for key, paper in zip(keys, papers, strict=True)]  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", LIBRARIES)
def test_other_readers_find_the_same_in_an_export_as_in_the_library(suffix: str) -> None:
    @given(LIBRARIES[suffix](3))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def check(library: Library) -> None:
        found = works_of(library.text, suffix)
        assert READERS[suffix](RENDERERS[suffix](found)) == READERS[suffix](library.text)
        for other in RENDERERS.keys() - {suffix}:
            assert len(READERS[other](RENDERERS[other](found))) == library.count

    check()


@pytest.mark.parametrize("suffix", LIBRARIES)
def test_a_library_survives_the_index(suffix: str, new_kb: Any, tmp_path: Path) -> None:
    @given(LIBRARIES[suffix](30))
    @settings(max_examples=1, database=None, suppress_health_check=list(HealthCheck))
    def check(library: Library) -> None:
        path = tmp_path / f"mine.{suffix}"
        path.write_bytes(library.text.encode())
        kb = new_kb()
        assert kb.run("import", str(path)).exit_code == 0
        assert kb.run("index").exit_code == 0
        kb.run(
            "export",
            "--format",
            {"bib": "bibtex", "json": "csl-json"}.get(suffix, suffix),
            "--out",
            str(tmp_path / "out"),
        )
        out = (tmp_path / "out").read_bytes().decode()
        assert READERS[suffix](out) == READERS[suffix](library.text)

    check()


@pytest.mark.parametrize("case", cases("libraries/*.md"))
def test_a_library_in_another_format(case: Any) -> None:
    suffix = case.file.rpartition(".")[2]
    found = works_of(case.text, suffix)
    for other, lines in case.expected.items():
        out = RENDERERS[other](found).replace("\r\n", "\n")
        if other == "json":
            for item, wanted in zip(json.loads(out), lines, strict=True):
                assert {name: item.get(name) for name in wanted} == wanted
        else:
            assert [line for line in lines if line not in out.split("\n")] == [], out


def test_a_paper_twice_in_a_library_keeps_both_keys(kb: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(
        "@misc{draft, title={A Study of Whole Sentences}, year=2023}\n"
        "@article{final, title={A Study of Whole Sentences}, journal={J}, year=2024}\n",
        "utf-8",
    )
    kb.run("import", str(tmp_path / "a.bib"))
    text = kb.run("export", "Whole Sentences").stdout
    assert "@misc{draft,\n  title = {A Study of Whole Sentences},\n  year = {2023},\n}" in text
    assert "@article{final," in text


HELD = {
    "bib": (
        "@article{own, title={Tiny {Tok}}, volume=3, eprint={2411.00099}, archiveprefix={arXiv}, annote={Mine.}}",
        [
            "@article{own,",
            "  title = {Tiny {Tok}},",
            "  volume = {3},",
            "  annote = {Mine.",
            "  timestamp = {2024-11},",
        ],
    ),
    "json": (
        '[{"id": "own", "type": "book", "title": "Tiny Tok", "number": "arXiv:2411.00099", "note": "Mine."}]',
        ["@book{own,", "  title = {Tiny Tok},", "  note = {Mine.},", "  timestamp = {2024-11},"],
    ),
    "ris": (
        "TY  - JOUR\nID  - own\nTI  - Tiny Tok\nAN  - arXiv:2411.00099\nVL  - 3\nER  - \n",
        ["@article{own,", "  title = {Tiny Tok},", "  volume = {3},", "  timestamp = {2024-11},"],
    ),
}


@pytest.mark.parametrize("suffix", HELD)
def test_what_notes_say_of_a_paper_in_a_library_is_added(suffix: str, kb: Any, tmp_path: Path) -> None:
    kb.write("2024-11.md", "**《TinyTok: A Tokenizer》** Lab，k\n\n论文：https://arxiv.org/abs/2411.00099\n")
    text, lines = HELD[suffix]
    (tmp_path / f"a.{suffix}").write_text(text, "utf-8")
    kb.run("import", str(tmp_path / f"a.{suffix}"))
    for to in ("bibtex", "csl-json", "ris"):
        assert kb.run("export", "TinyTok", "-f", to).stdout.count("论文：https://arxiv.org/abs/2411.00099") == 1
    out = kb.run("export", "TinyTok").stdout.split("\n")
    assert [line for line in lines if line not in out] == []
    assert f"  origin = {{2024-11.md:1, a/a.{suffix}:1}}," in out


def test_a_parent_comes_after_its_children_and_without_it_they_do_not_name_it(kb: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(
        "@proceedings{p, title={Proceedings of Toys}, year=2023, doi={10.1000/p}}\n"
        "@inproceedings{c, crossref={P}, title={A Child of Proceedings}}\n",
        "utf-8",
    )
    kb.run("import", str(tmp_path / "a.bib"))
    both = kb.run("export").stdout
    assert both.index("@inproceedings{c,") < both.index("@proceedings{p,")
    assert "  crossref = {p}," in both
    alone = kb.run("export", "title:Child").stdout
    assert "crossref" not in alone
    assert "  booktitle = {Proceedings of Toys}," in alone
    assert "  year = {2023}," in alone
    assert "10.1000/p" not in alone


@pytest.mark.parametrize(
    ("key", "written"),
    [("Smith, 2020 #b", "Smith-2020-b"), ("li(2024)/a", "li(2024)/a"), ("王2024", "王2024"), ("#%~", "-")],
)
def test_a_key_is_one_that_bibtex_can_hold(key: str, written: str) -> None:
    item = json.dumps([{"id": key, "type": "book", "title": "T"}])
    assert bibtex.render(works_of(item, "json")).startswith(f"@book{{{written},\n")
    assert json.loads(csl.render(works_of(item, "json")))[0]["id"] == key


def test_ris_that_is_none_is_one_line(kb: Any, tmp_path: Path) -> None:
    (tmp_path / "a.ris").write_text("Provider: nobody\n", "utf-8")
    result = kb.run("import", str(tmp_path / "a.ris"))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert (
        "a.ris:1: should hold entries that begin with a line `TY  - JOUR`; export the library as RIS anew"
        in result.stderr
    )


def test_a_paper_of_a_library_is_shown_by_its_key_and_digested_in_the_month_it_was_added(
    kb: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.bib").write_text(
        "@article{li2020toys, title={Speech of Toys}, author={Li, Wei}, date-added={2020-03-10 12:00:00 +0000},"
        " file={secret/a.pdf}}\n@article{later, title={Undated Speech of Toys}}\n",
        "utf-8",
    )
    kb.run("import", str(tmp_path / "a.bib"))
    assert kb.json("show", "li2020toys")["title"] == "Speech of Toys"
    assert [row["title"] for row in kb.json("list", "month:2020-03")] == ["Speech of Toys"]
    digest = kb.run("digest", "2020-03").stdout
    assert "Speech of Toys" in digest
    assert "Undated" not in digest
    assert "secret" not in digest
