"""The parts of the page that need no server: filters, excerpts, addresses, plots, words."""

import re
import string
from typing import Any
from xml.etree import ElementTree

import pytest

from kb.search.answer import Hit
from kb.web.page import filters
from kb.web.page.excerpts import LONGEST, excerpt, marked
from kb.web.page.notes import picture_address
from kb.web.page.plot import drawn
from kb.web.page.words import WORDS, chosen_language


def test_both_languages_say_the_same() -> None:
    fields = string.Formatter()
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    for key, text in WORDS["en"].items():
        names = [{name for _, name, _, _ in fields.parse(one) if name} for one in (text, WORDS["zh"][key])]
        assert names[0] == names[1], key


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr, zh-TW;q=0.3, en;q=0.5", "en"),
        (None, "zh;q=x, en;q=0.1", "en"),
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        ("xx", "zh", "zh"),
    ],
)
def test_the_language_is_the_readers(cookie: str | None, accepted: str, language: str) -> None:
    assert chosen_language(cookie, accepted) == language


def test_a_filter_is_put_into_a_query_and_taken_out_of_it() -> None:
    meta = filters.token("org", 'Meta "AI" Lab')
    assert meta == 'org:"Meta  AI  Lab"'
    assert filters.token("month", "2024-10") == "month:2024-10"
    assert filters.toggled("codec", "org:CMU") == "codec org:CMU"
    assert filters.toggled("", "org:CMU") == "org:CMU"
    assert filters.toggled("codec org:CMU RVQ", "org:CMU") == "codec RVQ"
    assert filters.toggled("org:CMUX", "org:CMU") == "org:CMUX org:CMU"


def test_filters_of_a_query_are_chips() -> None:
    chips = filters.active('codec org:"Meta AI" -tag:RVQ is:unread http://a.b org:"open')
    assert [one.token for one in chips] == ['org:"Meta AI"', "-tag:RVQ", "is:unread"]
    assert chips[0].query == 'codec -tag:RVQ is:unread http://a.b org:"open'


def test_menus_offer_what_there_is() -> None:
    menus = filters.menus("codec kind:paper", {"kind": [("paper", 3)], "org": [], "month": [("2024-10", 2)]})
    assert list(menus) == ["month", "kind", "is", "claim"]
    assert [(one.name, one.papers, one.is_on, one.query) for one in menus["kind"]] == [("paper", 3, True, "codec")]


def hit(text: str, *words: str) -> Hit:
    marks = tuple((text.index(word), text.index(word) + len(word)) for word in words)
    paper: Any = None
    return Hit(1, 1.0, paper, 1, "", text, tuple(sorted(marks)), (), {}, ())


def test_an_excerpt_marks_what_matches_and_is_no_link() -> None:
    shown = excerpt(hit("- **RVQ** of [a](https://a.b) & tone\n- stone <b> ![x](p.png)", "RVQ", "tone"), "图")
    assert shown == (
        "<strong><mark>RVQ</mark></strong> of <span>a</span> &amp; <mark>tone</mark>"
        ' stone &lt;b&gt; <span class="figure">图：x</span>'
    )


def test_an_excerpt_begins_near_the_match() -> None:
    text = "开头。" * 200 + "这里说声学延迟，" + "结尾。" * 200
    shown = re.sub("<.*?>", "", excerpt(hit(text, "声学延迟"), "图"))
    assert shown.startswith("… 这里说声学延迟")
    assert shown.endswith(" …")
    assert len(shown) <= LONGEST + 4


def test_marks_stay_out_of_tags() -> None:
    assert marked('<a href="/codec">codec</a>', ["codec"]) == '<a href="/codec"><mark>codec</mark></a>'
    assert marked("a &amp; amp", ["amp"]) == "a &amp; <mark>amp</mark>"
    assert marked("a &lt;b", ["<b"]) == "a <mark>&lt;b</mark>"
    assert marked("x", []) == "x"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("figures/a%20b.png", "/picture/2024/figures/a%20b.png"),
        ("../c.png?x#y", "/picture/c.png"),
        ("../../c.png", ""),
        ("..%2f..%2fc.png", ""),
        ("/etc/c.png", ""),
        ("//evil.example/c.png", ""),
        ("a\\..\\c.png", ""),
        ("javascript:c.png", ""),
        ("", ""),
    ],
)
def test_a_picture_beside_a_note_has_an_address(url: str, address: str) -> None:
    assert picture_address("2024/10.md", url) == address


def shapes(plot: dict[str, Any], name: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(str(drawn(plot))).findall(f".//{name}")


def test_a_line_is_drawn_where_its_numbers_are() -> None:
    plot = {"kind": "line", "x": [0, 1, 2], "series": {"a": [0, 5, 10]}, "x_label": "<x>", "y_label": "y"}
    (line,) = shapes(plot, "polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x0 < x1 < x2
    assert y0 > y1 > y2
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
    ticks = [one.text for one in shapes(plot, "text") if one.attrib["class"] == "tick"]
    assert ticks == ["0", "2", "4", "6", "8", "10", "0", "1", "2"]


def test_bars_begin_at_nought() -> None:
    plot = {"kind": "bar", "x": ["a", "b"], "series": {"one": [1, 2], "two": [-1, None]}, "x_label": "", "y_label": ""}
    bars = shapes(plot, "rect")
    heights = [float(bar.attrib["height"]) for bar in bars]
    assert len(bars) == 3
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.11)
    assert heights[2] == pytest.approx(heights[0], abs=0.11)


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert drawn({"kind": "line", "x": [], "series": {}, "x_label": "", "y_label": ""}) == ""
    plot = {"kind": "line", "x": [1, 2], "series": {"a": [float("nan"), 3]}, "x_label": "", "y_label": ""}
    assert len(shapes(plot, "circle")) == 1
    assert "<script>" not in drawn({**plot, "x": ["<script>", "b"], "y_label": "<script>"})
