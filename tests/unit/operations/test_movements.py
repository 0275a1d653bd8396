"""Hours on the move between call, reserve and awards: by two people, inside a group, or not."""

import pytest

from scheduler.domain.awards import Award
from scheduler.domain.errors import (
    BalanceTooSmall,
    InvalidValue,
    NotFound,
    PartyRequired,
    SecondPersonRequired,
)
from scheduler.domain.ledger import AccountKind, account_id
from scheduler.domain.moves import MoveRule
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.handing import Handing, propose_transfer
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.movements import (
    Adjustment,
    Movement,
    propose_adjustment,
    propose_correction,
    propose_reserve,
)
from scheduler.operations.moves import Moving, move_person
from scheduler.ports.store import Transaction
from tests.property.test_holdings import a_published_call
from tests.unit.operations.center import act
from tests.unit.operations.test_usage import HOUR, an_award, balanced, held


def calls_account(tx: Transaction, award: Award, kind: AccountKind = AccountKind.CALL) -> str:
    """Return the id of an account of the award's call."""
    return account_id(kind, tx.rounds.find(award.round).call, "H200")


def agreed(tx: Transaction, proposal) -> None:
    """A second person agrees."""
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")


def test_the_reserve_gives_to_an_award_and_takes_back(tx: Transaction):
    """Call to reserve, reserve to award, unused hours back; each by two people."""
    award = an_award(tx)
    call = tx.rounds.find(award.round).call
    agreed(
        tx,
        propose_reserve(tx, act(), calls_account(tx, award), 100 * HOUR, "For emergencies.")[0],
    )
    assert 100 * HOUR == held(tx, AccountKind.RESERVE, call)
    more = Adjustment(gpu_type="H200", gpu_seconds=64 * HOUR, reason="A supplement.")
    proposal = propose_adjustment(tx, act(), award.id, more)[1]
    with pytest.raises(SecondPersonRequired):
        decide_proposal(tx, act(), proposal.id, approve=True, reason="Me too.")
    agreed(tx, proposal)
    assert 864 * HOUR == held(tx, AccountKind.AWARD, award.id)
    less = Adjustment(gpu_type="H200", gpu_seconds=-16 * HOUR, reason="Not needed.")
    agreed(tx, propose_adjustment(tx, act(), award.id, less)[1])
    reserve = calls_account(tx, award, AccountKind.RESERVE)
    agreed(tx, propose_reserve(tx, act(), reserve, 52 * HOUR, "Summer.")[0])
    assert (848 * HOUR, 0) == (
        held(tx, AccountKind.AWARD, award.id),
        held(tx, AccountKind.RESERVE, call),
    )
    balanced(tx)


def test_a_correction_moves_between_any_two_accounts(tx: Transaction):
    """It needs another account of the same GPU type, an amount and a reason."""
    award = an_award(tx)
    own = account_id(AccountKind.AWARD, award.id, "H200")
    group = account_id(AccountKind.GROUP, "vision", "H200")
    wrong = {"debit": own, "credit": group, "amount": HOUR, "reason": "Typing error."}
    agreed(tx, propose_correction(tx, act(), Movement(**wrong))[0])
    assert HOUR == held(tx, AccountKind.GROUP, "vision")
    balanced(tx)
    for changes in (
        {"credit": own},
        {"credit": account_id(AccountKind.CALL, tx.rounds.find(award.round).call, "B200")},
        {"amount": 0},
        {"reason": ""},
    ):
        with pytest.raises(InvalidValue):
            propose_correction(tx, act(), Movement(**{**wrong, **changes}))
    with pytest.raises(NotFound):
        propose_correction(tx, act(), Movement(**{**wrong, "credit": "group:none:H200"}))


