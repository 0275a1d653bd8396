"""The tables of the engine room: the log, kept answers, jobs."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    text,
)

from scheduler.domain.jobs import JobState
from scheduler.storage.tables.schema import PLAIN, metadata
from scheduler.storage.types import Instant, Plain, Word

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Plain, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("actor", Plain, nullable=False),
    Column("kind", Plain, nullable=False),
    Column("subject", Plain, nullable=False),
    Column("body", Plain, nullable=False),
    Column("previous_hash", Plain, nullable=False, unique=True),
    Column("hash", Plain, nullable=False, unique=True),
)
Index("ix_events_subject_seq", events.c.subject, events.c.seq)
Index("ix_events_kind_seq", events.c.kind, events.c.seq)

answers = Table(
    "idempotency_answers",
    metadata,
    Column("principal", Plain, primary_key=True),
    Column("operation", Plain, primary_key=True),
    Column("key", Plain, primary_key=True),
    Column("fingerprint", Plain, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", PLAIN, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Plain, primary_key=True),
    Column("kind", Plain, nullable=False),
    Column("subject", Plain, nullable=False),
    Column("identity", Plain, nullable=False),
    Column("payload", PLAIN, nullable=False),
    Column("created_by", Plain, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(JobState), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Plain),
    Column("lease_until", Instant),
    Column("heartbeat_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("result", PLAIN),
    Column("failure", PLAIN),
    Column("version", Integer, nullable=False),
)
Index("ix_jobs_subject_id", jobs.c.subject, jobs.c.id)
Index("ix_jobs_state_id", jobs.c.state, jobs.c.id)
_LIVE = text("state IN ('queued', 'running')")
Index(
    "uq_jobs_live_identity",
    jobs.c.kind,
    jobs.c.identity,
    unique=True,
    sqlite_where=_LIVE,
    postgresql_where=_LIVE,
)

job_progress = Table(
    "job_progress",
    metadata,
    Column("job_id", Plain, primary_key=True, key="job"),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("fence", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", PLAIN, nullable=False),
)
