"""Usage and proposals as they are read and sent."""

from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Receipt, Resource, Shown
from api.schemas.fields import Count, Instant, Line, Model, PositiveCount, Said
from scheduler.domain.proposals import ProposalKind, ProposalState
from scheduler.domain.usage import UsageKind

CSV_EXAMPLE = (
    "cluster,job,user,gpu_type,gpus,starts_at,ends_at,award\n"
    "duru,4711,kim,H200,8,2027-01-05T09:00:00Z,2027-01-05T17:30:00Z,\n"
)
SACCT_EXAMPLE = (
    "4711|kim|vision|COMPLETED|30600|billing=64,cpu=64,gres/gpu:h200=8,gres/gpu=8,node=1"
    "|2027-01-05T09:00:00|2027-01-05T17:30:00|normal\n"
)
SACCT_JSON: dict[str, Any] = {
    "type": "object",
    "required": ["jobs"],
    "properties": {"jobs": {"type": "array", "items": {"type": "object"}}},
    "examples": [
        {
            "jobs": [
                {
                    "job_id": 4711,
                    "user": "kim",
                    "account": "vision",
                    "qos": "normal",
                    "state": {"current": "COMPLETED"},
                    "time": {"start": 1799139600, "elapsed": 30600},
                    "tres": {"allocated": [{"type": "gres", "name": "gpu:h200", "count": 8}]},
                }
            ]
        }
    ],
}
"""What `sacct --json` prints, as far as it is read."""


class UsageBatchOut(Shown):
    """What an import did.

    `grown` slices said something new; `outside` GPU-seconds are charged to no award; `disputed`
    slices were corrected before, and the feed says another amount.
    """

    slices: int
    grown: int
    gpu_seconds: int
    outside: int
    disputed: int
    receipt: Receipt


class UsageOut(Shown):
    """A change of what a slice of a job used, in GPU-seconds."""

    id: str
    cluster: str
    job: str
    begins_at: Instant
    revision: int
    kind: UsageKind
    gpu_type: str
    gpu_seconds: int
    person: str
    award: str | None
    reason: str
    event: int


class UsageCorrectionIn(Model):
    """What a slice really used."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cluster": "duru",
                    "job": "4711",
                    "begins_at": "2027-01-05T09:00:00Z",
                    "gpu_seconds": 3600,
                    "reason": "The job had ended; its record was never closed.",
                }
            ]
        }
    )

    cluster: Line
    job: Line
    begins_at: Instant
    gpu_seconds: Count = Field(description="All that the slice used, not the difference.")
    reason: Said


class MovementIn(Model):
    """GPU-seconds from one account to another."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "debit": "group:vision:H200",
                    "credit": "award:awd_01jd0000000000000000000000:H200",
                    "gpu_seconds": 3600,
                    "reason": "Entered on the wrong side.",
                }
            ]
        }
    )

    debit: str = Field(max_length=256)
    credit: str = Field(max_length=256)
    gpu_seconds: PositiveCount
    reason: Said


class ReserveIn(Model):
    """GPU-seconds that leave a call for the director's reserve, or the reserve for its call."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "call:call_01jd0000000000000000000000:H200",
                    "gpu_seconds": 360_000,
                    "reason": "For emergencies.",
                }
            ]
        }
    )

    account: str = Field(max_length=256, description="Of a call, or of its reserve.")
    gpu_seconds: PositiveCount
    reason: Said


class AdjustmentIn(Model):
    """GPU-seconds that an award gets from the director's reserve; negative: that it loses to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"gpu_type": "H200", "gpu_seconds": 360_000, "reason": "A supplement."}]
        }
    )

    gpu_type: Line
    gpu_seconds: int = Field(ge=-(10**12), le=10**12)
    reason: Said


class HandingIn(Model):
    """GPU-seconds that an award hands to another of the same group."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "to": "awd_01jd0000000000000000000000",
                    "gpu_type": "H200",
                    "gpu_seconds": 3600,
                    "reason": "Joint work.",
                }
            ]
        }
    )

    to: str = Field(max_length=64)
    gpu_type: Line
    gpu_seconds: PositiveCount
    reason: Said


class ProposalOut(Resource):
    """An act that waits for a second person."""

    id: str
    kind: ProposalKind
    subject: str
    body: dict[str, Any]
    reason: str
    state: ProposalState
    proposed_by: str
    proposed_at: Instant
    not_before: Instant
    expires_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    decision: str
    party: str | None
    version: int


class DecisionIn(Model):
    """A second person's word."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"approve": True, "reason": "Seen in the logs."}]}
    )

    approve: bool
    reason: Said
