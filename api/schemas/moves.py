"""Moves of people as they are sent and shown."""

from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Shown
from api.schemas.fields import Instant, Model, Said, Slug
from scheduler.domain.moves import MoveRule


class MoveIn(Model):
    """Where a person moves, and by which rule their awards follow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"group": "startup-lab", "track": "startup", "rule": "carry", "reason": "Founded."}
            ]
        }
    )

    group: Slug | None = Field(default=None, description="The new group; absent: they leave.")
    institute: Slug | None = Field(default=None, description="Where it is not the group's.")
    track: Slug | None = Field(default=None, description="For their awards; as before if absent.")
    rule: Literal["carry", "hand_over", "give_back"]
    heir: Slug | None = Field(
        default=None, description="Who holds the awards that are handed over."
    )
    reason: Said


class PlaceOut(Shown):
    """Where a person belongs, and in which track their awards count."""

    group: str | None
    institute: str | None
    track: str | None


class MoveOut(Shown):
    """One move of a person."""

    id: str
    person: str
    before: PlaceOut
    after: PlaceOut
    rule: MoveRule
    heir: str | None
    reason: str
    at: Instant
    event: int
