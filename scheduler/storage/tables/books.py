"""What is spent: the ledger, usage, and second persons."""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    Table,
    UniqueConstraint,
)

from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep
from scheduler.domain.proposals import ProposalKind, ProposalState
from scheduler.domain.usage import UsageKind
from scheduler.storage.metering_codecs import (
    decode_differences,
    decode_runaways,
    encode_differences,
    encode_runaways,
)
from scheduler.storage.tables.schema import (
    PLAIN,
    amount_column,
    id_column,
    maybe_column,
    metadata,
    text_column,
    version_column,
)
from scheduler.storage.types import Encoded, Instant, Plain, Word

accounts = Table(
    "ledger_accounts",
    metadata,
    id_column(),
    Column("kind", Word(AccountKind), nullable=False),
    text_column("owner", index=True),
    text_column("gpu_type"),
    amount_column("debits_pending"),
    amount_column("debits_posted"),
    amount_column("credits_pending"),
    amount_column("credits_posted"),
    version_column(),
)

transfers = Table(
    "ledger_transfers",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False),
    Column("event", BigInteger, nullable=False, index=True),
    Column("code", Word(TransferCode), nullable=False),
    Column("step", Word(TransferStep), nullable=False),
    text_column("gpu_type"),
    text_column("debit", index=True),
    text_column("credit", index=True),
    amount_column("amount"),
    Column("settles", Plain, unique=True),
)

usage = Table(
    "usage_entries",
    metadata,
    id_column(),
    text_column("cluster"),
    text_column("job"),
    Column("begins_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Word(UsageKind), nullable=False),
    text_column("gpu_type"),
    amount_column("gpu_seconds"),
    text_column("person", index=True),
    maybe_column("award_id", key="award", index=True),
    text_column("reason"),
    Column("event", BigInteger, nullable=False),
    UniqueConstraint("cluster", "job", "begins_at", "revision"),
)

gauges = Table(
    "usage_gauges",
    metadata,
    id_column(),
    text_column("cluster", index=True),
    text_column("account"),
    text_column("person", index=True),
    Column("limit_gpu_minutes", BigInteger),
    amount_column("used_gpu_minutes"),
    amount_column("running_gpus"),
    Column("seen_at", Instant, nullable=False),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    id_column(),
    text_column("cluster", index=True),
    Column("at", Instant, nullable=False),
    text_column("made_by", key="by"),
    Column("since", Instant, nullable=False),
    Column("gauged_at", Instant),
    Column("jobs", Integer, nullable=False),
    Column("differences", Encoded(encode_differences, decode_differences), nullable=False),
    Column("runaways", Encoded(encode_runaways, decode_runaways), nullable=False),
    Column("event", BigInteger, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    id_column(),
    Column("kind", Word(ProposalKind), nullable=False),
    text_column("subject"),
    Column("body", PLAIN, nullable=False),
    text_column("reason"),
    Column("state", Word(ProposalState), nullable=False, index=True),
    text_column("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    maybe_column("decided_by"),
    Column("decided_at", Instant),
    text_column("decision"),
    maybe_column("party"),
    version_column(),
)
