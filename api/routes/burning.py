"""How awards are used: burn, pace and forecast."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.burning import (
    AwardUsageOut,
    DayOut,
    ForecastOut,
    GroupUsageOut,
    HolderOut,
    HoldingOut,
    RoundUsageOut,
)
from scheduler.operations import burning
from scheduler.operations.burning import AwardBurn, Expected
from scheduler.ports.store import Transaction

READ: Final = "usage.read"
Id = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["usage"])


@router.get("/awards/{award_id}/usage", **declared(READ, AwardUsageOut))
def read_award_usage(caller: Asking, award_id: Id) -> Response:
    """Say how an award is used: day by day, against its plan, and what will be left of it."""

    def query(tx: Transaction) -> Reply:
        found = burning.award_burns(tx, caller.permit, award_id)
        shown = AwardUsageOut(
            award=award_id,
            round=found[0].award.round,
            at=caller.now,
            items=[_holding(each, caller.now) for each in found],
        )
        return reply(shown)

    return caller.show(query)


@router.get("/rounds/{round_id}/usage", **declared(READ, RoundUsageOut))
def read_round_usage(caller: Asking, round_id: Id) -> Response:
    """Say how the awards of a published round are used, and what each group will leave."""

    def query(tx: Transaction) -> Reply:
        burns = burning.round_burns(tx, caller.permit, round_id)
        found = [(each, burning.expected(each, caller.now)) for each in burns]
        groups = sorted({each.group for each, _ in found}, key=lambda name: name or "")
        shown = RoundUsageOut(
            round=round_id,
            at=caller.now,
            groups=[
                GroupUsageOut(
                    group=group,
                    **_figures(
                        burning.together(will for each, will in found if each.group == group)
                    ),
                )
                for group in groups
            ],
            items=[_holder(each, will) for each, will in found],
        )
        return reply(shown)

    return caller.show(query)


def _holding(found: AwardBurn, now: datetime) -> HoldingOut:
    burn = found.burn
    return HoldingOut(
        gpu_type=found.gpu_type,
        begins_at=burn.line.begins_at,
        ends_at=burn.line.ends_at,
        per_day=burn.rate(now).per_day,
        days=[DayOut(on=on, gpu_seconds=amount) for on, amount in sorted(burn.daily.items())],
        **_figures(burning.expected(found, now)),
    )


def _holder(found: AwardBurn, will: Expected) -> HolderOut:
    return HolderOut(
        award=found.award.id,
        fellow=found.award.fellow,
        group=found.group,
        gpu_type=found.gpu_type,
        **_figures(will),
    )


def _figures(will: Expected) -> dict[str, Any]:
    return {
        "held": will.held,
        "used": will.used,
        "due": will.due,
        "forecasts": [ForecastOut.model_validate(each) for each in will.forecasts],
    }
