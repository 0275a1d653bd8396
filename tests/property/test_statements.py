"""Statements add up to what was used, to the GPU-second and the won, and never change."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.errors import InvalidValue
from scheduler.domain.statements import (
    Meter,
    Month,
    Payer,
    PayerKind,
    Tariff,
    month_of,
    read_month,
    statements,
)

STARTS = datetime(2026, 11, 1, tzinfo=UTC)
MONTHS = [Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)]
INSTANTS = st.integers(0, 4 * 28 * 86_400).map(lambda seconds: STARTS + timedelta(seconds=seconds))


@st.composite
def entries(draw) -> list[tuple[datetime, int]]:
    """Return entries of use and their instants; their sum is never below nothing."""
    made, total = [], 0
    for at in sorted(draw(st.lists(INSTANTS, max_size=8))):
        amount = draw(st.integers(-total, 10**7).filter(bool))
        total += amount
        made.append((at, amount))
    return made


TARIFFS = st.builds(
    Tariff,
    track=st.none(),
    won=st.integers(0, 10**6),
    charge=st.fractions(Fraction(1, 10), 10, max_denominator=1000),
)
USERS = st.lists(st.tuples(st.sampled_from("abc"), TARIFFS, entries()), max_size=5)


def stated(users: list[tuple[str, Tariff, list[tuple[datetime, int]]]], month: Month):
    """Return the statements of a month about users with a payer, a tariff and entries."""
    return statements(
        (
            Meter(
                payer=Payer(PayerKind.INSTITUTE, payer),
                award=f"awd_{number}",
                fellow="kim",
                group="vision",
                gpu_type="H200",
                tariff=tariff,
                before=sum(amount for at, amount in made if at < month.begins_at),
                after=sum(amount for at, amount in made if at < month.ends_at),
            )
            for number, (payer, tariff, made) in enumerate(users)
        ),
        month,
    )


@given(USERS)
def test_statements_add_up_to_what_was_used(users):
    """Over all months and payers: GPU-seconds are the sum, won are those of the totals."""
    made = [each for month in MONTHS for each in stated(users, month)]
    totals = [(tariff, sum(amount for _, amount in entered)) for _, tariff, entered in users]
    assert sum(each.gpu_seconds for each in made) == sum(total for _, total in totals)
    assert sum(each.won for each in made) == sum(tariff.cost(total) for tariff, total in totals)
    assert all(each.lines for each in made)


@given(USERS, st.sampled_from(MONTHS))
def test_a_month_that_is_over_never_changes(users, month: Month):
    """What is entered later leaves the statements of earlier months as they were."""
    then = [
        (payer, tariff, [each for each in entered if each[0] < month.ends_at])
        for payer, tariff, entered in users
    ]
    assert stated(users, month) == stated(then, month)


def test_a_cost_in_figures():
    """An H200 hour of one service unit at 300 won; half a B200 hour of 1.6 units at 25 won."""
    assert 300 == Tariff(track="sme", won=300, charge=Fraction(1)).cost(3600)
    assert 299 == Tariff(track="sme", won=300, charge=Fraction(1)).cost(3599)
    assert 20 == Tariff(track="sme", won=25, charge=Fraction(8, 5)).cost(1800)
    assert 0 == Tariff(track=None, won=0, charge=Fraction(1)).cost(10**12)


def test_months():
    """A month is read, written, followed and told of an instant; anything else is refused."""
    assert (Month(2026, 12), "2026-12") == (read_month("2026-12"), str(Month(2026, 12)))
    assert Month(2027, 1) == Month(2026, 12).next
    assert Month(2026, 12) == month_of(datetime(2027, 1, 1, tzinfo=UTC) - timedelta(seconds=1))
    for wrong in ("2026-13", "2026-1", "26-01", "2026-00", "2026/01", "", "0000-01", "9999-12"):
        with pytest.raises(InvalidValue):
            read_month(wrong)
