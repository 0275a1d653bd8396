"""Requests from draft to receipt."""

from datetime import timedelta

import pytest

from scheduler.domain.access import Scope
from scheduler.domain.asks import ask_document
from scheduler.domain.errors import (
    CallClosed,
    CallNotOpen,
    Forbidden,
    InvalidTransition,
    InvalidValue,
    NotFound,
    RequestNotReady,
    VersionMismatch,
)
from scheduler.domain.requests import RequestState
from scheduler.operations.calls import extend_call
from scheduler.operations.requests import (
    check_request,
    create_request,
    decide_eligibility,
    endorse_request,
    get_request,
    get_submission,
    list_endorsements,
    list_requests,
    list_submissions,
    patch_request,
    request_history,
    submit_request,
    withdraw_request,
)
from scheduler.ports.paging import RequestFilter, Slice
from scheduler.ports.store import Transaction
from solver.canonical import digest
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    OPENS,
    SECOND,
    a_submitted_request,
    act,
    an_ask,
    an_open_call,
    as_fellow,
    seen,
)

MICROSECOND = timedelta(microseconds=1)


def test_a_submission_is_received_with_everything_a_receipt_states(tx: Transaction) -> None:
    """The receipt names number, times, margin, digest of the ask and the event of the log."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, an_ask())
    at = CLOSES - timedelta(minutes=1)
    submitted, submission = submit_request(tx, as_fellow("mina", at), request.id)

    told = tx.events.of(request.id)[-1]
    assert submitted.state is RequestState.SUBMITTED
    assert (1, at, CLOSES, 60_000) == (
        submission.number,
        submission.received_at,
        submission.deadline,
        submission.margin_ms,
    )
    assert digest(ask_document(submission.ask)) == submission.digest == told.body["digest"]
    assert (told.seq, told.hash) == (submission.event, submission.event_hash)


def test_the_deadline_is_exact(tx: Transaction) -> None:
    """The last microsecond before the deadline is in; the deadline itself is out."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, an_ask())
    last = as_fellow("mina", CLOSES - MICROSECOND)
    assert submit_request(tx, last, request.id)[1].margin_ms == 0
    with pytest.raises(CallClosed) as refusal:
        submit_request(tx, as_fellow("mina", CLOSES), request.id)
    assert refusal.value.fields["late_ms"] == 0


def test_before_the_opening_nothing_is_taken(tx: Transaction) -> None:
    """A call that is opened early takes requests only from its opening on."""
    call = an_open_call(tx)
    with pytest.raises(CallNotOpen):
        create_request(tx, as_fellow("mina", OPENS - MICROSECOND), call.id, an_ask())


def test_an_extension_holds_for_all(tx: Transaction) -> None:
    """After an extension a submission later than the first deadline is in."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, an_ask())
    later = CLOSES + timedelta(days=1)
    extend_call(tx, act("approver", CLOSES - SECOND), call.id, later, "Power cut on campus.")
    _, submission = submit_request(tx, as_fellow("mina", CLOSES), request.id)
    assert later == submission.deadline


def test_editing_leaves_the_submission_valid(tx: Transaction) -> None:
    """An edit after a submission makes a new draft; what was submitted does not change."""
    call = an_open_call(tx)
    request = a_submitted_request(tx, call)
    edited = patch_request(tx, as_fellow("mina"), request.id, {"gpu_hours": 999.125})
    assert edited.edited
    assert edited.state is RequestState.SUBMITTED
    assert edited.draft.gpu_hours == 999_125
    assert get_submission(tx, ALL, request.id, 1).ask.gpu_hours == 1_200_000
    _, second = submit_request(tx, as_fellow("mina"), request.id)
    assert [1, 2] == [one.number for one in list_submissions(tx, ALL, request.id)]
    assert second.ask.gpu_hours == 999_125


def test_a_draft_may_be_saved_unfinished_and_not_submitted(tx: Transaction) -> None:
    """Autosave takes what there is; a submission is refused with what is missing."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, {"title": "An idea"})
    with pytest.raises(RequestNotReady) as refusal:
        submit_request(tx, as_fellow("mina"), request.id)
    missing = [finding.field for finding in refusal.value.fields["findings"]]
    assert missing == ["/gpu_hours", "/max_gpus", "/window", "/speeds"]
    assert missing == [finding.field for finding in check_request(tx, ALL, request.id)]
    assert not list_submissions(tx, ALL, request.id)


