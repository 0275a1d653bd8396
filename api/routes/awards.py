"""Awards: list, read with the reason, accept, return, hand on, adjust."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, Whose, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.explaining import shown_explanation
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.routes.proposals import shown_proposal
from api.routes.rounds import shown_decision
from api.schemas.awards import (
    AwardChangeOut,
    AwardOut,
    AwardReceiptOut,
    ExplanationOut,
    ReturnIn,
)
from api.schemas.common import Because, Listing
from api.schemas.fields import Slug, milli_or_none
from api.schemas.usage import AdjustmentIn, HandingIn, ProposalOut
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.events import Event
from scheduler.domain.messages import Language
from scheduler.operations import awards, handing, movements
from scheduler.ports.paging import AwardFilter
from scheduler.ports.store import Transaction

READ: Final = "award.read"
EXPLAIN: Final = "award.explain"
ANSWER: Final = "award.accept_or_return"
SUSPEND: Final = "award.suspend"
ADDRESS: Final = "/api/v1/awards"
AwardId = Annotated[str, Path(max_length=64)]
Lang = Annotated[Language | None, Query(description="In place of Accept-Language.")]
POSSIBLE: Final = (
    Possible("acceptances", "accept", ANSWER),
    Possible("returns", "return", ANSWER),
    Possible("suspensions", "suspend", SUSPEND),
    Possible("resumptions", "resume", SUSPEND),
)
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["awards"])


@router.get("/awards", **declared(READ, Listing[AwardOut], flags="L"))
def list_awards(  # noqa: PLR0913 - one argument a filter
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    round_id: Annotated[str | None, Query(alias="round", max_length=64)] = None,
    state: Annotated[AwardState | None, Query()] = None,
    fellow: Annotated[Slug | None, Query()] = None,
) -> Response:
    """List awards the caller may see, by round, state or fellow if asked."""
    part = caller.slice(cursor, limit)
    where = AwardFilter(round=round_id, state=state, fellow=fellow)
    return caller.show(
        lambda tx: caller.listing(
            awards.list_awards(tx, caller.permit, part, where=where), AwardOut.model_validate
        )
    )


@router.get("/awards/{award_id}", **declared(READ, AwardOut))
def read_award(caller: Asking, award_id: AwardId) -> Response:
    """Read one award."""
    return caller.show(lambda tx: _one(tx, caller, awards.get_award(tx, caller.permit, award_id)))


@router.get("/awards/{award_id}/changes", **declared(READ, Listing[AwardChangeOut]))
def list_changes(caller: Asking, award_id: AwardId) -> Response:
    """List what the award got and lost since its publication, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(awards.list_changes(tx, caller.permit, award_id)),
            AwardChangeOut.model_validate,
        )
    )


@router.get("/awards/{award_id}/explanation", **declared(EXPLAIN, ExplanationOut))
def explain_award(caller: Asking, award_id: AwardId, lang: Lang = None) -> Response:
    """Say why the award is what it is: the rules that decided, with their numbers."""

    def query(tx: Transaction) -> Reply:
        request = awards.get_award(tx, caller.permit, award_id).request
        found = awards.explain_award(tx, caller.permit, award_id)
        return reply(shown_explanation(request, found, lang or caller.language))

    return caller.show(query)


@router.get("/requests/{request_id}/explanation", **declared(EXPLAIN, ExplanationOut))
def explain_outcome(caller: Asking, request_id: AwardId, lang: Lang = None) -> Response:
    """Say why a request got what it got, also when that is nothing; after publication."""

    def query(tx: Transaction) -> Reply:
        found = awards.explain_outcome(tx, caller.permit, request_id)
        return reply(shown_explanation(request_id, found, lang or caller.language))

    return caller.show(query)


@router.get("/awards/{award_id}/receipt", **declared(READ, AwardReceiptOut))
def read_receipt(caller: Asking, award_id: AwardId) -> Response:
    """Read what ties the award to the log: its publication and its own event."""

    def query(tx: Transaction) -> Reply:
        found = awards.award_receipt(tx, caller.permit, award_id)
        shown = AwardReceiptOut(
            award=found.award.id,
            publication=shown_decision(found.publication),
            offered=receipt_of(found.offered),
        )
        return reply(shown)

    return caller.show(query)


