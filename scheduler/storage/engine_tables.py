"""The tables of the engine room: the log, kept answers, jobs; and what guards them."""

from typing import Final

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
from scheduler.storage.tables import endorsements, explanations, metadata, scenarios, submissions
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

APPEND_ONLY: Final = (events, submissions, endorsements, scenarios, explanations)
"""Tables whose rows are never changed or removed, whoever asks the database."""

_SQLITE_GUARDS: Final = (
    """CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
    """CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
)
# REPLACE removes the old row without firing its triggers, and a chain has no holes.
_SQLITE_CHAIN: Final = """CREATE TRIGGER events_in_order BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events follow one another'); END"""

_POSTGRESQL_REFUSAL: Final = """CREATE OR REPLACE FUNCTION dure_append_only() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"""
_POSTGRESQL_GUARDS: Final = (
    """CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION dure_append_only()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION dure_append_only()""",
)
_POSTGRESQL_CHAIN: Final = (
    """CREATE OR REPLACE FUNCTION dure_in_order() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN
IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events) THEN
RAISE EXCEPTION 'events follow one another'; END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER events_in_order BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION dure_in_order()""",
)


def guards(dialect: str) -> tuple[str, ...]:
    """Return the statements that make the append-only tables so.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
    """
    names = [table.name for table in APPEND_ONLY]
    if dialect == "sqlite":
        return (
            *(guard.format(table=name) for name in names for guard in _SQLITE_GUARDS),
            _SQLITE_CHAIN,
        )
    return (
        _POSTGRESQL_REFUSAL,
        *(guard.format(table=name) for name in names for guard in _POSTGRESQL_GUARDS),
        *_POSTGRESQL_CHAIN,
    )
