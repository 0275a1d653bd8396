"""Forecasts beside what came: simulated fellows whose use is known to the end."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.burn import PPM, Basis, Burn, UseCurve, even_line
from scheduler.simulation.habits import CURVES, Habit, Habits

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 180
END = BEGIN + DAYS * DAY
HELD = 10_000_000
FELLOWS = 400


def a_year_of(curve: UseCurve, rng: np.random.Generator, noise: float) -> list[int]:
    """Return what is used on each day: along a curve, by chance more or less, never beyond."""
    left, daily = HELD, []
    for day in range(DAYS):
        step = HELD * (curve.share(day + 1, DAYS) - curve.share(day, DAYS)) / PPM
        use = min(round(step * float(rng.lognormal(-noise * noise / 2, noise))), left)
        left -= use
        daily.append(use)
    return daily


def seen(daily: list[int], day: int) -> Burn:
    """Return what is known on the morning of a day."""
    used: Mapping[date, int] = {(BEGIN + at * DAY).date(): daily[at] for at in range(day)}
    return Burn(held=HELD, daily=used, line=even_line(BEGIN, END, HELD))


def errors(fellows: list[list[int]], day: int, basis: Basis) -> float:
    """Return the mean error of what will be used in the end, as a share of what is held."""
    now = BEGIN + day * DAY
    wrong = [
        abs(seen(each, day).used_by(END, now=now, basis=basis) - sum(each)) for each in fellows
    ]
    return sum(wrong) / len(wrong) / HELD


def drawn(habits: Habits, noise: float = 0.5) -> Iterator[list[int]]:
    """Yield fellows as a simulated center draws them."""
    rng = np.random.default_rng(7)
    for number in range(FELLOWS):
        yield a_year_of(habits.of(7, f"f{number}")[1], rng, noise)


@given(rate=st.floats(1.05, 6.0), part=st.floats(0.05, 0.95))
def test_the_end_of_steady_use_is_known_to_the_day(rate: float, part: float):
    """Whoever burns evenly and too fast is told the very day, however early one asks."""
    daily = a_year_of(UseCurve(scale=rate, power=1.0), np.random.default_rng(0), 0.0)
    last = next(at for at in range(DAYS) if sum(daily[: at + 1]) >= HELD)
    day = max(int(part * last), 1)
    told = seen(daily, day).exhausts_at(now=BEGIN + day * DAY, basis=Basis.RATE)
    assert told is not None
    assert last - 1 <= (told - BEGIN) / DAY <= last + 1.01


@pytest.mark.parametrize(("passed", "days"), [(0.5, 8), (0.75, 4), (0.9, 2)])
def test_a_noisy_end_is_known_better_and_better(passed: float, days: int):
    """With daily use that varies by half, the mean error of the day shrinks as it comes near."""
    wrong = []
    for number in range(60):
        rng = np.random.default_rng(number)
        daily = a_year_of(UseCurve(scale=float(rng.uniform(1.2, 3.0)), power=1.0), rng, 0.5)
        last = next(at for at in range(DAYS) if sum(daily[: at + 1]) >= HELD)
        day = int(passed * last)
        told = seen(daily, day).exhausts_at(now=BEGIN + day * DAY, basis=Basis.RATE)
        assert told is not None
        wrong.append(abs((told - BEGIN) / DAY - last))
    assert sum(wrong) / len(wrong) <= days


def test_the_blend_beats_the_own_rate_for_who_begins_late():
    """Half-way through, the rate of who follows the curve of other centers says too little."""
    late = list(drawn(Habits(late=100, steady=0, early=0, idle=0)))
    for day in (DAYS // 4, DAYS // 2):
        assert errors(late, day, Basis.BLEND) < errors(late, day, Basis.RATE)


def test_the_blend_beats_the_curve_for_who_does_not_follow_it():
    """And the prior loses its say as the fellow's own use is seen."""
    others = list(drawn(Habits(late=0, steady=60, early=25, idle=15)))
    for day in (DAYS // 4, DAYS // 2, DAYS * 3 // 4):
        assert errors(others, day, Basis.BLEND) < errors(others, day, Basis.CURVE)


def test_a_mixed_center_is_forecast_within_bounds_that_shrink():
    """By the mean error of an award, from quarter to quarter; curves are the simulator's."""
    mixed = list(drawn(Habits()))
    assert {Habit.LATE, Habit.STEADY, Habit.EARLY, Habit.IDLE} == CURVES.keys()
    found = [errors(mixed, DAYS * quarter // 4, Basis.BLEND) for quarter in (1, 2, 3)]
    assert sorted(found, reverse=True) == found
    assert all(wrong < most for wrong, most in zip(found, (0.15, 0.14, 0.07), strict=True))
