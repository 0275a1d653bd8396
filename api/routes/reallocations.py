"""Reallocations that the center asked for by itself."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.failures import shown_failure
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.schemas.common import Listing
from api.schemas.reallocations import DueOut
from scheduler.domain.jobs import Job
from scheduler.domain.messages import Language
from scheduler.operations import dues

CallId = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["rounds"])


@router.get(
    "/calls/{call_id}/reallocations", **declared("scenario.read", Listing[DueOut], flags="L")
)
def list_reallocations(
    caller: Asking, call_id: CallId, cursor: Cursor = None, limit: Limit = STANDARD
) -> Response:
    """List the reallocations that returned hours, reclaims and lost nodes called for."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            dues.list_due(tx, caller.permit, call_id, part),
            lambda job: shown_due(job, caller.language),
        )
    )


def shown_due(job: Job, language: Language) -> DueOut:
    """Show a reallocation that is due, or what became of it."""
    result = job.result or {}
    return DueOut.model_validate(
        {
            "id": job.id,
            "call": job.subject,
            "state": job.state,
            "cause": job.payload["cause"],
            "subject": job.payload["subject"],
            "created_by": job.created_by,
            "created_at": job.created_at,
            "finished_at": job.finished_at,
            "round": result.get("round"),
            "solve": result.get("solve"),
            "waits_for": result.get("waits_for"),
            "error": shown_failure(job, language),
        }
    )
