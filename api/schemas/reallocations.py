"""Reallocations that the center asked for by itself."""

from typing import Any

from pydantic import Field

from api.schemas.common import Shown
from api.schemas.fields import Instant
from scheduler.domain.jobs import JobState


class DueOut(Shown):
    """A reallocation that something called for; people select, approve and publish it."""

    id: str
    call: str
    state: JobState
    cause: str = Field(description="What happened, such as award.returned or reclaim.entered.")
    subject: str = Field(description="To what it happened.")
    created_by: str
    created_at: Instant
    finished_at: Instant | None
    round: str | None = Field(description="What it froze; nothing if there was nothing to do.")
    solve: str | None
    waits_for: str | None = Field(description="A reallocation that people are deciding on.")
    error: dict[str, Any] | None