def test_null_makes_an_optional_key_unstated(tx: Transaction) -> None:
    """A patch with null takes a value back; an absent key stays."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, an_ask(track="academia"))
    patched = patch_request(tx, as_fellow("mina"), request.id, {"track": None})
    assert patched.draft.track is None
    assert patched.draft.gpu_hours == 1_200_000


def test_an_unknown_key_is_named(tx: Transaction) -> None:
    """A draft with a key that is no field of an ask is refused, naming it."""
    call = an_open_call(tx)
    with pytest.raises(InvalidValue) as refusal:
        create_request(tx, as_fellow("mina"), call.id, an_ask(gpus=3))
    assert refusal.value.fields["field"] == "/gpus"


def test_only_the_fellow_and_the_lead_may_ask(tx: Transaction) -> None:
    """A fellow asks for themselves, a lead for the group, nobody for strangers."""
    call = an_open_call(tx)
    lead = act("jun", scope=Scope(own="jun", groups=frozenset({"vision"})))
    assert create_request(tx, lead, call.id, an_ask(), "mina").fellow == "mina"
    with pytest.raises(Forbidden):
        create_request(tx, lead, call.id, an_ask(), "ara")
    with pytest.raises(Forbidden):
        create_request(tx, as_fellow("mina"), call.id, an_ask(), "jun")


def test_strangers_cannot_tell_that_a_request_exists(tx: Transaction) -> None:
    """Reading, patching and submitting another's request is as for an unknown id."""
    request = a_submitted_request(tx, an_open_call(tx))
    for attempt in (
        lambda: get_request(tx, seen(Scope(own="jun")), request.id),
        lambda: patch_request(tx, as_fellow("jun"), request.id, {}),
        lambda: submit_request(tx, as_fellow("jun"), request.id),
        lambda: withdraw_request(tx, as_fellow("jun"), request.id),
    ):
        with pytest.raises(NotFound) as refusal:
            attempt()
        assert refusal.value.fields == {"kind": "request", "id": request.id}


def test_a_stale_version_is_refused(tx: Transaction) -> None:
    """Acting on a version that is not the current one changes nothing."""
    request = a_submitted_request(tx, an_open_call(tx))
    with pytest.raises(VersionMismatch) as refusal:
        patch_request(tx, as_fellow("mina", if_version=1), request.id, {"title": "Other"})
    assert (1, 2) == (refusal.value.fields["expected"], refusal.value.fields["current"])


def test_withdrawing_is_for_good(tx: Transaction) -> None:
    """A withdrawn request takes no edit and no submission; the refusal lists what is allowed."""
    request = a_submitted_request(tx, an_open_call(tx))
    withdrawn, event = withdraw_request(tx, as_fellow("mina"), request.id, "Found other GPUs.")
    assert withdrawn.state is RequestState.WITHDRAWN
    assert event.kind == "request.withdrawn"
    with pytest.raises(InvalidTransition) as refusal:
        submit_request(tx, as_fellow("mina"), request.id)
    assert refusal.value.fields["allowed"] == []


def test_endorsement_and_eligibility_are_kept_with_who_and_why(tx: Transaction) -> None:
    """A lead's rank and an operator's decision stand in the history."""
    request = a_submitted_request(tx, an_open_call(tx))
    lead = act("jun", scope=Scope(groups=frozenset({"vision"})))
    endorsement, _ = endorse_request(tx, lead, request.id, rank=1, comment="Our first.")
    decided, _ = decide_eligibility(
        tx, act(), request.id, eligible=False, reason="Outside the programme."
    )
    assert (endorsement,) == list_endorsements(tx, ALL, request.id)
    assert (RequestState.INELIGIBLE, "Outside the programme.") == (
        decided.state,
        decided.state_reason,
    )
    assert ["request.created", "request.submitted", "request.endorsed", "request.ineligible"] == [
        event.kind for event in request_history(tx, ALL, request.id)
    ]


def test_a_draft_is_not_endorsed(tx: Transaction) -> None:
    """What was never submitted can be neither endorsed nor judged."""
    call = an_open_call(tx)
    request = create_request(tx, as_fellow("mina"), call.id, an_ask())
    with pytest.raises(InvalidTransition):
        endorse_request(tx, act(), request.id, rank=1)


def test_lists_hold_what_the_scope_sees_page_by_page(tx: Transaction) -> None:
    """Each scope sees its own, nobody finds by name whom they may not name, pages join up."""
    call = an_open_call(tx)
    for fellow in ("mina", "jun", "ara"):
        a_submitted_request(tx, call, fellow)
    group, institute = frozenset({"vision"}), frozenset({"kaist"})

    def fellows(scope: Scope, **where: str) -> list[str]:
        found = list_requests(tx, seen(scope), where=RequestFilter(**where))
        return [request.fellow for request in found.items]

    assert fellows(Scope(own="mina")) == ["mina"]
    assert fellows(Scope(groups=group)) == ["mina", "jun"]
    assert fellows(Scope(institutes=institute)) == ["mina", "jun"]
    assert fellows(Scope(pseudonymous=True)) == ["mina", "jun", "ara"]
    assert fellows(Scope()) == []
    assert fellows(Scope(everything=True), group="folding") == ["ara"]

    assert fellows(Scope(pseudonymous=True), fellow="mina") == []
    assert fellows(Scope(pseudonymous=True), group="vision") == []
    assert fellows(Scope(pseudonymous=True, own="mina"), group="vision") == ["mina"]

    first = list_requests(tx, ALL, Slice(limit=2))
    rest = list_requests(tx, ALL, Slice(cursor=first.next, limit=2))
    assert ["mina", "jun", "ara"] == [one.fellow for one in (*first.items, *rest.items)]
    assert rest.next is None
