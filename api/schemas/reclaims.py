"""Reclaims as they are forecast, proposed, read and decided."""

from datetime import date
from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Instant, Line, Model, Said, Slug
from scheduler.domain.proposals import ProposalState
from scheduler.domain.reclaim import Pass


class ReclaimIn(Model):
    """A checkpoint of a reclaim rule: a shipped one by name, or the keys of a rule file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"rule": "nersc", "day": "2027-01-18", "reason": "Half time."}]
        }
    )

    rule: Slug | None = Field(default=None, description="Name of a shipped rule; or content.")
    content: dict[str, Any] | None = Field(default=None, description="A rule, as in its file.")
    day: Line = Field(description="Day of the checkpoint, such as 2027-01-18.")
    reason: Said


class ExemptionIn(Model):
    """Why an award should be spared."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"award": "awd_01jd0000000000000000000000", "reason": "The data came late."}
            ]
        }
    )

    award: str = Field(max_length=64)
    reason: Said


class TakingOut(Shown):
    """What a checkpoint takes in GPU-seconds, and why nothing if so."""

    gpu_seconds: int
    used: int
    measure: int
    why_not: Pass | None


class AheadOut(Shown):
    """What a coming checkpoint will take of an award's hours of one GPU type.

    By the present rate (nothing changes), by the use curve of other centers, and by both.
    """

    award: str
    fellow: str
    group: str | None
    gpu_type: str
    day: date
    exemption_until: date
    rate: TakingOut
    curve: TakingOut
    blend: TakingOut


class GroupAheadOut(Shown):
    """What a coming checkpoint will take of a group's awards, in GPU-seconds."""

    group: str | None
    day: date
    rate: int
    curve: int
    blend: int


class ReclaimForecastOut(Shown):
    """What the coming checkpoints of a rule will take of the visible awards of a round."""

    round: str
    rule: str
    at: Instant
    groups: list[GroupAheadOut]
    items: list[AheadOut]


class NoticeLineOut(Shown):
    """What an award is told that it will lose; `text` is in the reader's language."""

    award: str
    fellow: str
    group: str | None
    gpu_type: str
    held: int
    used: int
    measure: int
    at_most: int
    expected: int
    text: str


class ExemptionOut(Shown):
    """What was asked for an award, and what became of it."""

    id: str
    award: str
    reason: str
    state: ProposalState
    proposed_by: str
    proposed_at: Instant
    decided_at: Instant | None
    decision: str


class ReclaimOut(Resource):
    """A proposed reclaim: its rule, its day, what it takes at most, what was asked."""

    id: str
    round: str
    rule: str
    title: str
    day: date
    takes_effect_at: Instant
    exemption_until: date
    reason: str
    state: ProposalState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decision: str
    awards: int
    at_most_gpu_seconds: int
    lines: list[NoticeLineOut]
    exemptions: list[ExemptionOut]
    version: int


class ReclaimsOut(Shown):
    """Reclaims, oldest first."""

    items: list[ReclaimOut]
