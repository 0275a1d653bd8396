"""What earlier rounds left owing to groups and fellows."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.deficits import DeficitsOut, OwedOut
from scheduler.domain.amounts import MILLI
from scheduler.operations.deficits import Owed, deficits
from scheduler.ports.store import Transaction

YEAR: Final = 365
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["rounds"])


@router.get("/deficits", **declared("award.read", DeficitsOut))
def read_deficits(
    caller: Asking,
    half_life_days: Annotated[
        int, Query(ge=1, le=36_500, description="After so many days half of it still counts.")
    ] = YEAR,
) -> Response:
    """Say what groups, and the fellows you may see, were entitled to in all rounds and did not get.

    A policy with a table `carry` brings it into the weights of the next round.
    """

    def query(tx: Transaction) -> Reply:
        found = deficits(tx, caller.permit, caller.now, half_life_days)
        return reply(
            DeficitsOut(
                half_life_days=half_life_days,
                rounds=list(found.rounds),
                groups=[_shown(each) for each in found.groups],
                fellows=[_shown(each) for each in found.fellows],
            )
        )

    return caller.show(query)


def _shown(owed: Owed) -> OwedOut:
    backlog = owed.backlog
    return OwedOut(
        id=owed.id,
        entitlement=backlog.entitlement,
        awarded=backlog.awarded,
        deficit=backlog.deficit / MILLI,
    )
