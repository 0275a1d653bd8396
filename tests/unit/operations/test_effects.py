"""Effects: whatever changes what an award allows is kept for every cluster, in its transaction."""

import pytest
from sqlalchemy import select

from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep, read_account_id
from scheduler.domain.usage import SliceKey
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import return_award
from scheduler.operations.ledger import list_transfers
from scheduler.operations.movements import Adjustment, propose_adjustment, propose_reserve
from scheduler.operations.rounds import activate_round, close_round
from scheduler.operations.usage import UsageCorrection, import_usage, propose_usage_correction
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlStore
from scheduler.storage.tables.enforcement import effects
from tests.unit.operations.center import ALL, CLOSES, act, as_fellow
from tests.unit.operations.test_limits import MUCH
from tests.unit.operations.test_movements import calls_account
from tests.unit.operations.test_reclaims import approve, noticed
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, an_award


def kept(tx: Transaction) -> set[tuple[int, str]]:
    """Return event and award of every effect."""
    return set(tx.enforcement._connection.execute(select(effects.c.event, effects.c.award)))


def by_transfers(tx: Transaction) -> set[tuple[int, str]]:
    """Return event and award of whatever an award got or lost otherwise than by use."""
    found = set()
    for each in everything(lambda part: list_transfers(tx, ALL, part)):
        if each.code is TransferCode.USE or each.step is TransferStep.PENDING:
            continue
        for account in (each.debit, each.credit):
            kind, owner, _ = read_account_id(account)
            found |= {(each.event, owner)} if kind is AccountKind.AWARD else set()
    return found


def test_every_change_of_an_award_is_an_effect_and_use_is_none(tx: Transaction):
    """Acceptance, return, adjustment, correction, expiry: one each; an import adds none."""
    award = an_award(tx)
    counts = [len(kept(tx))]

    def agreed(proposal) -> None:
        decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
        counts.append(len(kept(tx)))

    import_usage(tx, act("collector"), [a_run()])
    counts.append(len(kept(tx)))
    return_award(tx, as_fellow("mina", CLOSES), award.id, gpu_hours=80_000, reason="Less.")
    counts.append(len(kept(tx)))
    agreed(propose_reserve(tx, act(), calls_account(tx, award), 60 * HOUR, "In need.")[0])
    more = Adjustment(gpu_type="H200", gpu_seconds=24 * HOUR, reason="A supplement.")
    agreed(propose_adjustment(tx, act(), award.id, more)[1])
    wanted = UsageCorrection(
        key=SliceKey("duru", "17", WEEK), gpu_seconds=8 * HOUR, reason="A node failed."
    )
    agreed(propose_usage_correction(tx, act("operator"), wanted)[0])
    activate_round(tx, act("operator", WEEK), award.round)
    close_round(tx, act("operator", WEEK + MUCH), award.round)
    counts.append(len(kept(tx)))
    assert [1, 1, 2, 2, 3, 4, 5] == counts
    assert by_transfers(tx) == kept(tx)


def test_a_reclaim_is_an_effect(tx: Transaction):
    """What a rule takes back is heard of once the second person agreed, not by its notice."""
    _, reclaim = noticed(tx)
    before = kept(tx)
    approve(tx, reclaim.proposal.id)
    assert 1 == len(kept(tx) - before)
    assert by_transfers(tx) == kept(tx)


def test_what_is_not_committed_has_no_effect(tmp_path):
    """Killed before the commit, neither books nor clusters hear of it."""

    def killed(tx: Transaction) -> None:
        an_award(tx)
        assert kept(tx)
        raise RuntimeError("killed")

    with SqlStore(f"sqlite:///{tmp_path / 'dure.db'}") as store:
        with pytest.raises(RuntimeError, match="killed"):
            store.write(killed)
        with store.read() as tx:
            assert (set(), ()) == (kept(tx), list_transfers(tx, ALL).items)
