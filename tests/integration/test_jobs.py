"""A job is done once: claimed by one worker, fenced against those that woke up too late."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.domain.access import Permit
from scheduler.domain.errors import AlreadyExists, InvalidTransition, LeaseLost, NotFound
from scheduler.domain.jobs import MOST_ATTEMPTS, SOLVE, Job, JobState
from scheduler.operations import jobs
from scheduler.ports.acts import Act
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import SqlStore, SqlTransaction

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
IDS = Uuid7Ids(secrets.token_bytes)


def act(at: datetime = NOW) -> Act:
    """Return an operator's act."""
    return Act(permit=Permit(person="op", action="solve.start"), now=at, ids=IDS)


def hand(name: str = "w1", at: datetime = NOW) -> jobs.Hand:
    """Return a worker's hand."""
    return jobs.Hand(worker=name, now=at, ids=IDS)


def queue(store: SqlStore, identity: str = "same", at: datetime = NOW) -> Job:
    """Queue a solve."""
    work = jobs.Work(
        prefix="slv", kind=SOLVE, subject="rnd_1", identity=identity, payload={"seed": 0}
    )
    return store.write(lambda tx: jobs.enqueue(tx, act(at), work))


def take(store: SqlStore, name: str = "w1", at: datetime = NOW) -> Job | None:
    """Claim a solve."""
    return store.write(lambda tx: jobs.claim(tx, hand(name, at), [SOLVE]))


def kinds(store: SqlStore, id_: str) -> list[str]:
    """Return what the log says about a job."""
    with store.read() as tx:
        return [event.kind for event in tx.events.of(id_)]


def test_job_runs_from_queue_to_done(store: SqlStore):
    """A queued job is claimed, told about, and finished; the log has each step."""
    queued = queue(store)
    claimed = take(store)
    assert claimed is not None
    lines = [{"stage": "select", "objective": 1.5}, {"stage": "divide"}]
    store.write(lambda tx: jobs.heartbeat(tx, hand(), claimed.lease, lines))
    store.write(lambda tx: jobs.heartbeat(tx, hand(), claimed.lease, [{"stage": "timetable"}]))
    store.write(lambda tx: jobs.finish(tx, hand(), claimed.lease, {"scenario": "scn_1"}))
    with store.read() as tx:
        done = tx.jobs.get(queued.id)
        told = tx.jobs.progress(queued.id, after=1)
    assert (JobState.DONE, {"scenario": "scn_1"}) == (done.state, done.result)
    assert [(2, "divide"), (3, "timetable")] == [(line.seq, line.body["stage"]) for line in told]
    assert ["solve.queued", "solve.claimed", "solve.finished"] == kinds(store, queued.id)


def test_same_live_work_is_refused(store: SqlStore):
    """The same work is not queued twice while it lives, and may be again afterwards."""
    first = queue(store)
    with pytest.raises(AlreadyExists) as refusal:
        queue(store)
    assert first.id == refusal.value.fields["id"]
    store.write(lambda tx: jobs.cancel(tx, act(), first.id, "wrong seed"))
    assert first.id != queue(store).id


def test_oldest_job_goes_first(store: SqlStore):
    """Workers take jobs in the order in which they were queued."""
    ids = [queue(store, str(n), NOW + timedelta(seconds=n)).id for n in range(3)]
    later = NOW + timedelta(seconds=9)
    assert ids == [job.id for _ in ids if (job := take(store, at=later)) is not None]
    assert take(store, at=later) is None


def test_each_job_is_claimed_once(open_one: Callable[[], SqlStore]):
    """Workers of several processes that claim at the same moment never share a job."""
    stores = [open_one(), open_one()]
    queued = {queue(stores[0], str(n)).id for n in range(10)}
    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(lambda n: take(stores[n % 2], f"w{n}"), range(20))
        claimed = [job.id for job in claims if job is not None]
    assert (10, queued) == (len(claimed), set(claimed))


