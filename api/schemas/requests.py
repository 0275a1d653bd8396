"""Requests as fellows write them and everybody reads them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.common import Receipt, Resource, Shown
from api.schemas.fields import (
    Amount,
    Count,
    Instant,
    Milli,
    Model,
    PositiveAmount,
    PositiveCount,
    Said,
    Slug,
    Text,
)
from scheduler.domain.names import LINE
from scheduler.domain.requests import AskShape, RequestState, Urgency

ASK_EXAMPLE: dict[str, JsonValue] = {
    "title": "Protein folding at scale",
    "abstract": "Fine-tuning of a folding model on new structures.",
    "gpu_hours": 1200,
    "minimum_gpu_hours": 400,
    "gang_gpus": 8,
    "max_gpus": 16,
    "window": [0, 8],
    "speeds": {"h200": 1, "a100": 0.45},
    "shape": "flexible",
}


class AskIn(Model):
    """What a fellow asks; a draft may leave parts open.

    In a PATCH an absent field stays as it is and null empties it.
    """

    title: Annotated[str, Field(max_length=LINE)] = ""
    abstract: Text = ""
    gpu_hours: PositiveAmount | None = None
    minimum_gpu_hours: Amount | None = None
    gang_gpus: PositiveCount | None = None
    max_gpus: PositiveCount | None = None
    window: list[Count] | None = Field(default=None, min_length=2, max_length=2)
    speeds: dict[Slug, PositiveAmount] | None = Field(default=None, max_length=100)
    shape: Literal["flexible", "block", "constant"] | None = None
    block_slots: PositiveCount | None = None
    single_pool: bool | None = None
    after: str | None = Field(default=None, max_length=64)
    track: Slug | None = None
    urgency: Literal["strict", "soft", "best"] | None = None


class RequestIn(AskIn):
    """A new request in a call."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"call": "call_01jd0000000000000000000000", **ASK_EXAMPLE}]}
    )

    call: str = Field(max_length=64)
    fellow: Slug | None = Field(
        default=None, description="Whose request; the caller's when absent."
    )


class RequestPatch(AskIn):
    """What changes in a draft (autosave)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"gpu_hours": 1000, "track": None}]})


class EligibilityIn(Model):
    """Whether the latest submission may be funded."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"eligible": True, "reason": "Complete and in scope."}]}
    )

    eligible: bool
    reason: Said


class EndorsementIn(Model):
    """A lead's or coordinator's word for a request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rank": 1, "comment": "Our first."}]}
    )

    rank: PositiveCount | None = None
    comment: Text = ""


class AskOut(Shown):
    """What is asked."""

    title: str
    abstract: str
    gpu_hours: Milli | None
    minimum_gpu_hours: Milli
    gang_gpus: int
    max_gpus: int | None
    window: tuple[int, int] | None
    speeds: dict[str, Milli]
    shape: AskShape
    block_slots: int | None
    single_pool: bool
    after: str | None
    track: str | None
    urgency: Urgency | None


class RequestOut(Resource):
    """A request; `fellow` is null where the caller may not know the name."""

    id: str
    call: str
    fellow: str | None
    label: str
    state: RequestState
    state_reason: str
    draft: AskOut | None
    submitted: int = Field(description="Number of the latest submission; 0 before the first.")
    edited: bool = Field(description="Whether the draft differs from the latest submission.")
    created_at: Instant
    updated_at: Instant
    version: int


class SubmissionReceipt(Shown):
    """Proof of a submission; keep it."""

    submission: str
    request: str
    number: int
    received_at: Instant
    deadline: Instant
    margin_ms: int
    digest: str
    log_index: int
    leaf_hash: str


class SubmissionOut(Shown):
    """One immutable version of a request."""

    id: str
    request: str
    number: int
    ask: AskOut
    received_at: Instant
    deadline: Instant
    margin_ms: int
    digest: str
    receipt: SubmissionReceipt


class FindingOut(Shown):
    """What an entry check found."""

    pointer: str
    code: str
    severity: Literal["error", "warning"]
    message: str
    got: Any = None
    limit: Any = None


class Checked(Shown):
    """The entry checks of a draft."""

    ready: bool
    findings: list[FindingOut]


class EndorsementOut(Shown):
    """An endorsement."""

    id: str
    request: str
    number: int
    by: str
    at: Instant
    rank: int | None
    comment: str
    receipt: Receipt | None = None
