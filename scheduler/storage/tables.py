"""The tables of the center. A column's key is the name of the field that it keeps.

References are plain text columns with an index where they are asked for; rows are never deleted.
Amounts are integer thousandths unless the field's class says otherwise.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from scheduler.domain.access import Role
from scheduler.domain.asks import ask_document, read_ask
from scheduler.domain.awards import AwardState
from scheduler.domain.calls import CallState
from scheduler.domain.change_requests import ChangeRequestKind, ChangeRequestState
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.directory import GrantState
from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep
from scheduler.domain.moves import MoveRule
from scheduler.domain.policies import PolicyState
from scheduler.domain.pools import ChangeKind, ChangeState
from scheduler.domain.proposals import ProposalKind, ProposalState
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import DecisionKind, RoundState
from scheduler.domain.usage import UsageKind
from scheduler.storage.codecs import (
    decode_cells,
    decode_extensions,
    decode_place,
    decode_plain,
    decode_terms,
    decode_tuple,
    encode_cells,
    encode_extensions,
    encode_place,
    encode_plain,
    encode_terms,
)
from scheduler.storage.metering_codecs import (
    decode_differences,
    decode_runaways,
    encode_differences,
    encode_runaways,
)
from scheduler.storage.types import Encoded, Instant, Plain, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""One schema; the engine's own tables join it."""

PLAIN = Encoded(encode_plain, decode_plain)
TUPLE = Encoded(encode_plain, decode_tuple)
ASK = Encoded(ask_document, read_ask)
PLACE = Encoded(encode_place, decode_place)


def _id() -> Column[str]:
    return Column("id", Plain, primary_key=True)


def _text(name: str, *, key: str | None = None, index: bool = False) -> Column[str]:
    return Column(name, Plain, nullable=False, key=key or name, index=index)


def _maybe(name: str, *, key: str | None = None, index: bool = False) -> Column[str]:
    return Column(name, Plain, nullable=True, key=key or name, index=index)


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False)


institutes = Table("institutes", metadata, _id(), _text("name"), _version())

groups = Table(
    "research_groups",
    metadata,
    _id(),
    _text("name"),
    _maybe("institute_id", key="institute", index=True),
    _amount("weight"),
    _amount("floor_gpu_hours"),
    Column("cap_gpu_hours", BigInteger),
    _version(),
)

people = Table(
    "people",
    metadata,
    _id(),
    _text("name"),
    _maybe("email"),
    _maybe("group_id", key="group", index=True),
    _maybe("institute_id", key="institute", index=True),
    _amount("weight"),
    Column("cap_gpu_hours", BigInteger),
    Column("active", Boolean, nullable=False),
    _version(),
)

person_moves = Table(
    "person_moves",
    metadata,
    _id(),
    _text("person_id", key="person", index=True),
    Column("from_place", PLACE, nullable=False, key="before"),
    Column("to_place", PLACE, nullable=False, key="after"),
    Column("rule", Word(MoveRule), nullable=False),
    _maybe("heir"),
    _text("reason"),
    _text("moved_by", key="by"),
    Column("moved_at", Instant, nullable=False, key="at"),
    Column("event", BigInteger, nullable=False),
)

