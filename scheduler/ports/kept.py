"""What is kept: events, answers, jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from scheduler.domain.events import Event, Happening
from scheduler.domain.jobs import Job, JobState, Progress
from scheduler.ports.paging import DEFAULT_LIMIT, FIRST, LARGEST_LIMIT, Page, Slice


class Events(Protocol):
    """The append-only, hash-chained log."""

    def append(self, happening: Happening, *, actor: str, at: datetime, id_: str) -> Event:
        """Add one event at the end of the chain."""
        ...

    def of(self, subject: str) -> Sequence[Event]:
        """Return the events of a subject, oldest first."""
        ...

    def list(
        self, after: int = 0, limit: int = DEFAULT_LIMIT, *, kind: str | None = None
    ) -> Sequence[Event]:
        """Return events later than a position, oldest first."""
        ...

    def last(self) -> int:
        """Return the position of the last event, 0 before the first."""
        ...

    def latest(self, kind: str, after: int = 0) -> Mapping[str, datetime]:
        """Return when each subject last had an event of a kind, later than a position."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What the first call with an idempotency key was answered.

    Attributes:
        fingerprint: SHA-256 of the canonical body of that call.
    """

    principal: str
    operation: str
    key: str
    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: str
    at: datetime


class Idempotency(Protocol):
    """Answers by principal, operation and key."""

    def find(self, principal: str, operation: str, key: str) -> KeptAnswer | None:
        """Return the kept answer."""
        ...

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer, in the transaction of its effect."""
        ...


class Jobs(Protocol):
    """Jobs by id, and what they have told."""

    def get(self, id_: str) -> Job:
        """Return the job; refuses with `NotFound`."""
        ...

    def add(self, job: Job) -> None:
        """Keep a new job."""
        ...

    def save(self, job: Job) -> None:
        """Keep the next version."""
        ...

    def live(self, kind: str, identity: str) -> Job | None:
        """Return the live job of this kind and identity."""
        ...

    def next(self, now: datetime, kinds: Sequence[str]) -> Job | None:
        """Return the oldest job that waits or whose worker fell silent, locked for a claim."""
        ...

    def any(self, now: datetime, kinds: Sequence[str]) -> bool:
        """Return whether `next` would find one; a read that locks nothing."""
        ...

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        subject: str | None = None,
        kind: str | None = None,
        state: JobState | None = None,
    ) -> Page[Job]:
        """List jobs."""
        ...

    def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many jobs of each kind are in each state."""
        ...

    def tell(self, lines: Sequence[Progress]) -> None:
        """Keep lines of progress."""
        ...

    def told(self, id_: str) -> int:
        """Return the position of the last line of progress, 0 before the first."""
        ...

    def progress(self, id_: str, after: int = 0, limit: int = LARGEST_LIMIT) -> Sequence[Progress]:
        """Return lines of progress later than a position, oldest first."""
        ...
