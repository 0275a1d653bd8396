"""What is decided: rounds, awards, changes and the reserve list."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    Table,
)

from scheduler.domain.awards import AwardState
from scheduler.domain.change_requests import ChangeRequestKind, ChangeRequestState
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.rounds import DecisionKind, RoundState
from scheduler.storage.codecs import (
    decode_cells,
    encode_cells,
)
from scheduler.storage.tables.schema import (
    PLAIN,
    TUPLE,
    amount_column,
    id_column,
    maybe_column,
    metadata,
    text_column,
    version_column,
)
from scheduler.storage.types import Encoded, Instant, Plain, Word

rounds = Table(
    "rounds",
    metadata,
    id_column(),
    text_column("call_id", key="call", index=True),
    text_column("title"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(RoundState), nullable=False),
    maybe_column("snapshot"),
    Column("requests", Integer, nullable=False),
    maybe_column("frozen_by"),
    Column("frozen_at", Instant),
    maybe_column("scenario_id", key="scenario"),
    maybe_column("scenario_digest"),
    maybe_column("selected_by"),
    Column("selected_at", Instant),
    maybe_column("approved_by"),
    Column("approved_at", Instant),
    maybe_column("published_by"),
    Column("published_at", Instant),
    maybe_column("continues"),
    Column("since", Integer, nullable=False),
    version_column(),
)

scenarios = Table(
    "scenarios",
    metadata,
    id_column(),
    text_column("round_id", key="round", index=True),
    Column("solve_id", Plain, nullable=False, unique=True, key="solve"),
    text_column("digest"),
    text_column("policy"),
    Column("policy_version", Integer),
    maybe_column("policy_author"),
    text_column("policy_digest"),
    text_column("snapshot"),
    text_column("plan"),
    text_column("certificate"),
    text_column("started_by"),
    Column("seed", BigInteger, nullable=False),
    text_column("status"),
    Column("gap", Float),
    Column("stages", TUPLE, nullable=False),
    Column("measures", PLAIN, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seconds", Float),
)

explanations = Table(
    "explanations",
    metadata,
    Column("scenario_id", Plain, primary_key=True, key="scenario"),
    Column("label", Plain, primary_key=True),
    Column("body", PLAIN, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    id_column(),
    text_column("round_id", key="round", index=True),
    Column("kind", Word(DecisionKind), nullable=False),
    text_column("scenario_id", key="scenario"),
    text_column("scenario_digest"),
    text_column("decided_by", key="by"),
    Column("decided_at", Instant, nullable=False, key="at"),
    text_column("reason"),
    Column("event", BigInteger, nullable=False),
    text_column("event_hash"),
    Column("facts", PLAIN, nullable=False),
)

awards = Table(
    "awards",
    metadata,
    id_column(),
    text_column("round_id", key="round", index=True),
    Column("request_id", Plain, nullable=False, unique=True, key="request"),
    text_column("scenario_id", key="scenario"),
    text_column("fellow_id", key="fellow", index=True),
    amount_column("requested"),
    amount_column("recommended"),
    amount_column("awarded"),
    amount_column("service_units"),
    Column("cells", Encoded(encode_cells, decode_cells), nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("state", Word(AwardState), nullable=False),
    amount_column("returned"),
    amount_column("changed"),
    Column("answer_by", Instant),
    maybe_column("answered_by"),
    Column("answered_at", Instant),
    version_column(),
)

award_changes = Table(
    "award_changes",
    metadata,
    id_column(),
    text_column("award_id", key="award", index=True),
    Column("kind", Word(AwardChangeKind), nullable=False),
    Column("cells", Encoded(encode_cells, decode_cells), nullable=False),
    amount_column("gpu_hours"),
    text_column("reason"),
    text_column("changed_by", key="by"),
    Column("changed_at", Instant, nullable=False, key="at"),
    Column("event", BigInteger, nullable=False),
)

change_requests = Table(
    "change_requests",
    metadata,
    id_column(),
    text_column("award_id", key="award", index=True),
    text_column("fellow_id", key="fellow", index=True),
    Column("kind", Word(ChangeRequestKind), nullable=False),
    text_column("gpu_type"),
    amount_column("gpu_hours"),
    Column("first", Integer),
    Column("end_slot", Integer, key="end"),
    text_column("error"),
    text_column("reason"),
    text_column("filed_by"),
    Column("filed_at", Instant, nullable=False),
    Column("state", Word(ChangeRequestState), nullable=False),
    amount_column("granted"),
    maybe_column("decided_by"),
    Column("decided_at", Instant),
    text_column("decision"),
    version_column(),
)

reserve = Table(
    "reserve",
    metadata,
    Column("round_id", Plain, primary_key=True, key="round"),
    Column("request_id", Plain, primary_key=True, key="request"),
    Column("rank", Integer, nullable=False),
)
