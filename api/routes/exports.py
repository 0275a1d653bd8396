"""Exports: a round's awards as other systems read them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.exporting import Queues, queues
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.exports import LimitOut, LimitsOut
from scheduler.domain.pace import LARGEST_BURST, LONGEST_PERIOD, PERCENT, SHORTEST_PERIOD, Pacing
from scheduler.operations import pacing
from scheduler.ports.store import Transaction

READ: Final = "award.read"
RoundId = Annotated[str, Path(max_length=64)]
Period = Annotated[int, Query(ge=SHORTEST_PERIOD, le=LONGEST_PERIOD, description="Seconds.")]
Burst = Annotated[
    int, Query(ge=PERCENT, le=LARGEST_BURST, description="In percent of the even pace.")
]
ADDRESS: Final = "/api/v1/rounds/{round_id}/exports"
router = APIRouter(route_class=StrictRoute, prefix=ADDRESS, tags=["exports"])


@router.get("/limits", **declared(READ, LimitsOut))
def export_limits(
    caller: Asking,
    round_id: RoundId,
    cluster: Annotated[str, Query(max_length=128, description="Whose reports of use count.")] = "",
) -> Response:
    """Export what each award may take of each GPU type, also of those that are over."""

    def query(tx: Transaction) -> Reply:
        found = pacing.round_limits(tx, caller.permit, round_id)
        shown = LimitsOut(
            round=round_id,
            metered_at=pacing.metered_at(tx, cluster),
            items=[LimitOut.model_validate(each) for each in found],
        )
        return reply(shown)

    return caller.show(query)


@router.get("/{scheduler}", **declared(READ, dict[str, Any]))
def export_queues(
    caller: Asking,
    round_id: RoundId,
    scheduler: Queues,
    *,
    period_seconds: Period = 3600,
    burst_percent: Burst = 200,
) -> Response:
    """Export the awards in use as queues of a Kubernetes scheduler, at the pace of this hour."""
    chosen = Pacing(period_seconds=period_seconds, burst_percent=burst_percent)

    def query(tx: Transaction) -> Reply:
        paced = pacing.pace_round(tx, caller.permit, round_id, chosen, now=caller.now)
        return queues(scheduler, paced, f"{round_id}-{scheduler}")

    return caller.show(query)
