"""The law of the pace: no more than is granted and one period, and all of it if it is wanted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.awards import AwardState
from scheduler.domain.errors import InvalidValue
from scheduler.domain.limits import AwardLimit
from scheduler.domain.pace import RESTING, Pacing, Step, exposed, pace, recent

BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
HOUR = 3600
PERIODS = st.sampled_from([600, HOUR, 5 * HOUR])


def a_limit(**changes) -> AwardLimit:
    """Return 1,000 GPU-hours over a week, alone up to 16 GPUs."""
    given_ = {
        "award": "awd",
        "round": "rnd",
        "person": "kim",
        "group": None,
        "institute": None,
        "gpu_type": "H200",
        "state": AwardState.ACCEPTED,
        "granted_gpu_seconds": 1000 * HOUR,
        "used_gpu_seconds": 0,
        "window": (BEGINS, BEGINS + timedelta(days=7)),
        "gpus": 16,
        **changes,
    }
    return AwardLimit(**given_)


@st.composite
def limits(draw) -> AwardLimit:
    """Return any limit over up to four days."""
    gang = draw(st.integers(1, 8))
    return a_limit(
        granted_gpu_seconds=draw(st.integers(1, 3000 * HOUR)),
        gang_gpus=gang,
        gpus=gang * draw(st.integers(1, 8)),
        window=(BEGINS, BEGINS + timedelta(seconds=draw(st.integers(1, 4 * 24 * HOUR)))),
    )


def length(limit: AwardLimit) -> int:
    """Return the seconds of its window."""
    begins_at, ends_at = limit.window
    return (ends_at - begins_at) // timedelta(seconds=1)


def spent(limit: AwardLimit, pacing: Pacing, demand, lag: int) -> tuple[int, int]:
    """Live through a window; return the GPU-seconds used and the most that a period allowed.

    Args:
        limit: at the beginning.
        pacing: period and burst.
        demand: `(period, pace) -> GPUs`, of which the pace lets through its most.
        lag: after how many periods the books know of use.
    """
    used, allowed = [], []
    for gone in range(0, length(limit), pacing.period_seconds):
        known = max(len(used) - lag, 0)
        left = replace(limit, used_gpu_seconds=sum(used[:known]))
        now = BEGINS + timedelta(seconds=gone)
        found = pace(left, pacing, now, unmetered=sum(allowed[known:]))
        assert 0 <= found.even <= found.most <= limit.gpus
        seconds = min(pacing.period_seconds, length(limit) - gone)
        used.append(min(demand(len(used), found), found.most) * seconds)
        allowed.append(found.most * seconds)
    return sum(used), max(allowed)


@given(limits(), PERIODS, st.integers(100, 400), st.integers(0, 3), st.randoms())
def test_use_stays_within_the_grant_and_one_period(limit, period, burst, lag, random):
    """Whatever the demand, and however late the books know: used ≤ granted + one period's pace."""
    pacing = Pacing(period_seconds=period, burst_percent=burst)
    most = random.choice((1, 8, 64))
    used, one_period = spent(limit, pacing, lambda *_: random.randint(0, most), lag)
    assert used <= limit.granted_gpu_seconds + one_period
    # Closer: it is the last gang for the last period that is too much, if anything is.
    assert used < limit.granted_gpu_seconds + limit.gang_gpus * period


@given(limits(), PERIODS, st.integers(100, 400), st.integers(0, 3))
def test_all_of_the_grant_can_be_used(limit, period, burst, lag):
    """Whoever takes what the pace allows has used everything that fits by the end."""
    pacing = Pacing(period_seconds=period, burst_percent=burst)
    fits = limit.gpus * length(limit)
    used, _ = spent(limit, pacing, lambda _, found: found.most, lag)
    assert min(limit.granted_gpu_seconds, fits) <= used


@given(limits(), PERIODS, st.integers(100, 400))
def test_all_of_the_grant_can_be_used_without_borrowing(limit, period, burst):
    """So has whoever is lent nothing: the even pace alone uses up everything that fits."""
    pacing = Pacing(period_seconds=period, burst_percent=burst)
    fits = limit.gpus * length(limit)
    used, _ = spent(limit, pacing, lambda _, found: found.even, 0)
    assert min(limit.granted_gpu_seconds, fits) <= used


def test_a_pace_in_figures():
    """1,000 hours in 168 hours are 6 GPUs; gangs of 8 may go together; what is over rests."""
    pacing = Pacing()
    alone = pace(a_limit(), pacing, BEGINS)
    assert (6, 12) == (alone.even, alone.most)
    gang = pace(a_limit(gang_gpus=8), pacing, BEGINS)
    assert (6, 16) == (gang.even, gang.most)
    last = pace(a_limit(granted_gpu_seconds=HOUR), pacing, BEGINS + timedelta(days=6, hours=23))
    assert (1, 1) == (last.even, last.most)
    assert RESTING == pace(a_limit(used_gpu_seconds=1000 * HOUR), pacing, BEGINS)
    assert RESTING == pace(a_limit(state=AwardState.EXPIRED), pacing, BEGINS)
    assert RESTING == pace(a_limit(), pacing, BEGINS - timedelta(seconds=1))
    assert RESTING == pace(a_limit(), pacing, BEGINS + timedelta(days=7))
    assert RESTING == pace(a_limit(), pacing, BEGINS, unmetered=1000 * HOUR)


def test_hours_without_dates_have_no_pace():
    """A calendar without a first day is refused, and the refusal says so."""
    with pytest.raises(InvalidValue, match="starts_on"):
        pace(a_limit(window=None), Pacing(), BEGINS)


def test_what_may_have_been_used_since_a_report():
    """Each step counts for as long as it held inside the span; a begun second counts whole."""
    steps = [
        Step(since=BEGINS + timedelta(hours=hour), gpus={"H200": gpus})
        for hour, gpus in ((0, 8), (1, 4), (3, 0))
    ]
    since, until = BEGINS + timedelta(minutes=30), BEGINS + timedelta(hours=4)
    assert (4 + 8) * HOUR == exposed(steps, "H200", since, until)
    assert 4 == exposed(steps, "H200", BEGINS + timedelta(hours=2, minutes=59, seconds=59.5), until)
    assert 0 == exposed(steps, "B200", since, until) == exposed((), "H200", since, until)
    assert tuple(steps[1:]) == recent(steps, BEGINS + timedelta(hours=1))
    assert tuple(steps) == recent(steps, since)
