"""Usage in the books: exactly once, charged to the right award, corrected by two people."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from scheduler.domain.access import EVERYTHING, Scope
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.errors import InvalidTransition, InvalidValue, NotFound, SecondPersonRequired
from scheduler.domain.ledger import CENTER, AccountKind, account_id
from scheduler.domain.proposals import LIFE, ProposalKind
from scheduler.domain.usage import Run, SliceKey
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, get_award, list_awards, return_award
from scheduler.operations.ledger import check_ledger
from scheduler.operations.proposals import list_proposals
from scheduler.operations.rounds import activate_round, close_round
from scheduler.operations.usage import (
    UsageCorrection,
    import_usage,
    list_usage,
    propose_usage_correction,
)
from scheduler.ports.store import Transaction
from scheduler.ports.usage import UsageFilter
from tests.unit.operations.center import ALL, CLOSES, SECOND, act, as_fellow, seen
from tests.unit.operations.test_rounds import published

HOUR = 3600
WEEK = datetime(2026, 4, 1, 20, tzinfo=UTC)
"""Within the first slot, in which mina's award lies."""


def an_award(tx: Transaction) -> Award:
    """Mina's award of 800 GPU-hours of H200, accepted."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    return accept_award(tx, as_fellow("mina", CLOSES), award.id)[0]


def a_run(**changes) -> Run:
    """Mina's job of 8 GPUs for ten hours, over a midnight."""
    values = {
        "cluster": "duru",
        "job": "17",
        "user": "mina",
        "gpu_type": "h200",
        "gpus": 8,
        "starts_at": WEEK,
        "ends_at": WEEK + timedelta(hours=10),
    }
    return Run(**{**values, **changes})


def held(tx: Transaction, kind: AccountKind, owner: str, gpu_type: str = "H200") -> int:
    """Return what an account holds, in GPU-seconds; nothing if there is none."""
    account = tx.ledger.find(account_id(kind, owner, gpu_type))
    return 0 if account is None else account.balance


def balanced(tx: Transaction) -> None:
    """The fold agrees, and usage entries and consumed accounts are the same GPU-seconds."""
    assert all(each.holds for each in check_ledger(tx, ALL))
    for (award, gpu_type), total in tx.usage.totals().items():
        assert total == held(tx, AccountKind.CONSUMED, award or CENTER, gpu_type)


def test_use_leaves_the_award_once(tx: Transaction):
    """Entered again, alone or with more, the same seconds count once."""
    award = an_award(tx)
    first = import_usage(tx, act("collector"), [a_run()])
    again = import_usage(tx, act("collector"), [a_run(), a_run(job="18", gpus=1)])
    assert (2, 2, 80 * HOUR, 0) == (first.slices, first.grown, first.gpu_seconds, first.outside)
    assert (4, 2, 10 * HOUR) == (again.slices, again.grown, again.gpu_seconds)
    assert 710 * HOUR == held(tx, AccountKind.AWARD, award.id)
    assert 90 * HOUR == held(tx, AccountKind.CONSUMED, award.id)
    balanced(tx)


def test_any_order_and_delay_ends_in_the_same_books(tx: Transaction):
    """Sixty shuffled reports of growing jobs, a third of them twice, in seven batches."""
    award, chance = an_award(tx), Random(5)  # noqa: S311 - replayable
    runs = [
        a_run(job=str(job), gpus=1, ends_at=WEEK + timedelta(minutes=step * 31 * (job % 5 + 1)))
        for job in range(15)
        for step in (1, 2, 3, 4)
    ]
    told = [*runs, *chance.sample(runs, 20)]
    chance.shuffle(told)
    for part in range(7):
        import_usage(tx, act("collector"), told[part::7])
    expected = sum(4 * 31 * 60 * (job % 5 + 1) for job in range(15))
    assert expected == held(tx, AccountKind.CONSUMED, award.id)
    balanced(tx)


def test_what_fits_no_award_is_still_counted(tx: Transaction):
    """Somebody without award, a GPU type without one, a time outside: all leave the supply."""
    award = an_award(tx)
    strange = [
        a_run(job="1", user="nobody"),
        a_run(job="2", gpu_type="b200"),
        a_run(job="3", starts_at=WEEK + timedelta(days=30), ends_at=WEEK + timedelta(days=31)),
        a_run(job="4", gpu_type="mi300"),
    ]
    done = import_usage(tx, act("collector"), strange)
    assert done.gpu_seconds == done.outside
    assert 0 == held(tx, AccountKind.CONSUMED, award.id)
    assert (80 + 192) * HOUR == held(tx, AccountKind.CONSUMED, CENTER)
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, CENTER, "B200")
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, CENTER, "mi300")
    balanced(tx)


def test_the_cluster_may_name_the_award(tx: Transaction):
    """A job under the award's QOS is charged to it, whoever ran it and whenever."""
    award = an_award(tx)
    late = WEEK + timedelta(days=60)
    run = a_run(user="jun", hint=("normal", award.id), starts_at=late, ends_at=late + 9 * SECOND)
    import_usage(tx, act("collector"), [run, a_run(job="9", user="jun", hint=("awd_none",))])
    assert 72 == held(tx, AccountKind.CONSUMED, award.id)
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, CENTER)
    entries = list_usage(tx, seen(Scope(own="mina"))).items
    assert {("jun", award.id)} == {(each.person, each.award) for each in entries}
    assert () == list_usage(tx, seen(Scope(own="ara"))).items
    assert 3 == len(list_usage(tx, ALL, where=UsageFilter(person="jun")).items)


