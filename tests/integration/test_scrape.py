"""What monitoring says is what the ledger's fold says, to the GPU-second, on both stores."""

from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.monitoring.books import DERIVE_AGAIN
from api.monitoring.collector import KEEP_SECONDS
from scheduler.operations.awards import return_award
from scheduler.operations.ledger import check_ledger
from scheduler.storage.store import SqlStore
from tests.monitored import NOW, a_used_center, monitored, use
from tests.unit.operations.center import ALL, CLOSES, as_fellow
from tests.unit.operations.reallocating import reallocate
from tests.unit.operations.test_reallocations import a_full_round
from tests.unit.operations.test_usage import HOUR


def sums(metrics, *names, by):
    """Return the sums of some metrics by one label."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(metrics.center("")[0].decode()):
        for sample in family.samples:
            if sample.name in names:
                sign = -1 if "refunded" in sample.name else 1
                found[sample.labels[by]] += sign * sample.value
    return {key: value for key, value in found.items() if value}


def agrees(store: SqlStore, metrics) -> None:
    """Compare a scrape with the fold of every transfer and with the usage entries."""
    with store.read() as tx:
        trials = check_ledger(tx, ALL)
        used: Counter[str] = Counter()
        for (_, gpu_type), amount in tx.usage.totals().items():
            used[gpu_type] += amount
    net = ("dure_usage_gpu_seconds_total", "dure_usage_refunded_gpu_seconds_total")
    assert dict(used) == sums(metrics, *net, by="gpu_type")
    held = {str(kind): sum(each.balances[kind] for each in trials) for kind in trials[0].balances}
    assert {kind: each for kind, each in held.items() if each} == sums(
        metrics, "dure_ledger_gpu_seconds", by="account"
    )
    wrong = {each.gpu_type: each.wrong for each in trials if each.wrong}
    assert wrong == sums(metrics, "dure_ledger_wrong_accounts", by="gpu_type")


def test_a_scrape_equals_the_fold(store: SqlStore):
    """After each of ten imports the scrape that adds only what is new equals the whole fold."""
    store.write(a_used_center)
    metrics, _, clock = monitored(store)
    agrees(store, metrics)
    for step in range(10):
        store.write(lambda tx, step=step: use(tx, f"more-{step}", hours=step * 9 + 1))
        clock.at += KEEP_SECONDS + 1
        agrees(store, metrics)


@pytest.mark.parametrize("after", [timedelta(0), DERIVE_AGAIN])
def test_a_wrong_balance_is_seen_at_once_and_a_changed_transfer_within_the_hour(
    store: SqlStore, after: timedelta
):
    """The next scrape finds a changed balance; a changed transfer, the next derivation."""
    award = store.write(a_used_center)
    moment = [NOW]
    metrics, _, clock = monitored(store, now=lambda: moment[0])
    agrees(store, metrics)
    where = f"WHERE id = 'consumed:{award}:H200'"
    if after:
        _disarm(store)
        statement = "UPDATE ledger_transfers SET amount = amount + 1 WHERE code = 'use'"
    else:
        statement = f"UPDATE ledger_accounts SET credits_posted = credits_posted + 1 {where}"  # noqa: S608
    store.write(lambda tx: tx._connection.execute(text(statement)))
    clock.at += KEEP_SECONDS + 1
    moment[0] += after
    found = sums(metrics, "dure_ledger_wrong_accounts", by="gpu_type")
    assert found["H200"] >= 1


def _disarm(store: SqlStore) -> None:
    """Take away what makes the database refuse, as a thief of the file could."""
    sqlite = "DROP TRIGGER ledger_transfers_no_update"
    postgresql = "DROP TRIGGER ledger_transfers_no_change ON ledger_transfers"
    with store.read() as tx:
        statement = sqlite if tx._connection.dialect.name == "sqlite" else postgresql
    store.write(lambda tx: tx._connection.execute(text(statement)))


def test_a_reallocation_supplies_nothing_anew(store: SqlStore):
    """Over all rounds of a call the supply is what its pools give once, and the books agree."""

    def go_on(tx) -> None:
        round_, awards = a_full_round(tx, "First")
        return_award(tx, as_fellow("mina", CLOSES), awards["mina"], reason="No time.")
        reallocate(tx, round_, CLOSES)

    store.write(go_on)
    metrics, _, _ = monitored(store)
    agrees(store, metrics)
    supplied = {"h200": 4 * 32 * 168 * HOUR, "b200": 4 * 16 * 168 * HOUR}
    assert supplied == sums(metrics, "dure_capacity_gpu_seconds", by="pool")
    given = sums(metrics, "dure_ledger_gpu_seconds", by="account")
    assert -sum(supplied.values()) == given["supply"]
