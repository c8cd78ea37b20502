"""Hits as lines: as wide as the screen and no wider, words whole, Markdown read."""

import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from kb.terminal.hits import Part, claim_sign, excerpt, filled, hit_lines
from kb.terminal.papers import paper_list
from kb.terminal.text import Style

TITLE = "A Very Long Title about Distilling Multimodal Representations for 语音离散表示 and Streaming Tokenization"
NOTE = f"""**《{TITLE}》** 上海交通大学，声学延迟，streaming

- 论文：[arXiv 2410.15017](https://arxiv.org/abs/2410.15017)
- **acoustic delay** 把第 $k$ 组码本错开 $k-1$ 步：于是 transformer 每一步同时出 `K` 组 token。
> 引文：representations-that-are-hyphenated 与 internationalization 也要读得下去。
"""


@pytest.mark.parametrize("columns", [40, 60, 100, 160])
def test_no_line_is_wider_than_the_screen_and_no_word_is_cut(kb: Any, columns: int) -> None:
    kb.write("2024-12.md", NOTE)
    kb.refresh()
    hits = kb.base.search("acoustic delay", limit=0).hits
    words = set(re.findall(r"[A-Za-z]+", NOTE + str(kb.root) + " ".join(hit.paper.title for hit in hits)))
    for hit in hits:
        lines = hit_lines(hit, lambda file: Path("notes") / file, Style(False), columns)
        assert max(map(cell_len, lines)) <= columns
        if "Very Long" in hit.paper.title:
            assert set(re.findall(r"[A-Za-z]+", "\n".join(lines))) <= words | {"notes", "md"}


def test_in_a_pipe_no_line_is_broken(kb: Any) -> None:
    kb.write("2024-12.md", NOTE)
    hit = next(line for line in kb.run("search", "internationalization").stdout.splitlines() if "Very Long" in line)
    assert hit.endswith("and Streaming Tokenization")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("- **RVQ** 用 [残差](https://a.b)", "RVQ 用 残差"),
        ("> 引文\n\n## 小节\n- [x] 做完\n1. 第一", "引文 小节 做完 1. 第一"),
        ("| a | b |\n| --- | --- |\n| 1 | 2 |", "| a | b | | 1 | 2 |"),
        ("![图](a.png)之后 `code` $x_t$", "之后 code xₜ"),
        ("引用 [1] 与 x[0] 留着", "引用 [1] 与 x[0] 留着"),
        ("前 __强__ 后", "前 强 后"),
    ],
)
def test_markdown_is_read(markdown: str, shown: str) -> None:
    assert excerpt(markdown, [], 200).text == shown


def test_an_excerpt_begins_near_its_first_match_and_marks_what_it_shows() -> None:
    text = "很长的开头，" * 30 + "然后是 **RVQ** 的定义。" + "很长的结尾，" * 30
    start = text.index("RVQ")
    found = excerpt(text, [(start, start + 3)], 60)
    assert found.text.startswith("…")
    [(first, last)] = found.marks
    assert found.text[first:last] == "RVQ"
    assert first < 30
    assert not found.is_end


def test_parts_are_filled_into_lines() -> None:
    parts = [Part(one) for one in ("课程笔记", "Acoustic Delay", "2025-05", "notes/2025-05.md:486")]
    assert filled(parts, None) == ["课程笔记 · Acoustic Delay · 2025-05 · notes/2025-05.md:486"]
    assert filled(parts, 26) == ["课程笔记 · Acoustic Delay", "2025-05", "notes/2025-05.md:486"]


def test_the_sign_of_claims_says_the_worst() -> None:
    assert claim_sign({"holds": 3, "contradicted": 1}) == ["✗1"]
    assert claim_sign({"holds": 3, "stale": 2}) == ["↻2"]
    assert claim_sign({"holds": 3}) == ["✓3"]
    assert claim_sign({}) == []


@pytest.mark.parametrize("columns", [40, 60, 100, 160])
def test_a_list_fits_the_screen_its_titles_whole(kb: Any, columns: int) -> None:
    kb.write("2024-12.md", NOTE)
    kb.refresh()
    papers = kb.base.rows("")
    first, *rows = paper_list(papers, {}, lambda file: Path("notes") / file, Style(False), columns).split("\n")
    assert max(map(cell_len, (first, *rows))) <= columns
    assert set(first.split()) >= {"month", "title"}
    assert ("place" in first) == (columns >= 100)
    words = set(re.findall(r"[A-Za-z]+", " ".join(paper.title for paper in papers)))
    assert words <= set(re.findall(r"[A-Za-z]+", "\n".join(rows)))


def test_a_list_in_a_pipe_has_every_column_on_one_line(kb: Any) -> None:
    kb.write("2024-12.md", NOTE)
    line = next(line for line in kb.run("list").stdout.splitlines() if "Very Long" in line)
    assert line.split("\t")[1:4] == ["2024-12", TITLE, "上海交通大学"]