def test_silent_worker_loses_its_job(store: SqlStore):
    """After the lease another worker takes over; the first one can write nothing more."""
    queue(store)
    first = take(store, "w1")
    assert first is not None
    assert take(store, "w2", NOW + timedelta(seconds=9)) is None
    later = NOW + timedelta(seconds=11)
    second = take(store, "w2", later)
    assert second is not None
    assert (first.id, first.fence + 1) == (second.id, second.fence)
    for late in (
        lambda tx: jobs.heartbeat(tx, hand("w1", later), first.lease),
        lambda tx: jobs.finish(tx, hand("w1", later), first.lease, {}),
        lambda tx: jobs.fail(tx, hand("w1", later), first.lease, {}),
        lambda tx: jobs.release(tx, hand("w1", later), first.lease, {}),
    ):
        with pytest.raises(LeaseLost):
            store.write(late)
    assert (
        JobState.DONE
        is store.write(lambda tx: jobs.finish(tx, hand("w2", later), second.lease, {})).state
    )
    with pytest.raises(LeaseLost):
        store.write(lambda tx: jobs.finish(tx, hand("w2", later), second.lease, {}))


def test_stale_finish_keeps_nothing(store: SqlStore):
    """What a stale worker wrote in its finishing transaction is undone with the refusal."""
    queue(store)
    first = take(store)
    assert first is not None
    take(store, "w2", NOW + timedelta(seconds=11))

    def finish(tx: SqlTransaction) -> Job:
        tx.documents.put("d" * 64, "{}")
        return jobs.finish(tx, hand(), first.lease, {})

    with pytest.raises(LeaseLost):
        store.write(finish)
    with store.read() as tx, pytest.raises(NotFound):
        tx.documents.text("d" * 64)


def test_heartbeat_keeps_the_job(store: SqlStore):
    """A worker that speaks within its lease keeps the job as long as it likes."""
    queue(store)
    job = take(store)
    assert job is not None
    for second in range(8, 80, 8):
        at = NOW + timedelta(seconds=second)
        store.write(lambda tx, at=at: jobs.heartbeat(tx, hand("w1", at), job.lease))
        assert take(store, "w2", at + timedelta(seconds=8)) is None


def test_job_that_kills_its_workers_is_buried(store: SqlStore):
    """After three silent workers the job has failed and nobody else tries."""
    queued = queue(store)
    at = NOW
    for _ in range(MOST_ATTEMPTS):
        assert take(store, at=at) is not None
        at += timedelta(seconds=11)
    assert take(store, at=at) is None
    with store.read() as tx:
        buried = tx.jobs.get(queued.id)
    assert JobState.FAILED is buried.state
    assert {"code": "too-many-attempts", "attempts": MOST_ATTEMPTS} == buried.failure
    assert "solve.failed" == kinds(store, queued.id)[-1]


def test_released_job_is_tried_again_until_spent(store: SqlStore):
    """A breakdown gives the job back at once; the last attempt keeps the reason."""
    queued = queue(store)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = take(store)
        assert job is not None
        crash = {"code": "solver-crashed", "attempt": attempt}
        released = store.write(
            lambda tx, job=job, crash=crash: jobs.release(tx, hand(), job.lease, crash)
        )
    assert (JobState.FAILED, crash) == (released.state, released.failure)
    assert ["solve.released"] * 2 == [k for k in kinds(store, queued.id) if k == "solve.released"]


def test_cancelled_job_refuses_its_worker(store: SqlStore):
    """After a cancellation the worker's next word is refused and the result is not taken."""
    queued = queue(store)
    job = take(store)
    assert job is not None
    store.write(lambda tx: jobs.cancel(tx, act(), queued.id, "changed my mind"))
    with pytest.raises(LeaseLost):
        store.write(lambda tx: jobs.heartbeat(tx, hand(), job.lease))
    with pytest.raises(InvalidTransition) as refusal:
        store.write(lambda tx: jobs.cancel(tx, act(), queued.id, "again"))
    assert [] == refusal.value.fields["allowed"]


def test_jobs_are_listed_in_pages_and_counted(store: SqlStore):
    """Lists go on behind the cursor; counts are by kind and state."""
    ids = [queue(store, str(n), NOW + timedelta(seconds=n)).id for n in range(3)]
    take(store, at=NOW + timedelta(seconds=5))
    with store.read() as tx:
        listed = tx.jobs.list(subject="rnd_1").items
        queued = tx.jobs.list(state=JobState.QUEUED).items
        counts = tx.jobs.counts()
    assert (ids, ids[1:]) == ([job.id for job in listed], [job.id for job in queued])
    assert {(SOLVE, JobState.QUEUED): 2, (SOLVE, JobState.RUNNING): 1} == counts
