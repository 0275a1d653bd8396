"""What a difference between books and cluster is, and which jobs are runaways."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.domain.gauges import Gauge, gauge_id
from scheduler.domain.reconciliation import (
    LATENESS,
    LONGEST,
    SLACK,
    DifferenceState,
    RunawayCause,
    Source,
    accounting_differences,
    controller_differences,
    ledger_differences,
    runaways,
)
from scheduler.domain.usage import Run, Slice, SliceKey, SliceState

NOW = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AWAITED, PARTIAL, CORRECTED, UNEXPLAINED = DifferenceState


def key(job="1", at=NOW - DAY):
    """Name a slice."""
    return SliceKey("duru", job, at)


def told(seconds, key_, user="kim"):
    """Return what accounting tells of a slice."""
    return {key_: Slice(key=key_, user=user, gpu_type="H200", gpu_seconds=seconds)}


def entered(seconds, key_, person="kim", *, corrected=False):
    """Return what the books hold of a slice."""
    state = SliceState(
        key=key_,
        gpu_type="H200",
        gpu_seconds=seconds,
        person=person,
        award="awd",
        revision=1,
        corrected=corrected,
    )
    return {key_: state}


def a_gauge(person="kim", used=0, running=0, account="a", seen_at=NOW):
    """Return a gauge."""
    return Gauge(
        id=gauge_id("duru", account, person),
        cluster="duru",
        account=account,
        person=person,
        limit_gpu_minutes=None,
        used_gpu_minutes=used,
        running_gpus=running,
        seen_at=seen_at,
    )


def a_run(hours=1, *, user="kim", ended=False, limit=None):
    """Return a run that began some hours ago."""
    return Run(
        cluster="duru",
        job="9",
        user=user,
        gpu_type="H200",
        gpus=2,
        starts_at=NOW - timedelta(hours=hours),
        ends_at=NOW,
        ended=ended,
        limit=limit,
    )


@pytest.mark.parametrize(
    ("reported", "states", "expected"),
    [
        (told(60, key()), entered(60, key()), None),
        (told(60, key()), {}, (AWAITED, 60, 0)),
        (told(60, key()), entered(50, key()), (AWAITED, 60, 50)),
        (told(60, key(at=NOW - LATENESS)), {}, (AWAITED, 60, 0)),
        (told(60, key(at=NOW - LATENESS - DAY)), {}, (UNEXPLAINED, 60, 0)),
        (told(50, key()), entered(60, key()), (UNEXPLAINED, 50, 60)),
        ({}, entered(60, key()), (PARTIAL, 0, 60)),
        (told(60, key()), entered(5, key(), corrected=True), (CORRECTED, 60, 5)),
    ],
)
def test_what_a_difference_of_a_slice_is(reported, states, expected):
    """Partial feeds and thirty days' lateness are states; only what nothing explains is a fault."""
    found = accounting_differences(reported, states, now=NOW)
    assert ([] if expected is None else [expected]) == [
        (each.state, each.told, each.entered) for each in found
    ]


def test_differences_are_told_by_person_award_and_state():
    """Slices of the same person and award add up; others stay apart."""
    reported = {**told(60, key("1")), **told(70, key("2")), **told(80, key("3"), user="lee")}
    states = {**entered(50, key("1")), **entered(50, key("2"))}
    found = accounting_differences(reported, states, now=NOW)
    assert [("kim", "awd", 30), ("lee", None, 80)] == [
        (each.person, each.award, each.gpu_seconds) for each in found
    ]


@pytest.mark.parametrize(
    ("gauge", "books", "awaited", "expected"),
    [
        (a_gauge(used=10), 600, 0, None),
        (a_gauge(used=10), 659, 0, None),
        (a_gauge(used=10), 661, 0, PARTIAL),
        (a_gauge(used=11), 540, 0, UNEXPLAINED),
        (a_gauge(used=11), 540, 200, AWAITED),
        (a_gauge(used=100, running=2), 600, 0, None),
        (a_gauge(used=10_000, running=2), 600, 0, UNEXPLAINED),
        (a_gauge(used=0), 86_400, 0, PARTIAL),
    ],
)
def test_the_controller_may_differ_by_a_minute_and_by_what_runs(gauge, books, awaited, expected):
    """Whole minutes and an hour of two running GPUs since the last feed are no difference."""
    found = controller_differences(
        [gauge], {"kim": books}, {"kim": awaited}, metered_at=NOW - timedelta(hours=1)
    )
    assert ([] if expected is None else [expected]) == [each.state for each in found]


def test_accounts_of_a_person_are_compared_together():
    """The books know persons, not accounts."""
    gauges = [a_gauge(used=10), a_gauge(used=20, account="b")]
    assert () == controller_differences(gauges, {"kim": 1800}, {}, metered_at=NOW)


def test_the_ledger_has_no_excuse():
    """Consumed accounts and usage entries are the same GPU-seconds."""
    (found,) = ledger_differences({"awd": 5, None: 7}, {"awd": 4, None: 7})
    assert (Source.LEDGER, UNEXPLAINED, "awd", 1) == (
        found.source,
        found.state,
        found.award,
        found.gpu_seconds,
    )


@pytest.mark.parametrize(
    ("run", "gauges", "expected"),
    [
        (a_run(5, limit=timedelta(hours=5)), [], None),
        (a_run(6, limit=timedelta(hours=5)), [], None),
        (a_run(7, limit=timedelta(hours=5)), [], RunawayCause.BEYOND_LIMIT),
        (a_run(7, limit=timedelta(hours=5), ended=True), [], None),
        (a_run(24 * 30), [], None),
        (a_run(24 * 30 + 1), [], RunawayCause.NO_END),
        (a_run(1), [a_gauge(running=2)], None),
        (a_run(1), [a_gauge(running=0)], RunawayCause.NOT_RUNNING),
        (a_run(1), [a_gauge("lee")], None),
    ],
)
def test_which_jobs_are_runaways(run, gauges, expected):
    """Far beyond the limit, endless without one, or never closed by accounting."""
    assert (SLACK, LONGEST) == (timedelta(hours=1), timedelta(days=30))
    found = [each.cause for each in runaways([run], gauges)]
    assert ([] if expected is None else [expected]) == found