def test_more_than_there_is_does_not_move(tx: Transaction):
    """The balance counts when the second person agrees, not when the first proposes."""
    award = an_award(tx)
    proposal = propose_reserve(tx, act(), calls_account(tx, award), 10**12, "All.")[0]
    with pytest.raises(BalanceTooSmall):
        agreed(tx, proposal)
    with pytest.raises(InvalidValue):
        propose_reserve(tx, act(), account_id(AccountKind.AWARD, award.id, "H200"), 1, "No.")
    unknown = Adjustment(gpu_type="B200", gpu_seconds=-HOUR, reason="Never held.")
    with pytest.raises(InvalidValue):
        propose_adjustment(tx, act(), award.id, unknown)


def test_hours_are_handed_on_inside_a_group_only(tx: Transaction):
    """An award cannot be handed to itself, nor hold less than nothing."""
    award = an_award(tx)
    handing = Handing(to=award.id, gpu_type="H200", gpu_seconds=1, reason="Joint work.")
    with pytest.raises(InvalidValue):
        propose_transfer(tx, act("lead"), award.id, handing)


def two_awards(tx: Transaction) -> dict[str, Award]:
    """Mina and Jun of one group hold 800 and 1600 H200-hours, accepted."""
    call = a_published_call(tx)
    return {award.fellow: award for award in awards_of_call(tx, call.id)}


def proposed(tx: Transaction, awards: dict[str, Award], by: str, giver: str, taker: str):
    """Somebody proposes to hand eight GPU-hours on."""
    handing = Handing(
        to=awards[taker].id, gpu_type="H200", gpu_seconds=8 * HOUR, reason="Joint work."
    )
    return propose_transfer(tx, act(by), awards[giver].id, handing)[0]


def agree_as(tx: Transaction, proposal, who: str) -> None:
    """Somebody agrees."""
    decide_proposal(tx, act(who), proposal.id, approve=True, reason="Agreed.")


def test_whose_hours_go_agrees_to_a_transfer(tx: Transaction):
    """Neither the lead who proposed it, nor another one, nor who gets the hours."""
    awards = two_awards(tx)
    proposal = proposed(tx, awards, "lead", "mina", "jun")
    assert 800 * HOUR == held(tx, AccountKind.AWARD, awards["mina"].id)
    for who, refusal in (
        ("lead", SecondPersonRequired),
        ("lead2", PartyRequired),
        ("jun", PartyRequired),
    ):
        with pytest.raises(refusal):
            agree_as(tx, proposal, who)
    agree_as(tx, proposal, "mina")
    assert (792 * HOUR, 1608 * HOUR) == tuple(
        held(tx, AccountKind.AWARD, awards[who].id) for who in ("mina", "jun")
    )
    balanced(tx)


def test_who_gets_the_hours_agrees_if_the_proposer_gives_them(tx: Transaction):
    """A lead who hands on their own hours has already agreed; anybody who may decide can refuse."""
    awards = two_awards(tx)
    decide_proposal(
        tx,
        act("mina"),
        proposed(tx, awards, "mina", "mina", "jun").id,
        approve=False,
        reason="I was wrong.",
    )
    proposal = proposed(tx, awards, "mina", "mina", "jun")
    with pytest.raises(PartyRequired):
        agree_as(tx, proposal, "lead")
    agree_as(tx, proposal, "jun")
    assert 1608 * HOUR == held(tx, AccountKind.AWARD, awards["jun"].id)


def test_a_transfer_dies_when_its_hours_become_somebody_elses(tx: Transaction):
    """Mina leaves and Jun is her heir: neither can agree to what was proposed to her."""
    awards = two_awards(tx)
    proposal = proposed(tx, awards, "lead", "mina", "jun")
    leaving = Moving(group=None, rule=MoveRule.HAND_OVER, heir="jun", reason="A new post.")
    move_person(tx, act("admin"), "mina", leaving)
    for who in ("mina", "jun"):
        nested = tx._connection.begin_nested()
        with pytest.raises(PartyRequired):
            agree_as(tx, proposal, who)
        nested.rollback()
    assert 800 * HOUR == held(tx, AccountKind.AWARD, awards["mina"].id)
