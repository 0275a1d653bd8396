"""What fellows ask about awards: filed, decided by somebody else, at once in cells and ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from scheduler.domain.access import EVERYTHING, Scope
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.change_requests import ChangeRequestKind, ChangeRequestState
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import (
    AlreadyExists,
    AppealClosed,
    BalanceTooSmall,
    InvalidTransition,
    InvalidValue,
    NotFound,
    SecondPersonRequired,
)
from scheduler.domain.ledger import AccountKind
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, resume_award, return_award, suspend_award
from scheduler.operations.calls import draft_call, open_call
from scheduler.operations.change_requests import (
    Asked,
    Verdict,
    decide_change,
    file_change,
    list_change_requests,
    renew_award,
)
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.limits import award_limits
from scheduler.operations.movements import propose_reserve
from scheduler.operations.offers import expire_offers, open_offers
from scheduler.operations.usage import import_usage
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    seen,
    terms,
)
from tests.unit.operations.test_reallocations import START, WEEK, books_agree, signed_by_hand
from tests.unit.operations.test_usage import HOUR, a_run, held

DAY = timedelta(days=1)
ALL_KINDS = frozenset(ChangeRequestKind)


def an_award(tx: Transaction, **more) -> Award:
    """Mina's offer of 800 GPU-hours in the first slot, of a call with a deadline for answers."""
    call = an_open_call(tx, answer_days=10, **more)
    mina = a_submitted_request(tx, call, "mina")
    round_ = a_frozen_round(tx, call)
    signed_by_hand(tx, round_, a_scenario(tx, round_, {mina.id: 800}))
    (award,) = awards_of_call(tx, call.id)
    return award


def accepted(tx: Transaction) -> tuple[Award, str]:
    """The same award, accepted, and its call, whose director's reserve holds 400 GPU-hours."""
    award = accept_award(tx, as_fellow("mina", CLOSES), an_award(tx).id)[0]
    call = tx.rounds.find(award.round).call
    proposal, _ = propose_reserve(tx, act(), f"call:{call}:H200", 400 * HOUR, "For need.")
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
    return award, call


@contextmanager
def undone(tx: Transaction) -> Iterator[None]:
    """What is refused leaves nothing behind, as the writer has it."""
    with tx._connection.begin_nested() as nested:
        yield
        nested.rollback()


def asked(kind: ChangeRequestKind, hours: int = 80, **more) -> Asked:
    """Eighty GPU-hours of H200, for some reason."""
    return Asked(kind=kind, gpu_type="H200", gpu_hours=hours, reason="The model grew.", **more)


def granted(tx: Transaction, award: Award, wish: Asked, now=START, **more) -> Award:
    """File and grant, and return the award after it."""
    filed, _ = file_change(tx, as_fellow("mina", now), award.id, wish)
    verdict = Verdict(grant=True, reason="It is true.", **more)
    decide_change(tx, act("approver", now), filed.id, ALL_KINDS, verdict)
    return tx.awards.get(EVERYTHING, award.id)


def test_a_supplement_comes_out_of_the_reserve(tx: Transaction):
    """In whole or in part, where the supply is free; never more than asked or than there is."""
    award, call = accepted(tx)
    more = granted(tx, award, asked(ChangeRequestKind.SUPPLEMENT), gpu_hours=40)
    assert (840_000, 360 * HOUR) == (more.held, held(tx, AccountKind.RESERVE, call))
    assert AwardChangeKind.SUPPLEMENTED is tx.awards.changes([award.id])[-1].kind
    with pytest.raises(BalanceTooSmall), undone(tx):
        granted(tx, award, asked(ChangeRequestKind.SUPPLEMENT, 800))
    books_agree(tx, call)


def test_an_appeal_names_a_wrong_fact_in_time(tx: Transaction):
    """Thirty days from the offer; who asked does not decide; a refusal changes nothing."""
    award, call = accepted(tx)
    wish = asked(ChangeRequestKind.APPEAL, error="The score is another's.")
    with pytest.raises(InvalidValue):
        file_change(tx, as_fellow("mina", START), award.id, asked(ChangeRequestKind.APPEAL))
    with pytest.raises(AppealClosed):
        file_change(tx, as_fellow("mina", CLOSES + 31 * DAY), award.id, wish)
    filed, _ = file_change(tx, as_fellow("mina", CLOSES + 29 * DAY), award.id, wish)
    with pytest.raises(AlreadyExists):
        file_change(tx, as_fellow("mina", CLOSES + 29 * DAY), award.id, wish)
    with pytest.raises(SecondPersonRequired):
        decide_change(
            tx, act("mina", START), filed.id, ALL_KINDS, Verdict(grant=True, reason="Me.")
        )
    no = Verdict(grant=False, reason="The score is right.")
    refused, _ = decide_change(tx, act("approver", START), filed.id, ALL_KINDS, no)
    assert (ChangeRequestState.REJECTED, 0) == (refused.state, refused.granted)
    with pytest.raises(InvalidTransition):
        decide_change(tx, act("approver", START), filed.id, ALL_KINDS, no)
    assert award == tx.awards.get(EVERYTHING, award.id)
    assert 880_000 == granted(tx, award, wish).held
    books_agree(tx, call)


