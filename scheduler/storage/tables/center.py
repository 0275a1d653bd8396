"""Who there is and what there is: people, pools, policies."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    Table,
)

from scheduler.domain.access import Role
from scheduler.domain.directory import GrantState
from scheduler.domain.moves import MoveRule
from scheduler.domain.policies import PolicyState
from scheduler.domain.pools import ChangeKind, ChangeState
from scheduler.storage.tables.schema import (
    PLACE,
    PLAIN,
    TUPLE,
    amount_column,
    id_column,
    maybe_column,
    metadata,
    text_column,
    version_column,
)
from scheduler.storage.types import Instant, Plain, Word

institutes = Table("institutes", metadata, id_column(), text_column("name"), version_column())

groups = Table(
    "research_groups",
    metadata,
    id_column(),
    text_column("name"),
    maybe_column("institute_id", key="institute", index=True),
    amount_column("weight"),
    amount_column("floor_gpu_hours"),
    Column("cap_gpu_hours", BigInteger),
    version_column(),
)

people = Table(
    "people",
    metadata,
    id_column(),
    text_column("name"),
    maybe_column("email"),
    maybe_column("group_id", key="group", index=True),
    maybe_column("institute_id", key="institute", index=True),
    amount_column("weight"),
    Column("cap_gpu_hours", BigInteger),
    Column("active", Boolean, nullable=False),
    version_column(),
)

person_moves = Table(
    "person_moves",
    metadata,
    id_column(),
    text_column("person_id", key="person", index=True),
    Column("from_place", PLACE, nullable=False, key="before"),
    Column("to_place", PLACE, nullable=False, key="after"),
    Column("rule", Word(MoveRule), nullable=False),
    maybe_column("heir"),
    text_column("reason"),
    text_column("moved_by", key="by"),
    Column("moved_at", Instant, nullable=False, key="at"),
    Column("event", BigInteger, nullable=False),
)

role_grants = Table(
    "role_grants",
    metadata,
    id_column(),
    text_column("person_id", key="person", index=True),
    Column("role", Word(Role), nullable=False),
    maybe_column("group_id", key="group"),
    maybe_column("institute_id", key="institute"),
    Column("state", Word(GrantState), nullable=False),
    text_column("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    maybe_column("decided_by"),
    Column("decided_at", Instant),
    maybe_column("cluster"),
    version_column(),
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    text_column("person_id", key="person", index=True),
    text_column("name"),
    Column("hash", Plain, nullable=False, unique=True),
    text_column("hint"),
    Column("scopes", TUPLE, nullable=False),
    text_column("issued_by"),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("service", Boolean, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    id_column(),
    text_column("gpu_type"),
    Column("nodes", Integer, nullable=False),
    Column("gpus_per_node", Integer, nullable=False),
    amount_column("su_per_gpu_hour"),
    version_column(),
)

capacity_changes = Table(
    "capacity_changes",
    metadata,
    id_column(),
    text_column("pool_id", key="pool", index=True),
    Column("kind", Word(ChangeKind), nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    text_column("reason"),
    Column("state", Word(ChangeState), nullable=False),
    text_column("proposed_by"),
    Column("proposed_at", Instant, nullable=False),
    maybe_column("decided_by"),
    Column("decided_at", Instant),
    version_column(),
)

policies = Table(
    "policies",
    metadata,
    id_column(),
    text_column("title"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("latest", Integer, nullable=False),
    version_column(),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("policy_id", Plain, primary_key=True, key="policy"),
    Column("number", Integer, primary_key=True),
    Column("content", PLAIN, nullable=False),
    text_column("digest"),
    text_column("author"),
    Column("created_at", Instant, nullable=False),
    text_column("note"),
    Column("state", Word(PolicyState), nullable=False),
    maybe_column("locked_by"),
    Column("locked_at", Instant),
    version_column(),
)
