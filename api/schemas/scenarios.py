"""Solves and what comes of them: scenarios, allocations, verdicts, comparisons."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from api.schemas.common import Resource, Shown
from api.schemas.fields import (
    Amount,
    Count,
    Instant,
    Model,
    PositiveAmount,
    PositiveCount,
    Score,
    Slug,
    exact,
)
from scheduler.domain.jobs import JobState

Gap = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(ge=0, le=1),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
"""Share by which a proved bound may lie beyond the plan."""


def _plain(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


Exact = Annotated[Decimal, PlainSerializer(_plain), WithJsonSchema({"type": "number"})]
"""An exact decimal of a kept document."""


class SolveIn(Model):
    """What to solve a frozen round by: a stored policy version, or a preset by its name."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "entitlement", "seed": 0, "gap": 0.001}]}
    )

    policy: Slug | None = None
    version: PositiveCount | None = None
    preset: Slug | None = None
    seed: Count = 0
    gap: Gap = Field(default=Decimal("0.001"), description="Proved gap at which to stop.")
    seconds: PositiveAmount | None = Field(default=None, description="Wall-clock limit.")
    work: PositiveCount | None = Field(default=None, description="Deterministic work limit.")


class ChangeIn(Model):
    """One request of the round, otherwise than it is; what is absent stays, null takes away."""

    request: str = Field(min_length=1, max_length=64, description="Id or label of a request.")
    gpu_hours: PositiveAmount | None = None
    minimum_gpu_hours: Amount | None = None
    gang_gpus: PositiveCount | None = None
    max_gpus: PositiveCount | None = None
    window: list[Count] | None = Field(default=None, min_length=2, max_length=2)
    speeds: dict[Slug, PositiveAmount] | None = Field(default=None, max_length=100)
    score: Score | None = None
    pinned: bool | None = None
    vetoed: bool | None = None


class WhatIfIn(SolveIn):
    """A question to a frozen round; its answer becomes no scenario."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"preset": "entitlement", "changes": [{"request": "R-1", "gpu_hours": 10}]}
            ]
        }
    )

    changes: list[ChangeIn] = Field(default_factory=list, max_length=100)


class WhatIfOut(Shown):
    """A question with its answer, once there is one."""

    id: str
    round: str
    state: JobState
    asked: dict[str, Any]
    created_at: Instant
    finished_at: Instant | None
    answer: dict[str, Any] | None = Field(description="Status, gap, stages, measures, awards.")
    error: dict[str, Any] | None
    version: int


class SolveOut(Resource):
    """A solve as a job: waiting, running, done, failed or cancelled."""

    id: str
    round: str
    state: JobState
    asked: dict[str, Any] = Field(description="Policy, seed, gap and limits.")
    created_by: str
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    attempt: int
    scenario: str | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    progress: dict[str, Any] | None = Field(description="The last line of progress.")
    version: int


class ProgressOut(Shown):
    """One line of a solve's progress."""

    seq: int
    at: Instant
    body: dict[str, Any]


class ScenarioOut(Shown):
    """What one finished solve proposes."""

    id: str
    round: str
    solve: str
    digest: str
    policy: str
    policy_version: int | None
    policy_digest: str
    snapshot: str
    plan: str
    certificate: str
    started_by: str
    seed: int
    status: str
    gap: float | None
    stages: list[dict[str, Any]]
    measures: dict[str, Any]
    created_at: Instant
    seconds: float | None


class AllocationOut(Shown):
    """What a scenario gives a request; cells are [pool, slot, GPU-hours on the pool]."""

    request: str
    gpu_hours: Exact
    service_units: Exact
    cells: list[list[Any]]


class RuleOut(Shown):
    """A rule that the checker looked at."""

    rule: str
    meaning: str
    checks: int
    broken: int


class ProvedOut(Shown):
    """What is known of one goal after checking; `evidence` says who vouches for the bound."""

    stage: str
    objective: float
    bound: float
    evidence: str
    gap: float


class Verified(Shown):
    """What the checker says of a scenario, asked now."""

    scenario: str
    digest: str
    verified: bool
    altered: list[str] = Field(description="Kept documents whose content left their digest.")
    rules: list[RuleOut]
    proved: list[ProvedOut]
    broken: list[dict[str, Any]]
    checked_at: Instant


class ComparisonOut(Shown):
    """Scenarios of one round side by side."""

    round: str
    scenarios: list[ScenarioOut]
    board: dict[str, Any] = Field(
        description="Figures with bounds, gains and losses against the base, Lorenz curves, the "
        "price of fairness, and who is on the front of fairness against value; scenarios by id."
    )
