"""The tables of the engine room: the log, kept answers, jobs."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from scheduler.domain.jobs import JobState
from scheduler.storage.codecs import decode_plain, encode_plain
from scheduler.storage.tables import metadata
from scheduler.storage.types import Encoded, Instant, Word

PLAIN = Encoded(encode_plain, decode_plain)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous_hash", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),
)
Index("ix_events_subject_seq", events.c.subject, events.c.seq)
Index("ix_events_kind_seq", events.c.kind, events.c.seq)

answers = Table(
    "idempotency_answers",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", PLAIN, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("payload", PLAIN, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(JobState), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Text),
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
    Column("job_id", Text, primary_key=True, key="job"),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("fence", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", PLAIN, nullable=False),
)
