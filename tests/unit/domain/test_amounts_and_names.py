"""Exact amounts, slugs, texts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.amounts import LARGEST, mean, number, thousandths
from scheduler.domain.errors import InvalidValue
from scheduler.domain.names import line, paragraphs, reason, slug


@given(st.integers(0, LARGEST))
def test_thousandths_survive_json(amount: int) -> None:
    """The JSON number of any amount reads back to the same thousandths."""
    shown = number(amount)
    assert amount == thousandths(shown, field="/x") == thousandths(repr(shown), field="/x")


@pytest.mark.parametrize(
    ("value", "exact"),
    [(1, 1000), ("1.5", 1500), (64152.217, 64_152_217), (Decimal("0.001"), 1), (1e3, 1_000_000)],
)
def test_decimals_are_read_exactly(value: object, exact: int) -> None:
    """What a file or a person writes is read as written."""
    assert exact == thousandths(value, field="/x")


@pytest.mark.parametrize(
    "value", [-1, "0.0001", 0.1234, "x", "", True, float("nan"), float("inf"), "1e99", 10**13]
)
def test_what_is_no_amount_is_refused(value: object) -> None:
    """Negative, too fine, too large, not finite or not a number: refused by field."""
    with pytest.raises(InvalidValue) as refusal:
        thousandths(value, field="/gpu_hours")
    assert refusal.value.fields["field"] == "/gpu_hours"


@given(st.lists(st.integers(0, 100_000), min_size=1))
def test_a_mean_is_rounded_half_up(scores: list[int]) -> None:
    """The mean differs from the exact one by at most half, and by half only upwards."""
    difference = 2 * (mean(scores) * len(scores) - sum(scores))
    assert -len(scores) < difference <= len(scores)


@pytest.mark.parametrize("value", ["kaist", "A", "core0", "a.b_c-d", "x" * 64])
def test_slugs_are_plain(value: str) -> None:
    """Letters, digits, dots, underscores and hyphens, 64 at most."""
    assert value == slug(value, field="/id")


@pytest.mark.parametrize("value", ["", "-a", ".a", "a b", "a/b", "x" * 65, "가", "a\n"])
def test_other_slugs_are_refused(value: str) -> None:
    """Anything that would need quoting in an address is refused."""
    with pytest.raises(InvalidValue):
        slug(value, field="/id")


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\u202eevil", "x" * 201])
def test_a_line_has_no_hidden_characters(value: str) -> None:
    """Control and direction characters and overlong texts are refused."""
    with pytest.raises(InvalidValue):
        line(value, field="/title")


def test_texts_are_normalised() -> None:
    """Text is kept in NFC; paragraphs may break lines; a reason says something."""
    assert line("\u1112\u1161\u11ab", field="/title") == "\ud55c"
    assert paragraphs("a\n\tb", field="/abstract") == "a\n\tb"
    assert reason(" because ") == "because"
    with pytest.raises(InvalidValue):
        reason(" \n")
