"""Requests: draft, autosave, check, submit with a receipt, withdraw, endorse, decide."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, Whose, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.findings import shown_finding
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.schemas.common import Because, HistoryEntry, Listing
from api.schemas.fields import Slug
from api.schemas.requests import (
    AskIn,
    AskOut,
    Checked,
    EligibilityIn,
    EndorsementIn,
    EndorsementOut,
    FindingOut,
    RequestIn,
    RequestOut,
    RequestPatch,
    SubmissionOut,
    SubmissionReceipt,
)
from scheduler.domain.access import Permit
from scheduler.domain.checks import errors
from scheduler.domain.directory import Person
from scheduler.domain.events import Event
from scheduler.domain.requests import Request, RequestState, Submission
from scheduler.operations import requests
from scheduler.ports.paging import Page, RequestFilter
from scheduler.ports.store import Transaction

READ: Final = "request.read"
EDIT: Final = "request.edit_draft"
ADDRESS: Final = "/api/v1/requests"
RequestId = Annotated[str, Path(max_length=64)]
Number = Annotated[int, Path(ge=1, le=10**9)]
POSSIBLE: Final = (
    Possible("patch", "edit", EDIT, "PATCH"),
    Possible("submissions", "submit", "request.submit"),
    Possible("withdrawals", "withdraw", "request.withdraw"),
    Possible("endorsements", "decide_eligibility", "request.endorse"),
    Possible("eligibility-decisions", "decide_eligibility", "eligibility.decide"),
)
router = APIRouter(route_class=StrictRoute, prefix=ADDRESS, tags=["requests"])


@router.get("", **declared(READ, Listing[RequestOut], flags="L"))
def list_requests(  # noqa: PLR0913 - one argument a filter
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    call: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[RequestState | None, Query()] = None,
    fellow: Annotated[Slug | None, Query()] = None,
    group: Annotated[Slug | None, Query()] = None,
) -> Response:
    """List requests the caller may see, by call, state, fellow or group if asked."""
    part = caller.slice(cursor, limit)
    where = RequestFilter(call=call, state=state, fellow=fellow, group=group)

    def query(tx: Transaction) -> Reply:
        found = requests.list_requests(tx, caller.permit, part, where=where)
        people = _people(tx, caller.permit, found)
        return caller.listing(
            found, lambda each: shown_request(caller.permit, each, people.get(each.fellow))
        )

    return caller.show(query)


@router.post("", **declared("request.create", RequestOut, ok=201, flags="I"))
def create_request(caller: Asking, body: RequestIn) -> Response:
    """Begin a request in an open call with whatever is known of it."""
    draft = _asked(body)
    return caller.act(
        lambda tx: reply_of_request(
            tx,
            caller,
            requests.create_request(tx, caller.acting, body.call, draft, body.fellow),
            201,
        )
    )


@router.get("/{request_id}", **declared(READ, RequestOut))
def read_request(caller: Asking, request_id: RequestId) -> Response:
    """Read one request."""
    return caller.show(
        lambda tx: reply_of_request(tx, caller, requests.get_request(tx, caller.permit, request_id))
    )


@router.patch("/{request_id}", **declared(EDIT, RequestOut, flags="M"))
def patch_request(caller: Asking, request_id: RequestId, body: RequestPatch) -> Response:
    """Change fields of the draft; an earlier submission stays valid."""
    changes = _asked(body)
    return caller.act(
        lambda tx: reply_of_request(
            tx, caller, requests.patch_request(tx, caller.acting, request_id, changes)
        )
    )


@router.post("/{request_id}/checks", **declared(EDIT, Checked))
def check_request(caller: Asking, request_id: RequestId) -> Response:
    """Say every rule the draft breaks; changes nothing."""

    def query(tx: Transaction) -> Reply:
        found = requests.check_request(tx, caller.permit, request_id)
        shown = [FindingOut(**shown_finding(each, caller.language)) for each in found]
        return reply(Checked(ready=not errors(found), findings=shown))

    return caller.show(query)


@router.post(
    "/{request_id}/submissions",
    **declared("request.submit", SubmissionOut, ok=201, flags="IMW"),
)
def submit_request(caller: Asking, request_id: RequestId) -> Response:
    """Make the draft an immutable submission; the answer is the receipt, keep it.

    The deadline is decided by when the server received this, inside the commit.
    """

    def command(tx: Transaction) -> Reply:
        _, submission = requests.submit_request(tx, caller.acting, request_id)
        address = f"{ADDRESS}/{request_id}/submissions/{submission.number}"
        return reply(shown_submission(submission), 201, address=address)

    return caller.act(command)


@router.get("/{request_id}/submissions", **declared(READ, Listing[SubmissionOut], flags="L"))
def list_submissions(caller: Asking, request_id: RequestId) -> Response:
    """List the submissions of a request, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(requests.list_submissions(tx, caller.permit, request_id)), shown_submission
        )
    )


@router.get("/{request_id}/submissions/{number}", **declared(READ, SubmissionOut))
def read_submission(caller: Asking, request_id: RequestId, number: Number) -> Response:
    """Read one submission."""
    return caller.show(
        lambda tx: reply(
            shown_submission(requests.get_submission(tx, caller.permit, request_id, number))
        )
    )


@router.get("/{request_id}/submissions/{number}/receipt", **declared(READ, SubmissionReceipt))
def read_receipt(caller: Asking, request_id: RequestId, number: Number) -> Response:
    """Read the receipt of a submission again."""
    return caller.show(
        lambda tx: reply(_receipt(requests.get_submission(tx, caller.permit, request_id, number)))
    )


