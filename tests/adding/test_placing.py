"""An entry joins a note as the month is written, and nothing else of the note becomes different.

What a note holds is compared by the parser, record by record, and the bytes by taking the new lines out again.
"""

from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings

from kb.errors import NoteError
from kb.exchange.adding.metadata import Metadata
from kb.exchange.adding.placing import Placed, first_note, place
from kb.notes.parsing import parse_note
from kb.records import Note, Paper
from tests.cases import cases
from tests.parsing.pages import PAGES

FILE = "2024-10.md"
PLAIN = Metadata("Moshi: A Model of Speech and Text", ("Alexandre Défossez",), "2024-09-17", arxiv_id="2410.00037")
PAPERS = [
    PLAIN,
    Metadata("声学延迟的语音模型", arxiv_id="cs/0101001", organizations=("Toy University", "港中文")),
    Metadata(
        "A* [Search] | of `Toys` (with_some *marks*) <b> 《x》 & ~more~?", arxiv_id="2410.00038", doi="10.1000/x(1)_2"
    ),
    Metadata(
        "Toys", doi="10.1109/5.771073", published="1999", venue="Toys | Games", authors=("A. One", "The [Toy] Group")
    ),
    Metadata("A* [Search] of Toys: Part_1 & More", arxiv_id="2410.00041", doi="10.1000/x(1)_3"),
    Metadata("arXiv:2410.00039", arxiv_id="2410.00039"),
    Metadata("Toys of the Year (2024)", arxiv_id="2410.00040"),
]
GRAMMARS = ("guillemets", "headings", "list", "table", "single", "lecture", "pasted", "note")
SAMPLES = [
    (case.id, case.values[0].stem, case.values[0].text)
    for case in cases("notes/*.md")
    if case.values[0].stem in GRAMMARS
]
OWN_FILE_ONLY = ("single", "lecture", "pasted", "note")


def facts(paper: Paper) -> dict[str, Any]:
    """Return a record without where it stands in the file."""
    content = paper.model_dump(exclude={"line", "end_line"})
    return content | {"passages": [(one["heading"], one["text"]) for one in content["passages"]]}


@lru_cache(maxsize=1)
def read(data: bytes) -> Note:
    return parse_note(data, FILE)


def check(before: bytes, placed: Placed, paper: Metadata, month: str) -> None:
    """Assert that paper, and nothing else, is new, to whoever reads the note."""
    old, new = read(before), parse_note(placed.data, FILE)
    added = [one for one in new.papers if one.line == placed.line]
    assert len(added) == 1
    record = added[0]
    assert record.month == month
    assert record.arxiv_id == paper.arxiv_id
    assert (record.doi or "").lower() == (paper.doi or "")
    assert {link.url for link in record.links} == set(paper.addresses)
    assert record.title.replace(" ", "").strip(".") == paper.title.replace(" ", "")
    assert record.authors in ((), paper.authors)
    kept = [facts(one) for one in old.papers if one.kind != "note"]
    assert [facts(one) for one in new.papers if one is not record and not one.is_rest] == kept
    assert [one.says for one in new.claims] == [one.says for one in old.claims]
    assert (new.title, new.month, new.tags) == (old.title, old.month, old.tags)
    length = len(placed.data) - len(before)
    pieces = (
        placed.data[start : start + length].decode()
        for start in range(len(before) + 1)
        if placed.data[:start] == before[:start] and placed.data[start + length :] == before[start:]
    )
    assert any("".join(one.split()) == "".join("".join(placed.lines).split()) for one in pieces)


def variants(text: str) -> list[bytes]:
    return [
        text.encode(),
        text.rstrip("\n").encode(),
        text.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + text.encode() + b"\n\n",
        (text if text.startswith("---") else f"---\ntags: [a]\n---\n\n{text}").encode(),
    ]


@pytest.mark.parametrize(("name", "grammar", "text"), SAMPLES, ids=[name for name, *_ in SAMPLES])
def test_an_entry_joins_each_sample_of_each_grammar_or_leaves_it(name: str, grammar: str, text: str) -> None:
    placed = 0
    for before in variants(text):
        months = [one.month for one in read(before).papers]
        month = months[-1] or "2024-10" if months else "2024-10"
        for paper in PAPERS:
            if found := place(before, FILE, month, paper):
                check(before, found, paper, month)
                placed += 1
    about_one = "one paper" in name and "does" in name and "month" not in name
    if grammar in OWN_FILE_ONLY or about_one:
        assert not placed or "empty" in name
    else:
        assert placed >= 4 * len(variants(text))  # a number is no title, so that one stands nowhere but in guillemets