def test_an_untyped_gpu_is_of_the_only_type_there_can_be(tx: Transaction):
    """Slurm may not say which GPU; an award of one type does."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run(gpu_type="gpu")])
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, award.id)


def test_more_than_the_award_holds_is_entered_too(tx: Transaction):
    """Use is a fact: the award stands below nothing, and nothing can leave it any more."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run(gpus=128)])
    assert -480 * HOUR == held(tx, AccountKind.AWARD, award.id)
    (trial,) = [each for each in check_ledger(tx, ALL) if each.gpu_type == "H200"]
    assert (True, 480 * HOUR) == (trial.holds, trial.overdrawn)
    returned, _ = return_award(tx, as_fellow("mina", CLOSES), award.id, reason="Done.")
    assert AwardState.RETURNED is returned.state
    balanced(tx)


def test_who_returns_everything_gives_back_what_is_not_used(tx: Transaction):
    """Used hours stay used."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    return_award(tx, as_fellow("mina", CLOSES), award.id, reason="Done early.")
    assert (0, 80 * HOUR) == (
        held(tx, AccountKind.AWARD, award.id),
        held(tx, AccountKind.CONSUMED, award.id),
    )
    balanced(tx)


def a_correction(tx: Transaction, by: str = "operator", **changes):
    """Propose that the first slice used one GPU-hour only."""
    wanted = {
        "key": SliceKey("duru", "17", WEEK),
        "gpu_seconds": HOUR,
        "reason": "Runaway job.",
        **changes,
    }
    return propose_usage_correction(tx, act(by), UsageCorrection(**wanted))[0]


def test_a_correction_needs_a_reason_and_a_second_person(tx: Transaction):
    """Until then nothing changes; then a new entry takes back, and the feed is not followed."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    proposal = a_correction(tx)
    with pytest.raises(SecondPersonRequired):
        decide_proposal(tx, act("operator"), proposal.id, approve=True, reason="Sure.")
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, award.id)
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Seen in the logs.")
    assert 49 * HOUR == held(tx, AccountKind.CONSUMED, award.id)
    with pytest.raises(InvalidTransition):
        decide_proposal(tx, act("second"), proposal.id, approve=True, reason="Again.")
    later = import_usage(tx, act("collector"), [a_run(), a_run(ends_at=WEEK + 20 * SECOND)])
    assert (0, 1) == (later.gpu_seconds, later.disputed)
    entries = list_usage(tx, ALL).items
    assert [32 * HOUR, 48 * HOUR, -31 * HOUR] == [each.gpu_seconds for each in entries]
    assert "Runaway job." == entries[-1].reason
    balanced(tx)


def test_a_correction_may_also_add(tx: Transaction):
    """What the cluster forgot is used too."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    proposal = a_correction(tx, gpu_seconds=40 * HOUR, reason="Accounting was down.")
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Right.")
    assert 88 * HOUR == held(tx, AccountKind.CONSUMED, award.id)
    balanced(tx)


def test_a_correction_of_nothing_is_refused(tx: Transaction):
    """Of an unknown slice, to the same amount, below nothing, without reason."""
    an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    with pytest.raises(NotFound):
        a_correction(tx, key=SliceKey("duru", "18", WEEK))
    for changes in ({"gpu_seconds": 32 * HOUR}, {"gpu_seconds": -1}, {"reason": " "}):
        with pytest.raises(InvalidValue):
            a_correction(tx, **changes)


def test_a_proposal_can_be_rejected_and_expires(tx: Transaction):
    """A rejected or forgotten proposal changes nothing."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    refused, forgotten = a_correction(tx), a_correction(tx)
    decide_proposal(tx, act("approver"), refused.id, approve=False, reason="No.")
    late = act("approver", forgotten.expires_at + SECOND)
    with pytest.raises(InvalidTransition) as refusal:
        decide_proposal(tx, late, forgotten.id, approve=True, reason="Oh.")
    assert "expired" == refusal.value.fields["state"]
    assert forgotten.expires_at == forgotten.proposed_at + LIFE
    assert 80 * HOUR == held(tx, AccountKind.CONSUMED, award.id)
    assert 2 == len(list_proposals(tx, {ProposalKind.USAGE_CORRECTION: EVERYTHING}).items)
    assert 0 == len(list_proposals(tx, {ProposalKind.MOVE: EVERYTHING}).items)


@pytest.mark.parametrize("closed_first", [True, False])
def test_what_is_not_used_lapses_whenever_the_feed_comes(tx: Transaction, *, closed_first: bool):
    """Usage that is told after the round was closed comes out of what lapsed."""
    award = an_award(tx)
    steps = [lambda: import_usage(tx, act("collector"), [a_run()]), lambda: _close(tx, award)]
    for step in reversed(steps) if closed_first else steps:
        step()
    assert (0, 80 * HOUR, 720 * HOUR) == (
        held(tx, AccountKind.AWARD, award.id),
        held(tx, AccountKind.CONSUMED, award.id),
        held(tx, AccountKind.LAPSED, award.id),
    )
    assert AwardState.EXPIRED is get_award(tx, ALL, award.id).state
    proposal = a_correction(tx)
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Yes.")
    assert 751 * HOUR == held(tx, AccountKind.LAPSED, award.id)
    balanced(tx)


def test_an_unanswered_offer_lapses_too(tx: Transaction):
    """What was set aside for somebody who never answered is nobody's any more."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    _close(tx, award)
    assert 800 * HOUR == held(tx, AccountKind.LAPSED, award.id)
    balanced(tx)


def _close(tx: Transaction, award: Award) -> None:
    activate_round(tx, act(), award.round)
    close_round(tx, act(), award.round)
