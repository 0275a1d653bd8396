"""Publishing, accepting and returning are transfers; every scope sees its own accounts."""

from sqlalchemy import update

from scheduler.domain.access import EVERYTHING, Permit, Scope
from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep, TrialBalance
from scheduler.operations.awards import accept_award, list_awards, return_award
from scheduler.operations.ledger import check_ledger, list_accounts, list_transfers
from scheduler.ports.paging import AccountFilter
from scheduler.ports.store import Transaction
from scheduler.storage.tables import accounts
from tests.unit.operations.center import ALL, CLOSES, as_fellow, seen
from tests.unit.operations.test_rounds import published

HOUR = 3600
H200 = "H200"
OWN = Scope(own="mina")


def balances(tx: Transaction, permit: Permit = ALL) -> dict[str, tuple[int, int]]:
    """Return (held, set aside) by kind, in GPU-hours."""
    return {
        str(each.kind): (each.balance // HOUR, each.debits_pending // HOUR)
        for each in list_accounts(tx, permit, where=AccountFilter(gpu_type=H200)).items
    }


def trial_balance(tx: Transaction, permit: Permit = ALL) -> TrialBalance:
    """Return the trial balance of the pool that is awarded."""
    (found,) = [each for each in check_ledger(tx, permit) if each.gpu_type == H200]
    return found


def steps(tx: Transaction) -> list[tuple[str, str]]:
    """Return code and step of all transfers, in no order."""
    return sorted((str(each.code), str(each.step)) for each in list_transfers(tx, ALL).items)


def test_a_publication_funds_reserves_and_sets_aside(tx: Transaction):
    """Supply goes to the call, the awards' part to the group, and waits there for the fellow."""
    published(tx)
    held = balances(tx)
    supply = -held["supply"][0]
    assert supply > 800
    assert {
        "supply": (-supply, 0),
        "call": (supply - 800, 0),
        "group": (800, 800),
        "award": (0, 0),
    } == held
    trial = trial_balance(tx)
    assert (True, 800 * HOUR, 3) == (trial.holds, trial.pending, trial.transfers)


def test_an_acceptance_posts_what_was_set_aside(tx: Transaction):
    """The fellow holds the award, the group nothing more."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    accept_award(tx, as_fellow("mina", CLOSES), award.id)
    assert {"group": (0, 0), "award": (800, 0)}.items() <= balances(tx).items()
    assert ("award", "post") in steps(tx)


def test_returns_after_acceptance_go_back_to_the_call(tx: Transaction):
    """In part by whole gang-hours, rounded in favour of the fellow, and in the end whole."""
    published(tx)
    mine = as_fellow("mina", CLOSES)
    (award,) = list_awards(tx, ALL).items
    before = balances(tx)["call"][0]
    accept_award(tx, mine, award.id)
    return_award(tx, mine, award.id, gpu_hours=300_000, reason="Less data.")
    assert {"call": (before + 296, 0), "award": (504, 0)}.items() <= balances(tx).items()
    return_award(tx, mine, award.id, gpu_hours=1, reason="A trifle.")
    assert {"call": (before + 296, 0), "award": (504, 0)}.items() <= balances(tx).items()
    return_award(tx, mine, award.id, gpu_hours=3999, reason="With the trifle it is a gang-hour.")
    assert {"call": (before + 304, 0), "award": (496, 0)}.items() <= balances(tx).items()
    return_award(tx, mine, award.id, reason="Moved abroad.")
    assert {"call": (before + 800, 0), "award": (0, 0)}.items() <= balances(tx).items()
    assert trial_balance(tx).holds


def test_an_offer_is_returned_in_part_and_the_rest_accepted(tx: Transaction):
    """The offer is voided and made anew for the rest; nothing was ever held by the fellow."""
    published(tx)
    mine = as_fellow("mina", CLOSES)
    (award,) = list_awards(tx, ALL).items
    before = balances(tx)["call"][0]
    return_award(tx, mine, award.id, gpu_hours=300_000, reason="Less data.")
    assert {"call": (before + 296, 0), "group": (504, 504), "award": (0, 0)}.items() <= (
        balances(tx).items()
    )
    accept_award(tx, mine, award.id)
    assert {"group": (0, 0), "award": (504, 0)}.items() <= balances(tx).items()
    assert trial_balance(tx).holds


def test_an_offer_that_is_declined_is_voided(tx: Transaction):
    """Everything is back with the call."""
    published(tx)
    (award,) = list_awards(tx, ALL).items
    before = balances(tx)["call"][0]
    return_award(tx, as_fellow("mina", CLOSES), award.id, reason="No time.")
    assert {"call": (before + 800, 0), "group": (0, 0), "award": (0, 0)}.items() <= (
        balances(tx).items()
    )
    assert (str(TransferCode.AWARD), str(TransferStep.VOID)) in steps(tx)


def test_a_scope_sees_its_own_accounts(tx: Transaction):
    """A fellow sees the award, a lead the group too; nobody learns of others' accounts."""
    published(tx)
    lead = Scope(groups=frozenset({"vision"}))
    assert set(balances(tx, seen(OWN))) == {"award"}
    assert set(balances(tx, seen(lead))) == {"award", "group"}
    assert set(balances(tx, seen(Scope(own="ara")))) == set()
    assert list_transfers(tx, seen(Scope(own="ara"))).items == ()
    (seen_by_owner,) = list_transfers(tx, seen(OWN)).items
    assert seen_by_owner.code is TransferCode.AWARD


def test_a_balance_changed_in_the_store_is_found(tx: Transaction):
    """The trial balance is derived from the transfers, and names the account to who sees all."""
    published(tx)
    calls = AccountFilter(kind=AccountKind.CALL, gpu_type=H200)
    (call,) = list_accounts(tx, ALL, where=calls).items
    tx.ledger._connection.execute(
        update(accounts).values(credits_posted=1).where(accounts.c.id == call.id)
    )
    trial = trial_balance(tx, Permit(action="test", person="aud", scope=EVERYTHING))
    assert (False, 1, (call.id,)) == (trial.holds, trial.wrong, trial.named)
    shown = trial_balance(tx, seen(OWN))
    assert (1, ()) == (shown.wrong, shown.named)
