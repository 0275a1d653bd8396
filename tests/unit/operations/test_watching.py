"""Balances and deadlines are told of once, and again after a top-up or a move."""

from datetime import timedelta

import pytest

from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import list_awards
from scheduler.operations.calls import extend_call
from scheduler.operations.movements import Adjustment, propose_adjustment, propose_reserve
from scheduler.operations.notifications import list_notifications
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
from tests.unit.operations.test_rounds import published
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, an_award

DAY = timedelta(days=1)


def told(tx: Transaction, person: str = "mina") -> list[str]:
    """Return the kinds of watched events that a person was told of."""
    watched = ("award.balance", "award.answer_due", "award.ending", "call.closing")
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
