"""People who move, and what becomes of their awards."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, everyone
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.moves import MoveIn, MoveOut
from scheduler.domain.moves import MoveRule
from scheduler.operations import moves
from scheduler.ports.store import Transaction

Name = Annotated[str, Path(max_length=64)]
ADDRESS: Final = "/api/v1/people"
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["directory"])


@router.get("/people/{person_id}/moves", **declared("directory.person.read", Listing[MoveOut]))
def list_moves(caller: Asking, person_id: Name) -> Response:
    """List the moves of a person, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(moves.list_moves(tx, caller.permit, person_id)), MoveOut.model_validate
        )
    )


@router.post(
    "/people/{person_id}/moves",
    **declared("directory.person.write", MoveOut, ok=201, flags="IM"),
)
def move_person(caller: Asking, person_id: Name, body: MoveIn) -> Response:
    """Move a person, or let them leave; their awards follow the rule that is named."""
    said = body.model_dump()
    moving = moves.Moving(**{**said, "rule": MoveRule(body.rule)})

    def command(tx: Transaction) -> Reply:
        _, made = moves.move_person(tx, caller.acting, person_id, moving)
        return reply(MoveOut.model_validate(made), 201, address=f"{ADDRESS}/{person_id}/moves")

    return caller.act(command)
