"""Reclaims: noticed, exempted, approved by a second person, taken once, in cells and ledger."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from scheduler.domain.access import Scope
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.burn import Basis
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import (
    AlreadyExists,
    ExemptionsWaiting,
    ExemptionTooLate,
    InvalidTransition,
    InvalidValue,
    NotFound,
    NoticeRunning,
    SecondPersonRequired,
)
from scheduler.domain.ledger import AccountKind
from scheduler.domain.reclaim import ReclaimRule
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import get_award, list_changes
from scheduler.operations.reclaims import (
    ask_exemption,
    get_reclaim,
    notices_of,
    propose_reclaim,
    reclaims_of,
)
from scheduler.operations.rounds import activate_round, close_round
from scheduler.operations.usage import import_usage
from scheduler.operations.use_records import reclaims_ahead
from scheduler.ports.store import Transaction
from scheduler.reclaim_rule import find_rule
from tests.unit.operations.center import ALL, act, as_fellow, seen
from tests.unit.operations.test_usage import HOUR, a_run, an_award, balanced, held

DAY = date(2026, 4, 15)
"""Half of the four weeks from 1 April."""
NOTICED = datetime(2026, 4, 2, tzinfo=UTC)
EFFECTIVE = datetime(2026, 4, 16, tzinfo=UTC)
"""Notice of 14 days ends after the checkpoint."""


def half_time(**changes) -> ReclaimRule:
    """NERSC's rule at half time alone, without grace."""
    nersc = find_rule("nersc")
    known = {"grace_days": 0, "notice_days": 14, "exemption_days": 7}
    return replace(nersc, checkpoints=nersc.checkpoints[1:2], **{**known, **changes})


def noticed(tx: Transaction, *, used: int = 10, rule: ReclaimRule | None = None) -> tuple:
    """Mina's award of 800 hours in the first week, of which eight times some hours are used."""
    award = an_award(tx)
    if used:
        run = a_run(ends_at=a_run().starts_at + timedelta(hours=used))
        import_usage(tx, act("collector"), [run])
    reclaim, _ = propose_reclaim(
        tx, act(now=NOTICED), award.round, rule or half_time(), DAY, reason="Half time."
    )
    return award, reclaim


def approve(tx: Transaction, id_: str, now: datetime = EFFECTIVE, person: str = "approver"):
    """A second person agrees."""
    return decide_proposal(tx, act(person, now), id_, approve=True, reason="Agreed.")


def test_the_shortfall_goes_to_the_directors_reserve(tx: Transaction):
    """720 of 800 hours are unused at half time; cells, ledger and story say the same."""
    award, reclaim = noticed(tx)
    (line,) = reclaim.lines
    assert (720 * HOUR, 800 * HOUR, 80 * HOUR) == (line.at_most, line.measure, line.used)
    assert EFFECTIVE == reclaim.proposal.not_before
    approve(tx, reclaim.proposal.id)
    after = get_award(tx, ALL, award.id)
    call = tx.rounds.find(award.round).call
    assert 80 == sum(cell.gpu_hours for cell in after.cells)
    assert (0, 720 * HOUR) == (
        held(tx, AccountKind.AWARD, award.id),
        held(tx, AccountKind.RESERVE, call),
    )
    last = list_changes(tx, ALL, award.id)[-1]
    assert AwardChangeKind.RECLAIMED is last.kind
    assert reclaim.proposal.id in last.reason
    (entered,) = [each for each in tx.events.of(award.round) if each.kind == "reclaim.entered"]
    assert (720 * HOUR, 1, 0) == tuple(
        entered.body[name] for name in ("gpu_seconds", "awards", "exempt")
    )
    balanced(tx)


def test_use_during_the_notice_is_spared(tx: Transaction):
    """What was used meanwhile is not taken: the lesser of notice and rule goes."""
    award, reclaim = noticed(tx)
    late = a_run(job="18", starts_at=NOTICED, ends_at=NOTICED + timedelta(hours=30))
    import_usage(tx, act("collector"), [late])
    approve(tx, reclaim.proposal.id)
    assert 320 == sum(cell.gpu_hours for cell in get_award(tx, ALL, award.id).cells)
    balanced(tx)


def test_a_notice_must_run_and_a_second_person_agree(tx: Transaction):
    """Not before its day, not by its proposer, not twice."""
    _, reclaim = noticed(tx)
    with pytest.raises(NoticeRunning):
        approve(tx, reclaim.proposal.id, EFFECTIVE - timedelta(seconds=1))
    with pytest.raises(SecondPersonRequired):
        approve(tx, reclaim.proposal.id, person="operator")
    approve(tx, reclaim.proposal.id)
    with pytest.raises(InvalidTransition):
        approve(tx, reclaim.proposal.id)


def test_a_checkpoint_is_proposed_once(tx: Transaction):
    """Again only after a refusal; after an approval never."""
    award, reclaim = noticed(tx)
    again = {"rule": half_time(), "day": DAY, "reason": "Again."}
    with pytest.raises(AlreadyExists):
        propose_reclaim(tx, act(now=NOTICED), award.round, **again)
    decide_proposal(tx, act("approver"), reclaim.proposal.id, approve=False, reason="Wrong day.")
    second, _ = propose_reclaim(tx, act(now=NOTICED), award.round, **again)
    assert 2 == len(reclaims_of(tx, award.round))
    approve(tx, second.proposal.id)
    with pytest.raises(AlreadyExists):
        propose_reclaim(tx, act(now=EFFECTIVE), award.round, **again)


