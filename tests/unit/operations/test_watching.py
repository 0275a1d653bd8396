"""Balances and deadlines are told of once, and again after a top-up or a move."""

from datetime import timedelta

import pytest

from scheduler.domain.reclaim import midnight
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import list_awards
from scheduler.operations.calls import extend_call
from scheduler.operations.movements import Adjustment, propose_adjustment, propose_reserve
from scheduler.operations.notifications import list_notifications
from scheduler.operations.reclaims import ask_exemption
from scheduler.operations.requests import create_request
from scheduler.operations.usage import import_usage
from scheduler.operations.watching import balance_state, changes, tell_changes
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    SECOND,
    a_submitted_request,
    act,
    an_ask,
    an_open_call,
    as_fellow,
)
from tests.unit.operations.test_movements import calls_account
from tests.unit.operations.test_reclaims import NOTICED, half_time, noticed
from tests.unit.operations.test_rounds import published
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, an_award

DAY = timedelta(days=1)


def told(tx: Transaction, person: str = "mina") -> list[str]:
    """Return the kinds of watched events that a person was told of."""
    watched = (
        "award.balance",
        "award.answer_due",
        "award.ending",
        "award.exemption_due",
        "call.closing",
    )
    kinds = [each.kind for each in list_notifications(tx, person).items]
    return [each for each in kinds if each.startswith(watched)]


@pytest.mark.parametrize(
    ("granted", "left", "state"),
    [
        (1000, 101, ""),
        (1000, 100, "low"),
        (1000, 1, "low"),
        (1000, 0, "empty"),
        (1000, -5, "empty"),
        (0, 0, ""),
    ],
)
def test_a_tenth_is_little_and_nothing_is_none(granted: int, left: int, state: str):
    """The tenth itself counts; what was never held is not told of."""
    assert state == balance_state(granted, left)


def test_a_balance_is_told_once_at_a_tenth_and_at_nothing(tx: Transaction):
    """Looking again tells nothing; a top-up arms both again."""
    award = an_award(tx)
    now = CLOSES
    import_usage(tx, act("collector"), [a_run(gpus=71)])  # 710 of 800 GPU-hours
    assert () == tell_changes(tx, act("host", now))
    import_usage(tx, act("collector"), [a_run(job="18", gpus=1)])
    assert ["award.balance_low"] == [each.kind for each in tell_changes(tx, act("host", now))]
    assert () == tell_changes(tx, act("host", now))
    import_usage(tx, act("collector"), [a_run(job="19", gpus=9)])
    assert ["award.balance_empty"] == [each.kind for each in tell_changes(tx, act("host", now))]
    reserve = propose_reserve(tx, act(), calls_account(tx, award), 400 * HOUR, "In need.")[0]
    more = Adjustment(gpu_type="H200", gpu_seconds=400 * HOUR, reason="A supplement.")
    for proposal in (reserve, propose_adjustment(tx, act(), award.id, more)[1]):
        decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
    assert () == tell_changes(tx, act("host", now))
    import_usage(tx, act("collector"), [a_run(job="20", gpus=32)])
    assert ["award.balance_low"] == [each.kind for each in tell_changes(tx, act("host", now))]
    assert ["award.balance_low", "award.balance_empty", "award.balance_low"] == told(tx)


def test_what_comes_back_to_an_empty_balance_is_not_told_as_little(tx: Transaction):
    """Who was told that nothing is left hears nothing of a hint of hours, then of nothing again."""
    an_award(tx)
    import_usage(tx, act("collector"), [a_run(gpus=80)])
    assert ["award.balance_empty"] == [each.kind for each in tell_changes(tx, act("host", CLOSES))]
    name = next(name for name in tx.watches.all() if name.startswith("balance/"))
    tx.watches.put(name, "low")
    assert ["award.balance_empty"] == [each.kind for each in tell_changes(tx, act("host", CLOSES))]


