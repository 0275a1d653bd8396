"""Gauges and reconciliations on both stores."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scheduler.domain.access import Scope
from scheduler.domain.errors import NotFound
from scheduler.domain.gauges import Gauge, gauge_id
from scheduler.domain.reconciliation import DifferenceState, RunawayCause, Source
from scheduler.operations.reconciliation import (
    get_reconciliation,
    list_gauges,
    list_reconciliations,
    reconcile,
    take_gauges,
)
from scheduler.operations.usage import import_usage
from scheduler.storage.store import SqlStore
from tests.unit.operations.center import ALL, act, seen
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, an_award

LATER = WEEK + timedelta(days=1)


def a_gauge(person="mina", used=0, running=0, at=LATER):
    """Return a gauge."""
    return Gauge(
        id=gauge_id("duru", "vision", person),
        cluster="duru",
        account="vision",
        person=person,
        limit_gpu_minutes=6000,
        used_gpu_minutes=used,
        running_gpus=running,
        seen_at=at,
    )


def test_a_gauge_takes_the_place_of_the_last_one(store: SqlStore) -> None:
    """Who is not told any more has no gauge of the latest asking; people see their own."""
    store.write(an_award)
    first = [a_gauge(used=1), a_gauge("jun", used=2)]
    store.write(lambda tx: take_gauges(tx, act("collector", LATER), "duru", first))
    again = [a_gauge(used=5, running=8, at=LATER + timedelta(hours=1)), a_gauge("x")]
    again[1] = a_gauge("stranger", at=again[0].seen_at)
    done = store.write(lambda tx: take_gauges(tx, act("collector", LATER), "duru", again))
    assert (2, 1, 5, 8) == (done.users, done.strangers, done.used_gpu_minutes, done.running_gpus)
    with store.read() as tx:
        assert [("mina", 5), ("stranger", 0)] == [
            (each.person, each.used_gpu_minutes) for each in tx.gauges.latest("duru")
        ]
        assert 3 == len(list_gauges(tx, ALL, cluster="duru").items)
        own = list_gauges(tx, seen(Scope(own="mina"), "mina")).items
        assert ["mina"] == [each.person for each in own]
        assert ["duru"] == tx.gauges.clusters()


def test_three_ways(store: SqlStore) -> None:
    """Accounting ahead, a correct controller, a runaway; the same on both stores, and kept."""
    store.write(an_award)
    since = WEEK - timedelta(hours=1)
    store.write(lambda tx: import_usage(tx, act("collector", LATER), [a_run()], source="duru"))
    gauges = [a_gauge(used=80 * 60), a_gauge("jun", used=60)]
    store.write(lambda tx: take_gauges(tx, act("collector", LATER), "duru", gauges))
    stray = a_run(job="20", user="jun", gpus=1, ended=False)
    told = [a_run(), a_run(job="19", gpus=1), stray]
    made, event = store.write(
        lambda tx: reconcile(tx, act("collector", LATER), "duru", told, since=since)
    )
    assert [
        (Source.ACCOUNTING, DifferenceState.AWAITED, "jun", 10 * HOUR),
        (Source.ACCOUNTING, DifferenceState.AWAITED, "mina", 10 * HOUR),
        (Source.CONTROLLER, DifferenceState.AWAITED, "jun", HOUR),
    ] == [(each.source, each.state, each.person, each.gpu_seconds) for each in made.differences]
    assert [("20", RunawayCause.NOT_RUNNING)] == [(each.job, each.cause) for each in made.runaways]
    assert (made.event, 3) == (event.seq, made.jobs)
    store.write(lambda tx: import_usage(tx, act("collector", LATER), told, source="duru"))
    second, _ = store.write(
        lambda tx: reconcile(tx, act("collector", LATER), "duru", told, since=since)
    )
    with store.read() as tx:
        assert made == get_reconciliation(tx, ALL, made.id)
        assert [made, second] == list(list_reconciliations(tx, ALL, cluster="duru").items)
        assert [second] == list(tx.reconciliations.latest())
        with pytest.raises(NotFound):
            get_reconciliation(tx, ALL, "rec_none")
    states = {(each.source, each.state) for each in second.differences}
    assert {(Source.CONTROLLER, DifferenceState.PARTIAL)} == states


def test_a_partial_feed_and_a_tampered_entry(store: SqlStore) -> None:
    """What a feed leaves out is partial; a consumed account beside its entries is unexplained."""
    store.write(an_award)
    store.write(lambda tx: import_usage(tx, act("collector", LATER), [a_run()], source="duru"))
    with store.read() as tx:
        sqlite = tx._connection.dialect.name == "sqlite"
    trigger = "usage_entries_no_update" if sqlite else "usage_entries_no_change ON usage_entries"
    store.write(lambda tx: tx._connection.execute(text(f"DROP TRIGGER {trigger}")))
    change = "UPDATE usage_entries SET gpu_seconds = gpu_seconds - 5 WHERE revision = 1"
    store.write(lambda tx: tx._connection.execute(text(change)))
    made, _ = store.write(lambda tx: reconcile(tx, act("collector", LATER), "duru", [], since=WEEK))
    assert [
        (Source.ACCOUNTING, DifferenceState.PARTIAL, 10 - 80 * HOUR),
        (Source.LEDGER, DifferenceState.UNEXPLAINED, 10),
    ] == [(each.source, each.state, each.gpu_seconds) for each in made.differences]


def test_a_reconciliation_is_never_changed(store: SqlStore) -> None:
    """The database refuses."""
    store.write(an_award)
    store.write(lambda tx: reconcile(tx, act("collector", LATER), "duru", [], since=WEEK))
    for change in ("UPDATE reconciliations SET jobs = 7", "DELETE FROM reconciliations"):
        with pytest.raises(DBAPIError, match="append-only"):
            store.write(lambda tx, change=change: tx._connection.execute(text(change)))
