"""Figures in columns."""

import pytest

from api.commands.tables import columns, number, width
from solver.checking.report import percent


def test_columns_align_figures_to_the_right():
    """Text stands left, figures right."""
    assert "pool  hours\na         1\nbb      200" == columns(
        [("pool", "hours"), ("a", "1"), ("bb", "200")]
    )


def test_hangul_takes_two_cells():
    """Korean text keeps columns aligned on a terminal."""
    assert 6 == width("두레ab")
    assert "두레  1\nab    2" == columns([("두레", "1"), ("ab", "2")])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234567.8, "1,234,568"), (0.51234, "0.5123"), (12, "12")]
)
def test_numbers_are_grouped_and_short(value, text):
    """Large figures lose their fractions, small ones keep four digits."""
    assert text == number(value)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.5, "50.0 %"), (0.00012, "0.012 %"), (-0.02, "-2.0 %"), (1e-12, "< 0.0001 %")],
)
def test_small_shares_do_not_look_like_nothing(share, text):
    """A share below one percent shows its first two digits."""
    assert text == percent(share)