def test_an_offer_is_told_of_before_it_lapses(tx: Transaction):
    """Three days before, once; the fellow is told."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    assert award.answer_by is not None
    tell_changes(tx, act("host", award.answer_by - 3 * DAY - SECOND))
    assert [] == told(tx)
    for before in (3 * DAY, DAY, SECOND):
        tell_changes(tx, act("host", award.answer_by - before))
    assert ["award.answer_due"] == told(tx)


def test_an_end_is_told_of_while_hours_are_left(tx: Transaction):
    """Two weeks before the last hours; nobody who has used nearly all is bothered."""
    an_award(tx)
    (found,) = tell_changes(tx, act("host", WEEK - DAY))
    assert "award.ending" == found.kind
    assert () == tell_changes(tx, act("host", WEEK))


def test_a_call_is_told_of_to_who_has_an_unsubmitted_draft(tx: Transaction):
    """Whose submission stands is not told; a deadline that moved is told of again."""
    call = an_open_call(tx)
    a_submitted_request(tx, call, "mina")
    create_request(tx, as_fellow("ara"), call.id, an_ask())
    assert () == changes(tx, CLOSES - 4 * DAY)
    tell_changes(tx, act("host", CLOSES - DAY))
    assert ([], ["call.closing"]) == (told(tx, "mina"), told(tx, "ara"))
    later = CLOSES + 10 * DAY
    extend_call(tx, act("approver", CLOSES - DAY), call.id, later, "A fire.")
    assert () == tell_changes(tx, act("host", CLOSES))
    tell_changes(tx, act("host", later - DAY))
    assert ["call.closing"] * 2 == told(tx, "ara")


def exemption_told(tx: Transaction, now) -> list[str]:
    """Look at what is watched, and return the awards whose last day to ask was told of."""
    found = tell_changes(tx, act("host", now))
    return [each.subject for each in found if each.kind == "award.exemption_due"]


def test_the_last_day_to_ask_for_an_exemption_is_told_of_once(tx: Transaction):
    """Three days before it ends, to whoever may still ask: the notice itself told it long ago."""
    award, reclaim = noticed(tx)
    end = midnight(reclaim.exemption_until + DAY)
    assert [] == exemption_told(tx, end - 3 * DAY - SECOND)
    assert [award.id] == exemption_told(tx, end - 3 * DAY)
    for before in (2 * DAY, SECOND):
        assert [] == exemption_told(tx, end - before)
    assert 1 == told(tx).count("award.exemption_due")


@pytest.mark.parametrize(("decided", "again"), [(None, False), (True, False), (False, True)])
def test_who_has_asked_for_an_exemption_is_not_reminded(tx: Transaction, decided, again):
    """Neither while it waits nor once it is granted; who was refused may ask again, and is told."""
    award, reclaim = noticed(tx)
    asked, _ = ask_exemption(tx, as_fellow("mina", NOTICED), reclaim.proposal.id, award.id, "Ill.")
    if decided is not None:
        word = act("approver", NOTICED + DAY)
        decide_proposal(tx, word, asked.id, approve=decided, reason="Seen.")
    assert again == bool(exemption_told(tx, midnight(reclaim.exemption_until)))


def test_nobody_is_reminded_of_an_exemption_in_vain(tx: Transaction):
    """Not when the notice came as late as the reminder would."""
    _, reclaim = noticed(tx, rule=half_time(exemption_days=13))
    assert [] == exemption_told(tx, midnight(reclaim.exemption_until))


def test_nobody_is_reminded_of_an_exemption_too_late(tx: Transaction):
    """A courier that was away until the day was over tells nothing."""
    _, reclaim = noticed(tx)
    assert [] == exemption_told(tx, midnight(reclaim.exemption_until + DAY))


def test_a_refused_reclaim_reminds_nobody(tx: Transaction):
    """There is nothing left to be exempt from."""
    _, reclaim = noticed(tx)
    decide_proposal(
        tx, act("approver", NOTICED + DAY), reclaim.proposal.id, approve=False, reason="No."
    )
    assert [] == exemption_told(tx, midnight(reclaim.exemption_until))
