"""Jobs: queue, claim, tell, finish; each one transaction, fenced against workers that woke up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain.errors import AlreadyExists
from scheduler.domain.events import Happening, Json
from scheduler.domain.jobs import LEASE, Job, Lease, Progress
from scheduler.operations.record import record
from scheduler.ports.acts import Act, Ids
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A worker as it acts: its name, the instant, a source of ids.

    Attributes:
        lease: how long it may be silent.
    """

    worker: str
    now: datetime
    ids: Ids
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be queued.

    Attributes:
        prefix: of the job's id, such as ``slv``.
        identity: two live jobs of a kind never share it.
    """

    prefix: str
    kind: str
    subject: str
    identity: str
    payload: Mapping[str, Json]


def enqueue(tx: Transaction, act: Act, work: Work) -> Job:
    """Queue a job.

    Raises:
        AlreadyExists: If a live job of this kind has the same identity.
    """
    same = tx.jobs.live(work.kind, work.identity)
    if same is not None:
        raise AlreadyExists(kind=work.kind, id=same.id)
    job = Job(
        id=act.new(work.prefix),
        kind=work.kind,
        subject=work.subject,
        identity=work.identity,
        payload=work.payload,
        created_by=act.person,
        created_at=act.now,
    )
    tx.jobs.add(job)
    record(tx, act, job.queued())
    return job


def claim(tx: Transaction, hand: Hand, kinds: Sequence[str]) -> Job | None:
    """Take the oldest job that waits or whose worker fell silent; bury those that are spent."""
    while (job := tx.jobs.next(hand.now, kinds)) is not None:
        if not job.is_spent:
            claimed, told = job.claim(worker=hand.worker, at=hand.now, lease=hand.lease)
            _keep(tx, hand, claimed, told)
            return claimed
        _keep(tx, hand, *job.bury(at=hand.now))
    return None


def heartbeat(
    tx: Transaction, hand: Hand, lease: Lease, lines: Sequence[Mapping[str, Json]] = ()
) -> Job:
    """Extend the lease and keep what the job has told since.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it.
    """
    job = tx.jobs.get(lease.job).beat(lease, at=hand.now, length=hand.lease)
    tx.jobs.save(job)
    told = tx.jobs.told(lease.job) if lines else 0
    tx.jobs.tell(
        [
            Progress(job=lease.job, seq=seq, fence=lease.fence, at=hand.now, body=line)
            for seq, line in enumerate(lines, start=told + 1)
        ]
    )
    return job


def expect(tx: Transaction, lease: Lease) -> Job:
    """Return the job if it is still this worker's, before anything dear is kept.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it.
    """
    job = tx.jobs.get(lease.job)
    job.expect(lease)
    return job


def finish(tx: Transaction, hand: Hand, lease: Lease, result: Mapping[str, Json]) -> Job:
    """Keep what the job made; call it in the transaction that keeps the result itself.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it; nothing is kept then.
    """
    return _keep(tx, hand, *tx.jobs.get(lease.job).finish(lease, result=result, at=hand.now))


def fail(tx: Transaction, hand: Hand, lease: Lease, failure: Mapping[str, Json]) -> Job:
    """Give the job up for a reason that another attempt would meet again.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it.
    """
    return _keep(tx, hand, *tx.jobs.get(lease.job).fail(lease, failure=failure, at=hand.now))


def release(tx: Transaction, hand: Hand, lease: Lease, failure: Mapping[str, Json]) -> Job:
    """Give the job back after a breakdown; after the last attempt it has failed.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it.
    """
    return _keep(tx, hand, *tx.jobs.get(lease.job).release(lease, failure=failure, at=hand.now))


def hand_back(tx: Transaction, hand: Hand, lease: Lease) -> Job:
    """Give the job back untried, because the worker was asked to stop.

    Raises:
        LeaseLost: If the job was cancelled, or another worker holds it.
    """
    return _keep(tx, hand, *tx.jobs.get(lease.job).hand_back(lease))


def cancel(tx: Transaction, act: Act, job_id: str, reason: str) -> Job:
    """Stop a job; its worker learns of it at its next heartbeat.

    Raises:
        NotFound: If there is no such job.
        InvalidTransition: If it has ended.
    """
    job = tx.jobs.get(job_id)
    cancelled, told = job.cancel(by=act.person, reason=reason, at=act.now)
    tx.jobs.save(cancelled)
    record(tx, act, told)
    return cancelled


def _keep(tx: Transaction, hand: Hand, job: Job, told: Happening) -> Job:
    tx.jobs.save(job)
    tx.events.append(
        told, actor=f"worker:{hand.worker}", at=hand.now, id_=hand.ids.new("evt", hand.now)
    )
    return job
