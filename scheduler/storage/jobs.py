"""Jobs as rows: found by whoever is free, written only by who holds the newest fence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update

from scheduler.domain.errors import NotFound, VersionMismatch
from scheduler.domain.jobs import LIVE, Job, JobState, Progress
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage.tables.engine import job_progress, jobs


class SqlJobs:
    """Jobs by id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id_: str) -> Job:
        """Return the job.

        Raises:
            NotFound: If there is none.
        """
        row = self._connection.execute(select(jobs).where(jobs.c.id == id_)).one_or_none()
        if row is None:
            raise NotFound(kind="job", id=id_)
        return _job(row)

    def add(self, job: Job) -> None:
        """Keep a new job."""
        self._connection.execute(insert(jobs).values(_values(job)))

    def save(self, job: Job) -> None:
        """Keep the next version.

        Raises:
            VersionMismatch: If the stored version is not the one before.
        """
        kept = self._connection.execute(
            update(jobs)
            .where(jobs.c.id == job.id, jobs.c.version == job.version - 1)
            .values(_values(job))
        )
        if kept.rowcount != 1:
            current = self._connection.execute(
                select(jobs.c.version).where(jobs.c.id == job.id)
            ).scalar()
            raise VersionMismatch(kind="job", id=job.id, expected=job.version - 1, current=current)

    def live(self, kind: str, identity: str) -> Job | None:
        """Return the live job of this kind and identity."""
        row = self._connection.execute(
            select(jobs).where(
                jobs.c.kind == kind, jobs.c.identity == identity, jobs.c.state.in_(LIVE)
            )
        ).one_or_none()
        return None if row is None else _job(row)

    def next(self, now: datetime, kinds: Sequence[str]) -> Job | None:
        """Return the oldest job that waits or whose worker fell silent, locked for a claim."""
        row = self._connection.execute(
            _claimable(now, kinds).with_for_update(skip_locked=True)
        ).one_or_none()
        return None if row is None else _job(row)

    def any(self, now: datetime, kinds: Sequence[str]) -> bool:
        """Return whether `next` would find one; a read that locks nothing."""
        return self._connection.execute(_claimable(now, kinds)).one_or_none() is not None

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        subject: str | None = None,
        kind: str | None = None,
        state: JobState | None = None,
    ) -> Page[Job]:
        """List jobs."""
        query = select(jobs).order_by(jobs.c.id).limit(slice_.limit + 1)
        wanted = {"subject": subject, "kind": kind, "state": state}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(jobs.c[name] == value)
        if slice_.cursor is not None:
            query = query.where(jobs.c.id > slice_.cursor)
        found = [_job(row) for row in self._connection.execute(query)]
        items = tuple(found[: slice_.limit])
        return Page(items, items[-1].id if len(found) > slice_.limit else None)

    def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many jobs of each kind are in each state."""
        query = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
        return {(kind, state): count for kind, state, count in self._connection.execute(query)}

    def tell(self, lines: Sequence[Progress]) -> None:
        """Keep lines of progress."""
        if lines:
            self._connection.execute(insert(job_progress), [_line(line) for line in lines])

    def told(self, id_: str) -> int:
        """Return the position of the last line of progress, 0 before the first."""
        last = self._connection.execute(
            select(func.max(job_progress.c.seq)).where(job_progress.c.job == id_)
        ).scalar()
        return last or 0

    def progress(self, id_: str, after: int = 0, limit: int = 500) -> Sequence[Progress]:
        """Return lines of progress later than a position, oldest first."""
        query = (
            select(job_progress)
            .where(job_progress.c.job == id_, job_progress.c.seq > after)
            .order_by(job_progress.c.seq)
            .limit(limit)
        )
        return [
            Progress(job=id_, seq=row.seq, fence=row.fence, at=row.at, body=row.body)
            for row in self._connection.execute(query)
        ]


def _claimable(now: datetime, kinds: Sequence[str]) -> Select[Any]:
    silent = (jobs.c.state == JobState.RUNNING) & (jobs.c.lease_until <= now)
    return (
        select(jobs)
        .where(jobs.c.kind.in_(kinds), or_(jobs.c.state == JobState.QUEUED, silent))
        .order_by(jobs.c.id)
        .limit(1)
    )


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)  # noqa: SLF001 - public by its documentation


def _values(job: Job) -> dict[str, Any]:
    return {
        **{name: getattr(job, name) for name in jobs.c.keys()},  # noqa: SIM118 - keys of columns
        "payload": dict(job.payload),
    }


def _line(line: Progress) -> dict[str, Any]:
    return {**asdict(line), "body": dict(line.body)}