def test_an_exemption_spares_the_award(tx: Transaction):
    """The fellow asks in time, somebody else grants it, and nothing is taken."""
    award, reclaim = noticed(tx)
    id_ = reclaim.proposal.id
    asked, event = ask_exemption(
        tx, as_fellow("mina", NOTICED), id_, award.id, "The data came late."
    )
    assert ("exemption.proposed", award.id) == (event.kind, event.subject)
    with pytest.raises(AlreadyExists):
        ask_exemption(tx, as_fellow("mina", NOTICED), id_, award.id, "Please.")
    approve(tx, asked.id, NOTICED)
    approve(tx, id_)
    assert 800 == sum(cell.gpu_hours for cell in get_award(tx, ALL, award.id).cells)
    (entered,) = [each for each in tx.events.of(award.round) if each.kind == "reclaim.entered"]
    assert (0, 1) == (entered.body["gpu_seconds"], entered.body["exempt"])


def test_an_undecided_exemption_holds_the_reclaim(tx: Transaction):
    """Nothing is taken over the head of who asked."""
    award, reclaim = noticed(tx)
    ask_exemption(tx, as_fellow("mina", NOTICED), reclaim.proposal.id, award.id, "Ill.")
    with pytest.raises(ExemptionsWaiting):
        approve(tx, reclaim.proposal.id)
    assert 800 == sum(cell.gpu_hours for cell in get_award(tx, ALL, award.id).cells)


def test_a_refused_exemption_changes_nothing(tx: Transaction):
    """It may be asked again, until the last day."""
    award, reclaim = noticed(tx)
    id_ = reclaim.proposal.id
    asked, _ = ask_exemption(tx, as_fellow("mina", NOTICED), id_, award.id, "Holiday.")
    decide_proposal(tx, act("approver", NOTICED), asked.id, approve=False, reason="No.")
    late = datetime(2026, 4, 10, tzinfo=UTC)
    assert date(2026, 4, 9) == reclaim.exemption_until
    with pytest.raises(ExemptionTooLate):
        ask_exemption(tx, as_fellow("mina", late), id_, award.id, "Holiday.")
    approve(tx, id_)
    with pytest.raises(InvalidTransition):
        ask_exemption(tx, as_fellow("mina", NOTICED), id_, award.id, "Too late.")
    assert 80 == sum(cell.gpu_hours for cell in get_award(tx, ALL, award.id).cells)


def test_others_cannot_ask_nor_see(tx: Transaction):
    """Another fellow's award is not there; an unknown reclaim neither."""
    award, reclaim = noticed(tx)
    with pytest.raises(NotFound):
        ask_exemption(tx, as_fellow("jun", NOTICED), reclaim.proposal.id, award.id, "Mine.")
    with pytest.raises(NotFound):
        get_reclaim(tx, "prp_none")
    with pytest.raises(NotFound):
        notices_of(tx, seen(Scope(own="jun")), award.id)
    (own,) = notices_of(tx, seen(Scope(own="mina")), award.id)
    assert [award.id] == [line.award for line in own.lines]


def test_what_would_take_nothing_is_refused(tx: Transaction):
    """An award on pace, a day that is no checkpoint, a round that is over."""
    with pytest.raises(InvalidValue, match="takes something"):
        noticed(tx, used=100)
    (round_,) = tx.rounds.list(ALL.scope).items
    with pytest.raises(InvalidValue, match="one of 2026-04-15"):
        propose_reclaim(
            tx, act(now=NOTICED), round_.id, half_time(), date(2026, 4, 16), reason="Now."
        )
    activate_round(tx, act(), round_.id)
    close_round(tx, act(now=EFFECTIVE), round_.id)
    with pytest.raises(InvalidTransition):
        propose_reclaim(tx, act(now=NOTICED), round_.id, half_time(), DAY, reason="Late.")


def test_an_award_that_loses_everything_ends(tx: Transaction):
    """Nothing used, nothing left: the award is reclaimed, and may not be used any more."""
    award, reclaim = noticed(tx, used=0)
    approve(tx, reclaim.proposal.id)
    after: Award = get_award(tx, ALL, award.id)
    assert (AwardState.RECLAIMED, (), 0) == (after.state, after.cells, after.held)
    balanced(tx)


def test_less_than_a_gang_hour_stays(tx: Transaction):
    """Awards are held in whole gang-hours; a remainder is left to the fellow."""
    small = half_time()
    band = replace(small.checkpoints[0].bands[0], take=9)
    rule = replace(small, checkpoints=(replace(small.checkpoints[0], bands=(band,)),))
    award, reclaim = noticed(tx, rule=rule)
    assert 720 * HOUR * 9 // 1000 == reclaim.lines[0].at_most
    approve(tx, reclaim.proposal.id)
    assert 800 == sum(cell.gpu_hours for cell in get_award(tx, ALL, award.id).cells)


def test_what_lies_ahead_is_said_weeks_before(tx: Transaction):
    """By its present rate and by the curve; past checkpoints are left out."""
    award = an_award(tx)
    found = reclaims_ahead(tx, ALL, award.round, half_time(), NOTICED)
    (coming,) = found
    assert (DAY, 800 * HOUR) == (coming.day, coming.takings[Basis.RATE].gpu_seconds)
    will = coming.takings[Basis.CURVE]
    assert 800 * HOUR == will.used + will.gpu_seconds
    assert 192 * HOUR < will.gpu_seconds < 193 * HOUR
    assert () == reclaims_ahead(tx, ALL, award.round, half_time(), EFFECTIVE)
    with pytest.raises(NotFound):
        reclaims_ahead(tx, ALL, "rnd_none", half_time(), NOTICED)
