"""What is exported and read again is the same records."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.exchange.export import bibtex, csl, obsidian
from kb.exchange.export.works import Work, works
from kb.index.query import parse_query
from kb.index.sqlite.papers import PaperRow
from kb.notes.parsing import parse_note
from kb.notes.years import year_of
from kb.records import Link, Paper

FIELDS = (
    "title",
    "short_name",
    "authors",
    "organizations",
    "venue",
    "keywords",
    "month",
    "arxiv_id",
    "doi",
    "openreview_id",
    "acl_id",
    "links",
    "repositories",
    "kind",
    "body",
)
LIBRARIES = {"bib": bibtex.render, "json": csl.render}


def all_works(kb: Any) -> list[Work]:
    kb.refresh()
    return works(kb.reader(), parse_query(""))


def facts(paper: Paper, notes: int) -> dict[str, Any]:
    """Return what should come again; of an address that several notes link to, each may say something else."""
    found = {field: getattr(paper, field) for field in FIELDS} | {"published": paper.published}
    found["venue"] = paper.venue and " ".join(paper.venue.split())  # a space that does not break becomes one that does
    return found if notes == 1 else found | {"links": {link.url for link in paper.links}}


def expected(work: Work, again: Paper) -> dict[str, Any]:
    """Return the facts that should come again; a year that only venue or arXiv id tell is written out in libraries."""
    known = facts(work.paper, len(work.places))
    if work.paper.published is None and again.published:
        assert again.published == year_of(None, work.paper.venue, work.paper.arxiv_id, work.paper.acl_id)
        known["published"] = again.published
    return known


@pytest.mark.parametrize("suffix", LIBRARIES)
@pytest.mark.parametrize("which", ["hard_kb", "many_kb"])
def test_a_library_gives_the_same_records(which: str, suffix: str, request: pytest.FixtureRequest) -> None:
    found = all_works(request.getfixturevalue(which))
    again = parse_note(LIBRARIES[suffix](found).encode(), f"x.{suffix}").papers
    assert len(found) == len(again) >= (1000 if which == "many_kb" else 3)
    for work, paper in zip(found, again, strict=True):
        assert facts(paper, len(work.places)) == expected(work, paper)


@pytest.mark.parametrize("which", ["hard_kb", "many_kb"])
def test_a_vault_gives_the_same_records(which: str, request: pytest.FixtureRequest) -> None:
    kb = request.getfixturevalue(which)
    found = all_works(kb)
    found = found[:: len(found) // 300 + 1]
    notes = obsidian.notes(kb.reader(), found)
    assert len(notes) == len(found)
    for work, (name, text) in zip(found, notes.items(), strict=True):
        (paper,) = parse_note(text.encode(), name).papers
        assert facts(paper, len(work.places)) == facts(work.paper, len(work.places))
        assert paper.is_starred == work.paper.is_starred


def test_a_line_of_json_is_the_record(hard_kb: Any) -> None:
    found = all_works(hard_kb)
    lines = hard_kb.run("export", "--format", "jsonl").stdout.splitlines()
    for work, line in zip(found, lines, strict=True):
        data = json.loads(line)
        assert Paper.model_validate({**data, "passages": work.paper.passages}) == work.paper
        assert (data["key"], tuple(data["places"])) == (work.key, work.places)


@pytest.mark.parametrize(("to", "name"), [("bibtex", "mine.bib"), ("csl-json", "mine.json"), ("obsidian", "vault")])
def test_an_export_imported_by_another_knowledge_base_answers_the_same(
    to: str, name: str, hard_kb: Any, new_kb: Any, tmp_path: Path
) -> None:
    hard_kb.run("export", "--format", to, "--out", str(tmp_path / name))
    other = new_kb()
    assert other.run("import", str(tmp_path / name)).exit_code == 0
    first, second = (
        {
            row["title"]: (row["month"], row["arxiv_id"], row["organizations"], row["keywords"])
            for row in kb.json("list")
        }
        for kb in (hard_kb, other)
    )
    assert first == second
    assert len(first) == 3
    assert other.json("search", "声调")["hits"][0]["paper"]["title"] == "语音离散单元保留声调吗？"


shown = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf"), exclude_characters=",;，；"))


def work_of(title: str, body: str, authors: list[str], keywords: list[str]) -> Work:
    row = PaperRow(1, "a/b", "a.md", 1, title, None, "paper", "2024-10", "", "", "", None)
    paper = Paper(
        id="a/b",
        kind="paper",
        title=title,
        short_name=None,
        authors=tuple(dict.fromkeys(authors)),
        month="2024-10",
        section_path=(),
        sections=(),
        organizations=(),
        keywords=tuple(dict.fromkeys(keywords)),
        links=(Link(kind="web", url="https://example.org/a"),),
        arxiv_id=None,
        doi=None,
        body=body,
        file="a.md",
        line=1,
        end_line=1,
        parent=None,
        passages=(),
    )
    return Work("key", paper, ("a.md:1",), row)


@given(shown, st.lists(shown, max_size=6), st.lists(words.filter(bool), max_size=3), st.lists(words.filter(bool)))
def test_no_text_can_break_a_library(title: str, lines: list[str], authors: list[str], keywords: list[str]) -> None:
    title = " ".join(title.split()) or "x"
    body = "\n".join(["https://example.org/a", *lines]).strip("\n")
    work = work_of(title, body, [name for name in authors if name != "others"], keywords)
    for suffix, render in LIBRARIES.items():
        (paper,) = parse_note(render([work]).encode(), f"x.{suffix}").papers
        assert (paper.title, paper.body) == (title, body)
        assert (paper.authors, paper.keywords) == (work.paper.authors, work.paper.keywords)
