"""Awards as they are read, accepted and returned."""

from typing import Any

from pydantic import ConfigDict, Field

from api.schemas.common import Receipt, Resource, Shown
from api.schemas.fields import Instant, Milli, Model, PositiveAmount, Said
from api.schemas.rounds import DecisionOut
from scheduler.domain.awards import AwardState
from scheduler.domain.changes import AwardChangeKind


class ReturnIn(Model):
    """Hours given back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"gpu_hours": 100, "reason": "The data came late."}]}
    )

    gpu_hours: PositiveAmount | None = Field(
        default=None, description="All that is held when absent."
    )
    reason: Said


class CellOut(Shown):
    """Whole GPU-hours on a pool in a slot."""

    pool: str
    slot: int
    gpu_hours: int


class AwardOut(Resource):
    """An award."""

    id: str
    round: str
    request: str
    scenario: str
    fellow: str
    requested: Milli
    recommended: Milli
    awarded: Milli
    returned: Milli
    held: Milli
    service_units: Milli
    cells: list[CellOut]
    state: AwardState
    offered_at: Instant
    answered_at: Instant | None
    answer_by: Instant | None
    version: int


class AwardChangeOut(Shown):
    """What an award got, or lost where the hours are negative; the first one is its publication."""

    id: str
    kind: AwardChangeKind
    cells: list[CellOut]
    gpu_hours: Milli
    reason: str
    at: Instant
    event: int


class ExplanationOut(Shown):
    """Why a request got what it got: as text in the caller's language, and as data."""

    request: str
    text: str
    explanation: dict[str, Any]


class AwardReceiptOut(Shown):
    """What ties an award to the log."""

    award: str
    publication: DecisionOut
    offered: Receipt
