"""A note in a terminal: nothing is lost, nothing stands over, and nothing but text, colour and links comes out."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.markup.ansi import rendered
from kb.markup.line_breaks import breaks

_LINK = re.compile(r"\x1b\]8;[^;]*;(?P<address>[^\x1b\x07]*)\x1b\\")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def plain(markdown: str, width: int = 80) -> str:
    return _COLOUR.sub("", _LINK.sub("", rendered(markdown, width)))


def columns(text: str) -> int:
    """Return how wide a terminal shows text, by Unicode's own table."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def test_emphasis_does_not_reach_into_a_formula() -> None:
    shown = plain("损失 $a_i * b_i$ 与 $c_j * d_j$，以及 *强调*")
    assert shown.strip() == "损失 aᵢ * bᵢ 与 cⱼ * dⱼ，以及 强调"
    assert "\x1b[3m强调" in rendered("*强调*", 40)


def test_a_formula_in_code_stays_code_and_prices_are_no_formulas() -> None:
    assert plain("`$x_1$` costs $5 or $6").strip() == "$x_1$ costs $5 or $6"
    assert plain("从 $5 到 6$ 美元").strip() == "从 $5 到 6$ 美元"


def test_a_displayed_formula_keeps_its_lines() -> None:
    assert plain("$$\n\\alpha = 1 \\\\\ny = \\frac{1}{2}\n$$").strip().split("\n") == ["α = 1 \\\\", "y = \\frac{1}{2}"]


def test_pictures_are_numbered_addresses_in_the_language_of_the_note() -> None:
    assert plain("看图 ![](https://a.b/c_d.png)").strip() == "看图 [图 1] https://a.b/c_d.png"
    shown = plain('![](https://a.b/1.png) <img src="https://a.b/2.png" width=3> ![](https://a.b/1.png)')
    assert re.findall(r"\[figure (\d)\]\s(\S+)", shown) == [
        ("1", "https://a.b/1.png"),
        ("2", "https://a.b/2.png"),
        ("1", "https://a.b/1.png"),
    ]


def test_the_caption_of_a_picture_is_kept() -> None:
    assert plain("![损失 曲线](https://a.b/c.png)").strip() == "[图 1] 损失 曲线 https://a.b/c.png"


def test_only_addresses_of_the_web_are_links() -> None:
    text = "[a](https://a.org/x) [b](ssh://b/x) [c](c.md) https://d.org/y_z_w。[e](file:///etc/passwd) ![](vscode://f)"
    addresses = {found["address"] for found in _LINK.finditer(rendered(text, 200))} - {""}
    assert addresses == {"https://a.org/x", "https://d.org/y_z_w"}
    assert "b (ssh://b/x)" in plain(text, 200)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31m",
        "&#27;[31m",
        "\x1b]0;owned\x07",
        "\x9b31m",
        "&#155;31m",
        "`\x1b[31m`",
        "```\n\x1b[31m\n```",
        "&#x202e;x",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "# {}", "| a |\n|---|\n| {} |", "- {}", "[{}](https://a.b)", "$x{}$", "<b>{}"]
)
def test_no_control_character_gets_through(text: str, around: str) -> None:
    if "\n" in text and around != "{}":
        return
    left = plain(around.replace("{}", f"前{text}后"))
    assert not [sign for sign in left if unicodedata.category(sign) in ("Cc", "Cf") and sign != "\n"]


def test_tags_are_text_and_comments_are_not_shown() -> None:
    assert plain("<think> a <br> b <!-- c --> d").split("\n")[:2] == ["<think> a", "b  d"]
    assert (
        plain("<details>\n<summary>要点</summary>\n</details>").strip()
        == "<details> <summary>要点</summary> </details>"
    )


def test_a_table_folds_its_cells_and_loses_none_of_them() -> None:
    words = "用残差向量量化压缩语音并且丢掉声调信息的编解码器"
    table = f"| 模型 | 说明 | n |\n|---|---|---:|\n| DM-Codec | {words * 3} | 1.5 |\n"
    for width in (30, 40, 80):
        lines = plain(table, width).split("\n")
        assert max(map(columns, lines)) <= width
        han = "".join(re.findall(r"[\u4e00-\u9fff]", "".join(lines)))
        assert han.replace("模型说明", "") == words * 3
        assert "…" not in "".join(lines)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([*"残差向量，。（）「」 a", "https://a.b/c", "2.5Hz"]), max_size=60), st.integers(4, 40)
)
def test_lines_fit_and_keep_every_sign(parts: list[str], width: int) -> None:
    text = "".join(parts)
    cuts = [0, *breaks(text, width), len(text)]
    lines = [text[start:end] for start, end in pairwise(cuts)]

    assert "".join(lines) == text
    assert all(columns(line.rstrip()) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("残差向量，残差", 8, ["残差向", "量，残差"]),
        ("残差「向量」", 6, ["残差", "「向", "量」"]),
        ("用 RVQ 压缩", 8, ["用 RVQ ", "压缩"]),
        ("采样率12.5Hz", 8, ["采样率", "12.5Hz"]),
        ("residual quantizers", 10, ["residual ", "quantizers"]),
        ("residual", 5, ["resid", "ual"]),
        ("", 5, [""]),
    ],
)
def test_lines_break_where_chinese_does(text: str, width: int, lines: list[str]) -> None:
    cuts = [0, *breaks(text, width), len(text)]
    assert [text[start:end] for start, end in pairwise(cuts)] == lines


def test_a_line_of_chinese_is_filled_to_its_end() -> None:
    assert plain("RVQ 用残差向量量化。" * 4, 20).split("\n")[0] == "RVQ 用残差向量量化。"
    assert plain("一行。\n两行 and\nthree").strip() == "一行。两行 and three"


def test_a_line_of_a_megabyte_and_lists_in_lists_are_shown() -> None:
    assert plain("字" * 350_000, 80).count("字") == 350_000
    assert "x" in plain("- " * 8 + "x", 80)


def test_an_address_without_end_is_text_and_not_repeated_on_every_line() -> None:
    assert len(rendered("https://a.b/" + "c" * 50_000, 80)) < 60_000
