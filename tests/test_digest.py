from typing import Any

import pytest

from kb import digest
from kb.errors import KbError


def rendered(kb: Any, month: str = "2024-10") -> str:
    return digest.render(kb.config, digest.monthly_digest(kb.reader(), month))


def test_the_digest_of_a_month(kb: Any, golden: Any) -> None:
    kb.refresh()
    golden("digest-2024-10.md", rendered(kb))


def test_the_same_notes_give_the_same_bytes_whenever_they_were_read(kb: Any) -> None:
    kb.refresh()
    before = rendered(kb)
    kb.write("2025-01.md", "---\ntitle: 2025年1月\n---\n**《Later Speech Codec》** X，Speech Codec\n")
    kb.refresh()
    (kb.notes / "2025-01.md").unlink()
    kb.refresh()
    assert rendered(kb) == before


def test_counts_are_of_papers(kb: Any) -> None:
    kb.refresh()
    made = digest.monthly_digest(kb.reader(), "2024-10")
    assert made.paper_count == 3
    assert [(topic.name, topic.count) for topic in made.topics] == [
        ("Speech Codec", 1),
        ("提示词", 1),
        ("搜索", 1),
        ("离散表示", 1),
    ]
    assert [section.name for section in made.sections] == ["LLM", "Speech"]


def test_the_users_own_template_comes_first_and_cannot_reach_out(kb: Any) -> None:
    kb.refresh()
    kb.config.templates.mkdir()
    own = kb.config.templates / "digest.md.j2"
    own.write_text("{{ digest.month }}: {{ digest.paper_count }}\n", encoding="utf-8")
    assert rendered(kb) == "2024-10: 3\n"
    own.write_text("{{ digest.__class__.__mro__[1].__subclasses__() }}", encoding="utf-8")
    with pytest.raises(KbError, match=r"digest\.md\.j2"):
        rendered(kb)
    own.write_text("line\n{% for %}", encoding="utf-8")
    with pytest.raises(KbError, match=r"digest\.md\.j2:2"):
        rendered(kb)


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ("![](a.png)\n\n第一段。\n\n第二段。", "第一段。"),
        ("```\ncode\n\nmore\n```\n\n话", "话"),
        ("", ""),
        ("一" * 300 + "。" + "二" * 300, "一" * 300 + "。"),
    ],
)
def test_a_summary_is_the_first_prose(body: str, summary: str) -> None:
    assert digest.summary(body) == summary


def test_a_note_about_no_paper_is_found_but_stands_in_no_digest(kb: Any) -> None:
    kb.write("2024-10-diary.md", "# 散步\n\n今天散步，codec 的声音。\n")
    digest = kb.run("digest", "2024-10").stdout
    assert "TinyCodec" in digest
    assert "散步" not in digest
    assert [row["kind"] for row in kb.json("list", "kind:note")] == ["note"]
    assert "散步" in kb.run("search", "散步").stdout
