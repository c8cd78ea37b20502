"""Papers found by who wrote them, where and when they appeared, and by what they are cited by."""

from collections.abc import Callable

import pytest

from kb.index.query import parse_query
from kb.search.find import search
from tests.conftest import Kb

LIBRARY = """\
@inproceedings{kaiser2017drums, title={Drums Are Enough}, author={Kaiser, Łukasz and M{\\"u}ller, J{\\"o}rg},
  booktitle={NeurIPS}, year=2017, doi={10.1000/Drums}}
@article{grad, title={Walking Downhill}, author={Kingfield, Diederik P. and Ba, Jimmy}, year=2014, eprint={1412.00001},
  journal={arXiv preprint arXiv:1412.00001}}
@article{Two:People, title={Two Other People}, author={Hao Li and Wei Zhang and 王小明}, journal={Journal of Song},
  year=2020}
"""
NOTE = """\
---
title: A Song of One Voice
authors: [Sang-Hoon Lee]
venue: ICASSP'23
arxiv: "2211.00002"
---

A song model, 读于 2024.
"""

Found = Callable[[str], list[str]]


@pytest.fixture
def library(empty_kb: Kb) -> Kb:
    empty_kb.write("song.md", NOTE)
    (empty_kb.root / "lib.bib").write_text(LIBRARY, encoding="utf-8")
    (empty_kb.root / "kb.toml").write_text('encoder = "none"\nsources = [{folder = ".", file = "lib.bib"}]\n', "utf-8")
    empty_kb.refresh()
    return empty_kb


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("Lee", ["A Song of One Voice"]),
        ("Muller", ["Drums Are Enough"]),
        ("Mueller", ["Drums Are Enough"]),
        ("Müller", ["Drums Are Enough"]),
        ("Lukasz", ["Drums Are Enough"]),
        ("王小明", ["Two Other People"]),
        ('"Sang-Hoon Lee"', ["A Song of One Voice"]),
        ('"ICASSP 2023"', []),
        ('"NeurIPS 2017"', ["Drums Are Enough"]),
        ("neurips", ["Drums Are Enough"]),
        ("2014", ["Walking Downhill"]),
        ("song -Lee", ["Two Other People"]),
        ("author:müller", ["Drums Are Enough"]),
        ('author:"Diederik Kingfield"', ["Walking Downhill"]),
        ('author:"Kingfield, D."', ["Walking Downhill"]),
        ('author:"Kingfield, J."', []),
        ('author:"Li Hao"', ["Two Other People"]),
        ('author:"Wei Li"', []),
        ("author:王", ["Two Other People"]),
        ("author:song", []),
        ("venue:song", ["Two Other People"]),
        ('venue:"Journal of Song"', ["Two Other People"]),
        ("venue:icassp", ["A Song of One Voice"]),
        ("year:2023", ["A Song of One Voice"]),
        ("year:2024", []),
        ("year:2014..2017", ["Drums Are Enough", "Walking Downhill"]),
        ("-year:2014..2017", ["A Song of One Voice", "Two Other People"]),
        ("year:2018.. -author:Lee", ["Two Other People"]),
        ("id:1412.00001v3", ["Walking Downhill"]),
        ("id:arXiv:2211.00002", ["A Song of One Voice"]),
        ("id:https://doi.org/10.1000/drums", ["Drums Are Enough"]),
        ("id:10.1000/DRUMS", ["Drums Are Enough"]),
        ("id:@two:people", ["Two Other People"]),
        ("id:1412", []),
        ("-id:grad year:2014", []),
    ],
)
def test_a_query_finds_these_and_no_others(library: Kb, query: str, titles: list[str]) -> None:
    assert sorted(row.title for row in library.reader().listed(parse_query(query))) == titles


@pytest.mark.parametrize(
    "name",
    [
        "kaiser2017drums",
        "@Kaiser2017Drums",
        "kaiser2017",
        "10.1000/drums",
        "https://doi.org/10.1000/drums",
        "lib/lib.bib/drums-are-enough",
    ],
)
def test_a_paper_is_shown_by_its_citation_key_and_by_ids_however_they_are_written(library: Kb, name: str) -> None:
    result = library.run("show", name)

    assert result.stdout.startswith("Drums Are Enough\n"), result.output
    assert "kaiser2017drums" in result.stdout


def test_a_key_or_an_address_that_is_searched_brings_its_paper_first(library: Kb) -> None:
    for text in ("grad", "https://doi.org/10.48550/arXiv.1412.00001"):
        hit = search(library.config, library.reader(), text, 0, None).hits[0]
        assert (hit.paper.title, hit.reasons[0].retriever) == ("Walking Downhill", "name"), text


def test_what_a_text_says_counts_as_much_as_whom_it_is_by(library: Kb) -> None:
    hits = search(library.config, library.reader(), "song", 0, None).hits

    assert [hit.paper.title for hit in hits] == ["A Song of One Voice", "Two Other People"]


def test_a_hit_shows_the_people_it_was_found_by(library: Kb) -> None:
    assert "   Łukasz Kaiser · NeurIPS · " in library.run("search", "kaiser", "neurips").stdout
    assert [hit["called"] for hit in library.json("search", "wei")["hits"]] == [["Wei Zhang"]]


@pytest.mark.usefixtures("few_words")
def test_what_a_word_means_in_the_other_language_is_nobodys_name(library: Kb) -> None:
    library.write("glossary.yaml", "- en: [king field, kingfield]\n  zh: [王地]\n")
    library.run("index")

    assert library.json("search", "王地")["hits"] == []


def test_records_of_lists_tell_who_where_and_when(library: Kb) -> None:
    [row] = library.json("list", "author:kaiser")

    assert (row["authors"], row["venue"], row["year"]) == ("Łukasz Kaiser、Jörg Müller", "NeurIPS", "2017")
