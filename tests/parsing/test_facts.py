"""What front matter and labels say of a paper: each case in tests/fixtures/facts (only the fields named)."""

import time

import pytest

from kb.notes.parsing import links, parse_note
from kb.notes.parsing.facts import Facts, citation_key, read_facts
from kb.notes.parsing.fields import field_of
from kb.notes.parsing.frontmatter import read_front_matter
from tests.cases import Case, cases


def facts_of(text: str) -> Facts:
    lines = text.split("\n")
    front = read_front_matter(lines, "n.md")
    return read_facts(lines[front.line_count :], front)


@pytest.mark.parametrize("case", cases("facts/*.md"))
def test_a_stretch_of_a_note_says_what_is_written_beside_it(case: Case) -> None:
    assert isinstance(case.expected, dict)
    said = facts_of(case.text)._asdict()
    shown = {name: list(said[name]) if isinstance(said[name], tuple) else said[name] for name in case.expected}
    assert shown == {
        name: str(value) if name == "published" and value else value for name, value in case.expected.items()
    }


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("arXiv-ID", "arxiv"),
        ("arxiv_id", "arxiv"),
        ("ArxivId", "arxiv"),
        ("**机构**", "organizations"),
        ("作者 (Authors)", "authors"),
        ("期刊/会议", "venue"),
        ("Ｄｏｉ", "doi"),
        ("作者 Venue", None),
        ("Weather", None),
    ],
)
def test_all_spellings_of_a_label_mean_one_field(label: str, field: str | None) -> None:
    assert field_of(label) == field


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("https://www.alphaxiv.org/abs/2405.15863v1", "2405.15863"),
        ("https://huggingface.co/papers/2405.15863", "2405.15863"),
        ("https://doi.org/10.48550/arXiv.2405.15863", "2405.15863"),
        ("https://ar5iv.labs.arxiv.org/html/2405.15863", "2405.15863"),
        ("https://arxiv.org/abs/hep-th/9901001v2", "hep-th/9901001"),
        ("https://huggingface.co/datasets/2405.15863", None),
    ],
)
def test_an_arxiv_id_is_read_out_of_any_address_that_holds_it(address: str, number: str | None) -> None:
    assert links.arxiv_id(address) == number


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("https://dl.acm.org/doi/10.1145/1.2", "10.1145/1.2"),
        ("http://dx.doi.org/10.1000/a1.", "10.1000/a1"),
        ("https://onlinelibrary.wiley.com/doi/full/10.1002/mrm.2", "10.1002/mrm.2"),
        ("https://link.springer.com/content/pdf/10.1007/s1.pdf", "10.1007/s1"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.12v2.full.pdf", "10.1101/2020.01.01.12"),
        ("https://www.frontiersin.org/articles/10.3389/f.2019.1/full", "10.3389/f.2019.1"),
        ("https://doi.org/10.1000%2Fxyz", "10.1000/xyz"),
        ("https://doi.org/10.48550/arXiv.2405.15863", None),
        ("https://ieeexplore.ieee.org/document/10.1", None),
    ],
)
def test_a_doi_is_read_out_of_the_addresses_of_publishers(address: str, number: str | None) -> None:
    assert links.doi(address) == number


def test_a_key_names_a_note_of_a_reference_manager() -> None:
    note = parse_note(b"# @one2017toys\n\ntitle:: Toys of Small Size\n\ntext\n", "x.md")
    named_so = parse_note(b"# Toys of Small Size\n\ntext\n", "@one2017toys.md")

    assert (note.papers[0].title, note.papers[0].citation_key) == ("Toys of Small Size", "one2017toys")
    assert (named_so.papers[0].title, named_so.papers[0].citation_key) == ("Toys of Small Size", "one2017toys")
    assert (note.papers[0].kind, named_so.papers[0].kind) == ("paper", "paper")
    assert citation_key("@Attention Is All You Need") is None


def test_addresses_of_the_front_matter_are_links_of_the_paper() -> None:
    text = "---\ntitle: Toys of Small Size\narxiv: 2405.15863\ncode: https://github.com/ann/toys\n---\n\ntext\n"
    paper = parse_note(text.encode(), "x.md").papers[0]

    assert [link.url for link in paper.links] == ["https://github.com/ann/toys"]
    assert paper.repositories == ("github.com/ann/toys",)


@pytest.mark.parametrize("text", ["**", "[a::", "(a", "| a", "[[", "et ", "a, ", "等", "<a", "^{", "A. ", "a;", "：**"])
def test_a_long_line_takes_no_long_time(text: str) -> None:
    line = text * (1_000_000 // len(text))
    started = time.process_time()
    read_facts([line, f"Authors: {line}", f"机构：{line}", f"DOI: {line}"])
    assert time.process_time() - started < 3