@router.post(
    "/{request_id}/withdrawals", **declared("request.withdraw", RequestOut, ok=201, flags="IMW")
)
def withdraw_request(caller: Asking, request_id: RequestId, body: Because) -> Response:
    """Take a request back for good."""
    return caller.act(
        lambda tx: _changed(
            tx, caller, *requests.withdraw_request(tx, caller.acting, request_id, body.reason)
        )
    )


@router.post(
    "/{request_id}/endorsements",
    **declared("request.endorse", EndorsementOut, ok=201, flags="IMW"),
)
def endorse_request(caller: Asking, request_id: RequestId, body: EndorsementIn) -> Response:
    """Put in a lead's or coordinator's word for the latest submission."""

    def command(tx: Transaction) -> Reply:
        endorsement, event = requests.endorse_request(
            tx, caller.acting, request_id, rank=body.rank, comment=body.comment
        )
        shown = EndorsementOut.model_validate(endorsement)
        receipt = {"receipt": receipt_of(event)}
        return reply(shown.model_copy(update=receipt), 201, address=f"{ADDRESS}/{request_id}")

    return caller.act(command)


@router.get("/{request_id}/endorsements", **declared(READ, Listing[EndorsementOut]))
def list_endorsements(caller: Asking, request_id: RequestId) -> Response:
    """List the endorsements of a request, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(requests.list_endorsements(tx, caller.permit, request_id)),
            EndorsementOut.model_validate,
        )
    )


@router.post(
    "/{request_id}/eligibility-decisions",
    **declared("eligibility.decide", RequestOut, ok=201, flags="IMW"),
)
def decide_eligibility(caller: Asking, request_id: RequestId, body: EligibilityIn) -> Response:
    """Say whether the latest submission may be funded, with a reason."""
    return caller.act(
        lambda tx: _changed(
            tx,
            caller,
            *requests.decide_eligibility(
                tx, caller.acting, request_id, eligible=body.eligible, reason=body.reason
            ),
        )
    )


@router.get("/{request_id}/history", **declared(READ, Listing[HistoryEntry], flags="L"))
def read_history(caller: Asking, request_id: RequestId) -> Response:
    """Tell what happened to a request, oldest first."""

    def query(tx: Transaction) -> Reply:
        request = requests.get_request(tx, caller.permit, request_id)
        whose = Whose.of(request.fellow, tx.people.find(request.fellow))
        named = whose.is_named(caller.permit.scope)
        return caller.listing(
            everyone(requests.request_history(tx, caller.permit, request_id)),
            lambda event: _told(event, named=named),
        )

    return caller.show(query)


def shown_request(permit: Permit, request: Request, fellow: Person | None) -> RequestOut:
    """Show a request; fellow and draft only to those who may know the name."""
    named = Whose.of(request.fellow, fellow).is_named(permit.scope)
    known = {
        name: getattr(request, name) for name in RequestOut.model_fields if hasattr(request, name)
    }
    if not named:
        known |= {"fellow": None, "draft": None, "state_reason": ""}
    return RequestOut.model_validate(known)


def shown_submission(submission: Submission) -> SubmissionOut:
    """Show a submission with its receipt."""
    known = {
        name: getattr(submission, name)
        for name in SubmissionOut.model_fields
        if hasattr(submission, name)
    }
    known["ask"] = AskOut.model_validate(submission.ask)
    return SubmissionOut.model_validate({**known, "receipt": _receipt(submission)})


def _receipt(submission: Submission) -> SubmissionReceipt:
    return SubmissionReceipt(
        submission=submission.id,
        request=submission.request,
        number=submission.number,
        received_at=submission.received_at,
        deadline=submission.deadline,
        margin_ms=submission.margin_ms,
        digest=submission.digest,
        log_index=submission.event,
        leaf_hash=submission.event_hash,
    )


def reply_of_request(
    tx: Transaction,
    caller: Caller,
    request: Request,
    status: int = 200,
    **more: Any,  # noqa: ANN401 - further fields of the model
) -> Reply:
    """Return a request as an answer, with what may come next."""
    address = f"{ADDRESS}/{request.id}"
    fellow = tx.people.find(request.fellow)
    possible = acts(
        caller, address, POSSIBLE, allowed=request.allowed, whose=Whose.of(request.fellow, fellow)
    )
    shown = shown_request(caller.permit, request, fellow)
    shown = shown.model_copy(update={"actions": possible, **more})
    return reply(shown, status, version=request.version, address=address)


def _changed(tx: Transaction, caller: Caller, request: Request, event: Event) -> Reply:
    return reply_of_request(tx, caller, request, 201, receipt=receipt_of(event))


def _told(event: Event, *, named: bool) -> HistoryEntry:
    told = HistoryEntry.model_validate(event)
    return told if named else told.model_copy(update={"actor": None, "body": {}})


def _asked(body: AskIn) -> dict[str, Any]:
    """Return the fields of an ask that came."""
    return body.model_dump(include=set(AskIn.model_fields), exclude_unset=True)


def _people(tx: Transaction, permit: Permit, page: Page[Request]) -> Mapping[str, Person]:
    """Return the fellows of a page, when names depend on who they are."""
    if permit.scope.everything:
        return {}
    return {person.id: person for person in tx.people.of({each.fellow for each in page.items})}
