"""A figure holds at the precision it is written with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.claims.comparing import agrees, compare


@pytest.mark.parametrize(
    ("says", "computed"),
    [
        ("88", 88),
        ("2", 2.12),
        ("0.24", 0.24196),
        ("4.0", 4),
        ("6.4e8", 636_784_640),
        ("5e5", 480_000),
        ("28.5e4", 285_193),
        ("33,332,992", 33_332_992),
        ("1_500", 1500),
        ("-0.5", -0.45),
        ("true", True),
        ("Mimi", "Mimi"),
        (("1", "2"), [1, 2]),
        ((), []),
        ((("1", "2"), ("3",)), [[1, 2], [3]]),
    ],
)
def test_what_is_written_is_what_was_computed(says: Any, computed: Any) -> None:
    assert agrees(says, computed)


@pytest.mark.parametrize(
    ("says", "computed"),
    [
        ("88", 89),
        ("0.33", 0.34),
        ("0.242", 0.2404),
        ("6.40e8", 636_784_640),
        ("2.0", 2.12),
        ("88", 88.6),
        ("about 88", 88),
        ("88", True),
        ("false", True),
        ("0", float("nan")),
        ("1e308", float("inf")),
        ("nan", float("nan")),
        ("88", "88 tokens"),
        (("1", "2"), [2, 1]),
        (("1",), [1, 2]),
        ("12", [1, 2]),
        (("1",), 1),
    ],
)
def test_what_is_written_is_something_else(says: Any, computed: Any) -> None:
    assert not agrees(says, computed)


@given(st.integers(-(10**12), 10**12), st.integers(-3, 3).filter(bool))
def test_a_whole_number_agrees_with_itself_alone(number: int, off: int) -> None:
    assert agrees(str(number), number)
    assert not agrees(str(number), number + off)


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_number_agrees_with_itself_rounded(number: float, digits: int) -> None:
    assert agrees(f"{number:.{digits}f}", number)


def test_each_figure_stands_beside_the_computed_one() -> None:
    steps, first = compare({"steps": "382", "first_frame": "7"}, {"first_frame": 8, "steps": 382})

    assert (steps.says, steps.computed, steps.agrees) == ("382", 382, True)
    assert (first.says, first.computed, first.agrees) == ("7", 8, False)


def test_a_single_figure_may_be_called_otherwise() -> None:
    assert [figure.agrees for figure in compare({"tokens": "88"}, {"window_tokens": 88})] == [True]


def test_a_figure_that_was_not_computed_is_named() -> None:
    with pytest.raises(KeyError, match="tokens"):
        compare({"tokens": "88", "steps": "3"}, {"steps": 3, "first_frame": 1})
