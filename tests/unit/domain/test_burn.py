"""Burn, pace and forecast: whole GPU-seconds between the award's own rate and the use curve."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.burn import (
    NERSC,
    PPM,
    Basis,
    Burn,
    Rate,
    even_line,
    forecasts,
    own_line,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
END = BEGIN + 100 * DAY
HELD = 100_000


def a_burn(daily: dict[int, int], held: int = HELD) -> Burn:
    """An award of a hundred days, used on some of them."""
    used = {(BEGIN + day * DAY).date(): amount for day, amount in daily.items()}
    return Burn(held=held, daily=used, line=even_line(BEGIN, END, held))


def test_the_curve_is_the_published_one():
    """At the published medians the curve errs by 1.3 % of an award, root mean square."""
    published = ((207, 5), (543, 213), (796, 465))
    errors = [NERSC.share(t, 1000) / PPM - u / 1000 for t, u in published]
    assert 0.013 == pytest.approx((sum(e * e for e in errors) / 3) ** 0.5, abs=0.0005)
    assert (0, 770_000, 770_000) == tuple(NERSC.share(t, 1000) for t in (-5, 1000, 2000))


def test_an_even_line_is_a_straight_line():
    """Nothing before, everything after, in proportion and rounded down in between."""
    line = even_line(BEGIN, END, 1000)
    assert [0, 0, 5, 500, 1000, 1000] == [
        line.due(BEGIN + part * DAY) for part in (-1, 0, 0.55, 50, 100, 200)
    ]


def test_an_award_has_its_own_plan():
    """Cells are a plan per slot: flat where it has none, straight inside each."""
    week = 7 * DAY
    slots = [(BEGIN + 2 * week, BEGIN + 3 * week, 700), (BEGIN, BEGIN + week, 70)]
    line = own_line(slots)
    assert [0, 10, 70, 70, 70, 170, 770] == [
        line.due(BEGIN + d * DAY) for d in (0, 1, 7, 10, 14, 15, 30)
    ]
    assert (BEGIN, BEGIN + 3 * week) == (line.begins_at, line.ends_at)
    assert 21 * 86_400 == line.seconds


def test_the_present_rate_looks_back_four_weeks():
    """Older use does not count, and before the first day there is no rate."""
    burn = a_burn({0: 10**9, 72: 2800, 90: 2800})
    assert Rate(gpu_seconds=5600, seconds=28 * 86_400) == burn.rate(BEGIN + 100 * DAY)
    assert 200 == burn.rate(BEGIN + 100 * DAY).per_day
    assert 0 == a_burn({}).rate(BEGIN - DAY).per_day


def test_without_data_the_forecast_is_the_curve():
    """Before the window begins, the blend is the curve to the GPU-second: 77 % by the end."""
    burn = a_burn({})
    for at in (BEGIN, BEGIN + 10 * DAY, END):
        curve, blend = (
            burn.used_by(at, now=BEGIN - DAY, basis=each) for each in (Basis.CURVE, Basis.BLEND)
        )
        assert curve == blend
    assert 77_000 == burn.used_by(END, now=BEGIN, basis=Basis.BLEND)


def test_with_all_data_the_forecast_is_the_own_rate():
    """At the end of the window the blend is the own rate, also for what lies beyond."""
    burn = a_burn(dict.fromkeys(range(100), 500))
    rate, blend = (
        burn.used_by(END + 10 * DAY, now=END, basis=each) for each in (Basis.RATE, Basis.BLEND)
    )
    assert (55_000, 55_000) == (rate, blend)


def test_half_way_both_count_half():
    """The blend lies in the middle when half of the window has passed."""
    now, burn = BEGIN + 50 * DAY, a_burn(dict.fromkeys(range(50), 400))
    rate, curve, blend = (burn.used_by(END, now=now, basis=each) for each in Basis)
    assert 40_000 == rate
    assert 20_000 + 100_000 * (770_000 - NERSC.share(1, 2)) // PPM == curve
    assert (rate + curve) // 2 == blend


def test_the_day_of_exhaustion_is_the_first():
    """At 2,000 a day from 40,000, the other 60,000 last thirty days."""
    now, burn = BEGIN + 20 * DAY, a_burn(dict.fromkeys(range(20), 2000))
    when = burn.exhausts_at(now=now, basis=Basis.RATE)
    assert now + 30 * DAY == when
    assert HELD == burn.used_by(when, now=now, basis=Basis.RATE)
    assert HELD > burn.used_by(when - timedelta(seconds=1), now=now, basis=Basis.RATE)
    assert now == a_burn({0: HELD}).exhausts_at(now=now, basis=Basis.CURVE)
    assert a_burn({}).exhausts_at(now=now, basis=Basis.CURVE) is None
    assert a_burn({}).exhausts_at(now=END + DAY, basis=Basis.RATE) is None


def test_what_is_overspent_stays_so():
    """An award used beyond what it holds forecasts what it used, and leaves nothing."""
    burn = a_burn({1: HELD + 5})
    assert 0 == burn.left
    assert {(HELD + 5, 0)} == {(each.used, each.unused) for each in forecasts(burn, BEGIN + DAY)}


USE = st.dictionaries(st.integers(0, 99), st.integers(0, 4000), max_size=40)


@given(USE, st.integers(-5, 120), st.integers(0, 60), st.integers(0, 60), st.sampled_from(Basis))
def test_a_forecast_never_falls_and_never_exceeds(daily, day, soon, later, basis):
    """Used so far ≤ used by an instant ≤ used by a later one ≤ held, for who is not overspent."""
    burn, now = a_burn(daily), BEGIN + day * DAY
    early, late = sorted((soon, later))
    steps = [burn.used_by(now + each * DAY, now=now, basis=basis) for each in (0, early, late)]
    assert sorted(steps) == steps
    assert burn.used <= steps[0]
    assert steps[-1] <= max(burn.held, burn.used)


@given(USE, st.integers(-5, 120), st.integers(0, 100))
def test_the_blend_lies_between(daily, day, ahead):
    """The blend is never outside its two views."""
    burn, now = a_burn(daily), BEGIN + day * DAY
    rate, curve, blend = (burn.used_by(now + ahead * DAY, now=now, basis=each) for each in Basis)
    assert min(rate, curve) <= blend <= max(rate, curve)


def test_days_are_dates():
    """Use is known by day, so the rate begins at a midnight."""
    burn = Burn(held=10, daily={date(2026, 1, 1): 5}, line=even_line(BEGIN, END, 10))
    assert Rate(gpu_seconds=5, seconds=3600) == burn.rate(BEGIN + timedelta(hours=1))
