"""The tables of enforcement: targets, effects, drift."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table

from scheduler.domain.enforcement import Form
from scheduler.storage.tables.schema import PLAIN, metadata
from scheduler.storage.types import Instant, Plain, Word

targets = Table(
    "enforcement_targets",
    metadata,
    Column("id", Plain, primary_key=True),
    Column("form", Word(Form), nullable=False),
    Column("gpu_types", PLAIN, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
    Column("plan", Plain),
    Column("reported_at", Instant),
    Column("drift", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

effects = Table(
    "enforcement_effects",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    Column("award_id", Plain, primary_key=True, key="award"),
    Column("at", Instant, nullable=False),
)

drifts = Table(
    "enforcement_drifts",
    metadata,
    Column("id", Plain, primary_key=True),
    Column("target_id", Plain, nullable=False, key="target", index=True),
    Column("name", Plain, nullable=False),
    Column("expected", Plain, nullable=False),
    Column("found", Plain, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
