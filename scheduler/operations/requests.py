"""Requests: create, autosave, check, submit, withdraw, endorse, decide eligibility, list."""

from collections.abc import Mapping

from scheduler.domain.access import Permit, Scope
from scheduler.domain.asks import ask_document, patched, read_ask
from scheduler.domain.calls import Call
from scheduler.domain.checks import Finding, Surroundings, check, errors
from scheduler.domain.directory import Person
from scheduler.domain.errors import Forbidden, InvalidValue, NotFound, RequestNotReady
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.names import paragraphs
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.requests import Endorsement, Request, Submission
from scheduler.operations.calls import get_call
from scheduler.operations.pools import supplies
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import ALL_REQUESTS, FIRST, Page, RequestFilter, Slice
from scheduler.ports.store import Transaction
from solver.canonical import digest


def create_request(
    tx: Transaction, act: Act, call: str, draft: Mapping[str, Json], fellow: str | None = None
) -> Request:
    """Begin a request with whatever is known of it.

    Args:
        tx: the transaction.
        act: by the fellow, or by the lead of the fellow's group.
        call: id of an open call.
        draft: keys of an ask, decimals as amounts; may be incomplete.
        fellow: whose request; who acts, if not said.

    Raises:
        CallNotOpen, CallClosed: If the call takes no requests now.
        Forbidden: If the fellow is not reached by the act.
        InvalidValue: If a key is unknown or a value breaks a rule of its field.
    """
    open_call = get_call(tx, act.permit, call)
    open_call.refuse_unless_taking(act.now)
    person = _reached_fellow(tx, act, fellow or act.person)
    id_ = act.new("req")
    request = Request(
        id=id_,
        call=open_call.id,
        fellow=person.id,
        label=id_,
        created_by=act.person,
        created_at=act.now,
        updated_at=act.now,
        draft=read_ask(draft),
    )
    tx.requests.add(request)
    told = Happening(kind="request.created", subject=id_, body={"call": open_call.id})
    record(tx, act, told)
    return request


def patch_request(tx: Transaction, act: Act, id_: str, changes: Mapping[str, Json]) -> Request:
    """Change some keys of the draft; a submission that exists stays valid.

    Raises:
        CallClosed: If the call takes no more requests.
        InvalidTransition: If the request may not be edited any more.
        InvalidValue: If a key is unknown or a value breaks a rule of its field.
    """
    request = tx.requests.get(act.scope, id_)
    act.expect("request", id_, request.version)
    _call_of(tx, request).refuse_unless_taking(act.now)
    edited = request.edit(patched(request.draft, changes), act.now)
    tx.requests.save(edited)
    return edited


def check_request(tx: Transaction, permit: Permit, id_: str) -> tuple[Finding, ...]:
    """Return every broken rule of the draft, errors first."""
    request = tx.requests.get(permit.scope, id_)
    return _findings(tx, request, _call_of(tx, request))


def submit_request(tx: Transaction, act: Act, id_: str) -> tuple[Request, Submission]:
    """Make the draft an immutable, numbered submission with a receipt.

    The deadline is decided here, inside the commit, by the server's receive time `act.now`.

    Raises:
        CallNotOpen, CallClosed: If it arrived too early or too late.
        RequestNotReady: If the entry checks found errors; they are its field `findings`.
        InvalidTransition: If the request takes no submission any more.
    """
    request = tx.requests.get(act.scope, id_)
    act.expect("request", id_, request.version)
    call = _call_of(tx, request)
    call.refuse_unless_taking(act.now)
    found = errors(_findings(tx, request, call))
    if found:
        raise RequestNotReady(request=id_, findings=found, count=len(found))
    submitted, told = request.submit(act.now)
    body_digest = digest(ask_document(request.draft))
    facts = {"digest": body_digest, "received_at": act.now.isoformat()}
    event = record(tx, act, Happening(kind=told.kind, subject=id_, body={**told.body, **facts}))
    submission = Submission(
        id=act.new("sub"),
        request=id_,
        number=submitted.submitted,
        ask=request.draft,
        submitted_by=act.person,
        received_at=act.now,
        deadline=call.deadline,
        digest=body_digest,
        event=event.seq,
        event_hash=event.hash,
    )
    tx.requests.save(submitted)
    tx.requests.add_submission(submission)
    return submitted, submission


