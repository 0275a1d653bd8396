"""Rounds, their scenarios and the decisions on them."""

from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Count, Instant, Line, Model, Said
from scheduler.domain.rounds import DecisionKind, RoundState

DIGEST = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in hexadecimal digits.")
EXAMPLE_DIGEST = "0" * 64
EXAMPLE_SCENARIO = "scn_01jd0000000000000000000000"


class RoundIn(Model):
    """A round for a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "InnoCORE 2026-2"}]})

    title: Line | None = Field(default=None, description="The call's title when absent.")


class SeedIn(Model):
    """The seed of a lottery and the salt of its seal."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"seed": 20261122, "salt": "5f0c2a9b41d7e683"}]}
    )

    seed: Count = Field(lt=1 << 31)
    salt: Line


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
    continues: str | None = Field(
        default=None, description="The published round that it goes on with, in mid-round."
    )
    since: int = Field(default=0, description="The first slot that it decides on.")
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


class SeedOut(Resource):
    """A seed that is told, and the call that keeps it."""

    call: str
    seed: int
    salt: str


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


class ReserveOut(Shown):
    """A request's place in the line for hours that come back; rank 1 is next."""

    round: str
    request: str
    rank: int
