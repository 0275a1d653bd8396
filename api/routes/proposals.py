"""Acts that wait for a second person: list, read, decide."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import ANYONE, declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.usage import DecisionIn, ProposalOut
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event
from scheduler.domain.proposals import Proposal, ProposalKind, ProposalState
from scheduler.operations import proposals
from scheduler.operations.approvals import decide_proposal
from scheduler.ports.store import Transaction
from scheduler.ports.usage import Reach

ADDRESS: Final = "/api/v1/pending-approvals"
ProposalId = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["approvals"])


@router.get("/pending-approvals", **declared(ANYONE, Listing[ProposalOut], flags="L"))
def list_proposals(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    state: Annotated[ProposalState | None, Query()] = None,
) -> Response:
    """List the acts that the caller could decide, by state if asked."""
    part, reach = caller.slice(cursor, limit), reach_of(caller)
    return caller.show(
        lambda tx: caller.listing(
            proposals.list_proposals(tx, reach, part, state=state),
            lambda each: ProposalOut.model_validate(each.at(caller.now)),
        )
    )


@router.get("/pending-approvals/{proposal_id}", **declared(ANYONE, ProposalOut))
def read_proposal(caller: Asking, proposal_id: ProposalId) -> Response:
    """Read one act that waits or waited."""
    return caller.show(
        lambda tx: shown_proposal(
            caller, proposals.find_proposal(tx, reach_of(caller), proposal_id)
        )
    )


@router.post(
    "/pending-approvals/{proposal_id}/decisions",
    **declared(ANYONE, ProposalOut, ok=201, flags="IMW"),
)
def decide(caller: Asking, proposal_id: ProposalId, body: DecisionIn) -> Response:
    """Agree, so that it takes effect, or refuse; nobody agrees to what they proposed."""

    def command(tx: Transaction) -> Reply:
        found = proposals.find_proposal(tx, reach_of(caller), proposal_id)
        permit = caller.permit_for(found.kind.action)
        if permit is None:
            raise NotFound(kind="proposal", id=proposal_id)
        act = caller.with_permit(permit).acting
        decided, event = decide_proposal(
            tx, act, proposal_id, approve=body.approve, reason=body.reason
        )
        return shown_proposal(caller, decided, 201, event)

    return caller.act(command)


def reach_of(caller: Caller) -> Reach:
    """Return which kinds of proposal the caller may decide, each with whose."""
    permits = ((kind, caller.permit_for(kind.action)) for kind in ProposalKind)
    return {kind: permit.scope for kind, permit in permits if permit is not None}


def shown_proposal(
    caller: Caller, proposal: Proposal, status: int = 200, event: Event | None = None
) -> Reply:
    """Return a proposal as an answer; its address is where a second person decides."""
    current = proposal.at(caller.now)
    address = f"{ADDRESS}/{current.id}"
    possible = acts(
        caller,
        address,
        (Possible("decisions", "decide", current.kind.action),),
        allowed=("decide",) if current.state is ProposalState.PENDING else (),
        earlier=(current.proposed_by,),
    )
    receipt = None if event is None else receipt_of(event)
    shown = ProposalOut.model_validate(current).model_copy(
        update={"actions": possible, "receipt": receipt}
    )
    return reply(shown, status, version=current.version, address=address)
