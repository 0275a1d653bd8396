"""Enforcement as it is read and sent."""

from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Count, Instant, Line, Model, Said, Slug
from scheduler.domain.enforcement import MOST_DRIFTS, Form


class TargetIn(Model):
    """How a cluster enforces."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"form": "associations", "gpu_types": {"H200": "h200"}, "automatic": True}]
        }
    )

    form: str = Field(default=Form.ASSOCIATIONS, pattern="^(associations|qos)$")
    gpu_types: dict[str, str] = Field(
        min_length=1,
        max_length=64,
        description="The center's name of a GPU type → the cluster's; empty for untyped GPUs.",
    )
    automatic: bool = Field(
        default=True, description="Whether plans are applied without a sync that is asked for."
    )


class TargetOut(Resource):
    """A cluster that enforces, by its agent's latest report.

    `waiting` effects are decided and not yet applied there. `drift` things were found otherwise
    than they had been told; `left` still are.
    """

    id: str
    form: Form
    gpu_types: dict[str, str]
    automatic: bool
    asked: int
    applied: int
    waiting: int = 0
    plan: str | None
    reported_at: Instant | None
    drift: int
    left: int
    version: int


class PlanOut(Shown):
    """A plan with the signature that its agent verifies.

    `signature` is HMAC-SHA-256 over the canonical JSON of `target`, `through`, `apply` and
    `digest`; `digest` is that of `plan`.
    """

    target: str
    through: int
    apply: bool
    digest: str
    signature: str
    plan: dict[str, Any]


class DriftOut(Shown):
    """Something that a cluster has otherwise than it was told."""

    id: str
    target: str
    name: str
    expected: str
    found: str
    seen_at: Instant


class SyncIn(Model):
    """A cluster that is to be brought in line now, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"target": "duru", "reason": "After the repair."}]}
    )

    target: Slug
    reason: Said


class DifferenceIn(Model):
    """One thing that an agent found otherwise."""

    name: Line
    expected: str = Field(max_length=1000)
    found: str = Field(max_length=1000)


class ReportIn(Model):
    """What an agent found on its cluster and did there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "target": "duru",
                    "plan": f"sha256:{0:064}",
                    "through": 0,
                    "applied": True,
                    "commands": 2,
                    "found": 1,
                    "left": 0,
                    "differences": [
                        {
                            "name": "g-vision/mina",
                            "expected": "GrpTRESMins=gres/gpu=600",
                            "found": "GrpTRESMins=gres/gpu=9999",
                        }
                    ],
                }
            ]
        }
    )

    target: Slug
    plan: str = Field(max_length=100)
    through: Count
    applied: bool
    commands: Count
    found: Count
    left: Count
    differences: list[DifferenceIn] = Field(default=[], max_length=MOST_DRIFTS)
