"""What arXiv, Crossref and a file of BibTeX say, read; and what they may say that is no answer."""

import json
from pathlib import Path

import pytest

from kb.errors import KbError
from kb.exchange.adding.arxiv import read_arxiv
from kb.exchange.adding.bibtex import read_bibtex
from kb.exchange.adding.crossref import read_crossref
from kb.exchange.adding.metadata import Metadata, plain
from tests.adding.server import ANSWERS

MOSHI = (ANSWERS / "arxiv-2410.00037.xml").read_bytes()
PASKIN = (ANSWERS / "crossref-5.771073.json").read_bytes()


def test_arxiv_is_read_with_all_that_an_entry_may_need() -> None:
    assert read_arxiv(MOSHI, "2410.00037") == Metadata(
        title="Moshi: a speech-text foundation model for real-time dialogue",
        authors=(
            "Alexandre Défossez",
            "Laurent Mazaré",
            "Manu Orsini",
            "Amélie Royer",
            "Patrick Pérez",
            "Hervé Jégou",
            "Edouard Grave",
            "Neil Zeghidour",
        ),
        published="2024-09-17",
        arxiv_id="2410.00037",
    )


def test_an_old_id_with_doi_journal_and_places_is_read_and_its_title_is_plain_text() -> None:
    pytest.importorskip("pylatexenc")
    assert read_arxiv((ANSWERS / "arxiv-old.xml").read_bytes(), "cs/0101001") == Metadata(
        title="The σ-Model of Toys, 50% Smaller & with Schrödinger's Parser",
        authors=("A. One", "B. Two"),
        published="2001-01-02",
        venue="Toys 1 (2001) 1-9",
        organizations=("Toy University",),
        arxiv_id="cs/0101001",
        doi="10.1000/toy(2001)1",
    )


def test_of_several_dois_the_first_of_a_journal_counts() -> None:
    old = (ANSWERS / "arxiv-old.xml").read_bytes()
    several = old.replace(b">10.1000/Toy(2001)1<", b">10.48550/arXiv.cs/0101001 10.1000/A 10.1000/B<")
    assert read_arxiv(several, "cs/0101001").doi == "10.1000/a"


def test_a_withdrawn_paper_is_said_to_be_one() -> None:
    found = read_arxiv((ANSWERS / "arxiv-withdrawn.xml").read_bytes(), "2401.00002")
    assert found.warning == (
        "arXiv says it was withdrawn: This paper has been withdrawn by the author due to an error in Table 1"
    )
    abstract = MOSHI.replace(b"An abstract of two lines", b"This submission has been withdrawn, see below")
    assert "withdrawn, see below" in str(read_arxiv(abstract, "2410.00037").warning)
    harmless = MOSHI.replace(b"An abstract of two lines", b"We study why funds are withdrawn in panics")
    assert read_arxiv(harmless, "2410.00037").warning is None


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><feed>&j;</feed>"
)
OUTSIDE = b'<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/hostname">]><feed>&x;</feed>'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((ANSWERS / "arxiv-empty.xml").read_bytes(), "has no paper 2410.00037"),
        ((ANSWERS / "arxiv-error.xml").read_bytes(), "incorrect id format for 2410.99998"),
        (MOSHI[: len(MOSHI) // 2], "cut short or broken"),
        (MOSHI[:-3], "cut short or broken"),
        (b"", "cut short or broken"),
        (b"Rate exceeded.", "Rate exceeded."),
        (b"<!DOCTYPE html>\n<html><body>Sorry</body></html>", "a web page instead of Atom"),
        (b"<html><p>Sorry", "a web page instead of Atom"),
        (b"<rss version='2.0'></rss>", "'rss' instead of an Atom feed"),
        (LAUGHS, "document type"),
        (OUTSIDE, "document type"),
        (LAUGHS.decode().encode("utf-16"), "not UTF-8"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (
            MOSHI.replace(b"abs/2410.00037v2</id>", b"abs/2410.00038v1</id>"),
            "answered with 'http://arxiv.org/abs/2410.00038v1'",
        ),
        (
            MOSHI.replace(b"<title>Moshi", b"<title/><t>Moshi").replace(b"dialogue</title>", b"</t>"),
            "says nothing of it",
        ),
    ],
)
def test_what_is_no_answer_of_arxiv_is_one_line(answer: bytes, said: str) -> None:
    with pytest.raises(KbError) as caught:
        read_arxiv(answer, "2410.00037")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def crossref(**fields: object) -> bytes:
    return json.dumps({"status": "ok", "message-type": "work", "message": {"title": ["T"], **fields}}).encode()


def test_crossref_is_read() -> None:
    assert read_crossref(PASKIN, "10.1109/5.771073") == Metadata(
        title="Toward unique identifiers",
        authors=("N. Paskin",),
        published="1999-07",
        venue="Proceedings of the IEEE",
        doi="10.1109/5.771073",
    )


def test_crossref_gives_groups_places_subtitles_and_markup() -> None:
    people = [
        {"name": "The Toy Group", "sequence": "first", "affiliation": []},
        {"given": "A.", "family": "One", "suffix": "Jr.", "affiliation": [{"name": "Toy University"}]},
    ]
    found = read_crossref(
        crossref(
            title=["<i>Toys</i> &amp;amp;\n   CO<sub>2</sub>"],
            subtitle=["A Study"],
            author=people,
            issued={"date-parts": [[2024]]},
        ),
        "10.1/x",
    )
    assert (found.title, found.authors) == ("Toys & CO2: A Study", ("The Toy Group", "A. One Jr."))
    assert (found.organizations, found.published) == (("Toy University",), "2024")
    nothing = read_crossref(crossref(issued={"date-parts": [[None]]}, author=None), "10.1/x")
    assert (nothing.published, nothing.authors) == (None, ())


@pytest.mark.parametrize("fields", [{"title": ["RETRACTED: Toys"]}, {"updated-by": [{"type": "retraction"}]}])
def test_what_crossref_says_is_retracted_is_said_to_be(fields: dict[str, object]) -> None:
    assert "withdrawn" in str(read_crossref(crossref(**fields), "10.1/x").warning)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PASKIN[:500], "cut short or broken"),
        (b"", "cut short or broken"),
        (b"[" * 100_000, "cut short or broken"),
        (b"<html><body>Sorry", "a web page instead of JSON"),
        (b"[]", "describes no work"),
        (b'{"message": []}', "describes no work"),
        (crossref(title=[]), "no title of it"),
        (crossref(title="T"), "no title of it"),
    ],
)
def test_what_is_no_answer_of_crossref_is_one_line(answer: bytes, said: str) -> None:
    with pytest.raises(KbError, match=said):
        read_crossref(answer, "10.1/x")


