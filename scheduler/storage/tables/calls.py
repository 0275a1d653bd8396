"""What is asked for: calls, requests and what stands beside them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from scheduler.domain.calls import CallState
from scheduler.domain.requests import RequestState
from scheduler.storage.codecs import (
    decode_extensions,
    decode_terms,
    encode_extensions,
    encode_terms,
)
from scheduler.storage.tables.schema import (
    ASK,
    amount_column,
    id_column,
    maybe_column,
    metadata,
    text_column,
    version_column,
)
from scheduler.storage.types import Encoded, Instant, Plain, Word

calls = Table(
    "calls",
    metadata,
    id_column(),
    Column("terms", Encoded(encode_terms, decode_terms), nullable=False),
    Column("state", Word(CallState), nullable=False, index=True),
    text_column("drafted_by"),
    Column("created_at", Instant, nullable=False),
    maybe_column("opened_by"),
    Column("opened_at", Instant),
    maybe_column("closed_by"),
    Column("closed_at", Instant),
    Column("extensions", Encoded(encode_extensions, decode_extensions), nullable=False),
    version_column(),
)

requests = Table(
    "requests",
    metadata,
    id_column(),
    text_column("call_id", key="call"),
    text_column("fellow_id", key="fellow", index=True),
    text_column("label"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("draft", ASK, nullable=False),
    Column("state", Word(RequestState), nullable=False),
    Column("submitted", Integer, nullable=False),
    Column("edited", Boolean, nullable=False),
    text_column("state_reason"),
    version_column(),
    UniqueConstraint("call", "label"),
)
Index("ix_requests_call_state", requests.c.call, requests.c.state)
Index("ix_requests_call_fellow", requests.c.call, requests.c.fellow)

submissions = Table(
    "submissions",
    metadata,
    id_column(),
    text_column("request_id", key="request"),
    Column("number", Integer, nullable=False),
    Column("ask", ASK, nullable=False),
    text_column("submitted_by"),
    Column("received_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    text_column("digest"),
    Column("event", BigInteger, nullable=False),
    text_column("event_hash"),
    UniqueConstraint("request", "number"),
)

endorsements = Table(
    "endorsements",
    metadata,
    id_column(),
    text_column("request_id", key="request", index=True),
    Column("number", Integer, nullable=False),
    text_column("endorsed_by", key="by"),
    Column("endorsed_at", Instant, nullable=False, key="at"),
    Column("rank_in_group", Integer, key="rank"),
    text_column("comment"),
)

scores = Table(
    "review_scores",
    metadata,
    id_column(),
    text_column("request_id", key="request"),
    text_column("reviewer", index=True),
    amount_column("score"),
    Column("conflict", Boolean, nullable=False),
    text_column("imported_by"),
    Column("imported_at", Instant, nullable=False),
    UniqueConstraint("request", "reviewer"),
)

documents = Table(
    "documents",
    metadata,
    Column("digest", Plain, primary_key=True),
    text_column("body"),
)