def withdraw_request(
    tx: Transaction, act: Act, id_: str, reason: str = ""
) -> tuple[Request, Event]:
    """Take a request back for good."""
    request = tx.requests.get(act.scope, id_)
    act.expect("request", id_, request.version)
    withdrawn, told = request.withdraw(paragraphs(reason, field="/reason"), act.now)
    tx.requests.save(withdrawn)
    return withdrawn, record(tx, act, told)


def endorse_request(
    tx: Transaction, act: Act, id_: str, *, rank: int | None = None, comment: str = ""
) -> tuple[Endorsement, Event]:
    """Put in a lead's or coordinator's word for the latest submission.

    Raises:
        InvalidTransition: If nothing is submitted, or the request is decided.
    """
    request = tx.requests.get(act.scope, id_)
    act.expect("request", id_, request.version)
    request.refuse_unless_allowed("decide_eligibility")
    endorsement = Endorsement(
        id=act.new("end"),
        request=id_,
        number=request.submitted,
        by=act.person,
        at=act.now,
        rank=rank,
        comment=comment,
    )
    tx.requests.add_endorsement(endorsement)
    body: dict[str, Json] = {"number": request.submitted, "rank": rank}
    event = record(tx, act, Happening(kind="request.endorsed", subject=id_, body=body))
    return endorsement, event


def decide_eligibility(
    tx: Transaction, act: Act, id_: str, *, eligible: bool, reason: str
) -> tuple[Request, Event]:
    """Say whether the latest submission may be funded, with a reason."""
    request = tx.requests.get(act.scope, id_)
    act.expect("request", id_, request.version)
    decided, told = request.decide_eligibility(
        eligible=eligible, why=stated_reason(reason), at=act.now
    )
    tx.requests.save(decided)
    return decided, record(tx, act, told)


def get_request(tx: Transaction, permit: Permit, id_: str) -> Request:
    """Return a request, if visible."""
    return tx.requests.get(permit.scope, id_)


def list_requests(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    where: RequestFilter = ALL_REQUESTS,
) -> Page[Request]:
    """List visible requests."""
    return tx.requests.list(permit.scope, slice_, where=where)


def list_submissions(tx: Transaction, permit: Permit, id_: str) -> tuple[Submission, ...]:
    """Return the submissions of a visible request, oldest first."""
    tx.requests.get(permit.scope, id_)
    return tuple(tx.requests.submissions(id_))


def get_submission(tx: Transaction, permit: Permit, id_: str, number: int) -> Submission:
    """Return one submission of a visible request; its receipt is what it states."""
    tx.requests.get(permit.scope, id_)
    submission = tx.requests.submission(id_, number)
    if submission is None:
        raise NotFound(kind="submission", id=f"{id_}/{number}")
    return submission


def list_endorsements(tx: Transaction, permit: Permit, id_: str) -> tuple[Endorsement, ...]:
    """Return the endorsements of a visible request, oldest first."""
    tx.requests.get(permit.scope, id_)
    return tuple(tx.requests.endorsements(id_))


def request_history(tx: Transaction, permit: Permit, id_: str) -> tuple[Event, ...]:
    """Return what happened to a visible request, oldest first."""
    tx.requests.get(permit.scope, id_)
    return tuple(tx.events.of(id_))


def _findings(tx: Transaction, request: Request, call: Call) -> tuple[Finding, ...]:
    around = Surroundings(
        terms=call.terms,
        supplies=supplies(tx, call.terms.pools, call.terms.calendar),
        siblings=tx.requests.of_fellow(call.id, request.fellow),
        request=request.id,
    )
    return check(request.draft, around)


def _call_of(tx: Transaction, request: Request) -> Call:
    call = tx.calls.find(request.call)
    assert call is not None, "a request belongs to a call"
    return call


def _reached_fellow(tx: Transaction, act: Act, id_: str) -> Person:
    person = tx.people.find(id_)
    if person is None or not _reaches(act.scope, person):
        raise Forbidden(action=act.permit.action)
    if not person.is_fellow or not person.active:
        raise InvalidValue(field="/fellow", value=id_, rule="an active person with a group")
    return person


def _reaches(scope: Scope, person: Person) -> bool:
    return scope.names(person=person.id, group=person.group, institute=person.institute)
