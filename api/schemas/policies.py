"""Policies: what fair means, drafted, versioned, locked."""

from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Instant, Line, Model, Slug, Text
from scheduler.domain.policies import PolicyState

CONTENT_EXAMPLE: dict[str, Any] = {
    "name": "entitlement",
    "fairness": {"unit": "service_units"},
    "groups": {"weight": "weight"},
    "fellows": {"weight": "score"},
    "select": {"method": "optimize"},
}


class PolicyIn(Model):
    """A new policy and its first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "entitlement-2027", "title": "Shares by right", "content": CONTENT_EXAMPLE}
            ]
        }
    )

    name: Slug
    title: Line
    content: dict[str, Any] = Field(description="The keys of a policy file.")
    note: Text = ""


class PolicyVersionIn(Model):
    """The next version of a policy."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content": CONTENT_EXAMPLE, "note": "As agreed."}]}
    )

    content: dict[str, Any]
    note: Text = ""


class PolicyOut(Shown):
    """A policy: one line of versions."""

    id: str
    title: str
    created_by: str
    created_at: Instant
    latest: int
    version: int


class PolicyVersionOut(Resource):
    """One immutable content of a policy."""

    policy: str
    number: int
    content: dict[str, Any]
    digest: str
    author: str
    created_at: Instant
    note: str
    state: PolicyState
    locked_by: str | None
    locked_at: Instant | None
    version: int


class DifferenceOut(Shown):
    """One key that differs; null stands for an absent key."""

    key: str
    before: Any
    after: Any


class PolicyDiff(Shown):
    """What changed between two versions."""

    policy: str
    before: int
    after: int
    differences: list[DifferenceOut]