BIB = r"""
@inproceedings{one, title = {{DM-Codec}: Distilling {M}ultimodal Representations},
  author = {One, A. and Two, B. and others},
  year = 2024, month = oct, eprint = {2410.15017}, archivePrefix = {arXiv}, booktitle = {Toys '24}}
@article{two, title = "Toys \& {Schr\"o}dinger", author = "{The Toy Group} and van Three, C.", journal = {Toys},
  date = {2023-05-06},
  doi = {10.1000/Toy\_1}}
@misc{three, title = {A Page}, url = {https://example.org/page}}
"""


def test_a_bib_file_is_read_entry_by_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.bib"
    path.write_text(BIB, encoding="utf-8-sig")
    one, two, three = read_bibtex(path)
    assert one == Metadata(
        "DM-Codec: Distilling Multimodal Representations",
        ("A. One", "B. Two", "others"),
        "2024-10",
        "Toys '24",
        (),
        "2410.15017",
    )
    assert two == Metadata(
        "Toys & Schrödinger", ("The Toy Group", "C. van Three"), "2023-05-06", "Toys", doi="10.1000/toy_1"
    )
    assert three.addresses == ("https://example.org/page",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"@article{a, title={broken\n", r"a.bib:1: "),
        (b"nothing", "holds no entry"),
        (b"@article{a, year=2024}", "a.bib:1: a has no title"),
        ("@article{a, title={中}}".encode("gbk"), "not UTF-8"),
    ],
)
def test_a_bib_file_that_cannot_be_read_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_bytes(data)
    with pytest.raises(KbError, match=said):
        read_bibtex(tmp_path / "a.bib")
    with pytest.raises(KbError, match="cannot be read: No such file"):
        read_bibtex(tmp_path / "b.bib")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("A\n  Toy\tof  Toys\u200b", "A Toy of Toys"),
        ("R&amp;D of <b>x</b> < y and 5 > 3", "R&D of x < y and 5 > 3"),
        (r"Caf\'e {BERT} \emph{Toys}", "Café BERT Toys"),
        ("$O(n^2)$ Toys & 50% more", "O(n^2) Toys & 50% more"),
        ("Win $5 Today", "Win $5 Today"),
        ("声学延迟\u202e模型", "声学延迟模型"),
    ],
)
def test_titles_of_the_web_become_plain_text(written: str, shown: str) -> None:
    pytest.importorskip("pylatexenc")
    assert plain(written) == shown
