"""Institutes, groups, people, their roles and their tokens."""

from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Amount, Instant, Line, Milli, Model, PositiveAmount, Slug
from scheduler.domain.access import Role
from scheduler.domain.directory import GrantState

GRANTABLE = Literal[
    "group_lead", "coordinator", "reviewer", "operator", "approver", "auditor", "scraper",
    "collector", "agent", "admin",
]  # fmt: skip


class InstituteIn(Model):
    """An institute as it is stored under its name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "KAIST"}]})

    name: Line


class GroupIn(Model):
    """A group as it is stored under its name; floor and cap in GPU-hours."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Protein design", "institute": "kaist"}]}
    )

    name: Line
    institute: Slug | None = None
    weight: PositiveAmount | None = Field(default=None, description="1 when absent.")
    floor_gpu_hours: Amount = Decimal(0)
    cap_gpu_hours: Amount | None = None


class PersonIn(Model):
    """A person as stored under their name; one with a group is a fellow."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Kim Haneul", "group": "protein-design"}]}
    )

    name: Line
    email: Line | None = None
    group: Slug | None = None
    institute: Slug | None = None
    weight: PositiveAmount | None = Field(default=None, description="1 when absent.")
    cap_gpu_hours: Amount | None = None


class InstituteOut(Shown):
    """An institute."""

    id: str
    name: str
    version: int


class GroupOut(Shown):
    """A group."""

    id: str
    name: str
    institute: str | None
    weight: Milli
    floor_gpu_hours: Milli
    cap_gpu_hours: Milli | None
    version: int


class PersonOut(Shown):
    """A person; name and address are null where the caller may not know them."""

    id: str
    name: str | None
    email: str | None
    group: str | None
    institute: str | None
    weight: Milli
    cap_gpu_hours: Milli | None
    active: bool
    version: int


class GrantIn(Model):
    """A role for a person, within a group, institute or cluster where the role needs one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"person": "lee", "role": "group_lead", "group": "protein-design"},
                {"person": "slurm1", "role": "agent", "cluster": "duru"},
            ]
        }
    )

    person: Slug
    role: GRANTABLE
    group: Slug | None = None
    institute: Slug | None = None
    cluster: Line | None = Field(default=None, description="Whose plans an agent may pull.")


class GrantOut(Resource):
    """A role grant; it counts once a second person has approved it."""

    id: str
    person: str
    role: Role
    group: str | None
    institute: str | None
    cluster: str | None
    state: GrantState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    version: int


class TokenIn(Model):
    """A token for the caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "laptop", "scopes": ["*"], "expires_at": "2026-12-24T00:00:00Z"}]
        }
    )

    name: Line
    scopes: list[str] = Field(
        min_length=1, max_length=100, description="Actions, `area.*`, or `*`."
    )
    expires_at: Instant | None = Field(
        default=None, description="At most 90 days from now, which it is when absent."
    )


class TokenOut(Shown):
    """A token without its text."""

    id: str
    person: str
    name: str
    hint: str
    scopes: list[str]
    issued_by: str
    issued_at: Instant
    expires_at: Instant
    revoked_at: Instant | None
    service: bool


class TokenMade(TokenOut):
    """A new token; its text is shown once, a replay of the same key shows null."""

    token: str | None


class Me(Shown):
    """Who the token belongs to and what it may do."""

    person: PersonOut
    roles: list[Role]
    leads: list[str] = Field(description="Groups the person leads.")
    coordinates: list[str] = Field(description="Institutes the person coordinates.")
    scopes: list[str]
    permissions: dict[str, str] = Field(description="Action → whose things it reaches.")