def test_an_extension_lays_unused_hours_into_later_slots(tx: Transaction):
    """What passed slots left unused, no more; the ledger does not change."""
    award, call = accepted(tx)
    import_usage(tx, act("collector"), [a_run()])
    now = START + WEEK + DAY
    before = held(tx, AccountKind.AWARD, award.id)
    with pytest.raises(InvalidValue), undone(tx):
        granted(tx, award, asked(ChangeRequestKind.EXTENSION, 728), now)
    longer = granted(tx, award, asked(ChangeRequestKind.EXTENSION, 400, first=2), now)
    assert [(0, 400), (2, 400)] == [(cell.slot, cell.gpu_hours) for cell in longer.cells]
    assert (before, 800_000) == (held(tx, AccountKind.AWARD, award.id), longer.held)
    books_agree(tx, call)


def test_an_advance_lays_later_hours_into_earlier_slots(tx: Transaction):
    """The latest hours come first; the ledger does not change."""
    award, call = accepted(tx)
    later = granted(tx, award, asked(ChangeRequestKind.SUPPLEMENT, 80, first=3))
    assert [(0, 800), (3, 80)] == [(cell.slot, cell.gpu_hours) for cell in later.cells]
    sooner = granted(tx, award, asked(ChangeRequestKind.ADVANCE, 80, first=1))
    assert [(0, 800), (1, 80)] == [(cell.slot, cell.gpu_hours) for cell in sooner.cells]
    assert later.held == sooner.held
    books_agree(tx, call)


def test_everyone_sees_their_own(tx: Transaction):
    """A stranger's change request is not there, not even to be decided."""
    award, _ = accepted(tx)
    filed, _ = file_change(
        tx, as_fellow("mina", START), award.id, asked(ChangeRequestKind.SUPPLEMENT)
    )
    assert (filed,) == list_change_requests(tx, seen(Scope(own="mina"))).items
    assert () == list_change_requests(tx, seen(Scope(own="ara"))).items
    word = Verdict(grant=False, reason="No.")
    with pytest.raises(NotFound):
        decide_change(tx, as_fellow("ara", START), filed.id, ALL_KINDS, word)
    appeals = frozenset({ChangeRequestKind.APPEAL})
    with pytest.raises(NotFound):
        decide_change(tx, act("approver", START), filed.id, appeals, word)


def test_late_offers_lapse_and_go_back(tx: Transaction):
    """Foreseen before; then once, in cells and ledger; what is answered in time stays."""
    award = an_award(tx)
    call = tx.rounds.find(award.round).call
    (waiting,) = open_offers(tx, ALL, call)
    assert (award.id, CLOSES + 10 * DAY, 800) == (
        waiting.award,
        waiting.answer_by,
        waiting.gpu_hours,
    )
    assert () == expire_offers(tx, act("operator", CLOSES + 10 * DAY), call)
    before = held(tx, AccountKind.CALL, call)
    late = CLOSES + 10 * DAY + timedelta(seconds=1)
    (lapsed,) = expire_offers(tx, act("operator", late), call)
    with pytest.raises(InvalidTransition):
        accept_award(tx, as_fellow("mina", late), award.id)
    assert (AwardState.EXPIRED, 0, ()) == (lapsed.state, lapsed.held, lapsed.cells)
    assert before + 800 * HOUR == held(tx, AccountKind.CALL, call)
    assert () == expire_offers(tx, act("operator", late), call)
    assert () == open_offers(tx, ALL, call)
    books_agree(tx, call)


def test_a_suspended_award_is_kept_but_not_used(tx: Transaction):
    """Its limit is nothing until it is resumed; it may be returned meanwhile."""
    award, call = accepted(tx)
    with pytest.raises(InvalidTransition):
        resume_award(tx, act(), award.id, "Not suspended.")
    suspended, _ = suspend_award(tx, act(), award.id, "A report is due.")
    assert (AwardState.SUSPENDED, 800_000) == (suspended.state, suspended.held)
    assert [0] == [each.left_gpu_seconds for each in award_limits(tx, ALL)]
    with pytest.raises(InvalidTransition):
        granted(tx, award, asked(ChangeRequestKind.SUPPLEMENT))
    resumed, _ = resume_award(tx, act(), award.id, "It came.")
    assert AwardState.ACCEPTED is resumed.state
    assert [800 * HOUR] == [each.left_gpu_seconds for each in award_limits(tx, ALL)]
    suspend_award(tx, act(), award.id, "Again.")
    gone, _ = return_award(tx, as_fellow("mina", CLOSES), award.id, reason="Enough.")
    assert AwardState.RETURNED is gone.state
    books_agree(tx, call)


def test_a_renewal_begins_with_what_was_asked(tx: Transaction):
    """In another call: the same work, without what meant something in its own call alone."""
    award, _ = accepted(tx)
    later = {"opens_at": CLOSES, "closes_at": CLOSES + 9 * DAY, "pools": ("b200",)}
    call = draft_call(tx, act("operator", CLOSES - DAY), terms(**later))
    open_call(tx, act("approver", CLOSES - DAY), call.id)
    made, event = renew_award(tx, as_fellow("mina", CLOSES + DAY), award.id, call.id)
    assert ("mina", call.id, {"b200": 1600}) == (made.fellow, made.call, made.draft.speeds)
    assert (1_200_000, None) == (made.draft.gpu_hours, made.draft.window)
    assert {"request": made.id, "call": call.id} == event.body
    with pytest.raises(NotFound):
        renew_award(tx, as_fellow("jun", CLOSES + DAY), award.id, call.id)
