"""Calls as they are written and shown."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.common import Resource, Shown
from api.schemas.fields import (
    Amount,
    Count,
    Instant,
    Line,
    Milli,
    Model,
    PositiveAmount,
    PositiveCount,
    Said,
    Slug,
    Text,
)
from scheduler.domain.calls import LONGEST_ANSWER, CallState
from scheduler.domain.requests import RequestState

CALL_EXAMPLE: dict[str, JsonValue] = {
    "title": "InnoCORE 2026-2",
    "opens_at": "2026-11-01T00:00:00Z",
    "closes_at": "2026-11-22T15:00:00Z",
    "policy": "entitlement",
    "policy_version": 1,
    "calendar": {"starts_on": "2027-01-04", "slot_hours": 168, "slots": 26},
    "pools": ["h200"],
    "tracks": [],
    "max_requests": 3,
}


SEAL: Any = Field(
    default=None,
    pattern="^[0-9a-f]{64}$",
    description="SHA-256 of dure-seed/1, salt and seed of a lottery, each on a line.",
)
Days = Annotated[PositiveCount, Field(le=LONGEST_ANSWER)]
"""Days after publication."""


class CalendarIn(Model):
    """The call's units of time."""

    starts_on: str | None = Field(default=None, json_schema_extra={"format": "date"})
    slot_hours: PositiveAmount
    slots: PositiveCount


class TrackIn(Model):
    """A part of the call with its own floor and cap, in GPU-hours, and its price."""

    id: Slug
    floor_gpu_hours: Amount = Decimal(0)
    cap_gpu_hours: Amount | None = None
    won_per_service_unit: Count = 0


class CallIn(Model):
    """What a call says."""

    model_config = ConfigDict(json_schema_extra={"examples": [CALL_EXAMPLE]})

    title: Line
    opens_at: Instant
    closes_at: Instant
    policy: Slug
    policy_version: PositiveCount
    calendar: CalendarIn
    pools: list[Slug] = Field(min_length=1, max_length=100)
    tracks: list[TrackIn] = Field(default_factory=list, max_length=100)
    max_requests: PositiveCount | None = None
    max_gpu_hours: PositiveAmount | None = None
    description: Text = ""
    seed_seal: str | None = SEAL
    answer_days: Days = 14
    appeal_days: Days = 30


class CallPatch(Model):
    """What changes in a draft; a field that is absent stays as it is, null empties it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "InnoCORE 2026-2 (draft)"}]}
    )

    title: Line | None = None
    opens_at: Instant | None = None
    closes_at: Instant | None = None
    policy: Slug | None = None
    policy_version: PositiveCount | None = None
    calendar: CalendarIn | None = None
    pools: list[Slug] | None = Field(default=None, min_length=1, max_length=100)
    tracks: list[TrackIn] | None = Field(default=None, max_length=100)
    max_requests: PositiveCount | None = None
    max_gpu_hours: PositiveAmount | None = None
    description: Text | None = None
    seed_seal: str | None = SEAL
    answer_days: Days | None = None
    appeal_days: Days | None = None


class ExtensionIn(Model):
    """A later deadline, for all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"closes_at": "2026-11-29T15:00:00Z", "reason": "The portal was down."}]
        }
    )

    closes_at: Instant
    reason: Said


class CalendarOut(Shown):
    """The call's units of time."""

    starts_on: date | None
    slot_hours: Milli
    slots: int


class TrackOut(Shown):
    """A part of the call."""

    id: str
    floor_gpu_hours: Milli
    cap_gpu_hours: Milli | None
    won_per_service_unit: int


class ExtensionOut(Shown):
    """One move of a deadline."""

    before: Instant
    after: Instant
    by: str
    at: Instant
    reason: str


class CallOut(Resource):
    """A call."""

    id: str
    title: str
    description: str
    state: CallState
    opens_at: Instant
    closes_at: Instant
    policy: str
    policy_version: int
    calendar: CalendarOut
    pools: list[str]
    tracks: list[TrackOut]
    max_requests: int | None
    max_gpu_hours: Milli | None
    seed_seal: str | None
    seed: int | None = Field(description="Of a lottery, once it is revealed.")
    seed_salt: str | None
    answer_days: int
    appeal_days: int
    created_at: Instant
    opened_at: Instant | None
    closed_at: Instant | None
    extensions: list[ExtensionOut]
    version: int


class PoolDemandOut(Shown):
    """What is asked of a pool against what it supplies, in its GPU-hours."""

    pool: str
    requested_gpu_hours: Milli
    supply_gpu_hours: Milli
    oversubscription: float | None


class StatisticsOut(Shown):
    """What a call draws so far; amounts of the latest submissions that count."""

    call: str
    counts: dict[RequestState, int]
    fellows: int
    requested_gpu_hours: Milli
    minimum_gpu_hours: Milli
    oversubscription: float | None
    pools: list[PoolDemandOut]
