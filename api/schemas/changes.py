"""Change requests, appeals, renewals and lapsing offers as they are sent and shown."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Resource, Shown
from api.schemas.fields import Count, Instant, Line, Model, PositiveCount, Said
from scheduler.domain.change_requests import ChangeRequestKind, ChangeRequestState

EXAMPLE: dict[str, Any] = {"gpu_type": "H200", "gpu_hours": 80, "reason": "The model grew."}


class ChangeRequestIn(Model):
    """What a fellow asks about an award: a supplement, an extension or an advance."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "supplement", **EXAMPLE}]})

    kind: Literal["supplement", "extension", "advance"]
    gpu_type: Line
    gpu_hours: PositiveCount = Field(description="Whole hours on pools of the GPU type.")
    first: Count | None = Field(default=None, description="First slot that they should lie in.")
    end: Count | None = Field(default=None, description="Slot before which they should lie.")
    reason: Said


class AppealIn(Model):
    """A supplement that is asked because the decision rests on an error of fact."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": "The score is another request's.", **EXAMPLE}]}
    )

    error: Said = Field(description="The fact that is wrong.")
    gpu_type: Line
    gpu_hours: PositiveCount = Field(description="Whole hours on pools of the GPU type.")
    reason: Said


class ChangeDecisionIn(Model):
    """Yes or no to a change request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"grant": True, "gpu_hours": 40, "reason": "Half of it is left."}]
        }
    )

    grant: bool
    gpu_hours: PositiveCount | None = Field(
        default=None, description="All that is asked when absent."
    )
    reason: Said


class RenewalIn(Model):
    """The call in which an award is to be asked for again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"call": "call_01jd0000000000000000000000"}]}
    )

    call: str = Field(max_length=64)


class ChangeRequestOut(Resource):
    """What a fellow asks about an award, and what became of it."""

    id: str
    award: str
    fellow: str
    kind: ChangeRequestKind
    gpu_type: str
    gpu_hours: int
    first: int | None
    end: int | None
    error: str
    reason: str
    state: ChangeRequestState
    granted: int
    filed_at: Instant
    decided_at: Instant | None
    decision: str
    version: int


class OpenOfferOut(Shown):
    """An offer that waits for an answer, and what would go back to the call."""

    award: str
    fellow: str
    answer_by: Instant
    gpu_hours: int


class LapsedOut(Shown):
    """Awards whose offers lapsed."""

    awards: list[str]
