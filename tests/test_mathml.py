"""Formulas as MathML."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.markup.formulas import LONGEST
from kb.markup.html import block
from kb.markup.mathml import mathml
from kb.web.page.notes import formula

PIECES = (
    *"\\{}_^$&<>[]()|~ ",
    "\\frac",
    "\\sqrt",
    "\\left",
    "\\right",
    "\\text",
    "\\hat",
    "\\alpha",
    "\\sum",
    "a",
    "12",
    "量",
)


def laid_out(latex: str) -> str:
    """Return the inside of a formula, without its source."""
    found = re.fullmatch(r"<math><semantics><mrow>(.*)</mrow><annotation .*</semantics></math>", mathml(latex) or "")
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\frac{a}{2}", "<mfrac><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"x^10", "<msup><mi>x</mi><mn>1</mn></msup><mn>0</mn>"),
        (r"x_t^2", "<msubsup><mi>x</mi><mi>t</mi><mn>2</mn></msubsup>"),
        (r"\sqrt[3]{x}", "<mroot><mrow><mi>x</mi></mrow><mrow><mn>3</mn></mrow></mroot>"),
        (r"\sum_i", "<munder><mo>∑</mo><mi>i</mi></munder>"),
        (r"\hat Y", '<mover accent="true"><mi>Y</mi><mo stretchy="false">^</mo></mover>'),
        (r"\left( a \right.", "<mrow><mo>(</mo><mi>a</mi></mrow>"),
        (r"\mathbb{R}\,\alpha", '<mi>ℝ</mi><mspace width="0.17em"></mspace><mi>α</mi>'),
        (r"\text{Q-Former <b>}", "<mtext>Q-Former &lt;b&gt;</mtext>"),
        (r"12.5\%", "<mn>12.5</mn><mo>%</mo>"),
        (r"a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_a_formula_is_laid_out(latex: str, shown: str) -> None:
    assert laid_out(latex) == shown


@pytest.mark.parametrize(
    "latex",
    [
        r"\begin{matrix} a",
        r"a & b",
        "{a",
        "a}",
        r"\nosuch",
        r"\left(a",
        "a_b_c",
        r"\frac{a}",
        r"\sqrt[3",
        r"\text a",
        "a" * (LONGEST + 1),
    ],
)
def test_what_is_not_understood_stays_as_it_is(latex: str) -> None:
    assert mathml(latex) is None
    assert formula(latex, False).startswith('<code class="math">')


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_whatever_comes_out_is_well_formed_and_keeps_its_source(latex: str) -> None:
    if made := mathml(latex, is_block=True):
        tree = ElementTree.fromstring(made)
        assert tree.findtext(".//annotation") == latex.strip()
        children = {
            "mfrac": 2,
            "mroot": 2,
            "msub": 2,
            "msup": 2,
            "munder": 2,
            "mover": 2,
            "msubsup": 3,
            "munderover": 3,
        }
        for one in tree.iter():
            assert len(one) == children.get(one.tag, len(one)), one.tag


def test_deep_formulas_end() -> None:
    for part in ("{", "\\hat", "\\frac", "\\sqrt[", "\\left(", "^"):
        assert mathml(part * (LONGEST // len(part))) is None


def test_a_page_holds_formulas_in_its_text() -> None:
    shown = block("用 $a_1$ 与\n\n$$\\frac{a}{b}$$\n", str, str, formulas=formula)
    assert "<msub><mi>a</mi><mn>1</mn></msub>" in shown
    assert '<p class="display"><span class="wide" tabindex="0"><math display="block">' in shown