@settings(max_examples=150)
@given(PAGES)
def test_an_entry_joins_any_page_or_leaves_it(page: str) -> None:
    before = page.encode()
    for paper in PAPERS[:2]:
        try:
            found = place(before, FILE, "2024-10", paper)
        except NoteError:
            return
        if found:
            check_records(before, found.data, found.line)


def check_records(before: bytes, after: bytes, line: int) -> None:
    old = [facts(one) for one in parse_note(before, FILE).papers if one.kind != "note"]
    assert [facts(one) for one in parse_note(after, FILE).papers if one.line != line and not one.is_rest] == old


def written(text: str, paper: Metadata = PLAIN, month: str = "2024-10") -> str:
    found = place(text.encode(), FILE, month, paper)
    assert found
    return found.data.decode()


def test_a_new_month_begins_as_the_house_writes_it() -> None:
    found = place(first_note("2024-10", "2024-11-01"), FILE, "2024-10", PLAIN)
    assert found
    assert found.data.decode() == (
        "---\ntitle: 论文速记 2024年10月\ndate: 2024-11-01\n---\n\n"
        "**《Moshi: A Model of Speech and Text》**\n\n- 论文：https://arxiv.org/abs/2410.00037\n"
    )


def test_each_grammar_is_written_as_the_last_entry_is() -> None:
    guillemets = "# 2024-10\n\n## S\n\n**《Toy: A Start of Toys》** CMU，k\n\ntext"
    assert written(guillemets) == guillemets + (
        "\n\n**《Moshi: A Model of Speech and Text》**\n\n- Paper: https://arxiv.org/abs/2410.00037\n"
    )
    coded = "### 202410 `Toy: Taking Apart` CMU ☆\n\ntext\n\n### 202411 `A Second Toy` HomeLab\n\ntext\n"
    assert written(coded, PLAIN._replace(organizations=("Kyutai",))).endswith(
        "\n\n### 202409 `Moshi: A Model of Speech and Text` Kyutai\n\n- Paper: https://arxiv.org/abs/2410.00037\n"
    )
    items = "- [Toy A](https://arxiv.org/abs/2401.00001)\n- [Toy B](https://arxiv.org/abs/2401.00002) x\n\nEnd.\n"
    assert written(items) == items.replace(
        " x\n", " x\n- [Moshi: A Model of Speech and Text](https://arxiv.org/abs/2410.00037)\n"
    )
    table = (
        "| Year | Authors | Title | Paper |\n|--|--|--|--|\n"
        "| 2024-08 | A. One | Toy Codecs | [pdf](https://arxiv.org/abs/2401.00001) |\n"
        "| 2024-08 | B. Two | Toy Voices | [pdf](https://arxiv.org/abs/2401.00002) |\n\nEnd."
    )
    assert written(table) == table.replace(
        "\n\nEnd.",
        "\n| 2024-09 | Alexandre Défossez | Moshi: A Model of Speech and Text"
        " | [paper](https://arxiv.org/abs/2410.00037) |\n\nEnd.",
    )


def test_a_heading_alone_is_a_month_without_entries() -> None:
    assert written("# 2024年10月\n").endswith(
        "《Moshi: A Model of Speech and Text》**\n\n- 论文：https://arxiv.org/abs/2410.00037\n"
    )


def test_a_month_that_the_note_is_not_of_is_left_alone() -> None:
    note = "---\ntitle: 2024年9月\n---\n\n**《Toy: A Start of Toys》** CMU，k\n".encode()
    assert place(note, FILE, "2024-10", PLAIN) is None
    assert place(note, FILE, "2024-09", PLAIN)


@pytest.mark.parametrize("fence", ["```python\nx = 1\n", "~~~\n", "- item\n\n  ```\n  x\n"])
def test_an_open_block_of_code_is_named_with_its_line(fence: str) -> None:
    note = f"**《Toy: A Start of Toys》** CMU，k\n\n{fence}".encode()
    line = note[: max(note.find(b"```"), note.find(b"~~~"))].count(b"\n") + 1
    with pytest.raises(NoteError, match=rf"2024-10\.md:{line}: the code block that begins here is never closed"):
        place(note, FILE, "2024-10", PLAIN)


def test_broken_front_matter_and_other_encodings_are_named_with_their_line() -> None:
    with pytest.raises(NoteError, match="never closed"):
        place(b"---\ntitle: x\n", FILE, "2024-10", PLAIN)
    with pytest.raises(NoteError, match="not UTF-8"):
        place("**《标题》**".encode("gbk"), FILE, "2024-10", PLAIN)
