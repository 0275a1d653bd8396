"""Jobs: work that takes longer than a transaction, done once, whoever dies meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from scheduler.domain.errors import InvalidTransition, LeaseLost
from scheduler.domain.events import Happening, Json

SOLVE: Final = "solve"
"""The kind of a job that solves a round."""
REALLOCATE: Final = "reallocate"
"""The kind of a job that lets a published round go on in mid-round."""
MOST_ATTEMPTS: Final = 3
"""A job that has cost this many workers their life is not given to another."""
LEASE: Final = timedelta(seconds=10)
"""How long a worker may be silent before another takes its job."""


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    """Waits for a worker."""
    RUNNING = "running"
    """A worker holds its lease."""
    DONE = "done"
    """Its result is kept."""
    FAILED = "failed"
    """Given up, with the reason."""
    CANCELLED = "cancelled"
    """Someone asked to stop it."""


LIVE: Final = frozenset({JobState.QUEUED, JobState.RUNNING})
"""States in which a job may still change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a worker shows to write about a job.

    Attributes:
        fence: grows with each claim; the store takes only the newest.
    """

    job: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of what a job has told, for whoever watches.

    Attributes:
        seq: position among the job's lines, from 1; it grows over attempts.
        body: such as stage, objective, bound, gap.
    """

    job: str
    seq: int
    fence: int
    at: datetime
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A leased piece of work.

    Attributes:
        subject: id of what it is about, such as a round.
        identity: two live jobs of a kind never share it.
        payload: what it needs to know.
        attempt: how often a worker has claimed it.
        fence: how often it changed hands.
        result: what it made, once done.
        failure: ``code`` and fields of the reason, once failed.
    """

    id: str
    kind: str
    subject: str
    identity: str
    payload: Mapping[str, Json]
    created_by: str
    created_at: datetime
    state: JobState = JobState.QUEUED
    attempt: int = 0
    fence: int = 0
    worker: str | None = None
    lease_until: datetime | None = None
    heartbeat_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, Json] | None = None
    failure: Mapping[str, Json] | None = None
    version: int = 1

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self.state in LIVE

    @property
    def is_spent(self) -> bool:
        """Whether it has used all its attempts."""
        return self.attempt >= MOST_ATTEMPTS

    @property
    def lease(self) -> Lease:
        """What its present worker shows."""
        return Lease(job=self.id, fence=self.fence)

    def claimable(self, now: datetime) -> bool:
        """Return whether a worker may take it: it waits, or its worker fell silent."""
        if self.state is JobState.QUEUED:
            return True
        return (
            self.state is JobState.RUNNING
            and self.lease_until is not None
            and self.lease_until <= now
        )

    def claim(
        self, *, worker: str, at: datetime, lease: timedelta = LEASE
    ) -> tuple["Job", Happening]:
        """Give the job to a worker, with a new fence."""
        if not self.claimable(at):
            raise self._refusal("claim")
        claimed = replace(
            self,
            state=JobState.RUNNING,
            attempt=self.attempt + 1,
            fence=self.fence + 1,
            worker=worker,
            lease_until=at + lease,
            heartbeat_at=at,
            started_at=self.started_at or at,
            version=self.version + 1,
        )
        return claimed, _told(claimed, "claimed", attempt=claimed.attempt, worker=worker)

    def beat(self, lease: Lease, *, at: datetime, length: timedelta = LEASE) -> "Job":
        """Extend the lease.

        Raises:
            LeaseLost: If the job is no longer this worker's.
        """
        self.expect(lease)
        return replace(self, lease_until=at + length, heartbeat_at=at, version=self.version + 1)

    def finish(
        self, lease: Lease, *, result: Mapping[str, Json], at: datetime
    ) -> tuple["Job", Happening]:
        """Keep what the job made.

        Raises:
            LeaseLost: If the job is no longer this worker's; what it made is dropped.
        """
        self.expect(lease)
        done = self._end(JobState.DONE, at, result=result)
        return done, _told(done, "finished", attempt=done.attempt, **result)

    def fail(
        self, lease: Lease, *, failure: Mapping[str, Json], at: datetime
    ) -> tuple["Job", Happening]:
        """Give the job up for a reason that another attempt would meet again.

        Raises:
            LeaseLost: If the job is no longer this worker's.
        """
        self.expect(lease)
        return self._failed(failure, at)

    def release(
        self, lease: Lease, *, failure: Mapping[str, Json], at: datetime
    ) -> tuple["Job", Happening]:
        """Give the job back after a breakdown; the last attempt gives it up.

        Raises:
            LeaseLost: If the job is no longer this worker's.
        """
        self.expect(lease)
        if self.is_spent:
            return self._failed(failure, at)
        back = replace(
            self, state=JobState.QUEUED, worker=None, lease_until=None, version=self.version + 1
        )
        return back, _told(back, "released", attempt=back.attempt, failure=dict(failure))

    def hand_back(self, lease: Lease) -> tuple["Job", Happening]:
        """Give the job back untried, because its worker was asked to stop.

        Raises:
            LeaseLost: If the job is no longer this worker's.
        """
        self.expect(lease)
        back = replace(
            self,
            state=JobState.QUEUED,
            attempt=self.attempt - 1,
            worker=None,
            lease_until=None,
            version=self.version + 1,
        )
        return back, _told(back, "handed-back", worker=self.worker)

    def bury(self, *, at: datetime) -> tuple["Job", Happening]:
        """Give up a job whose last attempt fell silent."""
        if not (self.claimable(at) and self.is_spent):
            raise self._refusal("bury")
        return self._failed({"code": "too-many-attempts", "attempts": self.attempt}, at)

    def cancel(self, *, by: str, reason: str, at: datetime) -> tuple["Job", Happening]:
        """Stop the job; its worker learns of it at the next heartbeat."""
        if not self.is_live:
            raise self._refusal("cancel")
        stopped = self._end(JobState.CANCELLED, at, failure={"code": "cancelled", "by": by})
        return stopped, _told(stopped, "cancelled", reason=reason)

    def queued(self) -> Happening:
        """Tell that the job waits."""
        return _told(self, "queued", identity=self.identity, payload=dict(self.payload))

    def _failed(self, failure: Mapping[str, Json], at: datetime) -> tuple["Job", Happening]:
        failed = self._end(JobState.FAILED, at, failure=failure)
        return failed, _told(failed, "failed", attempt=failed.attempt, failure=dict(failure))

    def _end(
        self,
        state: JobState,
        at: datetime,
        *,
        result: Mapping[str, Json] | None = None,
        failure: Mapping[str, Json] | None = None,
    ) -> "Job":
        return replace(
            self,
            state=state,
            lease_until=None,
            finished_at=at,
            result=result,
            failure=failure,
            version=self.version + 1,
        )

    def expect(self, lease: Lease) -> None:
        """Refuse whoever does not hold the newest lease.

        Raises:
            LeaseLost: If the job was cancelled or has ended, or another worker holds it.
        """
        if self.state is not JobState.RUNNING or lease != self.lease:
            raise LeaseLost(job=self.id, fence=lease.fence, current=self.fence)

    def _refusal(self, action: str) -> InvalidTransition:
        allowed = {
            JobState.QUEUED: ["claim", "cancel"],
            JobState.RUNNING: ["finish", "fail", "cancel"],
        }
        return InvalidTransition(
            kind="job",
            id=self.id,
            state=str(self.state),
            action=action,
            allowed=allowed.get(self.state, []),
        )


def _told(job: Job, what: str, **facts: Json) -> Happening:
    return Happening(
        kind=f"{job.kind}.{what}", subject=job.id, body={"about": job.subject, **facts}
    )
