"""Markdown of notes as HTML: what is kept of it, and that it can do nothing."""

import re
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.markup import html as prose
from kb.markup.safe import clean, is_safe, language


def block(text: str, **options: Any) -> str:
    return prose.block(text, lambda url: url if is_safe(url) else "", lambda url: "图 1", **options).strip()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://arxiv.org/abs/2410.00037", True),
        ("HTTP://example.org", True),
        ("mailto:a@example.org", True),
        ("figures/a.png", True),
        ("../2024-10.md#moshi", True),
        ("图/一.png?size=2:1", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("\x01javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,<script>1</script>", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
        ("//example.org/x", False),
        ("\\\\example.org\\x", False),
        ("/etc/passwd", False),
        ("#q=mine", False),
        ("", False),
    ],
)
def test_only_the_web_mail_and_files_beside_the_note_are_linked(url: str, safe: bool) -> None:
    assert is_safe(url) == safe


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("残差**向量**量化", "<p>残差<strong>向量</strong>量化</p>"),
        ("<b onclick=x>y</b>", "<p>&lt;b onclick=x&gt;y&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](#elsewhere)", "<p><span>x</span></p>"),
        ("[a](b.md)", '<p><a href="b.md" rel="noopener noreferrer">a</a></p>'),
        (
            "见https://a.org/b。后面",
            '<p>见<a href="https://a.org/b" rel="noopener noreferrer">https://a.org/b</a>。后面</p>',
        ),
        (
            "[https://a.org](https://b.org)",
            '<p><a href="https://b.org" rel="noopener noreferrer">https://a.org</a></p>',
        ),
        ("![](a.png)", '<p><a class="figure" href="a.png" rel="noopener noreferrer">图 1</a></p>'),
        ("![网络](a.png)", '<p><a class="figure" href="a.png" rel="noopener noreferrer">图 1：网络</a></p>'),
        ("[![](a.png)](b.md)", '<p><a href="b.md" rel="noopener noreferrer"><span class="figure">图 1</span></a></p>'),
        ("![](data:image/png;base64,AAAA)", '<p><span class="figure">图 1</span></p>'),
        ("$a_1*b_2*c < d$", '<p><code class="math">a_1*b_2*c &lt; d</code></p>'),
        ("$$\nx^*_i\n$$", '<p class="display"><code class="math">x^*_i</code></p>'),
        ("花了 $5 和 $6", "<p>花了 $5 和 $6</p>"),
        ("```html\n<i>\n", "<pre><code>&lt;i&gt;\n</code></pre>"),
        ("{{ 7 * 7 }} {% raw %}", "<p>{{ 7 * 7 }} {% raw %}</p>"),
        ("a\u202eb &#x202e;c\u2066d", "<p>ab cd</p>"),
        ("a\x00b\x08c", "<p>abc</p>"),
    ],
)
def test_what_becomes_of_markdown(text: str, html: str) -> None:
    assert block(text) == html


def test_headings_of_a_note_follow_each_other_without_a_gap() -> None:
    found = re.findall(r"<h(\d)>", block("# a\n\n#### b\n\n## c\n\n### d\n\n###### e\n\n# f"))

    assert found == ["4", "5", "5", "6", "6", "4"]


def test_a_table_can_be_scrolled_and_has_no_style_of_its_own() -> None:
    made = block("| a | b |\n| - | -: |\n| 1 | 2 |")

    assert made.startswith('<div class="scroll" tabindex="0">\n<table>')
    assert "<td>1</td>" in made
    assert '<td class="right">2</td>' in made
    assert "style" not in made


def test_a_line_too_long_to_parse_is_shown_as_it_is() -> None:
    text = "![" * 500_000 + "\n\n**b** <i>"
    made = html5lib.parseFragment(block(text), namespaceHTMLElements=False)

    assert [element.tag for element in made] == ["pre"]
    assert {element.tag for element in made[0]} == {"span"}
    assert "".join(made[0].itertext()) == text
    assert max(len(piece) for piece in made[0].itertext()) == 4000


def test_a_paragraph_too_long_to_parse_is_shown_as_it_is_between_others() -> None:
    long = "[*a\n" * 3000

    assert (
        block(f"**b**\n\n{long}\n\n**c**")
        == f"<p><strong>b</strong></p>\n<p>{long.strip()}</p>\n<p><strong>c</strong></p>"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("DM-Codec", "en"), ("离散单元 tone", "zh-CN"), ("音声の離散化", "ja"), ("음성 언어 모델", "ko"), ("", "en")],
)
def test_the_language_that_lines_break_by(text: str, name: str) -> None:
    assert language(text) == name


MARKUP = st.sampled_from(
    [*"<>&\"'`*_~$[]()!#|-\\:/\n {}%=+", "```", "$$", "![", "](", "<script>", "javascript:", "a", "码"]
)


@given(st.lists(MARKUP | st.characters(), max_size=60).map("".join))
def test_whatever_the_note_says_nothing_of_it_runs_or_leaves_its_place(text: str) -> None:
    made = block(text)
    page = html5lib.parse(
        f"<!DOCTYPE html><title>t</title><main>{made}</main><p id=after>after", namespaceHTMLElements=False
    )

    assert made == clean(made)
    assert [child.tag for child in page.find("body")] == ["main", "p"]
    for element in page.find("body/main").iter():
        assert element.tag not in {
            "script",
            "img",
            "style",
            "iframe",
            "object",
            "form",
            "input",
            "link",
            "meta",
            "base",
        }
        assert set(element.attrib) <= {"class", "href", "rel", "tabindex", "start"}
        assert "href" not in element.attrib or is_safe(element.get("href"))
