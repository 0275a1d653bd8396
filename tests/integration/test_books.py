"""Usage and proposals on both stores: what one transaction keeps, the next one reads."""

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from scheduler.operations.approvals import decide_proposal
from scheduler.operations.ledger import check_ledger
from scheduler.operations.usage import import_usage
from scheduler.storage.store import SqlStore
from tests.unit.operations.center import ALL, act
from tests.unit.operations.test_usage import HOUR, a_correction, a_run, an_award


def test_the_books_are_alike_on_both_stores(store: SqlStore) -> None:
    """Many small imports, a correction, and the sums by award and by day."""
    award = store.write(an_award)
    for part in range(5):
        runs = [a_run(), *(a_run(job=f"{part}-{number}", gpus=1) for number in range(40))]
        store.write(lambda tx, runs=runs: import_usage(tx, act("collector"), runs))
    proposal = store.write(a_correction)
    store.write(
        lambda tx: decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Yes.")
    )
    with store.read() as tx:
        assert all(each.holds for each in check_ledger(tx, ALL))
        assert {(award.id, "H200"): 2049 * HOUR} == tx.usage.totals()
        assert {
            ("H200", date(2026, 4, 1)): 801 * HOUR,
            ("H200", date(2026, 4, 2)): 1248 * HOUR,
        } == tx.usage.by_day([award.id])[award.id]
        assert ["duru"] == tx.usage.clusters()
        assert 403 == len(tx.usage.of_cluster("duru"))
        assert "approved" == tx.proposals.find(proposal.id).state
        (entry,) = [each for each in tx.usage.of_jobs("duru", ["17"]) if each.revision == 2]
    with pytest.raises(IntegrityError):
        store.write(lambda tx: tx.usage.add([entry]))
