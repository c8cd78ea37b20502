"""The digest: what stands in it, that it is the same each time, and that no note can break it."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from kb.errors import KbError
from kb.markup.markdown import plain, prose
from kb.reports import digest as digests
from kb.reports.excerpts import key_points, summary
from kb.reports.overview import overview
from kb.reports.periods import Period, period

EVIL = """\
---
title: 2024年10月
---

**《First {{ 7 * 7 }} <b>Paper</b>》** CMU，A

前面的话 <script>alert(1)</script> 与 {% raw %}{% endraw %}{{ config }}，见 [这里](javascript:alert(1))、
[那里](JaVa&#115;cript:alert(1)) 和 [数据](data:text/html,hi)，<img src=x onerror=alert(1)> \u202eabc `没有收尾

- 一 <iframe src=//example.org> 点
- 二点 **没有收尾

```python
没有收尾的代码块

**《Second Paper: Untouched》** MIT，B

第二篇的话。
"""


def made(kb: Any, text: str = "2024-10") -> Any:
    return digests.digest(kb.reader(), period(text))


def rendered(kb: Any, *arguments: str) -> str:
    return str(kb.run("digest", *(arguments or ("2024-10",))).stdout)


def links(markdown: str) -> list[str]:
    found = []
    for token in MarkdownIt("commonmark").parse(markdown):
        found += [str(child.attrs["href"]) for child in token.children or () if child.type == "link_open"]
    return found


def raw_html(markdown: str) -> list[str]:
    found = []
    for token in MarkdownIt("commonmark").parse(markdown):
        parts = [token, *(token.children or ())]
        found += [part.content.strip() for part in parts if part.type in ("html_inline", "html_block")]
    return found


def test_the_digest_of_a_month(kb: Any, golden: Any) -> None:
    golden("digest-2024-10.md", rendered(kb))
    golden("digest-2024-10-en.md", rendered(kb, "2024-10", "--lang", "en", "--site", "hugo"))


def test_the_same_notes_give_the_same_bytes_whenever_they_were_read(kb: Any) -> None:
    before = rendered(kb)
    kb.write("2025-01.md", "---\ntitle: 2025年1月\n---\n**《Later Speech Codec》** X，Speech Codec\n")
    kb.refresh()
    (kb.notes / "2025-01.md").unlink()
    assert rendered(kb) == before


def test_topics_are_new_or_come_back(empty_kb: Any) -> None:
    for month, topic in (("2024-06", "太早"), ("2024-07", "语音编解码"), ("2024-09", "语音编解码")):
        text = f"---\ntitle: {month}\n---\n**《{month} Paper》** CMU，{topic}\n\n话。\n"
        empty_kb.write(f"{month}.md", text)
    empty_kb.write("2024-10.md", "---\ntitle: x\n---\n**《Ten》** CMU，语音编解码、太早、声调\n\n话。\n")
    empty_kb.refresh()

    found = made(empty_kb)

    assert {topic.name: (topic.count, topic.before) for topic in found.topics} == {
        "语音编解码": (1, 2),
        "太早": (1, 0),
        "声调": (1, 0),
    }
    assert "此前三个月没有的主题 2 个：声调、太早" in found.overview
    assert "延续的主题 1 个：语音编解码" in found.overview


def test_records_of_one_paper_are_one_entry_with_all_their_links(kb: Any) -> None:
    note = (
        "---\ntitle: 2024年10月\n---\n**《TinyCodec: A Small Speech Codec》** Meta，Codec\n\n"
        "又读一遍，有 [演示](https://example.org/demo)。\n"
    )
    kb.write("2024-10b.md", note)
    kb.refresh()

    found = made(kb)

    titles = [entry.paper.title for section in found.sections for entry in section.entries]
    assert titles.count("TinyCodec: A Small Speech Codec") == 1
    assert found.paper_count == 3
    text = rendered(kb)
    assert "https://example.org/demo" in text
    assert "https://github.com/example/tinycodec" in text
    assert "2024-10b.md:4" in text


def test_a_year_and_a_stretch_of_months_are_one_digest(kb: Any) -> None:
    kb.refresh()
    assert made(kb, "2024").paper_count == made(kb).paper_count + made(kb, "2024-08").paper_count
    text = rendered(kb, "--since", "2024-08", "--until", "2024-10")
    assert text.startswith("# 论文月报 2024-08..2024-10\n")
    assert rendered(kb, "--year", "2024") == rendered(kb, "2024")


def test_one_claim_is_told_of_as_well_as_several() -> None:
    counts = {"claims": 1, "holds": 0, "contradicted": 1, "as_noted": 1}
    assert overview("en", [], [], [], counts).endswith("Claims that hold: 0 of 1; contradicted: 1 (1 as noted).")


def test_a_period_is_a_month_a_year_or_between_two() -> None:
    assert period("2024-10") == ("2024-10", "2024-10")
    assert period("2024") == ("2024-01", "2024-12")
    assert period(since="2023-11", until="2024").name == "2023-11..2024-12"
    assert period(since="2023-11").name == "2023-11.."
    assert period(until="2024-03").name == "..2024-03"
    assert Period("2024-02", "2024-02").before(3) == ("2023-11", "2024-01")
    assert Period("2024-10", "2024-12").before(3) == ("2024-07", "2024-09")
    for wrong in ("2024-13", "2024-1", "October", "24"):
        with pytest.raises(KbError, match=r"want a month such as 2024-10, or a year, got"):
            period(wrong)
    with pytest.raises(KbError, match="turn --since and --until around"):
        period(since="2024-10", until="2024-09")


def test_a_month_without_papers_says_so(kb: Any) -> None:
    kb.refresh()
    result = kb.run("digest", "2020-01")
    assert result.exit_code == 0
    assert "这段时间没有论文笔记。" in result.stdout
    assert result.stderr == "no papers in 2020-01; months with papers: 2024-10, 2024-08\n"
    assert "No papers were noted" in rendered(kb, "2020-01", "--lang", "en")


def test_months_have_to_be_said_in_one_way(kb: Any) -> None:
    kb.refresh()
    for arguments in ([], ["2024-10", "--year", "2024"], ["--all", "--since", "2024-10"], ["--all"]):
        result = kb.run("digest", *arguments)
        assert result.exit_code == 2
        assert "say w" in result.stderr


def test_the_words_are_those_of_the_notes_language(empty_kb: Any) -> None:
    empty_kb.write("2024-10.md", "---\ntitle: x\n---\n**《A Codec》** CMU, Codec\n\nIt codes speech in 12.5 Hz.\n")
    empty_kb.refresh()
    assert made(empty_kb).lang == "en"
    assert "## Contents" in rendered(empty_kb)
    assert "## 目录" in rendered(empty_kb, "2024-10", "--lang", "zh")


@pytest.mark.parametrize("site", ["hexo", "hugo", "jekyll"])
def test_front_matter_is_what_a_site_reads(kb: Any, site: str) -> None:
    kb.refresh()
    text = rendered(kb, "2024-10", "--site", site)
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["title"] == "论文月报 2024-10"
    assert str(front["date"]).startswith("2024-10-01")
    assert front["tags"] == ["Speech Codec", "提示词", "搜索", "离散表示"]
    assert "\n# " not in text


def test_what_has_changed_is_told_until_something_else_has(kb: Any, tmp_path: Path) -> None:
    out = tmp_path / "october.md"
    kb.run("digest", "2024-10", "--out", str(out))
    assert "较上次的变化" not in out.read_text("utf-8")
    note = kb.notes / "2024-10.md"
    text = note.read_text("utf-8").replace("离散单元丢掉了声调信息", "离散单元留住了声调")
    note.write_text(text + "\n**《Brand New》** CMU，新\n\n话。\n", encoding="utf-8")

    kb.run("digest", "2024-10", "--out", str(out))

    told = out.read_text("utf-8").split("## 较上次的变化")[1].split("##")[0]
    assert told.strip().split("\n") == ["- 新增：Brand New", "- 有改动：Do Units Keep Tone?"]
    before = out.read_bytes()
    kb.run("digest", "2024-10", "--out", str(out))
    assert out.read_bytes() == before  # nothing has changed since, and what was told stays
    note.write_text(note.read_text("utf-8").split("\n**《Brand New》**")[0], encoding="utf-8")
    kb.run("digest", "2024-10", "--out", str(out))
    assert "- 已移除：2024-10/brand-new" in out.read_text("utf-8")


def test_every_month_is_a_file_in_a_folder(kb: Any, tmp_path: Path) -> None:
    kb.run("digest", "--all", "--out", str(tmp_path / "posts" / "digests"))
    found = {path.name: path.read_text("utf-8") for path in (tmp_path / "posts" / "digests").iterdir()}
    assert set(found) == {"2024-08.md", "2024-10.md"}
    assert "TinyCodec" in found["2024-10.md"]


def test_as_pages_months_lead_to_each_other_and_to_an_index(kb: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    kb.run("digest", "--all", "--format", "html", "--out", str(folder))
    found = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert set(found) == {"2024-08.html", "2024-10.html", "index.html"}
    assert 'href="2024-08.html"' in found["2024-10.html"]
    assert 'href="2024-10.html"' in found["index.html"]
    before = found["2024-10.html"]
    kb.run("digest", "--all", "--format", "html", "--out", str(folder))
    assert (folder / "2024-10.html").read_text("utf-8") == before
    alone = rendered(kb, "2024-10", "--format", "html")
    assert "TinyCodec" in alone
    assert 'href="2024-08.html"' not in alone
    own = tmp_path / "own.j2"
    own.write_text("<b>{{ digest.month }}</b>", encoding="utf-8")
    assert rendered(kb, "2024-10", "--format", "html", "--template", str(own)) == "<b>2024-10</b>"


def test_as_data_it_is_the_record(kb: Any, tmp_path: Path) -> None:
    kb.refresh()
    data = kb.json("digest", "2024-10")
    assert data["paper_count"] == 3
    out = tmp_path / "october.json"
    kb.run("digest", "2024-10", "--format", "json", "--out", str(out))
    assert digests.MonthlyDigest.model_validate_json(out.read_text("utf-8")).model_dump(mode="json") == data


def test_no_digest_is_written_among_the_notes(kb: Any) -> None:
    kb.refresh()
    result = kb.run("digest", "2024-10", "--out", str(kb.notes / "digest.md"))
    assert result.exit_code == 1
    assert "lies in a notes folder" in result.stderr
    assert not (kb.notes / "digest.md").exists()


def test_the_users_own_template_comes_first_and_cannot_reach_out(kb: Any, tmp_path: Path) -> None:
    kb.refresh()
    kb.config.templates.mkdir()
    own = kb.config.templates / "digest.md.j2"
    own.write_text("{{ digest.month }}: {{ digest.paper_count }}\n", encoding="utf-8")
    assert rendered(kb) == "2024-10: 3\n"
    (kb.config.templates / "short.j2").write_text("short {{ digest.month }}", encoding="utf-8")
    assert rendered(kb, "2024-10", "--template", "short.j2") == "short 2024-10"
    elsewhere = tmp_path / "else.j2"
    elsewhere.write_text("else {{ words.topics }}", encoding="utf-8")
    assert rendered(kb, "2024-10", "--template", str(elsewhere)) == "else 主题"
    own.write_text("{{ digest.__class__.__mro__[1].__subclasses__() }}", encoding="utf-8")
    assert re.search(r"error: .*/digest\.md\.j2:1: .* mend the template", kb.run("digest", "2024-10").stderr)
    own.write_text("line\n{% for %}", encoding="utf-8")
    assert "digest.md.j2:2: " in kb.run("digest", "2024-10").stderr
    assert "none.j2" in kb.run("digest", "2024-10", "--template", "none.j2").stderr


def test_a_note_cannot_run_anything_or_change_another_entry(empty_kb: Any) -> None:
    empty_kb.write("2024-10.md", EVIL)
    text = rendered(empty_kb, "2024-10", "--site", "jekyll")
    body = text.split("{% raw %}\n", 1)[1].rsplit("\n{% endraw %}", 1)[0]

    assert "{% endraw" not in body
    tags = [tag for tag in raw_html(body) if not tag.startswith("<!-- kb:written ")]
    assert set(tags) == {'<a id="2024-10-first-7-7-b-paper-b">', '<a id="2024-10-second-paper">', "</a>"}
    assert "\u202e" not in text
    assert not [url for url in links(body) if not re.match(r"#|https?:|notes/", url) and url]
    alone = EVIL.split("**《Second")[1]
    empty_kb.write("2024-10.md", "---\ntitle: 2024年10月\n---\n\n**《Second" + alone)
    entry = rendered(empty_kb).split("### Second")[1].split("出处")[0]
    assert entry == text.split("### Second")[1].split("出处")[0] == " Paper: Untouched\n\nMIT · `B`\n\n第二篇的话。\n\n"


def test_a_line_of_a_hundred_thousand_signs_is_quoted_in_part(empty_kb: Any) -> None:
    empty_kb.write("2024-10.md", "---\ntitle: x\n---\n**《Long》** CMU，A\n\n" + "长" * 100_000 + "\n")
    assert len(rendered(empty_kb)) < 2000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b, $x<y$ 与 <https://example.org>", "a < b, $x&lt;y$ 与 <https://example.org>"),
        ("`<b>` 与 <b>", "`<b>` 与 &lt;b>"),
        ("[好](https://example.org/a_(b))", "[好](https://example.org/a_(b))"),
        ("[坏](vbscript:x)", "[坏]()"),
        ("[名]: https://example.org", "\\[名]: https://example.org"),
        ("# 不是标题", "\\# 不是标题"),
        ("开着 ` 的", "开着 \\` 的"),
    ],
)
def test_prose_of_a_note_stays_within_its_paragraph(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize("text", ["a*b*c [d](e) `f` <g> _h_ \\i", "snake_case 与 中文_x_", "# 1. - > |", "~~~"])
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    html = MarkdownIt("commonmark").renderInline(plain(text))
    assert html == text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ("![](a.png)\n\n第一段。\n\n第二段。", "第一段。"),
        ("```\ncode\n\nmore\n```\n\n话", "话"),
        ("", ""),
        ("一" * 300 + "。" + "二" * 300, "一" * 300 + "。"),
    ],
)
def test_a_summary_is_the_first_prose(body: str, quoted: str) -> None:
    assert summary(body) == quoted


@pytest.mark.parametrize(
    ("body", "points"),
    [
        ("话。\n\n- 快\n  - 非常快\n- 小\n\n- 别的\n- 列表", ("快", "小")),
        ("- 论文：[arXiv](https://a.org)\n- 代码：https://b.org\n\n1. 先这样\n2. 再那样", ("先这样", "再那样")),
        ("- 只有一条\n\n话", ()),
        ("```\n- 代码\n- 里面\n```", ()),
    ],
)
def test_key_points_are_the_first_list_that_says_something(body: str, points: tuple[str, ...]) -> None:
    assert key_points(body) == points


def test_a_note_about_no_paper_is_found_but_stands_in_no_digest(kb: Any) -> None:
    kb.write("2024-10-diary.md", "# 散步\n\n今天散步，codec 的声音。\n")
    digest = kb.run("digest", "2024-10").stdout
    assert "TinyCodec" in digest
    assert "散步" not in digest
    assert [row["kind"] for row in kb.json("list", "kind:note")] == [
        "note",
        "note",
    ]  # and what October says beside its papers
    assert "散步" in kb.run("search", "散步").stdout


def test_a_linter_finds_nothing_in_a_digest(kb: Any, tmp_path: Path) -> None:
    api = pytest.importorskip("pymarkdown.api")
    kb.run("digest", "--all", "--out", str(tmp_path))
    linter = api.PyMarkdownApi().disable_rule_by_identifier("md013").disable_rule_by_identifier("md033")
    linter = linter.disable_rule_by_identifier("md024")  # two sections may hold one paper's name
    (tmp_path / "bad.md").write_text("#no space\n\n\n* a\n- b", encoding="utf-8")
    assert linter.scan_path(str(tmp_path / "bad.md")).scan_failures
    for month in ("2024-08", "2024-10"):
        found = linter.scan_path(str(tmp_path / f"{month}.md"))
        assert [(one.line_number, one.rule_id, one.rule_description) for one in found.scan_failures] == []


def test_no_paper_link_or_figure_of_real_notes_is_lacking(empty_kb: Any, seeds: Path) -> None:
    for number, path in enumerate(sorted(seeds.glob("*.txt")), 1):
        empty_kb.write(f"2024-0{number}.md", path.read_text(encoding="utf-8"))
    empty_kb.refresh()
    with sqlite3.connect(empty_kb.config.database) as db:
        papers = db.execute("SELECT month, title, record FROM papers WHERE kind != 'note'").fetchall()

    texts = {month: rendered(empty_kb, month) for month in {month for month, _, _ in papers}}

    assert len(papers) == 28
    for month, title, record in papers:
        assert plain(title) in texts[month]
        targets = set(links(texts[month]))
        for link in digests.Paper.model_validate_json(record).links:
            assert {link.url, re.sub(r"[()<>\s]", lambda one: f"%{ord(one[0]):02X}", link.url)} & targets, link.url


def test_what_a_list_says_is_said_once() -> None:
    assert summary("- 第一条。\n- 第二条。") == ""
    assert key_points("- 第一条。\n- 第二条。") == ("第一条。", "第二条。")
    assert (
        summary("- 论文：https://arxiv.org/abs/2410.15018\n- 把语言模型的表示蒸馏进 codec。")
        == "把语言模型的表示蒸馏进 codec。"
    )