@router.post("/awards/{award_id}/acceptances", **declared(ANSWER, AwardOut, ok=201, flags="IMW"))
def accept_award(caller: Asking, award_id: AwardId) -> Response:
    """Take the offer."""
    return caller.act(
        lambda tx: _changed(tx, caller, *awards.accept_award(tx, caller.acting, award_id))
    )


@router.post("/awards/{award_id}/returns", **declared(ANSWER, AwardOut, ok=201, flags="IMW"))
def return_award(caller: Asking, award_id: AwardId, body: ReturnIn) -> Response:
    """Give back some or, without an amount, all that is held."""
    amount = milli_or_none(body.gpu_hours)
    return caller.act(
        lambda tx: _changed(
            tx,
            caller,
            *awards.return_award(tx, caller.acting, award_id, reason=body.reason, gpu_hours=amount),
        )
    )


@router.post("/awards/{award_id}/suspensions", **declared(SUSPEND, AwardOut, ok=201, flags="IMW"))
def suspend_award(caller: Asking, award_id: AwardId, body: Because) -> Response:
    """Let the award not be used for now."""
    return caller.act(
        lambda tx: _changed(
            tx, caller, *awards.suspend_award(tx, caller.acting, award_id, body.reason)
        )
    )


@router.post("/awards/{award_id}/resumptions", **declared(SUSPEND, AwardOut, ok=201, flags="IMW"))
def resume_award(caller: Asking, award_id: AwardId, body: Because) -> Response:
    """Let a suspended award be used again."""
    return caller.act(
        lambda tx: _changed(
            tx, caller, *awards.resume_award(tx, caller.acting, award_id, body.reason)
        )
    )


@router.post(
    "/awards/{award_id}/transfers",
    **declared("award.transfer_within_group", ProposalOut, ok=202, flags="IMW"),
)
def hand_on(caller: Asking, award_id: AwardId, body: HandingIn) -> Response:
    """Propose to hand hours to another award of the same group; the fellow whose they are agrees.

    If they are the proposer's own, the fellow who gets them agrees.
    """
    wanted = handing.Handing(
        to=body.to, gpu_type=body.gpu_type, gpu_seconds=body.gpu_seconds, reason=body.reason
    )

    def command(tx: Transaction) -> Reply:
        proposal, event = handing.propose_transfer(tx, caller.acting, award_id, wanted)
        return shown_proposal(caller, proposal, 202, event)

    return caller.act(command)


@router.post(
    "/awards/{award_id}/adjustments",
    **declared("award.adjust", ProposalOut, ok=202, flags="IMW"),
)
def adjust_award(caller: Asking, award_id: AwardId, body: AdjustmentIn) -> Response:
    """Propose more from the director's reserve, or less; a second person decides."""
    wanted = movements.Adjustment(
        gpu_type=body.gpu_type, gpu_seconds=body.gpu_seconds, reason=body.reason
    )

    def command(tx: Transaction) -> Reply:
        _, proposal, event = movements.propose_adjustment(tx, caller.acting, award_id, wanted)
        return shown_proposal(caller, proposal, 202, event)

    return caller.act(command)


def _one(
    tx: Transaction,
    caller: Caller,
    award: Award,
    status: int = 200,
    **more: Any,  # noqa: ANN401 - further fields of the model
) -> Reply:
    address = f"{ADDRESS}/{award.id}"
    whose = Whose.of(award.fellow, tx.people.find(award.fellow))
    possible = acts(caller, address, POSSIBLE, allowed=award.allowed, whose=whose)
    shown = AwardOut.model_validate(award).model_copy(update={"actions": possible, **more})
    return reply(shown, status, version=award.version, address=address)


def _changed(tx: Transaction, caller: Caller, award: Award, event: Event) -> Reply:
    return _one(tx, caller, award, 201, receipt=receipt_of(event))
