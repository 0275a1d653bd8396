"""Pools, what they supply, and the changes to it."""

from typing import Literal

from pydantic import ConfigDict

from api.schemas.calls import CalendarOut
from api.schemas.common import Resource, Shown
from api.schemas.fields import (
    Count,
    Instant,
    Line,
    Milli,
    Model,
    PositiveAmount,
    PositiveCount,
    Said,
)
from scheduler.domain.pools import ChangeKind, ChangeState


class PoolIn(Model):
    """A pool as it is stored under its name."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"gpu_type": "H200", "nodes": 20, "gpus_per_node": 8}]}
    )

    gpu_type: Line
    nodes: Count
    gpus_per_node: PositiveCount
    su_per_gpu_hour: PositiveAmount | None = None


class PoolOut(Shown):
    """A pool."""

    id: str
    gpu_type: str
    nodes: int
    gpus_per_node: int
    gpus: int
    su_per_gpu_hour: Milli
    version: int


class ChangeIn(Model):
    """GPUs taken away or added from one instant until another."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "maintenance",
                    "gpus": 8,
                    "starts_at": "2027-02-01T00:00:00Z",
                    "ends_at": "2027-02-02T00:00:00Z",
                    "reason": "New network cards.",
                }
            ]
        }
    )

    kind: Literal["maintenance", "reservation", "addition"]
    gpus: PositiveCount
    starts_at: Instant
    ends_at: Instant
    reason: Said


class ChangeOut(Resource):
    """A capacity change; it counts once a second operator has approved it."""

    id: str
    pool: str
    kind: ChangeKind
    gpus: int
    starts_at: Instant
    ends_at: Instant
    reason: str
    state: ChangeState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    version: int


class CapacityOut(Shown):
    """What a pool supplies over a calendar, in GPU-hours per slot, and what changes it."""

    pool: PoolOut
    calendar: CalendarOut | None
    supply_gpu_hours: list[Milli]
    changes: list[ChangeOut]