role_grants = Table(
    "role_grants",
    metadata,
    _id(),
    _text("person_id", key="person", index=True),
    Column("role", Word(Role), nullable=False),
    _maybe("group_id", key="group"),
    _maybe("institute_id", key="institute"),
    Column("state", Word(GrantState), nullable=False),
    _text("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    _maybe("decided_by"),
    Column("decided_at", Instant),
    _maybe("cluster"),
    _version(),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    _text("person_id", key="person", index=True),
    _text("name"),
    Column("hash", Plain, nullable=False, unique=True),
    _text("hint"),
    Column("scopes", TUPLE, nullable=False),
    _text("issued_by"),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("service", Boolean, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    _id(),
    _text("gpu_type"),
    Column("nodes", Integer, nullable=False),
    Column("gpus_per_node", Integer, nullable=False),
    _amount("su_per_gpu_hour"),
    _version(),
)

capacity_changes = Table(
    "capacity_changes",
    metadata,
    _id(),
    _text("pool_id", key="pool", index=True),
    Column("kind", Word(ChangeKind), nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    _text("reason"),
    Column("state", Word(ChangeState), nullable=False),
    _text("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    _maybe("decided_by"),
    Column("decided_at", Instant),
    _version(),
)

policies = Table(
    "policies",
    metadata,
    _id(),
    _text("title"),
    _text("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("latest", Integer, nullable=False),
    _version(),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("policy_id", Plain, primary_key=True, key="policy"),
    Column("number", Integer, primary_key=True),
    Column("content", PLAIN, nullable=False),
    _text("digest"),
    _text("author"),
    Column("created_at", Instant, nullable=False),
    _text("note"),
    Column("state", Word(PolicyState), nullable=False),
    _maybe("locked_by"),
    Column("locked_at", Instant),
    _version(),
)

calls = Table(
    "calls",
    metadata,
    _id(),
    Column("terms", Encoded(encode_terms, decode_terms), nullable=False),
    Column("state", Word(CallState), nullable=False, index=True),
    _text("drafted_by"),
    Column("created_at", Instant, nullable=False),
    _maybe("opened_by"),
    Column("opened_at", Instant),
    _maybe("closed_by"),
    Column("closed_at", Instant),
    Column("extensions", Encoded(encode_extensions, decode_extensions), nullable=False),
    _version(),
)

requests = Table(
    "requests",
    metadata,
    _id(),
    _text("call_id", key="call"),
    _text("fellow_id", key="fellow", index=True),
    _text("label"),
    _text("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("draft", ASK, nullable=False),
    Column("state", Word(RequestState), nullable=False),
    Column("submitted", Integer, nullable=False),
    Column("edited", Boolean, nullable=False),
    _text("state_reason"),
    _version(),
    UniqueConstraint("call", "label"),
)
Index("ix_requests_call_state", requests.c.call, requests.c.state)
Index("ix_requests_call_fellow", requests.c.call, requests.c.fellow)

submissions = Table(
    "submissions",
    metadata,
    _id(),
    _text("request_id", key="request"),
    Column("number", Integer, nullable=False),
    Column("ask", ASK, nullable=False),
    _text("submitted_by"),
    Column("received_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    _text("digest"),
    Column("event", BigInteger, nullable=False),
    _text("event_hash"),
    UniqueConstraint("request", "number"),
)

endorsements = Table(
    "endorsements",
    metadata,
    _id(),
    _text("request_id", key="request", index=True),
    Column("number", Integer, nullable=False),
    _text("endorsed_by", key="by"),
    Column("endorsed_at", Instant, nullable=False, key="at"),
    Column("rank_in_group", Integer, key="rank"),
    _text("comment"),
)

scores = Table(
    "review_scores",
    metadata,
    _id(),
    _text("request_id", key="request"),
    _text("reviewer", index=True),
    _amount("score"),
    Column("conflict", Boolean, nullable=False),
    _text("imported_by"),
    Column("imported_at", Instant, nullable=False),
    UniqueConstraint("request", "reviewer"),
)

documents = Table(
    "documents",
    metadata,
    Column("digest", Plain, primary_key=True),
    _text("body"),
)

rounds = Table(
    "rounds",
    metadata,
    _id(),
    _text("call_id", key="call", index=True),
    _text("title"),
    _text("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(RoundState), nullable=False),
    _maybe("snapshot"),
    Column("requests", Integer, nullable=False),
    _maybe("frozen_by"),
    Column("frozen_at", Instant),
    _maybe("scenario_id", key="scenario"),
    _maybe("scenario_digest"),
    _maybe("selected_by"),
    Column("selected_at", Instant),
    _maybe("approved_by"),
    Column("approved_at", Instant),
    _maybe("published_by"),
    Column("published_at", Instant),
    _maybe("continues"),
    Column("since", Integer, nullable=False),
    _version(),
)

scenarios = Table(
    "scenarios",
    metadata,
    _id(),
    _text("round_id", key="round", index=True),
    Column("solve_id", Plain, nullable=False, unique=True, key="solve"),
    _text("digest"),
    _text("policy"),
    Column("policy_version", Integer),
    _maybe("policy_author"),
    _text("policy_digest"),
    _text("snapshot"),
    _text("plan"),
    _text("certificate"),
    _text("started_by"),
    Column("seed", BigInteger, nullable=False),
    _text("status"),
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
    _id(),
    _text("round_id", key="round", index=True),
    Column("kind", Word(DecisionKind), nullable=False),
    _text("scenario_id", key="scenario"),
    _text("scenario_digest"),
    _text("decided_by", key="by"),
    Column("decided_at", Instant, nullable=False, key="at"),
    _text("reason"),
    Column("event", BigInteger, nullable=False),
    _text("event_hash"),
    Column("facts", PLAIN, nullable=False),
)

awards = Table(
    "awards",
    metadata,
    _id(),
    _text("round_id", key="round", index=True),
    Column("request_id", Plain, nullable=False, unique=True, key="request"),
    _text("scenario_id", key="scenario"),
    _text("fellow_id", key="fellow", index=True),
    _amount("requested"),
    _amount("recommended"),
    _amount("awarded"),
    _amount("service_units"),
    Column("cells", Encoded(encode_cells, decode_cells), nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("state", Word(AwardState), nullable=False),
    _amount("returned"),
    _amount("changed"),
    Column("answer_by", Instant),
    _maybe("answered_by"),
    Column("answered_at", Instant),
    _version(),
)

award_changes = Table(
    "award_changes",
    metadata,
    _id(),
    _text("award_id", key="award", index=True),
    Column("kind", Word(AwardChangeKind), nullable=False),
    Column("cells", Encoded(encode_cells, decode_cells), nullable=False),
    _amount("gpu_hours"),
    _text("reason"),
    _text("changed_by", key="by"),
    Column("changed_at", Instant, nullable=False, key="at"),
    Column("event", BigInteger, nullable=False),
)

change_requests = Table(
    "change_requests",
    metadata,
    _id(),
    _text("award_id", key="award", index=True),
    _text("fellow_id", key="fellow", index=True),
    Column("kind", Word(ChangeRequestKind), nullable=False),
    _text("gpu_type"),
    _amount("gpu_hours"),
    Column("first", Integer),
    Column("end_slot", Integer, key="end"),
    _text("error"),
    _text("reason"),
    _text("filed_by"),
    Column("filed_at", Instant, nullable=False),
    Column("state", Word(ChangeRequestState), nullable=False),
    _amount("granted"),
    _maybe("decided_by"),
    Column("decided_at", Instant),
    _text("decision"),
    _version(),
)

reserve = Table(
    "reserve",
    metadata,
    Column("round_id", Plain, primary_key=True, key="round"),
    Column("request_id", Plain, primary_key=True, key="request"),
    Column("rank", Integer, nullable=False),
)

accounts = Table(
    "ledger_accounts",
    metadata,
    _id(),
    Column("kind", Word(AccountKind), nullable=False),
    _text("owner", index=True),
    _text("gpu_type"),
    _amount("debits_pending"),
    _amount("debits_posted"),
    _amount("credits_pending"),
    _amount("credits_posted"),
    _version(),
)

transfers = Table(
    "ledger_transfers",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("event", BigInteger, nullable=False, index=True),
    Column("code", Word(TransferCode), nullable=False),
    Column("step", Word(TransferStep), nullable=False),
    _text("gpu_type"),
    _text("debit", index=True),
    _text("credit", index=True),
    _amount("amount"),
    Column("settles", Plain, unique=True),
)

usage = Table(
    "usage_entries",
    metadata,
    _id(),
    _text("cluster"),
    _text("job"),
    Column("begins_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Word(UsageKind), nullable=False),
    _text("gpu_type"),
    _amount("gpu_seconds"),
    _text("person", index=True),
    _maybe("award_id", key="award", index=True),
    _text("reason"),
    Column("event", BigInteger, nullable=False),
    UniqueConstraint("cluster", "job", "begins_at", "revision"),
)

gauges = Table(
    "usage_gauges",
    metadata,
    _id(),
    _text("cluster", index=True),
    _text("account"),
    _text("person", index=True),
    Column("limit_gpu_minutes", BigInteger),
    _amount("used_gpu_minutes"),
    _amount("running_gpus"),
    Column("seen_at", Instant, nullable=False),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    _id(),
    _text("cluster", index=True),
    Column("at", Instant, nullable=False),
    _text("made_by", key="by"),
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
    _id(),
    Column("kind", Word(ProposalKind), nullable=False),
    _text("subject"),
    Column("body", PLAIN, nullable=False),
    _text("reason"),
    Column("state", Word(ProposalState), nullable=False, index=True),
    _text("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    _maybe("decided_by"),
    Column("decided_at", Instant),
    _text("decision"),
    _maybe("party"),
    _version(),
)

_UNREAD = text("read_at IS NULL")

notifications = Table(
    "notifications",
    metadata,
    _id(),
    _text("person"),
    Column("at", Instant, nullable=False),
    _text("kind"),
    _text("subject"),
    Column("event", BigInteger, nullable=False),
    Column("read_at", Instant),
    _version(),
    UniqueConstraint("person", "event"),
    Index("ix_notifications_unread_at", "at", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
)
