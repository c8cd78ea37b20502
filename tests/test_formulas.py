"""Formulas as text: what is written so is what LaTeX means, and what cannot be written stays LaTeX."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.markup import formulas
from kb.markup.formulas import readable

OTHERWISE = {"mid": "|", "prime": "'", "hbar": "ħ"}  # where the other reader takes a plainer sign


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"\alpha_t \le 2^{10}", "αₜ ≤ 2¹⁰"),
        (r"x^{-1}", "x⁻¹"),
        (r"x_{i+1}^2", "xᵢ₊₁²"),
        (r"\log\sigma(x)", "log σ(x)"),
        (r"2\pi\log_2 N", "2π log₂ N"),
        (r"\mathbb{R}^{16}", "ℝ¹⁶"),
        (r"\mathcal L", "ℒ"),
        (r"\mathcal{P}", "𝒫"),
        (r"\hat{Y}=\arg\max P", "Ŷ=arg max P"),
        (r"\mathrm{Encoder}(a)", "Encoder(a)"),
        (r"12.5\,\text{Hz}", "12.5 Hz"),
        (r"\left( a \right)", "( a )"),
        (r"\|x\|_2", "‖x‖₂"),
        (r"\{1, 2\}", "{1, 2}"),
        (r"x^\mathrm{T}", "xᵀ"),
        ("a * b", "a * b"),
    ],
)
def test_a_simple_formula_is_text(formula: str, text: str) -> None:
    assert readable(formula) == text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"\frac{\alpha}{r}", r"$\frac{α}{r}$"),
        (r"x_{<t}", "$x_{<t}$"),
        (r"p_\theta", "$p_θ$"),
        (r"2^{2^n}", "$2^{2ⁿ}$"),
        (r"{a+b}^2", "${a+b}²$"),
        (r"\{x_{<t}\}", r"$\{x_{<t}\}$"),
        (r"a\foo\log x", r"$a\foo log x$"),
        (r"\mathbf{é}", r"$\mathbf{é}$"),
        ("x^{", "$x^{$"),
        ("a}b", "$a}b$"),
    ],
)
def test_what_has_no_sign_stays_as_it_is_written_between_dollars(formula: str, text: str) -> None:
    assert readable(formula) == text


def test_signs_are_those_of_another_reader_of_latex() -> None:
    latex2text = pytest.importorskip("pylatexenc.latex2text")
    reader = latex2text.LatexNodes2Text()
    known = 0
    for name, sign in formulas._SIGNS.items():
        other = reader.latex_to_text(f"\\{name}").strip()
        known += bool(other)
        assert other in ("", sign) or OTHERWISE[name] == other, name
    assert known > 80
    for name in ("mathbb", "mathcal", "mathbf"):
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            other = reader.latex_to_text(rf"\{name}{{{letter}}}").strip()
            # Unicode gives some script letters a sign of an older block, which is the same letter.
            assert unicodedata.normalize("NFKC", readable(rf"\{name}{{{letter}}}")) == letter
            assert other == readable(rf"\{name}{{{letter}}}")


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz+-=()", min_size=1, max_size=6), st.sampled_from("^_"))
def test_small_signs_are_read_back_as_what_was_written(letters: str, place: str) -> None:
    shown = readable(f"x{place}{{{letters}}}")

    if not shown.startswith("$"):
        assert unicodedata.normalize("NFKC", shown[1:]).replace("−", "-") == letters
        assert shown[1:] != letters


@given(st.lists(st.sampled_from([*"\\{}_^$ aB1", r"\frac", r"\alpha", r"\hat", r"\text"]), max_size=40))
def test_no_formula_is_too_odd(pieces: list[str]) -> None:
    shown = unicodedata.normalize("NFKD", readable(" ".join(pieces)))
    assert all(shown.count(sign) >= pieces.count(sign) for sign in "aB1")


def test_very_deep_and_very_long_formulas_stay_as_they_are() -> None:
    for formula in ("{" * 5000 + "}" * 5000, r"\hat" * 900, "x^" * 1900, r"\mathrm{" * 400 + "}" * 400):
        assert readable(formula).strip("$") != ""
