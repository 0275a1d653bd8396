"""Slices of usage: whole runs cut at midnight, and a merge that knows no order."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.errors import InvalidValue
from scheduler.domain.usage import Run, UsageEntry, UsageKind, longest, merge, settle, slices

AT = datetime(2026, 4, 1, 22, 30, tzinfo=UTC)


def a_run(**changes) -> Run:
    """A run of 8 GPUs for four hours over a midnight."""
    values = {
        "cluster": "duru",
        "job": "17",
        "user": "mina",
        "gpu_type": "H200",
        "gpus": 8,
        "starts_at": AT,
        "ends_at": AT + timedelta(hours=4),
    }
    return Run(**{**values, **changes})


def entered(runs, entries=()) -> tuple[list[UsageEntry], int]:
    """Import runs over earlier entries; return all entries and how many slices said nothing new."""
    merged = merge(longest(each for run in runs for each in slices(run)), settle(entries))
    new = [
        UsageEntry(
            id="",
            cluster=each.slice.key.cluster,
            job=each.slice.key.job,
            begins_at=each.slice.key.begins_at,
            revision=1 if each.state is None else each.state.revision + 1,
            kind=UsageKind.IMPORT,
            gpu_type=each.slice.gpu_type,
            gpu_seconds=each.gpu_seconds,
            person=each.slice.user,
            award=None,
            reason="",
            event=1,
        )
        for each in merged.grown
    ]
    return [*entries, *new], merged.known


def test_a_run_is_cut_at_midnight():
    """The parts are the whole, and each begins where the one before ended."""
    parts = list(slices(a_run()))
    assert [8 * 5400, 8 * 9000] == [each.gpu_seconds for each in parts]
    assert AT + timedelta(minutes=90) == parts[1].key.begins_at


def test_a_run_of_no_length_has_no_slice():
    """A job that ended when it began used nothing."""
    assert [] == list(slices(a_run(ends_at=AT)))


def test_a_running_job_grows():
    """A later report adds what is new; the earlier one again adds nothing."""
    early = a_run(ends_at=AT + timedelta(hours=1), ended=False)
    entries, _ = entered([early])
    entries, _ = entered([a_run()], entries)
    entries, known = entered([early, a_run()], entries)
    assert (2, 8 * 4 * 3600) == (known, sum(each.gpu_seconds for each in entries))


@pytest.mark.parametrize(
    "changes",
    [{"gpus": 0}, {"user": ""}, {"job": "a\nb"}, {"ends_at": AT - timedelta(seconds=1)}],
    ids=str,
)
def test_what_cannot_be_is_refused(changes):
    """No GPUs, nobody, control characters, an end before the start."""
    with pytest.raises(InvalidValue):
        a_run(**changes)


reports = st.builds(
    lambda job, start, hours, gpus: a_run(
        job=str(job),
        gpus=gpus,
        starts_at=AT + timedelta(hours=start),
        ends_at=AT + timedelta(hours=start, minutes=hours * 37),
    ),
    st.integers(1, 4),
    st.sampled_from([0, 80]),
    st.integers(0, 120),
    st.just(4),
)


@given(st.lists(reports, max_size=30), st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_total_knows_no_order(runs: list[Run], chance: Random, batches: int):
    """Any order, any cut into batches, duplicates and stale reports: the same slices."""
    whole, _ = entered(runs)
    shuffled = [*runs, *chance.choices(runs, k=len(runs) // 3)] if runs else []
    chance.shuffle(shuffled)
    entries: list[UsageEntry] = []
    for part in range(batches):
        entries, _ = entered(shuffled[part::batches], entries)
    totals = [
        {key: state.gpu_seconds for key, state in settle(each).items()} for each in (whole, entries)
    ]
    assert totals[0] == totals[1]
    best = {}
    for run in runs:
        key = run.job, run.starts_at
        best[key] = max(best.get(key, 0), run.gpus * int((run.ends_at - AT).total_seconds()))
    starts = {key: 4 * int((key[1] - AT).total_seconds()) for key in best}
    assert sum(best.values()) - sum(starts.values()) == sum(totals[0].values())
