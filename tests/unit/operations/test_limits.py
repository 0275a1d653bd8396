"""Limits are read from the ledger: what an award still holds and what it used, never wiped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from scheduler.domain.access import Scope
from scheduler.domain.awards import AwardState
from scheduler.domain.ledger import AccountKind, TransferCode, account_id
from scheduler.domain.limits import AwardLimit
from scheduler.domain.usage import SliceKey
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, get_award, list_awards, return_award
from scheduler.operations.directory import put_person
from scheduler.operations.ledger import list_transfers
from scheduler.operations.limits import award_limits
from scheduler.operations.movements import Adjustment, propose_adjustment, propose_reserve
from scheduler.operations.rounds import activate_round, close_round
from scheduler.operations.usage import UsageCorrection, import_usage, propose_usage_correction
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from tests.unit.operations.center import ALL, CLOSES, act, as_fellow, seen
from tests.unit.operations.test_movements import calls_account
from tests.unit.operations.test_rounds import published
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, an_award

MUCH = timedelta(days=60)


def the_limit(tx: Transaction) -> AwardLimit:
    """Mina's limit, and that it agrees with the transfers of its account."""
    (limit,) = award_limits(tx, ALL)
    account = account_id(AccountKind.AWARD, limit.award, limit.gpu_type)
    granted = 0
    for each in everything(lambda part: list_transfers(tx, ALL, part, account=account)):
        if each.step in {"posted", "post"} and each.code not in {"use", "refund"}:
            granted += each.amount if each.credit == account else -each.amount
    assert granted == limit.granted_gpu_seconds
    return limit


def amounts(tx: Transaction) -> tuple[int, int, int]:
    """Return granted, used and left, in GPU-hours."""
    limit = the_limit(tx)
    seconds = limit.granted_gpu_seconds, limit.used_gpu_seconds, limit.left_gpu_seconds
    return seconds[0] // HOUR, seconds[1] // HOUR, seconds[2] // HOUR


def test_an_offer_has_no_limit_until_it_is_accepted(tx: Transaction):
    """What is set aside may not be used; accepted, all of it may, by the one who asked."""
    published(tx)
    assert () == award_limits(tx, ALL)
    (award,) = list_awards(tx, ALL).items
    accept_award(tx, as_fellow("mina", CLOSES), award.id)
    limit = the_limit(tx)
    assert (
        AwardLimit(
            award=award.id,
            round=award.round,
            person="mina",
            group="vision",
            institute="kaist",
            gpu_type="H200",
            state=AwardState.ACCEPTED,
            granted_gpu_seconds=800 * HOUR,
            used_gpu_seconds=0,
            window=(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC)),
            gpus=16,
            gang_gpus=8,
        )
        == limit
    )


def test_a_declined_offer_has_no_limit(tx: Transaction):
    """Nothing was ever held."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    return_award(tx, as_fellow("mina", CLOSES), award.id, reason="No time.")
    assert () == award_limits(tx, ALL)


def test_use_is_counted_and_never_wipes_the_limit(tx: Transaction):
    """Granted stays, used grows, left falls; beyond the award nothing is left."""
    an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    assert (800, 80, 720) == amounts(tx)
    import_usage(tx, act("collector"), [a_run(job="18", gpus=128)])
    assert (800, 1360, 0) == amounts(tx)


def test_returns_and_movements_change_what_is_granted(tx: Transaction):
    """A return lowers it at once, an adjustment raises it, a correction gives use back."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    return_award(tx, as_fellow("mina", CLOSES), award.id, gpu_hours=300_000, reason="Less.")
    assert (504, 80, 424) == amounts(tx)
    reserve = propose_reserve(tx, act(), calls_account(tx, award), 64 * HOUR, "In need.")[0]
    more = Adjustment(gpu_type="H200", gpu_seconds=64 * HOUR, reason="A supplement.")
    for proposal in (reserve, propose_adjustment(tx, act(), award.id, more)[1]):
        decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
    assert (568, 80, 488) == amounts(tx)
    wanted = UsageCorrection(
        key=SliceKey("duru", "17", WEEK), gpu_seconds=8 * HOUR, reason="A node failed."
    )
    fixed = propose_usage_correction(tx, act("operator"), wanted)[0]
    decide_proposal(tx, act("approver"), fixed.id, approve=True, reason="Agreed.")
    assert (568, 56, 512) == amounts(tx)


def test_what_is_over_has_nothing_left(tx: Transaction):
    """Returned whole or expired with its round: granted is what was used."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    return_award(tx, as_fellow("mina", CLOSES), award.id, reason="Moved abroad.")
    assert (80, 80, 0) == amounts(tx)
    assert AwardState.RETURNED is the_limit(tx).state


def test_an_expired_award_has_nothing_left(tx: Transaction):
    """What was not used lapsed with the round."""
    award = an_award(tx)
    activate_round(tx, act("operator", WEEK), award.round)
    import_usage(tx, act("collector"), [a_run()])
    close_round(tx, act("operator", WEEK + MUCH), award.round)
    assert (80, 80, 0) == amounts(tx)
    assert AwardState.EXPIRED is the_limit(tx).state


def test_a_state_that_allows_no_use_leaves_nothing(tx: Transaction):
    """An award that holds hours but may not be used has nothing left."""
    an_award(tx)
    limit = replace(the_limit(tx), state=AwardState.RECLAIMED)
    assert (800 * HOUR, 0) == (limit.granted_gpu_seconds, limit.left_gpu_seconds)


def test_a_limit_follows_its_fellow_into_another_group(tx: Transaction):
    """Group and institute are those of today."""
    an_award(tx)
    mina = tx.people.find("mina")
    put_person(tx, act("admin", CLOSES), replace(mina, group="folding"))
    assert ("folding", "gist") == (the_limit(tx).group, the_limit(tx).institute)


def test_a_scope_sees_its_own_limits(tx: Transaction):
    """A fellow sees their own, a lead those of the group, nobody those of others."""
    an_award(tx)
    counts = {
        len(award_limits(tx, seen(Scope(own="mina")))),
        len(award_limits(tx, seen(Scope(groups=frozenset({"vision"}))))),
    }
    assert {1} == counts
    assert () == award_limits(tx, seen(Scope(own="ara")))


def test_any_sequence_of_acts_agrees_with_the_transfers(tx: Transaction):
    """Fifty drawn returns, uses and adjustments: granted is what the transfers say."""
    award, chance = an_award(tx), Random(11)  # noqa: S311 - replayable
    fund = propose_reserve(tx, act(), calls_account(tx, award), 900 * HOUR, "In need.")[0]
    decide_proposal(tx, act("approver"), fund.id, approve=True, reason="Agreed.")
    for step in range(50):
        kind = chance.choice(("use", "return", "adjust"))
        if kind == "use":
            import_usage(tx, act("collector"), [a_run(job=str(step), gpus=chance.randint(1, 2))])
        elif kind == "return" and get_award(tx, ALL, award.id).held > 20_000:
            given = chance.randint(1, 20_000)
            return_award(tx, as_fellow("mina", CLOSES), award.id, gpu_hours=given, reason="Less.")
        else:
            more = Adjustment(
                gpu_type="H200", gpu_seconds=8 * HOUR * chance.randint(1, 2), reason="More."
            )
            proposal = propose_adjustment(tx, act(), award.id, more)[1]
            decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
        limit = the_limit(tx)
        account = tx.ledger.find(account_id(AccountKind.AWARD, award.id, "H200"))
        assert max(account.balance, 0) == limit.left_gpu_seconds
    assert TransferCode.USE in {each.code for each in list_transfers(tx, ALL).items}
