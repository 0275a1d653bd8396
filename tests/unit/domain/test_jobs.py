"""Jobs: who holds one, who may write about it, and how it ends."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.domain.errors import InvalidTransition, LeaseLost
from scheduler.domain.jobs import LEASE, MOST_ATTEMPTS, Job, JobState, Lease
from scheduler.domain.messages import codes

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def a_job() -> Job:
    """A queued solve."""
    return Job(
        id="slv_1",
        kind="solve",
        subject="rnd_1",
        identity="same",
        payload={"seed": 0},
        created_by="op",
        created_at=NOW,
    )


def claimed(at: datetime = NOW) -> Job:
    """A solve in the hands of a worker."""
    return a_job().claim(worker="w1", at=at)[0]


def test_claim_gives_a_lease_and_a_new_fence():
    """Each claim counts as an attempt and changes the fence."""
    job, told = a_job().claim(worker="w1", at=NOW)
    assert (1, 1, NOW + LEASE) == (job.attempt, job.fence, job.lease_until)
    assert ("solve.claimed", "slv_1", "rnd_1") == (told.kind, told.subject, told.body["about"])


def test_lease_ends_on_its_last_instant():
    """A job may be claimed again when its lease is over, not a moment before."""
    job = claimed()
    assert not job.claimable(NOW + LEASE - timedelta(microseconds=1))
    assert job.claimable(NOW + LEASE)


def test_job_that_ended_changes_no_more():
    """Whoever held a job that has ended is refused, and nobody claims or cancels it."""
    job = claimed()
    lease = job.lease
    for ended in (
        job.finish(lease, result={}, at=NOW)[0],
        job.fail(lease, failure={"code": "no-plan"}, at=NOW)[0],
        job.cancel(by="op", reason="", at=NOW)[0],
    ):
        assert not ended.is_live
        for write in (
            lambda ended=ended: ended.beat(lease, at=NOW),
            lambda ended=ended: ended.finish(lease, result={}, at=NOW),
            lambda ended=ended: ended.fail(lease, failure={}, at=NOW),
            lambda ended=ended: ended.release(lease, failure={}, at=NOW),
            lambda ended=ended: ended.hand_back(lease),
        ):
            with pytest.raises(LeaseLost):
                write()
        for act in (
            lambda ended=ended: ended.claim(worker="w2", at=NOW + 2 * LEASE),
            lambda ended=ended: ended.cancel(by="op", reason="", at=NOW),
            lambda ended=ended: ended.bury(at=NOW + 2 * LEASE),
        ):
            with pytest.raises(InvalidTransition):
                act()


@pytest.mark.parametrize("fence", [0, 2])
def test_other_fences_are_refused(fence: int):
    """Only the newest fence writes."""
    with pytest.raises(LeaseLost) as refusal:
        claimed().beat(Lease(job="slv_1", fence=fence), at=NOW)
    assert (fence, 1) == (refusal.value.fields["fence"], refusal.value.fields["current"])


def test_job_handed_back_has_lost_no_attempt():
    """A worker that stops politely costs the job nothing; the fence still moves on."""
    job = claimed()
    back, _ = job.hand_back(job.lease)
    again, _ = back.claim(worker="w2", at=NOW)
    assert (JobState.QUEUED, 0) == (back.state, back.attempt)
    assert (1, 2) == (again.attempt, again.fence)


def test_breakdowns_use_the_attempts_up():
    """The last breakdown ends the job with its reason."""
    job = a_job()
    for _ in range(MOST_ATTEMPTS):
        assert job.state is JobState.QUEUED
        job, _ = job.claim(worker="w1", at=NOW)
        job, told = job.release(job.lease, failure={"code": "solver-crashed"}, at=NOW)
    assert (JobState.FAILED, "solve.failed") == (job.state, told.kind)


def test_only_a_spent_and_silent_job_is_buried():
    """A job with attempts left, or with a lively worker, is not given up."""
    job = claimed()
    with pytest.raises(InvalidTransition):
        job.bury(at=NOW + LEASE)
    for _ in range(MOST_ATTEMPTS - 1):
        job, _ = _next(job)
    with pytest.raises(InvalidTransition):
        job.bury(at=NOW)
    assert JobState.FAILED is job.bury(at=NOW + MOST_ATTEMPTS * LEASE)[0].state


def _next(job: Job) -> tuple[Job, object]:
    """Claim a job as soon as its lease is over."""
    assert job.lease_until is not None
    return job.claim(worker="w1", at=job.lease_until)


@pytest.mark.parametrize(
    "code",
    [
        "no-plan",
        "solver-crashed",
        "solver-overran",
        "out-of-memory",
        "too-many-attempts",
        "cancelled",
        "invalid-round-file",
    ],
)
def test_reason_of_a_failure_has_words(code: str):
    """Each code that a job can end with has a text in both languages."""
    assert code in codes()
