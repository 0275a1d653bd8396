"""What is asked about awards: supplements, extensions, advances, appeals, renewals; late offers."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, Whose, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.routes.requests import reply_of_request
from api.schemas.changes import (
    AppealIn,
    ChangeDecisionIn,
    ChangeRequestIn,
    ChangeRequestOut,
    LapsedOut,
    OpenOfferOut,
    RenewalIn,
)
from api.schemas.common import Listing
from api.schemas.requests import RequestOut
from scheduler.domain.change_requests import ChangeRequest, ChangeRequestKind, ChangeRequestState
from scheduler.domain.events import Event
from scheduler.operations import change_requests, offers
from scheduler.ports.changes import ChangeRequestFilter
from scheduler.ports.store import Transaction

READ: Final = "award.read"
ASK: Final = "award.ask_change"
APPEALS: Final = frozenset({ChangeRequestKind.APPEAL})
CHANGES: Final = frozenset(ChangeRequestKind) - APPEALS
AwardId = Annotated[str, Path(max_length=64)]
ChangeId = Annotated[str, Path(max_length=64)]
CallId = Annotated[str, Path(max_length=64)]
State = Annotated[ChangeRequestState | None, Query()]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["awards"])


@router.post(
    "/awards/{award_id}/change-requests", **declared(ASK, ChangeRequestOut, ok=201, flags="IW")
)
def ask_change(caller: Asking, award_id: AwardId, body: ChangeRequestIn) -> Response:
    """Ask for a supplement, an extension or an advance."""
    said = body.model_dump()
    asked = change_requests.Asked(**{**said, "kind": ChangeRequestKind(body.kind)})
    return caller.act(
        lambda tx: _filed(
            tx, caller, *change_requests.file_change(tx, caller.acting, award_id, asked)
        )
    )


@router.post(
    "/awards/{award_id}/appeals", **declared("appeal.file", ChangeRequestOut, ok=201, flags="IW")
)
def file_appeal(caller: Asking, award_id: AwardId, body: AppealIn) -> Response:
    """Appeal against an award that rests on an error of fact, while the call's window is open."""
    asked = change_requests.Asked(kind=ChangeRequestKind.APPEAL, **body.model_dump())
    return caller.act(
        lambda tx: _filed(
            tx, caller, *change_requests.file_change(tx, caller.acting, award_id, asked)
        )
    )


@router.get("/change-requests", **declared(READ, Listing[ChangeRequestOut], flags="L"))
def list_change_requests(
    caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD, state: State = None
) -> Response:
    """List supplements, extensions and advances that were asked, by state if asked."""
    return _list(caller, ChangeRequestFilter(kinds=CHANGES, state=state), cursor, limit)


@router.get("/appeals", **declared(READ, Listing[ChangeRequestOut], flags="L"))
def list_appeals(
    caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD, state: State = None
) -> Response:
    """List appeals, by state if asked."""
    return _list(caller, ChangeRequestFilter(kinds=APPEALS, state=state), cursor, limit)


@router.get("/change-requests/{change_id}", **declared(READ, ChangeRequestOut))
def read_change_request(caller: Asking, change_id: ChangeId) -> Response:
    """Read one change request."""
    return _read(caller, change_id, CHANGES)


@router.get("/appeals/{change_id}", **declared(READ, ChangeRequestOut))
def read_appeal(caller: Asking, change_id: ChangeId) -> Response:
    """Read one appeal."""
    return _read(caller, change_id, APPEALS)


@router.post(
    "/change-requests/{change_id}/decisions",
    **declared("award.adjust", ChangeRequestOut, ok=201, flags="IMW"),
)
def decide_change(caller: Asking, change_id: ChangeId, body: ChangeDecisionIn) -> Response:
    """Grant what is asked, or some of it, so that it takes effect; or refuse."""
    return _decide(caller, change_id, CHANGES, body)


@router.post(
    "/appeals/{change_id}/decisions",
    **declared("appeal.decide", ChangeRequestOut, ok=201, flags="IMW"),
)
def decide_appeal(caller: Asking, change_id: ChangeId, body: ChangeDecisionIn) -> Response:
    """Grant an appeal, or some of it, as a supplement of the director's reserve; or refuse."""
    return _decide(caller, change_id, APPEALS, body)


@router.post(
    "/awards/{award_id}/renewals", **declared("request.create", RequestOut, ok=201, flags="I")
)
def renew_award(caller: Asking, award_id: AwardId, body: RenewalIn) -> Response:
    """Begin a request in another call with what was asked for the award."""

    def command(tx: Transaction) -> Reply:
        made, event = change_requests.renew_award(tx, caller.acting, award_id, body.call)
        return reply_of_request(tx, caller, made, 201, receipt=receipt_of(event))

    return caller.act(command)


@router.get("/calls/{call_id}/offer-expirations", **declared(READ, Listing[OpenOfferOut]))
def list_open_offers(caller: Asking, call_id: CallId) -> Response:
    """List the offers of a call that lapse without an answer, the next one first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(offers.open_offers(tx, caller.permit, call_id)), OpenOfferOut.model_validate
        )
    )


@router.post(
    "/calls/{call_id}/offer-expirations",
    **declared("round.publish", LapsedOut, ok=201, flags="IW"),
)
def expire_offers(caller: Asking, call_id: CallId) -> Response:
    """Let the offers lapse that were not answered in time; their hours go back to the call."""

    def command(tx: Transaction) -> Reply:
        lapsed = offers.expire_offers(tx, caller.acting, call_id)
        return reply(LapsedOut(awards=[award.id for award in lapsed]), 201)

    return caller.act(command)


def _list(caller: Caller, where: ChangeRequestFilter, cursor: str | None, limit: int) -> Response:
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            change_requests.list_change_requests(tx, caller.permit, part, where=where),
            ChangeRequestOut.model_validate,
        )
    )


def _read(caller: Caller, id_: str, kinds: frozenset[ChangeRequestKind]) -> Response:
    return caller.show(
        lambda tx: _one(
            tx, caller, change_requests.get_change_request(tx, caller.permit, id_, kinds)
        )
    )


def _decide(
    caller: Caller, id_: str, kinds: frozenset[ChangeRequestKind], body: ChangeDecisionIn
) -> Response:
    verdict = change_requests.Verdict(**body.model_dump())

    def command(tx: Transaction) -> Reply:
        decided, event = change_requests.decide_change(tx, caller.acting, id_, kinds, verdict)
        return _filed(tx, caller, decided, event)

    return caller.act(command)


def _filed(tx: Transaction, caller: Caller, asked: ChangeRequest, event: Event) -> Reply:
    return _one(tx, caller, asked, 201, event)


def _one(
    tx: Transaction,
    caller: Caller,
    asked: ChangeRequest,
    status: int = 200,
    event: Event | None = None,
) -> Reply:
    kind = "appeals" if asked.kind in APPEALS else "change-requests"
    address = f"/api/v1/{kind}/{asked.id}"
    possible = acts(
        caller,
        address,
        (Possible("decisions", "decide", asked.kind.action),),
        allowed=asked.allowed,
        earlier=(asked.filed_by,),
        whose=Whose.of(asked.fellow, tx.people.find(asked.fellow)),
    )
    receipt = None if event is None else receipt_of(event)
    shown = ChangeRequestOut.model_validate(asked).model_copy(
        update={"actions": possible, "receipt": receipt}
    )
    return reply(shown, status, version=asked.version, address=address)
