"""Rounds, their scenarios and the decisions on them."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Amount, Count, Instant, Line, Model, PositiveCount, Said, Slug
from scheduler.domain.rounds import DecisionKind, RoundState

DIGEST = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in hexadecimal digits.")
EXAMPLE_DIGEST = "0" * 64
EXAMPLE_SCENARIO = "scn_01jd0000000000000000000000"


class RoundIn(Model):
    """A round for a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "InnoCORE 2026-2"}]})

    title: Line | None = Field(default=None, description="The call's title when absent.")


class SelectionIn(Model):
    """A scenario proposed for approval."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scenario_id": EXAMPLE_SCENARIO, "reason": "Worst group at 100 %."}]
        }
    )

    scenario_id: str = Field(max_length=64)
    reason: Said


class SignatureIn(Model):
    """A word on the selected scenario, named by its digest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scenario_digest": EXAMPLE_DIGEST, "reason": "Checked with the panel."}]
        }
    )

    scenario_digest: str = DIGEST
    reason: Said


class PublicationIn(Model):
    """The order to offer the awards of the approved scenario."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scenario_digest": EXAMPLE_DIGEST}]})

    scenario_digest: str = DIGEST
    reason: str | None = Field(default=None, max_length=10_000)


class RoundOut(Resource):
    """A round."""

    id: str
    call: str
    title: str
    state: RoundState
    created_by: str
    created_at: Instant
    snapshot: str | None = Field(description="Digest of the frozen round document.")
    requests: int
    frozen_by: str | None
    frozen_at: Instant | None
    scenario: str | None
    scenario_digest: str | None
    selected_by: str | None
    selected_at: Instant | None
    approved_by: str | None
    approved_at: Instant | None
    published_by: str | None
    published_at: Instant | None
    version: int


class DecisionOut(Shown):
    """A signed step of a round, with its place in the log."""

    id: str
    round: str
    kind: DecisionKind
    scenario: str
    scenario_digest: str
    by: str
    at: Instant
    reason: str
    log_index: int
    leaf_hash: str
    facts: dict[str, Any]


class SolveIn(Model):
    """What to solve a frozen round by: a stored policy version, or a preset by its name."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"preset": "entitlement", "seed": 0, "gap": 0.001}]}
    )

    policy: Slug | None = None
    version: PositiveCount | None = None
    preset: Slug | None = None
    seed: Count = 0
    gap: Amount | None = Field(default=None, description="Proved gap at which to stop.")
    seconds: PositiveCount | None = Field(default=None, description="Wall-clock limit.")
    work: PositiveCount | None = Field(default=None, description="Deterministic work limit.")


class WhatIfIn(Model):
    """A question to a frozen round, answered and forgotten."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"preset": "entitlement", "changes": [{"request": "R-1", "gpu_hours": 10}]}
            ]
        }
    )

    policy: Slug | None = None
    version: PositiveCount | None = None
    preset: Slug | None = None
    seed: Count = 0
    seconds: PositiveCount | None = None
    changes: list[dict[str, Any]] = Field(default_factory=list, max_length=100)


class ScenarioOut(Resource):
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
    """What a scenario gives a request: GPU-hours on a pool in a slot."""

    request: str
    gpu_hours: Any
    service_units: Any
    cells: list[Any]


class Verified(Shown):
    """What the checker says of a scenario, asked now."""

    scenario: str
    digest: str
    verified: bool
    checks: dict[str, int]
    broken: list[dict[str, Any]]
    checked_at: Instant


class ComparisonOut(Shown):
    """Scenarios of one round side by side."""

    round: str | None
    scenarios: list[ScenarioOut]


class ReserveOut(Shown):
    """A request's place in the line for hours that come back; rank 1 is next."""

    round: str
    request: str
    rank: int


class ScoreIn(Model):
    """One score of a request."""

    request: str = Field(min_length=1, max_length=64, description="Id or label of a request.")
    score: Amount
    reviewer: str = Field(default="", max_length=64)
    conflict: bool = False


class ScoresIn(Model):
    """Scores of the panel; all are taken or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scores": [{"request": "req_01jd…", "score": 87.5, "reviewer": "r1"}]}]
        }
    )

    scores: list[ScoreIn] = Field(min_length=1, max_length=100_000)


class ScoresOut(Shown):
    """What a score import did."""

    call: str
    imported: int
    requests: int
    conflicted: int


class StreamKind(Shown):
    """Names of the events of a solve's stream."""

    event: Literal["progress", "done", "failed", "cancelled"]
