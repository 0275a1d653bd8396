"""Exports: a round's awards as other systems read them."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.exporting import Queues, queues
from api.permissions import declared
from api.plain_json import encode
from api.replies import Reply, document, file, reply
from api.schemas.exports import LimitOut, LimitsOut
from scheduler.domain.limits import USABLE
from scheduler.domain.messages import Language
from scheduler.domain.pace import LARGEST_BURST, LONGEST_PERIOD, PERCENT, SHORTEST_PERIOD, Pacing
from scheduler.export import calendar as calendars
from scheduler.export.ondemand import balances
from scheduler.export.openportal import award_details
from scheduler.operations import pacing
from scheduler.operations.sheets import round_sheets
from scheduler.ports.store import Transaction

READ: Final = "award.read"
RoundId = Annotated[str, Path(max_length=64)]
Period = Annotated[int, Query(ge=SHORTEST_PERIOD, le=LONGEST_PERIOD, description="Seconds.")]
Burst = Annotated[
    int, Query(ge=PERCENT, le=LARGEST_BURST, description="In percent of the even pace.")
]
Lang = Annotated[Language | None, Query(description="In place of Accept-Language.")]
LONGEST_COOLING: Final = 720
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


@router.get("/openportal", **declared(READ, dict[str, Any]))
def export_openportal(
    caller: Asking,
    round_id: RoundId,
    template: Annotated[
        str | None, Query(max_length=64, description="Of projects on the receiving portal.")
    ] = None,
    cooling_off_hours: Annotated[
        int,
        Query(ge=0, le=LONGEST_COOLING, description="After publication; no approval before."),
    ] = 24,
) -> Response:
    """Export the awards in use as OpenPortal AwardDetails, by award."""
    base = f"{caller.request.base_url}api/v1/"

    def query(tx: Transaction) -> Reply:
        found = round_sheets(tx, caller.permit, round_id, USABLE)
        told = {
            each.award.id: award_details(
                each,
                template=template,
                cooling_off=timedelta(hours=cooling_off_hours),
                link=lambda path: base + path,
            )
            for each in found
        }
        return document(f"{encode(told, indent=1)}\n", f"{round_id}-openportal")

    return caller.show(query)


@router.get("/ondemand", **declared(READ, dict[str, Any]))
def export_ondemand(caller: Asking, round_id: RoundId) -> Response:
    """Export what is left of the awards in use as balances for Open OnDemand."""

    def query(tx: Transaction) -> Reply:
        found = round_sheets(tx, caller.permit, round_id, USABLE)
        told = balances(found, caller.now)
        return document(f"{encode(told, indent=1)}\n", f"{round_id}-ondemand")

    return caller.show(query)


@router.get("/calendar", **declared(READ, responses={200: {"content": {calendars.MEDIA_TYPE: {}}}}))
def export_calendar(caller: Asking, round_id: RoundId, lang: Lang = None) -> Response:
    """Export the windows of offered and accepted awards as iCalendar."""

    def query(tx: Transaction) -> Reply:
        found = round_sheets(tx, caller.permit, round_id, frozenset(calendars.STATUS))
        text = calendars.calendar(found, lang or caller.language)
        return file(text.encode(), f"{round_id}.ics", calendars.MEDIA_TYPE)

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
